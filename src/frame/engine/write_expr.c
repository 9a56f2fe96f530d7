/* write_expr.c: resolved expressions as DuckDB SQL. Columns are c<id>, lambda parameters v<id>; every operation is in
 * parentheses with spaces around the operator. */
#include "frame/analyze/resolve.h"

#include "frame/engine/engine.h"
#include "frame/io/io.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WRITE_DEPTH_MAX = 2000, WRITE_SIZE_MAX = 16 << 20 };

/* ---- literals ---- */

static void write_real(ch_buf *sql, const ch_literal *v, const char *type)
{
    if (isnan(v->v.real)) {
        ch_buf_printf(sql, "CAST('nan' AS %s)", type);
    } else if (isinf(v->v.real)) {
        ch_buf_printf(sql, "CAST('%sinf' AS %s)", v->v.real < 0 ? "-" : "", type);
    } else if (v->type->kind == CH_FLOAT) {
        ch_buf_printf(sql, "CAST('%.9g' AS FLOAT)", v->v.real);
    } else {
        char text[40];
        snprintf(text, sizeof text, "%.17g", v->v.real);
        bool negative = signbit(v->v.real);
        ch_buf_printf(sql, "%s%s%s%s", negative ? "(" : "", text, strchr(text, 'e') ? "" : "e0", negative ? ")" : "");
    }
}

static void write_bytes(ch_buf *sql, const ch_literal *v)
{
    bool text = v->type->kind != CH_BINARY;
    if (text && !memchr(v->v.bytes.data ? v->v.bytes.data : "", 0, v->v.bytes.len)) {
        ch_buf_char(sql, '\'');
        for (size_t i = 0; i < v->v.bytes.len; i++) {
            if (v->v.bytes.data[i] == '\'') ch_buf_char(sql, '\'');
            ch_buf_char(sql, v->v.bytes.data[i]);
        }
        ch_buf_char(sql, '\'');
        return;
    }
    ch_buf_str(sql, text ? "decode(from_hex('" : "from_hex('"); /* SQL text cannot hold a zero byte */
    for (size_t i = 0; i < v->v.bytes.len; i++) ch_buf_printf(sql, "%02x", (unsigned char)v->v.bytes.data[i]);
    ch_buf_str(sql, text ? "'))" : "')");
}

static void write_decimal(ch_buf *sql, const ch_literal *v)
{
    ch_buf text = {0};
    ch_decimal_text(&text, v->v.decimal, v->type->scale);
    ch_buf_printf(sql, "CAST('%s' AS DECIMAL(%d,%d))", ch_buf_text(&text), v->type->precision, v->type->scale);
    ch_buf_reset(&text);
}

static void write_nested(ch_buf *sql, const ch_literal *v)
{
    const ch_type *t = ch_type_storage(v->type);
    size_t n = v->v.list.n;
    ch_buf_str(sql, "CAST(");
    if (t->kind == CH_MAP) {
        for (size_t part = 0; part < 2; part++) {
            ch_buf_str(sql, part ? "], [" : "map([");
            for (size_t i = 0; i < n / 2; i++) {
                if (i) ch_buf_str(sql, ", ");
                ch_write_literal(sql, &v->v.list.items[2 * i + part]);
            }
        }
        ch_buf_str(sql, "])");
    } else {
        ch_buf_str(sql, t->kind == CH_ARRAY ? "[" : "struct_pack(");
        for (size_t i = 0; i < n; i++) {
            if (i) ch_buf_str(sql, ", ");
            if (t->kind == CH_STRUCT) {
                ch_field_duckdb(sql, t, i);
                ch_buf_str(sql, " := ");
            }
            ch_write_literal(sql, &v->v.list.items[i]);
        }
        ch_buf_char(sql, t->kind == CH_ARRAY ? ']' : ')');
    }
    ch_buf_str(sql, " AS ");
    ch_type_duckdb(sql, t);
    ch_buf_char(sql, ')');
}

