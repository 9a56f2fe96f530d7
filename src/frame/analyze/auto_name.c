/* auto_name.c: the text Spark gives to a column nobody named, which its error messages use as well: toPrettySQL of the
 * resolved expression. Casts put in by the analysis do not show, literals show without quotes. */
#include "frame/analyze/resolve.h"
#include "frame/io/io.h"
#include "frame/type/datetime.h"

#include <stdio.h>
#include <string.h>

/* ---- literals ---- */

static void print_fraction(ch_buf *out, int64_t micros)
{
    if (micros == 0) return;
    char text[8];
    snprintf(text, sizeof text, "%06lld", (long long)micros);
    size_t n = 6;
    while (n && text[n - 1] == '0') n--;
    text[n] = '\0';
    ch_buf_printf(out, ".%s", text);
}

static const char *const DAY_TIME_FIELDS[] = {"DAY", "HOUR", "MINUTE", "SECOND"};

static void print_day_time(ch_buf *out, int64_t micros, int from, int to)
{
    ch_buf_str(out, "INTERVAL '");
    if (micros < 0) ch_buf_char(out, '-');
    uint64_t rest = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    static const uint64_t UNITS[] = {86400000000U, 3600000000U, 60000000U, 1000000U};
    static const char *const SEPARATORS[] = {"", " ", ":", ":"};
    for (int i = from; i <= to; i++) {
        if (i > from) ch_buf_str(out, SEPARATORS[i]);
        ch_buf_printf(out, i == 0 ? "%llu" : "%02llu", (unsigned long long)(rest / UNITS[i]));
        rest %= UNITS[i];
    }
    if (to == 3) print_fraction(out, (int64_t)rest);
    ch_buf_printf(out, "' %s", DAY_TIME_FIELDS[from]);
    if (to > from) ch_buf_printf(out, " TO %s", DAY_TIME_FIELDS[to]);
}

static void print_year_month(ch_buf *out, int64_t months, int from, int to)
{
    uint64_t n = months < 0 ? 0 - (uint64_t)months : (uint64_t)months;
    ch_buf_printf(out, "INTERVAL '%s", months < 0 ? "-" : "");
    if (from == to)
        ch_buf_printf(out, "%llu' %s", (unsigned long long)(from ? n : n / 12), from ? "MONTH" : "YEAR");
    else
        ch_buf_printf(out, "%llu-%llu' YEAR TO MONTH", (unsigned long long)(n / 12), (unsigned long long)(n % 12));
}

/* BigDecimal.toString: plain, or with an exponent when that would begin with more than six zeros. */
static void print_decimal(ch_buf *out, ch_int128 unscaled, int scale)
{
    ch_buf digits = {0};
    ch_decimal_text(&digits, unscaled < 0 ? -unscaled : unscaled, 0);
    int count = (int)digits.len, exponent = count - 1 - scale;
    if (exponent >= -6) {
        ch_decimal_text(out, unscaled, scale);
    } else {
        const char *text = ch_buf_text(&digits);
        ch_buf_printf(out, "%s%c%s%sE%d", unscaled < 0 ? "-" : "", text[0], count > 1 ? "." : "", text + 1, exponent);
    }
    ch_buf_reset(&digits);
}

static void print_literal(ch_buf *out, const ch_literal *v, const char *zone);

static void print_items(ch_buf *out, const ch_literal *v, const char *open, const char *zone)
{
    ch_buf_str(out, open);
    for (size_t i = 0; i < v->v.list.n; i++) {
        if (i) ch_buf_str(out, ", ");
        if (v->type->kind == CH_STRUCT) ch_buf_printf(out, "%s, ", v->type->fields[i].name);
        print_literal(out, &v->v.list.items[i], zone);
    }
    ch_buf_char(out, ')');
}

