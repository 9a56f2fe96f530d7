/* scorer.c: pipelines as lists of steps over columns in memory. */
#include "ml/scorer.h"

#include "frame/io/io.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct step {
    ch_native *fn;
    size_t ninput;
    size_t *input;        /* columns */
    const ch_type **cast; /* per argument: type to convert to, or NULL */
    bool keep_flag;
    size_t noutput, output; /* columns output .. output + noutput - 1 */
} step;

struct ch_scorer {
    ch_arena *arena; /* of all below; holds the functions */
    size_t ninput, nstep, ncolumn, room;
    ch_field *columns;
    step *steps;
    size_t most_own; /* columns that one run makes */
};

/* ---- making a scorer ---- */

static void add_column(ch_scorer *s, const ch_field *field)
{
    if (s->ncolumn == s->room) {
        s->room = s->room ? s->room * 2 : 32;
        s->columns = ch_arena_grow(s->arena, s->columns, sizeof *s->columns, s->ncolumn, s->room);
    }
    s->columns[s->ncolumn++] = (ch_field){.name = ch_arena_strdup(s->arena, field->name),
                                          .type = ch_type_copy(s->arena, field->type),
                                          .nullable = field->nullable,
                                          .metadata = ch_arena_strdup(s->arena, field->metadata)};
}

bool ch_scored_is_number(const ch_type *type)
{
    return type->kind == CH_BOOLEAN || (ch_type_is_numeric(type) && type->kind != CH_DECIMAL);
}

static int choose_cast(ch_scorer *s, const char *name, const ch_field *from, const ch_type *to, const ch_type **out,
                       ch_error *err)
{
    if (!to || ch_type_equal(from->type, to, false)) return 0;
    if (!ch_scored_is_number(from->type) || (to->kind != CH_DOUBLE && to->kind != CH_STRING))
        return ch_failf(err, CH_E_UNSUPPORTED, "%s: column %s must be given in another type", name, from->name);
    *out = ch_type_copy(s->arena, to);
    return 0;
}

/* An output that takes the place of an older column of that name: the older one is not found any more. */
static void hide(ch_scorer *s, const char *name)
{
    size_t old = ch_scorer_find(s, name, strlen(name));
    if (old != SIZE_MAX) s->columns[old].name = "";
}

static int add_step(ch_scorer *s, const char *name, const ch_binding *b, ch_error *err)
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
    for (size_t i = 0; b->input_type && i < b->ninput; i++)
        CH_TRY(choose_cast(s, name, &s->columns[b->input[i]], b->input_type[i], &st->cast[i], err));
    st->output = s->ncolumn;
    st->noutput = b->noutput;
    for (size_t i = 0; b->replace && i < b->noutput; i++) hide(s, b->output[i].name);
    for (size_t i = 0; i < b->noutput; i++) add_column(s, &b->output[i]);
    s->most_own += 1 + b->ninput;
    return 0;
}

static int build(ch_scorer *s, ch_transform *const *stages, size_t nstage, const ch_schema *inputs, ch_arena *scratch,
                 ch_error *err)
{
    s->steps = CH_NEW_ARRAY(s->arena, step, nstage);
    s->ninput = s->most_own = inputs->n;
    for (size_t i = 0; i < inputs->n; i++) add_column(s, &inputs->fields[i]);
    for (size_t i = 0; i < nstage; i++) {
        ch_binding binding = {0};
        ch_schema schema = ch_scorer_schema(s);
        CH_TRY(stages[i]->bind(stages[i], scratch, &schema, NULL, &binding, err));
        CH_TRY(add_step(s, stages[i]->name, &binding, err));
    }
    return 0;
}

int ch_scorer_new(ch_transform *const *stages, size_t nstage, const ch_schema *inputs, ch_scorer **out, ch_error *err)
{
    ch_arena *arena = ch_arena_new(), *scratch = ch_arena_new();
    ch_scorer *s = CH_NEW(arena, ch_scorer);
    s->arena = arena;
    int status = build(s, stages, nstage, inputs, scratch, err);
    ch_arena_free(scratch);
    if (status)
        ch_scorer_free(s);
    else
        *out = s;
    return status;
}

void ch_scorer_free(ch_scorer *scorer)
{
    if (scorer) ch_arena_free(scorer->arena);
}

ch_schema ch_scorer_schema(const ch_scorer *scorer)
{
    return (ch_schema){.n = scorer->ncolumn, .fields = scorer->columns};
}

size_t ch_scorer_find(const ch_scorer *scorer, const char *name, size_t len)
{
    for (size_t i = scorer->ncolumn; i-- > 0;) {
        const char *known = scorer->columns[i].name;
        if (strlen(known) == len && strncasecmp(known, name, len) == 0) return i;
    }
    return SIZE_MAX;
}

/* ---- a batch ---- */

static ch_column *make_column(ch_scoring *s, const ch_type *type, size_t rows, ch_error *err)
{
    ch_column *c = ch_column_new(type, rows);
    if (!c) {
        ch_no_memory(err);
        return NULL;
    }
    s->own[s->nown++] = c;
    return c;
}

