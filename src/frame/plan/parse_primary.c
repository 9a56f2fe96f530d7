/* parse_primary.c: literals, names, function calls with their special forms, CASE, CAST, subqueries, subscripts. */
#include "frame/plan/parse_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- literals --- */

static int number_out_of_range(ch_parser *p, const char *text, const char *type, ch_error *err)
{
    int status = ch_raise(err, "INVALID_NUMERIC_LITERAL_RANGE", "rawLiteral", text, "minValue", "", "maxValue", "",
                          "typeName", type, (char *)NULL);
    ch_locate_error(p, ch_peek(p), err);
    return status;
}

/* "12.50" -> decimal(4,2); leading zeros do not count. */
static int decimal_literal(ch_parser *p, const char *text, bool negative, ch_expr **out, ch_error *err)
{
    ch_int128 value = 0;
    int digits = 0, scale = 0, exponent = 0;
    bool point = false;
    const char *s = text;
    for (; *s && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        if (digits || *s != '0') digits++;
        if (digits > 38) return number_out_of_range(p, text, "decimal", err);
        value = value * 10 + (*s - '0');
        scale += point;
    }
    if (*s) exponent = (int)strtol(s + 1, NULL, 10);
    scale -= exponent;
    for (; scale < 0; scale++) {
        if (++digits > 38) return number_out_of_range(p, text, "decimal", err);
        value *= 10;
    }
    if (scale > 38) return number_out_of_range(p, text, "decimal", err);
    int precision = digits < scale ? scale : digits;
    ch_literal lit = {.type = ch_type_decimal(p->arena, precision < 1 ? 1 : precision, scale)};
    lit.v.decimal = negative ? -value : value;
    *out = ch_expr_literal(p->arena, &lit);
    return 0;
}

static int integer_literal(ch_parser *p, const char *text, bool negative, char suffix, ch_expr **out, ch_error *err)
{
    static const struct {
        char suffix;
        const ch_type *type;
        long long max;
    } rows[] = {{'Y', &ch_type_byte, 127},
                {'S', &ch_type_short, 32767},
                {'L', &ch_type_long, 9223372036854775807LL},
                {0, &ch_type_int, 2147483647},
                {0, &ch_type_long, 9223372036854775807LL}};
    errno = 0;
    unsigned long long v = strtoull(text, NULL, 10);
    for (size_t i = 0; !errno && i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].suffix != suffix || v > (unsigned long long)rows[i].max + negative) continue;
        ch_literal lit = {.type = rows[i].type};
        lit.v.integer = (int64_t)(negative ? 0 - v : v);
        *out = ch_expr_literal(p->arena, &lit);
        return 0;
    }
    if (suffix) return number_out_of_range(p, text, "integral", err);
    return decimal_literal(p, text, negative, out, err);
}

int ch_parse_number(ch_parser *p, bool negative, ch_expr **out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    p->at++;
    if (t->kind == CH_TK_INTEGER) return integer_literal(p, t->text, negative, 0, out, err);
    if (t->kind == CH_TK_DECIMAL) return decimal_literal(p, t->text, negative, out, err);
    if (t->kind == CH_TK_SUFFIXED && t->suffix == 'B') return decimal_literal(p, t->text, negative, out, err);
    if (t->kind == CH_TK_SUFFIXED && strchr("YSL", t->suffix))
        return integer_literal(p, t->text, negative, t->suffix, out, err);
    double v = strtod(t->text, NULL);
    *out = ch_expr_double(p->arena, negative ? -v : v);
    if (t->kind == CH_TK_SUFFIXED && t->suffix == 'F') {
        (*out)->u.literal.type = &ch_type_float;
        (*out)->u.literal.v.real = (float)(*out)->u.literal.v.real;
    }
    return 0;
}

static int string_literal(ch_parser *p, ch_expr **out)
{
    const ch_token *t = ch_peek(p);
    ch_buf all = {0};
    for (; ch_peek(p)->kind == CH_TK_STRING; p->at++) ch_buf_add(&all, ch_peek(p)->text, ch_peek(p)->len);
    ch_literal lit = {.type = &ch_type_string};
    lit.v.bytes.len = all.len;
    lit.v.bytes.data = all.len == t->len ? t->text : ch_arena_dup(p->arena, all.data, all.len);
    *out = ch_expr_literal(p->arena, &lit);
    ch_buf_reset(&all);
    return 0;
}