static void print_literal(ch_buf *out, const ch_literal *v, const char *zone)
{
    if (v->is_null) {
        ch_buf_str(out, "NULL");
        return;
    }
    switch (v->type->kind) {
    case CH_BOOLEAN: ch_buf_str(out, v->v.boolean ? "true" : "false"); break;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: ch_buf_printf(out, "%lld", (long long)v->v.integer); break;
    case CH_FLOAT: ch_buf_java_float(out, (float)v->v.real); break;
    case CH_DOUBLE: ch_buf_java_double(out, v->v.real); break;
    case CH_DECIMAL: print_decimal(out, v->v.decimal, v->type->scale); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: ch_buf_add(out, v->v.bytes.data, v->v.bytes.len); break;
    case CH_BINARY:
        ch_buf_str(out, "X'");
        for (size_t i = 0; i < v->v.bytes.len; i++) ch_buf_printf(out, "%02X", (unsigned char)v->v.bytes.data[i]);
        ch_buf_char(out, '\'');
        break;
    case CH_DATE: {
        char text[CH_DATE_TEXT];
        ch_date_text(text, (int32_t)v->v.integer);
        ch_buf_printf(out, "DATE '%s'", text);
        break;
    }
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: {
        char text[CH_TIMESTAMP_TEXT];
        const ch_timezone *local = v->type->kind == CH_TIMESTAMP && zone ? ch_timezone_find(zone) : NULL;
        ch_timestamp_text(text, v->v.integer, local);
        ch_buf_printf(out, "%s '%s'", v->type->kind == CH_TIMESTAMP ? "TIMESTAMP" : "TIMESTAMP_NTZ", text);
        break;
    }
    case CH_INTERVAL_DAY_TIME: print_day_time(out, v->v.integer, v->type->precision, v->type->scale); break;
    case CH_INTERVAL_YEAR_MONTH: print_year_month(out, v->v.integer, v->type->precision, v->type->scale); break;
    case CH_ARRAY: print_items(out, v, "ARRAY(", zone); break;
    case CH_MAP: print_items(out, v, "MAP(", zone); break;
    case CH_STRUCT: print_items(out, v, "NAMED_STRUCT(", zone); break;
    default: ch_buf_str(out, "?"); break;
    }
}

/* ---- windows ---- */

