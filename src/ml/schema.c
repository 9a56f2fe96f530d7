/* schema.c: columns of a schema as stages ask for them, projections, scans, native functions. */
#include "ml/schema.h"

#include "frame/engine/query.h"
#include "ml/model.h"

#include <stdio.h>
#include <strings.h>

int ch_require_failed(ch_error *err, const char *format, ...)
{
    char text[2600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: %s", text);
}

int ch_user_raised(ch_error *err, const char *format, ...)
{
    char text[2600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ch_raise(err, "USER_RAISED_EXCEPTION", "errorMessage", text, (char *)NULL);
}

int ch_udf_failed(ch_error *err, const char *function, const char *from, const char *to, const char *reason, ...)
{
    char text[1024], quoted_name[128];
    va_list args;
    va_start(args, reason);
    vsnprintf(text, sizeof text, reason, args);
    va_end(args);
    snprintf(quoted_name, sizeof quoted_name, "`%s`", function);
    return ch_raise(err, "FAILED_EXECUTE_UDF", "functionName", quoted_name, "signature", from, "result", to, "reason",
                    text, (char *)NULL);
}

/* ---- names ---- */

static void quoted(ch_buf *out, const char *name)
{
    ch_buf_char(out, '`');
    for (; *name; name++) {
        if (*name == '`') ch_buf_char(out, '`');
        ch_buf_char(out, *name);
    }
    ch_buf_char(out, '`');
}

static int not_found(const ch_schema *schema, size_t nparts, const char *const *parts, ch_error *err)
{
    ch_buf name = {0}, fields = {0};
    for (size_t i = 0; i < nparts; i++) {
        if (i) ch_buf_char(&name, '.');
        quoted(&name, parts[i]);
    }
    for (size_t i = 0; i < schema->n; i++) {
        if (i) ch_buf_str(&fields, ", ");
        quoted(&fields, schema->fields[i].name);
    }
    int status =
        ch_raise(err, "FIELD_NOT_FOUND", "fieldName", ch_buf_text(&name), "fields", ch_buf_text(&fields), (char *)NULL);
    ch_buf_reset(&name);
    ch_buf_reset(&fields);
    return status;
}

/* Position of a top-level column; SIZE_MAX when there is none. */
static int find_part(const ch_schema *schema, const char *part, size_t *index, ch_error *err)
{
    *index = SIZE_MAX;
    for (size_t i = 0; i < schema->n; i++) {
        if (strcasecmp(schema->fields[i].name, part) != 0) continue;
        if (*index != SIZE_MAX) {
            ch_buf name = {0}, both = {0};
            quoted(&name, part);
            ch_buf_printf(&both, "[`%s`, `%s`]", schema->fields[*index].name, schema->fields[i].name);
            int status = ch_raise(err, "AMBIGUOUS_REFERENCE", "name", ch_buf_text(&name), "referenceNames",
                                  ch_buf_text(&both), (char *)NULL);
            ch_buf_reset(&name);
            ch_buf_reset(&both);
            return status;
        }
        *index = i;
    }
    return 0;
}

int ch_schema_find(const ch_schema *schema, const char *name, size_t *index, ch_error *err)
{
    ch_arena *scratch = ch_arena_new();
    size_t nparts;
    const char **parts;
    int status = ch_split_name(scratch, name, &nparts, &parts, err);
    if (!status) status = find_part(schema, parts[0], index, err);
    if (!status && *index == SIZE_MAX) {
        status = not_found(schema, nparts, parts, err);
    } else if (!status && nparts > 1) {
        status = ch_failf(err, CH_E_UNSUPPORTED,
                          "Column %s is a field inside a struct; select it as a column of its own first", name);
    }
    ch_arena_free(scratch);
    return status;
}

bool ch_schema_has(const ch_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n; i++) {
        if (strcmp(schema->fields[i].name, name) == 0) return true;
    }
    return false;
}

/* ---- types ---- */

void ch_schema_type_name(ch_buf *out, const ch_type *type)
{
    switch (type->kind) {
    case CH_NULL: ch_buf_str(out, "NullType"); break;
    case CH_BOOLEAN: ch_buf_str(out, "BooleanType"); break;
    case CH_BYTE: ch_buf_str(out, "ByteType"); break;
    case CH_SHORT: ch_buf_str(out, "ShortType"); break;
    case CH_INT: ch_buf_str(out, "IntegerType"); break;
    case CH_LONG: ch_buf_str(out, "LongType"); break;
    case CH_FLOAT: ch_buf_str(out, "FloatType"); break;
    case CH_DOUBLE: ch_buf_str(out, "DoubleType"); break;
    case CH_DECIMAL: ch_buf_printf(out, "DecimalType(%d,%d)", type->precision, type->scale); break;
    case CH_STRING: ch_buf_str(out, "StringType"); break;
    case CH_CHAR: ch_buf_printf(out, "CharType(%d)", type->precision); break;
    case CH_VARCHAR: ch_buf_printf(out, "VarcharType(%d)", type->precision); break;
    case CH_BINARY: ch_buf_str(out, "BinaryType"); break;
    case CH_DATE: ch_buf_str(out, "DateType"); break;
    case CH_TIMESTAMP: ch_buf_str(out, "TimestampType"); break;
    case CH_TIMESTAMP_NTZ: ch_buf_str(out, "TimestampNTZType"); break;
    case CH_INTERVAL_DAY_TIME: ch_buf_printf(out, "DayTimeIntervalType(%d,%d)", type->precision, type->scale); break;
    case CH_INTERVAL_YEAR_MONTH:
        ch_buf_printf(out, "YearMonthIntervalType(%d,%d)", type->precision, type->scale);
        break;
    case CH_INTERVAL_CALENDAR: ch_buf_str(out, "CalendarIntervalType"); break;
    case CH_ARRAY:
        ch_buf_str(out, "ArrayType(");
        ch_schema_type_name(out, type->fields[0].type);
        ch_buf_printf(out, ",%s)", type->fields[0].nullable ? "true" : "false");
        break;
    case CH_MAP:
        ch_buf_str(out, "MapType(");
        ch_schema_type_name(out, type->fields[0].type);
        ch_buf_char(out, ',');
        ch_schema_type_name(out, type->fields[1].type);
        ch_buf_printf(out, ",%s)", type->fields[1].nullable ? "true" : "false");
        break;
    case CH_STRUCT:
        ch_buf_str(out, "StructType(");
        for (size_t i = 0; i < type->nfield; i++) {
            ch_buf_printf(out, "%sStructField(%s,", i ? "," : "", type->fields[i].name);
            ch_schema_type_name(out, type->fields[i].type);
            ch_buf_printf(out, ",%s)", type->fields[i].nullable ? "true" : "false");
        }
        ch_buf_char(out, ')');
        break;
    case CH_VECTOR: ch_buf_str(out, "org.apache.spark.ml.linalg.VectorUDT"); break;
    case CH_MATRIX: ch_buf_str(out, "org.apache.spark.ml.linalg.MatrixUDT"); break;
    }
}

/* "class org.apache.spark.sql.types.StringType$:string": singletons of Scala have the dollar sign. */
static void class_and_catalog(ch_buf *out, const ch_type *type)
{
    ch_buf name = {0};
    ch_schema_type_name(&name, type);
    bool udt = type->kind == CH_VECTOR || type->kind == CH_MATRIX;
    size_t plain = strcspn(ch_buf_text(&name), "(");
    ch_buf_printf(out, "class %s%.*s%s:", udt ? "" : "org.apache.spark.sql.types.", (int)plain, ch_buf_text(&name),
                  udt || plain < name.len ? "" : "$");
    ch_type_simple(out, ch_type_storage(type));
    ch_buf_reset(&name);
}

static int must_be(const ch_schema *schema, const char *name, const ch_type *type, size_t *index, ch_error *err)
{
    CH_TRY(ch_schema_find(schema, name, index, err));
    const ch_type *actual = schema->fields[*index].type;
    if (actual->kind == type->kind) return 0;
    ch_buf text = {0};
    ch_buf_printf(&text, "Column %s must be of type ", name);
    class_and_catalog(&text, type);
    ch_buf_str(&text, " but was actually ");
    class_and_catalog(&text, actual);
    int status = ch_require_failed(err, "%s.", ch_buf_text(&text));
    ch_buf_reset(&text);
    return status;
}

int ch_schema_vector(const ch_schema *schema, const char *name, size_t *index, ch_error *err)
{
    return must_be(schema, name, &ch_type_vector, index, err);
}

int ch_schema_double(const ch_schema *schema, const char *name, size_t *index, ch_error *err)
{
    return must_be(schema, name, &ch_type_double, index, err);
}

int ch_schema_numeric(const ch_schema *schema, const char *name, size_t *index, ch_error *err)
{
    CH_TRY(ch_schema_find(schema, name, index, err));
    const ch_type *actual = schema->fields[*index].type;
    if (ch_type_is_numeric(actual)) return 0;
    ch_buf text = {0};
    ch_type_simple(&text, ch_type_storage(actual));
    int status = ch_require_failed(err, "Column %s must be of type numeric but was actually of type %s.", name,
                                   ch_buf_text(&text));
    ch_buf_reset(&text);
    return status;
}

int ch_schema_one_of(const ch_schema *schema, const char *name, const ch_type *const *types, size_t n, size_t *index,
                     ch_error *err)
{
    CH_TRY(ch_schema_find(schema, name, index, err));
    const ch_type *actual = schema->fields[*index].type;
    for (size_t i = 0; i < n; i++) {
        if (ch_type_equal(actual, types[i], false)) return 0;
    }
    ch_buf text = {0};
    ch_buf_printf(&text, "Column %s must be of type equal to one of the following types: [", name);
    for (size_t i = 0; i < n; i++) {
        if (i) ch_buf_str(&text, ", ");
        ch_type_simple(&text, ch_type_storage(types[i]));
    }
    ch_buf_str(&text, "] but was actually of type ");
    ch_type_simple(&text, ch_type_storage(actual));
    int status = ch_require_failed(err, "%s.", ch_buf_text(&text));
    ch_buf_reset(&text);
    return status;
}

int ch_schema_vector_like(const ch_schema *schema, const char *name, size_t *index, ch_error *err)
{
    static const ch_field DOUBLE_ITEM = {.name = "element", .type = &ch_type_double};
    static const ch_field FLOAT_ITEM = {.name = "element", .type = &ch_type_float};
    static const ch_type DOUBLES = {.kind = CH_ARRAY, .nfield = 1, .fields = &DOUBLE_ITEM};
    static const ch_type FLOATS = {.kind = CH_ARRAY, .nfield = 1, .fields = &FLOAT_ITEM};
    const ch_type *const types[] = {&ch_type_vector, &DOUBLES, &FLOATS};
    return ch_schema_one_of(schema, name, types, 3, index, err);
}

int ch_schema_new_column(const ch_schema *schema, const char *name, ch_error *err)
{
    return ch_schema_has(schema, name) ? ch_require_failed(err, "Column %s already exists.", name) : 0;
}

int ch_schema_new_output(const ch_schema *schema, const char *name, ch_error *err)
{
    return ch_schema_has(schema, name) ? ch_require_failed(err, "Output column %s already exists.", name) : 0;
}

/* ---- projections and scans ---- */

ch_projection ch_project(ch_arena *arena, const ch_plan *input)
{
    return (ch_projection){.arena = arena, .plan = ch_plan_new(arena, CH_PLAN_PROJECT, (ch_plan *)(uintptr_t)input)};
}

int ch_column_expr(ch_arena *arena, const char *name, ch_expr **out, ch_error *err)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_NAME);
    e->u.name.plan_id = -1;
    CH_TRY(ch_split_name(arena, name, &e->u.name.nparts, &e->u.name.parts, err));
    *out = e;
    return 0;
}

