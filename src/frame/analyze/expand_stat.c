/* expand_stat.c: describe, summary and df.stat (org.apache.spark.sql.execution.stat.StatFunctions, FrequentItems). */
#include "frame/analyze/expand_internal.h"
#include "frame/function/function.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- describe and summary --- */

static ch_expr *as_double(ch_expander *x, ch_expr *e)
{
    if (ch_type_is_string(e->type)) {
        e = ch_expr_cast(x->arena, e, &ch_type_double);
        e->u.cast.mode = CH_CAST_TRY; /* text that is no number counts as missing */
    }
    return e;
}

static int unrecognized(const char *stat, ch_error *err)
{
    char quoted[80];
    snprintf(quoted, sizeof quoted, "'%s'", stat);
    ch_raise(err, "UNRECOGNIZED_STATISTIC", "stats", quoted, (char *)NULL);
    return err->kind = CH_E_ILLEGAL_ARGUMENT;
}

static int percentile_of(const char *stat, double *p, ch_error *err)
{
    char *end;
    *p = strtod(stat, &end) / 100;
    if (end == stat || strcmp(end, "%"))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Unable to parse %s as a percentile", stat);
    if (!(*p >= 0 && *p <= 1))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Percentiles must be in the range [0, 1]");
    return 0;
}

/* The aggregate of one statistic over one column. */
static int statistic(ch_expander *x, const char *stat, size_t column, ch_expr **out, ch_error *err)
{
    static const struct {
        const char *stat, *function;
        bool number, distinct;
    } rows[] = {{"count", "count", false, false},
                {"count_distinct", "count", false, true},
                {"approx_count_distinct", "approx_count_distinct", false, false},
                {"mean", "avg", true, false},
                {"stddev", "stddev_samp", true, false},
                {"min", "min", false, false},
                {"max", "max", false, false}};
    ch_expr *e = ch_x_column(x, x->input, column);
    size_t len = strlen(stat);
    if (len && stat[len - 1] == '%') {
        double p;
        CH_TRY(percentile_of(stat, &p, err));
        *out = ch_expr_call(x->arena, "percentile_approx", 2, as_double(x, e), ch_expr_double(x->arena, p));
        return 0;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcasecmp(stat, rows[i].stat)) {
            *out = ch_expr_call(x->arena, rows[i].function, 1, rows[i].number ? as_double(x, e) : e);
            (*out)->u.call.distinct = rows[i].distinct;
            return 0;
        }
    return unrecognized(stat, err);
}

static int described_columns(ch_expander *x, size_t *n, size_t **columns, ch_error *err)
{
    size_t given = x->plan->u.stat.ncol;
    *columns = CH_NEW_ARRAY(x->arena, size_t, x->input->ncol + given);
    *n = 0;
    for (size_t i = 0; i < (given ? given : x->input->ncol); i++) {
        size_t at = i;
        if (given) CH_TRY(ch_x_find(x, x->plan->u.stat.cols[i], &at, err));
        const ch_type *t = x->input->cols[at].type;
        if (ch_type_is_numeric(t) || ch_type_is_string(t)) (*columns)[(*n)++] = at;
    }
    return 0;
}

/* One row of all statistics of all columns as text, then unfolded into a row a statistic. */
int ch_expand_describe(ch_expander *x, ch_plan **out, ch_error *err)
{
    static const char *const describe[] = {"count", "mean", "stddev", "min", "max"};
    static const char *const summary[] = {"count", "mean", "stddev", "min", "25%", "50%", "75%", "max"};
    const char *const *stats = x->plan->kind == CH_PLAN_DESCRIBE ? describe : summary;
    size_t nstat = x->plan->kind == CH_PLAN_DESCRIBE ? 5 : 8, n, *columns;
    if (x->plan->u.stat.nstat) {
        stats = x->plan->u.stat.stats;
        nstat = x->plan->u.stat.nstat;
    }
    CH_TRY(described_columns(x, &n, &columns, err));
    ch_expr **aggs = CH_NEW_ARRAY(x->arena, ch_expr *, nstat * n + 1);
    for (size_t i = 0; i < nstat; i++)
        for (size_t j = 0; j < n; j++) {
            ch_expr *e;
            CH_TRY(statistic(x, stats[i], columns[j], &e, err));
            e = ch_expr_cast(x->arena, e, &ch_type_string);
            aggs[i * n + j] = ch_expr_alias(x->arena, e, ch_arena_printf(x->arena, "s%zu_%zu", i, j));
        }
    aggs[nstat * n] = ch_expr_alias(x->arena, ch_expr_call(x->arena, "count", 1, ch_expr_int(x->arena, 1)), "rows");
    ch_expr ***cells = CH_NEW_ARRAY(x->arena, ch_expr **, nstat);
    const char **names = CH_NEW_ARRAY(x->arena, const char *, n + 1);
    for (size_t i = 0; i < nstat; i++) {
        cells[i] = CH_NEW_ARRAY(x->arena, ch_expr *, n + 1);
        cells[i][0] = ch_expr_cast(x->arena, ch_expr_string(x->arena, stats[i]), &ch_type_string);
        for (size_t j = 0; j < n; j++)
            cells[i][j + 1] = ch_expr_name(x->arena, ch_arena_printf(x->arena, "s%zu_%zu", i, j));
    }
    names[0] = "summary";
    for (size_t j = 0; j < n; j++) names[j + 1] = x->input->cols[columns[j]].name;
    ch_plan *totals = ch_x_aggregate(x, ch_x_input(x), 0, NULL, nstat * n + 1, aggs);
    *out = ch_x_unfold(x, totals, 0, NULL, nstat, n + 1, cells, names);
    return 0;
}

