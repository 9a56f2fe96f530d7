/* meter.c: accounts of running operations, brought up to date whenever one begins or ends, and by a thread every 20 ms
 * while any runs. */
#include "connect/meter.h"

#include "base/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    EVERY_MS = 20,
    LINGER_ROUNDS = 50 /* the thread looks on for a while after the last operation, so that the next need not wake it */
};

struct ch_meter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    ch_measure *first; /* running */
    int64_t n;
    int64_t working_ns; /* of ch_cpu_working_ns when last looked at */
    int statm;
    pthread_t sampler;
    bool sampling, asleep, ending;
};

static int64_t resident_bytes(const ch_meter *m)
{
    char text[128];
    long pages = 0;
    ssize_t n = m->statm < 0 ? -1 : pread(m->statm, text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = '\0';
    return sscanf(text, "%*s %ld", &pages) == 1 ? pages * sysconf(_SC_PAGESIZE) : 0;
}

/* Brings all accounts up to date; the lock is held. Clocks are read one after the other, so what is shared may come out
 * too high or below nothing: the next time makes that good. */
static void settle(ch_meter *m)
{
    int64_t working = ch_cpu_working_ns(), shared = working - m->working_ns;
    for (ch_measure *r = m->first; r; r = r->next) {
        int64_t now = ch_clock_ns(r->thread);
        shared -= now - r->thread_ns;
        r->own_ns += now - r->thread_ns;
        r->thread_ns = now;
    }
    for (ch_measure *r = m->first; r; r = r->next) r->shared_ns += shared / m->n;
    m->working_ns = working;
}

static void weigh(ch_meter *m)
{
    int64_t bytes = resident_bytes(m);
    for (ch_measure *r = m->first; r; r = r->next) {
        if (bytes > r->bytes_most) r->bytes_most = bytes;
    }
}

static void wait_a_round(ch_meter *m)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += EVERY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!m->ending && pthread_cond_timedwait(&m->wake, &m->lock, &until) != ETIMEDOUT) continue;
}

static void *sample(void *arg)
{
    ch_meter *m = arg;
    ch_cpu_stand_aside();
    pthread_mutex_lock(&m->lock);
    for (int idle = 0; !m->ending;) {
        idle = m->first ? 0 : idle + 1;
        if (m->first) {
            settle(m);
            weigh(m);
        }
        m->asleep = idle > LINGER_ROUNDS;
        while (m->asleep && !m->first && !m->ending) pthread_cond_wait(&m->wake, &m->lock);
        m->asleep = false;
        wait_a_round(m);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

ch_meter *ch_meter_new(void)
{
    ch_meter *m = calloc(1, sizeof *m);
    if (!m) abort(); /* as ch_buf: at start-up */
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->wake, NULL);
    m->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    m->sampling = pthread_create(&m->sampler, NULL, sample, m) == 0;
    return m;
}

void ch_meter_free(ch_meter *m)
{
    if (!m) return;
    pthread_mutex_lock(&m->lock);
    m->ending = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    if (m->sampling) pthread_join(m->sampler, NULL);
    if (m->statm >= 0) close(m->statm);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void ch_meter_begin(ch_meter *m, ch_measure *measure)
{
    if (pthread_getcpuclockid(pthread_self(), &measure->thread)) measure->thread = CLOCK_THREAD_CPUTIME_ID;
    pthread_mutex_lock(&m->lock);
    settle(m); /* what was used up to now is others' */
    measure->thread_ns = ch_clock_ns(measure->thread);
    measure->bytes_before = measure->bytes_most = resident_bytes(m);
    measure->met = m->first;
    if (m->first) m->first->met = true; /* the others have met it */
    measure->next = m->first;
    if (m->first) m->first->previous = measure;
    m->first = measure;
    m->n++;
    if (m->asleep) pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

static ch_cost cost_of(const ch_measure *measure)
{
    int64_t shared = measure->shared_ns > 0 ? measure->shared_ns : 0;
    return (ch_cost){.cpu_ns = measure->own_ns + shared,
                     .peak_bytes = measure->bytes_most - measure->bytes_before,
                     .alone = !measure->met};
}

void ch_meter_end(ch_meter *m, ch_measure *measure, ch_cost *cost)
{
    pthread_mutex_lock(&m->lock);
    settle(m);
    weigh(m);
    if (measure->next) measure->next->previous = measure->previous;
    if (measure->previous) {
        measure->previous->next = measure->next;
    } else {
        m->first = measure->next;
    }
    m->n--;
    *cost = cost_of(measure);
    pthread_mutex_unlock(&m->lock);
}

void ch_meter_look(ch_meter *m, const ch_measure *measure, ch_cost *cost)
{
    pthread_mutex_lock(&m->lock);
    settle(m);
    weigh(m);
    *cost = cost_of(measure);
    pthread_mutex_unlock(&m->lock);
}
