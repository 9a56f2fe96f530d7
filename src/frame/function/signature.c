/* signature.c: checks and coerces the arguments of a call against the text of its row's signature (see function.h), and
 * the helpers by which typing functions do the same for rules that no signature says. */
#include "frame/analyze/resolve.h"

#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

const char *ch_quote_expr(ch_arena *arena, const ch_expr *e)
{
    return ch_arena_printf(arena, "\"%s\"", ch_auto_name(arena, e));
}

const char *ch_quote_type(ch_arena *arena, const ch_type *t)
{
    ch_buf text = {0};
    ch_type_sql(&text, t);
    const char *out = ch_arena_printf(arena, "\"%s\"", ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

const char *ch_backquoted(ch_arena *arena, const char *name)
{
    ch_buf text = {0};
    ch_buf_char(&text, '`');
    for (const char *at = name; *at; at++) {
        if (*at == '`') ch_buf_char(&text, '`');
        ch_buf_char(&text, *at);
    }
    ch_buf_char(&text, '`');
    const char *out = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

const char *ch_ordinal(ch_arena *arena, size_t index)
{
    static const char *const WORDS[] = {"first",   "second", "third", "fourth", "fifth",    "sixth",
                                        "seventh", "eighth", "ninth", "tenth",  "eleventh", "twelfth"};
    if (index < sizeof WORDS / sizeof *WORDS) return WORDS[index];
    return ch_arena_printf(arena, "%zuth", index + 1);
}

int ch_mismatch(ch_scope *scope, ch_error *err, const char *sub, const ch_expr *e, ...)
{
    const char *names[CH_ERROR_PARAMS_MAX], *values[CH_ERROR_PARAMS_MAX];
    names[0] = "sqlExpr";
    values[0] = ch_quote_expr(scope->arena, e);
    int n = 1;
    va_list args;
    va_start(args, e);
    for (const char *name; n < CH_ERROR_PARAMS_MAX && (name = va_arg(args, const char *)); n++) {
        names[n] = name;
        values[n] = va_arg(args, const char *);
    }
    va_end(args);
    return ch_raise_pairs(err, ch_arena_printf(scope->arena, "DATATYPE_MISMATCH.%s", sub), n, names, values);
}

/* ---- type words ---- */

typedef struct word {
    const char *text, *shown; /* shown: as messages name it */
    const ch_type *type;      /* one type */
    int kind;                 /* all types of a kind, with -1 none */
} word;

static const ch_type ARRAY_OF_NULL = {
    .kind = CH_ARRAY,
    .nfield = 1,
    .fields = &(const ch_field){.name = "element", .type = &ch_type_null, .nullable = true}};
static const ch_type MAP_OF_NULL = {.kind = CH_MAP,
                                    .nfield = 2,
                                    .fields =
                                        (const ch_field[]){{.name = "key", .type = &ch_type_null},
                                                           {.name = "value", .type = &ch_type_null, .nullable = true}}};
static const ch_type EMPTY_STRUCT = {.kind = CH_STRUCT};
static const ch_type DECIMAL_DEFAULT = {.kind = CH_DECIMAL, .precision = 38, .scale = 18};

/* `type` is also what a NULL becomes. */
static const word WORDS[] = {
    {"boolean", "BOOLEAN", &ch_type_boolean, CH_BOOLEAN},
    {"byte", "TINYINT", &ch_type_byte, CH_BYTE},
    {"short", "SMALLINT", &ch_type_short, CH_SHORT},
    {"int", "INT", &ch_type_int, CH_INT},
    {"long", "BIGINT", &ch_type_long, CH_LONG},
    {"float", "FLOAT", &ch_type_float, CH_FLOAT},
    {"double", "DOUBLE", &ch_type_double, CH_DOUBLE},
    {"decimal", "DECIMAL", &DECIMAL_DEFAULT, CH_DECIMAL},
    {"string", "STRING", &ch_type_string, CH_STRING},
    {"binary", "BINARY", &ch_type_binary, CH_BINARY},
    {"date", "DATE", &ch_type_date, CH_DATE},
    {"timestamp", "TIMESTAMP", &ch_type_timestamp, CH_TIMESTAMP},
    {"timestamp_ntz", "TIMESTAMP_NTZ", &ch_type_timestamp_ntz, CH_TIMESTAMP_NTZ},
    {"daytime", "INTERVAL DAY TO SECOND", &ch_type_day_time, CH_INTERVAL_DAY_TIME},
    {"yearmonth", "INTERVAL YEAR TO MONTH", &ch_type_year_month, CH_INTERVAL_YEAR_MONTH},
    {"calendar", "INTERVAL", &ch_type_calendar, CH_INTERVAL_CALENDAR},
    {"array", "ARRAY", &ARRAY_OF_NULL, CH_ARRAY},
    {"map", "MAP", &MAP_OF_NULL, CH_MAP},
    {"struct", "STRUCT", &EMPTY_STRUCT, CH_STRUCT},
    {"vector", "VECTOR", &ch_type_vector, CH_VECTOR},
    {"void", "VOID", &ch_type_null, CH_NULL},
    {"number", "NUMERIC", &ch_type_double, -1},
    {"integral", "INTEGRAL", &ch_type_int, -1},
    {"interval", "ANSI INTERVAL", &ch_type_day_time, -1},
    {"any", "ANY", &ch_type_null, -1},
};

/* A parameter or result as a piece of the signature's text. */
typedef struct piece {
    const char *text;
    size_t len;
} piece;

static const word *find_word(piece p)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (strlen(WORDS[i].text) == p.len && memcmp(WORDS[i].text, p.text, p.len) == 0) return &WORDS[i];
    }
    return NULL;
}

static bool accepts(const word *w, const ch_type *t)
{
    if (w->kind == CH_STRING) return ch_type_is_string(t);
    if (w->kind >= 0) return (int)t->kind == w->kind;
    if (strcmp(w->text, "number") == 0) return ch_type_is_numeric(t);
    if (strcmp(w->text, "integral") == 0) return ch_type_is_integral(t);
    if (strcmp(w->text, "interval") == 0) return t->kind == CH_INTERVAL_DAY_TIME || t->kind == CH_INTERVAL_YEAR_MONTH;
    return true;
}

/* AnsiTypeCoercion.implicitCast to one type word; NULL when it does not go. */
static const ch_type *cast_to_word(ch_arena *arena, const ch_type *from, const word *w)
{
    if (accepts(w, from)) return from;
    if (from->kind == CH_NULL) return w->type;
    if (w->kind == CH_DECIMAL && ch_type_is_numeric(from)) return ch_decimal_for(arena, from);
    bool integral = strcmp(w->text, "integral") == 0;
    if (integral && ch_type_is_numeric(from)) return NULL;
    if (ch_type_is_string(from)) {
        if (integral || w->kind == CH_STRING) return NULL;
        bool interval = w->kind == CH_INTERVAL_DAY_TIME || w->kind == CH_INTERVAL_YEAR_MONTH;
        return ch_type_is_atomic(w->type) && !interval ? w->type : NULL;
    }
    return ch_can_store(from, w->type) ? w->type : NULL;
}

static piece next_piece(piece *rest, char separator)
{
    size_t depth = 0, i = 0;
    for (; i < rest->len; i++) {
        char c = rest->text[i];
        if (c == '<') depth++;
        if (c == '>') depth--;
        if (c == separator && depth == 0) break;
    }
    piece out = {rest->text, i};
    size_t skip = i < rest->len ? i + 1 : i;
    rest->text += skip;
    rest->len -= skip;
    while (out.len && out.text[0] == ' ') out.text++, out.len--;
    while (out.len && out.text[out.len - 1] == ' ') out.len--;
    return out;
}

static bool is_array_of(piece p, piece *element)
{
    if (p.len < 8 || memcmp(p.text, "array<", 6) != 0) return false;
    *element = (piece){p.text + 6, p.len - 7};
    return true;
}

/* One alternative of a parameter. */
static const ch_type *cast_to_piece(ch_arena *arena, const ch_type *from, piece p)
{
    piece element;
    if (is_array_of(p, &element)) {
        if (from->kind == CH_NULL) {
            const word *w = find_word(element);
            return ch_type_array(arena, w ? w->type : &ch_type_null, true);
        }
        if (from->kind != CH_ARRAY) return NULL;
        const ch_type *inner = cast_to_piece(arena, from->fields[0].type, element);
        return inner ? ch_type_array(arena, inner, from->fields[0].nullable) : NULL;
    }
    const word *w = find_word(p);
    return w ? cast_to_word(arena, from, w) : NULL;
}

static void show_piece(ch_buf *out, piece p)
{
    piece element;
    ch_buf_char(out, '"');
    if (is_array_of(p, &element)) {
        const word *w = find_word(element);
        ch_buf_printf(out, "ARRAY<%s>", w ? w->shown : "ANY");
    } else {
        const word *w = find_word(p);
        ch_buf_str(out, w ? w->shown : "ANY");
    }
    ch_buf_char(out, '"');
}

/* "INT", or ("STRING" or "BINARY"). */
static const char *show_accepted(ch_arena *arena, piece accept)
{
    ch_buf text = {0};
    bool several = memchr(accept.text, '|', accept.len) != NULL, first = true;
    if (several) ch_buf_char(&text, '(');
    for (piece rest = accept; rest.len; first = false) {
        piece p = next_piece(&rest, '|');
        if (!first) ch_buf_str(&text, " or ");
        show_piece(&text, p);
    }
    if (several) ch_buf_char(&text, ')');
    const char *out = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

static int coerce_piece(ch_scope *scope, ch_expr *call, size_t index, piece accept, ch_error *err)
{
    ch_arena *arena = scope->arena;
    ch_expr *arg = call->u.call.args[index];
    const ch_type *found = NULL;
    /* A type that is accepted as it is goes before any that would need a cast. */
    for (piece rest = accept; rest.len && !found;) {
        const ch_type *t = cast_to_piece(arena, arg->type, next_piece(&rest, '|'));
        if (t && ch_type_equal(t, arg->type, false)) found = t;
    }
    for (piece rest = accept; rest.len && !found;) found = cast_to_piece(arena, arg->type, next_piece(&rest, '|'));
    if (!found) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", call, "paramIndex", ch_ordinal(arena, index),
                           "requiredType", show_accepted(arena, accept), "inputSql", ch_quote_expr(arena, arg),
                           "inputType", ch_quote_type(arena, arg->type), (char *)NULL);
    }
    call->u.call.args[index] = ch_coerce(arena, arg, found);
    return CH_OK;
}