/* X'1F' */
static int hex_literal(ch_parser *p, ch_expr **out, ch_error *err)
{
    p->at++;
    const ch_token *t = ch_peek(p);
    size_t n = (t->len + 1) / 2, odd = t->len % 2;
    unsigned char *bytes = ch_arena_alloc(p->arena, n + 1);
    for (size_t i = 0; i < t->len; i++) {
        const char *digits = "0123456789abcdef", *hit = strchr(digits, t->text[i] | 32);
        if (!hit || !t->text[i]) return ch_syntax_error(p, err);
        bytes[(i + odd) / 2] = (unsigned char)(bytes[(i + odd) / 2] << 4 | (hit - digits));
    }
    ch_literal lit = {.type = &ch_type_binary};
    lit.v.bytes.data = (const char *)bytes;
    lit.v.bytes.len = n;
    p->at++;
    *out = ch_expr_literal(p->arena, &lit);
    return 0;
}

/* --- intervals --- */

typedef struct interval_unit {
    const char *name;
    int months;
    int64_t micros;
    int field; /* 0 DAY .. 3 SECOND, or 0 YEAR, 1 MONTH */
} interval_unit;

static const interval_unit units[] = {
    {"YEAR", 12, 0, 0},           {"YEARS", 12, 0, 0},          {"MONTH", 1, 0, 1},
    {"MONTHS", 1, 0, 1},          {"WEEK", 0, 604800000000, 0}, {"WEEKS", 0, 604800000000, 0},
    {"DAY", 0, 86400000000, 0},   {"DAYS", 0, 86400000000, 0},  {"HOUR", 0, 3600000000, 1},
    {"HOURS", 0, 3600000000, 1},  {"MINUTE", 0, 60000000, 2},   {"MINUTES", 0, 60000000, 2},
    {"SECOND", 0, 1000000, 3},    {"SECONDS", 0, 1000000, 3},   {"MILLISECOND", 0, 1000, 3},
    {"MILLISECONDS", 0, 1000, 3}, {"MICROSECOND", 0, 1, 3},     {"MICROSECONDS", 0, 1, 3}};

static const interval_unit *unit_of(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcasecmp(name, units[i].name)) return &units[i];
    return NULL;
}

static ch_expr *interval_of(ch_parser *p, ch_kind kind, int first, int last, int64_t value)
{
    ch_type *t = CH_NEW(p->arena, ch_type);
    t->kind = kind;
    t->precision = first;
    t->scale = last;
    ch_literal lit = {.type = t};
    lit.v.integer = value;
    return ch_expr_literal(p->arena, &lit);
}

/* '1-2' YEAR TO MONTH, '1 02:03:04.5' DAY TO SECOND: fields from `first` to `last`, joined by "- " and ":". */
static bool read_range(const char *text, bool year_month, int first, int last, int64_t *value)
{
    static const int64_t scale[] = {86400000000, 3600000000, 60000000, 1000000};
    bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    *value = 0;
    for (int f = first; f <= last; f++) {
        char *end;
        if (*text < '0' || *text > '9') return false;
        errno = 0;
        long long v = strtoll(text, &end, 10);
        if (errno || v > 100000000000LL) return false;
        *value += year_month ? (f == 0 ? v * 12 : v) : v * scale[f];
        text = end;
        if (!year_month && f == 3 && *text == '.') {
            int64_t unit = 100000;
            for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10) *value += (*text - '0') * unit;
        }
        if (f < last) {
            if (*text != (year_month ? '-' : f == 0 ? ' ' : ':')) return false;
            text++;
        }
    }
    if (negative) *value = -*value;
    return *text == '\0';
}

static int interval_range(ch_parser *p, const char *text, const interval_unit *from, ch_expr **out, ch_error *err)
{
    const char *name;
    int64_t value;
    CH_TRY(ch_expect_word(p, "TO", err));
    CH_TRY(ch_parse_identifier(p, &name, err));
    const interval_unit *to = unit_of(name);
    bool year_month = from->months > 0;
    if (!to || (to->months > 0) != year_month || to->field <= from->field ||
        !read_range(text, year_month, from->field, to->field, &value))
        return ch_syntax_error(p, err);
    *out = interval_of(p, year_month ? CH_INTERVAL_YEAR_MONTH : CH_INTERVAL_DAY_TIME, from->field, to->field, value);
    return 0;
}

