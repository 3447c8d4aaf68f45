#include "local/services/ssm_event.h"
#include "local/services/ssm_operations.h"
#include "local/services/ssm_policy_action.h"

/* AWS asks to wait 30 seconds before a name is made again, but is not known to
 * refuse it. */
static bool delete_one(struct local_call *call, struct text key)
{
    struct store_rows rows;
    struct ssm_version version;
    bool found = ssm_find(call, call->account, key, &rows, &version);
    if (found) {
        version.description = text_of(ssm_copy(call, version.description));
        store_end(&rows);
        ssm_remove(call, call->account, key, version.tier);
        ssm_event_change(call, key, &version, "Delete");
    }
    return found;
}

static enum local_result read_name(struct local_call *call, const char *text, struct ssm_name *name)
{
    enum ssm_name_fault fault = ssm_name_read(text_of(text), SSM_NAME_ONLY, name);
    return fault == SSM_NAME_GOOD ? LOCAL_OK : ssm_name_refuse(call, fault, name->asked);
}

enum local_result ssm_delete_parameter(struct local_call *call)
{
    struct ssm_name name;
    if (read_name(call, local_text(call, "Name"), &name) != LOCAL_OK)
        return LOCAL_FAILED;
    ssm_policies_act_on(call, name.key);
    return delete_one(call, name.key) ? LOCAL_OK : local_fail_bare(call, "ParameterNotFound");
}

enum local_result ssm_delete_parameters(struct local_call *call)
{
    const json_t *names = local_value(call, "Names");
    size_t count = json_array_size(names);
    struct ssm_name *read = arena_calloc(call->arena, count + 1, sizeof *read);
    bool *deleted = arena_calloc(call->arena, count + 1, sizeof *deleted);
    for (size_t i = 0; i < count; i++)
        if (read_name(call, json_string_value(json_array_get(names, i)), &read[i]) != LOCAL_OK)
            return LOCAL_FAILED;
    for (size_t i = 0; i < count; i++) {
        ssm_policies_act_on(call, read[i].key);
        deleted[i] = delete_one(call, read[i].key);
    }
    for (int good = 1; good >= 0; good--) {
        json_key(call->out, good ? "DeletedParameters" : "InvalidParameters");
        json_open_list(call->out);
        for (size_t i = 0; i < count; i++)
            if (deleted[i] == (good == 1))
                json_write_text(call->out, json_string_value(json_array_get(names, i)));
        json_close_list(call->out);
    }
    return LOCAL_OK;
}
