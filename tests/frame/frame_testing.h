/* frame_testing.h: running plans in unit tests and reading their rows as text. */
#ifndef CHERT_TESTS_FRAME_TESTING_H
#define CHERT_TESTS_FRAME_TESTING_H

#include "testing.h"

#include "base/buf.h"
#include "frame/engine/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct frame_world {
    ch_engine *engine;
    ch_session *session;
    ch_arena *arena; /* of plans and texts */
} frame_world;

static inline int world_setup(void **state)
{
    frame_world *w = calloc(1, sizeof *w);
    ch_error err;
    ch_engine_options options = {.threads = 2};
    if (ch_engine_open(&options, &w->engine, &err) || ch_session_open(w->engine, &w->session, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    w->arena = ch_arena_new();
    *state = w;
    return 0;
}

static inline int world_teardown(void **state)
{
    frame_world *w = *state;
    ch_arena_free(w->arena);
    ch_session_release(w->session);
    ch_engine_close(w->engine);
    free(w);
    return 0;
}

static inline void value_to_text(ch_buf *out, const ch_literal *v)
{
    if (v->is_null) {
        ch_buf_str(out, "NULL");
        return;
    }
    switch (v->type->kind) {
    case CH_BOOLEAN: ch_buf_str(out, v->v.boolean ? "true" : "false"); break;
    case CH_FLOAT:
    case CH_DOUBLE: ch_buf_java_double(out, v->v.real); break;
    case CH_DECIMAL: ch_buf_printf(out, "%lldE-%d", (long long)v->v.decimal, v->type->scale); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: ch_buf_add(out, v->v.bytes.data, v->v.bytes.len); break;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX:
        ch_buf_str(out, v->type->kind == CH_ARRAY ? "[" : "{");
        for (size_t i = 0; i < v->v.list.n; i++) {
            if (i) ch_buf_char(out, ' ');
            value_to_text(out, &v->v.list.items[i]);
        }
        ch_buf_str(out, v->type->kind == CH_ARRAY ? "]" : "}");
        break;
    default: ch_buf_printf(out, "%" PRId64, v->v.integer);
    }
}

/* The rows of a plan: "1,x;2,y"; "!CONDITION" (or "!message") when it fails. In the world's arena. */
static inline const char *rows_of(frame_world *w, const ch_plan *plan)
{
    size_t nrow, ncol;
    ch_literal **rows;
    ch_error err;
    ch_buf text = {0};
    if (ch_query_rows(w->session, plan, 1000, NULL, w->arena, &nrow, &ncol, &rows, &err)) {
        ch_buf_printf(&text, "!%s", err.condition[0] ? err.condition : err.message);
        if (strcmp(err.condition, "INTERNAL_ERROR") == 0) fprintf(stderr, "%s\n", err.message);
    } else {
        for (size_t i = 0; i < nrow; i++) {
            for (size_t j = 0; j < ncol; j++) {
                if (i && !j) ch_buf_char(&text, ';');
                if (j) ch_buf_char(&text, ',');
                value_to_text(&text, &rows[i][j]);
            }
        }
    }
    const char *copy = ch_arena_strdup(w->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

/* The schema of a plan: "k INT,v STRING NOT NULL"; "!CONDITION" when analysis fails. */
static inline const char *schema_of(frame_world *w, const ch_plan *plan)
{
    ch_query *q;
    ch_error err;
    ch_buf text = {0};
    if (ch_query_open(w->session, plan, &q, &err)) {
        ch_buf_printf(&text, "!%s", err.condition[0] ? err.condition : err.message);
        if (strcmp(err.condition, "INTERNAL_ERROR") == 0) fprintf(stderr, "%s\n", err.message);
    } else {
        ch_schema_ddl(&text, ch_query_schema(q));
        ch_query_close(q);
    }
    const char *copy = ch_arena_strdup(w->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

/* SQL text as a plan. */
static inline ch_plan *sql_plan(frame_world *w, const char *text)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_SQL, NULL);
    plan->u.sql.query = text;
    return plan;
}

static inline ch_expr *text_expr(frame_world *w, const char *text)
{
    ch_expr *e = ch_expr_new(w->arena, CH_EX_STRING);
    e->u.text = text;
    return e;
}

/* select / withColumns / filter with SQL texts of expressions, as selectExpr has them. */
static inline ch_plan *select_plan(frame_world *w, ch_plan *input, size_t n, ...)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_PROJECT, input);
    plan->u.project.n = n;
    plan->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, n);
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) plan->u.project.exprs[i] = text_expr(w, va_arg(args, const char *));
    va_end(args);
    return plan;
}

static inline ch_plan *filter_plan(frame_world *w, ch_plan *input, const char *condition)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_FILTER, input);
    plan->u.condition = text_expr(w, condition);
    return plan;
}

static inline ch_plan *with_column(frame_world *w, ch_plan *input, const char *name, const char *text)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_WITH_COLUMNS, input);
    plan->u.project.n = 1;
    plan->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, 1);
    plan->u.project.exprs[0] = ch_expr_alias(w->arena, text_expr(w, text), name);
    return plan;
}

static inline ch_plan *sort_plan(frame_world *w, ch_plan *input, const char *text, bool descending)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_SORT, input);
    plan->u.sort.n = 1;
    plan->u.sort.orders = CH_NEW_ARRAY(w->arena, ch_order, 1);
    plan->u.sort.orders[0] = (ch_order){.expr = text_expr(w, text), .descending = descending, .nulls_last = descending};
    plan->u.sort.global = true;
    return plan;
}

static inline ch_plan *range_plan(frame_world *w, int64_t start, int64_t end, int64_t step)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_RANGE, NULL);
    plan->u.range.start = start;
    plan->u.range.end = end;
    plan->u.range.step = step;
    return plan;
}

static inline ch_plan *count_plan(frame_world *w, ch_plan_kind kind, ch_plan *input, int64_t count)
{
    ch_plan *plan = ch_plan_new(w->arena, kind, input);
    plan->u.count = count;
    return plan;
}

#endif
