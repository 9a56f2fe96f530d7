/* query.c: running plans: analysis, the statement, batches as they come, cancelling. */
#include "frame/engine/query.h"

#include "frame/analyze/rel_internal.h"
#include "frame/session/session_internal.h"

#include <stdlib.h>
#include <string.h>

struct ch_query {
    ch_session *session;
    ch_arena *arena;
    ch_rel *rel; /* as analysed */
    ch_schema schema;
    char *sql; /* for ch_query_sql */
    bool started, done;
    ch_task *task;
    duckdb_connection con;
    ch_watch watch;
    duckdb_prepared_statement statement;
    bool has_result;
    duckdb_result result;
    duckdb_data_chunk chunk;
    ch_batch batch;
};

/* --- life
 * -------------------------------------------------------------------------------------------------------------- */

static void make_schema(ch_query *q)
{
    size_t n = q->rel->ncol;
    q->schema = (ch_schema){.n = n, .fields = CH_NEW_ARRAY(q->arena, ch_field, n)};
    for (size_t i = 0; i < n; i++) {
        const ch_attr *attr = &q->rel->cols[i];
        q->schema.fields[i] = (ch_field){attr->name, attr->type, attr->nullable, attr->metadata};
    }
}

int ch_query_open(ch_session *s, const ch_plan *plan, ch_query **out, ch_error *err)
{
    *out = NULL;
    ch_query *q = calloc(1, sizeof *q);
    if (!q) return ch_no_memory(err);
    q->session = ch_session_retain(s);
    q->arena = ch_arena_new();
    int next_id = 1;
    int status = ch_analyze(s, q->arena, plan, &next_id, &q->rel, err);
    if (status) {
        ch_query_close(q);
        return status;
    }
    make_schema(q);
    *out = q;
    return 0;
}

static void stop(ch_query *q)
{
    ch_engine_unwatch(q->session->engine, &q->watch);
    bool unfinished = q->has_result && !q->done;
    if (q->chunk) duckdb_destroy_data_chunk(&q->chunk);
    if (q->has_result) duckdb_destroy_result(&q->result);
    q->has_result = false;
    if (q->statement) duckdb_destroy_prepare(&q->statement);
    /* A stream given up half way leaves its transaction open until the connection runs something else: functions that
     * the next query registers would go with it. */
    ch_error ignored;
    if (unfinished) ch_engine_run(q->con, "SELECT 1", &ignored);
    ch_engine_disconnect(q->session, &q->con);
}

void ch_query_close(ch_query *q)
{
    if (!q) return;
    stop(q);
    ch_arena_free(q->arena); /* gives up cached tables, which needs the session */
    free(q->sql);
    ch_session_release(q->session);
    free(q);
}

const ch_schema *ch_query_schema(const ch_query *q)
{
    return &q->schema;
}

bool ch_query_ordered(const ch_query *q)
{
    return q->rel->ordered;
}

void ch_query_fingerprint(const ch_query *q, uint64_t fingerprint[2])
{
    ch_rel_fingerprints(q->rel);
    memcpy(fingerprint, q->rel->fingerprint, sizeof q->rel->fingerprint);
}

const char *ch_query_sql(ch_query *q)
{
    if (q->sql) return q->sql;
    ch_buf sql = {0};
    ch_error err;
    if (ch_write_rel(&sql, q->rel, &err)) {
        ch_buf_clear(&sql);
        ch_buf_str(&sql, err.message);
    }
    q->sql = strdup(ch_buf_text(&sql));
    ch_buf_reset(&sql);
    return q->sql ? q->sql : "";
}

ch_rel *ch_query_rel(ch_query *q)
{
    return q->rel;
}

int ch_query_shown(ch_query *q, ch_rel **out, ch_error *err)
{
    return ch_cache_apply(q->session, q->arena, q->rel, false, NULL, out, err);
}

static void add_files(const ch_rel *rel, ch_arena *arena, size_t *n, const char ***files)
{
    if (!rel) return;
    if (rel->kind == CH_REL_SOURCE && rel->u.source.nfile) {
        size_t more = rel->u.source.nfile;
        *files = ch_arena_grow(arena, *files, sizeof **files, *n, *n + more);
        for (size_t i = 0; i < more; i++) (*files)[(*n)++] = ch_arena_strdup(arena, rel->u.source.files[i]);
    }
    add_files(rel->input, arena, n, files);
    add_files(rel->right, arena, n, files);
}