void ch_write_literal(ch_buf *sql, const ch_literal *v)
{
    if (v->is_null) {
        ch_buf_str(sql, "CAST(NULL AS ");
        ch_type_duckdb(sql, v->type);
        ch_buf_char(sql, ')');
        return;
    }
    long long n = (long long)v->v.integer;
    switch (v->type->kind) {
    case CH_NULL: ch_buf_str(sql, "CAST(NULL AS INTEGER)"); break;
    case CH_BOOLEAN: ch_buf_str(sql, v->v.boolean ? "true" : "false"); break;
    case CH_BYTE: ch_buf_printf(sql, "CAST(%lld AS TINYINT)", n); break;
    case CH_SHORT: ch_buf_printf(sql, "CAST(%lld AS SMALLINT)", n); break;
    case CH_INT:
        if (n >= 0)
            ch_buf_printf(sql, "%lld", n);
        else
            ch_buf_printf(sql, "CAST(%lld AS INTEGER)", n);
        break;
    case CH_LONG: ch_buf_printf(sql, "CAST('%lld' AS BIGINT)", n); break;
    case CH_FLOAT: write_real(sql, v, "FLOAT"); break;
    case CH_DOUBLE: write_real(sql, v, "DOUBLE"); break;
    case CH_DECIMAL: write_decimal(sql, v); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: write_bytes(sql, v); break;
    case CH_DATE: ch_buf_printf(sql, "(DATE '1970-01-01' + (%lld))", n); break;
    case CH_TIMESTAMP: ch_buf_printf(sql, "make_timestamptz(%lld)", n); break;
    case CH_TIMESTAMP_NTZ: ch_buf_printf(sql, "make_timestamp(%lld)", n); break;
    case CH_INTERVAL_DAY_TIME: ch_buf_printf(sql, "to_microseconds(%lld)", n); break;
    case CH_INTERVAL_YEAR_MONTH: ch_buf_printf(sql, "to_months(%lld)", n); break;
    case CH_INTERVAL_CALENDAR:
        ch_buf_printf(sql, "(to_months(%d) + to_days(%d) + to_microseconds(%lld))", v->v.interval.months,
                      v->v.interval.days, (long long)v->v.interval.micros);
        break;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: write_nested(sql, v); break;
    }
}

/* ---- templates ---- */

int ch_write_filter(ch_writer *w, const ch_expr *call, const char *extra)
{
    const char *over = w->over;
    w->over = NULL;
    if (call->u.call.filter || extra) {
        ch_buf_str(w->sql, " FILTER (WHERE ");
        if (extra) CH_TRY(ch_write_template(w, call, extra));
        if (extra && call->u.call.filter) ch_buf_str(w->sql, " AND ");
        if (call->u.call.filter) CH_TRY(ch_write_node(w, call->u.call.filter));
        ch_buf_char(w->sql, ')');
    }
    if (over) ch_buf_printf(w->sql, " OVER %s", over);
    w->over = over;
    return CH_OK;
}

/* An argument is written without the window of the call around it. */
static int write_argument(ch_writer *w, const ch_expr *call, size_t index)
{
    const char *over = w->over;
    if (index >= call->u.call.n) return ch_bug(w->err, "%s has no argument %zu", call->u.call.name, index + 1);
    w->over = NULL;
    int status = ch_write_node(w, call->u.call.args[index]);
    w->over = over;
    return status;
}

static int write_argument_key(ch_writer *w, const ch_expr *call, size_t index)
{
    const char *over = w->over;
    if (index >= call->u.call.n) return ch_bug(w->err, "%s has no argument %zu", call->u.call.name, index + 1);
    w->over = NULL;
    int status = ch_write_sort_key(w, call->u.call.args[index]);
    w->over = over;
    return status;
}

static int write_all(ch_writer *w, const ch_expr *call)
{
    for (size_t i = 0; i < call->u.call.n; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        CH_TRY(write_argument(w, call, i));
    }
    return CH_OK;
}

void ch_write_zone(ch_buf *sql, const char *zone)
{
    if (zone)
        ch_buf_sql_string(sql, zone);
    else
        ch_buf_str(sql, "current_setting('TimeZone')");
}

