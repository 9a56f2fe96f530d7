/* cpu.h: whose CPU time it was. The threads of the engine and of OpenMP work for whatever runs; what they used is what
 * the process used less what threads used that never work for it: these say so here. */
#ifndef CHERT_BASE_CPU_H
#define CHERT_BASE_CPU_H

#include <stdint.h>
#include <time.h>

/* The calling thread serves something else than operations of the engine, until it ends. Any number of times. */
void ch_cpu_stand_aside(void);
/* Nanoseconds of CPU that all other threads of the process have used, those that have ended among them. */
int64_t ch_cpu_working_ns(void);

/* A clock in nanoseconds; 0 when there is no such clock (its thread has ended). */
int64_t ch_clock_ns(clockid_t clock);

#endif
