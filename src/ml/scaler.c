/* scaler.c: what the scalers share. */
#include "ml/scaler.h"

#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/schema.h"
#include "ml/vector.h"

#include <stdlib.h>

ch_scaler *ch_scaler_new(size_t n, ch_error *err)
{
    ch_scaler *s = malloc(sizeof *s + 2 * n * sizeof(double));
    if (!s) {
        ch_no_memory(err);
        return NULL;
    }
    s->n = n;
    s->first = (double *)(s + 1);
    s->second = s->first + n;
    return s;
}

void ch_scaler_free(void *scaler)
{
    free(scaler);
}

size_t ch_scaler_bytes(const void *scaler)
{
    const ch_scaler *s = scaler;
    return sizeof *s + 2 * s->n * sizeof(double);
}

int ch_scaler_schema(const ch_param_map *params, const ch_schema *schema, size_t *index, ch_error *err)
{
    const ch_literal *defined;
    CH_TRY(ch_param_get(params, "inputCol", &defined, err));
    CH_TRY(ch_schema_vector(schema, ch_param_text(params, "inputCol"), index, err));
    return ch_schema_new_output(schema, ch_param_text(params, "outputCol"), err);
}

/* ---- statistics ---- */

typedef struct summing {
    ch_summarizer *summarizer;
    size_t cols;
    double *block; /* rows spread out, at most BLOCK numbers */
} summing;

enum { BLOCK = 1 << 18 };

static int start(summing *s, size_t cols, ch_error *err)
{
    s->cols = cols;
    s->summarizer = ch_summarizer_new(cols);
    s->block = malloc((cols > BLOCK ? cols : BLOCK) * sizeof *s->block);
    return s->summarizer && s->block ? 0 : ch_no_memory(err);
}

static int take_vectors(void *context, const ch_batch *batch, ch_error *err)
{
    summing *s = context;
    const ch_column *column = &batch->cols[0];
    size_t filled = 0, room = 0;
    for (size_t i = 0; i < batch->rows; i++) {
        const double *block;
        size_t run = s->summarizer ? ch_vector_run(column, i, batch->rows, s->cols, &block) : 0;
        if (run > 1) {
            if (filled) ch_summarizer_add(s->summarizer, s->block, NULL, filled);
            filled = 0;
            ch_summarizer_add(s->summarizer, block, NULL, run);
            i += run - 1;
            continue;
        }
        ch_vector v;
        if (!ch_column_valid(column, i)) return ch_failf(err, CH_E_SPARK, "scala.MatchError: null");
        CH_TRY(ch_vector_at(column, i, &v, err));
        if (!s->summarizer) CH_TRY(start(s, v.size, err));
        if (v.size != s->cols) {
            return ch_require_failed(err, "Dimensions mismatch when adding new sample. Expecting %zu but got %zu.",
                                     s->cols, v.size);
        }
        room = s->cols ? BLOCK / s->cols : BLOCK;
        double *row = s->block + filled * s->cols;
        if (v.index) {
            memset(row, 0, s->cols * sizeof *row);
            for (size_t k = 0; k < v.n; k++) row[v.index[k]] = v.value[k];
        } else {
            memcpy(row, v.value, v.n * sizeof *row);
        }
        if (++filled >= room) {
            ch_summarizer_add(s->summarizer, s->block, NULL, filled);
            filled = 0;
        }
    }
    if (filled) ch_summarizer_add(s->summarizer, s->block, NULL, filled);
    return 0;
}

int ch_scaler_summary(const ch_fit *call, const char *column, ch_summary *out, ch_error *err)
{
    ch_projection p = ch_project(call->arena, call->dataset);
    CH_TRY(ch_project_column(&p, column, NULL, NULL, err));
    summing s = {0};
    int status = ch_scan(call->session, p.plan, call->task, take_vectors, &s, err);
    if (!status && !s.summarizer) { /* raised on an executor, so wrapped by Spark */
        status = ch_failf(err, CH_E_SPARK, "requirement failed: Nothing has been added to this summarizer.");
    }
    if (!status) status = ch_summarizer_finish(s.summarizer, out, err);
    ch_summarizer_free(s.summarizer);
    free(s.block);
    return status;
}

/* ---- transform ---- */

void ch_scaler_bind(const ch_bind *call, size_t index, size_t n,
                    int (*eval)(const void *, const ch_batch *, ch_column *, ch_error *), void *state, ch_binding *out)
{
    size_t *input = CH_NEW(call->arena, size_t);
    *input = index;
    ch_field *output = CH_NEW(call->arena, ch_field);
    *output = (ch_field){.name = ch_arena_strdup(call->arena, ch_param_text(call->params, "outputCol")),
                         .type = &ch_type_vector,
                         .nullable = true,
                         .metadata = ch_ml_size_metadata(call->arena, (int64_t)n)};
    ch_bind_native(call, out, &ch_type_vector, eval, state, 1, input, NULL, 1, output);
}

/* ---- persistence ---- */

int ch_scaler_save(ch_saver *saver, const ch_scaler *scaler, const char *first, const char *second, ch_error *err)
{
    const ch_field fields[2] = {{.name = first, .type = &ch_type_vector, .nullable = true},
                                {.name = second, .type = &ch_type_vector, .nullable = true}};
    const ch_literal row[2] = {ch_lit_compressed(saver->arena, scaler->first, scaler->n),
                               ch_lit_compressed(saver->arena, scaler->second, scaler->n)};
    return ch_save_row(saver, "data", fields, row, 2, err);
}

int ch_scaler_load(ch_loader *loader, const char *first, const char *second, void **data, ch_error *err)
{
    const ch_field fields[2] = {{.name = first, .type = &ch_type_vector}, {.name = second, .type = &ch_type_vector}};
    ch_literal *row;
    double *a, *b;
    size_t na, nb;
    CH_TRY(ch_load_row(loader, "data", fields, 2, &row, err));
    CH_TRY(ch_lit_to_vector(loader->arena, &row[0], first, &a, &na, err));
    CH_TRY(ch_lit_to_vector(loader->arena, &row[1], second, &b, &nb, err));
    if (na != nb) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s and %s differ in size", first, second);
    ch_scaler *s = ch_scaler_new(na, err);
    if (!s) return CH_E_MEMORY;
    memcpy(s->first, a, na * sizeof *a);
    memcpy(s->second, b, na * sizeof *b);
    *data = s;
    return 0;
}