int ch_coerce_argument(ch_scope *scope, ch_expr *call, size_t index, const char *accept, ch_error *err)
{
    return coerce_piece(scope, call, index, (piece){accept, strlen(accept)}, err);
}

/* ---- signatures ---- */

static piece parameters_of(const char *types)
{
    const char *arrow = strstr(types, "> ");
    for (const char *p = arrow; p; p = strstr(p + 1, "> ")) arrow = p; /* the last one: array<..> never has a space */
    size_t len = arrow ? (size_t)(arrow - types) : strlen(types);
    while (len && types[len - 1] == ' ') len--;
    return (piece){types, len};
}

static char suffix_of(piece *p)
{
    if (!p->len) return 0;
    char last = p->text[p->len - 1];
    if (last != '?' && last != '*' && last != '+') return 0;
    p->len--;
    return last;
}

void ch_function_arity(const ch_function *fn, int *min, int *max)
{
    *min = fn->min_args;
    *max = fn->max_args;
    if (!fn->types) return;
    *min = *max = 0;
    for (piece rest = parameters_of(fn->types); rest.len;) {
        piece p = next_piece(&rest, ',');
        char suffix = suffix_of(&p);
        if (suffix == '*' || suffix == '+') {
            *min += suffix == '+';
            *max = -1;
            return;
        }
        *min += suffix != '?';
        *max += 1;
    }
}

