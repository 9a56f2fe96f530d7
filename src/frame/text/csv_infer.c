/* csv_infer.c: the types of CSV columns, by the rules of Spark's CSVInferSchema: every field is tried as the type the
 * column has so far and then as ever wider ones; the common type of both is the column's from then on. */
#include "base/java_number.h"
#include "frame/text/csv.h"

#include <string.h>
#include <strings.h>

static const ch_type *try_decimal(const ch_csv_options *o, ch_arena *arena, const char *text, size_t len);

static const ch_type *try_boolean(const char *text, size_t len)
{
    bool yes = len == 4 && strncasecmp(text, "true", 4) == 0, no = len == 5 && strncasecmp(text, "false", 5) == 0;
    return yes || no ? &ch_type_boolean : &ch_type_string;
}

static const ch_type *try_timestamp(const ch_csv_options *o, const char *text, size_t len)
{
    int64_t micros;
    bool ok = o->text.timestamp ? ch_pattern_parse_timestamp(o->text.timestamp, text, len, o->text.zone, &micros, NULL)
                                : ch_parse_timestamp(text, len, o->text.zone, &micros);
    return ok ? &ch_type_timestamp : try_boolean(text, len);
}

static const ch_type *try_timestamp_ntz(const ch_csv_options *o, const char *text, size_t len)
{
    int64_t micros;
    if (o->text.ntz && ch_text_timestamp_ntz(&o->text, text, len, &micros)) return &ch_type_timestamp_ntz;
    return try_timestamp(o, text, len);
}

static const ch_type *try_date(const ch_csv_options *o, const char *text, size_t len)
{
    int32_t days;
    /* what is not of the format is no date here, however leniently it would be read */
    ch_text_options strict = {.date = o->text.date, .date_fallback = false};
    return ch_text_date(&strict, text, len, &days) ? &ch_type_date : try_timestamp_ntz(o, text, len);
}

static const ch_type *try_double(const ch_csv_options *o, const char *text, size_t len)
{
    if (ch_java_is_double(text, len) || ch_csv_equals(text, len, o->nan_value) ||
        ch_csv_equals(text, len, o->negative_inf) || ch_csv_equals(text, len, o->positive_inf)) {
        return &ch_type_double;
    }
    return o->prefer_date ? try_date(o, text, len) : try_timestamp_ntz(o, text, len);
}

static const ch_type *try_decimal(const ch_csv_options *o, ch_arena *arena, const char *text, size_t len)
{
    ch_java_int128 unscaled;
    int digits, scale;
    /* only whole numbers too long for the others; DecimalType takes no negative scale and no more than 38 digits */
    if (ch_java_parse_decimal(text, len, &unscaled, &digits, &scale) && scale == 0 && digits <= 38) {
        return ch_type_decimal(arena, digits, 0);
    }
    return try_double(o, text, len);
}

static const ch_type *try_integer(const ch_csv_options *o, ch_arena *arena, const char *text, size_t len, bool is_long)
{
    int64_t value;
    if (ch_java_parse_integer(text, len, INT64_MIN, INT64_MAX, &value)) {
        return !is_long && value >= INT32_MIN && value <= INT32_MAX ? &ch_type_int : &ch_type_long;
    }
    return try_decimal(o, arena, text, len);
}

/* DecimalType.forType */
static void decimal_of(const ch_type *t, int *precision, int *scale)
{
    *precision = t->kind == CH_DECIMAL ? t->precision : t->kind == CH_INT ? 10 : 20;
    *scale = t->kind == CH_DECIMAL ? t->scale : 0;
}

static const ch_type *wider_decimal(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    int ap, as, bp, bs;
    decimal_of(a, &ap, &as);
    decimal_of(b, &bp, &bs);
    int scale = as > bs ? as : bs, range = ap - as > bp - bs ? ap - as : bp - bs;
    return range + scale > 38 ? &ch_type_double : ch_type_decimal(arena, range + scale, scale);
}

static bool is_time(const ch_type *t)
{
    return t->kind == CH_TIMESTAMP || t->kind == CH_TIMESTAMP_NTZ;
}

