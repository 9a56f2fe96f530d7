/* functions_datetime.c: dates, timestamps, intervals. Timestamps with time zone are brought to the session's clock by
 * $L; results on that clock go back through ch_instant. */
#include "frame/analyze/resolve.h"

#include "frame/type/datetime.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- fields of a date ---- */

typedef struct date_field {
    const char *names[6];
    const char *function; /* the table's function that takes it */
} date_field;

/* What EXTRACT and date_part know. */
static const date_field FIELDS[] = {
    {{"year", "y", "years", "yr", "yrs", NULL}, "year"},
    {{"yearofweek", NULL}, "yearofweek"},
    {{"quarter", "qtr", NULL}, "quarter"},
    {{"month", "mon", "mons", "months", NULL}, "month"},
    {{"week", "w", "weeks", NULL}, "weekofyear"},
    {{"day", "d", "days", NULL}, "day"},
    {{"dayofweek", "dow", NULL}, "dayofweek"},
    {{"dayofweek_iso", "dow_iso", NULL}, "dayofweek_iso"},
    {{"doy", NULL}, "dayofyear"},
    {{"hour", "h", "hours", "hr", "hrs", NULL}, "hour"},
    {{"minute", "m", "min", "mins", "minutes", NULL}, "minute"},
    {{"second", "s", "sec", "seconds", "secs", NULL}, "second_fraction"},
};

static const char *field_function(const char *name)
{
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        for (size_t j = 0; FIELDS[i].names[j]; j++)
            if (strcasecmp(FIELDS[i].names[j], name) == 0) return FIELDS[i].function;
    return NULL;
}

/* extract(field, source): becomes the field's function, kept as a hidden third argument. */
static int type_extract(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const char *field = ch_fold_string(scope->arena, e->u.call.args[0]);
    const char *function = field ? field_function(field) : NULL;
    if (!function) {
        return ch_raise(err, "INVALID_EXTRACT_FIELD", "field", ch_backquoted(scope->arena, field ? field : "NULL"),
                        "expr", ch_quote_expr(scope->arena, e->u.call.args[1]), (char *)NULL);
    }
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 3);
    args[0] = e->u.call.args[0];
    args[1] = e->u.call.args[1];
    CH_TRY(ch_make_call(scope, function, 1, &args[1], &args[2], err));
    e->u.call.args = args;
    e->u.call.n = 3;
    e->type = args[2]->type;
    e->nullable = args[2]->nullable;
    return CH_OK;
}

static void print_extract(ch_buf *out, const ch_expr *e)
{
    bool part = strcmp(e->u.call.fn->name, "date_part") == 0;
    ch_buf_printf(out, "%s(", e->u.call.fn->name);
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, part ? ", " : " FROM ");
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_char(out, ')');
}

/* GetDateField over a timestamp without zone goes through a cast Spark calls nullable. */
static int type_date_field(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr *a = e->u.call.args[0];
    if (a->type->kind != CH_DATE) CH_TRY(ch_coerce_argument(scope, e, 0, "date", err));
    e->type = &ch_type_int;
    e->nullable = e->u.call.args[0]->nullable || a->type->kind == CH_TIMESTAMP_NTZ;
    return CH_OK;
}

static int type_time_field(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "timestamp|timestamp_ntz", err));
    if (strcmp(e->u.call.fn->name, "second_fraction") == 0)
        e->type = ch_type_decimal(scope->arena, 8, 6);
    else
        e->type = &ch_type_int;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

/* ---- adding days, months, intervals ---- */

static int type_date_add(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "date", err));
    ch_expr *days = e->u.call.args[1];
    if (ch_type_is_string(days->type))
        e->u.call.args[1] = ch_coerce(scope->arena, days, &ch_type_int);
    else if (days->type->kind != CH_LONG)
        CH_TRY(ch_coerce_argument(scope, e, 1, "int|short|byte", err));
    if (days->type->kind == CH_LONG || !ch_type_is_integral(e->u.call.args[1]->type)) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "second", "requiredType",
                           "(\"INT\" or \"SMALLINT\" or \"TINYINT\")", "inputSql", ch_quote_expr(scope->arena, days),
                           "inputType", ch_quote_type(scope->arena, days->type), (char *)NULL);
    }
    e->type = &ch_type_date;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

