/* logistic_regression.c: LogisticRegression and its model (org.apache.spark.ml.classification.LogisticRegression);
 * training itself is in math/logistic. */
#include "math/logistic.h"

#include "ml/classification_summary.h"
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/persist.h"
#include "ml/predictor.h"
#include "ml/schema.h"
#include "ml/stages.h"

#include <stdlib.h>

static const ch_param_row PARAMS[] = {
    CH_ROW_AGGREGATION_DEPTH,
    CH_ROW_NUMBER(CH_PARAM_DOUBLE, "elasticNetParam", 0, 0, false, 1, false,
                  "share of the L1 penalty: 0 is ridge, 1 is lasso, in range [0, 1]"),
    CH_ROW_CHOICE_ANY_CASE("family", "auto", "auto binomial multinomial", "the distribution of the labels"),
    CH_ROW_FEATURES_COL,
    CH_ROW_BOOLEAN("fitIntercept", true, "whether to fit an intercept term"),
    CH_ROW_LABEL_COL,
    {.name = "lowerBoundsOnCoefficients", .type = CH_PARAM_MATRIX, .doc = "lower bounds on coefficients"},
    {.name = "lowerBoundsOnIntercepts", .type = CH_PARAM_VECTOR, .doc = "lower bounds on intercepts"},
    CH_ROW_MAX_BLOCK_SIZE,
    CH_ROW_MAX_ITER(100),
    CH_ROW_PREDICTION_COL,
    CH_ROW_PROBABILITY_COL,
    CH_ROW_RAW_PREDICTION_COL,
    CH_ROW_DOUBLE_FROM("regParam", 0, 0, "regularization parameter (>= 0)"),
    CH_ROW_BOOLEAN("standardization", true, "whether to standardize the training features before fitting"),
    CH_ROW_NUMBER(CH_PARAM_DOUBLE, "threshold", 0.5, 0, false, 1, false,
                  "threshold in binary classification prediction, in range [0, 1]"),
    CH_ROW_THRESHOLDS,
    CH_ROW_TOL(1e-6),
    {.name = "upperBoundsOnCoefficients", .type = CH_PARAM_MATRIX, .doc = "upper bounds on coefficients"},
    {.name = "upperBoundsOnIntercepts", .type = CH_PARAM_VECTOR, .doc = "upper bounds on intercepts"},
    CH_ROW_WEIGHT_COL,
    CH_ROW_END};

/* ---- thresholds ---- */

/* checkThresholdConsistency */
static int check_thresholds(const ch_param_map *params, ch_error *err)
{
    if (!ch_param_is_set(params, "threshold") || !ch_param_is_set(params, "thresholds")) return 0;
    size_t n;
    const double *ts = ch_param_doubles(params, "thresholds", &n);
    double threshold = ch_param_double(params, "threshold");
    char set[32], equal[32];
    ch_java_double(threshold, set);
    if (n != 2) {
        return ch_require_failed(err,
                                 "Logistic Regression found inconsistent values for threshold and thresholds.  Param "
                                 "threshold is set (%s), indicating binary classification, but Param thresholds is set "
                                 "with length %zu. Clear one Param value to fix this problem.",
                                 set, n);
    }
    double t = 1.0 / (1.0 + ts[0] / ts[1]);
    if (fabs(threshold - t) < 1e-5) return 0;
    ch_java_double(t, equal);
    return ch_require_failed(err,
                             "Logistic Regression getThreshold found inconsistent values for threshold (%s) and "
                             "thresholds (equivalent to %s)",
                             set, equal);
}

/* getThreshold */
static int threshold_of(const ch_param_map *params, double *out, ch_error *err)
{
    CH_TRY(check_thresholds(params, err));
    size_t n;
    const double *ts = ch_param_doubles(params, "thresholds", &n);
    if (!ch_param_is_set(params, "thresholds")) {
        *out = ch_param_double(params, "threshold");
        return 0;
    }
    if (n != 2) {
        return ch_require_failed(err, "Logistic Regression getThreshold only applies to binary classification, but "
                                      "thresholds has length != 2.");
    }
    *out = 1.0 / (1.0 + ts[0] / ts[1]);
    return 0;
}

/* ---- scoring ---- */

static size_t features(const void *data)
{
    return ((const ch_logistic_model *)data)->features;
}