/* Type of a result piece. */
static const ch_type *result_type(ch_scope *scope, const ch_expr *e, piece p)
{
    piece element;
    if (is_array_of(p, &element)) {
        bool never_null = element.len && element.text[element.len - 1] == '!';
        if (never_null) element.len--;
        const ch_type *inner = result_type(scope, e, element);
        return inner ? ch_type_array(scope->arena, inner, !never_null) : NULL;
    }
    if (p.text[0] == '$') {
        size_t index = (size_t)(p.text[1] - '1');
        if (index >= e->u.call.n) return NULL;
        const ch_type *t = e->u.call.args[index]->type;
        if (p.len < 3) return t;
        size_t part = p.text[2] == 'v' ? 1 : 0;
        return t->nfield > part ? t->fields[part].type : &ch_type_null;
    }
    const word *w = find_word(p);
    return w ? w->type : NULL;
}

bool ch_any_nullable(const ch_expr *call)
{
    for (size_t i = 0; i < call->u.call.n; i++)
        if (call->u.call.args[i]->nullable) return true;
    return false;
}

static bool all_nullable(const ch_expr *call)
{
    for (size_t i = 0; i < call->u.call.n; i++)
        if (!call->u.call.args[i]->nullable) return false;
    return true;
}

int ch_apply_signature(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_function *fn = e->u.call.fn;
    piece rest = parameters_of(fn->types), repeated = {0};
    for (size_t i = 0; i < e->u.call.n; i++) {
        piece p = repeated;
        if (rest.len) {
            p = next_piece(&rest, ',');
            char suffix = suffix_of(&p);
            if (suffix == '*' || suffix == '+') repeated = p;
        }
        if (e->u.call.args[i]->kind == CH_EX_LAMBDA) continue;
        CH_TRY(coerce_piece(scope, e, i, p, err));
    }
    piece all = parameters_of(fn->types);
    const char *result = all.text + all.len;
    while (*result == ' ' || *result == '>') result++;
    if (strcmp(result, "-") != 0) e->type = result_type(scope, e, (piece){result, strlen(result)});
    switch (fn->nulls) {
    case CH_NULL_IF_ANY: e->nullable = ch_any_nullable(e); break;
    case CH_NULL_NEVER: e->nullable = false; break;
    case CH_NULL_ALWAYS: e->nullable = true; break;
    case CH_NULL_IF_ALL: e->nullable = all_nullable(e); break;
    }
    return CH_OK;
}

