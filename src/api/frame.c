/* frame.c: frames: descriptions of tables, and the calls that make them run. */
#include "api/api_internal.h"
#include "frame/io/io.h"
#include "frame/plan/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_arena(void *arena)
{
    ch_arena_free(arena);
}

chert_frame *api_frame_new(chert_context *context, const chert_frame *parent)
{
    chert_frame *frame = calloc(1, sizeof *frame);
    if (!frame) return NULL;
    frame->context = context;
    frame->arena = ch_arena_new();
    if (parent) {
        ch_arena_defer(frame->arena, free_arena, ch_arena_retain(parent->arena));
        frame->plan = parent->plan;
    }
    return frame;
}

void chert_frame_free(chert_frame *frame)
{
    if (!frame) return;
    ch_arena_free(frame->arena);
    free(frame);
}

/* Analyses the frame's plan now, so that mistakes show where they are made; gives it out or releases it. */
static int check_and_give(chert_frame *frame, chert_frame **out, chert_error *err)
{
    ch_query *q;
    ch_error inner;
    if (ch_query_open(frame->context->session, frame->plan, &q, &inner)) {
        chert_frame_free(frame);
        return api_report(&inner, err);
    }
    ch_query_close(q);
    *out = frame;
    return 0;
}

/* "key=value,key=value" with backslashes before commas and backslashes of a value. */
static int parse_options(ch_arena *arena, const char *text, size_t *n, ch_option **out, chert_error *err)
{
    size_t max = 1;
    for (const char *c = text ? text : ""; *c; c++) max += *c == ',';
    *n = 0;
    *out = CH_NEW_ARRAY(arena, ch_option, max);
    while (text && *text) {
        size_t key = strcspn(text, "=,"), w = 0;
        if (text[key] != '=') return api_fail(err, CHERT_INVALID, "options: expected key=value at \"%s\"", text);
        ch_option *option = &(*out)[(*n)++];
        option->key = ch_arena_strndup(arena, text, key);
        text += key + 1;
        char *value = ch_arena_alloc(arena, strlen(text) + 1);
        for (; *text && *text != ','; text++) {
            if (*text == '\\' && text[1]) text++;
            value[w++] = *text;
        }
        option->value = value;
        text += *text == ',';
    }
    return 0;
}

int chert_read(chert_context *context, const char *format, const char *path, const char *options, chert_frame **out,
               chert_error *err)
{
    chert_frame *frame = api_frame_new(context, NULL);
    if (!frame) return api_fail(err, CHERT_MEMORY, "out of memory");
    ch_plan *plan = ch_plan_new(frame->arena, CH_PLAN_READ, NULL);
    plan->u.read.format = ch_arena_strdup(frame->arena, format);
    plan->u.read.paths = CH_NEW_ARRAY(frame->arena, const char *, 1);
    plan->u.read.paths[0] = ch_arena_strdup(frame->arena, path);
    plan->u.read.npath = 1;
    int status = parse_options(frame->arena, options, &plan->u.read.noption, &plan->u.read.options, err);
    if (status) {
        chert_frame_free(frame);
        return status;
    }
    frame->plan = plan;
    return check_and_give(frame, out, err);
}

int chert_select(const chert_frame *frame, const char *const *columns, size_t n, chert_frame **out, chert_error *err)
{
    chert_frame *made = api_frame_new(frame->context, frame);
    if (!made) return api_fail(err, CHERT_MEMORY, "out of memory");
    ch_plan *plan = ch_plan_new(made->arena, CH_PLAN_PROJECT, frame->plan);
    plan->u.project.n = n;
    plan->u.project.exprs = CH_NEW_ARRAY(made->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++)
        plan->u.project.exprs[i] = ch_expr_name(made->arena, ch_arena_strdup(made->arena, columns[i]));
    made->plan = plan;
    return check_and_give(made, out, err);
}

int chert_filter(const chert_frame *frame, const char *condition, chert_frame **out, chert_error *err)
{
    ch_error inner;
    chert_frame *made = api_frame_new(frame->context, frame);
    if (!made) return api_fail(err, CHERT_MEMORY, "out of memory");
    ch_plan *plan = ch_plan_new(made->arena, CH_PLAN_FILTER, frame->plan);
    if (ch_parse_expression(made->arena, ch_arena_strdup(made->arena, condition), &plan->u.condition, &inner)) {
        chert_frame_free(made);
        return api_report(&inner, err);
    }
    made->plan = plan;
    return check_and_give(made, out, err);
}

int chert_split(const chert_frame *frame, const double *weights, size_t n, int64_t seed, chert_frame **out,
                chert_error *err)
{
    double total = 0, lower = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] > 0) || isinf(weights[i]))
            return api_fail(err, CHERT_INVALID, "weight %zu must be positive", i);
        total += weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        chert_frame *made = api_frame_new(frame->context, frame);
        if (!made) {
            while (i--) chert_frame_free(out[i]);
            return api_fail(err, CHERT_MEMORY, "out of memory");
        }
        ch_plan *plan = ch_plan_new(made->arena, CH_PLAN_SAMPLE, frame->plan);
        plan->u.sample.lower = lower;
        lower = plan->u.sample.upper = lower + weights[i] / total;
        plan->u.sample.has_seed = plan->u.sample.deterministic_order = true;
        plan->u.sample.seed = seed;
        made->plan = plan;
        out[i] = made;
    }
    return 0;
}

