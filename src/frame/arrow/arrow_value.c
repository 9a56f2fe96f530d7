/* arrow_value.c: Arrow's types as Spark's, and Arrow's values into columns. */
#include "frame/arrow/arrow_internal.h"
#include "frame/text/text_column.h"
#include "frame/type/datetime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- types ---------------------------------------------------------------------------------------------------------
 */

static int unsupported(const struct ArrowSchema *schema, ch_error *err)
{
    char text[200];
    ArrowSchemaToString(schema, text, sizeof text, 1);
    return ch_raise(err, "UNSUPPORTED_ARROWTYPE", "typeName", text, (char *)NULL);
}

static int spark_children(const struct ArrowSchema *schema, ch_arena *arena, int depth, ch_field **fields,
                          ch_error *err)
{
    size_t n = (size_t)schema->n_children;
    *fields = CH_NEW_ARRAY(arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        const struct ArrowSchema *child = schema->children[i];
        (*fields)[i].name = ch_arena_strdup(arena, child->name ? child->name : "");
        (*fields)[i].nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0;
        CH_TRY(ch_arrow_spark_type(child, arena, depth + 1, &(*fields)[i].type, err));
    }
    return 0;
}

static int spark_nested(const struct ArrowSchema *schema, enum ArrowType type, ch_arena *arena, int depth,
                        const ch_type **out, ch_error *err)
{
    ch_field *fields;
    if (type == NANOARROW_TYPE_STRUCT) {
        CH_TRY(spark_children(schema, arena, depth, &fields, err));
        *out = ch_type_struct(arena, fields, (size_t)schema->n_children);
        return 0;
    }
    const struct ArrowSchema *items = type == NANOARROW_TYPE_MAP ? schema->children[0] : schema;
    CH_TRY(spark_children(items, arena, depth, &fields, err));
    *out = type == NANOARROW_TYPE_MAP ? ch_type_map(arena, fields[0].type, fields[1].type, fields[1].nullable)
                                      : ch_type_array(arena, fields[0].type, fields[0].nullable);
    return 0;
}

/* The types without parameters, as Spark's ArrowUtils reads them; unsigned integers go where they fit. */
static const ch_type *simple_type(const struct ArrowSchemaView *view)
{
    switch (view->type) {
    case NANOARROW_TYPE_NA: return &ch_type_null;
    case NANOARROW_TYPE_BOOL: return &ch_type_boolean;
    case NANOARROW_TYPE_INT8: return &ch_type_byte;
    case NANOARROW_TYPE_UINT8:
    case NANOARROW_TYPE_INT16: return &ch_type_short;
    case NANOARROW_TYPE_UINT16:
    case NANOARROW_TYPE_INT32: return &ch_type_int;
    case NANOARROW_TYPE_UINT32:
    case NANOARROW_TYPE_INT64: return &ch_type_long;
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT: return &ch_type_float;
    case NANOARROW_TYPE_DOUBLE: return &ch_type_double;
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING: return &ch_type_string;
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY: return &ch_type_binary;
    case NANOARROW_TYPE_DATE32:
    case NANOARROW_TYPE_DATE64: return &ch_type_date;
    case NANOARROW_TYPE_TIMESTAMP:
        return view->timezone && *view->timezone ? &ch_type_timestamp : &ch_type_timestamp_ntz;
    case NANOARROW_TYPE_DURATION: return &ch_type_day_time;
    case NANOARROW_TYPE_INTERVAL_MONTHS: return &ch_type_year_month;
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO: return &ch_type_calendar;
    default: return NULL;
    }
}

int ch_arrow_spark_type(const struct ArrowSchema *schema, ch_arena *arena, int depth, const ch_type **out,
                        ch_error *err)
{
    struct ArrowSchemaView view;
    if (depth > CH_TYPE_DEPTH_MAX || ArrowSchemaViewInit(&view, schema, NULL)) return unsupported(schema, err);
    if (schema->dictionary) return ch_arrow_spark_type(schema->dictionary, arena, depth + 1, out, err);
    switch (view.type) {
    case NANOARROW_TYPE_UINT64: *out = ch_type_decimal(arena, 20, 0); return 0;
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
        if (view.decimal_precision < 1 || view.decimal_precision > 38 || view.decimal_scale < 0 ||
            view.decimal_scale > view.decimal_precision) {
            return unsupported(schema, err);
        }
        *out = ch_type_decimal(arena, view.decimal_precision, view.decimal_scale);
        return 0;
    case NANOARROW_TYPE_STRUCT:
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_FIXED_SIZE_LIST:
    case NANOARROW_TYPE_MAP: return spark_nested(schema, view.type, arena, depth, out, err);
    default: *out = simple_type(&view);
    }
    return *out ? 0 : unsupported(schema, err);
}

