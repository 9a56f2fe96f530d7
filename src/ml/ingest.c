/* ingest.c: pouring a dataset into a matrix. */
#include "ml/ingest.h"

#include "ml/metadata.h"
#include "ml/schema.h"
#include "ml/vector.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* A matrix this narrow is always dense; a wider one is compressed when less than this share is not zero. */
enum { NARROW = 64 };
static const double SPARSE_SHARE = 0.25;

typedef struct part {
    size_t rows, stored; /* stored: values that are not zero */
    ch_growing dense;    /* (rows, cols); unused once sparse */
    ch_growing row_start, index, value;
    ch_growing label, weight;
} part;

struct ch_dataset {
    size_t cols;
    bool known;  /* cols is */
    bool sparse; /* of both parts */
    bool has_label, has_weight;
    part part[2];
};

void ch_dataset_free(ch_dataset *d)
{
    if (!d) return;
    for (size_t i = 0; i < 2; i++) {
        part *p = &d->part[i];
        ch_growing *all[] = {&p->dense, &p->row_start, &p->index, &p->value, &p->label, &p->weight};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) ch_growing_free(all[k]);
    }
    free(d);
}

ch_matrix ch_dataset_matrix(const ch_dataset *d, int which)
{
    static const double nothing;
    static const size_t no_rows[1];
    const part *p = &d->part[which];
    ch_matrix m = {.rows = p->rows, .cols = d->cols};
    if (d->sparse) {
        m.row_start = p->rows ? p->row_start.base : no_rows;
        m.index = p->index.base;
        m.value = p->value.base ? p->value.base : &nothing;
    } else {
        m.dense = p->dense.base ? p->dense.base : &nothing;
    }
    if (d->has_label) m.label = p->label.base ? p->label.base : &nothing;
    if (d->has_weight) m.weight = p->weight.base ? p->weight.base : &nothing;
    return m;
}

/* ---- one row ---- */

static int add_sparse(part *p, const ch_vector *v, ch_error *err)
{
    void *at;
    size_t kept = 0;
    for (size_t k = 0; k < v->n; k++) kept += v->value[k] != 0.0;
    if (!p->row_start.used) {
        CH_TRY(ch_growing_add(&p->row_start, sizeof(size_t), &at, err));
        *(size_t *)at = 0;
    }
    CH_TRY(ch_growing_add(&p->index, kept * sizeof(int32_t), &at, err));
    int32_t *index = at;
    CH_TRY(ch_growing_add(&p->value, kept * sizeof(double), &at, err));
    double *value = at;
    for (size_t k = 0; k < v->n; k++) {
        if (v->value[k] == 0.0) continue;
        *index++ = v->index ? v->index[k] : (int32_t)k;
        *value++ = v->value[k];
    }
    CH_TRY(ch_growing_add(&p->row_start, sizeof(size_t), &at, err));
    *(size_t *)at = p->value.used / sizeof(double);
    return 0;
}

static int add_dense(part *p, const ch_vector *v, ch_error *err)
{
    void *at;
    CH_TRY(ch_growing_add(&p->dense, v->size * sizeof(double), &at, err));
    double *row = at;
    if (!v->index) {
        memcpy(row, v->value, v->size * sizeof *row);
        return 0;
    }
    memset(row, 0, v->size * sizeof *row);
    for (size_t k = 0; k < v->n; k++) row[v->index[k]] = v->value[k];
    return 0;
}

/* Turns the dense rows so far into compressed ones. */
static int make_sparse(ch_dataset *d, ch_error *err)
{
    d->sparse = true;
    for (size_t i = 0; i < 2; i++) {
        part *p = &d->part[i];
        const double *rows = p->dense.base;
        for (size_t r = 0; r < p->rows; r++) {
            ch_vector v = {.size = d->cols, .n = d->cols, .value = rows + r * d->cols};
            CH_TRY(add_sparse(p, &v, err));
        }
        ch_growing_free(&p->dense);
    }
    return 0;
}

/* ---- a batch ---- */