static size_t classes(const void *data)
{
    return ((const ch_logistic_model *)data)->classes;
}

static size_t width(const void *data)
{
    return ch_logistic_width(data);
}

static int raw(const void *data, const ch_matrix *m, double *out, ch_error *err)
{
    (void)err;
    ch_logistic_raw(data, m, out);
    return 0;
}

static int probability(const void *data, double *values, size_t rows, ch_error *err)
{
    (void)err;
    ch_logistic_probability(data, values, rows, values);
    return 0;
}

/* Binary models compare the margin with the log odds of the threshold. */
static int rule(const ch_param_map *params, const void *data, ch_arena *arena, ch_prediction_rule *out, ch_error *err)
{
    (void)arena;
    const ch_logistic_model *model = data;
    if (model->multinomial) {
        /* threshold alone, set by the user, stands for {1 - t, t} */
        return check_thresholds(params, err);
    }
    double t;
    CH_TRY(threshold_of(params, &t, err));
    out->binary = true;
    out->raw_threshold = t == 0.0 ? -(double)INFINITY : t == 1.0 ? (double)INFINITY : log(t / (1.0 - t));
    return 0;
}

static const ch_predictor PREDICTOR = {.features = features,
                                       .exact = true,
                                       .classes = classes,
                                       .width = width,
                                       .raw = raw,
                                       .probability = probability,
                                       .rule = rule,
                                       .udf = "ProbabilisticClassificationModel"};

/* ---- fit ---- */

static int check_params(const ch_param_map *params, bool *bounded, ch_error *err)
{
    CH_TRY(check_thresholds(params, err));
    bool on_intercepts =
        ch_param_is_set(params, "lowerBoundsOnIntercepts") || ch_param_is_set(params, "upperBoundsOnIntercepts");
    *bounded = on_intercepts || ch_param_is_set(params, "lowerBoundsOnCoefficients") ||
               ch_param_is_set(params, "upperBoundsOnCoefficients");
    double alpha = ch_param_double(params, "elasticNetParam");
    if (*bounded && alpha != 0.0) {
        char text[32];
        ch_java_double(alpha, text);
        return ch_require_failed(
            err,
            "Fitting under bound constrained optimization only supports L2 regularization, but got "
            "elasticNetParam = %s.",
            text);
    }
    if (on_intercepts && !ch_param_bool(params, "fitIntercept")) {
        return ch_require_failed(err, "Please don't set bounds on intercepts if fitting without intercept.");
    }
    return 0;
}

/* One bound param as a plain array of the right shape, or NULL when it is not set. */
static int bound(const ch_fit *fit, const char *name, size_t sets, size_t cols, const double **out, ch_error *err)
{
    *out = NULL;
    if (!ch_param_is_set(fit->params, name)) return 0;
    const ch_literal *value;
    double *values;
    size_t nrow, ncol;
    CH_TRY(ch_param_get(fit->params, name, &value, err));
    if (cols) {
        CH_TRY(ch_lit_to_matrix(fit->arena, value, name, &values, &nrow, &ncol, err));
        if (nrow != sets || ncol != cols) {
            return ch_require_failed(
                err,
                "The shape of %c%s must be compatible with (1, number of features) for binomial "
                "regression, or (number of classes, number of features) for multinomial regression, "
                "but found: (%zu, %zu).",
                name[0] == 'l' ? 'L' : 'u', name + 1, nrow, ncol);
        }
    } else {
        CH_TRY(ch_lit_to_vector(fit->arena, value, name, &values, &nrow, err));
        if (nrow != sets) {
            return ch_require_failed(err,
                                     "The size of %s must be equal to 1 for binomial regression, or the number of "
                                     "classes for multinomial regression, but found: %zu.",
                                     name, nrow);
        }
    }
    *out = values;
    return 0;
}

/* lowerBoundsOnIntercepts = [1.0,2.0] */
static void add_values(ch_buf *out, const char *side, const char *what, const double *values, size_t n)
{
    ch_buf_printf(out, "%sBoundsOn%s = ", side, what);
    for (size_t i = 0; i < n; i++) {
        ch_buf_char(out, i ? ',' : '[');
        ch_buf_java_double(out, values[i]);
    }
    ch_buf_char(out, ']');
}