/* --- errors of values ------------------------------------------------------------------------------------------------
 */

int ch_arrow_too_many(ch_error *err)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The Arrow data claims more rows than its bytes can hold.");
}

static int mismatch(const ch_field *field, const struct ArrowSchema *schema, ch_error *err)
{
    char from[120];
    ch_buf to = {0};
    ArrowSchemaToString(schema, from, sizeof from, 0);
    ch_type_sql(&to, field->type);
    int status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Column `%s`: Arrow values of type %s cannot be read as %s.",
                          field->name, from, ch_buf_text(&to));
    ch_buf_reset(&to);
    return status;
}

static int overflow(const char *value, const char *from, const ch_type *to, ch_error *err)
{
    ch_buf type = {0};
    ch_buf_char(&type, '"');
    ch_type_sql(&type, to);
    ch_buf_char(&type, '"');
    int status = ch_raise(err, "CAST_OVERFLOW", "value", value, "sourceType", from, "targetType", ch_buf_text(&type),
                          "ansiConfig", "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_buf_reset(&type);
    return status;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------
 */

static bool is_integer(enum ArrowType t)
{
    return t >= NANOARROW_TYPE_UINT8 && t <= NANOARROW_TYPE_INT64;
}

static int put_integer(ch_column *out, size_t at, int64_t v, ch_error *err)
{
    char text[32];
    switch (out->type->kind) {
    case CH_BYTE:
        if (v < INT8_MIN || v > INT8_MAX) break;
        ((int8_t *)out->data)[at] = (int8_t)v;
        return 0;
    case CH_SHORT:
        if (v < INT16_MIN || v > INT16_MAX) break;
        ((int16_t *)out->data)[at] = (int16_t)v;
        return 0;
    case CH_INT:
        if (v < INT32_MIN || v > INT32_MAX) break;
        ((int32_t *)out->data)[at] = (int32_t)v;
        return 0;
    default: ((int64_t *)out->data)[at] = v; return 0;
    }
    snprintf(text, sizeof text, "%" PRId64 "L", v);
    return overflow(text, "\"BIGINT\"", out->type, err);
}

static int fill_integer(ch_column *out, size_t at, const struct ArrowArrayView *in, int64_t row, ch_error *err)
{
    if (in->storage_type == NANOARROW_TYPE_UINT64) {
        uint64_t v = ArrowArrayViewGetUIntUnsafe(in, row);
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, v);
        if (v > INT64_MAX) return overflow(text, "\"DECIMAL(20,0)\"", out->type, err);
    }
    return put_integer(out, at, ArrowArrayViewGetIntUnsafe(in, row), err);
}

/* An unscaled value into a decimal column, after bringing it from `scale` to the column's. */
static int put_decimal(ch_column *out, size_t at, ch_int128 v, int scale, ch_error *err)
{
    const ch_type *t = out->type;
    ch_int128 limit = 1;
    for (int i = 0; i < t->precision; i++) limit *= 10;
    bool fits = true;
    for (; scale < t->scale && fits; scale++) fits = !__builtin_mul_overflow(v, (ch_int128)10, &v);
    if (scale > t->scale) {
        ch_int128 divisor = 1;
        for (; scale > t->scale; scale--) divisor *= 10;
        ch_int128 half = divisor / 2, rest = v % divisor;
        v /= divisor;
        if (rest >= half) v++; /* half up, away from zero */
        if (rest <= -half) v--;
    }
    if (!fits || v >= limit || v <= -limit) {
        char precision[12], target[12];
        snprintf(precision, sizeof precision, "%d", t->precision);
        snprintf(target, sizeof target, "%d", t->scale);
        return ch_raise(err, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "value", "The value", "precision", precision,
                        "scale", target, "config", "\"spark.sql.ansi.enabled\"", (char *)NULL);
    }
    if (t->precision <= 4) {
        ((int16_t *)out->data)[at] = (int16_t)v;
    } else if (t->precision <= 9) {
        ((int32_t *)out->data)[at] = (int32_t)v;
    } else if (t->precision <= 18) {
        ((int64_t *)out->data)[at] = (int64_t)v;
    } else {
        memcpy((char *)out->data + 16 * at, &v, 16);
    }
    return 0;
}

static int fill_decimal(ch_column *out, size_t at, const struct ArrowArrayView *in, const struct ArrowSchemaView *view,
                        int64_t row, ch_error *err)
{
    if (is_integer(in->storage_type)) {
        bool wide = in->storage_type == NANOARROW_TYPE_UINT64;
        ch_int128 v = wide ? (ch_int128)ArrowArrayViewGetUIntUnsafe(in, row) : ArrowArrayViewGetIntUnsafe(in, row);
        return put_decimal(out, at, v, 0, err);
    }
    const uint8_t *data = in->buffer_views[1].data.as_uint8;
    size_t width = (size_t)view->decimal_bitwidth / 8, position = (size_t)(in->offset + row) * width;
    ch_int128 v = 0;
    int64_t v8;
    int32_t v4;
    if (width == 16) {
        memcpy(&v, data + position, 16);
    } else if (width == 8) {
        memcpy(&v8, data + position, 8);
        v = v8;
    } else {
        memcpy(&v4, data + position, 4);
        v = v4;
    }
    return put_decimal(out, at, v, view->decimal_scale, err);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

/* A number of units as microseconds, rounded down. */
static int to_micros(int64_t v, enum ArrowTimeUnit unit, int64_t *out, ch_error *err)
{
    int64_t factor = unit == NANOARROW_TIME_UNIT_SECOND ? 1000000 : unit == NANOARROW_TIME_UNIT_MILLI ? 1000 : 1;
    if (unit == NANOARROW_TIME_UNIT_NANO) {
        *out = v / 1000 - (v % 1000 < 0);
        return 0;
    }
    if (!__builtin_mul_overflow(v, factor, out)) return 0;
    return ch_raise(err, "DATETIME_OVERFLOW", "operation", "conversion of an Arrow value to microseconds",
                    (char *)NULL);
}

static int fill_timestamp(const ch_arrow_reader *r, ch_column *out, size_t at, const struct ArrowArrayView *in,
                          const struct ArrowSchemaView *view, int64_t row, ch_error *err)
{
    enum { YEAR_SECONDS = 31556952 };
    int64_t micros;
    CH_TRY(to_micros(ArrowArrayViewGetIntUnsafe(in, row), view->time_unit, &micros, err));
    bool zoned = view->timezone && *view->timezone, want_zone = out->type->kind == CH_TIMESTAMP;
    if (zoned != want_zone) {
        int64_t limit = INT64_C(290000) * YEAR_SECONDS * 1000000;
        if (micros > limit || micros < -limit) {
            return ch_raise(err, "DATETIME_OVERFLOW", "operation", "conversion between time zones", (char *)NULL);
        }
        micros = want_zone ? ch_utc_micros(r->zone, micros) : ch_local_micros(r->zone, micros);
    }
    ((int64_t *)out->data)[at] = micros;
    return 0;
}

static int fill_interval(ch_column *out, size_t at, const struct ArrowArrayView *in, const struct ArrowSchemaView *view,
                         int64_t row, ch_error *err)
{
    ch_interval *v = (ch_interval *)out->data + at;
    *v = (ch_interval){0};
    if (out->type->kind == CH_INTERVAL_DAY_TIME) {
        static const int64_t DAY = INT64_C(86400000000);
        CH_TRY(to_micros(ArrowArrayViewGetIntUnsafe(in, row), view->time_unit, &v->micros, err));
        int64_t days = v->micros / DAY;
        v->days = (int32_t)days;
        v->micros -= days * DAY;
        return 0;
    }
    if (out->type->kind == CH_INTERVAL_YEAR_MONTH) {
        v->months = in->buffer_views[1].data.as_int32[in->offset + row];
        return 0;
    }
    struct ArrowInterval interval;
    ArrowIntervalInit(&interval, NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO);
    ArrowArrayViewGetIntervalUnsafe(in, row, &interval);
    *v = (ch_interval){.months = interval.months, .days = interval.days, .micros = interval.ns / 1000};
    return 0;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static int fill_text(ch_column *out, size_t at, const struct ArrowArrayView *in, const ch_field *field, int64_t row,
                     ch_error *err)
{
    struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(in, row);
    size_t len = (size_t)bytes.size_bytes;
    if (len > INT32_MAX) return ch_arrow_too_many(err);
    if (ch_column_put_text(out, at, bytes.data.as_char, len)) return 0;
    return ch_raise(err, "INVALID_UTF8_STRING", "str", field->name, (char *)NULL);
}

/* --- nested values ------------------------------------------------------------------------------------------------ */

/* Which child of the Arrow struct is field i: by name if all names are there, else by position. */
static bool match_fields(const ch_type *type, const struct ArrowSchema *schema, int64_t *index)
{
    if ((int64_t)type->nfield != schema->n_children) return false;
    bool named = true;
    for (size_t i = 0; i < type->nfield && named; i++) {
        int64_t found = -1;
        for (int64_t j = 0; j < schema->n_children && found < 0; j++) {
            if (schema->children[j]->name && strcmp(schema->children[j]->name, type->fields[i].name) == 0) found = j;
        }
        named = found >= 0;
        index[i] = found;
    }
    for (size_t i = 0; i < type->nfield && !named; i++) index[i] = (int64_t)i;
    return true;
}

static int fill_struct(ch_arrow_reader *r, ch_column *out, size_t at, const ch_field *field, const ch_type *type,
                       const struct ArrowArrayView *in, const struct ArrowSchema *schema, int64_t start, int64_t n,
                       ch_error *err)
{
    enum { FIELDS_MAX = 4096 };
    int64_t index[FIELDS_MAX];
    if (type->nfield > FIELDS_MAX || !match_fields(type, schema, index)) return mismatch(field, schema, err);
    for (size_t i = 0; i < type->nfield; i++) {
        ch_field part = type->fields[i];
        part.nullable = true; /* a NULL struct has NULL fields */
        CH_TRY(ch_arrow_fill(r, &out->child[i], at, &part, in->children[index[i]], schema->children[index[i]], start, n,
                             err));
    }
    return 0;
}

/* First and last child offset of rows [start, start + n). */
static void list_range(const struct ArrowArrayView *in, const struct ArrowSchemaView *view, int64_t row, int64_t *from,
                       int64_t *to)
{
    if (view->type == NANOARROW_TYPE_FIXED_SIZE_LIST) {
        *from = (in->offset + row) * view->fixed_size;
        *to = *from + view->fixed_size;
    } else {
        *from = ArrowArrayViewListChildOffset(in, row);
        *to = ArrowArrayViewListChildOffset(in, row + 1);
    }
}

/* The elements of all rows lie in one piece, so they are converted in one go. */
static int fill_list(ch_arrow_reader *r, ch_column *out, size_t at, const ch_field *field,
                     const struct ArrowArrayView *in, const struct ArrowSchema *schema,
                     const struct ArrowSchemaView *view, int64_t start, int64_t n, ch_error *err)
{
    int64_t first, last, from, to;
    list_range(in, view, start, &first, &to);
    list_range(in, view, start + n - 1, &from, &last);
    int64_t total = last - first;
    if (first < 0 || total < 0 || last > in->children[0]->length || (uint64_t)total > r->budget) {
        return ch_arrow_too_many(err);
    }
    r->budget -= (uint64_t)total;
    ch_column *child = &out->child[0];
    size_t base = child->rows;
    CH_TRY(ch_column_resize_list(out, base + (size_t)total, err));
    for (int64_t i = 0; i < n; i++) {
        list_range(in, view, start + i, &from, &to);
        ((ch_list *)out->data)[at + (size_t)i] =
            (ch_list){.offset = base + (uint64_t)(from - first), .length = (uint64_t)(to - from)};
    }
    if (!total) return 0;
    if (out->type->kind == CH_ARRAY) {
        return ch_arrow_fill(r, child, base, &out->type->fields[0], in->children[0], schema->children[0], first, total,
                             err);
    }
    ch_type entry = {.kind = CH_STRUCT, .nfield = 2, .fields = out->type->fields};
    ch_type by_position = entry;
    ch_field names[2] = {out->type->fields[0], out->type->fields[1]};
    for (int i = 0; i < 2; i++) { /* writers name a map's parts as they like */
        const char *name = schema->children[0]->children[i]->name;
        names[i].name = name ? name : "";
    }
    by_position.fields = names;
    return fill_struct(r, child, base, field, &by_position, in->children[0], schema->children[0], first, total, err);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

/* May values of this Arrow type become the field's type? */
static bool convertible(const ch_type *to, const struct ArrowSchemaView *view)
{
    enum ArrowType from = view->type;
    switch (to->kind) {
    case CH_BOOLEAN: return from == NANOARROW_TYPE_BOOL;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: return is_integer(from);
    case CH_FLOAT:
    case CH_DOUBLE: return is_integer(from) || (from >= NANOARROW_TYPE_HALF_FLOAT && from <= NANOARROW_TYPE_DOUBLE);
    case CH_DECIMAL:
        return is_integer(from) || from == NANOARROW_TYPE_DECIMAL128 || from == NANOARROW_TYPE_DECIMAL64 ||
               from == NANOARROW_TYPE_DECIMAL32;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: return from == NANOARROW_TYPE_STRING || from == NANOARROW_TYPE_LARGE_STRING;
    case CH_BINARY:
        return from == NANOARROW_TYPE_STRING || from == NANOARROW_TYPE_LARGE_STRING || from == NANOARROW_TYPE_BINARY ||
               from == NANOARROW_TYPE_LARGE_BINARY || from == NANOARROW_TYPE_FIXED_SIZE_BINARY;
    case CH_DATE: return from == NANOARROW_TYPE_DATE32 || from == NANOARROW_TYPE_DATE64;
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return from == NANOARROW_TYPE_TIMESTAMP;
    case CH_INTERVAL_DAY_TIME: return from == NANOARROW_TYPE_DURATION;
    case CH_INTERVAL_YEAR_MONTH: return from == NANOARROW_TYPE_INTERVAL_MONTHS;
    case CH_INTERVAL_CALENDAR: return from == NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO;
    case CH_ARRAY:
        return from == NANOARROW_TYPE_LIST || from == NANOARROW_TYPE_LARGE_LIST ||
               from == NANOARROW_TYPE_FIXED_SIZE_LIST;
    case CH_MAP: return from == NANOARROW_TYPE_MAP;
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: return from == NANOARROW_TYPE_STRUCT;
    case CH_NULL: return true;
    }
    return false;
}

static int fill_one(ch_arrow_reader *r, ch_column *out, size_t at, const ch_field *field,
                    const struct ArrowArrayView *in, const struct ArrowSchemaView *view, int64_t row, ch_error *err)
{
    switch (out->type->kind) {
    case CH_BOOLEAN: ((uint8_t *)out->data)[at] = ArrowArrayViewGetIntUnsafe(in, row) != 0; return 0;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: return fill_integer(out, at, in, row, err);
    case CH_FLOAT: ((float *)out->data)[at] = (float)ArrowArrayViewGetDoubleUnsafe(in, row); return 0;
    case CH_DOUBLE: ((double *)out->data)[at] = ArrowArrayViewGetDoubleUnsafe(in, row); return 0;
    case CH_DECIMAL: return fill_decimal(out, at, in, view, row, err);
    case CH_DATE: {
        int64_t v = ArrowArrayViewGetIntUnsafe(in, row), day = 86400000;
        if (view->type == NANOARROW_TYPE_DATE64) v = v / day - (v % day < 0);
        ((int32_t *)out->data)[at] = (int32_t)v;
        return v == (int32_t)v ? 0 : ch_raise(err, "DATETIME_OVERFLOW", "operation", "reading a date", (char *)NULL);
    }
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return fill_timestamp(r, out, at, in, view, row, err);
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: return fill_interval(out, at, in, view, row, err);
    case CH_NULL: ch_column_set_null(out, at); return 0;
    default: return fill_text(out, at, in, field, row, err);
    }
}

static int null_in_not_null(const ch_field *field, ch_error *err)
{
    char path[200];
    snprintf(path, sizeof path, "- field: \"%s\"\n", field->name);
    return ch_raise(err, "NOT_NULL_ASSERT_VIOLATION", "walkedTypePath", path, (char *)NULL);
}

static bool is_nested(ch_kind kind)
{
    return kind >= CH_ARRAY;
}

/* Plain copies of what has the same layout on both sides. */
static bool copy_values(ch_column *out, size_t at, const struct ArrowArrayView *in, int64_t start, int64_t n)
{
    static const struct {
        ch_kind kind;
        enum ArrowType type;
        size_t width;
    } SAME[] = {{CH_BYTE, NANOARROW_TYPE_INT8, 1},   {CH_SHORT, NANOARROW_TYPE_INT16, 2},
                {CH_INT, NANOARROW_TYPE_INT32, 4},   {CH_LONG, NANOARROW_TYPE_INT64, 8},
                {CH_FLOAT, NANOARROW_TYPE_FLOAT, 4}, {CH_DOUBLE, NANOARROW_TYPE_DOUBLE, 8}};
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        if (out->type->kind != SAME[i].kind || in->storage_type != SAME[i].type) continue;
        memcpy((char *)out->data + at * SAME[i].width,
               in->buffer_views[1].data.as_uint8 + (size_t)(in->offset + start) * SAME[i].width,
               (size_t)n * SAME[i].width);
        return true;
    }
    return false;
}

static int fill_dictionary(ch_arrow_reader *r, ch_column *out, size_t at, const ch_field *field,
                           const struct ArrowArrayView *in, const struct ArrowSchema *schema, int64_t start, int64_t n,
                           ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        size_t row = at + (size_t)i;
        if (ArrowArrayViewIsNull(in, start + i)) {
            if (!field->nullable) return null_in_not_null(field, err);
            ch_column_set_null(out, row);
            continue;
        }
        int64_t index = ArrowArrayViewGetIntUnsafe(in, start + i);
        if (index < 0 || index >= in->dictionary->length) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The Arrow data is malformed: dictionary index %" PRId64,
                            index);
        }
        CH_TRY(ch_arrow_fill(r, out, row, field, in->dictionary, schema->dictionary, index, 1, err));
    }
    return 0;
}

