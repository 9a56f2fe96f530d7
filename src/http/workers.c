/* workers.c: the threads that run handlers which may wait, and their queue. It needs no bound of its own: a connection
 * has at most one request in it. */
#include "http/internal.h"

#include "base/cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

typedef struct worker_start {
    worker_pool *pool;
    void (*run)(ch_http_request *request);
} worker_start;

static void *work(void *arg)
{
    worker_start start = *(worker_start *)arg;
    free(arg);
    worker_pool *pool = start.pool;
    ch_cpu_stand_aside();
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->first && !pool->stopping) pthread_cond_wait(&pool->work, &pool->mutex);
        ch_http_request *request = pool->first;
        if (!request) break;
        pool->first = request->next_job;
        if (!pool->first) pool->last = NULL;
        pthread_mutex_unlock(&pool->mutex);
        start.run(request);
        pthread_mutex_lock(&pool->mutex);
        if (!--pool->reserved) pthread_cond_broadcast(&pool->idle);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

int ch_http_workers_start(worker_pool *pool, int count, void (*run)(ch_http_request *request), ch_error *err)
{
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_cond_init(&pool->work, NULL);
    pool->threads = calloc((size_t)count, sizeof(pthread_t));
    if (!pool->threads) return ch_no_memory(err);
    for (int i = 0; i < count; i++) {
        worker_start *start = malloc(sizeof *start);
        if (!start) return ch_no_memory(err);
        *start = (worker_start){pool, run};
        if (pthread_create(&pool->threads[i], NULL, work, start)) {
            free(start);
            return ch_failf(err, CH_E_MEMORY, "Cannot start a thread of the HTTP server");
        }
        pool->nthread++;
    }
    return 0;
}

bool ch_http_workers_reserve(worker_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool open = !pool->closed;
    if (open) pool->reserved++;
    pthread_mutex_unlock(&pool->mutex);
    return open;
}

void ch_http_workers_add(worker_pool *pool, ch_http_request *request)
{
    request->next_job = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->last) {
        pool->last->next_job = request;
    } else {
        pool->first = request;
    }
    pool->last = request;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

bool ch_http_workers_drain(worker_pool *pool, long grace_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += grace_ms / 1000;
    until.tv_nsec += grace_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->closed = true;
    int status = 0;
    while (pool->reserved && status != ETIMEDOUT) {
        status = pthread_cond_timedwait(&pool->idle, &pool->mutex, &until);
    }
    bool done = !pool->reserved;
    pthread_mutex_unlock(&pool->mutex);
    return done;
}

void ch_http_workers_stop(worker_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->nthread; i++) pthread_join(pool->threads[i], NULL);
    free(pool->threads);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->mutex);
}
