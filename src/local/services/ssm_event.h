/*
 * ssm_event: "Parameter Store Change", the event that needs no trail (shared facts, events.md
 * section 3.1). Changes of tags, and labels taken away, give none.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_EVENT_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_EVENT_H

#include "local/services/ssm_parameter.h"

/* On the writer's thread, in the transaction of the change. `operation`: "Create", "Update",
 * "Delete", "LabelParameterVersion". Of `version` the slash, the type and the description count. */
void ssm_event_change(struct local_call *call, struct text key, const struct ssm_version *version,
                      const char *operation);

#endif