int ch_arrow_fill(ch_arrow_reader *r, ch_column *out, size_t at, const ch_field *field, const struct ArrowArrayView *in,
                  const struct ArrowSchema *schema, int64_t start, int64_t n, ch_error *err)
{
    if (in->dictionary) return fill_dictionary(r, out, at, field, in, schema, start, n, err);
    struct ArrowSchemaView view;
    if (ArrowSchemaViewInit(&view, schema, NULL)) return mismatch(field, schema, err);
    bool all_null = view.type == NANOARROW_TYPE_NA;
    if (!all_null && !convertible(out->type, &view)) return mismatch(field, schema, err);
    if (all_null || in->buffer_views[0].data.data) {
        for (int64_t i = 0; i < n; i++) {
            if (!all_null && !ArrowArrayViewIsNull(in, start + i)) continue;
            if (!field->nullable) return null_in_not_null(field, err);
        }
    }
    if (all_null) {
        for (int64_t i = 0; i < n; i++) ch_column_set_null(out, at + (size_t)i);
        return 0;
    }
    const ch_type *storage = ch_type_storage(out->type);
    if (storage->kind == CH_STRUCT) {
        CH_TRY(fill_struct(r, out, at, field, storage, in, schema, start, n, err));
    } else if (is_nested(storage->kind)) {
        CH_TRY(fill_list(r, out, at, field, in, schema, &view, start, n, err));
    } else if (!copy_values(out, at, in, start, n)) {
        for (int64_t i = 0; i < n; i++) {
            if (ArrowArrayViewIsNull(in, start + i)) continue;
            CH_TRY(fill_one(r, out, at + (size_t)i, field, in, &view, start + i, err));
        }
    }
    if (!in->buffer_views[0].data.data) return 0;
    for (int64_t i = 0; i < n; i++) {
        if (ArrowArrayViewIsNull(in, start + i)) ch_column_set_null(out, at + (size_t)i);
    }
    return 0;
}
