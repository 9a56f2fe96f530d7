/* decode_derived.c: relations that Spark defines in terms of others, out of messages: statistics, missing values, show,
 * unpivot and the like. */
#include "connect/decode_internal.h"
#include "connect/errors.h"

#include <string.h>
#include <sys/random.h>

static int64_t random_seed(void)
{
    int64_t seed = 0;
    while (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
    }
    return seed;
}

static int decode_literals(ch_decoder *d, size_t n, PB(Expression__Literal) *const *in, ch_literal **out, ch_error *err)
{
    *out = CH_NEW_ARRAY(d->arena, ch_literal, n);
    for (size_t i = 0; i < n; i++) CH_TRY(ch_decode_literal(d->arena, in[i], &(*out)[i], err));
    return CH_OK;
}

static int decode_stat(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *input, size_t ncol, char *const *cols,
                       ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, kind, input, out, err));
    (*out)->u.stat.ncol = ncol;
    (*out)->u.stat.cols = ch_borrow_names(d, ncol, cols);
    return CH_OK;
}

static int decode_pair(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *input, char *col1, char *col2,
                       ch_plan **out, ch_error *err)
{
    char *cols[] = {col1, col2};
    return decode_stat(d, kind, input, 2, cols, out, err);
}

static int decode_corr(ch_decoder *d, const PB(StatCorr) *in, ch_plan **out, ch_error *err)
{
    if (in->_method_case && strcmp(in->method, "pearson") != 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: Currently only the calculation of the Pearson Correlation coefficient is "
                        "supported.");
    }
    return decode_pair(d, CH_PLAN_CORR, in->input, in->col1, in->col2, out, err);
}

static int decode_summary(ch_decoder *d, const PB(StatSummary) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_SUMMARY, in->input, out, err));
    (*out)->u.stat.nstat = in->n_statistics;
    (*out)->u.stat.stats = ch_borrow_names(d, in->n_statistics, in->statistics);
    return CH_OK;
}

static int decode_quantile(ch_decoder *d, const PB(StatApproxQuantile) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(decode_stat(d, CH_PLAN_APPROX_QUANTILE, in->input, in->n_cols, in->cols, out, err));
    (*out)->u.stat.nprob = in->n_probabilities;
    (*out)->u.stat.probs = in->probabilities;
    (*out)->u.stat.error = in->relative_error;
    return CH_OK;
}

static int decode_freq_items(ch_decoder *d, const PB(StatFreqItems) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(decode_stat(d, CH_PLAN_FREQ_ITEMS, in->input, in->n_cols, in->cols, out, err));
    (*out)->u.stat.support = in->_support_case ? in->support : 0.01;
    return CH_OK;
}

static int decode_sample_by(ch_decoder *d, const PB(StatSampleBy) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_SAMPLE_BY, in->input, out, err));
    ch_plan *p = *out;
    p->u.sample_by.n = in->n_fractions;
    p->u.sample_by.strata = CH_NEW_ARRAY(d->arena, ch_literal, in->n_fractions);
    p->u.sample_by.fractions = CH_NEW_ARRAY(d->arena, double, in->n_fractions);
    for (size_t i = 0; i < in->n_fractions; i++) {
        const PB(StatSampleBy__Fraction) *f = in->fractions[i];
        p->u.sample_by.fractions[i] = f->fraction;
        CH_TRY(ch_decode_literal(d->arena, f->stratum, &p->u.sample_by.strata[i], err));
    }
    p->u.sample_by.seed = in->_seed_case ? in->seed : random_seed();
    return ch_decode_expression(d, in->col, &p->u.sample_by.col, err);
}

static int decode_na(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *input, size_t ncol, char *const *cols,
                     ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, kind, input, out, err));
    (*out)->u.na.ncol = ncol;
    (*out)->u.na.cols = ch_borrow_names(d, ncol, cols);
    (*out)->u.na.min_non_nulls = -1;
    return CH_OK;
}

static int decode_fill(ch_decoder *d, const PB(NAFill) *in, ch_plan **out, ch_error *err)
{
    if (in->n_values == 0) return ch_invalid_plan(err, "values must contains at least 1 item!");
    if (in->n_values > 1 && in->n_values != in->n_cols) {
        return ch_invalid_plan(err,
                               "When values contains more than 1 items, values and cols should have the same length!");
    }
    CH_TRY(decode_na(d, CH_PLAN_NA_FILL, in->input, in->n_cols, in->cols, out, err));
    (*out)->u.na.nvalue = in->n_values;
    return decode_literals(d, in->n_values, in->values, &(*out)->u.na.values, err);
}

static int decode_drop_na(ch_decoder *d, const PB(NADrop) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(decode_na(d, CH_PLAN_NA_DROP, in->input, in->n_cols, in->cols, out, err));
    if (in->_min_non_nulls_case) (*out)->u.na.min_non_nulls = in->min_non_nulls;
    return CH_OK;
}

