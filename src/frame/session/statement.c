/* statement.c: runs spark.sql: queries stay lazy, commands act at once and answer with rows. */
#include "frame/engine/query.h"
#include "frame/plan/parse.h"

#include <string.h>
#include <strings.h>

/* An answer of `ncol` text columns whose rows are appended by answer_row. */
static ch_plan *answer(ch_arena *arena, size_t ncol, const char *const *names)
{
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_VALUES, NULL);
    plan->u.values.ncol = ncol;
    plan->u.values.names = ch_arena_dup(arena, names, ncol * sizeof *names);
    return plan;
}

static void answer_row(ch_arena *arena, ch_plan *plan, ch_expr *const *cells)
{
    size_t n = plan->u.values.nrow, ncol = plan->u.values.ncol;
    ch_expr ***rows = ch_arena_grow(arena, plan->u.values.rows, sizeof *rows, n, n + 1);
    rows[n] = ch_arena_dup(arena, cells, ncol * sizeof *cells);
    plan->u.values.rows = rows;
    plan->u.values.nrow = n + 1;
}

/* Spark names the missing view with every part quoted: `a`.`b`. */
static int no_such_view(ch_arena *arena, const ch_statement *st, ch_error *err)
{
    ch_buf name = {0};
    for (size_t i = 0; i < st->nparts; i++) ch_buf_printf(&name, "%s`%s`", i ? "." : "", st->parts[i]);
    const char *text = ch_arena_strdup(arena, ch_buf_text(&name));
    ch_buf_reset(&name);
    return ch_raise(err, "TABLE_OR_VIEW_NOT_FOUND", "relationName", text, (char *)NULL);
}

static bool is_global(const ch_statement *st)
{
    return st->global || (st->nparts == 2 && !strcasecmp(st->parts[0], "global_temp"));
}

/* The session keeps the view's plan with an arena of its own, so the text is parsed again into that. */
static int create_view(ch_session *s, const ch_statement *st, const ch_plan *sql, ch_error *err)
{
    const char *name = st->parts[st->nparts - 1];
    ch_arena *arena = ch_arena_new();
    ch_plan copy = *sql;
    ch_statement own;
    copy.u.sql.query = ch_arena_strdup(arena, sql->u.sql.query);
    int status = ch_parse_statement(arena, &copy, &own, err);
    if (!status) {
        ch_query *check; /* Spark analyses a view when it is made: unknown columns fail here. */
        status = ch_query_open(s, own.query, &check, err);
        if (!status) ch_query_close(check);
    }
    if (status) {
        ch_arena_free(arena);
        return status;
    }
    if (st->if_not_exists && ch_view_find(s, st->nparts, st->parts, arena)) {
        ch_arena_free(arena);
        return 0;
    }
    return ch_view_create(s, name, own.query, arena, st->replace, is_global(st), err);
}

static int run_set(ch_session *s, ch_arena *arena, const ch_statement *st, ch_plan **out, ch_error *err)
{
    static const char *const names[] = {"key", "value"};
    ch_plan *plan = answer(arena, 2, names);
    *out = plan;
    if (!st->key || !strcmp(st->key, "-v")) {
        size_t n;
        ch_option *all;
        ch_config_all(s, arena, NULL, &n, &all);
        for (size_t i = 0; i < n; i++)
            answer_row(arena, plan,
                       (ch_expr *[]){ch_expr_string(arena, all[i].key), ch_expr_string(arena, all[i].value)});
        return 0;
    }
    const char *value = st->value;
    if (value)
        CH_TRY(ch_config_set(s, st->key, value, err));
    else
        value = ch_config_find(s, arena, st->key);
    answer_row(arena, plan,
               (ch_expr *[]){ch_expr_string(arena, st->key), ch_expr_string(arena, value ? value : "<undefined>")});
    return 0;
}

static int run_reset(ch_session *s, ch_arena *arena, const ch_statement *st, ch_error *err)
{
    if (st->key) return ch_config_unset(s, st->key, err);
    size_t n;
    ch_option *all;
    ch_config_all(s, arena, NULL, &n, &all);
    for (size_t i = 0; i < n; i++)
        if (ch_config_modifiable(s, all[i].key)) CH_TRY(ch_config_unset(s, all[i].key, err));
    return 0;
}

