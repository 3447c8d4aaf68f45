/*
 * event_target: handing one event to one target of a rule; a table with a row for each service that
 * can be a target here. On the writer's thread, in its transaction.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_TARGET_H
#define UNDERSTUDY_LOCAL_EVENT_TARGET_H

#include "local/event_rules.h"

enum event_hops {
    HOP_ACCOUNT = 1, /* the event came from another account */
    HOP_REGION = 2,  /* ... from another Region */
    HOP_ONE = 4,     /* and so often from bus to bus at all */
    HOPS_MAX = 32 * HOP_ONE,
};

/* An event as it stands in the outbox. */
struct event_on_bus {
    const char *account, *region, *bus;
    const char *text; /* the event itself */
    json_t *parsed;
    bool read_only;
    unsigned hops; /* enum event_hops */
};

struct event_delivery {
    struct local *local;
    struct store_session *store;
    struct arena *arena;
    const struct event_on_bus *event;
    const struct event_rule *rule;
    const struct event_rule_target *target;
    struct text body;           /* what the target asked to be given */
    const char *code, *message; /* of a failure: EventBridge's ERROR_CODE and a sentence */
};

enum event_outcome {
    EVENT_DELIVERED,
    EVENT_LATER,   /* it may work another time */
    EVENT_REFUSED, /* it will not: missing permission, missing target */
};

enum event_outcome event_target_deliver(struct event_delivery *delivery);
/* To the target's dead-letter queue, where it has one; false when it went nowhere. */
bool event_target_bury(struct event_delivery *delivery, int64_t attempts, const char *exhausted);

#endif
