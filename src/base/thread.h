/*
 * thread: starting one, and letting it wait with a limit.
 *
 * A thread of ours takes no signals: they are for the main thread, which waits for them. The name
 * is what `ps -L`, gdb and perf show; the kernel keeps its first 15 bytes. Whoever started it joins
 * it.
 */
#ifndef UNDERSTUDY_BASE_THREAD_H
#define UNDERSTUDY_BASE_THREAD_H

#include "base/error.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *arg), void *arg,
                 struct error *err);

/* A condition whose waits have a limit: of the monotonic clock, so that setting the machine's clock
 * does not touch them. Ended by pthread_cond_destroy. */
void thread_condition_init(pthread_cond_t *condition);

struct timespec thread_deadline(int64_t wait_ms); /* for pthread_cond_timedwait on such a one */

#endif