size_t ch_query_files(const ch_query *q, ch_arena *arena, const char ***files)
{
    size_t n = 0;
    *files = NULL;
    add_files(q->rel, arena, &n, files);
    return n;
}

/* --- running
 * ----------------------------------------------------------------------------------------------------------- */

/* What the engine gives must be what analysis said: data are read by their type from here on. */
static int check_types(ch_query *q, ch_error *err)
{
    size_t n = duckdb_prepared_statement_column_count(q->statement);
    if (n != (q->schema.n ? q->schema.n : 1)) return ch_bug(err, "the engine gives %zu columns", n);
    for (size_t i = 0; i < q->schema.n; i++) {
        duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(q->statement, i);
        bool same = ch_engine_type_matches(type, q->schema.fields[i].type);
        ch_buf want = {0};
        if (!same) ch_type_duckdb(&want, q->schema.fields[i].type);
        duckdb_type id = duckdb_get_type_id(type);
        duckdb_destroy_logical_type(&type);
        if (same) continue;
        int status = ch_bug(err, "column %s is %s, but the engine gives its type %d", q->schema.fields[i].name,
                            ch_buf_text(&want), (int)id);
        ch_buf_reset(&want);
        return status;
    }
    return 0;
}

/* Tells whoever watches the work of a statement about to run, and of the relations behind it. */
static void tell(ch_task *task, const ch_rel *rel, const ch_buf *sql)
{
    ch_task_note(task, CH_NOTE_SQL, ch_buf_text(sql));
    if (!ch_task_wants(task, CH_NOTE_PLAN)) return;
    ch_buf tree = {0};
    ch_explain_tree(rel, &tree);
    ch_task_note(task, CH_NOTE_PLAN, ch_buf_text(&tree));
    ch_buf_reset(&tree);
}

static int prepare(ch_query *q, ch_error *err)
{
    ch_rel *rel;
    ch_task_note(q->task, CH_NOTE_PHASE, "plan");
    CH_TRY(ch_cache_apply(q->session, q->arena, q->rel, true, q->task, &rel, err));
    ch_buf sql = {0};
    int status = ch_write_rel(&sql, rel, err);
    if (!status) tell(q->task, rel, &sql);
    if (!status) status = ch_engine_connect(q->session, &q->con, err);
    if (!status) status = ch_native_register(q->session->engine, q->con, err);
    if (!status) {
        ch_engine_watch(q->session->engine, &q->watch, q->con, q->task);
        if (duckdb_prepare(q->con, ch_buf_text(&sql), &q->statement) != DuckDBSuccess) {
            status = ch_engine_error(duckdb_prepare_error(q->statement), err);
        }
    }
    ch_buf_reset(&sql);
    return status ? status : check_types(q, err);
}

int ch_query_run_inside(ch_query *q, const char *before, const char *after, ch_task *task, ch_error *err)
{
    ch_rel *rel;
    duckdb_connection con = NULL;
    ch_buf sql = {0};
    ch_task_note(task, CH_NOTE_PHASE, "plan");
    CH_TRY(ch_cache_apply(q->session, q->arena, q->rel, true, task, &rel, err));
    ch_buf_str(&sql, before);
    int status = ch_write_rel(&sql, rel, err);
    ch_buf_str(&sql, after);
    if (!status) tell(task, rel, &sql);
    if (!status) status = ch_engine_connect(q->session, &con, err);
    if (!status) status = ch_native_register(q->session->engine, con, err);
    if (!status) ch_task_note(task, CH_NOTE_PHASE, "execute");
    if (!status) status = ch_engine_run_task(q->session, con, ch_buf_text(&sql), task, err);
    ch_engine_disconnect(q->session, &con);
    ch_buf_reset(&sql);
    return status;
}

static int execute(ch_query *q, ch_error *err)
{
    duckdb_pending_result pending = NULL;
    int status = 0;
    ch_task_note(q->task, CH_NOTE_PHASE, "execute");
    if (duckdb_pending_prepared_streaming(q->statement, &pending) != DuckDBSuccess) {
        status = ch_engine_error(pending ? duckdb_pending_error(pending) : "cannot start the statement", err);
    } else {
        q->has_result = true;
        status = ch_engine_execute(pending, &q->result, err);
    }
    if (pending) duckdb_destroy_pending(&pending);
    return status;
}

