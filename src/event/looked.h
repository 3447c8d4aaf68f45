/*
 * looked: what became of hints, for the log and the counters. Any thread.
 */
#ifndef UNDERSTUDY_EVENT_LOOKED_H
#define UNDERSTUDY_EVENT_LOOKED_H

#include "engine/reconcile.h"
#include "event/metrics.h"

const char *looked_outcome(enum hint_outcome outcome); /* "ignored", "equal", ... */
/* Nothing is left to do for it. */
bool looked_settled(const struct hint_result *result);
/* What went wrong, or why nothing was done; NULL: nothing to say. */
const char *looked_reason(const struct hint_result *result);
/* A line in the log, and one item in the counters. */
void looked_note(struct metrics *metrics, const struct hint *hint,
                 const struct hint_result *result);
/* When the oldest of those changes that are not settled happened; 0: none, or not known. */
int64_t looked_oldest_ms(const struct hint *hints, size_t count, const struct hint_result *results);

#endif
