/* scorer.c: scoring rows in memory, without SQL: the stages' own batch functions, one after the other.
 *
 * Making a scorer binds every stage of the pipeline to the schema so far, as the analyzer does for a query; what is
 * left is a list of steps (function, argument columns, result columns). Scoring fills the input columns and runs the
 * steps.
 */
#include "api/api_internal.h"
#include "frame/io.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct step {
    ch_native *fn;
    size_t ninput;
    size_t *input;        /* slots */
    const ch_type **cast; /* per argument: type to convert to, or NULL */
    bool keep_flag;
    size_t noutput, output; /* slots output .. output + noutput - 1 */
} step;

typedef struct wanted {
    size_t slot;
    long element; /* of a vector, -1: the column itself */
} wanted;

struct chert_scorer {
    ch_arena *arena; /* schema, steps; holds the functions */
    size_t nslot, ninput, nstep, nwanted, cap;
    ch_field *slots;
    chert_type *input_types;
    step *steps;
    wanted *wanted;
};

/* --- making a scorer --- */

static const ch_type *input_type(chert_type type)
{
    return type == CHERT_DOUBLE ? &ch_type_double : type == CHERT_INT64 ? &ch_type_long : &ch_type_string;
}

static void add_slot(chert_scorer *s, ch_field field)
{
    if (s->nslot == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 32;
        s->slots = ch_arena_grow(s->arena, s->slots, sizeof *s->slots, s->nslot, s->cap);
    }
    s->slots[s->nslot++] = field;
}

static bool can_cast(const ch_type *from, const ch_type *to)
{
    if (ch_type_equal(from, to, false)) return true;
    bool number = from->kind == CH_LONG || from->kind == CH_INT || from->kind == CH_DOUBLE;
    return number && (to->kind == CH_DOUBLE || to->kind == CH_STRING);
}

static int add_step(chert_scorer *s, const char *name, const ch_binding *b, ch_error *err)
{
    if (b->rewrite)
        return ch_failf(err, CH_E_UNSUPPORTED, "%s works on whole tables and cannot score rows in memory", name);
    if (!b->fn) return 0;
    step *st = &s->steps[s->nstep++];
    st->fn = ch_native_hold(s->arena, b->fn);
    st->ninput = b->ninput;
    st->input = ch_arena_dup(s->arena, b->input, b->ninput * sizeof *b->input);
    st->cast = CH_NEW_ARRAY(s->arena, const ch_type *, b->ninput);
    st->keep_flag = b->keep_flag;
    for (size_t i = 0; i < b->ninput; i++) {
        const ch_type *from = s->slots[b->input[i]].type, *to = b->input_type ? b->input_type[i] : NULL;
        if (!to || ch_type_equal(from, to, false)) continue;
        if (!can_cast(from, to))
            return ch_failf(err, CH_E_UNSUPPORTED, "%s: column %s must be given in another type", name,
                            s->slots[b->input[i]].name);
        st->cast[i] = to;
    }
    st->output = s->nslot;
    st->noutput = b->noutput;
    for (size_t i = 0; i < b->noutput; i++) add_slot(s, b->output[i]);
    return 0;
}

static int add_model(chert_scorer *s, const chert_model *model, ch_error *err)
{
    for (size_t i = 0; i < model->n; i++) CH_TRY(add_model(s, model->stages[i], err));
    if (model->pipeline) return 0;
    ch_transform *t;
    ch_binding binding = {0};
    ch_schema schema = {.n = s->nslot, .fields = s->slots};
    CH_TRY(api_model_transform(model, s->arena, &t, err));
    t = ch_transform_hold(s->arena, t);
    ch_transform_release(t);
    CH_TRY(t->bind(t, s->arena, &schema, NULL, &binding, err));
    return add_step(s, t->name, &binding, err);
}

static size_t count_stages(const chert_model *model)
{
    size_t n = !model->pipeline;
    for (size_t i = 0; i < model->n; i++) n += count_stages(model->stages[i]);
    return n;
}

