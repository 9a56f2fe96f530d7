/* string_indexer.c: StringIndexer and its model: strings to label indices (org.apache.spark.ml.feature.StringIndexer).
 *
 * Fitting counts the distinct strings of each column in the engine and orders them here; the model looks strings up in
 * a hash table made once.
 */
#include "ml/string_indexer.h"
#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/persist.h"
#include "ml/schema.h"
#include "ml/stages.h"

#include <stdlib.h>

static const ch_param_row PARAMS[] = {
    CH_ROW_CHOICE(
        "handleInvalid", "error", "skip error keep",
        "what becomes of unseen labels and NULLs: skip the row, raise an error, or keep them as one more index"),
    CH_ROW_INPUT_COL,
    CH_ROW_INPUT_COLS,
    CH_ROW_OUTPUT_COL,
    CH_ROW_OUTPUT_COLS,
    CH_ROW_CHOICE("stringOrderType", "frequencyDesc", "frequencyDesc frequencyAsc alphabetDesc alphabetAsc",
                  "how labels are ordered; the first one gets index 0"),
    CH_ROW_END};

/* ---- the fitted labels ---- */

typedef struct labels {
    size_t n;
    const char **label;
    size_t *len;
    size_t mask;    /* slots - 1 */
    uint32_t *slot; /* label + 1, 0 = free */
} labels;

typedef struct indexer {
    ch_arena *arena; /* owns everything, this struct too */
    size_t ncol;
    labels *col;
} indexer;

static uint64_t hash_bytes(const char *bytes, size_t len)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ len, word;
    for (; len >= 8; bytes += 8, len -= 8) {
        memcpy(&word, bytes, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, bytes, len);
    h = (h ^ word) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

/* Index of a label, or l->n. */
static size_t look_up(const labels *l, const char *bytes, size_t len)
{
    for (size_t at = hash_bytes(bytes, len) & l->mask;; at = (at + 1) & l->mask) {
        size_t i = l->slot[at];
        if (i == 0) return l->n;
        if (l->len[i - 1] == len && memcmp(l->label[i - 1], bytes, len) == 0) return i - 1;
    }
}

static void build_table(ch_arena *arena, labels *l)
{
    size_t slots = 16;
    while (slots < 2 * l->n) slots *= 2;
    l->mask = slots - 1;
    l->slot = CH_NEW_ARRAY(arena, uint32_t, slots);
    for (size_t i = 0; i < l->n; i++) {
        size_t at = hash_bytes(l->label[i], l->len[i]) & l->mask;
        for (size_t old; (old = l->slot[at]) != 0; at = (at + 1) & l->mask) {
            /* A label given twice has the later index. */
            if (l->len[old - 1] == l->len[i] && memcmp(l->label[old - 1], l->label[i], l->len[i]) == 0) break;
        }
        l->slot[at] = (uint32_t)(i + 1);
    }
}

static indexer *new_indexer(size_t ncol)
{
    ch_arena *arena = ch_arena_new();
    indexer *x = CH_NEW(arena, indexer);
    x->arena = arena;
    x->ncol = ncol;
    x->col = CH_NEW_ARRAY(arena, labels, ncol);
    return x;
}

static void free_indexer(void *data)
{
    ch_arena_free(((indexer *)data)->arena);
}

static size_t indexer_bytes(const void *data)
{
    return ch_arena_used(((const indexer *)data)->arena);
}

/* Labels from literals: an array of arrays of strings. */
static int from_literals(const ch_literal *columns, size_t n, void **data, ch_error *err)
{
    indexer *x = new_indexer(n);
    for (size_t c = 0; c < n; c++) {
        const ch_literal *list = &columns[c];
        bool good = !list->is_null && list->type && list->type->kind == CH_ARRAY && list->v.list.n < UINT32_MAX;
        labels *l = &x->col[c];
        l->n = good ? list->v.list.n : 0;
        l->label = CH_NEW_ARRAY(x->arena, const char *, l->n);
        l->len = CH_NEW_ARRAY(x->arena, size_t, l->n);
        for (size_t i = 0; good && i < l->n; i++) {
            const ch_literal *item = &list->v.list.items[i];
            good = !item->is_null && item->type && ch_type_is_string(item->type);
            if (!good) break;
            l->label[i] = ch_arena_strndup(x->arena, item->v.bytes.data, item->v.bytes.len);
            l->len[i] = item->v.bytes.len;
        }
        if (!good) {
            free_indexer(x);
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "labels of a StringIndexerModel must be strings");
        }
        build_table(x->arena, l);
    }
    *data = x;
    return 0;
}