typedef struct pouring {
    ch_dataset *d;
    const ch_ingest_spec *spec;
    size_t features, label, weight, flag; /* columns of the batch */
    double *wide;                         /* an array of floats, widened */
} pouring;

static int check_label(const ch_ingest_spec *spec, const ch_column *c, size_t i, double *out, ch_error *err)
{
    bool valid = ch_column_valid(c, i);
    double y = valid ? ((const double *)c->data)[i] : 0;
    char text[32];
    if (!valid || y != y) return ch_user_raised(err, "Labels MUST NOT be Null or NaN");
    ch_java_double(y, text);
    *out = y;
    if (spec->rule == CH_LABEL_REAL) {
        return isinf(y) ? ch_user_raised(err, "Labels MUST NOT be Infinity, but got %s", text) : 0;
    }
    if (spec->classes == 2) {
        return y == 0 || y == 1 ? 0 : ch_user_raised(err, "Labels MUST be in {0, 1}, but got %s", text);
    }
    if (!(y >= 0 && y < spec->classes)) {
        return ch_user_raised(err, "Labels MUST be in [0, %d), but got %s", spec->classes, text);
    }
    return y == floor(y) ? 0 : ch_user_raised(err, "Labels MUST be Integers, but got %s", text);
}

static int check_weight(const ch_column *c, size_t i, double *out, ch_error *err)
{
    bool valid = ch_column_valid(c, i);
    double w = valid ? ((const double *)c->data)[i] : 0;
    if (!valid || w != w) return ch_user_raised(err, "Weights MUST NOT be Null or NaN");
    *out = w;
    if (w >= 0 && !isinf(w)) return 0;
    char text[32];
    ch_java_double(w, text);
    return ch_user_raised(err, "Weights MUST NOT be Negative or Infinity, but got %s", text);
}

static int bad_vector(const ch_vector *v, ch_error *err)
{
    ch_buf text = {0};
    ch_vector_print(&text, v);
    int status = ch_user_raised(err, "Vector values MUST NOT be NaN or Infinity, but got %.1800s", ch_buf_text(&text));
    ch_buf_reset(&text);
    return status;
}

static int wrong_size(const pouring *p, size_t size, ch_error *err)
{
    if (p->spec->mismatch_by_index) {
        return ch_failf(err, CH_E_SPARK,
                        "java.lang.ArrayIndexOutOfBoundsException: Index %zu out of bounds for length "
                        "%zu: features have %zu dimensions in the first row and %zu in another",
                        size < p->d->cols ? size : p->d->cols, size < p->d->cols ? size : p->d->cols, p->d->cols, size);
    }
    return ch_require_failed(
        err, "Dimensions mismatch when merging with another summarizer. Expecting %zu but got %zu.", p->d->cols, size);
}

/* A row of an array column as a dense vector. */
static int array_row(pouring *p, const ch_column *c, size_t i, ch_vector *out, ch_error *err)
{
    ch_list list = ((const ch_list *)c->data)[i];
    const ch_column *items = &c->child[0];
    if (list.offset > items->rows || list.length > items->rows - list.offset)
        return ch_bug(err, "a list out of bounds");
    for (size_t k = 0; k < list.length; k++) {
        if (!ch_column_valid(items, list.offset + k)) return ch_user_raised(err, "Vectors MUST NOT be Null");
    }
    *out = (ch_vector){.size = list.length, .n = list.length};
    if (items->type->kind == CH_DOUBLE) {
        out->value = (const double *)items->data + list.offset;
        return 0;
    }
    double *wide = realloc(p->wide, (list.length + 1) * sizeof *wide);
    if (!wide) return ch_no_memory(err);
    p->wide = wide;
    for (size_t k = 0; k < list.length; k++) wide[k] = (double)((const float *)items->data)[list.offset + k];
    out->value = wide;
    return 0;
}

