/* scan.c: the table function chert_scan and the register of what it reads. */
#include "frame/io/scan.h"

#include "frame/text/lines.h"
#include "frame/text/text_column.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 8 << 20, SPARK_SPLIT_BYTES = 128 << 20 };

/* --- register -------------------------------------------------------------------------------------------------------
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ch_scan **listed; /* sorted by id */
static size_t nlisted, listed_cap;
static unsigned long next_id;

/* Position of an id, or where it would be. */
static size_t position(unsigned long id)
{
    size_t low = 0, high = nlisted;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (listed[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

ch_scan *ch_scan_new(const ch_scan_format *format)
{
    ch_arena *arena = ch_arena_new();
    ch_scan *scan = CH_NEW(arena, ch_scan);
    scan->arena = arena;
    scan->format = format;
    atomic_init(&scan->refs, 1);
    pthread_mutex_lock(&lock);
    if (nlisted == listed_cap) {
        size_t cap = listed_cap ? listed_cap * 2 : 64;
        ch_scan **grown = realloc(listed, cap * sizeof *grown);
        if (!grown) abort(); /* as any arena does */
        listed = grown;
        listed_cap = cap;
    }
    scan->id = ++next_id;
    listed[nlisted++] = scan;
    pthread_mutex_unlock(&lock);
    return scan;
}

void ch_scan_release(ch_scan *scan)
{
    if (!scan) return;
    pthread_mutex_lock(&lock);
    bool last = atomic_fetch_sub(&scan->refs, 1) == 1;
    if (last) {
        size_t at = position(scan->id);
        memmove(listed + at, listed + at + 1, (nlisted - at - 1) * sizeof *listed);
        nlisted--;
    }
    pthread_mutex_unlock(&lock);
    if (last) ch_arena_free(scan->arena);
}

/* A new reference to a listed scan, or NULL. */
static ch_scan *find_scan(unsigned long id)
{
    pthread_mutex_lock(&lock);
    size_t at = position(id);
    ch_scan *scan = at < nlisted && listed[at]->id == id ? listed[at] : NULL;
    if (scan) atomic_fetch_add(&scan->refs, 1);
    pthread_mutex_unlock(&lock);
    return scan;
}

static void release_scan(void *scan)
{
    ch_scan_release(scan);
}

/* --- parts ----------------------------------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    const ch_scan_part *x = a, *y = b;
    int64_t xs = x->end - x->start, ys = y->end - y->start;
    if (xs != ys) return xs > ys ? -1 : 1;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* Pieces of at most `bytes` of every part; a last piece may be a little longer. */
static ch_scan_part *cut(ch_arena *arena, const ch_scan_part *parts, size_t n, int64_t bytes, size_t *count)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total += 1 + (size_t)((parts[i].end - parts[i].start) / bytes);
    ch_scan_part *out = CH_NEW_ARRAY(arena, ch_scan_part, total);
    for (size_t i = 0; i < n; i++) {
        if (ch_is_compressed(parts[i].file->path)) {
            out[at++] = parts[i];
            continue;
        }
        int64_t start = parts[i].start;
        do {
            int64_t end = start + bytes < parts[i].end ? start + bytes : parts[i].end;
            out[at++] = (ch_scan_part){parts[i].file, start, end};
            start = end;
        } while (start < parts[i].end);
    }
    *count = at;
    return out;
}

void ch_scan_set_files(ch_scan *scan, size_t n, const ch_file *files)
{
    ch_scan_part *whole = CH_NEW_ARRAY(scan->arena, ch_scan_part, n);
    for (size_t i = 0; i < n; i++) whole[i] = (ch_scan_part){&files[i], 0, files[i].size};
    if (!scan->format->splittable) {
        qsort(whole, n, sizeof *whole, by_size);
        scan->parts = whole;
        scan->npart = n;
        return;
    }
    size_t nspark;
    ch_scan_part *spark = cut(scan->arena, whole, n, SPARK_SPLIT_BYTES, &nspark);
    qsort(spark, nspark, sizeof *spark, by_size);
    scan->parts = cut(scan->arena, spark, nspark, PART_BYTES, &scan->npart);
}

/* --- the table function ---------------------------------------------------------------------------------- */

/* What one use of the function reads: shared by its threads. */
typedef struct scan_use {
    ch_scan *scan;
    size_t n;        /* output vectors */
    size_t *columns; /* which column of the scan each is; SIZE_MAX: none that anyone reads */
    size_t ndata;
    size_t *data;       /* the data columns among them, ascending, without repeats */
    atomic_size_t next; /* part to be read next */
} scan_use;

typedef struct scan_thread {
    const scan_use *use;
    void *reader;
    const ch_scan_part *part; /* being read, or NULL */
    ch_arena *arena;
    ch_column *data; /* one for each of use->data */
    ch_column *partitions;
} scan_thread;

static void free_use(void *arg)
{
    scan_use *use = arg;
    free(use->columns);
    free(use->data);
    free(use);
}

static void free_thread(void *arg)
{
    scan_thread *t = arg;
    if (t->reader) t->use->scan->format->close(t->reader);
    ch_arena_free(t->arena);
    free(t);
}

static void set_bind_error(duckdb_bind_info info, const ch_error *err)
{
    ch_buf text = {0};
    ch_engine_error_text(&text, err);
    duckdb_bind_set_error(info, ch_buf_text(&text));
    ch_buf_reset(&text);
}

static void bind_scan(duckdb_bind_info info)
{
    duckdb_value value = duckdb_bind_get_parameter(info, 0);
    unsigned long id = (unsigned long)duckdb_get_int64(value);
    duckdb_destroy_value(&value);
    ch_scan *scan = find_scan(id);
    if (!scan) {
        ch_error err;
        ch_bug(&err, "there is no scan %lu", id);
        set_bind_error(info, &err);
        return;
    }
    duckdb_bind_set_bind_data(info, scan, release_scan);
    const ch_schema *schemas[] = {&scan->data, &scan->partitions};
    size_t column = 0;
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < schemas[s]->n; i++, column++) {
            char name[24];
            snprintf(name, sizeof name, "c%zu", column);
            duckdb_logical_type type = ch_engine_type(schemas[s]->fields[i].type);
            duckdb_bind_add_result_column(info, name, type);
            duckdb_destroy_logical_type(&type);
        }
    }
    if (!column) { /* the engine wants one; nobody reads it */
        duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
        duckdb_bind_add_result_column(info, "c0", type);
        duckdb_destroy_logical_type(&type);
    }
    enum { ROW_BYTES = 50 }; /* a guess, for the order of joins */
    int64_t bytes = 0;
    for (size_t i = 0; i < scan->npart; i++) bytes += scan->parts[i].end - scan->parts[i].start;
    duckdb_bind_set_cardinality(info, (idx_t)(bytes / ROW_BYTES), false);
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static void init_scan(duckdb_init_info info)
{
    ch_scan *scan = duckdb_init_get_bind_data(info);
    scan_use *use = calloc(1, sizeof *use);
    size_t n = duckdb_init_get_column_count(info);
    if (use) {
        use->columns = calloc(n + 1, sizeof *use->columns);
        use->data = calloc(n + 1, sizeof *use->data);
    }
    if (!use || !use->columns || !use->data) {
        if (use) free_use(use);
        duckdb_init_set_error(info, "Out of Memory Error: scan");
        return;
    }
    use->scan = scan;
    use->n = n;
    size_t total = scan->data.n + scan->partitions.n;
    for (size_t i = 0; i < n; i++) {
        idx_t column = duckdb_init_get_column_index(info, i);
        use->columns[i] = column < total ? column : SIZE_MAX;
        if (column < scan->data.n) use->data[use->ndata++] = column;
    }
    qsort(use->data, use->ndata, sizeof *use->data, by_number);
    size_t kept = 0;
    for (size_t i = 0; i < use->ndata; i++) {
        if (!kept || use->data[kept - 1] != use->data[i]) use->data[kept++] = use->data[i];
    }
    use->ndata = kept;
    duckdb_init_set_init_data(info, use, free_use);
    duckdb_init_set_max_threads(info, scan->npart ? scan->npart : 1);
}

static void init_thread(duckdb_init_info info)
{
    /* readers are opened by the first call, where the use is known */
    scan_thread *t = calloc(1, sizeof *t);
    if (t) t->arena = ch_arena_new();
    duckdb_init_set_init_data(info, t, free_thread);
}

/* The same value in all rows. */
static int fill_constant(ch_column *out, const ch_literal *value, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        if (value->is_null) {
            ch_column_set_null(out, i);
            continue;
        }
        switch (out->type->kind) {
        case CH_BYTE: ((int8_t *)out->data)[i] = (int8_t)value->v.integer; break;
        case CH_SHORT: ((int16_t *)out->data)[i] = (int16_t)value->v.integer; break;
        case CH_INT:
        case CH_DATE: ((int32_t *)out->data)[i] = (int32_t)value->v.integer; break;
        case CH_FLOAT: ((float *)out->data)[i] = (float)value->v.real; break;
        case CH_DOUBLE: ((double *)out->data)[i] = value->v.real; break;
        case CH_BOOLEAN: ((uint8_t *)out->data)[i] = value->v.boolean; break;
        case CH_STRING:
        case CH_CHAR:
        case CH_VARCHAR:
        case CH_BINARY: ch_column_put_utf8(out, i, value->v.bytes.data, value->v.bytes.len); break;
        case CH_DECIMAL:
            if (out->type->precision > 18) {
                ((ch_int128 *)out->data)[i] = value->v.decimal;
            } else if (out->type->precision > 9) {
                ((int64_t *)out->data)[i] = (int64_t)value->v.decimal;
            } else if (out->type->precision > 4) {
                ((int32_t *)out->data)[i] = (int32_t)value->v.decimal;
            } else {
                ((int16_t *)out->data)[i] = (int16_t)value->v.decimal;
            }
            break;
        default: ((int64_t *)out->data)[i] = value->v.integer;
        }
    }
    return 0;
}