/* --- corr, cov, approxQuantile --- */

static int two_columns(ch_expander *x, size_t at[2], ch_error *err)
{
    if (x->plan->u.stat.ncol != 2)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: two columns are needed");
    for (int i = 0; i < 2; i++) CH_TRY(ch_x_find(x, x->plan->u.stat.cols[i], &at[i], err));
    return 0;
}

/* Nulls count as 0, as in Spark. */
int ch_expand_correlation(ch_expander *x, ch_plan **out, ch_error *err)
{
    bool corr = x->plan->kind == CH_PLAN_CORR;
    size_t at[2];
    ch_expr *args[2];
    CH_TRY(two_columns(x, at, err));
    for (int i = 0; i < 2; i++) {
        const ch_type *t = x->input->cols[at[i]].type;
        if (!ch_type_is_numeric(t)) {
            ch_buf name = {0};
            ch_type_simple(&name, t);
            ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                     "requirement failed: Currently %s calculation for columns with dataType %s not supported.",
                     corr ? "correlation" : "covariance", ch_buf_text(&name));
            ch_buf_reset(&name);
            return (int)err->kind;
        }
        ch_expr *e = ch_expr_cast(x->arena, ch_x_column(x, x->input, at[i]), &ch_type_double);
        args[i] = ch_expr_call(x->arena, "coalesce", 2, e, ch_expr_double(x->arena, 0));
    }
    ch_expr *e = ch_expr_call(x->arena, corr ? "corr" : "covar_samp", 2, args[0], args[1]);
    e = ch_expr_alias(x->arena, e, corr ? "corr" : "cov");
    *out = ch_x_aggregate(x, ch_x_input(x), 0, NULL, 1, ch_arena_dup(x->arena, &e, sizeof e));
    return 0;
}

/* Quantiles by Spark's summaries (math/quantiles.h), one array a column. NaN and null are left out. */
int ch_expand_quantile(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t n = x->plan->u.stat.ncol, np = x->plan->u.stat.nprob;
    ch_expr *columns = ch_expr_new(x->arena, CH_EX_CALL), *result;
    if (!(x->plan->u.stat.error >= 0))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: Relative Error must be non-negative but got %g", x->plan->u.stat.error);
    columns->u.call.name = "array";
    columns->u.call.n = n;
    columns->u.call.args = CH_NEW_ARRAY(x->arena, ch_expr *, n);
    ch_expr *probs = ch_expr_new(x->arena, CH_EX_CALL);
    probs->u.call.name = "array";
    probs->u.call.n = np;
    probs->u.call.args = CH_NEW_ARRAY(x->arena, ch_expr *, np);
    for (size_t j = 0; j < np; j++) {
        double p = x->plan->u.stat.probs[j];
        if (!(p >= 0 && p <= 1))
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                            "requirement failed: percentile should be in the range [0.0, 1.0]");
        probs->u.call.args[j] = ch_expr_double(x->arena, p);
    }
    for (size_t i = 0; i < n; i++) {
        size_t at;
        CH_TRY(ch_x_find(x, x->plan->u.stat.cols[i], &at, err));
        if (!ch_type_is_numeric(x->input->cols[at].type))
            return ch_failf(
                err, CH_E_ILLEGAL_ARGUMENT,
                "requirement failed: Quantile calculation for column %s is not supported: it is not numeric.",
                x->input->cols[at].name);
        ch_expr *value = ch_expr_cast(x->arena, ch_x_column(x, x->input, at), &ch_type_double);
        value = ch_expr_call(x->arena, "nanvl", 2, value, ch_expr_null(x->arena, &ch_type_double));
        ch_expr *error = ch_expr_double(x->arena, x->plan->u.stat.error);
        ch_expr *q = ch_expr_call(x->arena, "approx_quantile", 3, value, probs, error);
        q->u.call.fn = ch_function_find("approx_quantile");
        ch_expr *empty = ch_expr_null(x->arena, ch_type_array(x->arena, &ch_type_double, false));
        empty->u.literal.is_null = false; /* no values: no quantiles */
        columns->u.call.args[i] = ch_expr_call(x->arena, "coalesce", 2, q, empty);
    }
    result = ch_expr_alias(x->arena, columns, "approx_quantile");
    *out = ch_x_aggregate(x, ch_x_input(x), 0, NULL, 1, ch_arena_dup(x->arena, &result, sizeof result));
    return 0;
}