/* "3", "-3", "1.5": in millionths, so that seconds may have a fraction. */
static bool read_amount(const char *text, bool minus, int64_t *millionths)
{
    char *end;
    errno = 0;
    long double v = strtold(text, &end);
    if (errno || end == text || *end || v > 9e12L || v < -9e12L) return false;
    v = minus ? -v : v;
    *millionths = (int64_t)(v * 1000000 + (v < 0 ? -0.5L : 0.5L));
    return true;
}

typedef struct interval_sum {
    int64_t months, micros;
    int first, last;
    bool any, month_units, time_units;
} interval_sum;

static bool add_part(interval_sum *sum, int64_t millionths, const interval_unit *unit)
{
    if (unit->months && millionths % 1000000) return false;
    sum->months += millionths / 1000000 * unit->months;
    sum->micros += unit->micros % 1000000 ? millionths * unit->micros / 1000000 : unit->micros / 1000000 * millionths;
    sum->month_units |= unit->months > 0;
    sum->time_units |= unit->months == 0;
    if (!sum->any || unit->field < sum->first) sum->first = unit->field;
    if (!sum->any || unit->field > sum->last) sum->last = unit->field;
    sum->any = true;
    return true;
}

/* INTERVAL 1 DAY 2 HOURS, INTERVAL '1' DAY, INTERVAL '1 day 2 hours', INTERVAL '1-2' YEAR TO MONTH. */
static int parse_interval(ch_parser *p, ch_expr **out, ch_error *err)
{
    interval_sum sum = {0};
    p->at++;
    const ch_token *t = ch_peek(p);
    bool whole_text =
        t->kind == CH_TK_STRING && !(p->tokens[p->at + 1].kind == CH_TK_WORD && unit_of(p->tokens[p->at + 1].text));
    if (whole_text) {
        ch_parser inner;
        const char *text =
            ch_arena_printf(p->arena, "INTERVAL %s", strncasecmp(t->text, "interval ", 9) ? t->text : t->text + 9);
        CH_TRY(ch_parser_init(&inner, p->arena, text, err));
        CH_TRY(parse_interval(&inner, out, err));
        p->at++;
        return ch_expect_end(&inner, err);
    }
    for (;;) {
        size_t signs = ch_is_op(p, 0, "-") || ch_is_op(p, 0, "+");
        bool minus = ch_is_op(p, 0, "-");
        const ch_token *amount = &p->tokens[p->at + signs];
        const interval_unit *unit = amount->kind == CH_TK_END ? NULL : unit_of(amount[1].text);
        if (!(amount->kind == CH_TK_STRING || amount->kind == CH_TK_INTEGER || amount->kind == CH_TK_DECIMAL) || !unit)
            break;
        p->at += signs + 2;
        if (amount->kind == CH_TK_STRING && ch_is_word(p, 0, "TO") && !sum.any)
            return interval_range(p, amount->text, unit, out, err);
        int64_t millionths;
        if (!read_amount(amount->text, minus, &millionths) || !add_part(&sum, millionths, unit))
            return ch_syntax_error(p, err);
    }
    if (!sum.any || (sum.month_units && sum.time_units)) return ch_syntax_error(p, err);
    *out = sum.month_units ? interval_of(p, CH_INTERVAL_YEAR_MONTH, sum.first, sum.last, sum.months)
                           : interval_of(p, CH_INTERVAL_DAY_TIME, sum.first, sum.last, sum.micros);
    return 0;
}

/* DATE '...', TIMESTAMP '...': a cast of the text, folded by the engine. */
static int parse_typed_literal(ch_parser *p, const ch_type *type, ch_expr **out)
{
    p->at++;
    ch_expr *text;
    string_literal(p, &text);
    *out = ch_expr_cast(p->arena, text, type);
    (*out)->u.cast.implicit = true; /* analysis, which knows the time zone, makes it a literal */
    return 0;
}

static ch_expr *argument_of(ch_parser *p, const ch_token *t)
{
    const ch_plan *sql = p->arguments;
    if (!sql) return NULL;
    if (t->kind == CH_TK_OPERATOR)
        return p->next_argument < sql->u.sql.npos ? sql->u.sql.pos[p->next_argument++] : NULL;
    for (size_t i = 0; i < sql->u.sql.nnamed; i++)
        if (!strcmp(sql->u.sql.arg_names[i], t->text)) return sql->u.sql.named[i];
    return NULL;
}