/* Points the thread's columns at the vectors of this chunk. */
static void wrap_chunk(scan_thread *t, duckdb_data_chunk chunk, size_t max)
{
    const scan_use *use = t->use;
    const ch_scan *scan = use->scan;
    for (size_t i = 0; i < use->n; i++) {
        if (use->columns[i] >= scan->data.n) continue;
        size_t *at = bsearch(&use->columns[i], use->data, use->ndata, sizeof *use->data, by_number);
        ch_column_wrap(t->arena, duckdb_data_chunk_get_vector(chunk, i), scan->data.fields[use->columns[i]].type, max,
                       true, &t->data[at - use->data]);
    }
}

static void fill_partitions(scan_thread *t, duckdb_data_chunk chunk, size_t rows)
{
    const scan_use *use = t->use;
    const ch_scan *scan = use->scan;
    for (size_t i = 0; i < use->n; i++) {
        if (use->columns[i] < scan->data.n || use->columns[i] == SIZE_MAX) continue;
        size_t p = use->columns[i] - scan->data.n;
        ch_column_wrap(t->arena, duckdb_data_chunk_get_vector(chunk, i), scan->partitions.fields[p].type, rows, true,
                       &t->partitions[p]);
        fill_constant(&t->partitions[p], &t->part->file->values[p], rows);
    }
}

