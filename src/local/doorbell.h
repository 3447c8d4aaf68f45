/*
 * doorbell: tells calls that wait for something (a message in a queue) to look again.
 *
 * A bell is a number; bells may share a counter, which costs a look for nothing. The writer rings
 * while it runs a job; doorbell_sound makes it heard behind the commit, so that who looks then sees
 * what was written. Who waits reads the counter before it opens its snapshot and looks: when the
 * counter has moved since, there may be something new.
 */
#ifndef UNDERSTUDY_LOCAL_DOORBELL_H
#define UNDERSTUDY_LOCAL_DOORBELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DOORBELLS = 512 };

struct doorbell {
    _Atomic uint32_t counters[DOORBELLS];
    bool rung[DOORBELLS], any; /* the writer's */
    /* Has those who wait look (set before there are threads); NULL: nobody does. */
    void (*wake)(void *arg);
    void *arg;
};

/* On the writer's thread. */
void doorbell_ring(struct doorbell *doorbell, int64_t bell);
bool doorbell_sound(struct doorbell *doorbell); /* true: somebody is to be woken */
/* At once, of any thread, for what is not in the store. Whoever waits is woken. */
void doorbell_call(struct doorbell *doorbell, int64_t bell);
/* All bells at once, of any thread: the clock was moved. Then wake everybody. */
void doorbell_sound_all(struct doorbell *doorbell);
uint32_t doorbell_heard(const struct doorbell *doorbell, int64_t bell);

#endif