static int ordered(const double *low, const double *high, size_t n, const char *what, ch_error *err)
{
    for (size_t i = 0; low && high && i < n; i++) {
        if (!(low[i] <= high[i])) {
            ch_buf text = {0};
            add_values(&text, "lower", what, low, n);
            ch_buf_str(&text, ", ");
            add_values(&text, "upper", what, high, n);
            int status = ch_require_failed(err,
                                           "LowerBoundsOn%s should always be less than or equal to upperBoundsOn%s, "
                                           "but found: %s.",
                                           what, what, ch_buf_text(&text));
            ch_buf_reset(&text);
            return status;
        }
    }
    return 0;
}

static int set_bounds(const ch_fit *fit, size_t sets, size_t cols, ch_logistic_params *p, ch_error *err)
{
    CH_TRY(bound(fit, "lowerBoundsOnCoefficients", sets, cols, &p->lower_coefficients, err));
    CH_TRY(bound(fit, "upperBoundsOnCoefficients", sets, cols, &p->upper_coefficients, err));
    CH_TRY(bound(fit, "lowerBoundsOnIntercepts", sets, 0, &p->lower_intercepts, err));
    CH_TRY(bound(fit, "upperBoundsOnIntercepts", sets, 0, &p->upper_intercepts, err));
    CH_TRY(ordered(p->lower_coefficients, p->upper_coefficients, sets * cols, "Coefficients", err));
    return ordered(p->lower_intercepts, p->upper_intercepts, sets, "Intercepts", err);
}

static ch_logistic_family family_of(const ch_param_map *params)
{
    switch (ch_param_text(params, "family")[0] | 0x20) {
    case 'b': return CH_LOGISTIC_BINOMIAL;
    case 'm': return CH_LOGISTIC_MULTINOMIAL;
    default: return CH_LOGISTIC_AUTO;
    }
}

static int train(const ch_fit *fit, const ch_matrix *m, size_t n, bool bounded, ch_logistic_model *model, ch_error *err)
{
    ch_logistic_params p = ch_logistic_defaults();
    p.classes = n;
    p.family = family_of(fit->params);
    p.reg_param = ch_param_double(fit->params, "regParam");
    p.elastic_net_param = ch_param_double(fit->params, "elasticNetParam");
    p.fit_intercept = ch_param_bool(fit->params, "fitIntercept");
    p.standardization = ch_param_bool(fit->params, "standardization");
    p.max_iter = ch_param_int(fit->params, "maxIter");
    p.tol = ch_param_double(fit->params, "tol");
    p.task = fit->task;
    if (p.family == CH_LOGISTIC_BINOMIAL && n > 2) {
        return ch_require_failed(err, "Binomial family only supports 1 or 2 outcome classes but found %zu.", n);
    }
    bool multinomial = p.family == CH_LOGISTIC_MULTINOMIAL || (p.family == CH_LOGISTIC_AUTO && n > 2);
    if (bounded) CH_TRY(set_bounds(fit, multinomial ? n : 1, m->cols, &p, err));
    CH_TRY(ch_check_thresholds(fit->params, "LogisticRegression", "train", n, err));
    return ch_logistic_fit(m, &p, model, err);
}

static int fit(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    bool bounded;
    size_t index;
    ch_dataset *dataset;
    int64_t n;
    CH_TRY(check_params(call->params, &bounded, err));
    CH_TRY(ch_predictor_schema(call->params, &call->schema, true, &index, err));
    CH_TRY(ch_classifier_ingest(call, false, &dataset, &n, err));
    ch_matrix m = ch_dataset_matrix(dataset, 0);
    ch_logistic_model *model = calloc(1, sizeof *model);
    int status = model ? train(call, &m, (size_t)n, bounded, model, err) : ch_no_memory(err);
    ch_dataset_free(dataset);
    if (status) {
        free(model);
    } else {
        out->data = model;
    }
    return status;
}

/* ---- summaries ---- */

#define SUMMARY_CLASS "org.apache.spark.ml.classification."

static const ch_attribute *const PLAIN_TABLES[] = {ch_attributes_class_summary, ch_attributes_logistic_summary, NULL};
static const ch_attribute *const TRAINING_TABLES[] = {ch_attributes_class_summary, ch_attributes_logistic_summary,
                                                      ch_attributes_training_summary, NULL};
static const ch_attribute *const BINARY_TABLES[] = {ch_attributes_class_summary, ch_attributes_logistic_summary,
                                                    ch_attributes_binary_summary, NULL};