static int parse_parameter(ch_parser *p, ch_expr **out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    *out = argument_of(p, t);
    if (!*out) {
        const char *name = t->kind == CH_TK_OPERATOR ? ch_arena_printf(p->arena, "_%zu", t->start) : t->text;
        return ch_raise(err, "UNBOUND_SQL_PARAMETER", "name", name, (char *)NULL);
    }
    p->at++;
    return 0;
}

/* --- special forms --- */

static int parse_case(ch_parser *p, ch_expr **out, ch_error *err)
{
    ch_expr *value = NULL, **args = NULL, *e;
    size_t n = 0;
    p->at++;
    if (!ch_is_word(p, 0, "WHEN")) CH_TRY(ch_parse_expr(p, &value, err));
    while (ch_accept_word(p, "WHEN")) {
        CH_TRY(ch_parse_expr(p, &e, err));
        if (value) e = ch_expr_call(p->arena, "==", 2, value, e);
        CH_APPEND(p->arena, args, n, e);
        CH_TRY(ch_expect_word(p, "THEN", err));
        CH_TRY(ch_parse_expr(p, &e, err));
        CH_APPEND(p->arena, args, n, e);
    }
    if (!n) return ch_syntax_error(p, err);
    if (ch_accept_word(p, "ELSE")) {
        CH_TRY(ch_parse_expr(p, &e, err));
        CH_APPEND(p->arena, args, n, e);
    }
    *out = ch_parse_call_of(p, "when", n, args);
    return ch_expect_word(p, "END", err);
}

static int parse_cast(ch_parser *p, bool try_cast, ch_expr **out, ch_error *err)
{
    ch_expr *child;
    const ch_type *type;
    p->at += 2;
    CH_TRY(ch_parse_expr(p, &child, err));
    CH_TRY(ch_expect_word(p, "AS", err));
    CH_TRY(ch_parse_data_type(p, &type, err));
    *out = ch_expr_cast(p->arena, child, type);
    if (try_cast) (*out)->u.cast.mode = CH_CAST_TRY;
    return ch_expect_op(p, ")", err);
}

/* EXTRACT(YEAR FROM x) */
static int parse_extract(ch_parser *p, ch_expr **out, ch_error *err)
{
    const char *field;
    ch_expr *source;
    p->at += 2;
    CH_TRY(ch_parse_identifier(p, &field, err));
    CH_TRY(ch_expect_word(p, "FROM", err));
    CH_TRY(ch_parse_expr(p, &source, err));
    *out = ch_expr_call(p->arena, "extract", 2, ch_expr_string(p->arena, field), source);
    return ch_expect_op(p, ")", err);
}

/* TRIM([BOTH|LEADING|TRAILING] [chars] FROM text) */
static int parse_trim(ch_parser *p, ch_expr **out, ch_error *err)
{
    const char *name = "trim";
    ch_expr *chars = NULL, *text;
    p->at += 2;
    if (ch_accept_word(p, "LEADING"))
        name = "ltrim";
    else if (ch_accept_word(p, "TRAILING"))
        name = "rtrim";
    else
        ch_accept_word(p, "BOTH");
    if (!ch_is_word(p, 0, "FROM")) CH_TRY(ch_parse_expr(p, &chars, err));
    if (ch_accept_word(p, "FROM")) {
        CH_TRY(ch_parse_expr(p, &text, err));
    } else {
        text = chars;
        chars = NULL;
        if (ch_accept_op(p, ",")) {
            chars = text;
            CH_TRY(ch_parse_expr(p, &text, err));
        }
    }
    *out = chars ? ch_expr_call(p->arena, name, 2, chars, text) : ch_expr_call(p->arena, name, 1, text);
    return ch_expect_op(p, ")", err);
}

