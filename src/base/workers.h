/*
 * workers: a fixed pool of threads that make blocking calls.
 *
 * A job is a function and its argument; the queue is bounded, so that whoever feeds it waits
 * instead of filling memory. One thread feeds it and waits; while it waits it works too, so that a
 * job with nothing to run beside costs no change of threads. At most `count` jobs run at once. Each
 * is given the number of its worker (0 .. count-1; count for the thread that waits), to find what
 * each worker owns (its arena).
 */
#ifndef UNDERSTUDY_BASE_WORKERS_H
#define UNDERSTUDY_BASE_WORKERS_H

#include "base/error.h"

struct workers;

struct workers *workers_new(unsigned count, struct error *err);
unsigned workers_count(const struct workers *workers);
/* Queue a job; waits while 2 * count jobs are queued. A single job may be begun only when more are
 * queued, or by workers_wait or workers_free. */
void workers_run(struct workers *workers, void (*job)(void *arg, unsigned worker), void *arg);
void workers_wait(struct workers *workers); /* works until every queued job has ended */
void workers_free(struct workers *workers); /* waits first; NULL is fine */

#endif
