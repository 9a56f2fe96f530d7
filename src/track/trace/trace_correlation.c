/* trace_correlation.c: how much more often two things are true of the same trace than chance would have it: normalised
 * pointwise mutual information (Bouma, 2009), between -1 (never together) and 1 (always together). */
#include "track/names.h"
#include "track/trace/trace_search.h"

#include <math.h>
#include <stdlib.h>

static const double JEFFREYS = 0.5; /* what smoothing adds to each cell */

typedef struct question {
    ch_call *call;
    json_t *experiments;
    ch_filter base, one, other;
    int64_t total, ones, others, both;
} question;

/* Of a table of counts: both, only the first, only the second, neither. */
static double correlation(double both, double first, double second, double neither, double smoothing)
{
    bool always = first == 0 && second == 0 && neither == 0;
    both += smoothing;
    double ones = both + first + smoothing, others = both + second + smoothing;
    double total = ones + second + neither + 2 * smoothing;
    if (ones <= 0 || others <= 0 || both <= 0) return NAN;
    if (always) return 1;
    double information = log(both) + log(total) - log(ones) - log(others);
    return fmax(-1, fmin(1, information / (log(total) - log(both))));
}

static int count(ch_db *db, const question *q, const ch_filter *one, const ch_filter *other, int64_t *out,
                 ch_error *err)
{
    size_t i;
    bool more;
    json_t *item;
    ch_select query;
    ch_select_init(&query, q->call->arena, ch_db_dialect(db));
    ch_select_sql(&query, "SELECT COUNT(*) FROM traces t WHERE t.experiment IN (-1");
    json_array_foreach(q->experiments, i, item)
    {
        ch_select_sql(&query, ", ");
        ch_select_int(&query, strtoll(ch_or_empty(json_string_value(item)), NULL, 10));
    }
    ch_select_sql(&query, ")");
    ch_trace_search_write(&q->base, &query);
    if (one) ch_trace_search_write(one, &query);
    if (other) ch_trace_search_write(other, &query);
    ch_select_start(&query, db);
    int status = ch_db_next(db, &more, err);
    *out = status || !more ? 0 : ch_db_get_int(db, 0);
    ch_select_reset(&query);
    return status;
}

static int do_count(ch_db *db, void *arg, ch_error *err)
{
    question *q = arg;
    CH_TRY(count(db, q, NULL, NULL, &q->total, err));
    CH_TRY(count(db, q, &q->one, NULL, &q->ones, err));
    CH_TRY(count(db, q, &q->other, NULL, &q->others, err));
    return count(db, q, &q->one, &q->other, &q->both, err);
}

static int correlate(ch_call *call)
{
    question q = {.call = call, .experiments = ch_call_list(call, "experiment_ids")};
    CH_TRY(ch_trace_search_parse(call, ch_call_string(call, "base_filter"), &q.base));
    CH_TRY(ch_trace_search_parse(call, ch_call_string(call, "filter_string1"), &q.one));
    CH_TRY(ch_trace_search_parse(call, ch_call_string(call, "filter_string2"), &q.other));
    CH_DB(call, ch_db_read(call->track->pool, do_count, &q, &call->error));
    double both = (double)q.both, first = (double)(q.ones - q.both), second = (double)(q.others - q.both);
    double neither = (double)(q.total - q.ones - q.others + q.both);
    bool defined = q.ones > 0 && q.others > 0;
    double plain = !defined ? NAN : q.both ? correlation(both, first, second, neither, 0) : -1;
    double smoothed = defined ? correlation(both, first, second, neither, JEFFREYS) : NAN;
    if (!isnan(plain)) ch_json_member_double(&call->out, "npmi", plain);
    if (!isnan(smoothed)) ch_json_member_double(&call->out, "npmi_smoothed", smoothed);
    ch_json_member_int(&call->out, "filter1_count", q.ones);
    ch_json_member_int(&call->out, "filter2_count", q.others);
    ch_json_member_int(&call->out, "joint_count", q.both);
    ch_json_member_int(&call->out, "total_count", q.total);
    return 0;
}

/* clang-format off */
static const ch_track_route ROUTES[] = {
    {"POST", "traces/calculate-filter-correlation", correlate,
     {{"experiment_ids", CH_P_LIST, true}, {"filter_string1", CH_P_STRING, true}, {"filter_string2", CH_P_STRING, true},
      {"base_filter", CH_P_STRING, false}}, CH_READ, CH_ON_EXPERIMENT, "experiment_ids", 0, NULL},
};
/* clang-format on */

const ch_track_table ch_trace_correlation_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