int ch_string_indexer_from_labels(const ch_literal *columns, size_t n, ch_fitted **out, ch_error *err)
{
    void *data;
    CH_TRY(from_literals(columns, n, &data, err));
    *out = ch_fitted_new(&ch_stage_string_indexer_model, data);
    return 0;
}

/* ---- schema ---- */

static int columns_of(const ch_param_map *params, ch_arena *arena, size_t *n, const char *const **in,
                      const char *const **out, ch_error *err)
{
    size_t nout;
    CH_TRY(ch_param_in_out(params, arena, n, in, &nout, out, err));
    if (*n != nout) return ch_require_failed(err, "The number of input columns does not match output columns");
    for (size_t i = 0; i < nout; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp((*out)[i], (*out)[k]) == 0)
                return ch_require_failed(err, "Output columns should not be duplicate.");
        }
    }
    return 0;
}

/* Finds an input column and checks it and its output; *index is SIZE_MAX for a column that is not there. */
static int check_column(const ch_schema *schema, const char *in, const char *out, size_t *index, ch_error *err)
{
    int status = ch_schema_find(schema, in, index, err);
    if (status && strcmp(err->condition, "FIELD_NOT_FOUND") == 0) {
        *index = SIZE_MAX;
        return 0;
    }
    CH_TRY(status);
    const ch_type *type = schema->fields[*index].type;
    if (!ch_type_is_string(type) && !ch_type_is_numeric(type)) {
        ch_buf text = {0};
        ch_schema_type_name(&text, type);
        status = ch_require_failed(err, "The input column %s must be either string type or numeric type, but got %s.",
                                   in, ch_buf_text(&text));
        ch_buf_reset(&text);
        return status;
    }
    return ch_schema_new_output(schema, out, err);
}

/* ---- fit ---- */

typedef struct counted {
    const char *text;
    size_t len;
    int64_t count;
} counted;

typedef struct counting {
    ch_arena *arena; /* of the indexer: the strings stay */
    counted *items;
    size_t n, room;
} counting;

static int take_counts(void *context, const ch_batch *batch, ch_error *err)
{
    counting *c = context;
    for (size_t i = 0; i < batch->rows; i++) {
        if (!ch_column_valid(&batch->cols[0], i)) continue;
        if (c->n == c->room) {
            c->room = c->room ? 2 * c->room : 256;
            counted *grown = realloc(c->items, c->room * sizeof *grown);
            if (!grown) return ch_no_memory(err);
            c->items = grown;
        }
        const ch_string *s = &((const ch_string *)batch->cols[0].data)[i];
        counted *item = &c->items[c->n++];
        item->len = ch_string_len(s);
        item->text = ch_arena_strndup(c->arena, ch_string_data(s), item->len);
        item->count = ((const int64_t *)batch->cols[1].data)[i];
    }
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->text, y->text, n);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static int by_bytes_desc(const void *a, const void *b)
{
    return by_bytes(b, a);
}

/* Ties of frequency go by the string, ascending, both ways round. */
static int by_count(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? -1 : 1;
    return by_bytes(a, b);
}

static int by_count_desc(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return by_bytes(a, b);
}

