/* scorer.c: chert_scorer, the C API's face of ml/scorer.h: columns of doubles, integers and strings in, doubles out. */
#include "ml/scorer.h"

#include "api/api_internal.h"
#include "ml/vector.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct wanted {
    size_t column;
    long element; /* of a vector, -1: the column itself */
} wanted;

struct chert_scorer {
    ch_scorer *inner;
    size_t ninput, nwanted;
    chert_type *input_types;
    wanted *wanted;
};

/* --- making a scorer --- */

static const ch_type *input_type(chert_type type)
{
    return type == CHERT_DOUBLE ? &ch_type_double : type == CHERT_INT64 ? &ch_type_long : &ch_type_string;
}

static size_t count_stages(const chert_model *model)
{
    size_t n = !model->pipeline;
    for (size_t i = 0; i < model->n; i++) n += count_stages(model->stages[i]);
    return n;
}

/* The transforms of all stages, held by the arena. */
static int list_stages(const chert_model *model, ch_arena *arena, ch_transform **stages, size_t *n, ch_error *err)
{
    for (size_t i = 0; i < model->n; i++) CH_TRY(list_stages(model->stages[i], arena, stages, n, err));
    if (model->pipeline) return 0;
    ch_transform *t;
    CH_TRY(api_model_transform(model, arena, &t, err));
    stages[(*n)++] = ch_transform_hold(arena, t);
    ch_transform_release(t);
    return 0;
}

/* "prediction" or "probability[1]" */
static int find_output(const ch_scorer *inner, const char *name, wanted *out, ch_error *err)
{
    size_t len = strcspn(name, "[");
    char *end;
    out->element = -1;
    if (name[len]) {
        out->element = strtol(name + len + 1, &end, 10);
        if (!isdigit((unsigned char)name[len + 1]) || strcmp(end, "]"))
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "output \"%s\": expected name or name[index]", name);
    }
    out->column = ch_scorer_find(inner, name, len);
    if (out->column == SIZE_MAX)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "output \"%s\": the model gives no such column", name);
    const ch_type *type = ch_scorer_schema(inner).fields[out->column].type;
    bool vector = type->kind == CH_VECTOR, number = ch_scored_is_number(type);
    if (out->element >= 0 ? vector : number) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "output \"%s\": the column is %s", name,
                    vector   ? "a vector: ask for name[index]"
                    : number ? "no vector"
                             : "not numeric");
}

static int build(chert_scorer *s, ch_arena *arena, const chert_model *model, const chert_values *inputs,
                 const char *const *outputs, ch_error *err)
{
    size_t nstage = 0;
    ch_transform **stages = CH_NEW_ARRAY(arena, ch_transform *, count_stages(model));
    ch_schema schema = {.n = s->ninput, .fields = CH_NEW_ARRAY(arena, ch_field, s->ninput)};
    s->input_types = calloc(s->ninput + 1, sizeof *s->input_types);
    s->wanted = calloc(s->nwanted + 1, sizeof *s->wanted);
    if (!s->input_types || !s->wanted) return ch_no_memory(err);
    for (size_t i = 0; i < s->ninput; i++) {
        s->input_types[i] = inputs[i].type;
        schema.fields[i] = (ch_field){.name = inputs[i].name, .type = input_type(inputs[i].type), .nullable = true};
    }
    CH_TRY(list_stages(model, arena, stages, &nstage, err));
    CH_TRY(ch_scorer_new(stages, nstage, &schema, &s->inner, err));
    for (size_t i = 0; i < s->nwanted; i++) CH_TRY(find_output(s->inner, outputs[i], &s->wanted[i], err));
    return 0;
}

int chert_scorer_new(const chert_model *model, const chert_values *inputs, size_t ninput, const char *const *outputs,
                     size_t noutput, chert_scorer **out, chert_error *err)
{
    ch_error inner;
    chert_scorer *s = calloc(1, sizeof *s);
    if (!s) return api_fail(err, CHERT_MEMORY, "out of memory");
    s->ninput = ninput;
    s->nwanted = noutput;
    ch_arena *arena = ch_arena_new();
    int status = build(s, arena, model, inputs, outputs, &inner);
    ch_arena_free(arena);
    if (status) {
        chert_scorer_free(s);
        return api_report(&inner, err);
    }
    *out = s;
    return 0;
}

void chert_scorer_free(chert_scorer *scorer)
{
    if (!scorer) return;
    ch_scorer_free(scorer->inner);
    free(scorer->input_types);
    free(scorer->wanted);
    free(scorer);
}

/* --- scoring --- */

static void fill_input(ch_column *c, chert_type type, const chert_values *in, size_t rows)
{
    if (type == CHERT_STRING) {
        const char *const *texts = in->values;
        for (size_t i = 0; i < rows; i++)
            if (texts[i])
                ch_column_set_string(c, i, texts[i], strlen(texts[i]));
            else
                ch_column_set_null(c, i);
    } else if (rows) {
        memcpy(c->data, in->values, rows * 8);
    }
    for (size_t i = 0; in->valid && i < rows; i++)
        if (!in->valid[i]) ch_column_set_null(c, i);
}

/* Element k of the vector in a row, NaN when it has none. */
static int vector_element(const ch_column *c, size_t row, long k, double *out, ch_error *err)
{
    ch_vector v;
    CH_TRY(ch_vector_at(c, row, &v, err));
    *out = (uint64_t)k < v.size ? 0 : (double)NAN;
    for (size_t i = 0; i < v.n; i++)
        if ((v.index ? (long)v.index[i] : (long)i) == k) *out = v.value[i];
    return 0;
}

/* out has room for the rows that were given: those a stage has left out stay NaN. */
static int give_output(const ch_scoring *s, const wanted *w, size_t rows, double *out, ch_error *err)
{
    const ch_column *c = &s->columns[w->column];
    for (size_t i = 0; i < rows; i++) out[i] = (double)NAN;
    for (size_t i = 0; i < s->rows; i++) {
        double *to = &out[s->source ? s->source[i] : i];
        if (!ch_column_valid(c, i)) continue;
        if (w->element < 0)
            *to = ch_scored_number(c, i);
        else
            CH_TRY(vector_element(c, i, w->element, to, err));
    }
    return 0;
}

static int score(const chert_scorer *s, ch_scoring *scoring, const chert_values *inputs, size_t rows,
                 double *const *results, ch_error *err)
{
    if (rows > UINT32_MAX) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "too many rows at once");
    CH_TRY(ch_scoring_init(scoring, s->inner, rows, err));
    for (size_t i = 0; i < s->ninput; i++) fill_input(&scoring->columns[i], s->input_types[i], &inputs[i], rows);
    CH_TRY(ch_scoring_run(scoring, err));
    for (size_t i = 0; i < s->nwanted; i++) CH_TRY(give_output(scoring, &s->wanted[i], rows, results[i], err));
    return 0;
}

int chert_score(const chert_scorer *s, const chert_values *inputs, size_t rows, double *const *results,
                chert_error *err)
{
    ch_error inner;
    ch_scoring scoring = {0};
    int status = score(s, &scoring, inputs, rows, results, &inner);
    ch_scoring_reset(&scoring);
    return status ? api_report(&inner, err) : 0;
}
