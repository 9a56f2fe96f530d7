/* udf_random.c: Spark's rand, randn and Poisson draws by the row's position, so that rows may be computed in any order
 * and on any thread and still be those of one sequential stream: the generator's state is skipped ahead to the first
 * row of a batch, and stepped on while rows follow each other. */
#include "frame/udf/udf_util.h"

#include "base/random.h"

#include <pthread.h>
#include <stdlib.h>

/* ---- what a thread keeps between batches ---- */

/* Where the stream of one seed stands before every BLOCK-th pair of rows: found once by walking. */
enum { BLOCK = 1024 };

typedef struct walk {
    int64_t seed;
    bool valid;
    size_t n, cap;
    uint64_t *states; /* state before pair i * BLOCK */
} walk;

typedef struct poisson_walk {
    ch_poisson *p;
    double mean;
    int64_t seed, next;
} poisson_walk;

typedef struct kept {
    walk walked;
    poisson_walk drawn;
} kept;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_kept(void *arg)
{
    kept *k = arg;
    free(k->walked.states);
    ch_poisson_free(k->drawn.p);
    free(k);
}

static void make_key(void)
{
    pthread_key_create(&key, free_kept);
}

/* The thread's own, NULL on no memory. */
static kept *thread_kept(void)
{
    pthread_once(&once, make_key);
    kept *k = pthread_getspecific(key);
    if (k) return k;
    k = calloc(1, sizeof *k);
    if (k && pthread_setspecific(key, k) != 0) {
        free(k);
        k = NULL;
    }
    return k;
}

/* ---- rand: two draws of `next` a row ---- */

static void f_rand(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *row = ch_arg(in, 0), *seed = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    double *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_random r = {0};
    int64_t next = -1, current = 0;
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || row[i] < 0) continue;
        if (row[i] != next || seed[i] != current) {
            r = ch_xorshift_random(seed[i]);
            r.state = ch_xorshift_skip(r.state, 2 * (uint64_t)row[i]);
            current = seed[i];
        }
        data[i] = ch_random_double(&r);
        next = row[i] + 1;
    }
}

/* ---- randn: the polar method rejects, so rows do not take equally many draws ---- */

/* The state before a pair of gaussians (rows 2 pair and 2 pair + 1). */
static bool state_before(walk *w, int64_t seed, int64_t pair, uint64_t *state)
{
    if (!w->valid || w->seed != seed) {
        w->valid = true;
        w->seed = seed;
        w->n = 0;
    }
    size_t block = (size_t)pair / BLOCK;
    if (w->cap <= block) {
        size_t cap = w->cap ? w->cap : 64;
        while (cap <= block) cap *= 2;
        uint64_t *grown = realloc(w->states, cap * sizeof *grown);
        if (!grown) return false;
        w->states = grown;
        w->cap = cap;
    }
    if (w->n == 0) w->states[w->n++] = ch_xorshift_random(seed).state;
    while (w->n <= block) {
        ch_random r = {.state = w->states[w->n - 1], .xorshift = true};
        for (int i = 0; i < 2 * BLOCK; i++) ch_random_gaussian(&r);
        w->states[w->n++] = r.state;
    }
    ch_random r = {.state = w->states[block], .xorshift = true};
    for (int64_t i = (int64_t)block * BLOCK; i < pair; i++) {
        ch_random_gaussian(&r);
        ch_random_gaussian(&r);
    }
    *state = r.state;
    return true;
}

static void f_randn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    kept *k = thread_kept();
    if (!k) {
        duckdb_scalar_function_set_error(info, "out of memory");
        return;
    }
    const int64_t *row = ch_arg(in, 0), *seed = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    double *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_random r = {0};
    int64_t next = -1, current = 0;
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || row[i] < 0) continue;
        if (row[i] != next || seed[i] != current) {
            r = (ch_random){.xorshift = true};
            if (!state_before(&k->walked, seed[i], row[i] / 2, &r.state)) {
                duckdb_scalar_function_set_error(info, "out of memory");
                return;
            }
            if (row[i] % 2) ch_random_gaussian(&r);
            current = seed[i];
        }
        data[i] = ch_random_gaussian(&r);
        next = row[i] + 1;
    }
}

/* ---- Poisson: sequential, so each batch walks from where the thread last was, or from the start ---- */

static void f_poisson(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    kept *k = thread_kept();
    if (!k) {
        duckdb_scalar_function_set_error(info, "out of memory");
        return;
    }
    poisson_walk *drawn = &k->drawn;
    const int64_t *row = ch_arg(in, 0), *seed = ch_arg(in, 2);
    const double *mean = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int32_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || row[i] < 0) continue;
        if (!(mean[i] > 0)) {
            data[i] = 0;
            continue;
        }
        if (!drawn->p || drawn->mean != mean[i] || drawn->seed != seed[i] || drawn->next > row[i]) {
            ch_poisson_free(drawn->p);
            *drawn = (poisson_walk){ch_poisson_new(mean[i], seed[i]), mean[i], seed[i], 0};
            if (!drawn->p) {
                duckdb_scalar_function_set_error(info, "out of memory");
                return;
            }
        }
        for (; drawn->next < row[i]; drawn->next++) ch_poisson_next(drawn->p);
        data[i] = ch_poisson_next(drawn->p);
        drawn->next++;
    }
}

int ch_register_random(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_rand", .types = "ll>d", .fn = f_rand},
        {.name = "ch_randn", .types = "ll>d", .fn = f_randn},
        {.name = "ch_poisson", .types = "ldl>i", .fn = f_poisson},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
