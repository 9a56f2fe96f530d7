/* summarize.h: weighted statistics of each column, as org.apache.spark.ml.stat.SummarizerBuffer defines them.
 *
 * The running (Welford) update is Spark's own and walks the rows in order, so that a matrix of up to
 * CH_SUMMARY_CHUNK_ROWS rows gives the very bits that Spark gives for one partition; longer ones are chunks merged in
 * order, as Spark merges partitions.
 */
#ifndef CHERT_MATH_SUMMARIZE_H
#define CHERT_MATH_SUMMARIZE_H

#include "base/error.h"
#include "base/task.h"
#include "math/comm.h"
#include "math/matrix.h"

#include <stddef.h>
#include <stdint.h>

enum { CH_SUMMARY_CHUNK_ROWS = 1 << 20 };

/* All arrays are (cols) and owned by the summary. Rows of weight 0 count nowhere, not even in `count`. */
typedef struct ch_summary {
    size_t cols;
    int64_t count; /* rows of positive weight */
    double weight_sum;
    double *mean, *sum;
    double *variance, *std; /* unbiased for reliability weights: divided by W - (sum of w^2) / W; 0 when that is <= 0 */
    double *min, *max;
    double *nonzeros;          /* rows whose value is not 0, unweighted */
    double *norm_l1, *norm_l2; /* sum of w |x|, square root of the sum of w x^2 */
} ch_summary;

/* Statistics of every column of m. With no row of positive weight count is 0 and every array is 0 (min DBL_MAX, max
 * -DBL_MAX): the caller decides whether that is an error ("Nothing has been added to this summarizer."). */
int ch_summarize(const ch_matrix *m, ch_comm *comm, ch_task *task, ch_summary *out, ch_error *err);
void ch_summary_reset(ch_summary *summary);

/* The same from batches of dense rows, for callers that have no matrix at hand (scalers over a stream). */
typedef struct ch_summarizer ch_summarizer;
ch_summarizer *ch_summarizer_new(size_t cols); /* NULL on no memory */
/* rows is (n, cols) row-major; weight is (n) or NULL. */
void ch_summarizer_add(ch_summarizer *s, const double *rows, const double *weight, size_t n);
int ch_summarizer_finish(const ch_summarizer *s, ch_summary *out, ch_error *err);
void ch_summarizer_free(ch_summarizer *s);

#endif