/* SUBSTRING(x FROM a [FOR b]); the comma form is an ordinary call. *out = NULL when it is that. */
static int parse_substring(ch_parser *p, ch_expr **out, ch_error *err)
{
    size_t at = p->at;
    ch_expr *text, *from, *length = NULL;
    *out = NULL;
    p->at += 2;
    CH_TRY(ch_parse_expr(p, &text, err));
    if (!ch_accept_word(p, "FROM")) {
        p->at = at;
        return 0;
    }
    CH_TRY(ch_parse_expr(p, &from, err));
    if (ch_accept_word(p, "FOR")) CH_TRY(ch_parse_expr(p, &length, err));
    *out = length ? ch_expr_call(p->arena, "substring", 3, text, from, length)
                  : ch_expr_call(p->arena, "substring", 2, text, from);
    return ch_expect_op(p, ")", err);
}

/* OVERLAY(x PLACING y FROM a [FOR b]); the comma form is an ordinary call. *out = NULL when it is that. */
static int parse_overlay(ch_parser *p, ch_expr **out, ch_error *err)
{
    size_t at = p->at;
    ch_expr *text, *placed, *from, *length;
    *out = NULL;
    p->at += 2;
    CH_TRY(ch_parse_expr(p, &text, err));
    if (!ch_accept_word(p, "PLACING")) {
        p->at = at;
        return 0;
    }
    CH_TRY(ch_parse_expr(p, &placed, err));
    CH_TRY(ch_expect_word(p, "FROM", err));
    CH_TRY(ch_parse_expr(p, &from, err));
    if (ch_accept_word(p, "FOR"))
        CH_TRY(ch_parse_expr(p, &length, err));
    else
        length = ch_expr_int(p->arena, -1);
    *out = ch_expr_call(p->arena, "overlay", 4, text, placed, from, length);
    return ch_expect_op(p, ")", err);
}

/* POSITION(a IN b) */
static int parse_position(ch_parser *p, ch_expr **out, ch_error *err)
{
    size_t at = p->at;
    ch_expr *needle, *text;
    *out = NULL;
    p->at += 2;
    /* A lone value before IN: parse it as a primary, or IN would be taken for a predicate. */
    CH_TRY(ch_parse_primary(p, &needle, err));
    if (!ch_accept_word(p, "IN")) {
        p->at = at;
        return 0;
    }
    CH_TRY(ch_parse_expr(p, &text, err));
    *out = ch_expr_call(p->arena, "locate", 2, needle, text);
    return ch_expect_op(p, ")", err);
}

/* --- function calls --- */

static int parse_frame_bound(ch_parser *p, ch_bound *out, ch_error *err)
{
    if (ch_accept_word(p, "UNBOUNDED")) {
        out->kind = CH_BOUND_UNBOUNDED;
        if (ch_accept_word(p, "PRECEDING")) return 0;
        return ch_expect_word(p, "FOLLOWING", err);
    }
    if (ch_accept_word(p, "CURRENT")) {
        out->kind = CH_BOUND_CURRENT;
        return ch_expect_word(p, "ROW", err);
    }
    out->kind = CH_BOUND_VALUE;
    CH_TRY(ch_parse_expr(p, &out->value, err));
    if (ch_accept_word(p, "PRECEDING")) {
        out->value = ch_expr_call(p->arena, "-", 1, out->value);
        return 0;
    }
    return ch_expect_word(p, "FOLLOWING", err);
}

static int parse_frame(ch_parser *p, ch_window *out, ch_error *err)
{
    out->rows = ch_accept_word(p, "ROWS");
    if (!out->rows && !ch_accept_word(p, "RANGE")) return 0;
    out->has_frame = true;
    if (ch_accept_word(p, "BETWEEN")) {
        CH_TRY(parse_frame_bound(p, &out->lower, err));
        CH_TRY(ch_expect_word(p, "AND", err));
        return parse_frame_bound(p, &out->upper, err);
    }
    out->upper.kind = CH_BOUND_CURRENT;
    return parse_frame_bound(p, &out->lower, err);
}

int ch_parse_window(ch_parser *p, ch_window *out, ch_error *err)
{
    CH_TRY(ch_expect_op(p, "(", err));
    if (ch_accept_word(p, "PARTITION") || ch_accept_word(p, "DISTRIBUTE")) {
        CH_TRY(ch_expect_word(p, "BY", err));
        CH_TRY(ch_parse_exprs(p, &out->npartition, &out->partition, err));
    }
    if (ch_accept_word(p, "ORDER") || ch_accept_word(p, "SORT")) {
        CH_TRY(ch_expect_word(p, "BY", err));
        CH_TRY(ch_parse_orders(p, &out->norder, &out->order, err));
    }
    CH_TRY(parse_frame(p, out, err));
    return ch_expect_op(p, ")", err);
}