/* ---- arguments of one type ---- */

static const char *show_types(ch_scope *scope, const ch_expr *call, size_t from, size_t step, bool bracket)
{
    ch_buf text = {0};
    ch_buf_char(&text, bracket ? '[' : '(');
    for (size_t i = from; i < call->u.call.n; i += step) {
        if (i > from) ch_buf_str(&text, bracket ? ", " : " or ");
        ch_buf_str(&text, ch_quote_type(scope->arena, call->u.call.args[i]->type));
    }
    ch_buf_char(&text, bracket ? ']' : ')');
    const char *out = ch_arena_strdup(scope->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

int ch_unify_arguments(ch_scope *scope, ch_expr *call, size_t from, size_t step, bool strings, const ch_type **type,
                       ch_error *err)
{
    const ch_type *common = &ch_type_null;
    for (size_t i = from; i < call->u.call.n && common; i += step) {
        const ch_type *t = call->u.call.args[i]->type;
        const ch_type *tightest = ch_scope_ansi(scope) ? NULL : ch_lenient_tightest(scope->arena, common, t);
        common = tightest  ? tightest
                 : strings ? ch_scope_common_type(scope, common, t)
                           : ch_wider_type_no_string(scope->arena, common, t);
    }
    if (!common) {
        const char *name = call->u.call.fn->pretty ? call->u.call.fn->pretty : call->u.call.fn->name;
        /* TypeUtils.checkForSameTypeInputExpr words the list one way, the other callers another. */
        bool bracket = strcmp(name, "coalesce") != 0 && strcmp(name, "array") != 0 && strcmp(name, "concat") != 0;
        return ch_mismatch(scope, err, "DATA_DIFF_TYPES", call, "functionName", ch_backquoted(scope->arena, name),
                           "dataType", show_types(scope, call, from, step, bracket), (char *)NULL);
    }
    for (size_t i = from; i < call->u.call.n; i += step)
        call->u.call.args[i] = ch_coerce(scope->arena, call->u.call.args[i], common);
    *type = common;
    return CH_OK;
}