/* dateadd(date, days) or dateadd(unit, amount, timestamp). */
static int type_dateadd(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 2) return type_date_add(scope, e, err);
    ch_expr *add;
    CH_TRY(ch_make_call(scope, "timestampadd", 3, e->u.call.args, &add, err));
    *e = *add;
    return CH_OK;
}

static int type_datediff(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 3) {
        ch_expr *diff;
        CH_TRY(ch_make_call(scope, "timestampdiff", 3, e->u.call.args, &diff, err));
        *e = *diff;
        return CH_OK;
    }
    CH_TRY(ch_coerce_argument(scope, e, 0, "date", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "date", err));
    e->type = &ch_type_int;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

int ch_type_shift_interval(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *at = e->u.call.args[0]->type, *by = e->u.call.args[1]->type;
    (void)err;
    if (at->kind == CH_DATE && by->kind == CH_INTERVAL_DAY_TIME) {
        e->u.call.args[0] = ch_coerce(scope->arena, e->u.call.args[0], &ch_type_timestamp);
        e->type = &ch_type_timestamp;
    } else {
        e->type = at;
    }
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

int ch_write_shift_interval(ch_writer *w, const ch_expr *e)
{
    bool minus = e->u.call.fn->name[0] == 'm';
    bool day_time = e->u.call.args[1]->type->kind == CH_INTERVAL_DAY_TIME;
    if (e->type->kind == CH_DATE)
        return ch_write_template(w, e, minus ? "CAST(($1 - $2) AS DATE)" : "CAST(($1 + $2) AS DATE)");
    if (e->type->kind == CH_TIMESTAMP_NTZ) return ch_write_template(w, e, minus ? "($1 - $2)" : "($1 + $2)");
    CH_TRY(ch_write_template(w, e, minus ? "ch_plus_interval($1, $2, -1, " : "ch_plus_interval($1, $2, 1, "));
    return ch_write_template(w, e, day_time ? "true, $z)" : "false, $z)");
}

int ch_type_subtract_dates(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    e->type = ch_type_sized(scope->arena, CH_INTERVAL_DAY_TIME, 0, 0);
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

int ch_type_scale_interval(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    (void)err;
    if (t->kind == CH_INTERVAL_DAY_TIME)
        e->type = ch_type_sized(scope->arena, t->kind, 0, 3);
    else if (t->kind == CH_INTERVAL_YEAR_MONTH)
        e->type = ch_type_sized(scope->arena, t->kind, 0, 1);
    else
        e->type = t;
    e->nullable = ch_any_nullable(e);
    e->u.call.args[1] = ch_coerce(scope->arena, e->u.call.args[1], &ch_type_double);
    return CH_OK;
}

int ch_write_scale_interval(ch_writer *w, const ch_expr *e)
{
    bool times = e->u.call.fn->name[0] == 'm';
    if (e->type->kind == CH_INTERVAL_DAY_TIME)
        return ch_write_template(w, e,
                                 times ? "to_microseconds(CAST(round(epoch_us($1) * $2) AS BIGINT))"
                                       : "to_microseconds(CAST(round(ch_div(epoch_us($1), $2)) AS BIGINT))");
    if (e->type->kind == CH_INTERVAL_YEAR_MONTH)
        return ch_write_template(w, e,
                                 times ? "to_months(CAST(round(ch_interval_months($1) * $2) AS INTEGER))"
                                       : "to_months(CAST(round(ch_div(ch_interval_months($1), $2)) AS INTEGER))");
    return ch_raise(w->err, "UNSUPPORTED_FEATURE", "feature", "arithmetic of calendar intervals", (char *)NULL);
}

/* ---- timestampadd, timestampdiff ---- */

static const char *unit_of(ch_scope *scope, const ch_expr *e)
{
    if (e->kind == CH_EX_LITERAL) return ch_fold_string(scope->arena, e);
    return NULL;
}

static int type_timestampadd(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (!unit_of(scope, e->u.call.args[0]))
        return ch_raise(err, "INVALID_PARAMETER_VALUE.DATETIME_UNIT", "functionName", "`TIMESTAMPADD`", "parameter",
                        "`unit`", "invalidValue", ch_auto_name(scope->arena, e->u.call.args[0]), (char *)NULL);
    bool diff = strcmp(e->u.call.fn->name, "timestampdiff") == 0;
    CH_TRY(ch_coerce_argument(scope, e, 1, diff ? "timestamp|timestamp_ntz" : "long", err));
    CH_TRY(ch_coerce_argument(scope, e, 2, "timestamp|timestamp_ntz", err));
    e->type = diff ? &ch_type_long : e->u.call.args[2]->type;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_timestampadd(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_TIMESTAMP) return ch_write_template(w, e, "ch_instant_add($1, $2, $3, $z)");
    return ch_write_template(w, e, "ch_timestampadd($1, $2, $3)");
}

/* ---- parsing and formatting ---- */

/* to_date(x), to_timestamp(x) without a pattern are casts that keep their name. */
static int type_parse(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const char *name = e->u.call.fn->name;
    bool is_try = strncmp(name, "try_", 4) == 0, date = strstr(name, "date") != NULL, ntz = strstr(name, "ntz") != NULL;
    bool may_fail = is_try || e->u.call.lenient;
    const ch_type *type = date ? &ch_type_date : ntz ? &ch_type_timestamp_ntz : &ch_type_timestamp;
    ch_expr *a = e->u.call.args[0];
    e->type = type;
    if (e->u.call.n == 1 || !ch_type_is_string(a->type)) {
        if (!ch_can_cast(a->type, type, CH_CAST_ANSI)) {
            return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                               ch_quote_type(scope->arena, type), "inputSql", ch_quote_expr(scope->arena, a),
                               "inputType", ch_quote_type(scope->arena, a->type), (char *)NULL);
        }
        ch_expr *cast = ch_coerce(scope->arena, a, type);
        if (cast->kind == CH_EX_CAST && cast != a && is_try) cast->u.cast.mode = CH_CAST_TRY;
        e->nullable = cast->nullable || may_fail;
        e->u.call.args[0] = cast;
        return CH_OK;
    }
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    e->nullable = ch_any_nullable(e) || may_fail;
    return CH_OK;
}

static int write_parse(ch_writer *w, const ch_expr *e)
{
    const char *name = e->u.call.fn->name;
    bool is_try = strncmp(name, "try_", 4) == 0 || e->u.call.lenient, date = e->type->kind == CH_DATE;
    if (e->u.call.n == 1 || !ch_type_is_string(e->u.call.args[0]->type)) return ch_write_node(w, e->u.call.args[0]);
    const char *function = is_try ? "ch_try_parse" : date ? "ch_parse_to_date" : "ch_parse_to_timestamp";
    bool zoned = e->type->kind == CH_TIMESTAMP; /* the others have no zone: UTC keeps the clock */
    if (!zoned) ch_buf_str(w->sql, date ? "CAST(ch_local(" : "ch_local(");
    ch_buf_printf(w->sql, "%s(", function);
    CH_TRY(ch_write_template(w, e, "$1, $2, "));
    if (zoned)
        ch_write_zone(w->sql, e->zone);
    else
        ch_buf_str(w->sql, "'UTC'");
    ch_buf_str(w->sql, zoned ? ")" : date ? "), 'UTC') AS DATE)" : "), 'UTC')");
    return CH_OK;
}

static int type_date_format(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "timestamp|timestamp_ntz", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    e->type = &ch_type_string;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_date_format(ch_writer *w, const ch_expr *e)
{
    ch_buf_str(w->sql, "ch_date_format(");
    if (e->u.call.args[0]->type->kind == CH_TIMESTAMP_NTZ)
        return ch_write_template(w, e, "ch_instant($1, 'UTC'), $2, 'UTC')");
    return ch_write_template(w, e, "$1, $2, $z)");
}

static const char DEFAULT_PATTERN[] = "yyyy-MM-dd HH:mm:ss";

static int type_unix_timestamp(ch_scope *scope, ch_expr *e, ch_error *err)
{
    size_t n = e->u.call.n;
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 2);
    if (n == 0)
        CH_TRY(ch_make_call(scope, "current_timestamp", 0, NULL, &args[0], err));
    else
        args[0] = e->u.call.args[0];
    args[1] = n == 2 ? e->u.call.args[1] : ch_expr_string(scope->arena, DEFAULT_PATTERN);
    e->u.call.args = args;
    e->u.call.n = 2;
    CH_TRY(ch_coerce_argument(scope, e, 0, "string|date|timestamp|timestamp_ntz", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    if (args[0]->type->kind == CH_DATE) {
        args[0] = ch_coerce(scope->arena, args[0], &ch_type_timestamp);
        if (args[0]->kind == CH_EX_CAST) args[0]->zone = e->zone;
    }
    e->type = &ch_type_long;
    e->nullable = ch_any_nullable(e) || e->u.call.lenient;
    return CH_OK;
}

static int write_unix_timestamp(ch_writer *w, const ch_expr *e)
{
    ch_kind kind = e->u.call.args[0]->type->kind;
    if (kind == CH_TIMESTAMP) return ch_write_template(w, e, "ch_epoch($1)");
    if (kind == CH_TIMESTAMP_NTZ) return ch_write_template(w, e, "ch_epoch(ch_instant($1, 'UTC'))");
    return ch_write_template(
        w, e, e->u.call.lenient ? "ch_epoch(ch_try_parse($1, $2, $z))" : "ch_epoch(ch_parse_to_timestamp($1, $2, $z))");
}

static int type_from_unixtime(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 1) {
        e->u.call.args = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), 1, 2);
        e->u.call.args[e->u.call.n++] = ch_expr_string(scope->arena, DEFAULT_PATTERN);
    }
    CH_TRY(ch_coerce_argument(scope, e, 0, "long", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    e->type = &ch_type_string;
    e->nullable = true;
    return CH_OK;
}

/* ---- trunc ---- */

static int type_trunc(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "date", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    e->type = &ch_type_date;
    e->nullable = true;
    return CH_OK;
}

static int type_date_trunc(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "string", err));
    ch_expr *a = e->u.call.args[1];
    if (a->type->kind == CH_TIMESTAMP_NTZ) e->u.call.args[1] = ch_coerce(scope->arena, a, &ch_type_timestamp);
    CH_TRY(ch_coerce_argument(scope, e, 1, "timestamp", err));
    e->type = &ch_type_timestamp;
    e->nullable = true;
    return CH_OK;
}

