/* pool.c: a stack of idle threads, each waiting on its own condition for its next job. */
#include "connect/pool.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { IDLE_SECONDS = 20 };

typedef struct worker {
    struct worker *next; /* in the stack of idle ones */
    pthread_cond_t wake;
    ch_pool *pool;
    void (*fn)(void *arg); /* the next job; NULL while idle */
    void *arg;
} worker;

struct ch_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job or a thread ended */
    worker *idle;           /* the one that went idle last is first: its stack is warm */
    size_t alive, busy, max;
    size_t stack_bytes;
    bool ending;
};

static void init_clock_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static struct timespec deadline_after(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

ch_pool *ch_pool_new(size_t max_threads, size_t stack_bytes)
{
    ch_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    init_clock_cond(&pool->changed);
    pool->max = max_threads;
    pool->stack_bytes = stack_bytes;
    return pool;
}

static void leave_idle(ch_pool *pool, const worker *w)
{
    for (worker **at = &pool->idle; *at; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            return;
        }
    }
}

/* Waits for a job, with the lock held; false when the thread is to end. */
static bool wait_for_job(worker *w)
{
    ch_pool *pool = w->pool;
    w->next = pool->idle;
    pool->idle = w;
    struct timespec deadline = deadline_after(IDLE_SECONDS * 1000L);
    while (!w->fn && !pool->ending) {
        if (pthread_cond_timedwait(&w->wake, &pool->lock, &deadline)) break;
    }
    if (w->fn) return true; /* whoever gave the job took the worker off the stack */
    leave_idle(pool, w);
    return false;
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    ch_pool *pool = w->pool;
    pthread_mutex_lock(&pool->lock);
    do {
        pthread_mutex_unlock(&pool->lock);
        w->fn(w->arg);
        pthread_mutex_lock(&pool->lock);
        w->fn = NULL;
        pool->busy--;
        pthread_cond_broadcast(&pool->changed);
    } while (!pool->ending && wait_for_job(w));
    pool->alive--;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&w->wake);
    free(w);
    return NULL;
}

/* Starts a thread with its first job; the lock is held. */
static bool start_worker(ch_pool *pool, void (*fn)(void *), void *arg)
{
    worker *w = calloc(1, sizeof *w);
    if (!w) return false;
    init_clock_cond(&w->wake);
    w->pool = pool;
    w->fn = fn;
    w->arg = arg;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, pool->stack_bytes);
    pthread_t thread;
    int failed = pthread_create(&thread, &attr, worker_main, w);
    pthread_attr_destroy(&attr);
    if (failed) {
        ch_log(CH_LOG_ERROR, "cannot start a thread (%zu are running)", pool->alive);
        pthread_cond_destroy(&w->wake);
        free(w);
        return false;
    }
    pool->alive++;
    return true;
}

bool ch_pool_run(ch_pool *pool, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&pool->lock);
    bool ok = !pool->ending;
    worker *w = pool->idle;
    if (ok && w) {
        pool->idle = w->next;
        w->fn = fn;
        w->arg = arg;
        pthread_cond_signal(&w->wake);
    } else if (ok) {
        ok = pool->alive < pool->max && start_worker(pool, fn, arg);
    }
    if (ok) pool->busy++;
    pthread_mutex_unlock(&pool->lock);
    return ok;
}

bool ch_pool_drain(ch_pool *pool, long timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0) {
        if (pthread_cond_timedwait(&pool->changed, &pool->lock, &deadline)) break;
    }
    bool drained = pool->busy == 0;
    pthread_mutex_unlock(&pool->lock);
    return drained;
}

void ch_pool_free(ch_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    for (worker *w = pool->idle; w; w = w->next) pthread_cond_signal(&w->wake);
    while (pool->alive > 0) pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