int ch_query_start(ch_query *q, ch_task *task, ch_error *err)
{
    if (q->started) return ch_bug(err, "a query is started twice");
    CH_TRY(ch_task_check(task, err));
    q->started = true;
    q->task = task;
    int status = prepare(q, err);
    if (!status) status = execute(q, err);
    if (status) {
        stop(q);
        q->done = true;
        /* an interrupt may surface as any failure */
        ch_error cancelled;
        if (ch_task_check(task, &cancelled)) *err = cancelled;
        return (int)err->kind;
    }
    q->batch.ncol = q->schema.n;
    q->batch.cols = CH_NEW_ARRAY(q->arena, ch_column, q->schema.n);
    return 0;
}

static int wrap_chunk(ch_query *q)
{
    q->batch.rows = duckdb_data_chunk_get_size(q->chunk);
    for (size_t i = 0; i < q->batch.ncol; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(q->chunk, i);
        ch_column_wrap(q->arena, vector, q->schema.fields[i].type, q->batch.rows, false, &q->batch.cols[i]);
    }
    return 0;
}

int ch_query_next(ch_query *q, const ch_batch **batch, ch_error *err)
{
    *batch = NULL;
    if (!q->started) return ch_bug(err, "rows are asked of a query that was not started");
    while (!q->done) {
        if (q->chunk) duckdb_destroy_data_chunk(&q->chunk);
        int status = ch_task_check(q->task, err);
        if (status) return status;
        q->chunk = duckdb_fetch_chunk(q->result);
        const char *text = q->chunk ? NULL : duckdb_result_error(&q->result);
        if (text && *text) {
            ch_error cancelled;
            ch_engine_error(text, err);
            if (ch_task_check(q->task, &cancelled)) *err = cancelled;
            stop(q);
            q->done = true;
            return (int)err->kind;
        }
        if (!q->chunk) {
            q->done = true;
            stop(q);
            return 0;
        }
        wrap_chunk(q);
        if (q->batch.rows) {
            ch_task_count_rows(q->task, (long)q->batch.rows);
            *batch = &q->batch;
            return 0;
        }
    }
    return 0;
}

/* --- a few rows
 * ---------------------------------------------------------------------------------------------------------- */

static void copy_value(ch_arena *arena, const ch_column *c, const ch_type *type, size_t row, ch_literal *out);

static void copy_decimal(const ch_column *c, size_t row, ch_literal *out)
{
    int precision = c->type->precision;
    if (precision <= 4) {
        out->v.decimal = ((const int16_t *)c->data)[row];
    } else if (precision <= 9) {
        out->v.decimal = ((const int32_t *)c->data)[row];
    } else if (precision <= 18) {
        out->v.decimal = ((const int64_t *)c->data)[row];
    } else {
        out->v.decimal = ((const ch_int128 *)c->data)[row];
    }
}

static void copy_interval(const ch_column *c, size_t row, ch_literal *out)
{
    const int64_t day = 86400000000;
    ch_interval value = ((const ch_interval *)c->data)[row];
    if (c->type->kind == CH_INTERVAL_DAY_TIME) {
        out->v.integer = value.days * day + value.micros;
    } else if (c->type->kind == CH_INTERVAL_YEAR_MONTH) {
        out->v.integer = value.months;
    } else {
        out->v.interval = value;
    }
}

static void copy_fields(ch_arena *arena, const ch_column *c, const ch_type *type, size_t row, ch_literal *out)
{
    const ch_type *storage = ch_type_storage(type);
    out->v.list.n = c->nchild;
    out->v.list.items = CH_NEW_ARRAY(arena, ch_literal, c->nchild);
    for (size_t i = 0; i < c->nchild; i++) {
        copy_value(arena, &c->child[i], storage->fields[i].type, row, &out->v.list.items[i]);
    }
}

