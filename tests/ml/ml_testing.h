/* ml_testing.h: fitting, transforming and fetching through the door (ml/ml.h) in unit tests. */
#ifndef CHERT_TESTS_ML_ML_TESTING_H
#define CHERT_TESTS_ML_ML_TESTING_H

#include "frame/engine/query.h"
#include "ml/literal.h"
#include "ml/ml.h"
#include "testing.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct ml_world {
    ch_engine *engine;
    ch_session *session;
    ch_ml *ml;
    ch_arena *arena; /* of plans, values and texts */
    char folder[64]; /* for models */
} ml_world;

static inline int ml_setup(void **state)
{
    ml_world *w = calloc(1, sizeof *w);
    ch_error err;
    ch_engine_options options = {.threads = 2};
    snprintf(w->folder, sizeof w->folder, "/tmp/chert-ml-XXXXXX");
    if (!mkdtemp(w->folder) || ch_engine_open(&options, &w->engine, &err) ||
        ch_session_open(w->engine, &w->session, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    w->ml = ch_ml_new(w->session);
    w->arena = ch_arena_new();
    *state = w;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int ml_teardown(void **state)
{
    ml_world *w = *state;
    ch_ml_free(w->ml);
    ch_arena_free(w->arena);
    ch_session_release(w->session);
    ch_engine_close(w->engine);
    nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

/* ---- data ---- */

/* A relation of literals; rows[i * ncol + j]. */
static inline ch_plan *values_plan(ml_world *w, const char *const *names, size_t ncol, const ch_literal *rows,
                                   size_t nrow)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = nrow;
    plan->u.values.ncol = ncol;
    plan->u.values.names = ch_arena_dup(w->arena, names, ncol * sizeof *names);
    plan->u.values.rows = CH_NEW_ARRAY(w->arena, ch_expr **, nrow);
    for (size_t i = 0; i < nrow; i++) {
        plan->u.values.rows[i] = CH_NEW_ARRAY(w->arena, ch_expr *, ncol);
        for (size_t j = 0; j < ncol; j++) plan->u.values.rows[i][j] = ch_expr_literal(w->arena, &rows[i * ncol + j]);
    }
    return plan;
}

/* The eight rows all recorded runs of real Spark were made with: label, cat, x1, x2. */
static inline ch_plan *golden_rows(ml_world *w)
{
    static const char *const NAMES[4] = {"label", "cat", "x1", "x2"}, *const CAT[8] = {"b", "a", "a",  "c",
                                                                                       "b", "d", NULL, "c"};
    static const double X2[8] = {10, 20, 15, 40, 5, 60, 6, 80};
    ch_literal rows[8][4];
    for (int i = 0; i < 8; i++) {
        rows[i][0] = ch_lit_long(i % 2);
        rows[i][1] = CAT[i] ? ch_lit_text(w->arena, CAT[i]) : ch_lit_null(&ch_type_string);
        rows[i][2] = ch_lit_double(i + 1);
        rows[i][3] = ch_lit_double(X2[i]);
    }
    return values_plan(w, NAMES, 4, rows[0], 8);
}

/* ---- operators ---- */

/* Params: name, literal, name, literal, ..., NULL. */
static inline ch_params params_of(ml_world *w, va_list args)
{
    ch_param *items = CH_NEW_ARRAY(w->arena, ch_param, 16);
    size_t n = 0;
    for (const char *name; (name = va_arg(args, const char *)); n++) {
        assert_true(n < 16);
        items[n].name = name;
        items[n].value = va_arg(args, ch_literal);
    }
    return (ch_params){n, items};
}

static inline ch_operator operator_of(ml_world *w, const char *class_name, va_list args)
{
    const char *full = ch_arena_printf(w->arena, "org.apache.spark.ml.%s", class_name);
    return (ch_operator){.class_name = full, .uid = "uid", .params = params_of(w, args)};
}

static inline ch_literal text_of(ml_world *w, const char *text)
{
    return ch_lit_text(w->arena, text);
}

static inline ch_literal texts_of(ml_world *w, size_t n, ...)
{
    const char *items[8];
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) items[i] = va_arg(args, const char *);
    va_end(args);
    return ch_lit_texts(w->arena, items, n);
}

/* Plan of a transformer named by class: class relative to org.apache.spark.ml. */
static inline ch_plan *transformed(ml_world *w, const ch_plan *input, const char *class_name, ...)
{
    va_list args;
    va_start(args, class_name);
    ch_operator op = operator_of(w, class_name, args);
    va_end(args);
    ch_transform *t;
    ch_error err;
    if (ch_ml_transformer(w->ml, &op, &t, &err)) fail_msg("%s: %s", class_name, err.message);
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_TRANSFORM, (ch_plan *)(uintptr_t)input);
    plan->u.transform = ch_transform_hold(w->arena, t);
    ch_transform_release(t);
    return plan;
}

/* The model's id, or NULL and *err. Each fit is a request with an arena of its own: its summary keeps that arena, and
 * plans in w->arena keep the model. */
static inline const char *try_fit(ml_world *w, const ch_plan *data, ch_error *err, const char *class_name, ...)
{
    va_list args;
    va_start(args, class_name);
    ch_operator op = operator_of(w, class_name, args);
    va_end(args);
    ch_ml_value value;
    ch_arena *request = ch_arena_new();
    int rc = ch_ml_fit(w->ml, request, &op, data, NULL, &value, err);
    const char *id = rc ? NULL : ch_arena_strdup(w->arena, value.ids);
    ch_arena_free(request);
    return id;
}

static inline ch_plan *model_plan(ml_world *w, const char *id, const ch_plan *input, ...)
{
    va_list args;
    va_start(args, input);
    ch_params params = params_of(w, args);
    va_end(args);
    ch_transform *t;
    ch_error err;
    if (ch_ml_model_transform(w->ml, id, &params, &t, &err)) fail_msg("%s", err.message);
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_TRANSFORM, (ch_plan *)(uintptr_t)input);
    plan->u.transform = ch_transform_hold(w->arena, t);
    ch_transform_release(t);
    return plan;
}

