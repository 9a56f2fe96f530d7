/* metrics.h: numbers about the running process, told as Prometheus text on GET /metrics.
 *
 *     static ch_metric scored = {.kind = CH_COUNTER, .name = "chert_scoring_rows_total",
 *                                .help = "Rows scored.", .labels = {"model", "version"}};
 *     ...
 *     ch_metric_add(ch_metric_cell_of(&scored, "leads", "3", NULL), rows);
 *
 * A family is a static variable that registers itself with its first cell. A cell is one combination of label values;
 * it lives as long as the process, so hot paths may keep its address. Finding, counting and observing take no lock.
 * Label values must come from a bounded set (routes, model names), never from what a client made up: beyond
 * CH_METRIC_CELLS_MAX combinations a family counts everything new in one cell with the label values "other".
 */
#ifndef CHERT_BASE_METRICS_H
#define CHERT_BASE_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

enum { CH_METRIC_LABELS_MAX = 3, CH_METRIC_CELLS_MAX = 5000, CH_METRIC_SLOTS = 1024 };

typedef enum ch_metric_kind {
    CH_COUNTER,
    CH_GAUGE,
    CH_HISTOGRAM, /* of seconds */
    CH_HISTOGRAM_BYTES
} ch_metric_kind;

typedef struct ch_metric_cell ch_metric_cell;

typedef struct ch_metric {
    ch_metric_kind kind;
    const char *name, *help;
    const char *labels[CH_METRIC_LABELS_MAX]; /* names; NULL after the last */

    /* the registry's own: leave zero */
    _Atomic(ch_metric_cell *) slots[CH_METRIC_SLOTS];
    ch_metric_cell *first, *last, *other;
    struct ch_metric *next;
    int ncell;
} ch_metric;

/* The cell of these label values; NULL for those beyond the family's labels. Any thread. */
ch_metric_cell *ch_metric_cell_of(ch_metric *metric, const char *one, const char *two, const char *three);

void ch_metric_add(ch_metric_cell *cell, uint64_t more);    /* to a counter */
void ch_metric_set(ch_metric_cell *cell, double value);     /* a gauge */
void ch_metric_observe(ch_metric_cell *cell, double value); /* into a histogram */

/* Has fn(arg) called before each text is made, to set gauges that nobody keeps up to date otherwise. For ever, or until
 * ch_metrics_forget with the same pair. */
void ch_metrics_collect(void (*fn)(void *arg), void *arg);
void ch_metrics_forget(void (*fn)(void *arg), void *arg);

/* Appends all families and the usual process_* numbers in Prometheus' text format 0.0.4. */
void ch_metrics_write(ch_buf *out);

#endif
