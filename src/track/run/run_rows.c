/* run_rows.c: the rows of many runs in a handful of statements. */
#include "track/run/run_rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How many runs a statement is for; a statement of each size is prepared once. Places left over repeat the last. */
static const size_t SIZES[] = {1, 16, 256};
enum { SIZE_COUNT = sizeof SIZES / sizeof *SIZES };

/* $ is the list of the runs' numbers. */
static const char *const SOURCES[CH_ROWS_SOURCES] = {
    [CH_ROWS_METRICS] =
        "SELECT run, key, value, timestamp, step, is_nan FROM latest_metrics WHERE run IN ($) ORDER BY run, key",
    [CH_ROWS_PARAMS] = "SELECT run, key, value FROM params WHERE run IN ($) ORDER BY run, key",
    [CH_ROWS_TAGS] = "SELECT run, key, value FROM tags WHERE run IN ($) ORDER BY run, key",
    [CH_ROWS_DATASETS] =
        "SELECT i.run, i.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile, g.key, g.value "
        "FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset "
        "LEFT JOIN dataset_input_tags g ON g.input = i.id WHERE i.run IN ($) ORDER BY i.run, i.id, g.key",
    [CH_ROWS_MODELS] = ("SELECT run, is_output, model_id, step FROM run_models WHERE run IN ($) "
                        "ORDER BY run, is_output, step, model_id"),
};

static char *statements[CH_ROWS_SOURCES][SIZE_COUNT]; /* made once, for the life of the process */
static pthread_once_t statements_made = PTHREAD_ONCE_INIT;

static void make_statements(void)
{
    for (int s = 0; s < CH_ROWS_SOURCES; s++) {
        for (int size = 0; size < SIZE_COUNT; size++) {
            ch_buf text = {0};
            const char *list = strchr(SOURCES[s], '$');
            ch_buf_add(&text, SOURCES[s], (size_t)(list - SOURCES[s]));
            for (size_t i = 0; i < SIZES[size]; i++) ch_buf_printf(&text, "%s?%zu", i ? ", " : "", i + 1);
            ch_buf_str(&text, list + 1);
            statements[s][size] = text.data;
        }
    }
}

/* Runs by their number, for finding the run of a row: rows come in the order of the numbers, too. */
typedef struct place {
    int64_t id;
    size_t at; /* in the caller's array */
} place;

static int by_id(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Reads one source for up to 256 runs. */
static int read_some(ch_db *db, ch_run_source from, const place *places, size_t count, ch_run_row_fn fn, void *arg,
                     ch_error *err)
{
    int size = count <= SIZES[0] ? 0 : count <= SIZES[1] ? 1 : 2;
    size_t at = 0;
    ch_db_sql(db, statements[from][size]);
    for (size_t i = 0; i < SIZES[size]; i++) ch_db_int(db, (int)i + 1, places[i < count ? i : count - 1].id);
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        int64_t run = ch_db_get_int(db, 0);
        while (at + 1 < count && places[at].id < run) at++;
        fn(arg, db, from, places[at].at);
    }
}

int ch_run_rows(ch_db *db, ch_arena *arena, ch_run_source from, const ch_run *runs, size_t count, ch_run_row_fn fn,
                void *arg, ch_error *err)
{
    const size_t most = SIZES[SIZE_COUNT - 1];
    pthread_once(&statements_made, make_statements);
    place *places = CH_NEW_ARRAY(arena, place, count);
    for (size_t i = 0; i < count; i++) places[i] = (place){runs[i].id, i};
    qsort(places, count, sizeof *places, by_id);
    for (size_t i = 0; i < count; i += most) {
        CH_TRY(read_some(db, from, places + i, count - i < most ? count - i : most, fn, arg, err));
    }
    return 0;
}