static void copy_list(ch_arena *arena, const ch_column *c, const ch_type *type, size_t row, ch_literal *out)
{
    ch_list list = ((const ch_list *)c->data)[row];
    const ch_column *child = &c->child[0];
    size_t parts = c->type->kind == CH_MAP ? 2 : 1;
    out->v.list.n = list.length * parts;
    out->v.list.items = CH_NEW_ARRAY(arena, ch_literal, out->v.list.n);
    for (size_t i = 0; i < list.length; i++) {
        ch_literal *item = &out->v.list.items[i * parts];
        if (parts == 1) {
            copy_value(arena, child, type->fields[0].type, list.offset + i, item);
        } else {
            copy_value(arena, &child->child[0], type->fields[0].type, list.offset + i, &item[0]);
            copy_value(arena, &child->child[1], type->fields[1].type, list.offset + i, &item[1]);
        }
    }
}

/* A value as a literal of `type`, which is that of the column but outlives it. */
static void copy_value(ch_arena *arena, const ch_column *c, const ch_type *type, size_t row, ch_literal *out)
{
    *out = (ch_literal){.type = type, .is_null = c->type->kind == CH_NULL || !ch_column_valid(c, row)};
    if (out->is_null) return;
    switch (c->type->kind) {
    case CH_NULL: break;
    case CH_BOOLEAN: out->v.boolean = ((const uint8_t *)c->data)[row]; break;
    case CH_BYTE: out->v.integer = ((const int8_t *)c->data)[row]; break;
    case CH_SHORT: out->v.integer = ((const int16_t *)c->data)[row]; break;
    case CH_INT:
    case CH_DATE: out->v.integer = ((const int32_t *)c->data)[row]; break;
    case CH_LONG:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: out->v.integer = ((const int64_t *)c->data)[row]; break;
    case CH_FLOAT: out->v.real = (double)((const float *)c->data)[row]; break;
    case CH_DOUBLE: out->v.real = ((const double *)c->data)[row]; break;
    case CH_DECIMAL: copy_decimal(c, row, out); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: {
        const ch_string *s = (const ch_string *)c->data + row;
        out->v.bytes.len = ch_string_len(s);
        out->v.bytes.data = ch_arena_strndup(arena, ch_string_data(s), ch_string_len(s));
        break;
    }
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: copy_interval(c, row, out); break;
    case CH_ARRAY:
    case CH_MAP: copy_list(arena, c, type, row, out); break;
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: copy_fields(arena, c, type, row, out); break;
    }
}

/* The types of the values point into the query's arena, which goes: they get copies that stay. */
static int collect(ch_query *q, size_t max_rows, ch_arena *arena, size_t *nrow, ch_literal ***rows, ch_error *err)
{
    ch_schema kept = ch_schema_copy(arena, &q->schema);
    size_t cap = 0;
    for (;;) {
        const ch_batch *batch;
        CH_TRY(ch_query_next(q, &batch, err));
        if (!batch) return 0;
        for (size_t i = 0; i < batch->rows; i++) {
            if (*nrow == max_rows) return 0;
            if (*nrow == cap) {
                cap = cap ? 2 * cap : 16;
                *rows = ch_arena_grow(arena, *rows, sizeof **rows, *nrow, cap);
            }
            ch_literal *row = CH_NEW_ARRAY(arena, ch_literal, batch->ncol);
            for (size_t j = 0; j < batch->ncol; j++) {
                copy_value(arena, &batch->cols[j], kept.fields[j].type, i, &row[j]);
            }
            (*rows)[(*nrow)++] = row;
        }
    }
}

int ch_query_rows(ch_session *s, const ch_plan *plan, size_t max_rows, ch_task *task, ch_arena *arena, size_t *nrow,
                  size_t *ncol, ch_literal ***rows, ch_error *err)
{
    ch_query *q;
    *nrow = *ncol = 0;
    *rows = NULL;
    CH_TRY(ch_query_open(s, plan, &q, err));
    *ncol = q->schema.n;
    int status = ch_query_start(q, task, err);
    if (!status) status = collect(q, max_rows, arena, nrow, rows, err);
    ch_query_close(q);
    return status;
}

int ch_query_row(ch_session *s, const ch_plan *plan, ch_task *task, ch_arena *arena, size_t *n, ch_literal **row,
                 ch_error *err)
{
    size_t nrow;
    ch_literal **rows;
    *row = NULL;
    CH_TRY(ch_query_rows(s, plan, 1, task, arena, &nrow, n, &rows, err));
    if (nrow) *row = rows[0];
    return 0;
}
