/*
 * chain: does what is to tell of changes stand: trail, rules, queues, functions, permissions, keys?
 *
 * Only asks: every client is read-only. For each side: can its role be taken there (which also
 * tells a Region that is not enabled), and are the keys of `keys` usable. For each source Region:
 * does a trail log the calls that write; do enabled rules of the default bus let the events of
 * src/event's table through, as sample events tell that are matched here; are the rules' targets
 * there, may the rules reach them, and is nothing buried behind them; is there a schedule for what
 * no event tells. For each role: what `understudy policy` prints, asked of IAM's simulator.
 *
 * One thread. Memory: the arena of the findings. Source: shared facts, events.md sections 2, 6, 9
 * and 12; Lambda developer guide, "Using Lambda with Amazon SQS" (visibility timeout) and
 * "Capturing records of asynchronous invocations". Research R36.
 */
#ifndef UNDERSTUDY_EVENT_CHAIN_H
#define UNDERSTUDY_EVENT_CHAIN_H

#include "engine/config.h"
#include "engine/sessions.h"
#include "event/findings.h"

/* `set` has passed config_check_set. -1: the configuration cannot work at all; what does not stand
 * is a finding. */
int chain_check(const struct config_set *set, struct sessions *sessions,
                const struct session_options *seams, struct findings *out, struct error *err);

/* NULL-terminated list of the operations called here, for the test. */
extern const struct aws_operation *const chain_operations[];

#endif