/* percentile_cont(p) WITHIN GROUP (ORDER BY x) becomes percentile_cont(x, p). */
static int parse_within_group(ch_parser *p, ch_expr *call, ch_error *err)
{
    bool percentile = (strcasecmp(call->u.call.name, "percentile_cont") == 0 ||
                       strcasecmp(call->u.call.name, "percentile_disc") == 0) &&
                      call->u.call.n == 1;
    size_t at = p->at, n;
    ch_order *orders;
    p->at += 2;
    CH_TRY(ch_expect_op(p, "(", err));
    CH_TRY(ch_expect_word(p, "ORDER", err));
    CH_TRY(ch_expect_word(p, "BY", err));
    CH_TRY(ch_parse_orders(p, &n, &orders, err));
    CH_TRY(ch_expect_op(p, ")", err));
    if (!percentile || n != 1 || orders[0].descending) {
        p->at = at;
        return ch_unsupported_syntax(p, "WITHIN GROUP", err);
    }
    ch_expr **args = CH_NEW_ARRAY(p->arena, ch_expr *, 2);
    args[0] = orders[0].expr;
    args[1] = call->u.call.args[0];
    call->u.call.args = args;
    call->u.call.n = 2;
    return 0;
}

/* What may follow a call: WITHIN GROUP (ORDER BY x), IGNORE NULLS, FILTER (WHERE ...), OVER w | OVER (...). A named
 * window is kept by name in window.function's place until the end of the SELECT (parse_query.c) puts in its definition.
 */
static int parse_call_tail(ch_parser *p, ch_expr **out, ch_error *err)
{
    ch_expr *call = *out;
    if ((ch_is_word(p, 0, "IGNORE") || ch_is_word(p, 0, "RESPECT")) && ch_is_word(p, 1, "NULLS")) {
        call->u.call.ignore_nulls = ch_is_word(p, 0, "IGNORE");
        p->at += 2;
    }
    if (ch_is_word(p, 0, "WITHIN") && ch_is_word(p, 1, "GROUP")) CH_TRY(parse_within_group(p, call, err));
    if (ch_is_word(p, 0, "FILTER") && ch_is_op(p, 1, "(")) {
        p->at += 2;
        CH_TRY(ch_expect_word(p, "WHERE", err));
        CH_TRY(ch_parse_expr(p, &call->u.call.filter, err));
        CH_TRY(ch_expect_op(p, ")", err));
    }
    if (!ch_is_word(p, 0, "OVER") || !(ch_is_op(p, 1, "(") || ch_is_identifier(p, 1))) return 0;
    p->at++;
    ch_expr *e = ch_expr_new(p->arena, CH_EX_WINDOW);
    e->u.window.function = call;
    if (ch_is_op(p, 0, "("))
        CH_TRY(ch_parse_window(p, &e->u.window, err));
    else
        CH_TRY(ch_parse_window_name(p, e, err));
    *out = e;
    return 0;
}

static int parse_arguments(ch_parser *p, ch_expr *call, ch_error *err)
{
    CH_TRY(ch_expect_op(p, "(", err));
    call->u.call.distinct = ch_accept_word(p, "DISTINCT");
    if (!call->u.call.distinct && ch_is_word(p, 0, "ALL") && !ch_is_op(p, 1, ")") && !ch_is_op(p, 1, ",")) p->at++;
    if (ch_accept_op(p, ")")) return 0;
    do {
        ch_expr *e;
        if (ch_is_identifier(p, 0) && ch_is_op(p, 1, "=>")) return ch_unsupported_syntax(p, "named arguments", err);
        CH_TRY(ch_parse_expr(p, &e, err));
        if ((ch_is_word(p, 0, "IGNORE") || ch_is_word(p, 0, "RESPECT")) && ch_is_word(p, 1, "NULLS")) {
            call->u.call.ignore_nulls = ch_is_word(p, 0, "IGNORE");
            p->at += 2;
        }
        CH_APPEND(p->arena, call->u.call.args, call->u.call.n, e);
    } while (ch_accept_op(p, ","));
    return ch_expect_op(p, ")", err);
}