/* ---- windows of time ---- */

/* Microseconds of "10 minutes", "1 day 2 hours"; false for text that is no such interval or that has months. */
static bool read_duration(const char *text, int64_t *micros)
{
    static const struct {
        const char *name;
        int64_t micros;
    } UNITS[] = {{"microsecond", 1},
                 {"millisecond", 1000},
                 {"second", 1000000},
                 {"minute", 60000000},
                 {"hour", 3600000000},
                 {"day", 86400000000},
                 {"week", INT64_C(604800000000)}};
    int64_t sum = 0;
    bool any = false;
    if (strncasecmp(text, "interval ", 9) == 0) text += 9;
    for (;;) {
        while (*text == ' ') text++;
        if (!*text) break;
        long long amount;
        int used;
        char unit[24];
        if (sscanf(text, "%lld %23[A-Za-z]%n", &amount, unit, &used) != 2) return false;
        size_t len = strlen(unit);
        if (len > 1 && (unit[len - 1] == 's' || unit[len - 1] == 'S')) unit[--len] = '\0';
        bool found = false;
        for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
            int64_t part;
            if (strcasecmp(UNITS[i].name, unit) != 0) continue;
            if (__builtin_mul_overflow((int64_t)amount, UNITS[i].micros, &part)) return false;
            if (__builtin_add_overflow(sum, part, &sum)) return false;
            found = any = true;
        }
        if (!found) return false;
        text += used;
    }
    *micros = sum;
    return any;
}

