/* functions_misc.c: random numbers, row positions, hashes, session facts, errors. */
#include "frame/analyze/resolve.h"

#include "base/random.h"
#include "frame/session/session.h"

#include <string.h>
#include <sys/random.h>

/* ---- functions of the row's position ---- */

static ch_expr *row_number(ch_scope *scope)
{
    if (!scope->row_number_id) scope->row_number_id = (*scope->next_id)++;
    ch_expr *e = ch_expr_new(scope->arena, CH_EX_COLUMN);
    e->u.column.id = scope->row_number_id;
    e->u.column.name = "row";
    e->type = &ch_type_long;
    return e;
}

static int64_t random_seed(void)
{
    int64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) seed = 0;
    return seed;
}

/* rand(seed), randn(seed): the hidden arguments are the row's position and the seed as a number; what the user wrote
 * stays first, for names. */
static int type_rand(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_literal seed = {.type = &ch_type_long};
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 3);
    if (e->u.call.n == 0) {
        seed.v.integer = random_seed();
    } else {
        ch_expr *given = e->u.call.args[0];
        if (given->type->kind != CH_INT && given->type->kind != CH_LONG && given->type->kind != CH_NULL) {
            return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                               "(\"INT\" or \"BIGINT\")", "inputSql", ch_quote_expr(scope->arena, given), "inputType",
                               ch_quote_type(scope->arena, given->type), (char *)NULL);
        }
        if (!ch_fold(scope->arena, given, &seed)) {
            return ch_raise(err, "SEED_EXPRESSION_IS_UNFOLDABLE", "seedExpr", ch_quote_expr(scope->arena, given),
                            "exprWithSeed", ch_quote_expr(scope->arena, e), (char *)NULL);
        }
        args[0] = given;
    }
    args[1] = row_number(scope);
    args[2] = ch_expr_long(scope->arena, seed.is_null ? 0 : seed.v.integer);
    if (e->u.call.n == 0) args[0] = args[2];
    e->u.call.args = args;
    e->u.call.n = 3;
    e->type = &ch_type_double;
    e->nullable = false;
    return CH_OK;
}

/* A seed that was drawn does not show. */
static void print_seeded(ch_buf *out, const ch_expr *e)
{
    bool drawn = e->u.call.n == 3 && e->u.call.args[0] == e->u.call.args[2];
    ch_buf_printf(out, "%s(", e->u.call.fn->pretty ? e->u.call.fn->pretty : e->u.call.fn->name);
    if (e->u.call.n && !drawn) ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

static int type_row_id(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    e->u.call.args = CH_NEW_ARRAY(scope->arena, ch_expr *, 1);
    e->u.call.args[0] = row_number(scope);
    e->u.call.n = 1;
    e->type = &ch_type_long;
    e->nullable = false;
    return CH_OK;
}

static void print_empty(ch_buf *out, const ch_expr *e)
{
    ch_buf_printf(out, "%s()", e->u.call.fn->name);
}

/* ---- hashes ---- */

static bool has_map(const ch_type *t)
{
    if (t->kind == CH_MAP) return true;
    for (size_t i = 0; i < t->nfield; i++)
        if (has_map(t->fields[i].type)) return true;
    return false;
}

static int type_hash(ch_scope *scope, ch_expr *e, ch_error *err)
{
    for (size_t i = 0; i < e->u.call.n; i++) {
        if (has_map(e->u.call.args[i]->type)) {
            return ch_mismatch(scope, err, "HASH_MAP_TYPE", e, "functionName",
                               ch_backquoted(scope->arena, e->u.call.fn->name), (char *)NULL);
        }
    }
    e->type = e->u.call.fn->name[0] == 'x' ? &ch_type_long : &ch_type_int;
    e->nullable = false;
    return CH_OK;
}

/* ch_hash(x, type, seed): one argument after another, each seeded by the hash so far. Spark's types say how values are
 * hashed where the engine's do not (timestamps and vectors are fine as they are). */
static int write_hash(ch_writer *w, const ch_expr *e)
{
    bool wide = e->type->kind == CH_LONG;
    const char *function = wide ? "ch_xxhash64" : "ch_murmur3";
    for (size_t i = 0; i < e->u.call.n; i++) ch_buf_printf(w->sql, "%s(", function);
    ch_buf_str(w->sql, wide ? "CAST(42 AS BIGINT)" : "42");
    for (size_t i = 0; i < e->u.call.n; i++) {
        ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
        ch_buf_char(w->sql, ')');
    }
    return CH_OK;
}

static int type_sha2(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->nullable = true;
    return CH_OK;
}

/* ---- facts ---- */

static int type_typeof(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    ch_buf text = {0};
    ch_type_simple(&text, e->u.call.args[0]->type);
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 2);
    args[0] = e->u.call.args[0];
    args[1] = ch_expr_string(scope->arena, ch_arena_strdup(scope->arena, ch_buf_text(&text)));
    ch_buf_reset(&text);
    e->u.call.args = args;
    e->u.call.n = 2;
    e->type = &ch_type_string;
    e->nullable = false;
    return CH_OK;
}

static int type_raise_error(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "string", err));
    e->type = &ch_type_null;
    e->nullable = true;
    return CH_OK;
}

static void print_raise_error(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "raise_error(USER_RAISED_EXCEPTION, map(errorMessage, ");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, "))");
}

