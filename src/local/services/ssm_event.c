#include "local/services/ssm_event.h"

#include "local/event_bus.h"

void ssm_event_change(struct local_call *call, struct text key, const struct ssm_version *version,
                      const char *operation)
{
    if (!event_wanted(call->store, call->account, call->region))
        return;
    json_t *detail =
        json_pack("{s:s, s:s, s:s}", "operation", operation, "name",
                  ssm_shown_name(call, key, version->slash), "type", ssm_type_names[version->type]);
    if (version->description.len) /* strict: whether AWS sends an empty one is not known */
        json_object_set_new(detail, "description",
                            json_stringn(version->description.data, version->description.len));
    event_emit_native(call->local, call->store, call->account, call->region, "aws.ssm",
                      "Parameter Store Change", ssm_arn(call, call->account, key), detail);
    json_decref(detail);
}