static int read_window_part(ch_scope *scope, const ch_expr *e, size_t index, int64_t *micros, ch_error *err)
{
    const char *text = ch_fold_string(scope->arena, e->u.call.args[index]);
    if (text && read_duration(text, micros)) return CH_OK;
    ch_literal v;
    if (ch_fold(scope->arena, e->u.call.args[index], &v) && v.type->kind == CH_INTERVAL_DAY_TIME && !v.is_null) {
        *micros = v.v.integer;
        return CH_OK;
    }
    return ch_raise(err, "CANNOT_PARSE_INTERVAL", "intervalString", ch_quote_expr(scope->arena, e->u.call.args[index]),
                    (char *)NULL);
}

/* window(time, length[, slide[, start]]): an array of the windows the row is in is what gets written; the analyzer sees
 * a tumbling window as a plain struct. Sliding windows multiply rows: they come back as a generator. */
static int type_window(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "timestamp|timestamp_ntz", err));
    int64_t length, slide, start = 0;
    CH_TRY(read_window_part(scope, e, 1, &length, err));
    slide = length;
    if (e->u.call.n > 2) CH_TRY(read_window_part(scope, e, 2, &slide, err));
    if (e->u.call.n > 3) CH_TRY(read_window_part(scope, e, 3, &start, err));
    if (length <= 0 || slide <= 0) {
        bool bad_length = length <= 0;
        return ch_mismatch(
            scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", bad_length ? "`window_duration`" : "`slide_duration`",
            "valueRange", "(0, 9223372036854775807]", "currentValue",
            ch_arena_printf(scope->arena, "%lldL", (long long)(bad_length ? length : slide)), (char *)NULL);
    }
    if (slide != length) return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "sliding time windows", (char *)NULL);
    const ch_type *t = e->u.call.args[0]->type;
    ch_field fields[2] = {{.name = "start", .type = t, .nullable = true}, {.name = "end", .type = t, .nullable = true}};
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 3);
    args[0] = e->u.call.args[0];
    args[1] = ch_expr_long(scope->arena, length);
    args[2] = ch_expr_long(scope->arena, start);
    e->u.call.args = args;
    e->u.call.n = 3;
    e->type = ch_type_struct(scope->arena, fields, 2);
    e->nullable = args[0]->nullable;
    return CH_OK;
}

