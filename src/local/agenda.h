/*
 * agenda: what services do by themselves when its time comes, by the server's clock: policies of
 * parameters act, keys are rotated.
 *
 * A service whose row has `act` is asked at the start, when a time it gave has come, and when the
 * clock was set. It works on the writer's thread, in one transaction, and says when it wants to be
 * asked next. AWS does such things by scans and not on the second; here they happen at once.
 */
#ifndef UNDERSTUDY_LOCAL_AGENDA_H
#define UNDERSTUDY_LOCAL_AGENDA_H

#include "local/service.h"
#include "local/writer.h"

#define AGENDA_NEVER INT64_MAX

struct agenda;

struct agenda *agenda_new(struct local *local, struct writer *writer,
                          const struct local_service *const *services);
int agenda_start(struct agenda *agenda, struct error *err);
/* Ends the thread, if it was started. Before the writer ends. NULL is fine. */
void agenda_stop(struct agenda *agenda);
void agenda_free(struct agenda *agenda); /* NULL is fine */

/* Look again now: the clock was set, the store was emptied. Any thread; NULL is fine. */
void agenda_wake(struct agenda *agenda);
/* A handler made something due at `when_ms`; NULL is fine. On the writer's thread, before the
 * commit: what acts is queued behind it. */
void agenda_expect(struct agenda *agenda, int64_t when_ms);

#endif