static int read_chunk(scan_thread *t, scan_use *use, duckdb_data_chunk chunk, ch_error *err)
{
    ch_scan *scan = use->scan;
    size_t max = duckdb_vector_size(), rows = 0;
    if (!t->use) {
        t->use = use;
        t->data = CH_NEW_ARRAY(t->arena, ch_column, use->ndata + 1);
        t->partitions = CH_NEW_ARRAY(t->arena, ch_column, scan->partitions.n + 1);
        CH_TRY(scan->format->open(scan, use->ndata, use->data, &t->reader, err));
    }
    while (!rows) {
        if (!t->part) {
            size_t next = atomic_fetch_add(&use->next, 1);
            if (next >= scan->npart) break;
            CH_TRY(scan->format->start(t->reader, &scan->parts[next], err));
            t->part = &scan->parts[next];
        }
        wrap_chunk(t, chunk, max);
        CH_TRY(scan->format->next(t->reader, t->data, max, &rows, err));
        if (!rows) t->part = NULL;
    }
    if (rows) fill_partitions(t, chunk, rows);
    duckdb_data_chunk_set_size(chunk, rows);
    return 0;
}

static void run_scan(duckdb_function_info info, duckdb_data_chunk chunk)
{
    scan_thread *t = duckdb_function_get_local_init_data(info);
    ch_error err;
    if (!t) {
        duckdb_function_set_error(info, "Out of Memory Error: scan");
    } else if (read_chunk(t, duckdb_function_get_init_data(info), chunk, &err)) {
        ch_buf text = {0};
        ch_engine_error_text(&text, &err);
        duckdb_function_set_error(info, ch_buf_text(&text));
        ch_buf_reset(&text);
    }
}

int ch_register_scan(duckdb_connection con, ch_error *err)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(function, "chert_scan");
    duckdb_table_function_add_parameter(function, id);
    duckdb_table_function_set_bind(function, bind_scan);
    duckdb_table_function_set_init(function, init_scan);
    duckdb_table_function_set_local_init(function, init_thread);
    duckdb_table_function_set_function(function, run_scan);
    duckdb_table_function_supports_projection_pushdown(function, true);
    bool ok = duckdb_register_table_function(con, function) == DuckDBSuccess;
    duckdb_destroy_logical_type(&id);
    duckdb_destroy_table_function(&function);
    return ok ? 0 : ch_bug(err, "chert_scan cannot be registered");
}
