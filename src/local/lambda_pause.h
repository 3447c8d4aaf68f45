/*
 * lambda_pause: how long the events of one function wait when Lambda cannot run them: 1 second,
 * then twice as long each time, up to five minutes (shared facts, lambda-and-cloudformation.md A5).
 *
 * Many are begun together and refused together, for one cause: only the first refusal of those
 * begun in one turn counts. No memory, no clock of its own; the caller's thread.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_PAUSE_H
#define UNDERSTUDY_LOCAL_LAMBDA_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

enum { LAMBDA_LONGEST_PAUSE_MS = 5 * 60 * 1000 };

struct lambda_pause {
    unsigned turn;    /* what is begun keeps it; one more with each pause */
    unsigned refused; /* pauses in a row */
    int64_t again_ms; /* not before that; 0: at once */
};

/* One that was begun in `turn` was refused. False: another of its turn was so before. */
bool lambda_pause_refused(struct lambda_pause *pause, unsigned turn, int64_t now_ms);
/* One was run: there is room. */
void lambda_pause_over(struct lambda_pause *pause);
/* A clock that was set back does not make it longer than it can be. */
bool lambda_pause_holds(const struct lambda_pause *pause, int64_t now_ms);

#endif
