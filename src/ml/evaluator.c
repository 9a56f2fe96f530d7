/* evaluator.c: what the evaluators share. */
#include "ml/evaluator.h"

#include "ml/schema.h"

#include <math.h>
#include <stdlib.h>

int ch_evaluator_schema(const ch_evaluation *call, bool label, ch_error *err)
{
    size_t index;
    if (label) CH_TRY(ch_schema_numeric(&call->schema, ch_param_text(call->params, "labelCol"), &index, err));
    const char *weight = ch_param_column(call->params, "weightCol");
    return weight ? ch_schema_numeric(&call->schema, weight, &index, err) : 0;
}

typedef struct reading {
    size_t n;
    const char *const *names;
    bool weighted;
    int (*take)(void *context, const ch_eval_batch *batch, ch_error *err);
    void *context;
} reading;

static int check_weights(const ch_column *c, size_t rows, ch_error *err)
{
    const double *w = c->data;
    char text[32];
    for (size_t i = 0; i < rows; i++) {
        if (!ch_column_valid(c, i) || w[i] != w[i]) return ch_user_raised(err, "Weights MUST NOT be Null or NaN");
        if (w[i] >= 0 && !isinf(w[i])) continue;
        ch_java_double(w[i], text);
        return ch_user_raised(err, "Weights MUST NOT be Negative or Infinity, but got %s", text);
    }
    return 0;
}

static int take_batch(void *context, const ch_batch *batch, ch_error *err)
{
    const reading *r = context;
    for (size_t c = 0; c < r->n; c++) {
        for (size_t i = 0; batch->cols[c].validity && i < batch->rows; i++) {
            if (ch_column_valid(&batch->cols[c], i)) continue;
            return ch_failf(err, CH_E_SPARK, "scala.MatchError: column %s holds a NULL, which cannot be evaluated",
                            r->names[c]);
        }
    }
    ch_eval_batch b = {.rows = batch->rows, .cols = batch->cols};
    if (r->weighted) {
        CH_TRY(check_weights(&batch->cols[r->n], batch->rows, err));
        b.weight = batch->cols[r->n].data;
    }
    return r->take(r->context, &b, err);
}

int ch_evaluator_scan(const ch_evaluation *call, size_t n, const char *const *names, const ch_type *const *types,
                      int (*take)(void *context, const ch_eval_batch *batch, ch_error *err), void *context,
                      ch_error *err)
{
    const char *weight = ch_param_column(call->params, "weightCol");
    ch_projection p = ch_project(call->arena, call->dataset);
    for (size_t i = 0; i < n; i++) CH_TRY(ch_project_column(&p, names[i], types[i], NULL, err));
    if (weight) CH_TRY(ch_project_column(&p, weight, &ch_type_double, NULL, err));
    reading r = {.n = n, .names = names, .weighted = weight != NULL, .take = take, .context = context};
    return ch_scan(call->session, p.plan, call->task, take_batch, &r, err);
}

enum { BLOCK = 1 << 18 }; /* numbers spread out at a time */

int ch_dense_blocks(const ch_column *column, size_t rows, size_t cols,
                    int (*take)(void *context, const double *block, size_t first, size_t n, ch_error *err),
                    void *context, ch_error *err)
{
    ch_vector_rows v;
    CH_TRY(ch_vector_rows_init(&v, column, rows, cols, NULL, err));
    if (v.m.dense) {
        int status = take(context, v.m.dense, 0, rows, err);
        ch_vector_rows_reset(&v);
        return status;
    }
    size_t step = cols && BLOCK / cols > 1 ? BLOCK / cols : 1;
    double *block = malloc((step * cols + 1) * sizeof *block);
    int status = block ? 0 : ch_no_memory(err);
    for (size_t first = 0; first < rows && !status; first += step) {
        size_t n = rows - first < step ? rows - first : step;
        memset(block, 0, n * cols * sizeof *block);
        for (size_t i = 0; i < n; i++) {
            for (size_t k = v.row_start[first + i]; k < v.row_start[first + i + 1]; k++) {
                block[i * cols + (size_t)v.index[k]] = v.values[k];
            }
        }
        status = take(context, block, first, n, err);
    }
    free(block);
    ch_vector_rows_reset(&v);
    return status;
}
