/* meter.h: what operations cost in CPU time and memory.
 *
 * Measured exactly: the CPU time of an operation's own thread, and that of all threads that may work for operations
 * together (the engine's, OpenMP's, those that send answers; see base/cpu.h). What those used beside the operations'
 * own threads is shared out evenly among the operations that ran at the time: for one that ran alone the sum is exact,
 * otherwise an estimate. Memory is the process's, looked at every 20 ms: by how much it was more than at the
 * operation's start, at most. It too is an operation's own only when that ran alone, and memory that the process had
 * kept from before and used again does not show.
 */
#ifndef CHERT_CONNECT_METER_H
#define CHERT_CONNECT_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct ch_meter ch_meter;

typedef struct ch_cost {
    int64_t cpu_ns, peak_bytes;
    bool alone; /* nothing else ran meanwhile */
} ch_cost;

/* One operation being measured; the caller's memory, zeroed. */
typedef struct ch_measure {
    struct ch_measure *next, *previous;
    clockid_t thread;
    int64_t thread_ns, own_ns, shared_ns; /* its thread's clock when last looked at; what it has used so far */
    int64_t bytes_before, bytes_most;
    bool met; /* another one */
} ch_measure;

ch_meter *ch_meter_new(void);
void ch_meter_free(ch_meter *meter); /* NULL is fine; nothing may be measured any more */

/* Around the work, on the thread that does it. */
void ch_meter_begin(ch_meter *meter, ch_measure *measure);
void ch_meter_end(ch_meter *meter, ch_measure *measure, ch_cost *cost);
/* The cost so far of what is being measured; from any thread. */
void ch_meter_look(ch_meter *meter, const ch_measure *measure, ch_cost *cost);

#endif
