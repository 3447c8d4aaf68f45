/*
 * event_bus: events on their way from the store's outbox to the targets of EventBridge's rules.
 *
 * Who causes an event puts it into the outbox in the transaction that caused it (event_emit,
 * event_emit_native, the trail). Behind the commit the delivery thread matches it against the
 * rules of its bus and hands it to their targets, in one more transaction of the writer that also
 * takes it out of the outbox: an event of an acknowledged write is neither lost nor delivered twice
 * by a kill -9 or a power failure. A delivery that fails for now waits in the store for its next
 * turn, as EventBridge does: with growing pauses, 24 hours and 185 times unless the target says
 * otherwise, then to the target's dead-letter queue or nowhere.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_BUS_H
#define UNDERSTUDY_LOCAL_EVENT_BUS_H

#include "local/local.h"
#include "local/store.h"

#include <jansson.h>

struct event_bus;
struct faults;
struct writer;

/* What goes wrong on purpose, for rehearsals (--testing). Set by any thread at any time, looked at
 * for each event when it is put on a bus; all zero is the normal course. Shares are of 1,000. */
struct event_faults {
    _Atomic uint32_t delay_ms;         /* each event waits that long before it is matched */
    _Atomic uint32_t lost_per_mille;   /* dropped without a trace */
    _Atomic uint32_t repeat_per_mille; /* delivered once more: same id, same content */
    /* Held back by up to reorder_ms, at random, so that later events overtake it. */
    _Atomic uint32_t reorder_per_mille, reorder_ms;
};

extern const char event_bus_schema[];

/* `faults`: rehearsed faults of the targets' services; NULL: none. */
struct event_bus *event_bus_new(struct local *local, struct writer *writer, struct faults *faults,
                                struct error *err);
/* Starts the delivery of what waits and of what comes. */
int event_bus_start(struct event_bus *bus, struct error *err);
/* Ends the thread; what waits stays in the store. Before the writer ends. NULL is fine. */
void event_bus_stop(struct event_bus *bus);
void event_bus_free(struct event_bus *bus);
struct event_faults *event_bus_faults(struct event_bus *bus);

/* Look again now: the clock was set, the faults were taken away, rows were put back. Any thread. */
void event_bus_wake(struct event_bus *bus);
/* On the writer's thread behind each commit: wakes the delivery if the group emitted anything. */
void event_bus_committed(struct event_bus *bus);

/* --- emitting; on the writer's thread, in the transaction that causes the event ------------------
 */

/* An event as it is put on a bus. Times are whole seconds in the event. */
struct event {
    const char *account, *region; /* of the bus */
    const char *bus;              /* NULL: "default" */
    const char *from_account;     /* of the event; NULL: the bus's */
    const char *source, *detail_type;
    int64_t time_ms;
    const char *const *resources; /* ARNs, NULL-terminated; NULL: none */
    const json_t *resource_list;  /* or as a JSON list */
    struct text detail;           /* a JSON object's text */
    bool read_only;               /* a CloudTrail event of a call that only reads */
};

/* Queues the event if its bus has a rule that is enabled; costs one look-up otherwise. */
void event_emit(struct local *local, struct store_session *store, const struct event *event,
                char id[RANDOM_UUID_SIZE]);

/* Would event_emit_native there reach any rule? For who has work to do before it. */
bool event_wanted(struct store_session *store, const char *account, const char *region);

/* An AWS service's own event ("Parameter Store Change", "KMS CMK Rotation") on the default bus of
 * `region`, about `resource` (an ARN), at this moment. `detail` is a JSON object; not kept. */
void event_emit_native(struct local *local, struct store_session *store, const char *account,
                       const char *region, const char *source, const char *detail_type,
                       const char *resource, const json_t *detail);

#endif