static const ch_attribute *const BINARY_TRAINING_TABLES[] = {
    ch_attributes_class_summary, ch_attributes_logistic_summary, ch_attributes_binary_summary,
    ch_attributes_training_summary, NULL};

static const ch_stage PLAIN = {.class_name = SUMMARY_CLASS "LogisticRegressionSummaryImpl",
                               .kind = CH_STAGE_SUMMARY,
                               .attributes = PLAIN_TABLES,
                               .free_state = ch_class_summary_free};
static const ch_stage TRAINING = {.class_name = SUMMARY_CLASS "LogisticRegressionTrainingSummaryImpl",
                                  .kind = CH_STAGE_SUMMARY,
                                  .attributes = TRAINING_TABLES,
                                  .free_state = ch_class_summary_free};
static const ch_stage BINARY = {.class_name = SUMMARY_CLASS "BinaryLogisticRegressionSummaryImpl",
                                .kind = CH_STAGE_SUMMARY,
                                .attributes = BINARY_TABLES,
                                .free_state = ch_class_summary_free};
static const ch_stage BINARY_TRAINING = {.class_name = SUMMARY_CLASS "BinaryLogisticRegressionTrainingSummaryImpl",
                                         .kind = CH_STAGE_SUMMARY,
                                         .attributes = BINARY_TRAINING_TABLES,
                                         .free_state = ch_class_summary_free};
static const ch_summary_stages SUMMARIES = {&PLAIN, &TRAINING, &BINARY, &BINARY_TRAINING};

static int summarize(const ch_fit *call, ch_object *model, ch_error *err)
{
    const ch_logistic_model *m = model->fitted->data;
    ch_object *summary;
    CH_TRY(ch_class_summary_new(&SUMMARIES, call->session, call->arena, model, call->dataset, &call->schema, m->history,
                                m->nhistory, &summary, err));
    ch_object_set_summary(model, summary);
    return 0;
}

static int get_evaluate(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    return ch_class_summary_evaluate(&SUMMARIES, call, out, err);
}

/* ---- attributes ---- */

static int get_intercept(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const ch_logistic_model *m = call->self->fitted->data;
    if (m->multinomial) {
        return ch_failf(err, CH_E_SPARK,
                        "Multinomial models contain a vector of intercepts, use interceptVector instead.");
    }
    out->literal = ch_lit_double(m->intercepts[0]);
    return 0;
}

static ch_literal coefficient_matrix(ch_arena *arena, const ch_logistic_model *m)
{
    return ch_lit_compressed_matrix(arena, (int32_t)m->sets, (int32_t)m->features, m->coefficients);
}

static int get_coefficients(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const ch_logistic_model *m = call->self->fitted->data;
    if (m->multinomial) {
        return ch_failf(err, CH_E_SPARK,
                        "Multinomial models contain a matrix of coefficients, use coefficientMatrix instead.");
    }
    /* The vector has the form of the matrix it is the one row of. */
    ch_literal matrix = coefficient_matrix(call->arena, m);
    const ch_literal *f = matrix.v.list.items;
    if (f[0].v.integer == 1) {
        out->literal = ch_lit_dense(call->arena, m->coefficients, m->features);
        return 0;
    }
    size_t used = 0;
    int32_t *index = CH_NEW_ARRAY(call->arena, int32_t, m->features);
    double *values = CH_NEW_ARRAY(call->arena, double, m->features);
    for (size_t i = 0; i < m->features; i++) {
        if (m->coefficients[i] == 0.0) continue;
        index[used] = (int32_t)i;
        values[used++] = m->coefficients[i];
    }
    out->literal = ch_lit_sparse(call->arena, (int32_t)m->features, index, values, used);
    return 0;
}

static int get_intercept_vector(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const ch_logistic_model *m = call->self->fitted->data;
    out->literal = ch_lit_compressed(call->arena, m->intercepts, m->sets);
    return 0;
}

