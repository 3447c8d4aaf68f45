/*
 * trail: what CloudTrail would have recorded: one record for each management call that writes (with
 * --trail-reads for each that reads as well), failed calls included.
 *
 * Records are built and stored by the pipeline, in the transaction of the handler whose call they
 * tell of, so that there is no write without a record and no record of a write that was lost; no
 * handler makes one. What a record cannot tell from the operation's row (flags, sensitive members)
 * stands in the service's table `trail`. The same transaction queues the "AWS API Call via
 * CloudTrail" event when a rule may want it (local/event_bus.h).
 *
 * Records are CloudTrail's event history: they need no trail, are kept 90 days and at most
 * local->trail_keep of them. EventBridge is told only where a trail logs (local/trails.h).
 * Source: shared facts, events.md sections 3.3, 5.2 and 11. On the writer's thread.
 */
#ifndef UNDERSTUDY_LOCAL_TRAIL_H
#define UNDERSTUDY_LOCAL_TRAIL_H

#include "local/service.h"

enum { TRAIL_KEEP_DEFAULT = 50000 };

extern const char trail_schema[];

/* Is this call to be recorded, should it end with `failure` (NULL: it goes well)? */
bool trail_wants(const struct local_call *call, const struct local_failure *failure);

/* Stores the record of a call that was answered with `answer` (a JSON object's text, of a call that
 * went well) or failed with `failure`. call->store is the writer's. */
void trail_record(struct local_call *call, struct text answer, const struct local_failure *failure);

/* userIdentity of the caller as an object's value, and the name that LookupEvents finds it by. */
void trail_write_identity(struct json_writer *w, const struct local_call *call);
const char *trail_user_name(struct local_call *call);

#endif