int ch_scoring_init(ch_scoring *s, const ch_scorer *scorer, size_t rows, ch_error *err)
{
    *s = (ch_scoring){.scorer = scorer, .rows = rows};
    s->columns = calloc(scorer->ncolumn + 1, sizeof *s->columns);
    s->own = calloc(scorer->most_own + 1, sizeof *s->own);
    if (!s->columns || !s->own) return ch_no_memory(err);
    for (size_t i = 0; i < scorer->ninput; i++) {
        const ch_column *c = make_column(s, scorer->columns[i].type, rows, err);
        if (!c) return CH_E_MEMORY;
        s->columns[i] = *c;
    }
    return 0;
}

/* Columns in s->columns are views of owned ones, but a mask of NULLs may have been made, or a list have grown, through
 * the view: so what the views of the inputs hold is what has to be freed. */
static void take_back_inputs(ch_scoring *s)
{
    for (size_t i = 0; i < s->scorer->ninput && i < s->nown; i++) *s->own[i] = s->columns[i];
}

void ch_scoring_reset(ch_scoring *s)
{
    if (s->columns && s->own) take_back_inputs(s);
    for (size_t i = 0; i < s->nown; i++) ch_column_free(s->own[i]);
    free(s->own);
    free(s->columns);
    free(s->source);
    *s = (ch_scoring){0};
}

double ch_scored_number(const ch_column *c, size_t row)
{
    switch (c->type->kind) {
    case CH_DOUBLE: return ((const double *)c->data)[row];
    case CH_FLOAT: return ((const float *)c->data)[row];
    case CH_BOOLEAN:
    case CH_BYTE: return ((const int8_t *)c->data)[row];
    case CH_SHORT: return ((const int16_t *)c->data)[row];
    case CH_INT: return ((const int32_t *)c->data)[row];
    default: return (double)((const int64_t *)c->data)[row];
    }
}

static int cast_column(ch_scoring *s, const ch_column *from, const ch_type *to, ch_column *out, ch_error *err)
{
    ch_column *c = make_column(s, to, s->rows, err);
    if (!c) return CH_E_MEMORY;
    ch_buf text = {0};
    for (size_t i = 0; i < s->rows; i++) {
        if (!ch_column_valid(from, i)) {
            ch_column_set_null(c, i);
        } else if (to->kind == CH_DOUBLE) {
            ((double *)c->data)[i] = ch_scored_number(from, i);
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

/* Leaves out the rows of the first `ncolumn` columns whose flag is not true. */
static int drop_rows(ch_scoring *s, size_t ncolumn, const ch_column *flag, ch_error *err)
{
    size_t rows = s->rows, kept = 0;
    uint8_t *keep = malloc(rows + 1);
    if (!keep) return ch_no_memory(err);
    for (size_t i = 0; i < rows; i++) {
        keep[i] = ch_column_valid(flag, i) && ((const uint8_t *)flag->data)[i];
        kept += keep[i];
    }
    bool numbered = s->source != NULL;
    if (kept < rows && !numbered) s->source = malloc(rows * sizeof *s->source);
    int status = kept < rows && !s->source ? ch_no_memory(err) : 0;
    if (kept < rows && !status) {
        for (size_t i = 0, to = 0; i < rows; i++)
            if (keep[i]) s->source[to++] = numbered ? s->source[i] : (uint32_t)i;
        for (size_t i = 0; i < ncolumn; i++) ch_column_keep(&s->columns[i], keep);
        s->rows = kept;
    }
    free(keep);
    return status;
}

static int give_outputs(ch_scoring *s, const step *st, const ch_column *result, ch_error *err)
{
    size_t end = st->output + st->noutput;
    if (st->noutput == 1 && !st->keep_flag) {
        s->columns[st->output] = *result;
        return 0;
    }
    if (result->nchild < st->noutput + st->keep_flag)
        return ch_bug(err, "%s gave %zu fields", st->fn->name, result->nchild);
    for (size_t i = 0; i < st->noutput; i++) s->columns[st->output + i] = result->child[i + st->keep_flag];
    return st->keep_flag ? drop_rows(s, end, &result->child[0], err) : 0;
}

static int run_step(ch_scoring *s, const step *st, ch_error *err)
{
    ch_column *args = calloc(st->ninput + 1, sizeof *args);
    if (!args) return ch_no_memory(err);
    int status = 0;
    for (size_t i = 0; !status && i < st->ninput; i++) {
        args[i] = s->columns[st->input[i]];
        if (st->cast[i]) status = cast_column(s, &s->columns[st->input[i]], st->cast[i], &args[i], err);
    }
    ch_column *result = status ? NULL : make_column(s, st->fn->out_type, s->rows, err);
    ch_batch batch = {.rows = s->rows, .ncol = st->ninput, .cols = args};
    if (!status && !result) status = CH_E_MEMORY;
    if (!status) status = st->fn->eval(st->fn->state, &batch, result, err);
    free(args);
    return status ? status : give_outputs(s, st, result, err);
}

int ch_scoring_run(ch_scoring *s, ch_error *err)
{
    const ch_scorer *scorer = s->scorer;
    for (size_t i = 0; i < scorer->nstep; i++) CH_TRY(run_step(s, &scorer->steps[i], err));
    return 0;
}
