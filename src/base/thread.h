/* thread.h: how many threads the process may use. Set once at start-up (--threads), read by kernels as
 * `#pragma omp parallel num_threads(ch_threads())` and by the engine. */
#ifndef CHERT_BASE_THREAD_H
#define CHERT_BASE_THREAD_H

int ch_threads(void);           /* at least 1; the number of cores this process may run on unless set */
void ch_threads_set(int count); /* 0 = back to the default */

/* For programs whose cores have other work, too: lets OpenMP threads that wait for each other sleep soon. Without it
 * they spin for milliseconds at the end of every parallel region. Does nothing where the user has said how they are to
 * wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT). */
void ch_threads_wait_asleep(void);

#endif