static void print_bound(ch_buf *out, const ch_bound *b, bool lower)
{
    if (b->kind == CH_BOUND_CURRENT) {
        ch_buf_str(out, "CURRENT ROW");
    } else if (b->kind == CH_BOUND_UNBOUNDED) {
        ch_buf_str(out, lower ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
    } else if (b->value->kind == CH_EX_CALL && b->value->u.call.n == 1 && strcmp(b->value->u.call.name, "-") == 0) {
        ch_print_expr(out, b->value->u.call.args[0]); /* n PRECEDING was written as minus n */
        ch_buf_str(out, " PRECEDING");
    } else {
        ch_print_expr(out, b->value);
        ch_buf_str(out, " FOLLOWING");
    }
}

static void print_window(ch_buf *out, const ch_window *w)
{
    ch_print_expr(out, w->function);
    ch_buf_str(out, " OVER (");
    if (w->npartition) ch_buf_str(out, "PARTITION BY ");
    for (size_t i = 0; i < w->npartition; i++) {
        if (i) ch_buf_str(out, ", ");
        ch_print_expr(out, w->partition[i]);
    }
    if (w->norder) ch_buf_str(out, w->npartition ? " ORDER BY " : "ORDER BY ");
    for (size_t i = 0; i < w->norder; i++) {
        if (i) ch_buf_str(out, ", ");
        ch_print_expr(out, w->order[i].expr);
        ch_buf_str(out, w->order[i].descending ? " DESC" : " ASC");
        ch_buf_str(out, w->order[i].nulls_last ? " NULLS LAST" : " NULLS FIRST");
    }
    if (w->has_frame) {
        if (w->npartition || w->norder) ch_buf_char(out, ' ');
        ch_buf_str(out, w->rows ? "ROWS BETWEEN " : "RANGE BETWEEN ");
        print_bound(out, &w->lower, true);
        ch_buf_str(out, " AND ");
        print_bound(out, &w->upper, false);
    }
    ch_buf_char(out, ')');
}

/* ---- the rest ---- */

void ch_print_args(ch_buf *out, const ch_expr *call, size_t from)
{
    ch_buf_char(out, '(');
    if (call->u.call.distinct) ch_buf_str(out, "DISTINCT ");
    for (size_t i = from; i < call->u.call.n; i++) {
        if (i > from) ch_buf_str(out, ", ");
        ch_print_expr(out, call->u.call.args[i]);
    }
    ch_buf_char(out, ')');
}

static void print_lower(ch_buf *out, const char *name)
{
    for (; *name; name++) ch_buf_char(out, *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name);
}

static void print_call(ch_buf *out, const ch_expr *e)
{
    const ch_function *fn = e->u.call.fn;
    if (fn && fn->print) {
        fn->print(out, e);
    } else {
        if (fn && fn->pretty)
            ch_buf_str(out, fn->pretty);
        else
            print_lower(out, e->u.call.name);
        ch_print_args(out, e, 0);
    }
    if (e->u.call.filter) {
        ch_buf_str(out, " FILTER (WHERE ");
        ch_print_expr(out, e->u.call.filter);
        ch_buf_char(out, ')');
    }
}

static void print_cast(ch_buf *out, const ch_expr *e)
{
    ch_kind to = e->u.cast.to->kind;
    bool nested = to == CH_ARRAY || to == CH_MAP || to == CH_STRUCT; /* Cast.sql leaves these out */
    if (e->u.cast.implicit || nested) {
        ch_print_expr(out, e->u.cast.child);
        return;
    }
    ch_buf_str(out, e->u.cast.mode == CH_CAST_TRY ? "TRY_CAST(" : "CAST(");
    ch_print_expr(out, e->u.cast.child);
    ch_buf_str(out, " AS ");
    ch_type_sql(out, e->u.cast.to);
    ch_buf_char(out, ')');
}

static void print_subquery(ch_buf *out, const ch_expr *e)
{
    if (e->u.subquery.kind == CH_SUBQUERY_SCALAR) ch_buf_str(out, "scalarsubquery()");
    if (e->u.subquery.kind == CH_SUBQUERY_EXISTS) ch_buf_str(out, "exists()");
    if (e->u.subquery.kind != CH_SUBQUERY_IN) return;
    ch_buf_char(out, '(');
    bool several = e->u.subquery.nvalues > 1;
    if (several) ch_buf_char(out, '(');
    for (size_t i = 0; i < e->u.subquery.nvalues; i++) {
        if (i) ch_buf_str(out, ", ");
        ch_print_expr(out, e->u.subquery.values[i]);
    }
    if (several) ch_buf_char(out, ')');
    ch_buf_str(out, " IN (listquery()))");
}

void ch_print_expr(ch_buf *out, const ch_expr *e)
{
    switch (e->kind) {
    case CH_EX_LITERAL: print_literal(out, &e->u.literal, e->zone); break;
    case CH_EX_NAME:
        for (size_t i = 0; i < e->u.name.nparts; i++) ch_buf_printf(out, "%s%s", i ? "." : "", e->u.name.parts[i]);
        break;
    case CH_EX_COLUMN: ch_buf_str(out, e->u.column.name); break;
    case CH_EX_FIELD:
        ch_print_expr(out, e->u.field.child);
        ch_buf_printf(out, ".%s", e->u.field.name);
        break;
    case CH_EX_CALL: print_call(out, e); break;
    case CH_EX_CAST: print_cast(out, e); break;
    case CH_EX_WINDOW: print_window(out, &e->u.window); break;
    case CH_EX_VARIABLE: ch_buf_str(out, e->type ? "namedlambdavariable()" : e->u.variable.name); break;
    case CH_EX_LAMBDA:
        ch_buf_str(out, "lambdafunction(");
        ch_print_expr(out, e->u.lambda.body);
        for (size_t i = 0; i < e->u.lambda.n; i++)
            ch_buf_printf(out, ", %s", e->u.lambda.ids ? "namedlambdavariable()" : e->u.lambda.params[i]);
        ch_buf_char(out, ')');
        break;
    case CH_EX_ALIAS: ch_print_expr(out, e->u.alias.child); break;
    case CH_EX_SORT: ch_print_expr(out, e->u.sort.expr); break;
    case CH_EX_SUBQUERY: print_subquery(out, e); break;
    case CH_EX_NATIVE: ch_buf_str(out, e->u.native.fn->name); break;
    case CH_EX_STAR: ch_buf_char(out, '*'); break;
    case CH_EX_EXTRACT:
        ch_print_expr(out, e->u.extract.child);
        ch_buf_char(out, '[');
        ch_print_expr(out, e->u.extract.key);
        ch_buf_char(out, ']');
        break;
    case CH_EX_STRING: ch_buf_str(out, e->u.text); break;
    case CH_EX_REGEX: ch_buf_str(out, e->u.regex.pattern); break;
    case CH_EX_UPDATE: ch_print_expr(out, e->u.update.child); break;
    }
}

const char *ch_auto_name(ch_arena *arena, const ch_expr *e)
{
    ch_buf text = {0};
    ch_print_expr(&text, e);
    const char *out = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}