/* SELECT cast(c as string), count(1) GROUP BY 1, NaN being no value. */
static int count_plan(const ch_fit *fit, const char *column, const ch_type *type, ch_plan **out, ch_error *err)
{
    ch_expr *e;
    CH_TRY(ch_column_expr(fit->arena, column, &e, err));
    if (type->kind == CH_FLOAT || type->kind == CH_DOUBLE) {
        ch_expr *is_nan = ch_expr_call(fit->arena, "isnan", 1, e);
        e = ch_expr_call(fit->arena, "when", 3, is_nan, ch_expr_null(fit->arena, type), e);
    }
    if (!ch_type_is_string(type)) e = ch_expr_cast(fit->arena, e, &ch_type_string);
    ch_plan *plan = ch_plan_new(fit->arena, CH_PLAN_AGGREGATE, (ch_plan *)(uintptr_t)fit->dataset);
    plan->u.aggregate.kind = CH_GROUP_BY;
    plan->u.aggregate.ngroup = plan->u.aggregate.nagg = 1;
    plan->u.aggregate.groups = CH_NEW(fit->arena, ch_expr *);
    plan->u.aggregate.aggs = CH_NEW(fit->arena, ch_expr *);
    plan->u.aggregate.groups[0] = ch_expr_alias(fit->arena, e, "value");
    plan->u.aggregate.aggs[0] =
        ch_expr_alias(fit->arena, ch_expr_call(fit->arena, "count", 1, ch_expr_int(fit->arena, 1)), "count");
    *out = plan;
    return 0;
}

static int fit_column(const ch_fit *fit, const char *column, const ch_type *type, indexer *x, labels *l, ch_error *err)
{
    ch_plan *plan;
    CH_TRY(count_plan(fit, column, type, &plan, err));
    counting c = {.arena = x->arena};
    int status = ch_scan(fit->session, plan, fit->task, take_counts, &c, err);
    if (!status && c.n >= UINT32_MAX)
        status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "too many labels in column %s", column);
    if (status) {
        free(c.items);
        return status;
    }
    const char *order = ch_param_text(fit->params, "stringOrderType");
    bool frequency = order[0] == 'f', descending = strstr(order, "Desc") != NULL;
    if (c.n) {
        qsort(c.items, c.n, sizeof *c.items,
              frequency ? (descending ? by_count_desc : by_count) : (descending ? by_bytes_desc : by_bytes));
    }
    l->n = c.n;
    l->label = CH_NEW_ARRAY(x->arena, const char *, c.n);
    l->len = CH_NEW_ARRAY(x->arena, size_t, c.n);
    for (size_t i = 0; i < c.n; i++) {
        l->label[i] = c.items[i].text;
        l->len[i] = c.items[i].len;
    }
    free(c.items);
    build_table(x->arena, l);
    return 0;
}

static int fit(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    size_t n;
    const char *const *in, *const *outs;
    CH_TRY(columns_of(call->params, call->arena, &n, &in, &outs, err));
    size_t *at = CH_NEW_ARRAY(call->arena, size_t, n);
    for (size_t i = 0; i < n; i++) {
        CH_TRY(check_column(&call->schema, in[i], outs[i], &at[i], err));
        if (at[i] == SIZE_MAX) return ch_failf(err, CH_E_SPARK, "Input column %s does not exist.", in[i]);
    }
    indexer *x = new_indexer(n);
    for (size_t i = 0; i < n; i++) {
        int status = fit_column(call, in[i], call->schema.fields[at[i]].type, x, &x->col[i], err);
        if (status) {
            free_indexer(x);
            return status;
        }
    }
    out->data = x;
    return 0;
}

/* ---- transform ---- */

typedef enum invalid { INVALID_ERROR, INVALID_KEEP, INVALID_SKIP } invalid;

typedef struct indexing {
    size_t n;
    const labels **col;
    invalid how;
    bool single; /* the result is one plain column */
} indexing;

