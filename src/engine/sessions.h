/*
 * sessions: one session for each identity of a configuration, however many sides act as it.
 *
 * Sides with the same credentials share a rate limiter, a refresh and what STS told. Engines that
 * are open side by side share them too. The driving thread makes them; a session itself may be
 * used by any thread. Memory: the sessions', until sessions_free, which comes behind all engines.
 */
#ifndef UNDERSTUDY_ENGINE_SESSIONS_H
#define UNDERSTUDY_ENGINE_SESSIONS_H

#include "client/session.h"
#include "engine/config.h"

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *sessions); /* NULL is fine */

/* `seams` holds what is not the side's: transport, clock, environment, stop ... `side` is borrowed.
 */
struct session *sessions_get(struct sessions *sessions, const struct config_side *side,
                             const struct session_options *seams, struct error *err);
/* Over all of them. */
void sessions_counts(const struct sessions *sessions, struct aws_call_counts *out);

#endif