/* struct(a, b AS c): names may be given inside. */
static int parse_struct_call(ch_parser *p, ch_expr **out, ch_error *err)
{
    ch_expr *call = ch_parse_call_of(p, "struct", 0, NULL);
    p->at += 2;
    if (!ch_is_op(p, 0, ")")) {
        do {
            ch_expr *e;
            CH_TRY(ch_parse_named_expr(p, &e, err));
            CH_APPEND(p->arena, call->u.call.args, call->u.call.n, e);
        } while (ch_accept_op(p, ","));
    }
    *out = call;
    return ch_expect_op(p, ")", err);
}

static int parse_call(ch_parser *p, ch_expr **out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    if (t->kind == CH_TK_WORD) {
        if (!strcasecmp(t->text, "cast")) return parse_cast(p, false, out, err);
        if (!strcasecmp(t->text, "try_cast")) return parse_cast(p, true, out, err);
        if (!strcasecmp(t->text, "extract")) return parse_extract(p, out, err);
        if (!strcasecmp(t->text, "trim")) return parse_trim(p, out, err);
        if (!strcasecmp(t->text, "struct")) return parse_struct_call(p, out, err);
        *out = NULL;
        if (!strcasecmp(t->text, "substring") || !strcasecmp(t->text, "substr"))
            CH_TRY(parse_substring(p, out, err));
        else if (!strcasecmp(t->text, "overlay"))
            CH_TRY(parse_overlay(p, out, err));
        else if (!strcasecmp(t->text, "position"))
            CH_TRY(parse_position(p, out, err));
        if (*out) return 0;
    }
    size_t nparts;
    const char **parts;
    CH_TRY(ch_parse_name_parts(p, &nparts, &parts, err));
    /* Functions have one name here; system.builtin.f is the same as f. */
    *out = ch_parse_call_of(p, parts[nparts - 1], 0, NULL);
    CH_TRY(parse_arguments(p, *out, err));
    return parse_call_tail(p, out, err);
}

/* Names that are calls without parentheses. */
static bool is_bare_call(const char *word)
{
    static const char *const words[] = {"current_date", "current_timestamp", "current_user",  "current_time",
                                        "user",         "session_user",      "localtimestamp"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(word, words[i])) return true;
    return false;
}

/* --- the rest --- */

static int parse_subquery_expr(ch_parser *p, ch_subquery_kind kind, ch_expr **out, ch_error *err)
{
    ch_expr *e = ch_expr_new(p->arena, CH_EX_SUBQUERY);
    e->u.subquery.kind = kind;
    CH_TRY(ch_expect_op(p, "(", err));
    CH_TRY(ch_parse_subquery(p, &e->u.subquery.plan, err));
    *out = e;
    return ch_expect_op(p, ")", err);
}

/* ( expr ), ( a, b ) = struct, ( SELECT ... ) */
static int parse_parenthesis(ch_parser *p, ch_expr **out, ch_error *err)
{
    if (ch_is_word(p, 1, "SELECT") || ch_is_word(p, 1, "WITH"))
        return parse_subquery_expr(p, CH_SUBQUERY_SCALAR, out, err);
    p->at++;
    ch_expr **items = NULL;
    size_t n = 0;
    do {
        ch_expr *e;
        CH_TRY(ch_parse_named_expr(p, &e, err));
        CH_APPEND(p->arena, items, n, e);
    } while (ch_accept_op(p, ","));
    *out = n == 1 ? items[0] : ch_parse_call_of(p, "struct", n, items);
    return ch_expect_op(p, ")", err);
}

static int parse_name(ch_parser *p, ch_expr **out, ch_error *err)
{
    ch_expr *e = ch_expr_new(p->arena, CH_EX_NAME);
    e->u.name.plan_id = -1;
    CH_TRY(ch_parse_name_parts(p, &e->u.name.nparts, &e->u.name.parts, err));
    if (ch_is_op(p, 0, ".") && ch_is_op(p, 1, "*")) {
        ch_expr *star = ch_expr_star(p->arena);
        star->u.star.nparts = e->u.name.nparts;
        star->u.star.parts = e->u.name.parts;
        p->at += 2;
        e = star;
    }
    *out = e;
    return 0;
}

/* A call starts with name ( or a.b.name ( . */
static bool is_call(const ch_parser *p)
{
    size_t i = 0;
    if (!ch_is_identifier(p, 0)) return false;
    while (ch_is_op(p, i + 1, ".") && ch_is_identifier(p, i + 2)) i += 2;
    return ch_is_op(p, i + 1, "(");
}

