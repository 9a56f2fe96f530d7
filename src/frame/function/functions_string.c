/* functions_string.c: functions of strings: cutting, searching, padding, regular expressions, formatting. */
#include "frame/analyze/resolve.h"

#include <string.h>

/* ---- default arguments ---- */

static void add_default(ch_scope *scope, ch_expr *e, size_t want, ch_expr *value)
{
    if (e->u.call.n >= want) return;
    e->u.call.args = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), e->u.call.n, want);
    e->u.call.args[e->u.call.n++] = value;
}

static int type_substring(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 3, ch_expr_int(scope->arena, INT32_MAX));
    return CH_OK;
}

static int type_locate(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 3, ch_expr_int(scope->arena, 1));
    return CH_OK;
}

/* A start that is NULL finds nothing, which is 0. */
static int write_locate(ch_writer *w, const ch_expr *e)
{
    bool always = !e->u.call.args[2]->nullable;
    return ch_write_template(
        w, e, always ? "ch_locate($1, $2, $3)" : "CASE WHEN $3 IS NULL THEN 0 ELSE ch_locate($1, $2, $3) END");
}

static int type_pad(ch_scope *scope, ch_expr *e, ch_error *err)
{
    add_default(scope, e, 3, ch_expr_string(scope->arena, " "));
    return ch_coerce_argument(scope, e, 2, "string", err);
}

static int type_replace(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 3, ch_expr_string(scope->arena, ""));
    return CH_OK;
}

static int type_split(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 3, ch_expr_int(scope->arena, -1));
    return CH_OK;
}

static int type_overlay(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 4, ch_expr_int(scope->arena, -1));
    return CH_OK;
}

static int type_extract(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 3, ch_expr_int(scope->arena, 1));
    return CH_OK;
}

static int type_regexp_instr(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 3, ch_expr_int(scope->arena, 0));
    return CH_OK;
}

static int type_regexp_replace(ch_scope *scope, ch_expr *e, ch_error *err)
{
    add_default(scope, e, 4, ch_expr_int(scope->arena, 1));
    int64_t position;
    if (!ch_fold_int(scope->arena, e->u.call.args[3], &position)) return CH_OK;
    if (position >= 1) return CH_OK;
    return ch_mismatch(scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", "`position`", "valueRange", "(0, 2147483647]",
                       "currentValue", ch_arena_printf(scope->arena, "%lld", (long long)position), (char *)NULL);
}

static int type_str_to_map(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    add_default(scope, e, 2, ch_expr_string(scope->arena, ","));
    add_default(scope, e, 3, ch_expr_string(scope->arena, ":"));
    e->type = ch_type_map(scope->arena, &ch_type_string, &ch_type_string, true);
    return CH_OK;
}

/* ---- trim ---- */

/* trim, ltrim and rtrim of two arguments have the characters first, btrim has them last. */
static void print_trim(ch_buf *out, const ch_expr *e)
{
    const char *name = e->u.call.fn->name;
    if (e->u.call.n == 1) {
        ch_buf_str(out, name);
        ch_print_args(out, e, 0);
        return;
    }
    const char *side = name[0] == 'l' ? "LEADING" : name[0] == 'r' ? "TRAILING" : "BOTH";
    ch_buf_printf(out, "TRIM(%s ", side);
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, " FROM ");
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_char(out, ')');
}

static int write_trim(ch_writer *w, const ch_expr *e)
{
    bool both = e->u.call.fn->name[0] == 'b';
    ch_buf_printf(w->sql, "%s(", both ? "trim" : e->u.call.fn->name);
    if (e->u.call.n == 1) return ch_write_template(w, e, "$1, ' ')");
    return ch_write_template(w, e, both ? "$1, $2)" : "$2, $1)");
}

/* ---- concat ---- */

static int type_concat(ch_scope *scope, ch_expr *e, ch_error *err)
{
    bool arrays = false, binary = e->u.call.n > 0;
    for (size_t i = 0; i < e->u.call.n; i++) {
        arrays = arrays || e->u.call.args[i]->type->kind == CH_ARRAY;
        binary = binary && e->u.call.args[i]->type->kind == CH_BINARY;
    }
    e->nullable = ch_any_nullable(e);
    if (arrays) return ch_unify_arguments(scope, e, 0, 1, true, &e->type, err);
    e->type = binary ? &ch_type_binary : &ch_type_string;
    for (size_t i = 0; i < e->u.call.n && !binary; i++) CH_TRY(ch_coerce_argument(scope, e, i, "string", err));
    return CH_OK;
}