/* --- freqItems: Misra-Gries counters over the rows in order --- */

typedef struct counter {
    ch_literal item;
    long count;
} counter;

typedef struct counters {
    size_t n, limit;
    counter *items;
} counters;

static bool same_item(const ch_literal *a, const ch_literal *b)
{
    if (a->is_null || b->is_null) return a->is_null && b->is_null;
    if (ch_type_is_string(a->type))
        return a->v.bytes.len == b->v.bytes.len && !memcmp(a->v.bytes.data, b->v.bytes.data, a->v.bytes.len);
    if (a->type->kind == CH_DOUBLE || a->type->kind == CH_FLOAT)
        return a->v.real == b->v.real || (isnan(a->v.real) && isnan(b->v.real));
    return a->v.integer == b->v.integer;
}

/* FreqItemCounter.add: a full table makes room by taking the smallest count off everyone. */
static void count_item(ch_arena *arena, counters *c, const ch_literal *item)
{
    long least = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (same_item(&c->items[i].item, item)) {
            c->items[i].count++;
            return;
        }
        if (!least || c->items[i].count < least) least = c->items[i].count;
    }
    counter fresh = {.item = *item, .count = 1};
    if (ch_type_is_string(item->type) && !item->is_null)
        fresh.item.v.bytes.data = ch_arena_dup(arena, item->v.bytes.data, item->v.bytes.len + 1);
    if (c->n < c->limit) {
        c->items[c->n++] = fresh;
        return;
    }
    size_t kept = 0;
    if (1 - least < 0) { /* the newcomer is rarer than all: everyone pays its single count */
        for (size_t i = 0; i < c->n; i++) c->items[i].count--;
        return;
    }
    for (size_t i = 0; i < c->n; i++)
        if (c->items[i].count > least) {
            c->items[kept] = c->items[i];
            c->items[kept++].count -= least;
        }
    c->n = kept;
}

static bool read_item(const ch_column *c, size_t row, ch_literal *out)
{
    *out = (ch_literal){.type = c->type, .is_null = !ch_column_valid(c, row)};
    if (out->is_null) return true;
    switch (c->type->kind) {
    case CH_BOOLEAN: out->v.boolean = ((const uint8_t *)c->data)[row]; break;
    case CH_BYTE: out->v.integer = ((const int8_t *)c->data)[row]; break;
    case CH_SHORT: out->v.integer = ((const int16_t *)c->data)[row]; break;
    case CH_INT:
    case CH_DATE: out->v.integer = ((const int32_t *)c->data)[row]; break;
    case CH_LONG:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: out->v.integer = ((const int64_t *)c->data)[row]; break;
    case CH_FLOAT: out->v.real = ((const float *)c->data)[row]; break;
    case CH_DOUBLE: out->v.real = ((const double *)c->data)[row]; break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: {
        const ch_string *s = &((const ch_string *)c->data)[row];
        out->v.bytes.data = ch_string_data(s);
        out->v.bytes.len = ch_string_len(s);
        break;
    }
    default: return false;
    }
    return true;
}

static int count_all(ch_expander *x, size_t n, const size_t *at, counters *tables, ch_error *err)
{
    ch_query *q;
    const ch_batch *batch;
    CH_TRY(ch_query_open(x->session, x->plan->input, &q, err));
    int status = ch_query_start(q, NULL, err);
    while (!status && !(status = ch_query_next(q, &batch, err)) && batch)
        for (size_t r = 0; !status && r < batch->rows; r++)
            for (size_t j = 0; !status && j < n; j++) {
                ch_literal item;
                if (!read_item(&batch->cols[at[j]], r, &item))
                    status = ch_failf(err, CH_E_UNSUPPORTED, "freqItems of column %s: its type is not supported.",
                                      x->input->cols[at[j]].name);
                else
                    count_item(x->arena, &tables[j], &item);
            }
    ch_query_close(q);
    return status;
}