static int invalid_label(const ch_string *s, ch_error *err)
{
    if (!s) {
        return ch_udf_failed(err, "StringIndexerModel", "string", "double",
                             "org.apache.spark.SparkException: StringIndexer encountered NULL value. To handle or skip "
                             "NULLS, try setting StringIndexer.handleInvalid.");
    }
    return ch_udf_failed(err, "StringIndexerModel", "string", "double",
                         "org.apache.spark.SparkException: Unseen label: %.*s. To handle unseen labels, set Param "
                         "handleInvalid to keep.",
                         (int)ch_string_len(s), ch_string_data(s));
}

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const indexing *x = state;
    uint8_t *keep = x->how == INVALID_SKIP ? out->child[0].data : NULL;
    if (keep) memset(keep, 1, in->rows);
    for (size_t c = 0; c < x->n; c++) {
        const labels *l = x->col[c];
        ch_column *to = x->single ? out : &out->child[c + (keep != NULL)];
        double *index = to->data;
        const ch_string *text = in->cols[c].data;
        for (size_t i = 0; i < in->rows; i++) {
            bool valid = ch_column_valid(&in->cols[c], i);
            size_t found = valid ? look_up(l, ch_string_data(&text[i]), ch_string_len(&text[i])) : l->n;
            index[i] = (double)found;
            if (found < l->n || x->how == INVALID_KEEP) continue;
            if (!keep) return invalid_label(valid ? &text[i] : NULL, err);
            keep[i] = 0;
        }
    }
    return 0;
}

/* {"vals":[...],"name":...,"type":"nominal"} */
static const char *output_metadata(ch_arena *arena, const labels *l, invalid how, const char *name)
{
    ch_ml_attr attr = ch_ml_attr_numeric;
    attr.type = CH_ML_NOMINAL;
    attr.name = name;
    attr.nvalue = l->n + (how == INVALID_KEEP);
    attr.values = l->label;
    if (how == INVALID_KEEP) {
        attr.values = ch_arena_grow(arena, l->label, sizeof *l->label, l->n, attr.nvalue);
        attr.values[l->n] = "__unknown";
    }
    return ch_ml_attr_write(arena, &attr);
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    size_t n;
    const char *const *in, *const *outs;
    const indexer *fitted = call->fitted->data;
    CH_TRY(columns_of(call->params, call->arena, &n, &in, &outs, err));
    if (n != fitted->ncol) {
        return ch_require_failed(err, "The number of input columns %zu must be the number of columns %zu of the fit.",
                                 n, fitted->ncol);
    }
    ch_arena *arena;
    indexing *x = ch_native_state_new(sizeof *x, call->fitted, &arena);
    const char *handle = ch_param_text(call->params, "handleInvalid");
    x->how = strcmp(handle, "keep") == 0 ? INVALID_KEEP : strcmp(handle, "skip") == 0 ? INVALID_SKIP : INVALID_ERROR;
    x->col = CH_NEW_ARRAY(arena, const labels *, n);
    size_t *input = CH_NEW_ARRAY(call->arena, size_t, n);
    const ch_type **types = CH_NEW_ARRAY(call->arena, const ch_type *, n);
    ch_field *outputs = CH_NEW_ARRAY(call->arena, ch_field, n);
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, n + 1);
    fields[0] = (ch_field){.name = "keep", .type = &ch_type_boolean};
    for (size_t i = 0; i < n; i++) {
        size_t at;
        int status = check_column(call->in, in[i], outs[i], &at, err);
        if (status) {
            ch_native_state_free(x);
            return status;
        }
        if (at == SIZE_MAX) continue; /* a column that is not there is left out, as in Spark */
        input[x->n] = at;
        types[x->n] = ch_type_is_string(call->in->fields[at].type) ? NULL : &ch_type_string;
        x->col[x->n] = &fitted->col[i];
        outputs[x->n] = (ch_field){.name = ch_arena_strdup(call->arena, outs[i]), .type = &ch_type_double};
        outputs[x->n].metadata = output_metadata(call->arena, &fitted->col[i], x->how, outs[i]);
        fields[++x->n] = (ch_field){.name = ch_arena_printf(arena, "o%zu", i), .type = &ch_type_double};
    }
    if (x->n == 0) {
        ch_native_state_free(x);
        return 0;
    }
    bool skip = x->how == INVALID_SKIP;
    x->single = x->n == 1 && !skip;
    const ch_type *type = x->single ? &ch_type_double : ch_type_struct(arena, skip ? fields : fields + 1, x->n + skip);
    out->keep_flag = skip;
    ch_bind_native(call, out, type, eval, x, x->n, input, types, x->n, outputs);
    return 0;
}