/* The argument as a timestamp on the clock of the session's time zone. */
static int write_local(ch_writer *w, const ch_expr *call, size_t index)
{
    if (index >= call->u.call.n) return ch_bug(w->err, "%s has no argument %zu", call->u.call.name, index + 1);
    ch_kind kind = call->u.call.args[index]->type->kind;
    if (kind == CH_TIMESTAMP_NTZ) return write_argument(w, call, index);
    ch_buf_str(w->sql, kind == CH_TIMESTAMP ? "ch_local(" : "CAST(");
    CH_TRY(write_argument(w, call, index));
    if (kind != CH_TIMESTAMP) {
        ch_buf_str(w->sql, " AS TIMESTAMP)");
        return CH_OK;
    }
    ch_buf_str(w->sql, ", ");
    ch_write_zone(w->sql, call->zone);
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

int ch_write_template(ch_writer *w, const ch_expr *call, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p != '$') {
            ch_buf_char(w->sql, *p);
            continue;
        }
        p++;
        if (*p >= '1' && *p <= '9')
            CH_TRY(write_argument(w, call, (size_t)(*p - '1')));
        else if (*p == '*')
            CH_TRY(write_all(w, call));
        else if (*p == 'D')
            ch_buf_str(w->sql, call->u.call.distinct ? "DISTINCT " : "");
        else if (*p == 'F')
            CH_TRY(ch_write_filter(w, call, NULL));
        else if (*p == 'N')
            CH_TRY(ch_write_filter(w, call, "$1 IS NOT NULL"));
        else if (*p == 'L')
            CH_TRY(write_local(w, call, (size_t)(*++p - '1')));
        else if (*p == 'K')
            CH_TRY(write_argument_key(w, call, (size_t)(*++p - '1')));
        else if (*p == 't')
            ch_type_duckdb(w->sql, call->type);
        else if (*p == 'z')
            ch_write_zone(w->sql, call->zone);
        else if (*p == '$')
            ch_buf_char(w->sql, '$');
        else
            return ch_bug(w->err, "template %s", text);
    }
    return CH_OK;
}

/* ---- windows ---- */

static int write_bound(ch_writer *w, const ch_window *window, const ch_bound *b, bool lower)
{
    if (b->kind == CH_BOUND_CURRENT) {
        ch_buf_str(w->sql, "CURRENT ROW");
        return CH_OK;
    }
    if (b->kind == CH_BOUND_UNBOUNDED) {
        ch_buf_str(w->sql, lower ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
        return CH_OK;
    }
    ch_literal v;
    ch_arena *arena = ch_arena_new();
    bool known = ch_fold(arena, b->value, &v);
    bool preceding = false;
    if (known && v.type->kind == CH_DECIMAL)
        preceding = v.v.decimal < 0, v.v.decimal = preceding ? -v.v.decimal : v.v.decimal;
    else if (known && (v.type->kind == CH_FLOAT || v.type->kind == CH_DOUBLE))
        preceding = v.v.real < 0, v.v.real = fabs(v.v.real);
    else if (known && v.v.integer < 0 && v.v.integer != INT64_MIN)
        preceding = true, v.v.integer = -v.v.integer;
    if (known && window->rows && v.v.integer > INT64_C(1) << 40)
        v.v.integer = INT64_C(1) << 40; /* further than any row */
    if (known && !window->rows && window->order[0].expr->type->kind == CH_DATE && ch_type_is_integral(v.type))
        ch_buf_printf(w->sql, "to_days(%lld)", (long long)v.v.integer);
    else if (known)
        ch_write_literal(w->sql, &v);
    ch_arena_free(arena);
    if (!known) return ch_bug(w->err, "window bound");
    ch_buf_str(w->sql, preceding ? " PRECEDING" : " FOLLOWING");
    return CH_OK;
}

static int write_window_text(ch_writer *w, const ch_window *window)
{
    ch_buf_char(w->sql, '(');
    if (window->npartition) ch_buf_str(w->sql, "PARTITION BY ");
    for (size_t i = 0; i < window->npartition; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_node(w, window->partition[i]));
    }
    if (window->norder) ch_buf_str(w->sql, window->npartition ? " ORDER BY " : "ORDER BY ");
    for (size_t i = 0; i < window->norder; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_sort_key(w, window->order[i].expr));
        ch_buf_str(w->sql, window->order[i].descending ? " DESC" : " ASC");
        ch_buf_str(w->sql, window->order[i].nulls_last ? " NULLS LAST" : " NULLS FIRST");
    }
    bool own = (window->function->u.call.fn->flags & CH_FN_OWN_FRAME) != 0;
    if (window->has_frame && !own) {
        if (window->npartition || window->norder) ch_buf_char(w->sql, ' ');
        ch_buf_str(w->sql, window->rows ? "ROWS BETWEEN " : "RANGE BETWEEN ");
        CH_TRY(write_bound(w, window, &window->lower, true));
        ch_buf_str(w->sql, " AND ");
        CH_TRY(write_bound(w, window, &window->upper, false));
    }
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static int write_window(ch_writer *w, const ch_expr *e)
{
    ch_buf over = {0};
    ch_writer inner = {.sql = &over, .err = w->err, .depth = w->depth};
    int status = write_window_text(&inner, &e->u.window);
    if (!status) {
        const char *outer = w->over;
        w->over = ch_buf_text(&over);
        status = ch_write_node(w, e->u.window.function);
        w->over = outer;
    }
    ch_buf_reset(&over);
    return status;
}