static int parse_word(ch_parser *p, ch_expr **out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    bool text_follows = p->tokens[p->at + 1].kind == CH_TK_STRING;
    if (!strcasecmp(t->text, "NULL")) return p->at++, *out = ch_expr_null(p->arena, &ch_type_null), 0;
    if (!strcasecmp(t->text, "TRUE")) return p->at++, *out = ch_expr_bool(p->arena, true), 0;
    if (!strcasecmp(t->text, "FALSE")) return p->at++, *out = ch_expr_bool(p->arena, false), 0;
    if (!strcasecmp(t->text, "CASE")) return parse_case(p, out, err);
    if (!strcasecmp(t->text, "EXISTS") && ch_is_op(p, 1, "(") &&
        (ch_is_word(p, 2, "SELECT") || ch_is_word(p, 2, "WITH")))
        return p->at++, parse_subquery_expr(p, CH_SUBQUERY_EXISTS, out, err);
    if (!strcasecmp(t->text, "INTERVAL") && (text_follows || p->tokens[p->at + 1].kind == CH_TK_INTEGER ||
                                             p->tokens[p->at + 1].kind == CH_TK_DECIMAL || ch_is_op(p, 1, "-")))
        return parse_interval(p, out, err);
    if (text_follows && !strcasecmp(t->text, "X")) return hex_literal(p, out, err);
    if (text_follows && !strcasecmp(t->text, "DATE")) return parse_typed_literal(p, &ch_type_date, out);
    if (text_follows && (!strcasecmp(t->text, "TIMESTAMP") || !strcasecmp(t->text, "TIMESTAMP_LTZ")))
        return parse_typed_literal(p, &ch_type_timestamp, out);
    if (text_follows && !strcasecmp(t->text, "TIMESTAMP_NTZ"))
        return parse_typed_literal(p, &ch_type_timestamp_ntz, out);
    if (is_call(p)) return parse_call(p, out, err);
    if (is_bare_call(t->text)) return p->at++, *out = ch_parse_call_of(p, t->text, 0, NULL), 0;
    return ch_is_implicit_alias(p) || ch_is_op(p, 1, ".") ? parse_name(p, out, err) : ch_syntax_error(p, err);
}

static int parse_base(ch_parser *p, ch_expr **out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    switch (t->kind) {
    case CH_TK_INTEGER:
    case CH_TK_DECIMAL:
    case CH_TK_EXPONENT:
    case CH_TK_SUFFIXED: return ch_parse_number(p, false, out, err);
    case CH_TK_STRING: return string_literal(p, out);
    case CH_TK_PARAMETER: return parse_parameter(p, out, err);
    case CH_TK_QUOTED: return is_call(p) ? parse_call(p, out, err) : parse_name(p, out, err);
    case CH_TK_WORD: return parse_word(p, out, err);
    case CH_TK_OPERATOR:
        if (ch_is_op(p, 0, "(")) return parse_parenthesis(p, out, err);
        if (ch_is_op(p, 0, "?")) return parse_parameter(p, out, err);
        if (ch_accept_op(p, "*")) return *out = ch_expr_star(p->arena), 0;
        return ch_syntax_error(p, err);
    default: return ch_syntax_error(p, err);
    }
}

/* A base followed by any number of [key], .field and ::type. */
int ch_parse_primary(ch_parser *p, ch_expr **out, ch_error *err)
{
    CH_TRY(parse_base(p, out, err));
    for (;;) {
        ch_expr *e = ch_expr_new(p->arena, CH_EX_EXTRACT);
        e->u.extract.child = *out;
        if (ch_accept_op(p, "[")) {
            CH_TRY(ch_parse_expr(p, &e->u.extract.key, err));
            CH_TRY(ch_expect_op(p, "]", err));
        } else if (ch_is_op(p, 0, ".") && ch_is_identifier(p, 1) && (*out)->kind != CH_EX_STAR) {
            p->at++;
            e->u.extract.key = ch_expr_string(p->arena, ch_peek(p)->text);
            p->at++;
        } else if (ch_accept_op(p, "::")) {
            const ch_type *type;
            CH_TRY(ch_parse_data_type(p, &type, err));
            e = ch_expr_cast(p->arena, *out, type);
        } else {
            return 0;
        }
        *out = e;
    }
}