static inline int try_evaluate(ml_world *w, const ch_plan *data, double *value, ch_error *err, const char *class_name,
                               ...)
{
    va_list args;
    va_start(args, class_name);
    ch_operator op = operator_of(w, class_name, args);
    va_end(args);
    ch_ml_value out;
    int status = ch_ml_evaluate(w->ml, w->arena, &op, data, NULL, &out, err);
    if (!status) *value = out.literal.v.real;
    return status;
}

/* ---- answers as text ---- */

static inline void print_literal(ch_buf *out, const ch_literal *v)
{
    if (v->is_null) {
        ch_buf_str(out, "NULL");
        return;
    }
    switch (v->type->kind) {
    case CH_BOOLEAN: ch_buf_str(out, v->v.boolean ? "true" : "false"); break;
    case CH_DOUBLE: ch_buf_java_double(out, v->v.real); break;
    case CH_STRING: ch_buf_add(out, v->v.bytes.data, v->v.bytes.len); break;
    case CH_VECTOR: /* dense: its values; sparse: size, indices, values */
        if (v->v.list.items[0].v.integer == 1) {
            print_literal(out, &v->v.list.items[3]);
            break;
        }
        ch_buf_printf(out, "(%d,", (int)v->v.list.items[1].v.integer);
        print_literal(out, &v->v.list.items[2]);
        ch_buf_char(out, ',');
        print_literal(out, &v->v.list.items[3]);
        ch_buf_char(out, ')');
        break;
    case CH_ARRAY:
    case CH_STRUCT:
    case CH_MATRIX:
        ch_buf_char(out, '[');
        for (size_t i = 0; i < v->v.list.n; i++) {
            if (i) ch_buf_char(out, ',');
            print_literal(out, &v->v.list.items[i]);
        }
        ch_buf_char(out, ']');
        break;
    default: ch_buf_printf(out, "%lld", (long long)v->v.integer);
    }
}

static inline const char *keep(ml_world *w, ch_buf *text)
{
    const char *copy = ch_arena_strdup(w->arena, ch_buf_text(text));
    ch_buf_reset(text);
    return copy;
}

/* One value of a fetched attribute: "a.b.c" is a chain of methods without arguments. "!message" when it fails. */
static inline const ch_literal *fetched(ml_world *w, const char *id, const char *chain, ch_error *err)
{
    ch_fetch steps[4];
    size_t n = 0;
    char *copy = ch_arena_strdup(w->arena, chain);
    for (char *at = strtok(copy, "."); at; at = strtok(NULL, ".")) steps[n++] = (ch_fetch){.method = at};
    ch_ml_value *value = CH_NEW(w->arena, ch_ml_value);
    if (ch_ml_fetch(w->ml, w->arena, id, n, steps, NULL, value, err)) return NULL;
    if (value->kind == CH_ML_LITERAL) return &value->literal;
    ch_literal *ids = CH_NEW(w->arena, ch_literal);
    *ids = ch_lit_text(w->arena, value->ids);
    return ids;
}