/* "prediction" or "probability[1]" */
static int find_output(const chert_scorer *s, const char *name, wanted *out, ch_error *err)
{
    size_t len = strcspn(name, "[");
    char *end;
    out->element = -1;
    if (name[len]) {
        out->element = strtol(name + len + 1, &end, 10);
        if (!isdigit((unsigned char)name[len + 1]) || strcmp(end, "]"))
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "output \"%s\": expected name or name[index]", name);
    }
    for (size_t i = s->nslot; i-- > 0;) {
        if (strlen(s->slots[i].name) != len || strncasecmp(s->slots[i].name, name, len)) continue;
        const ch_type *t = s->slots[i].type;
        bool vector = t->kind == CH_VECTOR,
             number = t->kind == CH_DOUBLE || t->kind == CH_LONG || t->kind == CH_INT || t->kind == CH_FLOAT;
        if (out->element >= 0 ? !vector : !number)
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "output \"%s\": the column is %s", name,
                            vector   ? "a vector: ask for name[index]"
                            : number ? "no vector"
                                     : "not numeric");
        out->slot = i;
        return 0;
    }
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "output \"%s\": the model gives no such column", name);
}

static int build(chert_scorer *s, const chert_model *model, const chert_values *inputs, size_t ninput,
                 const char *const *outputs, size_t noutput, ch_error *err)
{
    s->steps = CH_NEW_ARRAY(s->arena, step, count_stages(model));
    s->ninput = ninput;
    s->input_types = CH_NEW_ARRAY(s->arena, chert_type, ninput);
    for (size_t i = 0; i < ninput; i++) {
        s->input_types[i] = inputs[i].type;
        add_slot(s, (ch_field){ch_arena_strdup(s->arena, inputs[i].name), input_type(inputs[i].type), true, NULL});
    }
    CH_TRY(add_model(s, model, err));
    s->nwanted = noutput;
    s->wanted = CH_NEW_ARRAY(s->arena, wanted, noutput);
    for (size_t i = 0; i < noutput; i++) CH_TRY(find_output(s, outputs[i], &s->wanted[i], err));
    return 0;
}

int chert_scorer_new(const chert_model *model, const chert_values *inputs, size_t ninput, const char *const *outputs,
                     size_t noutput, chert_scorer **out, chert_error *err)
{
    ch_error inner;
    chert_scorer *s = calloc(1, sizeof *s);
    if (!s) return api_fail(err, CHERT_MEMORY, "out of memory");
    s->arena = ch_arena_new();
    if (build(s, model, inputs, ninput, outputs, noutput, &inner)) {
        chert_scorer_free(s);
        return api_report(&inner, err);
    }
    *out = s;
    return 0;
}

void chert_scorer_free(chert_scorer *scorer)
{
    if (!scorer) return;
    ch_arena_free(scorer->arena);
    free(scorer);
}

/* --- scoring --- */

/* The columns of one call: one for each slot, and the temporaries that casts made. */
typedef struct scratch {
    ch_column *slots; /* views; owned ones are in `own` */
    ch_column **own;  /* columns to free */
    size_t nown, capown;
    uint8_t *dropped; /* rows a stage left out */
} scratch;

static ch_column *make_column(scratch *x, const ch_type *type, size_t rows, ch_error *err)
{
    ch_column *c = ch_column_new(type, rows);
    if (!c || x->nown == x->capown) {
        ch_column_free(c);
        ch_no_memory(err);
        return NULL;
    }
    c->rows = rows;
    x->own[x->nown++] = c;
    return c;
}

static int fill_input(scratch *x, size_t slot, chert_type type, const chert_values *in, size_t rows, ch_error *err)
{
    ch_column *c = make_column(x, input_type(type), rows, err);
    if (!c) return CH_E_MEMORY;
    if (type == CHERT_STRING) {
        const char *const *texts = in->values;
        for (size_t i = 0; i < rows; i++)
            if (texts[i])
                ch_column_set_string(c, i, texts[i], strlen(texts[i]));
            else
                ch_column_set_null(c, i);
    } else {
        memcpy(c->data, in->values, rows * 8);
    }
    for (size_t i = 0; in->valid && i < rows; i++)
        if (!in->valid[i]) ch_column_set_null(c, i);
    x->slots[slot] = *c;
    return 0;
}

static double number_at(const ch_column *c, size_t row)
{
    switch (c->type->kind) {
    case CH_DOUBLE: return ((const double *)c->data)[row];
    case CH_FLOAT: return ((const float *)c->data)[row];
    case CH_INT: return ((const int32_t *)c->data)[row];
    default: return (double)((const int64_t *)c->data)[row];
    }
}

