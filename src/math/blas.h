/* blas.h: OpenBLAS as kernels use it: each call on the thread that makes it.
 *
 * Kernels are parallel over blocks of rows themselves. A BLAS that starts threads of its own would compete with them,
 * and how it splits a product would change the order of the sums with the number of threads.
 */
#ifndef CHERT_MATH_BLAS_H
#define CHERT_MATH_BLAS_H

#include <cblas.h>

/* Call it before the first BLAS call of a kernel, outside of parallel regions; cheap to repeat. */
static inline void ch_blas_setup(void)
{
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
}

#endif
