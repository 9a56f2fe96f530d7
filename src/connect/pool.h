/* pool.h: threads with big stacks for calls and operations.
 *
 * Jobs may block for long (a stream waits for its client, an operation for its engine), so there is no queue: a job
 * gets an idle thread or a new one. Idle threads end after a while and give their memory back.
 */
#ifndef CHERT_CONNECT_POOL_H
#define CHERT_CONNECT_POOL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ch_pool ch_pool;

/* `max_threads` bounds the threads alive; stacks are of `stack_bytes` each, of which only touched pages cost memory. */
ch_pool *ch_pool_new(size_t max_threads, size_t stack_bytes);
/* Runs fn(arg) on a thread of the pool; false when there is no thread to be had: the job was not and will not be run.
 */
bool ch_pool_run(ch_pool *pool, void (*fn)(void *arg), void *arg);
/* Waits up to timeout_ms for all jobs to end; whether they did. */
bool ch_pool_drain(ch_pool *pool, long timeout_ms);
/* Ends the idle threads and frees the pool. Only after ch_pool_drain said true. */
void ch_pool_free(ch_pool *pool);

#endif