static int write_concat(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 0) return ch_write_template(w, e, "''");
    for (size_t i = 0; i < e->u.call.n; i++) { /* the engine would forget the type of a NULL */
        const ch_expr *a = e->u.call.args[i];
        if (a->kind == CH_EX_LITERAL && a->u.literal.is_null) return ch_write_template(w, e, "CAST(NULL AS $t)");
    }
    ch_buf_char(w->sql, '(');
    for (size_t i = 0; i < e->u.call.n; i++) {
        if (i) ch_buf_str(w->sql, " || ");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
    }
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

/* concat_ws(separator, strings and arrays of strings ...) */
static int type_concat_ws(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "string", err));
    for (size_t i = 1; i < e->u.call.n; i++) CH_TRY(ch_coerce_argument(scope, e, i, "array<string>|string", err));
    e->type = &ch_type_string;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int write_concat_ws(ch_writer *w, const ch_expr *e)
{
    bool arrays = false;
    for (size_t i = 1; i < e->u.call.n; i++) arrays = arrays || e->u.call.args[i]->type->kind == CH_ARRAY;
    if (e->u.call.n == 1) return ch_write_template(w, e, "CASE WHEN $1 IS NULL THEN NULL ELSE '' END");
    if (!arrays) return ch_write_template(w, e, "concat_ws($*)");
    ch_buf_str(w->sql, "ch_concat_ws(");
    CH_TRY(ch_write_template(w, e, "$1, list_concat("));
    for (size_t i = 1; i < e->u.call.n; i++) {
        bool array = e->u.call.args[i]->type->kind == CH_ARRAY;
        if (i > 1) ch_buf_str(w->sql, ", ");
        if (!array) ch_buf_char(w->sql, '[');
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
        if (!array) ch_buf_char(w->sql, ']');
    }
    ch_buf_str(w->sql, "))");
    return CH_OK;
}

/* ---- the rest ---- */

static int type_length(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "string|binary", err));
    e->type = &ch_type_int;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int write_length(ch_writer *w, const ch_expr *e)
{
    bool binary = e->u.call.args[0]->type->kind == CH_BINARY;
    const char *name = e->u.call.fn->name;
    if (name[0] == 'o')
        return ch_write_template(w, e, binary ? "CAST(octet_length($1) AS INTEGER)" : "CAST(strlen($1) AS INTEGER)");
    if (name[0] == 'b')
        return ch_write_template(
            w, e, binary ? "CAST((8 * octet_length($1)) AS INTEGER)" : "CAST((8 * strlen($1)) AS INTEGER)");
    return ch_write_template(w, e, binary ? "CAST(octet_length($1) AS INTEGER)" : "CAST(length($1) AS INTEGER)");
}

/* reverse of a string or an array. */
static int type_reverse(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "string|array", err));
    e->type = e->u.call.args[0]->type;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int write_reverse(ch_writer *w, const ch_expr *e)
{
    return ch_write_template(w, e, e->type->kind == CH_ARRAY ? "list_reverse($1)" : "ch_reverse($1)");
}

/* decode(bytes, charset), or decode(x, search, result, ..., default) as Oracle has it. */
static int type_decode(ch_scope *scope, ch_expr *e, ch_error *err)
{
    size_t n = e->u.call.n;
    if (n == 2) {
        CH_TRY(ch_coerce_argument(scope, e, 0, "binary", err));
        CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
        e->type = &ch_type_string;
        e->nullable = true;
        return CH_OK;
    }
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, n), *chosen;
    size_t count = 0;
    for (size_t i = 1; i + 1 < n; i += 2) {
        CH_TRY(ch_make_call(scope, "<=>", 2, (ch_expr *[]){e->u.call.args[0], e->u.call.args[i]}, &args[count++], err));
        args[count++] = e->u.call.args[i + 1];
    }
    if (n % 2 == 0) args[count++] = e->u.call.args[n - 1];
    CH_TRY(ch_make_call(scope, "when", count, args, &chosen, err));
    ch_expr **kept = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), n, n + 1);
    kept[n] = chosen; /* written; the others are shown */
    e->u.call.args = kept;
    e->u.call.n = n + 1;
    e->type = chosen->type;
    e->nullable = chosen->nullable;
    return CH_OK;
}

static int write_decode(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 2) return ch_write_template(w, e, "ch_decode($1, $2)");
    return ch_write_node(w, e->u.call.args[e->u.call.n - 1]);
}