static void show_views(ch_session *s, ch_arena *arena, ch_plan **out)
{
    static const char *const columns[] = {"namespace", "viewName", "isTemporary"};
    size_t n;
    const char **names;
    *out = answer(arena, 3, columns);
    ch_view_list(s, arena, &n, &names);
    for (size_t i = 0; i < n; i++)
        answer_row(
            arena, *out,
            (ch_expr *[]){ch_expr_string(arena, ""), ch_expr_string(arena, names[i]), ch_expr_bool(arena, true)});
}

static ch_plan *table_plan(ch_arena *arena, const ch_statement *st)
{
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_TABLE, NULL);
    plan->u.table.nparts = st->nparts;
    plan->u.table.parts = st->parts;
    return plan;
}

static int run_describe(ch_session *s, ch_arena *arena, const ch_statement *st, ch_plan **out, ch_error *err)
{
    static const char *const columns[] = {"col_name", "data_type", "comment"};
    ch_query *q;
    CH_TRY(ch_query_open(s, st->query ? st->query : table_plan(arena, st), &q, err));
    const ch_schema *schema = ch_query_schema(q);
    *out = answer(arena, 3, columns);
    for (size_t i = 0; i < schema->n; i++) {
        ch_buf type = {0};
        ch_type_simple(&type, schema->fields[i].type);
        answer_row(arena, *out,
                   (ch_expr *[]){ch_expr_string(arena, ch_arena_strdup(arena, schema->fields[i].name)),
                                 ch_expr_string(arena, ch_arena_strdup(arena, ch_buf_text(&type))),
                                 ch_expr_null(arena, &ch_type_string)});
        ch_buf_reset(&type);
    }
    ch_query_close(q);
    return 0;
}

static int run_explain(ch_session *s, ch_arena *arena, const ch_statement *st, ch_plan **out, ch_error *err)
{
    static const char *const columns[] = {"plan"};
    ch_query *q;
    ch_buf text = {0};
    CH_TRY(ch_query_open(s, st->query, &q, err));
    int status = ch_query_explain(q, st->mode, &text, err);
    ch_query_close(q);
    if (!status) {
        *out = answer(arena, 1, columns);
        answer_row(arena, *out, (ch_expr *[]){ch_expr_string(arena, ch_arena_strdup(arena, ch_buf_text(&text)))});
    }
    ch_buf_reset(&text);
    return status;
}

static int run_cache(ch_session *s, ch_arena *arena, const ch_statement *st, const ch_plan *sql, ch_error *err)
{
    if (st->query) CH_TRY(create_view(s, st, sql, err));
    return ch_cache_add(s, table_plan(arena, st), "MEMORY_AND_DISK", err);
}

static int run_uncache(ch_session *s, ch_arena *arena, const ch_statement *st, ch_error *err)
{
    bool was;
    if (st->if_exists && !ch_view_find(s, st->nparts, st->parts, arena)) return 0;
    return ch_cache_remove(s, table_plan(arena, st), &was, err);
}

int ch_run_statement(ch_session *s, ch_arena *arena, const ch_plan *sql, ch_plan **plan, bool *is_query, ch_error *err)
{
    static const char *const none[] = {""};
    ch_statement st;
    CH_TRY(ch_parse_statement(arena, sql, &st, err));
    *is_query = st.kind == CH_STMT_QUERY;
    *plan = answer(arena, 0, none);
    switch (st.kind) {
    case CH_STMT_QUERY: *plan = ch_arena_dup(arena, sql, sizeof *sql); return 0;
    case CH_STMT_CREATE_VIEW: return create_view(s, &st, sql, err);
    case CH_STMT_DROP_VIEW:
        if (!ch_view_drop(s, st.parts[st.nparts - 1], is_global(&st)) && !st.if_exists)
            return no_such_view(arena, &st, err);
        return 0;
    case CH_STMT_SET: return run_set(s, arena, &st, plan, err);
    case CH_STMT_RESET: return run_reset(s, arena, &st, err);
    case CH_STMT_SHOW_VIEWS: show_views(s, arena, plan); return 0;
    case CH_STMT_DESCRIBE: return run_describe(s, arena, &st, plan, err);
    case CH_STMT_CACHE: return run_cache(s, arena, &st, sql, err);
    case CH_STMT_UNCACHE: return run_uncache(s, arena, &st, err);
    case CH_STMT_CLEAR_CACHE: ch_cache_clear(s); return 0;
    case CH_STMT_EXPLAIN: return run_explain(s, arena, &st, plan, err);
    }
    return ch_bug(err, "statement kind %d", (int)st.kind);
}
