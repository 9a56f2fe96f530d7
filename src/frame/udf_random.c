/* udf_random.c: Spark's rand, randn and Poisson draws by the row's position, so that rows may be computed in any order
 * and on any thread and still be those of one sequential stream: the generator's state is skipped ahead to the first
 * row of a batch, and stepped on while rows follow each other. */
#include "frame/udf_util.h"

#include "base/random.h"

#include <stdlib.h>

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

/* Where the stream of one seed stands before every BLOCK-th pair of rows: found once by walking, kept by the thread. */
enum { BLOCK = 1024 };

typedef struct walk {
    int64_t seed;
    bool valid;
    size_t n, cap;
    uint64_t *states; /* state before pair i * BLOCK */
} walk;

static __thread walk walked;

/* The state before a pair of gaussians (rows 2 pair and 2 pair + 1). */
static bool state_before(int64_t seed, int64_t pair, uint64_t *state)
{
    if (!walked.valid || walked.seed != seed) {
        walked.valid = true;
        walked.seed = seed;
        walked.n = 0;
    }
    size_t block = (size_t)pair / BLOCK;
    if (walked.cap <= block) {
        size_t cap = walked.cap ? walked.cap : 64;
        while (cap <= block) cap *= 2;
        uint64_t *grown = realloc(walked.states, cap * sizeof *grown);
        if (!grown) return false;
        walked.states = grown;
        walked.cap = cap;
    }
    if (walked.n == 0) walked.states[walked.n++] = ch_xorshift_random(seed).state;
    while (walked.n <= block) {
        ch_random r = {.state = walked.states[walked.n - 1], .xorshift = true};
        for (int i = 0; i < 2 * BLOCK; i++) ch_random_gaussian(&r);
        walked.states[walked.n++] = r.state;
    }
    ch_random r = {.state = walked.states[block], .xorshift = true};
    for (int64_t i = (int64_t)block * BLOCK; i < pair; i++) {
        ch_random_gaussian(&r);
        ch_random_gaussian(&r);
    }
    *state = r.state;
    return true;
}

static void f_randn(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
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
            if (!state_before(seed[i], row[i] / 2, &r.state)) {
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

typedef struct poisson_walk {
    ch_poisson *p;
    double mean;
    int64_t seed, next;
} poisson_walk;

static __thread poisson_walk drawn;

static void f_poisson(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
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
        if (!drawn.p || drawn.mean != mean[i] || drawn.seed != seed[i] || drawn.next > row[i]) {
            ch_poisson_free(drawn.p);
            drawn = (poisson_walk){ch_poisson_new(mean[i], seed[i]), mean[i], seed[i], 0};
            if (!drawn.p) {
                duckdb_scalar_function_set_error(info, "out of memory");
                return;
            }
        }
        for (; drawn.next < row[i]; drawn.next++) ch_poisson_next(drawn.p);
        data[i] = ch_poisson_next(drawn.p);
        drawn.next++;
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