static void print_decode(ch_buf *out, const ch_expr *e)
{
    ch_expr shown = *e;
    if (shown.type && shown.u.call.n > 2) shown.u.call.n--;
    ch_buf_str(out, "decode");
    ch_print_args(out, &shown, 0);
}

/* elt(n, a, b, ...) */
static int type_elt(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "int", err));
    for (size_t i = 1; i < e->u.call.n; i++) CH_TRY(ch_coerce_argument(scope, e, i, "string|binary", err));
    e->type = e->u.call.args[1]->type;
    e->nullable = true;
    return CH_OK;
}

static int write_elt(ch_writer *w, const ch_expr *e)
{
    ch_buf_char(w->sql, '[');
    for (size_t i = 1; i < e->u.call.n; i++) {
        if (i > 1) ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
    }
    if (e->u.call.lenient) return ch_write_template(w, e, "][CASE WHEN $1 >= 1 THEN $1 END]");
    ch_buf_str(w->sql, "][ch_array_index(");
    CH_TRY(ch_write_template(w, e, "$1"));
    ch_buf_printf(w->sql, " - 1, %zu, 1)]", e->u.call.n - 1);
    return CH_OK;
}

static int type_format_number(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "number", err));
    CH_TRY(ch_coerce_argument(scope, e, 1, "int|string", err));
    e->type = &ch_type_string;
    e->nullable = true;
    return CH_OK;
}

static int type_format_string(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "string", err));
    e->type = &ch_type_string;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int type_split_part(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->nullable = true;
    return CH_OK;
}

#define STR(name_, types_, sql_)                                                                                       \
    {                                                                                                                  \
        .name = name_, .types = types_, .sql = sql_                                                                    \
    }
#define STR_NULL(name_, types_, sql_)                                                                                  \
    {                                                                                                                  \
        .name = name_, .types = types_, .nulls = CH_NULL_ALWAYS, .sql = sql_                                           \
    }
#define LENGTH(name_)                                                                                                  \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 1, .type = type_length, .write = write_length                        \
    }
#define TRIM(name_, print_)                                                                                            \
    {                                                                                                                  \
        .name = name_, .types = "string, string? > string", .write = write_trim, .print = print_                       \
    }
#define SUBSTRING(name_)                                                                                               \
    {                                                                                                                  \
        .name = name_, .types = "string|binary, int, int? > $1", .type = type_substring,                               \
        .sql = "ch_substring($1, $2, $3)"                                                                              \
    }
#define RLIKE(name_, pretty_)                                                                                          \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .types = "string, string > boolean", .sql = "ch_rlike($1, $2)"               \
    }