static int cast_column(scratch *x, const ch_column *from, const ch_type *to, ch_column *out, ch_error *err)
{
    ch_column *c = make_column(x, to, from->rows, err);
    if (!c) return CH_E_MEMORY;
    ch_buf text = {0};
    for (size_t i = 0; i < from->rows; i++) {
        if (!ch_column_valid(from, i)) {
            ch_column_set_null(c, i);
        } else if (to->kind == CH_DOUBLE) {
            ((double *)c->data)[i] = number_at(from, i);
        } else {
            ch_buf_clear(&text);
            ch_value_text(&text, from, i, CH_TEXT_CAST, NULL);
            ch_column_set_string(c, i, ch_buf_text(&text), text.len);
        }
    }
    ch_buf_reset(&text);
    *out = *c;
    return 0;
}

static int run_step(scratch *x, const step *st, size_t rows, ch_error *err)
{
    ch_column *args = calloc(st->ninput + 1, sizeof *args);
    if (!args) return ch_no_memory(err);
    int status = 0;
    for (size_t i = 0; !status && i < st->ninput; i++) {
        args[i] = x->slots[st->input[i]];
        if (st->cast[i]) status = cast_column(x, &x->slots[st->input[i]], st->cast[i], &args[i], err);
    }
    ch_column *result = status ? NULL : make_column(x, st->fn->out_type, rows, err);
    ch_batch batch = {.rows = rows, .ncol = st->ninput, .cols = args};
    if (!status && !result) status = CH_E_MEMORY;
    if (!status) status = st->fn->eval(st->fn->state, &batch, result, err);
    free(args);
    if (status) return status;
    if (st->noutput == 1 && !st->keep_flag) {
        x->slots[st->output] = *result;
        return 0;
    }
    if (result->nchild < st->noutput + st->keep_flag)
        return ch_bug(err, "%s gave %zu fields", st->fn->name, result->nchild);
    for (size_t i = 0; st->keep_flag && i < rows; i++)
        x->dropped[i] |= !ch_column_valid(&result->child[0], i) || !((const uint8_t *)result->child[0].data)[i];
    for (size_t i = 0; i < st->noutput; i++) x->slots[st->output + i] = result->child[i + st->keep_flag];
    return 0;
}

/* Element k of the vector in a row, NaN when it has none. */
static double vector_element(const ch_column *c, size_t row, long k)
{
    const ch_column *size = &c->child[1], *indices = &c->child[2], *values = &c->child[3];
    const ch_list *v = &((const ch_list *)values->data)[row];
    const double *numbers = (const double *)values->child[0].data + v->offset;
    if (((const int8_t *)c->child[0].data)[row] == 1) return (uint64_t)k < v->length ? numbers[k] : (double)NAN;
    if (k >= ((const int32_t *)size->data)[row]) return (double)NAN;
    const int32_t *at = (const int32_t *)indices->child[0].data + ((const ch_list *)indices->data)[row].offset;
    for (uint64_t i = 0; i < v->length; i++)
        if (at[i] == k) return numbers[i];
    return 0;
}

static void give_output(const scratch *x, const wanted *w, size_t rows, double *out)
{
    const ch_column *c = &x->slots[w->slot];
    for (size_t i = 0; i < rows; i++) {
        if (x->dropped[i] || !ch_column_valid(c, i))
            out[i] = (double)NAN;
        else
            out[i] = w->element < 0 ? number_at(c, i) : vector_element(c, i, w->element);
    }
}

static int score(const chert_scorer *s, scratch *x, const chert_values *inputs, size_t rows, double *const *results,
                 ch_error *err)
{
    for (size_t i = 0; i < s->ninput; i++) CH_TRY(fill_input(x, i, s->input_types[i], &inputs[i], rows, err));
    for (size_t i = 0; i < s->nstep; i++) CH_TRY(run_step(x, &s->steps[i], rows, err));
    for (size_t i = 0; i < s->nwanted; i++) give_output(x, &s->wanted[i], rows, results[i]);
    return 0;
}

int chert_score(const chert_scorer *s, const chert_values *inputs, size_t rows, double *const *results,
                chert_error *err)
{
    ch_error inner;
    scratch x = {0};
    x.capown = s->ninput;
    for (size_t i = 0; i < s->nstep; i++) x.capown += s->steps[i].ninput + 1;
    x.slots = calloc(s->nslot + 1, sizeof *x.slots);
    x.own = calloc(x.capown + 1, sizeof *x.own);
    x.dropped = calloc(rows + 1, 1);
    int status = x.slots && x.own && x.dropped ? score(s, &x, inputs, rows, results, &inner) : ch_no_memory(&inner);
    for (size_t i = 0; i < x.nown; i++) ch_column_free(x.own[i]);
    free(x.own);
    free(x.slots);
    free(x.dropped);
    return status ? api_report(&inner, err) : 0;
}