static int features_row(pouring *p, const ch_column *c, size_t i, ch_vector *v, size_t *stored, ch_error *err)
{
    if (!ch_column_valid(c, i)) return ch_user_raised(err, "Vectors MUST NOT be Null");
    CH_TRY(c->type->kind == CH_ARRAY ? array_row(p, c, i, v, err) : ch_vector_at(c, i, v, err));
    size_t nonzero = 0;
    double probe = 0;
    for (size_t k = 0; k < v->n; k++) {
        nonzero += v->value[k] != 0.0;
        probe += v->value[k] * 0.0; /* NaN as soon as one value is not finite */
    }
    if (probe != 0) return bad_vector(v, err);
    *stored = nonzero;
    if (!p->d->known) {
        p->d->known = true;
        p->d->cols = v->size;
    }
    return v->size == p->d->cols ? 0 : wrong_size(p, v->size, err);
}

static int add_number(ch_growing *g, double x, ch_error *err)
{
    void *at;
    CH_TRY(ch_growing_add(g, sizeof x, &at, err));
    *(double *)at = x;
    return 0;
}

static int take_row(pouring *p, const ch_batch *batch, size_t i, ch_error *err)
{
    ch_dataset *d = p->d;
    double label = 0, weight = 1;
    ch_vector v;
    size_t stored;
    /* In the order in which Spark's projection evaluates them. */
    if (d->has_label) CH_TRY(check_label(p->spec, &batch->cols[p->label], i, &label, err));
    if (d->has_weight) CH_TRY(check_weight(&batch->cols[p->weight], i, &weight, err));
    CH_TRY(features_row(p, &batch->cols[p->features], i, &v, &stored, err));
    int which = 0;
    if (p->spec->flag) {
        const ch_column *flag = &batch->cols[p->flag];
        if (!ch_column_valid(flag, i)) return 0; /* neither the filter nor its negation takes NULL */
        which = ((const uint8_t *)flag->data)[i] != 0;
    }
    part *to = &d->part[which];
    CH_TRY(d->sparse ? add_sparse(to, &v, err) : add_dense(to, &v, err));
    if (d->has_label) CH_TRY(add_number(&to->label, label, err));
    if (d->has_weight) CH_TRY(add_number(&to->weight, weight, err));
    to->rows++;
    to->stored += stored;
    return 0;
}

/* ---- many rows ----
 * The usual dataset is dense vectors one behind the other, with labels and weights that are right: those are checked
 * and copied without a look at single rows. At the first thing that is unusual take_row decides. */

static bool all_valid(const ch_column *c, size_t from, size_t n)
{
    if (!c->validity) return true;
    bool all = true;
    for (size_t i = from; i < from + n; i++) all &= ch_column_valid(c, i);
    return all;
}

static bool all_finite(const double *x, size_t n)
{
    const uint64_t exponent = UINT64_C(0x7FF0000000000000);
    uint64_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return !bad;
}

static bool good_labels(const ch_ingest_spec *spec, const double *y, size_t n)
{
    bool bad = false;
    if (spec->rule == CH_LABEL_REAL) return all_finite(y, n);
    for (size_t i = 0; i < n; i++) bad |= !(y[i] >= 0 && y[i] < spec->classes && y[i] == floor(y[i]));
    return !bad;
}

static bool good_weights(const double *w, size_t n)
{
    bool bad = false;
    for (size_t i = 0; i < n; i++) bad |= !(w[i] >= 0 && w[i] <= DBL_MAX);
    return !bad;
}

static int add_numbers(ch_growing *g, const double *x, size_t n, ch_error *err)
{
    void *at;
    CH_TRY(ch_growing_add(g, n * sizeof *x, &at, err));
    memcpy(at, x, n * sizeof *x);
    return 0;
}

