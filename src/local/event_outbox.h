/*
 * event_outbox: the rows that wait: events to be matched, deliveries to be tried again, scheduled
 * rules to fire. Private to event_*.c and the events service. On the writer's thread.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_OUTBOX_H
#define UNDERSTUDY_LOCAL_EVENT_OUTBOX_H

#include "local/event_target.h"

/* Puts an event on its bus if that has a rule to match it against. The text is kept. */
void event_bus_queue(struct local *local, struct store_session *store,
                     const struct event_on_bus *event);

/* When a rule of the default bus fires next; the schedule of a rule that is gone or disabled goes.
 * On PutRule, EnableRule, DisableRule, DeleteRule. */
void event_bus_schedule(struct local *local, struct store_session *store, const char *account,
                        const char *region, const char *rule);

/* What a round of delivery found due, and what becomes of it (event_round.c). */
struct event_round;
struct faults;
struct event_round *event_round_new(struct local *local, struct faults *faults);
void event_round_free(struct event_round *round);
/* Reads what is due, within a read transaction that was begun after `version` was read. How many
 * things; *next_ms is when the next is due, INT64_MAX: nothing waits. */
size_t event_round_read(struct event_round *round, struct store_session *reader, uint64_t version,
                        int64_t *next_ms);
/* Does it; in a transaction of the writer. May be run again when that was lost. */
bool event_round_write(void *round, struct store_session *store);

#endif