static int get_coefficient_matrix(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = coefficient_matrix(call->arena, call->self->fitted->data);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {{"intercept", get_intercept},
                                          {"coefficients", get_coefficients},
                                          {"interceptVector", get_intercept_vector},
                                          {"coefficientMatrix", get_coefficient_matrix},
                                          {"evaluate", get_evaluate},
                                          {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ch_attributes_identifiable,
                                             ch_attributes_prediction,
                                             ch_attributes_classification,
                                             ch_attributes_probabilistic,
                                             ch_attributes_summary,
                                             ATTRIBUTES,
                                             NULL};

static void print(const ch_object *self, ch_buf *out)
{
    const ch_logistic_model *m = self->fitted->data;
    ch_buf_printf(out, "LogisticRegressionModel: uid=%s, numClasses=%zu, numFeatures=%zu", self->uid, m->classes,
                  m->features);
}

/* ---- persistence ---- */

enum { COLUMNS = 5 };

static const ch_field FIELDS[COLUMNS] = {{.name = "numClasses", .type = &ch_type_int},
                                         {.name = "numFeatures", .type = &ch_type_int},
                                         {.name = "interceptVector", .type = &ch_type_vector, .nullable = true},
                                         {.name = "coefficientMatrix", .type = &ch_type_matrix, .nullable = true},
                                         {.name = "isMultinomial", .type = &ch_type_boolean}};

static int save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    const ch_logistic_model *m = model->fitted->data;
    const ch_literal row[COLUMNS] = {ch_lit_int((int64_t)m->classes), ch_lit_int((int64_t)m->features),
                                     ch_lit_compressed(saver->arena, m->intercepts, m->sets),
                                     coefficient_matrix(saver->arena, m), ch_lit_bool(m->multinomial)};
    return ch_save_row(saver, "data", FIELDS, row, COLUMNS, err);
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    ch_literal *row;
    double numbers[2], *intercepts, *coefficients;
    size_t n, nrow, ncol;
    CH_TRY(ch_load_row(loader, "data", FIELDS, COLUMNS, &row, err));
    CH_TRY(ch_lit_to_vector(loader->arena, &row[2], "interceptVector", &intercepts, &n, err));
    CH_TRY(ch_lit_to_matrix(loader->arena, &row[3], "coefficientMatrix", &coefficients, &nrow, &ncol, err));
    bool multinomial = row[4].type->kind == CH_BOOLEAN && row[4].v.boolean;
    if (!ch_lit_number(&row[0], &numbers[0]) || !ch_lit_number(&row[1], &numbers[1]) || numbers[0] < 1 ||
        numbers[0] > INT32_MAX || numbers[1] != (double)ncol || n != nrow || nrow < 1 ||
        (multinomial ? (double)nrow != numbers[0] : nrow != 1)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the parts of a LogisticRegressionModel do not fit together");
    }
    ch_logistic_model *m = calloc(1, sizeof *m);
    if (m) {
        m->coefficients = malloc((nrow * ncol + 1) * sizeof(double));
        m->intercepts = malloc((n + 1) * sizeof(double));
    }
    if (!m || !m->coefficients || !m->intercepts) {
        if (m) ch_logistic_model_reset(m);
        free(m);
        return ch_no_memory(err);
    }
    memcpy(m->coefficients, coefficients, nrow * ncol * sizeof(double));
    memcpy(m->intercepts, intercepts, n * sizeof(double));
    m->classes = (size_t)numbers[0];
    m->features = ncol;
    m->sets = nrow;
    m->multinomial = multinomial;
    *data = m;
    return 0;
}

static void free_model(void *data)
{
    ch_logistic_model_reset(data);
    free(data);
}

static size_t bytes(const void *data)
{
    const ch_logistic_model *m = data;
    return sizeof *m + (m->sets * (m->features + 1) + m->nhistory) * sizeof(double);
}

const ch_stage ch_stage_logistic_regression = {.class_name = "org.apache.spark.ml.classification.LogisticRegression",
                                               .kind = CH_STAGE_ESTIMATOR,
                                               .uid_prefix = "logreg",
                                               .params = PARAMS,
                                               .model = &ch_stage_logistic_regression_model,
                                               .fit = fit,
                                               .summarize = summarize};

const ch_stage ch_stage_logistic_regression_model = {.class_name =
                                                         "org.apache.spark.ml.classification.LogisticRegressionModel",
                                                     .kind = CH_STAGE_MODEL,
                                                     .uid_prefix = "logreg",
                                                     .params = PARAMS,
                                                     .bind = ch_predictor_bind,
                                                     .predictor = &PREDICTOR,
                                                     .save = save,
                                                     .load = load,
                                                     .attributes = TABLES,
                                                     .free_state = free_model,
                                                     .bytes = bytes,
                                                     .print = print};
