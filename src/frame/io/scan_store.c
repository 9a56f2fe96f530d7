/* scan_store.c: filling a table from a scan with all cores.
 *
 * A table function of ours cannot tell the engine where in the order of rows a chunk belongs, so a table made from
 * chert_scan is read and written by one thread. The engine's scan of an Arrow stream can: every array of the stream is
 * a batch with a place. So threads of our own read the scan's parts, a few ahead, each into one array; the stream hands
 * them out in order; and the engine's threads write them into the table, each array into row groups of its own. */
#include "frame/io/scan_store.h"

#include "base/thread.h"
#include "frame/engine/query.h"

#include <errno.h>
#include <malloc.h>
#include <nanoarrow/nanoarrow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READERS_MAX = 64,
    AHEAD = 1,        /* parts waiting to be taken beside those being read */
    READ_ROWS = 4096, /* at a time */
    FORMAT_SIZE = 24  /* of an Arrow type */
};

/* A part of the scan, once read. */
typedef struct slot {
    bool ready;
    int status;
    ch_error err;
    struct ArrowArray rows; /* released or taken: release is NULL */
} slot;

typedef struct feed {
    ch_scan *scan;
    ch_schema schema; /* of the table: the scan's types under the table's names */
    size_t *columns;  /* 0, 1, ... : all of the scan's */
    struct ArrowSchema arrow, *arrow_columns, **arrow_pointers;
    char (*formats)[FORMAT_SIZE];
    ch_arena *arena; /* of all that */
    slot *slots;     /* one for each part */
    size_t nreader;
    pthread_t readers[READERS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t claimed, taken; /* parts that a reader has begun, parts handed out */
    bool stopped;
    int status; /* of the part that ended the stream */
    ch_error err;
} feed;

/* --- reading parts --- */

static int add_rows(feed *f, void *reader, ch_batch *batch, ch_column **columns, ch_arrow_encoder *e, ch_error *err)
{
    do {
        for (size_t i = 0; i < batch->ncol; i++) {
            ch_column_clear(columns[i]);
            batch->cols[i] = *columns[i];
        }
        int status = f->scan->format->next(reader, batch->cols, READ_ROWS, &batch->rows, err);
        for (size_t i = 0; i < batch->ncol; i++) *columns[i] = batch->cols[i]; /* its memory may be new */
        CH_TRY(status);
        CH_TRY(ch_arrow_encoder_add(e, batch, err));
    } while (batch->rows);
    return 0;
}

static int read_part(feed *f, void *reader, size_t part, ch_column **columns, slot *out, ch_error *err)
{
    ch_batch batch = {.ncol = f->schema.n, .cols = calloc(f->schema.n, sizeof *batch.cols)};
    ch_arrow_encoder *e = batch.cols ? ch_arrow_encoder_new(&f->schema, "UTC") : NULL;
    int status = e ? f->scan->format->start(reader, &f->scan->parts[part], err) : ch_no_memory(err);
    if (!status) status = add_rows(f, reader, &batch, columns, e, err);
    free(batch.cols);
    if (!status) return ch_arrow_encoder_export(e, &out->rows, err);
    ch_arrow_encoder_free(e);
    return status;
}

/* The next part to read, or SIZE_MAX; waits while enough is read ahead. */
static size_t claim(feed *f)
{
    pthread_mutex_lock(&f->lock);
    while (!f->stopped && f->claimed < f->scan->npart && f->claimed >= f->taken + f->nreader + AHEAD) {
        pthread_cond_wait(&f->changed, &f->lock);
    }
    size_t part = f->stopped || f->claimed >= f->scan->npart ? SIZE_MAX : f->claimed++;
    pthread_mutex_unlock(&f->lock);
    return part;
}

static void put(feed *f, size_t part, int status, const ch_error *err)
{
    slot *s = &f->slots[part];
    pthread_mutex_lock(&f->lock);
    s->status = status;
    if (status) s->err = *err;
    s->ready = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void *reader_main(void *arg)
{
    feed *f = arg;
    size_t n = f->schema.n, part;
    void *reader = NULL;
    ch_error err;
    ch_column **columns = calloc(n, sizeof(ch_column *));
    bool room = columns != NULL;
    for (size_t i = 0; room && i < n; i++) room = (columns[i] = ch_column_new(f->schema.fields[i].type, READ_ROWS));
    int status = room ? f->scan->format->open(f->scan, n, f->columns, &reader, &err) : ch_no_memory(&err);
    while ((part = claim(f)) != SIZE_MAX) {
        int failed = status ? status : read_part(f, reader, part, columns, &f->slots[part], &err);
        put(f, part, failed, &err);
        if (failed) break;
    }
    if (reader) f->scan->format->close(reader);
    for (size_t i = 0; columns && i < n; i++) ch_column_free(columns[i]);
    free(columns);
    return NULL;
}

/* --- the stream ---
 * The engine asks for the schema while it binds, and for arrays, under a lock of its own, while it runs. */

static void keep_schema(struct ArrowSchema *schema)
{
    schema->release = NULL; /* the feed's memory */
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    *out = ((feed *)stream->private_data)->arrow;
    return 0;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    feed *f = stream->private_data;
    *out = (struct ArrowArray){0};
    pthread_mutex_lock(&f->lock);
    slot *s = f->taken < f->scan->npart && !f->stopped ? &f->slots[f->taken] : NULL;
    while (s && !s->ready) pthread_cond_wait(&f->changed, &f->lock);
    int status = s ? s->status : 0;
    if (status) {
        f->status = status;
        f->err = s->err;
        f->stopped = true;
    } else if (s) {
        *out = s->rows;
        s->rows.release = NULL;
        f->taken++;
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return status ? EIO : 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    return ((feed *)stream->private_data)->err.message;
}

static void stream_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* --- life --- */

/* Arrow's name for a type without fields or elements; false for others. */
static bool arrow_format(const ch_type *t, char out[FORMAT_SIZE])
{
    static const char *const FORMATS[] = {
        [CH_BOOLEAN] = "b",
        [CH_BYTE] = "c",
        [CH_SHORT] = "s",
        [CH_INT] = "i",
        [CH_LONG] = "l",
        [CH_FLOAT] = "f",
        [CH_DOUBLE] = "g",
        [CH_STRING] = "u",
        [CH_CHAR] = "u",
        [CH_VARCHAR] = "u",
        [CH_BINARY] = "z",
        [CH_DATE] = "tdD",
        [CH_TIMESTAMP] = "tsu:UTC",
        [CH_TIMESTAMP_NTZ] = "tsu:",
    };
    if (t->kind == CH_DECIMAL) {
        snprintf(out, FORMAT_SIZE, "d:%d,%d", t->precision, t->scale);
        return true;
    }
    const char *format = (size_t)t->kind < sizeof FORMATS / sizeof *FORMATS ? FORMATS[t->kind] : NULL;
    if (format) snprintf(out, FORMAT_SIZE, "%s", format);
    return format != NULL;
}

static bool describe(feed *f)
{
    const ch_schema *data = &f->scan->data;
    size_t n = data->n;
    f->schema = (ch_schema){.n = n, .fields = CH_NEW_ARRAY(f->arena, ch_field, n)};
    f->columns = CH_NEW_ARRAY(f->arena, size_t, n);
    f->arrow_columns = CH_NEW_ARRAY(f->arena, struct ArrowSchema, n);
    f->arrow_pointers = CH_NEW_ARRAY(f->arena, struct ArrowSchema *, n);
    f->formats = ch_arena_alloc(f->arena, n * FORMAT_SIZE);
    for (size_t i = 0; i < n; i++) {
        char *name = ch_arena_printf(f->arena, "c%zu", i);
        f->schema.fields[i] = (ch_field){.name = name, .type = data->fields[i].type, .nullable = true};
        f->columns[i] = i;
        if (!arrow_format(data->fields[i].type, f->formats[i])) return false;
        f->arrow_columns[i] = (struct ArrowSchema){
            .format = f->formats[i], .name = name, .flags = ARROW_FLAG_NULLABLE, .release = keep_schema};
        f->arrow_pointers[i] = &f->arrow_columns[i];
    }
    f->arrow = (struct ArrowSchema){
        .format = "+s", .name = "", .n_children = (int64_t)n, .children = f->arrow_pointers, .release = keep_schema};
    return true;
}

static void stop_readers(feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopped = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < f->nreader; i++) pthread_join(f->readers[i], NULL);
}

static void start_readers(feed *f)
{
    size_t wanted = (size_t)ch_threads();
    if (wanted > f->scan->npart) wanted = f->scan->npart;
    if (wanted > READERS_MAX) wanted = READERS_MAX;
    pthread_mutex_lock(&f->lock); /* nreader counts in what they do */
    while (f->nreader < wanted && !pthread_create(&f->readers[f->nreader], NULL, reader_main, f)) f->nreader++;
    pthread_mutex_unlock(&f->lock);
}

/* CREATE TABLE from the stream, which for the time being is a view. */
static int create_table(feed *f, duckdb_connection con, const char *table, ch_error *err)
{
    struct ArrowArrayStream stream = {.get_schema = stream_schema,
                                      .get_next = stream_next,
                                      .get_last_error = stream_error,
                                      .release = stream_release,
                                      .private_data = f};
    char view[48];
    snprintf(view, sizeof view, "chert_feed_%lu", f->scan->id);
    if (duckdb_arrow_scan(con, view, (duckdb_arrow_stream)&stream) != DuckDBSuccess) {
        return ch_bug(err, "the engine refuses a stream of rows");
    }
    ch_buf sql = {0};
    ch_buf_printf(&sql, "CREATE TABLE %s AS SELECT ", table);
    for (size_t i = 0; i < f->schema.n; i++) {
        ch_buf_printf(&sql, "%sCAST(c%zu AS ", i ? ", " : "", i);
        ch_type_duckdb(&sql, f->schema.fields[i].type);
        ch_buf_printf(&sql, ") AS c%zu", i);
    }
    ch_buf_printf(&sql, " FROM %s", view);
    int status = ch_engine_run_long(con, ch_buf_text(&sql), err);
    if (f->status) {
        *err = f->err;
        status = f->status;
    }
    ch_error ignored;
    ch_buf_clear(&sql);
    ch_buf_printf(&sql, "DROP VIEW IF EXISTS %s", view);
    ch_engine_run(con, ch_buf_text(&sql), &ignored);
    ch_buf_reset(&sql);
    return status;
}

static int store_parallel(feed *f, duckdb_connection con, const char *table, ch_error *err)
{
    f->slots = calloc(f->scan->npart, sizeof *f->slots);
    if (!f->slots) return ch_no_memory(err);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    start_readers(f);
    int status = f->nreader ? create_table(f, con, table, err) : ch_no_memory(err);
    stop_readers(f);
    for (size_t i = 0; i < f->scan->npart; i++) {
        if (f->slots[i].rows.release) f->slots[i].rows.release(&f->slots[i].rows);
    }
    free(f->slots);
    malloc_trim(0); /* the readers' arenas hold on to the memory of several parts */
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    return status;
}

int ch_scan_store(ch_scan *scan, duckdb_connection con, const char *table, ch_error *err)
{
    feed f = {.scan = scan};
    f.arena = ch_arena_new();
    int status;
    if (scan->npart > 1 && !scan->partitions.n && describe(&f)) {
        status = store_parallel(&f, con, table, err);
    } else {
        ch_buf sql = {0};
        ch_buf_printf(&sql, "CREATE TABLE %s AS SELECT * FROM chert_scan(%lu)", table, scan->id);
        status = ch_engine_run_long(con, ch_buf_text(&sql), err);
        ch_buf_reset(&sql);
    }
    ch_arena_free(f.arena);
    return status;
}