/* Takes as many usual rows from row `from` on as there are; *taken may be 0. */
static int take_rows(pouring *p, const ch_batch *batch, size_t from, size_t *taken, ch_error *err)
{
    ch_dataset *d = p->d;
    const ch_column *features = &batch->cols[p->features];
    const double *values, *label = NULL, *weight = NULL;
    *taken = 0;
    if (!d->known || d->sparse || d->cols > NARROW || p->spec->flag || features->type->kind != CH_VECTOR) return 0;
    size_t n = ch_vector_run(features, from, batch->rows, d->cols, &values);
    if (!n || !all_finite(values, n * d->cols)) return 0;
    if (d->has_label) {
        const ch_column *c = &batch->cols[p->label];
        label = (const double *)c->data + from;
        if (!all_valid(c, from, n) || !good_labels(p->spec, label, n)) return 0;
    }
    if (d->has_weight) {
        const ch_column *c = &batch->cols[p->weight];
        weight = (const double *)c->data + from;
        if (!all_valid(c, from, n) || !good_weights(weight, n)) return 0;
    }
    part *to = &d->part[0];
    CH_TRY(add_numbers(&to->dense, values, n * d->cols, err));
    if (label) CH_TRY(add_numbers(&to->label, label, n, err));
    if (weight) CH_TRY(add_numbers(&to->weight, weight, n, err));
    to->rows += n;
    *taken = n;
    return 0;
}

static int take_batch(void *context, const ch_batch *batch, ch_error *err)
{
    pouring *p = context;
    ch_dataset *d = p->d;
    for (size_t i = 0; i < batch->rows; i++) {
        size_t taken;
        CH_TRY(take_rows(p, batch, i, &taken, err));
        i += taken;
        if (i == batch->rows) break;
        CH_TRY(take_row(p, batch, i, err));
        /* A wide first row decides for itself, before it can become a big matrix. */
        bool decide = !d->sparse && d->cols > NARROW && (i + 1 == batch->rows || d->cols > 4096);
        if (!decide) continue;
        double rows = (double)(d->part[0].rows + d->part[1].rows),
               stored = (double)(d->part[0].stored + d->part[1].stored);
        if (stored < SPARSE_SHARE * rows * (double)d->cols) CH_TRY(make_sparse(d, err));
    }
    return 0;
}

int ch_ingest(ch_session *session, ch_arena *arena, const ch_plan *input, const ch_ingest_spec *spec, ch_task *task,
              ch_dataset **out, ch_error *err)
{
    pouring p = {.spec = spec};
    ch_projection columns = ch_project(arena, input);
    if (spec->rule != CH_LABEL_NONE) CH_TRY(ch_project_column(&columns, spec->label, &ch_type_double, &p.label, err));
    if (spec->weight) CH_TRY(ch_project_column(&columns, spec->weight, &ch_type_double, &p.weight, err));
    CH_TRY(ch_project_column(&columns, spec->features, NULL, &p.features, err));
    if (spec->flag) CH_TRY(ch_project_column(&columns, spec->flag, NULL, &p.flag, err));
    ch_dataset *d = calloc(1, sizeof *d);
    if (!d) return ch_no_memory(err);
    const char *dir = ch_engine_temp_dir(ch_session_engine(session));
    for (size_t i = 0; i < 2; i++) {
        part *q = &d->part[i];
        q->dense.dir = q->index.dir = q->value.dir = q->row_start.dir = q->label.dir = q->weight.dir = dir;
    }
    d->has_label = spec->rule != CH_LABEL_NONE;
    d->has_weight = spec->weight != NULL;
    p.d = d;
    int status = ch_scan(session, columns.plan, task, take_batch, &p, err);
    free(p.wide);
    if (status) {
        ch_dataset_free(d);
    } else {
        *out = d;
    }
    return status;
}

/* ---- classes ---- */

int ch_label_classes(ch_arena *arena, const ch_field *label, int64_t *classes, ch_error *err)
{
    ch_ml_attr attr;
    CH_TRY(ch_ml_attr_read(arena, label, &attr, err));
    *classes = ch_ml_attr_values(&attr);
    return 0;
}

int64_t ch_max_label(const ch_matrix *m)
{
    double most = -1;
    for (size_t i = 0; i < m->rows; i++) {
        if (m->label[i] > most) most = m->label[i];
    }
    return m->rows ? (int64_t)most + 1 : -1;
}