/* May dates of the date format be read as timestamps, too? Only by the lenient parser. */
static bool dates_are_timestamps(const ch_csv_options *o, const ch_type *timestamp)
{
    static const char *const FORMATS[] = {"yyyy-MM-dd", "yyyy-M-d", "yyyy-M-dd", "yyyy-MM-d",
                                          "yyyy-MM",    "yyyy-M",   "yyyy"};
    if (timestamp->kind == CH_TIMESTAMP ? o->text.timestamp != NULL : o->text.timestamp_ntz != NULL) return false;
    if (!o->text.date_format) return true;
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (strcmp(o->text.date_format, FORMATS[i]) == 0) return true;
    }
    return false;
}

/* compatibleType; NULL when there is none. */
static const ch_type *compatible(const ch_csv_options *o, ch_arena *arena, const ch_type *a, const ch_type *b)
{
    if (!a) return b;
    if (!b) return a;
    if (a->kind == b->kind && a->kind != CH_DECIMAL) return a;
    if ((a->kind == CH_DATE && is_time(b)) || (is_time(a) && b->kind == CH_DATE)) {
        const ch_type *time = is_time(a) ? a : b;
        return dates_are_timestamps(o, time) ? time : &ch_type_string;
    }
    if (ch_type_is_numeric(a) && ch_type_is_numeric(b)) {
        if (a->kind == CH_DOUBLE || b->kind == CH_DOUBLE) return &ch_type_double;
        if (a->kind == CH_DECIMAL || b->kind == CH_DECIMAL) return wider_decimal(arena, a, b);
        return &ch_type_long;
    }
    if (a->kind == CH_STRING || b->kind == CH_STRING) return &ch_type_string;
    return is_time(a) && is_time(b) ? &ch_type_timestamp : NULL;
}

void ch_csv_infer_field(const ch_csv_options *o, ch_arena *arena, const ch_type **type, const ch_csv_field *field)
{
    const ch_type *so_far = *type, *found;
    if (so_far && so_far->kind == CH_STRING) return;
    size_t len;
    const char *text = ch_csv_text(o, field, &len);
    if (!len || ch_csv_equals(text, len, o->null_value)) return;
    switch (so_far ? so_far->kind : CH_NULL) {
    case CH_NULL:
    case CH_INT: found = try_integer(o, arena, text, len, false); break;
    case CH_LONG: found = try_integer(o, arena, text, len, true); break;
    case CH_DECIMAL: found = try_decimal(o, arena, text, len); break;
    case CH_DOUBLE: found = try_double(o, text, len); break;
    case CH_DATE: found = try_date(o, text, len); break;
    case CH_TIMESTAMP_NTZ: found = try_timestamp_ntz(o, text, len); break;
    case CH_TIMESTAMP: found = try_timestamp(o, text, len); break;
    default: found = try_boolean(text, len);
    }
    *type = compatible(o, arena, so_far, found);
    if (!*type) *type = &ch_type_string;
}

const ch_type *ch_csv_merge_types(const ch_csv_options *o, ch_arena *arena, const ch_type *a, const ch_type *b)
{
    const ch_type *both = compatible(o, arena, a, b);
    /* Spark calls it unknown then, and what stays unknown becomes a string */
    return both || !a || !b ? both : &ch_type_string;
}

/* --- names ----------------------------------------------------------------------------------------------------------
 */

static bool same_name(const ch_csv_options *o, const char *a, const char *b)
{
    return o->text.case_sensitive ? strcmp(a, b) == 0 : strcasecmp(a, b) == 0;
}

void ch_csv_header(const ch_csv_options *o, ch_arena *arena, const ch_csv_field *fields, size_t n, const char **names)
{
    char **texts = CH_NEW_ARRAY(arena, char *, n);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *text = ch_csv_text(o, &fields[i], &len);
        ch_buf repaired = {0};
        ch_utf8_repair(&repaired, text, len);
        texts[i] = ch_arena_strdup(arena, ch_buf_text(&repaired));
        ch_buf_reset(&repaired);
    }
    for (size_t i = 0; i < n; i++) {
        bool named = o->header && *texts[i] && strcmp(texts[i], o->null_value) != 0, twice = false;
        for (size_t j = 0; named && j < n && !twice; j++) twice = j != i && same_name(o, texts[i], texts[j]);
        names[i] = !named  ? ch_arena_printf(arena, "_c%zu", i)
                   : twice ? ch_arena_printf(arena, "%s%zu", texts[i], i)
                           : texts[i];
    }
}