static int type_assert_true(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "boolean", err));
    if (e->u.call.n == 1) {
        const char *text =
            ch_arena_printf(scope->arena, "'%s' is not true!", ch_auto_name(scope->arena, e->u.call.args[0]));
        e->u.call.args = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), 1, 2);
        e->u.call.args[e->u.call.n++] = ch_expr_string(scope->arena, text);
    }
    CH_TRY(ch_coerce_argument(scope, e, 1, "string", err));
    e->type = &ch_type_null;
    e->nullable = true;
    return CH_OK;
}

/* int(x), string(x) ...: casts by the type's name. */
static int type_cast_function(ch_scope *scope, ch_expr *e, ch_error *err)
{
    static const struct {
        const char *name;
        const ch_type *type;
    } TYPES[] = {
        {"boolean", &ch_type_boolean}, {"tinyint", &ch_type_byte},        {"smallint", &ch_type_short},
        {"int", &ch_type_int},         {"bigint", &ch_type_long},         {"float", &ch_type_float},
        {"double", &ch_type_double},   {"string", &ch_type_string},       {"binary", &ch_type_binary},
        {"date", &ch_type_date},       {"timestamp", &ch_type_timestamp},
    };
    const ch_type *to = ch_type_decimal(scope->arena, 10, 0);
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(TYPES[i].name, e->u.call.fn->name) == 0) to = TYPES[i].type;
    ch_expr *cast;
    ch_cast_mode mode = e->u.call.lenient ? CH_CAST_LEGACY : CH_CAST_ANSI;
    CH_TRY(ch_bind_cast(scope, e->u.call.args[0], to, mode, &cast, err));
    cast->u.cast.implicit = true; /* not shown, as Spark does not */
    *e = *cast;
    return CH_OK;
}

#define FACT(name_, pretty_, type_, sql_)                                                                              \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .types = "> " type_, .nulls = CH_NULL_NEVER, .sql = sql_                     \
    }
#define CAST_FN(name_)                                                                                                 \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 1, .type = type_cast_function, .sql = "$1"                           \
    }
#define RAND(name_, pretty_, sql_)                                                                                     \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .min_args = 0, .max_args = 1, .type = type_rand, .sql = sql_,                \
        .print = print_seeded, .flags = CH_FN_RANDOM                                                                   \
    }
#define HASH(name_)                                                                                                    \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = -1, .type = type_hash, .write = write_hash, .arity = "> 0"           \
    }
#define ROW(name_, types_, sql_)                                                                                       \
    {                                                                                                                  \
        .name = name_, .types = types_, .sql = sql_                                                                    \
    }

const ch_function ch_functions_misc[] = {
    RAND("rand", NULL, "ch_rand($2, $3)"),
    RAND("random", NULL, "ch_rand($2, $3)"),
    RAND("randn", NULL, "ch_randn($2, $3)"),
    {.name = "monotonically_increasing_id",
     .max_args = 0,
     .type = type_row_id,
     .sql = "CAST($1 AS BIGINT)",
     .print = print_empty,
     .flags = CH_FN_RANDOM},
    {.name = "spark_partition_id",
     .pretty = "SPARK_PARTITION_ID",
     .types = "> int",
     .nulls = CH_NULL_NEVER,
     .sql = "0",
     .flags = CH_FN_RANDOM},
    {.name = "uuid",
     .types = "long? > string",
     .nulls = CH_NULL_NEVER,
     .sql = "CAST(uuid() AS VARCHAR)",
     .print = print_empty,
     .flags = CH_FN_RANDOM},
    HASH("hash"),
    HASH("xxhash64"),
    ROW("crc32", "binary > long", "ch_crc32($1)"),
    ROW("md5", "binary > string", "md5($1)"),
    ROW("sha", "binary > string", "sha1($1)"),
    ROW("sha1", "binary > string", "sha1($1)"),
    {.name = "sha2", .types = "binary, int > string", .type = type_sha2, .sql = "ch_sha2($1, $2)"},
    {.name = "typeof", .min_args = 1, .max_args = 1, .type = type_typeof, .sql = "$2", .print = print_seeded},
    FACT("version", NULL, "string", "'4.1.3'"),
    FACT("current_database", "current_schema", "string", "'default'"),
    FACT("current_schema", NULL, "string", "'default'"),
    FACT("current_catalog", NULL, "string", "'spark_catalog'"),
    FACT("current_user", NULL, "string", "'spark'"),
    FACT("user", "current_user", "string", "'spark'"),
    FACT("session_user", NULL, "string", "'spark'"),
    FACT("input_file_name", NULL, "string", "''"),
    {.name = "raise_error",
     .min_args = 1,
     .max_args = 1,
     .type = type_raise_error,
     .sql = "ch_raise_error($1)",
     .print = print_raise_error,
     .flags = CH_FN_RANDOM},
    {.name = "assert_true",
     .min_args = 1,
     .max_args = 2,
     .type = type_assert_true,
     .sql = "CASE WHEN $1 THEN NULL ELSE ch_raise_error($2) END",
     .flags = CH_FN_RANDOM},
    CAST_FN("boolean"),
    CAST_FN("tinyint"),
    CAST_FN("smallint"),
    CAST_FN("int"),
    CAST_FN("bigint"),
    CAST_FN("float"),
    CAST_FN("double"),
    CAST_FN("string"),
    CAST_FN("binary"),
    CAST_FN("date"),
    CAST_FN("timestamp"),
    CAST_FN("decimal"),
    {.name = NULL},
};
