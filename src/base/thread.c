/* thread.c: the number of threads the process may use. */
#include "base/thread.h"

#include <sched.h>
#include <stdatomic.h>

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