void ch_project_expr(ch_projection *p, ch_expr *expr)
{
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 8;
        p->plan->u.project.exprs = ch_arena_grow(p->arena, p->plan->u.project.exprs, sizeof(ch_expr *), p->n, p->room);
    }
    p->plan->u.project.exprs[p->n++] = expr;
    p->plan->u.project.n = p->n;
}

int ch_project_column(ch_projection *p, const char *name, const ch_type *type, size_t *at, ch_error *err)
{
    ch_expr *e;
    CH_TRY(ch_column_expr(p->arena, name, &e, err));
    if (at) *at = p->n;
    ch_project_expr(p, type ? ch_expr_cast(p->arena, e, type) : e);
    return 0;
}

int ch_scan(ch_session *session, const ch_plan *plan, ch_task *task,
            int (*take)(void *context, const ch_batch *batch, ch_error *err), void *context, ch_error *err)
{
    ch_query *query;
    CH_TRY(ch_query_open(session, plan, &query, err));
    int status = ch_query_start(query, task, err);
    while (!status) {
        const ch_batch *batch;
        status = ch_query_next(query, &batch, err);
        if (status || !batch) break;
        status = take(context, batch, err);
    }
    ch_query_close(query);
    return status;
}

/* ---- native functions ---- */

typedef struct native_header {
    ch_arena *arena;
    void *unused; /* keeps what follows aligned like malloc's memory */
} native_header;

void *ch_native_state_new(size_t size, ch_fitted *fitted, ch_arena **arena)
{
    *arena = ch_arena_new();
    native_header *header = ch_arena_alloc(*arena, sizeof *header + size);
    header->arena = *arena;
    if (fitted) ch_fitted_hold(*arena, fitted);
    return header + 1;
}

void ch_native_state_free(void *state)
{
    ch_arena_free(((native_header *)state - 1)->arena);
}

void ch_bind_native(const ch_bind *bind, ch_binding *out, const ch_type *out_type,
                    int (*eval)(const void *, const ch_batch *, ch_column *, ch_error *), void *state, size_t ninput,
                    const size_t *input, const ch_type **input_type, size_t noutput, const ch_field *output)
{
    ch_native *fn =
        ch_native_new(ch_stage_name(ch_param_map_stage(bind->params)), out_type, eval, state, ch_native_state_free);
    out->fn = ch_native_hold(bind->arena, fn);
    ch_native_release(fn);
    out->ninput = ninput;
    out->input = input;
    out->input_type = input_type;
    out->noutput = noutput;
    out->output = output;
}
