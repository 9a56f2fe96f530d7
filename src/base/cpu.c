/* cpu.c: CPU time of the process without that of threads that stand aside. */
#include "base/cpu.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { ASIDE_MOST = 256 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static clockid_t aside[ASIDE_MOST];
static size_t naside;
static int64_t ended_ns; /* of those that stood aside and have ended */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its destructor runs at a thread's end */
static _Thread_local clockid_t own;

int64_t ch_clock_ns(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) ? 0 : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void leave(void *clock)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < naside; i++) {
        if (aside[i] != *(clockid_t *)clock) continue;
        ended_ns += ch_clock_ns(aside[i]);
        aside[i] = aside[--naside];
        break;
    }
    pthread_mutex_unlock(&mutex);
}

static void make_key(void)
{
    pthread_key_create(&key, leave);
}

void ch_cpu_stand_aside(void)
{
    if (own) return;
    pthread_once(&once, make_key);
    if (pthread_getcpuclockid(pthread_self(), &own)) return;
    pthread_mutex_lock(&mutex);
    if (naside < ASIDE_MOST) aside[naside++] = own;
    pthread_mutex_unlock(&mutex);
    pthread_setspecific(key, &own);
}

int64_t ch_cpu_working_ns(void)
{
    pthread_mutex_lock(&mutex);
    int64_t others = ended_ns;
    for (size_t i = 0; i < naside; i++) others += ch_clock_ns(aside[i]);
    pthread_mutex_unlock(&mutex);
    return ch_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - others;
}