/* ---- the rest ---- */

static int write_function(ch_writer *w, const ch_expr *e)
{
    const ch_function *fn = e->u.call.fn;
    if (fn->sql) return ch_write_template(w, e, fn->sql);
    if (fn->write) return fn->write(w, e);
    return ch_raise(w->err, "UNSUPPORTED_FEATURE", "feature", fn->name, (char *)NULL);
}

static bool is_null_constant(const ch_expr *e)
{
    while (e->kind == CH_EX_CAST) e = e->u.cast.child;
    return e->kind == CH_EX_LITERAL && e->u.literal.is_null;
}

/* The engine forgets the type of what it computes from a NULL constant. */
static bool loses_type(const ch_expr *e)
{
    if (e->u.call.fn->kind != CH_FN_SCALAR || (e->type->kind != CH_ARRAY && e->type->kind != CH_MAP)) return false;
    for (size_t i = 0; i < e->u.call.n; i++)
        if (is_null_constant(e->u.call.args[i])) return true;
    return false;
}

static int write_call(ch_writer *w, const ch_expr *e)
{
    bool lenient = e->u.call.lenient && e->u.call.fn->flags & CH_FN_TRY_LENIENT, typed = loses_type(e);
    if (typed) ch_buf_str(w->sql, "CAST(");
    if (lenient) ch_buf_str(w->sql, "TRY(");
    CH_TRY(write_function(w, e));
    if (lenient) ch_buf_char(w->sql, ')');
    return typed ? ch_write_template(w, e, " AS $t)") : CH_OK;
}

static int write_field(ch_writer *w, const ch_expr *e)
{
    const ch_expr *child = e->u.field.child;
    bool each = child->type->kind == CH_ARRAY;
    if (each) {
        ch_buf_str(w->sql, "list_transform(");
        CH_TRY(ch_write_node(w, child));
        ch_buf_printf(w->sql, ", lambda f%d: struct_extract_at(f%d, %zu))", w->depth, w->depth, e->u.field.ordinal + 1);
        return CH_OK;
    }
    ch_buf_str(w->sql, "struct_extract_at(");
    CH_TRY(ch_write_node(w, child));
    ch_buf_printf(w->sql, ", %zu)", e->u.field.ordinal + 1);
    return CH_OK;
}

static int write_native(ch_writer *w, const ch_expr *e)
{
    ch_buf args = {0};
    ch_writer inner = {.sql = &args, .err = w->err, .depth = w->depth, .variables = w->variables};
    int status = CH_OK;
    for (size_t i = 0; i < e->u.native.n && !status; i++) {
        if (i) ch_buf_str(&args, ", ");
        status = ch_write_node(&inner, e->u.native.args[i]);
    }
    if (!status) status = ch_native_sql(w->sql, e->u.native.fn, ch_buf_text(&args), w->err);
    ch_buf_reset(&args);
    return status;
}

