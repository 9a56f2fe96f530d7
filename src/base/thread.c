/* thread.c: the number of threads the process may use. */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int wanted; /* 0 = as many as there are cores */

static int usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int cores = CPU_COUNT(&set);
    return cores > 0 ? cores : 1;
}

int ch_threads(void)
{
    int count = atomic_load(&wanted);
    return count > 0 ? count : usable_cores();
}

void ch_threads_set(int count)
{
    atomic_store(&wanted, count > 0 ? count : 0);
}

/* Holds a team of more threads than there are cores, all asleep, until the process ends. */
static void *hold_team(void *arg)
{
    (void)arg;
    const int count = usable_cores() + 1;
    atomic_int started = 0;
#pragma omp parallel num_threads(count)
    atomic_fetch_add(&started, 1);
    while (atomic_load(&started)) pause();
    return NULL;
}

/* How long to spin is read from the environment before main starts. But libgomp spins only for an instant while a
 * process has more OpenMP threads than cores (its manual, GOMP_SPINCOUNT), so a sleeping team does it, too. */
void ch_threads_wait_asleep(void)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || usable_cores() == 1) return;
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the other threads */
    if (!pthread_create(&thread, NULL, hold_team, NULL)) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
