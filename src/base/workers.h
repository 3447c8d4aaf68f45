/*
 * workers: a fixed pool of threads that make blocking calls.
 *
 * A job is a function and its argument; the queue is bounded, so that whoever feeds it waits
 * instead of filling memory. workers_run is called by one thread; jobs run on the pool and are
 * given the number of their worker (0 .. count-1), to find what each worker owns (its arena, its
 * HTTP handle).
 */
#ifndef UNDERSTUDY_BASE_WORKERS_H
#define UNDERSTUDY_BASE_WORKERS_H

#include "base/error.h"

struct workers;

struct workers *workers_new(unsigned count, struct error *err);
unsigned workers_count(const struct workers *workers);
/* Queue a job; waits while 2 * count jobs are queued. */
void workers_run(struct workers *workers, void (*job)(void *arg, unsigned worker), void *arg);
void workers_wait(struct workers *workers); /* until every queued job has ended */
void workers_free(struct workers *workers); /* waits first; NULL is fine */

#endif
