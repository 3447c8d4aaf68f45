/*
 * event_access: who may put events on which bus: the policies of buses and of the roles by which
 * rules forward. On any thread, with a session of its own.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_ACCESS_H
#define UNDERSTUDY_LOCAL_EVENT_ACCESS_H

#include "aws/policy.h"
#include "local/local.h"
#include "local/store.h"

struct arena;

/* Every account has "default" in each Region; others when they were made. */
bool event_bus_exists(struct store_session *store, const char *account, const char *region,
                      const char *name);

/* Does the bus's own policy say yes? No policy: no. */
bool event_bus_allows(struct store_session *store, struct arena *arena, const char *account,
                      const char *region, const char *name, const struct policy_question *question);

/* NULL: EventBridge may use the role `role_arn` for `action` on `resource`. Else why not, as a
 * delivery's ERROR_CODE: "FAILED_TO_ASSUME_ROLE" or "NO_PERMISSIONS". */
const char *event_role_refuses(struct store_session *store, struct arena *arena,
                               const char *role_arn, const char *action, const char *resource);

#endif