static int write_window(ch_writer *w, const ch_expr *e)
{
    const char *zoned = "struct_pack(\"start\" := ch_window_start($1, $2, $3), \"end\" := "
                        "ch_shift_micros(ch_window_start($1, $2, $3), $2))";
    const char *local =
        "struct_pack(\"start\" := ch_local(ch_window_start(ch_instant($1, 'UTC'), $2, $3), 'UTC'), "
        "\"end\" := ch_local(ch_shift_micros(ch_window_start(ch_instant($1, 'UTC'), $2, $3), $2), 'UTC'))";
    return ch_write_template(w, e, e->u.call.args[0]->type->kind == CH_TIMESTAMP ? zoned : local);
}

static void print_window(ch_buf *out, const ch_expr *e)
{
    (void)e;
    ch_buf_str(out, "window");
}

static int type_months_between(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 2) {
        e->u.call.args = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), 2, 3);
        e->u.call.args[e->u.call.n++] = ch_expr_bool(scope->arena, true);
    }
    CH_TRY(ch_coerce_argument(scope, e, 0, "timestamp", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "timestamp", err));
    CH_TRY(ch_coerce_argument(scope, e, 2, "boolean", err));
    e->type = &ch_type_double;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int type_convert_timezone(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 2) {
        ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 3);
        args[0] = ch_expr_string(scope->arena, ch_scope_zone(scope));
        args[1] = e->u.call.args[0];
        args[2] = e->u.call.args[1];
        e->u.call.args = args;
        e->u.call.n = 3;
    }
    CH_TRY(ch_coerce_argument(scope, e, 0, "string", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    CH_TRY(ch_coerce_argument(scope, e, 2, "timestamp_ntz", err));
    e->type = &ch_type_timestamp_ntz;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int type_make_timestamp(ch_scope *scope, ch_expr *e, ch_error *err)
{
    for (size_t i = 0; i < 5; i++) CH_TRY(ch_coerce_argument(scope, e, i, "int", err));
    CH_TRY(ch_coerce_argument(scope, e, 5, "decimal|double", err));
    e->u.call.args[5] = ch_coerce(scope->arena, e->u.call.args[5], ch_type_decimal(scope->arena, 16, 6));
    if (e->u.call.n > 6) CH_TRY(ch_coerce_argument(scope, e, 6, "string", err));
    e->type = strstr(e->u.call.fn->name, "ntz") ? &ch_type_timestamp_ntz : &ch_type_timestamp;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_make_timestamp(ch_writer *w, const ch_expr *e)
{
    const char *parts = "ch_make_timestamp($1, $2, $3, $4, $5, CAST($6 * 1000000 AS BIGINT))";
    if (e->type->kind == CH_TIMESTAMP_NTZ) return ch_write_template(w, e, parts);
    ch_buf_str(w->sql, "ch_instant(");
    CH_TRY(ch_write_template(w, e, parts));
    return ch_write_template(w, e, e->u.call.n > 6 ? ", $7)" : ", $z)");
}

static void add_zeros(ch_scope *scope, ch_expr *e, size_t want)
{
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, want);
    memcpy(args, e->u.call.args, e->u.call.n * sizeof *args);
    while (e->u.call.n < want) args[e->u.call.n++] = ch_expr_int(scope->arena, 0);
    e->u.call.args = args;
}

static int type_make_interval(ch_scope *scope, ch_expr *e, ch_error *err)
{
    bool day_time = e->u.call.fn->name[5] == 'd';
    add_zeros(scope, e, day_time ? 4 : 2);
    for (size_t i = 0; i < e->u.call.n; i++) {
        CH_TRY(ch_coerce_argument(scope, e, i, i == 3 ? "number" : "int", err));
        if (i == 3)
            e->u.call.args[3] = ch_coerce(scope->arena, e->u.call.args[3], ch_type_decimal(scope->arena, 18, 6));
    }
    e->type = day_time ? ch_type_sized(scope->arena, CH_INTERVAL_DAY_TIME, 0, 3)
                       : ch_type_sized(scope->arena, CH_INTERVAL_YEAR_MONTH, 0, 1);
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int type_timestamp_seconds(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    (void)err;
    if (t->kind == CH_FLOAT || t->kind == CH_DOUBLE) e->nullable = true; /* NaN has no time */
    if (t->kind == CH_DECIMAL) e->u.call.args[0] = ch_coerce(scope->arena, e->u.call.args[0], &ch_type_double);
    return CH_OK;
}

static int type_zone(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    (void)scope;
    e->type = &ch_type_string;
    e->nullable = false;
    return CH_OK;
}

#define DATE_FIELD(name_, sql_, flags_)                                                                                \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 1, .type = type_date_field, .sql = sql_, .flags = flags_             \
    }
#define TIME_FIELD(name_, sql_, flags_)                                                                                \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 1, .type = type_time_field, .sql = sql_, .flags = flags_             \
    }
#define PARSE(name_)                                                                                                   \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 2, .type = type_parse, .write = write_parse                          \
    }