int chert_count(const chert_frame *frame, int64_t *rows, chert_error *err)
{
    ch_error inner;
    ch_arena *arena = ch_arena_new();
    ch_literal *row;
    size_t n;
    api_work work;
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_AGGREGATE, frame->plan);
    ch_expr *count = ch_expr_call(arena, "count", 1, ch_expr_int(arena, 1));
    plan->u.aggregate.nagg = 1;
    plan->u.aggregate.aggs = &count;
    api_begin(frame->context, &work);
    int status = ch_query_row(frame->context->session, plan, &work.task, arena, &n, &row, &inner);
    api_end(frame->context, &work);
    if (!status) *rows = row[0].v.integer;
    ch_arena_free(arena);
    return status ? api_report(&inner, err) : 0;
}

int chert_schema(const chert_frame *frame, size_t *columns, char **json, chert_error *err)
{
    ch_error inner;
    ch_query *q;
    if (ch_query_open(frame->context->session, frame->plan, &q, &inner)) return api_report(&inner, err);
    const ch_schema *schema = ch_query_schema(q);
    if (columns) *columns = schema->n;
    if (json) {
        ch_buf text = {0};
        ch_schema_json(&text, schema);
        *json = text.data;
    }
    ch_query_close(q);
    return 0;
}

int chert_show(const chert_frame *frame, int rows, int width, char **text, chert_error *err)
{
    ch_error inner;
    ch_arena *arena = ch_arena_new();
    ch_buf out = {0};
    api_work work;
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_SHOW_STRING, frame->plan);
    plan->u.show.rows = rows;
    plan->u.show.truncate = width;
    api_begin(frame->context, &work);
    int status = ch_show_string(frame->context->session, plan, &work.task, &out, &inner);
    api_end(frame->context, &work);
    ch_arena_free(arena);
    if (status) {
        ch_buf_reset(&out);
        return api_report(&inner, err);
    }
    *text = out.data ? out.data : calloc(1, 1);
    return 0;
}

/* Appends a batch of doubles. */
static int take_doubles(const ch_batch *batch, double **values, size_t *n, size_t *cap, ch_error *err)
{
    if (*n + batch->rows > *cap) {
        size_t bigger = (*n + batch->rows) * 2;
        double *grown = realloc(*values, bigger * sizeof **values);
        if (!grown) return ch_no_memory(err);
        *values = grown;
        *cap = bigger;
    }
    const ch_column *c = &batch->cols[0];
    for (size_t i = 0; i < batch->rows; i++)
        (*values)[*n + i] = ch_column_valid(c, i) ? ((const double *)c->data)[i] : (double)NAN;
    *n += batch->rows;
    return 0;
}

int chert_column(const chert_frame *frame, const char *column, double **values, size_t *n, chert_error *err)
{
    ch_error inner;
    ch_arena *arena = ch_arena_new();
    ch_query *q = NULL;
    const ch_batch *batch;
    size_t cap = 0;
    api_work work;
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_PROJECT, frame->plan);
    ch_expr *cast = ch_expr_cast(arena, ch_expr_name(arena, column), &ch_type_double);
    plan->u.project.n = 1;
    plan->u.project.exprs = &cast;
    *values = NULL;
    *n = 0;
    api_begin(frame->context, &work);
    int status = ch_query_open(frame->context->session, plan, &q, &inner);
    if (!status) status = ch_query_start(q, &work.task, &inner);
    while (!status && !(status = ch_query_next(q, &batch, &inner)) && batch)
        status = take_doubles(batch, values, n, &cap, &inner);
    ch_query_close(q);
    api_end(frame->context, &work);
    ch_arena_free(arena);
    if (status) {
        free(*values);
        *values = NULL;
        return api_report(&inner, err);
    }
    return 0;
}

static int save_mode(const char *mode, ch_save_mode *out, chert_error *err)
{
    static const char *const names[] = {"error", "append", "overwrite", "ignore"};
    static const ch_save_mode modes[] = {CH_SAVE_ERROR, CH_SAVE_APPEND, CH_SAVE_OVERWRITE, CH_SAVE_IGNORE};
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(mode ? mode : "error", names[i])) {
            *out = modes[i];
            return 0;
        }
    return api_fail(err, CHERT_INVALID, "mode \"%s\": must be error, append, overwrite or ignore", mode);
}

int chert_write(const chert_frame *frame, const char *format, const char *path, const char *mode, const char *options,
                chert_error *err)
{
    ch_error inner;
    ch_arena *arena = ch_arena_new();
    ch_write write = {.format = format, .path = path};
    api_work work;
    int status = save_mode(mode, &write.mode, err);
    if (!status) status = parse_options(arena, options, &write.noption, &write.options, err);
    if (!status) {
        api_begin(frame->context, &work);
        if (ch_write_plan(frame->context->session, frame->plan, &write, &work.task, &inner))
            status = api_report(&inner, err);
        api_end(frame->context, &work);
    }
    ch_arena_free(arena);
    return status;
}