static inline const char *attribute(ml_world *w, const char *id, const char *chain)
{
    ch_error err;
    const ch_literal *value = fetched(w, id, chain, &err);
    ch_buf text = {0};
    if (value) {
        print_literal(&text, value);
    } else {
        ch_buf_printf(&text, "!%s", err.message);
    }
    return keep(w, &text);
}

static inline double number(ml_world *w, const char *id, const char *chain)
{
    ch_error err;
    double x = 0;
    const ch_literal *value = fetched(w, id, chain, &err);
    if (!value || !ch_lit_number(value, &x)) fail_msg("%s: no number", chain);
    return x;
}

/* Values of a vector or array attribute, dense. */
static inline const double *numbers(ml_world *w, const char *id, const char *chain, size_t n)
{
    ch_error err;
    const ch_literal *value = fetched(w, id, chain, &err);
    if (!value) fail_msg("%s: %s", chain, err.message);
    double *out;
    size_t got;
    if (value->type->kind == CH_VECTOR) {
        if (ch_lit_to_vector(w->arena, value, chain, &out, &got, &err)) fail_msg("%s", err.message);
    } else {
        got = value->v.list.n;
        out = CH_NEW_ARRAY(w->arena, double, got);
        for (size_t i = 0; i < got; i++) ch_lit_number(&value->v.list.items[i], &out[i]);
    }
    assert_int_equal(got, n);
    return out;
}

/* Rows of a plan as "a,b;c,d"; "!message" when it fails. `columns` picks some by name (comma separated), NULL: all. */
static inline const char *rows_of(ml_world *w, const ch_plan *plan, const char *columns)
{
    if (columns) {
        ch_plan *project = ch_plan_new(w->arena, CH_PLAN_PROJECT, (ch_plan *)(uintptr_t)plan);
        char *copy = ch_arena_strdup(w->arena, columns);
        project->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, 16);
        for (char *at = strtok(copy, ","); at; at = strtok(NULL, ",")) {
            project->u.project.exprs[project->u.project.n++] = ch_expr_name(w->arena, at);
        }
        plan = project;
    }
    size_t nrow, ncol;
    ch_literal **rows;
    ch_error err;
    ch_buf text = {0};
    if (ch_query_rows(w->session, plan, 1000, NULL, w->arena, &nrow, &ncol, &rows, &err)) {
        ch_buf_printf(&text, "!%s", err.message);
        return keep(w, &text);
    }
    for (size_t i = 0; i < nrow; i++) {
        for (size_t j = 0; j < ncol; j++) {
            if (i && !j) ch_buf_char(&text, ';');
            if (j) ch_buf_char(&text, ',');
            print_literal(&text, &rows[i][j]);
        }
    }
    return keep(w, &text);
}

/* "name type metadata; ..." of the columns from `first` on. */
static inline const char *schema_from(ml_world *w, const ch_plan *plan, size_t first)
{
    ch_query *q;
    ch_error err;
    ch_buf text = {0};
    if (ch_query_open(w->session, plan, &q, &err)) {
        ch_buf_printf(&text, "!%s", err.message);
        return keep(w, &text);
    }
    const ch_schema *schema = ch_query_schema(q);
    for (size_t i = first; i < schema->n; i++) {
        const ch_field *f = &schema->fields[i];
        ch_buf_printf(&text, "%s%s ", i > first ? "; " : "", f->name);
        ch_type_simple(&text, f->type);
        ch_buf_printf(&text, "%s %s", f->nullable ? "" : " not null", f->metadata ? f->metadata : "-");
    }
    ch_query_close(q);
    return keep(w, &text);
}

/* Within a relative difference. */
static inline void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) fail_msg("%.17g is not %.17g", got, want);
}

/* The golden rows with x1 and x2 as the vector x. */
static inline ch_plan *golden_vectors(ml_world *w)
{
    return transformed(w, golden_rows(w), "feature.VectorAssembler", "inputCols", texts_of(w, 2, "x1", "x2"),
                       "outputCol", text_of(w, "x"), NULL);
}

#endif