#define NOW(name_, pretty_, type_, sql_)                                                                               \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .types = "> " type_, .nulls = CH_NULL_NEVER, .sql = sql_                     \
    }

const ch_function ch_functions_datetime[] = {
    DATE_FIELD("year", "CAST(year($1) AS INTEGER)", 0),
    DATE_FIELD("quarter", "CAST(quarter($1) AS INTEGER)", 0),
    DATE_FIELD("month", "CAST(month($1) AS INTEGER)", 0),
    DATE_FIELD("day", "CAST(day($1) AS INTEGER)", 0),
    DATE_FIELD("dayofmonth", "CAST(day($1) AS INTEGER)", 0),
    DATE_FIELD("dayofweek", "CAST((dayofweek($1) + 1) AS INTEGER)", 0),
    DATE_FIELD("dayofweek_iso", "CAST(isodow($1) AS INTEGER)", CH_FN_HIDDEN),
    DATE_FIELD("weekday", "CAST((isodow($1) - 1) AS INTEGER)", 0),
    DATE_FIELD("dayofyear", "CAST(dayofyear($1) AS INTEGER)", 0),
    DATE_FIELD("weekofyear", "CAST(weekofyear($1) AS INTEGER)", 0),
    DATE_FIELD("yearofweek", "CAST(isoyear($1) AS INTEGER)", CH_FN_HIDDEN),
    TIME_FIELD("hour", "CAST(hour($L1) AS INTEGER)", 0),
    TIME_FIELD("minute", "CAST(minute($L1) AS INTEGER)", 0),
    TIME_FIELD("second", "CAST(second($L1) AS INTEGER)", 0),
    TIME_FIELD("second_fraction", "CAST((CAST((microsecond($L1)) AS DECIMAL(18,6)) / 1000000) AS DECIMAL(8,6))",
               CH_FN_HIDDEN),
    {.name = "dayname", .types = "date > string", .sql = "strftime($1, '%a')"},
    {.name = "monthname", .types = "date > string", .sql = "strftime($1, '%b')"},
    {.name = "extract", .min_args = 2, .max_args = 2, .type = type_extract, .sql = "$3", .print = print_extract},
    {.name = "date_part", .min_args = 2, .max_args = 2, .type = type_extract, .sql = "$3", .print = print_extract},
    {.name = "datepart", .min_args = 2, .max_args = 2, .type = type_extract, .sql = "$3", .print = print_extract},
    {.name = "date_add", .min_args = 2, .max_args = 2, .type = type_date_add, .sql = "($1 + CAST($2 AS INTEGER))"},
    {.name = "dateadd",
     .pretty = "date_add",
     .min_args = 2,
     .max_args = 3,
     .type = type_dateadd,
     .sql = "($1 + CAST($2 AS INTEGER))"},
    {.name = "date_sub", .min_args = 2, .max_args = 2, .type = type_date_add, .sql = "($1 - CAST($2 AS INTEGER))"},
    {.name = "datediff", .min_args = 2, .max_args = 3, .type = type_datediff, .sql = "CAST(($1 - $2) AS INTEGER)"},
    {.name = "date_diff", .min_args = 2, .max_args = 3, .type = type_datediff, .sql = "CAST(($1 - $2) AS INTEGER)"},
    {.name = "add_months", .types = "date, int > date", .sql = "CAST(($1 + to_months($2)) AS DATE)"},
    {.name = "months_between",
     .min_args = 2,
     .max_args = 3,
     .type = type_months_between,
     .sql = "ch_months_between($L1, $L2, $3)"},
    {.name = "last_day", .types = "date > date", .sql = "last_day($1)"},
    {.name = "next_day",
     .types = "date, string > date",
     .nulls = CH_NULL_ALWAYS,
     .sql = "ch_next_day($1, $2)",
     .flags = CH_FN_TRY_LENIENT},
    {.name = "trunc",
     .min_args = 2,
     .max_args = 2,
     .type = type_trunc,
     .sql = "CAST(ch_date_trunc($2, CAST($1 AS TIMESTAMP)) AS DATE)"},
    {.name = "date_trunc",
     .min_args = 2,
     .max_args = 2,
     .type = type_date_trunc,
     .sql = "ch_instant_trunc($1, $2, $z)"},
    PARSE("to_date"),
    PARSE("try_to_date"),
    PARSE("to_timestamp"),
    PARSE("try_to_timestamp"),
    PARSE("to_timestamp_ntz"),
    PARSE("to_timestamp_ltz"),
    {.name = "date_format", .min_args = 2, .max_args = 2, .type = type_date_format, .write = write_date_format},
    {.name = "unix_timestamp",
     .min_args = 0,
     .max_args = 2,
     .type = type_unix_timestamp,
     .write = write_unix_timestamp},
    {.name = "to_unix_timestamp",
     .min_args = 1,
     .max_args = 2,
     .type = type_unix_timestamp,
     .write = write_unix_timestamp},
    {.name = "from_unixtime",
     .min_args = 1,
     .max_args = 2,
     .type = type_from_unixtime,
     .sql = "ch_date_format(ch_from_seconds($1), $2, $z)"},
    {.name = "from_utc_timestamp",
     .types = "timestamp, string > timestamp",
     .sql = "ch_instant(ch_local($1, $2), 'UTC')"},
    {.name = "to_utc_timestamp",
     .types = "timestamp, string > timestamp",
     .sql = "ch_instant(ch_local($1, 'UTC'), $2)"},
    {.name = "convert_timezone",
     .min_args = 2,
     .max_args = 3,
     .type = type_convert_timezone,
     .sql = "ch_local(ch_instant($3, $1), $2)"},
    {.name = "unix_date", .types = "date > int", .sql = "CAST(($1 - DATE '1970-01-01') AS INTEGER)"},
    {.name = "unix_seconds", .types = "timestamp > long", .sql = "ch_epoch($1)"},
    {.name = "unix_millis", .types = "timestamp > long", .sql = "CAST(floor(epoch_us($1) / 1000e0) AS BIGINT)"},
    {.name = "unix_micros", .types = "timestamp > long", .sql = "epoch_us($1)"},
    {.name = "date_from_unix_date", .types = "int > date", .sql = "(DATE '1970-01-01' + $1)"},
    {.name = "timestamp_seconds",
     .types = "number > timestamp",
     .type = type_timestamp_seconds,
     .sql = "ch_from_seconds($1)"},
    {.name = "timestamp_millis", .types = "long > timestamp", .sql = "make_timestamptz($1 * 1000)"},
    {.name = "timestamp_micros", .types = "long > timestamp", .sql = "make_timestamptz($1)"},
    {.name = "make_date",
     .types = "int, int, int > date",
     .sql = "ch_make_date($1, $2, $3)",
     .flags = CH_FN_TRY_LENIENT},
    {.name = "make_timestamp",
     .min_args = 6,
     .max_args = 7,
     .type = type_make_timestamp,
     .write = write_make_timestamp,
     .flags = CH_FN_TRY_LENIENT},
    {.name = "make_timestamp_ltz",
     .min_args = 6,
     .max_args = 7,
     .type = type_make_timestamp,
     .write = write_make_timestamp,
     .flags = CH_FN_TRY_LENIENT},
    {.name = "make_timestamp_ntz",
     .min_args = 6,
     .max_args = 6,
     .type = type_make_timestamp,
     .write = write_make_timestamp,
     .flags = CH_FN_TRY_LENIENT},
    {.name = "make_dt_interval",
     .min_args = 0,
     .max_args = 4,
     .type = type_make_interval,
     .sql = "to_microseconds(CAST($1 AS BIGINT) * 86400000000 + CAST($2 AS BIGINT) * 3600000000 + "
            "CAST($3 AS BIGINT) * 60000000 + CAST($4 * 1000000 AS BIGINT))"},
    {.name = "make_ym_interval",
     .min_args = 0,
     .max_args = 2,
     .type = type_make_interval,
     .sql = "to_months($1 * 12 + $2)"},
    NOW("current_date", NULL, "date", "CAST(ch_local(current_timestamp, $z) AS DATE)"),
    NOW("curdate", "current_date", "date", "CAST(ch_local(current_timestamp, $z) AS DATE)"),
    NOW("current_timestamp", NULL, "timestamp", "current_timestamp"),
    NOW("now", NULL, "timestamp", "current_timestamp"),
    NOW("localtimestamp", NULL, "timestamp_ntz", "ch_local(current_timestamp, $z)"),
    {.name = "current_timezone", .max_args = 0, .type = type_zone, .sql = "$z"},
    {.name = "timestampadd", .min_args = 3, .max_args = 3, .type = type_timestampadd, .write = write_timestampadd},
    {.name = "timestampdiff",
     .min_args = 3,
     .max_args = 3,
     .type = type_timestampadd,
     .sql = "ch_timestampdiff($1, $L2, $L3)"},
    {.name = "window", .min_args = 2, .max_args = 4, .type = type_window, .write = write_window, .print = print_window},
    {.name = "window_time",
     .types = "struct > timestamp",
     .nulls = CH_NULL_ALWAYS,
     .sql = "ch_shift_micros(struct_extract_at($1, 2), CAST(-1 AS BIGINT))"},
    {.name = NULL},
};