const ch_function ch_functions_string[] = {
    STR("upper", "string > string", "ch_upper($1)"),
    STR("ucase", "string > string", "ch_upper($1)"),
    STR("lower", "string > string", "ch_lower($1)"),
    STR("lcase", "string > string", "ch_lower($1)"),
    LENGTH("length"),
    LENGTH("len"),
    LENGTH("char_length"),
    LENGTH("character_length"),
    LENGTH("octet_length"),
    LENGTH("bit_length"),
    TRIM("trim", print_trim),
    TRIM("ltrim", print_trim),
    TRIM("rtrim", print_trim),
    TRIM("btrim", NULL),
    SUBSTRING("substring"),
    SUBSTRING("substr"),
    STR("left", "string, int > string", "ch_substring($1, 1, greatest($2, 0))"),
    STR_NULL("right", "string, int > string", "ch_right($1, $2)"),
    {.name = "concat", .min_args = 0, .max_args = -1, .type = type_concat, .write = write_concat},
    {.name = "||", .pretty = "concat", .min_args = 2, .max_args = -1, .type = type_concat, .write = write_concat},
    {.name = "concat_ws",
     .min_args = 1,
     .max_args = -1,
     .type = type_concat_ws,
     .write = write_concat_ws,
     .arity = "> 0"},
    {.name = "lpad", .types = "string, int, string? > string", .type = type_pad, .sql = "ch_lpad($1, $2, $3)"},
    {.name = "rpad", .types = "string, int, string? > string", .type = type_pad, .sql = "ch_rpad($1, $2, $3)"},
    STR("repeat", "string, int > string", "repeat($1, greatest($2, 0))"),
    {.name = "reverse", .min_args = 1, .max_args = 1, .type = type_reverse, .write = write_reverse},
    STR("instr", "string, string > int", "ch_locate($2, $1, 1)"),
    {.name = "locate", .types = "string, string, int? > int", .type = type_locate, .write = write_locate},
    {.name = "position", .types = "string, string, int? > int", .type = type_locate, .write = write_locate},
    STR("find_in_set", "string, string > int", "ch_find_in_set($1, $2)"),
    {.name = "replace",
     .types = "string, string, string? > string",
     .type = type_replace,
     .sql = "replace($1, $2, $3)"},
    STR("translate", "string, string, string > string", "ch_translate($1, $2, $3)"),
    {.name = "overlay",
     .types = "string, string, int, int? > string",
     .type = type_overlay,
     .sql = "ch_overlay($1, $2, $3, $4)"},
    {.name = "split",
     .types = "string, string, int? > array<string!>",
     .type = type_split,
     .sql = "ch_split($1, $2, $3)"},
    {.name = "split_part",
     .types = "string, string, int > string",
     .type = type_split_part,
     .sql = "ch_split_part($1, $2, $3)"},
    STR("substring_index", "string, string, int > string", "ch_substring_index($1, $2, $3)"),
    STR("initcap", "string > string", "ch_initcap($1)"),
    STR("soundex", "string > string", "ch_soundex($1)"),
    STR("levenshtein", "string, string, int? > int", "ch_levenshtein($*)"),
    STR("ascii", "string > int", "ch_ascii($1)"),
    STR("char", "long > string", "ch_char($1)"),
    STR("chr", "long > string", "ch_char($1)"),
    STR("space", "int > string", "repeat(' ', greatest($1, 0))"),
    {.name = "format_number",
     .min_args = 2,
     .max_args = 2,
     .type = type_format_number,
     .sql = "ch_format_number($1, $2)"},
    {.name = "format_string",
     .min_args = 1,
     .max_args = -1,
     .type = type_format_string,
     .sql = "ch_format_string($*)",
     .arity = "> 0"},
    {.name = "printf",
     .min_args = 1,
     .max_args = -1,
     .type = type_format_string,
     .sql = "ch_format_string($*)",
     .arity = "> 0"},
    STR("base64", "binary > string", "base64($1)"),
    STR("unbase64", "string > binary", "ch_unbase64($1)"),
    STR_NULL("encode", "string, string > binary", "ch_encode($1, $2)"),
    {.name = "decode",
     .min_args = 2,
     .max_args = -1,
     .type = type_decode,
     .write = write_decode,
     .print = print_decode,
     .arity = "> 1"},
    {.name = "elt", .min_args = 2, .max_args = -1, .type = type_elt, .write = write_elt, .arity = "> 1"},
    STR("contains", "string, string > boolean", "contains($1, $2)"),
    STR("startswith", "string, string > boolean", "starts_with($1, $2)"),
    STR("endswith", "string, string > boolean", "ends_with($1, $2)"),
    RLIKE("rlike", "RLIKE"),
    RLIKE("regexp", "REGEXP"),
    RLIKE("regexp_like", "REGEXP_LIKE"),
    {.name = "regexp_extract",
     .types = "string, string, int? > string",
     .type = type_extract,
     .sql = "ch_regexp_extract($1, $2, $3)"},
    {.name = "regexp_extract_all",
     .types = "string, string, int? > array<string>",
     .type = type_extract,
     .sql = "ch_regexp_extract_all($1, $2, $3)"},
    {.name = "regexp_replace",
     .types = "string, string, string, int? > string",
     .type = type_regexp_replace,
     .sql = "ch_regexp_replace($1, $2, $3, $4)"},
    STR("regexp_count", "string, string > int", "ch_regexp_count($1, $2)"),
    {.name = "regexp_instr",
     .types = "string, string, int? > int",
     .type = type_regexp_instr,
     .sql = "ch_regexp_instr($1, $2)"},
    STR_NULL("regexp_substr", "string, string > string", "ch_regexp_substr($1, $2)"),
    STR_NULL("url_encode", "string > string", "ch_url_encode($1)"),
    STR_NULL("url_decode", "string > string", "ch_url_decode($1)"),
    {.name = "str_to_map",
     .types = "string, string?, string? > -",
     .type = type_str_to_map,
     .sql = "map(ch_split_pairs($1, $2, $3, 0), ch_split_pairs($1, $2, $3, 1))"},
    STR("collate", "string, string > string", "$1"),
    {.name = NULL},
};