static int decode_replace(ch_decoder *d, const PB(NAReplace) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(decode_na(d, CH_PLAN_NA_REPLACE, in->input, in->n_cols, in->cols, out, err));
    size_t n = in->n_replacements;
    ch_literal *values = CH_NEW_ARRAY(d->arena, ch_literal, 2 * n);
    for (size_t i = 0; i < n; i++) {
        CH_TRY(ch_decode_literal(d->arena, in->replacements[i]->old_value, &values[2 * i], err));
        CH_TRY(ch_decode_literal(d->arena, in->replacements[i]->new_value, &values[2 * i + 1], err));
    }
    (*out)->u.na.nvalue = 2 * n;
    (*out)->u.na.values = values;
    return CH_OK;
}

static int decode_show(ch_decoder *d, const PB(ShowString) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_SHOW_STRING, in->input, out, err));
    (*out)->u.show.rows = in->num_rows;
    (*out)->u.show.truncate = in->truncate;
    (*out)->u.show.vertical = in->vertical != 0;
    return CH_OK;
}

static int decode_html(ch_decoder *d, const PB(HtmlString) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_HTML_STRING, in->input, out, err));
    (*out)->u.show.rows = in->num_rows;
    (*out)->u.show.truncate = in->truncate;
    return CH_OK;
}

static int decode_unpivot(ch_decoder *d, const PB(Unpivot) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_UNPIVOT, in->input, out, err));
    ch_plan *p = *out;
    p->u.unpivot.nid = in->n_ids;
    p->u.unpivot.variable = in->variable_column_name;
    p->u.unpivot.value = in->value_column_name;
    CH_TRY(ch_decode_expressions(d, in->n_ids, in->ids, &p->u.unpivot.ids, err));
    if (!in->_values_case) return CH_OK;
    p->u.unpivot.has_values = true;
    p->u.unpivot.nvalue = in->values->n_values;
    return ch_decode_expressions(d, in->values->n_values, in->values->values, &p->u.unpivot.values, err);
}

static int decode_transpose(ch_decoder *d, const PB(Transpose) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_TRANSPOSE, in->input, out, err));
    (*out)->u.transpose.n = in->n_index_columns;
    return ch_decode_expressions(d, in->n_index_columns, in->index_columns, &(*out)->u.transpose.index, err);
}

static int decode_parse(ch_decoder *d, const PB(Parse) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_PARSE, in->input, out, err));
    ch_plan *p = *out;
    switch (in->format) {
    case SPARK__CONNECT__PARSE__PARSE_FORMAT__PARSE_FORMAT_CSV: p->u.parse.format = "csv"; break;
    case SPARK__CONNECT__PARSE__PARSE_FORMAT__PARSE_FORMAT_JSON: p->u.parse.format = "json"; break;
    default: return ch_enum_invalid(err, PB_TYPE(parse__parse_format), (int)in->format);
    }
    CH_DECODE_OPTIONS(d, in->n_options, in->options, &p->u.parse.noption, &p->u.parse.options);
    if (!in->_schema_case) return CH_OK;
    CH_TRY(ch_decode_type(d->arena, in->schema, &p->u.parse.schema, err));
    if (p->u.parse.schema->kind == CH_STRUCT) return CH_OK;
    return ch_invalid_plan(err, "Invalid schema: it is no struct.");
}

static int decode_metrics(ch_decoder *d, const PB(CollectMetrics) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_COLLECT_METRICS, in->input, out, err));
    (*out)->u.metrics.name = in->name;
    (*out)->u.metrics.n = in->n_metrics;
    return ch_decode_expressions(d, in->n_metrics, in->metrics, &(*out)->u.metrics.exprs, err);
}

int ch_decode_derived(ch_decoder *d, const PB(Relation) *in, ch_plan **out, ch_error *err)
{
    switch (in->rel_type_case) {
    case SPARK__CONNECT__RELATION__REL_TYPE_SHOW_STRING: return decode_show(d, in->show_string, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_HTML_STRING: return decode_html(d, in->html_string, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DESCRIBE:
        return decode_stat(d, CH_PLAN_DESCRIBE, in->describe->input, in->describe->n_cols, in->describe->cols, out,
                           err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SUMMARY: return decode_summary(d, in->summary, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CROSSTAB:
        return decode_pair(d, CH_PLAN_CROSSTAB, in->crosstab->input, in->crosstab->col1, in->crosstab->col2, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_COV:
        return decode_pair(d, CH_PLAN_COV, in->cov->input, in->cov->col1, in->cov->col2, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CORR: return decode_corr(d, in->corr, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_APPROX_QUANTILE: return decode_quantile(d, in->approx_quantile, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_FREQ_ITEMS: return decode_freq_items(d, in->freq_items, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SAMPLE_BY: return decode_sample_by(d, in->sample_by, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_FILL_NA: return decode_fill(d, in->fill_na, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DROP_NA: return decode_drop_na(d, in->drop_na, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_REPLACE: return decode_replace(d, in->replace, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_UNPIVOT: return decode_unpivot(d, in->unpivot, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TRANSPOSE: return decode_transpose(d, in->transpose, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_PARSE: return decode_parse(d, in->parse, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_COLLECT_METRICS: return decode_metrics(d, in->collect_metrics, out, err);
    default: return ch_oneof_unsupported(err, PB_TYPE(relation), (int)in->rel_type_case, "Relation");
    }
}
