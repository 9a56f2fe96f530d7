/* write_cast.c: casts as DuckDB SQL. Where DuckDB's own cast means the same it is used; the others go through the C
 * functions of udf_cast.c: ch_cast_<type> raises Spark's errors, ch_try_<type> gives NULL instead. */
#include "frame/analyze/resolve.h"

#include <stdio.h>
#include <string.h>

typedef struct cast {
    const ch_expr *e; /* written by write_source, or */
    const char *text; /* SQL of the value */
    const ch_type *from, *to;
    ch_cast_mode mode;
    const char *zone;
} cast;

static int write_typed(ch_writer *w, const cast *c);

static int write_source(ch_writer *w, const cast *c)
{
    if (!c->text) return ch_write_node(w, c->e);
    ch_buf_str(w->sql, c->text);
    return CH_OK;
}

static int wrap(ch_writer *w, const cast *c, const char *before, const char *after)
{
    ch_buf_str(w->sql, before);
    CH_TRY(write_source(w, c));
    ch_buf_str(w->sql, after);
    return CH_OK;
}

static int native(ch_writer *w, const cast *c)
{
    CH_TRY(wrap(w, c, "CAST(", " AS "));
    ch_type_duckdb(w->sql, c->to);
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static int call(ch_writer *w, const cast *c, const char *type)
{
    const char *prefix = c->mode == CH_CAST_ANSI ? "ch_cast_" : c->mode == CH_CAST_TRY ? "ch_try_" : "ch_legacy_";
    ch_buf_printf(w->sql, "%s%s(", prefix, type);
    CH_TRY(write_source(w, c));
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static int with_zone(ch_writer *w, const cast *c, const char *function)
{
    ch_buf_printf(w->sql, "%s(", function);
    CH_TRY(write_source(w, c));
    ch_buf_str(w->sql, ", ");
    ch_write_zone(w->sql, c->zone);
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

/* Timestamps on the session's clock. */
static int local(ch_writer *w, const cast *c)
{
    if (c->from->kind == CH_TIMESTAMP_NTZ) return write_source(w, c);
    if (c->from->kind == CH_TIMESTAMP) return with_zone(w, c, "ch_local");
    return wrap(w, c, "CAST(", " AS TIMESTAMP)");
}

static int unsupported(ch_writer *w, const cast *c)
{
    ch_buf from = {0}, to = {0};
    ch_type_sql(&from, c->from);
    ch_type_sql(&to, c->to);
    ch_buf text = {0};
    ch_buf_printf(&text, "cast of %s to %s", ch_buf_text(&from), ch_buf_text(&to));
    int status = ch_raise(w->err, "UNSUPPORTED_FEATURE", "feature", ch_buf_text(&text), (char *)NULL);
    ch_buf_reset(&from);
    ch_buf_reset(&to);
    ch_buf_reset(&text);
    return status;
}

/* ---- by target ---- */

/* Without ANSI mode small ones have an exponent, which takes more than six places. The engine leaves the zero before
 * the point out where there is no room for a digit. */
static int decimal_to_string(ch_writer *w, const cast *c)
{
    if (c->mode == CH_CAST_LEGACY && c->from->scale > 6) return wrap(w, c, "ch_java_decimal(", ")");
    return c->from->scale == c->from->precision ? wrap(w, c, "ch_plain_decimal(", ")") : native(w, c);
}

static int to_string(ch_writer *w, const cast *c)
{
    switch (c->from->kind) {
    case CH_BOOLEAN:
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
    case CH_NULL: return native(w, c);
    case CH_DECIMAL: return decimal_to_string(w, c);
    case CH_FLOAT:
    case CH_DOUBLE:
    case CH_DATE:
    case CH_BINARY: return wrap(w, c, "ch_str(", ")");
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        ch_buf_str(w->sql, "ch_str(");
        CH_TRY(local(w, c));
        ch_buf_char(w->sql, ')');
        return CH_OK;
    default: break;
    }
    ch_buf type = {0};
    ch_type_json(&type, c->from);
    ch_buf_str(w->sql, "ch_text(");
    int status = write_source(w, c);
    ch_buf_str(w->sql, ", ");
    ch_buf_sql_string(w->sql, ch_buf_text(&type));
    ch_buf_str(w->sql, ", ");
    ch_write_zone(w->sql, c->zone);
    ch_buf_char(w->sql, ')');
    ch_buf_reset(&type);
    return status;
}

static const char *integral_name(const ch_type *t)
{
    switch (t->kind) {
    case CH_BYTE: return "byte";
    case CH_SHORT: return "short";
    case CH_INT: return "int";
    default: return "long";
    }
}

static int to_integral(ch_writer *w, const cast *c)
{
    if (c->from->kind == CH_BOOLEAN) return native(w, c);
    if (ch_type_is_integral(c->from) && c->from->kind < c->to->kind) return native(w, c);
    char name[16];
    snprintf(name, sizeof name, "%s%s", c->from->kind == CH_DECIMAL ? "dec_" : "", integral_name(c->to));
    return call(w, c, name);
}

static int to_real(ch_writer *w, const cast *c)
{
    if (ch_type_is_string(c->from)) return call(w, c, c->to->kind == CH_FLOAT ? "float" : "double");
    if (c->from->kind == CH_DOUBLE && c->to->kind == CH_FLOAT) return wrap(w, c, "ch_narrow(", ")");
    if (c->from->kind == CH_TIMESTAMP) {
        CH_TRY(wrap(w, c, "CAST(ch_seconds(", ") AS "));
        ch_type_duckdb(w->sql, c->to);
        ch_buf_char(w->sql, ')');
        return CH_OK;
    }
    return native(w, c);
}

static int to_decimal(ch_writer *w, const cast *c)
{
    bool same_scale_or_more = c->from->kind == CH_DECIMAL && c->to->scale >= c->from->scale &&
                              c->to->precision - c->to->scale >= c->from->precision - c->from->scale;
    bool integral = (ch_type_is_integral(c->from) || c->from->kind == CH_BOOLEAN) && !ch_cast_nullable(c->from, c->to);
    if (same_scale_or_more) return native(w, c);
    if (integral && c->from->kind == CH_BOOLEAN) {
        CH_TRY(wrap(w, c, "CAST(CAST(", " AS INTEGER) AS "));
        ch_type_duckdb(w->sql, c->to);
        ch_buf_char(w->sql, ')');
        return CH_OK;
    }
    if (integral) return native(w, c);
    const char *prefix = c->mode == CH_CAST_ANSI ? "ch_cast" : "ch_try";
    ch_buf_printf(w->sql, "CAST(%s_dec%d(", prefix, c->to->scale);
    if (c->from->kind == CH_TIMESTAMP)
        CH_TRY(wrap(w, c, "ch_seconds(", ")"));
    else
        CH_TRY(write_source(w, c));
    ch_buf_printf(w->sql, ", %d) AS DECIMAL(%d,%d))", c->to->precision, c->to->precision, c->to->scale);
    return CH_OK;
}

static int to_boolean(ch_writer *w, const cast *c)
{
    if (ch_type_is_string(c->from)) return call(w, c, "boolean");
    if (ch_type_is_numeric(c->from)) return wrap(w, c, "(", " <> 0)");
    if (c->from->kind == CH_TIMESTAMP) return wrap(w, c, "(epoch_us(", ") <> 0)");
    return native(w, c);
}

static int to_date(ch_writer *w, const cast *c)
{
    if (ch_type_is_string(c->from)) return call(w, c, "date");
    ch_buf_str(w->sql, "CAST(");
    CH_TRY(local(w, c));
    ch_buf_str(w->sql, " AS DATE)");
    return CH_OK;
}

static int to_timestamp(ch_writer *w, const cast *c)
{
    if (ch_type_is_string(c->from))
        return with_zone(w, c, c->mode == CH_CAST_ANSI ? "ch_cast_timestamp" : "ch_try_timestamp");
    if (c->from->kind == CH_BOOLEAN) return wrap(w, c, "make_timestamptz(CAST(", " AS BIGINT))");
    if (ch_type_is_numeric(c->from)) {
        if (c->from->kind == CH_DECIMAL) return wrap(w, c, "ch_from_seconds(CAST(", " AS DOUBLE))");
        return wrap(w, c, "ch_from_seconds(", ")");
    }
    ch_buf_str(w->sql, "ch_instant(");
    CH_TRY(local(w, c));
    ch_buf_str(w->sql, ", ");
    ch_write_zone(w->sql, c->zone);
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

/* ---- nested ---- */

/* A struct is rebuilt from its fields; `value` is SQL that may be written several times (a lambda's parameter or a
 * column). */
static int struct_fields(ch_writer *w, const cast *c, const char *value)
{
    ch_buf_printf(w->sql, "CASE WHEN %s IS NULL THEN NULL ELSE struct_pack(", value);
    for (size_t i = 0; i < c->to->nfield; i++) {
        ch_buf field = {0};
        ch_buf_printf(&field, "struct_extract_at(%s, %zu)", value, i + 1);
        if (i) ch_buf_str(w->sql, ", ");
        ch_field_duckdb(w->sql, c->to, i);
        ch_buf_str(w->sql, " := ");
        cast inner = {.text = ch_buf_text(&field),
                      .from = c->from->fields[i].type,
                      .to = c->to->fields[i].type,
                      .mode = c->mode,
                      .zone = c->zone};
        int status = write_typed(w, &inner);
        ch_buf_reset(&field);
        CH_TRY(status);
    }
    ch_buf_str(w->sql, ") END");
    return CH_OK;
}

static int each_element(ch_writer *w, const cast *c, const char *variable)
{
    cast inner = {.text = variable,
                  .from = c->from->fields[0].type,
                  .to = c->to->fields[0].type,
                  .mode = c->mode,
                  .zone = c->zone};
    CH_TRY(wrap(w, c, "list_transform(", ", lambda "));
    ch_buf_printf(w->sql, "%s: ", variable);
    CH_TRY(write_typed(w, &inner));
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static int each_entry(ch_writer *w, const cast *c, const char *variable)
{
    CH_TRY(wrap(w, c, "map_from_entries(list_transform(map_entries(", "), lambda "));
    ch_buf_printf(w->sql, "%s: struct_pack(\"key\" := ", variable);
    for (size_t i = 0; i < 2; i++) {
        ch_buf part = {0};
        ch_buf_printf(&part, "struct_extract_at(%s, %zu)", variable, i + 1);
        cast inner = {.text = ch_buf_text(&part),
                      .from = c->from->fields[i].type,
                      .to = c->to->fields[i].type,
                      .mode = c->mode,
                      .zone = c->zone};
        int status = write_typed(w, &inner);
        ch_buf_reset(&part);
        CH_TRY(status);
        if (i == 0) ch_buf_str(w->sql, ", \"value\" := ");
    }
    ch_buf_str(w->sql, ")))");
    return CH_OK;
}

static int to_nested(ch_writer *w, const cast *c)
{
    char variable[24];
    snprintf(variable, sizeof variable, "x%d", ++w->depth);
    int status;
    if (c->to->kind == CH_ARRAY) {
        status = each_element(w, c, variable);
    } else if (c->to->kind == CH_MAP) {
        status = each_entry(w, c, variable);
    } else if (c->text) {
        status = struct_fields(w, c, c->text);
    } else { /* a struct that is an expression is bound to a name first: the lambda of a list of one */
        status = wrap(w, c, "list_transform([", "], lambda ");
        ch_buf_printf(w->sql, "%s: ", variable);
        if (!status) status = struct_fields(w, c, variable);
        ch_buf_str(w->sql, ")[1]");
    }
    w->depth--;
    return status;
}

static int write_typed(ch_writer *w, const cast *c)
{
    if (ch_type_equal(c->from, c->to, false)) return write_source(w, c);
    if (c->from->kind == CH_NULL) return native(w, c);
    switch (c->to->kind) {
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: return ch_type_is_string(c->from) ? write_source(w, c) : to_string(w, c);
    case CH_BOOLEAN: return to_boolean(w, c);
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        if (c->from->kind == CH_TIMESTAMP) {
            ch_buf seconds = {0};
            ch_writer inner = {.sql = &seconds, .err = w->err, .variables = w->variables, .depth = w->depth};
            int status = wrap(&inner, c, "CAST(floor(ch_seconds(", ")) AS BIGINT)");
            /* without ANSI mode, too, seconds that do not fit are no number rather than some of their bits */
            ch_cast_mode mode = c->mode == CH_CAST_ANSI ? c->mode : CH_CAST_TRY;
            cast rest = {.text = ch_buf_text(&seconds), .from = &ch_type_long, .to = c->to, .mode = mode};
            if (!status) status = write_typed(w, &rest);
            ch_buf_reset(&seconds);
            return status;
        }
        if (c->from->kind == CH_INTERVAL_DAY_TIME || c->from->kind == CH_INTERVAL_YEAR_MONTH) return unsupported(w, c);
        return to_integral(w, c);
    case CH_FLOAT:
    case CH_DOUBLE: return to_real(w, c);
    case CH_DECIMAL: return to_decimal(w, c);
    case CH_BINARY: return ch_type_is_string(c->from) ? wrap(w, c, "encode(", ")") : unsupported(w, c);
    case CH_DATE: return to_date(w, c);
    case CH_TIMESTAMP: return to_timestamp(w, c);
    case CH_TIMESTAMP_NTZ: return ch_type_is_string(c->from) ? call(w, c, "ntz") : local(w, c);
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH: return c->from->kind == c->to->kind ? write_source(w, c) : unsupported(w, c);
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT: return to_nested(w, c);
    case CH_VECTOR:
    case CH_MATRIX: return native(w, c);
    default: return unsupported(w, c);
    }
}

int ch_write_cast(ch_writer *w, const ch_expr *e, const ch_type *to, ch_cast_mode mode, const char *zone)
{
    cast c = {.e = e, .from = e->type, .to = to, .mode = mode, .zone = zone};
    return write_typed(w, &c);
}