int ch_expand_freq_items(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t n = x->plan->u.stat.ncol, *at = CH_NEW_ARRAY(x->arena, size_t, n);
    double support = x->plan->u.stat.support;
    if (!(support >= 1e-4 && support <= 1))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Support must be in [1e-4, 1], but got %g.",
                        support);
    counters *tables = CH_NEW_ARRAY(x->arena, counters, n);
    ch_expr **cells = CH_NEW_ARRAY(x->arena, ch_expr *, n);
    const char **names = CH_NEW_ARRAY(x->arena, const char *, n);
    for (size_t j = 0; j < n; j++) {
        CH_TRY(ch_x_find(x, x->plan->u.stat.cols[j], &at[j], err));
        tables[j].limit = (size_t)(1 / support);
        tables[j].items = CH_NEW_ARRAY(x->arena, counter, tables[j].limit);
        names[j] = ch_arena_printf(x->arena, "%s_freqItems", x->input->cols[at[j]].name);
    }
    CH_TRY(count_all(x, n, at, tables, err));
    for (size_t j = 0; j < n; j++) {
        const ch_type *type = x->input->cols[at[j]].type;
        ch_literal list = {.type = ch_type_array(x->arena, type, true)};
        list.v.list.n = tables[j].n;
        list.v.list.items = CH_NEW_ARRAY(x->arena, ch_literal, tables[j].n);
        for (size_t i = 0; i < tables[j].n; i++) {
            list.v.list.items[i] = tables[j].items[i].item;
            list.v.list.items[i].type = type;
        }
        cells[j] = ch_expr_literal(x->arena, &list);
    }
    *out = ch_x_row(x, n, cells, names);
    return 0;
}

/* --- crosstab and sampleBy --- */

/* Text of a column with null as the word, as the table's margins show it. */
static ch_expr *label(ch_expander *x, size_t at)
{
    ch_expr *text = ch_expr_cast(x->arena, ch_expr_name(x->arena, x->input->cols[at].name), &ch_type_string);
    return ch_expr_call(x->arena, "coalesce", 2, text, ch_expr_string(x->arena, "null"));
}

/* groupBy(col1).pivot(col2).count() with 0 for what never met. Over the child as it was written, not as analysed: the
 * pivot looks for its values in a query of its own first. */
int ch_expand_crosstab(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t at[2];
    CH_TRY(two_columns(x, at, err));
    const char *title = ch_arena_printf(x->arena, "%s_%s", x->input->cols[at[0]].name, x->input->cols[at[1]].name);
    ch_expr **labels = CH_NEW_ARRAY(x->arena, ch_expr *, 2);
    labels[0] = ch_expr_alias(x->arena, label(x, at[0]), title);
    labels[1] = ch_expr_alias(x->arena, label(x, at[1]), "across");
    ch_expr **groups = CH_NEW_ARRAY(x->arena, ch_expr *, 1), **aggs = CH_NEW_ARRAY(x->arena, ch_expr *, 1);
    groups[0] = ch_expr_name(x->arena, title);
    aggs[0] = ch_expr_call(x->arena, "count", 1, ch_expr_int(x->arena, 1));
    ch_plan *pivot = ch_x_aggregate(x, ch_x_project(x, (ch_plan *)x->plan->input, 2, labels), 1, groups, 1, aggs);
    pivot->u.aggregate.kind = CH_GROUP_PIVOT;
    pivot->u.aggregate.pivot = ch_expr_name(x->arena, "across");
    ch_plan *fill = ch_plan_new(x->arena, CH_PLAN_NA_FILL, pivot);
    fill->u.na.nvalue = 1;
    fill->u.na.values = CH_NEW(x->arena, ch_literal);
    fill->u.na.values[0].type = &ch_type_long;
    *out = fill;
    return 0;
}

/* filter(rand(seed) < fraction of the row's stratum) */
int ch_expand_sample_by(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t n = x->plan->u.sample_by.n;
    ch_expr **args = CH_NEW_ARRAY(x->arena, ch_expr *, 2 * n + 1), *fraction;
    for (size_t i = 0; i < n; i++) {
        double f = x->plan->u.sample_by.fractions[i];
        if (!(f >= 0 && f <= 1))
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Fractions must be in [0, 1], but got %g.",
                            f);
        args[2 * i] = ch_expr_call(x->arena, "==", 2, x->plan->u.sample_by.col,
                                   ch_expr_literal(x->arena, &x->plan->u.sample_by.strata[i]));
        args[2 * i + 1] = ch_expr_double(x->arena, f);
    }
    args[2 * n] = ch_expr_double(x->arena, 0);
    fraction = args[2 * n];
    if (n) {
        fraction = ch_expr_new(x->arena, CH_EX_CALL);
        fraction->u.call.name = "when";
        fraction->u.call.n = 2 * n + 1;
        fraction->u.call.args = args;
    }
    ch_expr *draw = ch_expr_call(x->arena, "rand", 1, ch_expr_long(x->arena, x->plan->u.sample_by.seed));
    ch_plan *filter = ch_plan_new(x->arena, CH_PLAN_FILTER, ch_x_input(x));
    filter->u.condition = ch_expr_call(x->arena, "<", 2, draw, fraction);
    *out = filter;
    return 0;
}
