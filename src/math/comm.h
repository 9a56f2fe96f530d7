/* comm.h: the one door through which partial results of a training step are added up.
 *
 * Today there is one process, so the sum over all workers is the local value and every call returns at once. Kernels
 * still send each reduction (gradient, histogram, sums) through here, so that training can later be spread over an
 * existing distributed engine without touching them. comm may be NULL: this process alone.
 */
#ifndef CHERT_MATH_COMM_H
#define CHERT_MATH_COMM_H

#include "base/error.h"

#include <stddef.h>

typedef struct ch_comm {
    int rank, size;
    /* Replaces values[0..n) on every worker by their sum over the workers, added in rank order. */
    int (*sum)(struct ch_comm *comm, double *values, size_t n, ch_error *err);
} ch_comm;

static inline int ch_comm_sum(ch_comm *comm, double *values, size_t n, ch_error *err)
{
    return comm ? comm->sum(comm, values, n, err) : 0;
}

#endif
