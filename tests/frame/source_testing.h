/* source_testing.h: reading a SOURCE relation in a test: its schema as DDL and its rows as text, one a line. */
#ifndef CHERT_TESTS_SOURCE_TESTING_H
#define CHERT_TESTS_SOURCE_TESTING_H

#include "frame/engine/engine.h"
#include "frame/io/io.h"
#include "frame/io/source_internal.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_engine *test_engine;
static ch_session *test_session;
static ch_arena *test_arena;
static int test_next_id;
static ch_error test_err;

__attribute__((unused)) static ch_scope test_scope(void)
{
    return (ch_scope){.session = test_session, .arena = test_arena, .next_id = &test_next_id};
}

static int open_session(void **state)
{
    (void)state;
    ch_engine_options options = {.threads = 2, .memory_limit = "1GB"};
    if (ch_engine_open(&options, &test_engine, &test_err)) fail_msg("%s", test_err.message);
    if (ch_session_open(test_engine, &test_session, &test_err)) fail_msg("%s", test_err.message);
    if (ch_config_set(test_session, "spark.sql.session.timeZone", "UTC", &test_err)) fail_msg("%s", test_err.message);
    test_arena = ch_arena_new();
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    ch_arena_free(test_arena);
    ch_session_release(test_session);
    ch_engine_close(test_engine);
    return 0;
}

/* The SELECT of a source, with `what` around its columns (NULL: all of them). */
static char *source_sql(const ch_rel *rel)
{
    ch_buf sql = {0};
    ch_buf_str(&sql, "SELECT ");
    for (size_t i = 0; i < rel->ncol; i++) ch_buf_printf(&sql, "%s%s", i ? ", " : "", rel->u.source.exprs[i]);
    if (!rel->ncol) ch_buf_str(&sql, "1");
    ch_buf_printf(&sql, " FROM %s", rel->u.source.from);
    char *text = ch_arena_strdup(test_arena, ch_buf_text(&sql));
    ch_buf_reset(&sql);
    return text;
}

/* Adds the rows of a chunk: values in show style with '|' between them, a line a row. */
static void add_chunk(ch_buf *out, duckdb_data_chunk chunk, const ch_rel *rel)
{
    size_t n = duckdb_data_chunk_get_size(chunk);
    ch_column *cols = CH_NEW_ARRAY(test_arena, ch_column, rel->ncol);
    for (size_t i = 0; i < rel->ncol; i++) {
        ch_column_wrap(test_arena, duckdb_data_chunk_get_vector(chunk, i), rel->cols[i].type, n, false, &cols[i]);
    }
    for (size_t row = 0; row < n; row++) {
        for (size_t i = 0; i < rel->ncol; i++) {
            if (i) ch_buf_char(out, '|');
            ch_value_text(out, &cols[i], row, CH_TEXT_SHOW, ch_session_zone(test_session));
        }
        ch_buf_char(out, '\n');
    }
}

/* All rows as text, in the arena; the error's message if running failed. */
__attribute__((unused)) static const char *source_rows(const ch_rel *rel)
{
    ch_buf out = {0};
    duckdb_connection con;
    duckdb_result result;
    if (ch_engine_connect(test_session, &con, &test_err)) fail_msg("%s", test_err.message);
    if (duckdb_query(con, source_sql(rel), &result) != DuckDBSuccess) {
        ch_engine_error(duckdb_result_error(&result), &test_err);
        ch_buf_printf(&out, "error: %s", test_err.message);
    } else {
        duckdb_data_chunk chunk;
        while ((chunk = duckdb_fetch_chunk(result))) {
            add_chunk(&out, chunk, rel);
            duckdb_destroy_data_chunk(&chunk);
        }
    }
    duckdb_destroy_result(&result);
    ch_engine_disconnect(test_session, &con);
    char *text = ch_arena_strdup(test_arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return text;
}

__attribute__((unused)) static const char *source_ddl(const ch_rel *rel)
{
    ch_field *fields = CH_NEW_ARRAY(test_arena, ch_field, rel->ncol);
    for (size_t i = 0; i < rel->ncol; i++) {
        const ch_attr *a = &rel->cols[i];
        fields[i] = (ch_field){.name = a->name, .type = a->type, .nullable = a->nullable, .metadata = a->metadata};
    }
    ch_schema schema = {.n = rel->ncol, .fields = fields};
    ch_buf out = {0};
    ch_schema_ddl(&out, &schema);
    char *text = ch_arena_strdup(test_arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return text;
}

/* A file of tests/frame/data. */
__attribute__((unused)) static void *load_data(const char *name, size_t *size)
{
    char path[500];
    snprintf(path, sizeof path, "%s/frame/data/%s", TESTS_DIR, name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("cannot read %s", path);
    char *bytes = ch_arena_alloc(test_arena, 1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

#endif