/* ---- attributes, persistence ---- */

static ch_literal labels_literal(ch_arena *arena, const labels *l)
{
    return ch_lit_texts(arena, l->label, l->n);
}

static ch_literal labels_array(ch_arena *arena, const indexer *x)
{
    ch_literal out = {.type = ch_type_array(arena, ch_type_array(arena, &ch_type_string, true), true)};
    out.v.list.n = x->ncol;
    out.v.list.items = CH_NEW_ARRAY(arena, ch_literal, x->ncol);
    for (size_t i = 0; i < x->ncol; i++) out.v.list.items[i] = labels_literal(arena, &x->col[i]);
    return out;
}

static int get_labels(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const indexer *x = call->self->fitted->data;
    if (x->ncol != 1) {
        return ch_require_failed(err,
                                 "This StringIndexerModel is fit on multiple columns. Call `labelsArray` instead.");
    }
    out->literal = labels_literal(call->arena, &x->col[0]);
    return 0;
}

static int get_labels_array(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = labels_array(call->arena, call->self->fitted->data);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {{"labels", get_labels}, {"labelsArray", get_labels_array}, {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, ATTRIBUTES, NULL};

static void print(const ch_object *self, ch_buf *out)
{
    size_t n;
    ch_buf_printf(out, "StringIndexerModel: uid=%s, handleInvalid=%s", self->uid,
                  ch_param_text(self->params, "handleInvalid"));
    if (ch_param_is_set(self->params, "stringOrderType")) {
        ch_buf_printf(out, ", stringOrderType=%s", ch_param_text(self->params, "stringOrderType"));
    }
    if (ch_param_texts(self->params, "inputCols", &n)) ch_buf_printf(out, ", numInputCols=%zu", n);
    if (ch_param_texts(self->params, "outputCols", &n)) ch_buf_printf(out, ", numOutputCols=%zu", n);
}

static ch_field data_field(ch_arena *arena, bool nested)
{
    const ch_type *texts = ch_type_array(arena, &ch_type_string, true);
    return (ch_field){.name = nested ? "labelsArray" : "labels",
                      .type = nested ? ch_type_array(arena, texts, true) : texts,
                      .nullable = true};
}

static int save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    ch_field field = data_field(saver->arena, true);
    ch_literal row = labels_array(saver->arena, model->fitted->data);
    return ch_save_row(saver, "data", &field, &row, 1, err);
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    /* Before 3.0 there was one list of labels. */
    bool nested = loader->metadata->spark_major >= 3;
    ch_field field = data_field(loader->arena, nested);
    ch_literal *row;
    CH_TRY(ch_load_row(loader, "data", &field, 1, &row, err));
    if (!nested) return from_literals(row, 1, data, err);
    if (row->is_null) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "labels of a StringIndexerModel must be strings");
    return from_literals(row->v.list.items, row->v.list.n, data, err);
}

const ch_stage ch_stage_string_indexer = {.class_name = "org.apache.spark.ml.feature.StringIndexer",
                                          .kind = CH_STAGE_ESTIMATOR,
                                          .uid_prefix = "strIdx",
                                          .params = PARAMS,
                                          .model = &ch_stage_string_indexer_model,
                                          .fit = fit};

const ch_stage ch_stage_string_indexer_model = {.class_name = "org.apache.spark.ml.feature.StringIndexerModel",
                                                .kind = CH_STAGE_MODEL,
                                                .uid_prefix = "strIdx",
                                                .params = PARAMS,
                                                .bind = bind,
                                                .save = save,
                                                .load = load,
                                                .attributes = TABLES,
                                                .free_state = free_indexer,
                                                .bytes = indexer_bytes,
                                                .print = print};