/* x IN (subquery): the subquery's columns are cast to the types the left side was coerced to. */
static int write_in_subquery(ch_writer *w, const ch_expr *e)
{
    const ch_rel *rel = e->u.subquery.rel;
    size_t n = e->u.subquery.nvalues;
    ch_buf_char(w->sql, '(');
    if (n > 1) ch_buf_char(w->sql, '(');
    for (size_t i = 0; i < n; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_node(w, e->u.subquery.values[i]));
    }
    ch_buf_str(w->sql, n > 1 ? ") IN (SELECT (" : " IN (SELECT ");
    for (size_t i = 0; i < n; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        ch_expr column = {.kind = CH_EX_COLUMN, .type = rel->cols[i].type, .u.column.id = rel->cols[i].id};
        CH_TRY(ch_write_cast(w, &column, e->u.subquery.values[i]->type, CH_CAST_ANSI, NULL));
    }
    ch_buf_str(w->sql, n > 1 ? ") FROM (" : " FROM (");
    CH_TRY(ch_write_rel(w->sql, rel, w->err));
    ch_buf_str(w->sql, ")))");
    return CH_OK;
}

static int write_subquery(ch_writer *w, const ch_expr *e)
{
    switch (e->u.subquery.kind) {
    case CH_SUBQUERY_IN: return write_in_subquery(w, e);
    case CH_SUBQUERY_EXISTS: ch_buf_str(w->sql, "EXISTS ("); break;
    case CH_SUBQUERY_SCALAR: ch_buf_char(w->sql, '('); break;
    }
    CH_TRY(ch_write_rel(w->sql, e->u.subquery.rel, w->err));
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static void write_variable(ch_writer *w, const ch_expr *e)
{
    for (const ch_variable_text *v = w->variables; v; v = v->outer) {
        if (v->id != e->u.variable.id) continue;
        ch_buf_str(w->sql, v->text);
        return;
    }
    ch_buf_printf(w->sql, "v%d", e->u.variable.id);
}

static int write_kind(ch_writer *w, const ch_expr *e)
{
    switch (e->kind) {
    case CH_EX_LITERAL: ch_write_literal(w->sql, &e->u.literal); return CH_OK;
    case CH_EX_COLUMN: ch_buf_printf(w->sql, "c%d", e->u.column.id); return CH_OK;
    case CH_EX_VARIABLE: write_variable(w, e); return CH_OK;
    case CH_EX_CALL: return write_call(w, e);
    case CH_EX_CAST: return ch_write_cast(w, e->u.cast.child, e->u.cast.to, e->u.cast.mode, e->zone);
    case CH_EX_WINDOW: return write_window(w, e);
    case CH_EX_FIELD: return write_field(w, e);
    case CH_EX_NATIVE: return write_native(w, e);
    case CH_EX_SUBQUERY: return write_subquery(w, e);
    case CH_EX_LAMBDA: return ch_write_node(w, e->u.lambda.body);
    default: return ch_bug(w->err, "expression kind %d cannot be written", (int)e->kind);
    }
}

int ch_write_node(ch_writer *w, const ch_expr *e)
{
    if (w->depth >= WRITE_DEPTH_MAX) return ch_bug(w->err, "expression too deep to write");
    if (w->sql->len > WRITE_SIZE_MAX) { /* some templates write an argument twice: nested, that doubles */
        return ch_failf(w->err, CH_E_UNSUPPORTED, "The expression is too large: its SQL passes %d bytes.",
                        WRITE_SIZE_MAX);
    }
    w->depth++;
    int status = write_kind(w, e);
    w->depth--;
    return status;
}

int ch_write_expr(ch_buf *sql, const ch_expr *e, ch_error *err)
{
    ch_writer w = {.sql = sql, .err = err};
    return ch_write_node(&w, e);
}
