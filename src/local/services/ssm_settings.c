#include "local/services/ssm_settings.h"

#include "local/services/ssm_operations.h"

#include <string.h>

/* Default values, and the time AWS's own example shows for one that nobody has set. */
struct setting {
    const char *id, *fallback;
    const char *const *values;
};

static const char *const booleans[] = {"true", "false", NULL};
static const struct setting settings[] = {
    {"/ssm/parameter-store/default-parameter-tier", "Standard", ssm_tier_names},
    {"/ssm/parameter-store/high-throughput-enabled", "false", booleans},
};
static const int64_t never_set_ms = 1555532818578;

/* SettingId is a path, or the ARN of the setting in this account and Region. */
static const struct setting *find(struct local_call *call)
{
    const char *id = local_text(call, "SettingId");
    const char *prefix = local_arn(call, "ssm", "servicesetting");
    if (text_starts(id, prefix))
        id += strlen(prefix);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(settings[i].id, id) == 0)
            return &settings[i];
    local_fail_capital(call, "ServiceSettingNotFound",
                       "The specified service setting wasn't found. Either the service name or the "
                       "setting hasn't been provisioned by the Amazon Web Services service team.");
    return NULL;
}

struct current {
    const char *value, *modified_by;
    int64_t modified_ms;
    bool customized;
};

static void load(struct local_call *call, const struct setting *setting, struct current *out)
{
    struct store_rows rows;
    *out = (struct current){setting->fallback, "System", never_set_ms, false};
    store_query(call->store, &rows,
                "SELECT value, modified_ms, modified_by FROM ssm_setting"
                " WHERE account = $1 AND region = $2 AND setting = $3",
                "ttt", call->account, call->region, setting->id);
    if (store_next(&rows))
        *out = (struct current){ssm_copy(call, store_text(&rows, 0)),
                                ssm_copy(call, store_text(&rows, 2)), store_int(&rows, 1), true};
    store_end(&rows);
}

static void show(struct local_call *call, const struct setting *setting)
{
    struct current current;
    load(call, setting, &current);
    json_key(call->out, "ServiceSetting");
    json_open(call->out);
    json_put_text(call->out, "SettingId", setting->id);
    json_put_text(call->out, "SettingValue", current.value);
    local_put_time(call, "LastModifiedDate", current.modified_ms);
    json_put_text(call->out, "LastModifiedUser", current.modified_by);
    json_put_text(call->out, "ARN",
                  local_arn(call, "ssm",
                            arena_printf(call->arena, "servicesetting%s", setting->id)));
    json_put_text(call->out, "Status", current.customized ? "Customized" : "Default");
    json_close(call->out);
}

enum ssm_tier ssm_default_tier(struct local_call *call)
{
    struct current current;
    load(call, &settings[0], &current);
    return (enum ssm_tier)ssm_index(ssm_tier_names, current.value);
}

bool ssm_high_throughput(struct local_call *call)
{
    struct current current;
    load(call, &settings[1], &current);
    return strcmp(current.value, "true") == 0;
}

enum local_result ssm_get_service_setting(struct local_call *call)
{
    const struct setting *setting = find(call);
    if (!setting)
        return LOCAL_FAILED;
    show(call, setting);
    return LOCAL_OK;
}

enum local_result ssm_update_service_setting(struct local_call *call)
{
    const struct setting *setting = find(call);
    const char *value = local_text(call, "SettingValue");
    if (!setting)
        return LOCAL_FAILED;
    if (ssm_index(setting->values, value) < 0) /* AWS's words are not known */
        return local_fail(call, "ValidationException",
                          "The setting value %s isn't valid for the setting %s.", value,
                          setting->id);
    store_run(call->store,
              "INSERT INTO ssm_setting (account, region, setting, value, modified_ms, modified_by)"
              " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, region, setting) DO UPDATE"
              " SET value = excluded.value, modified_ms = excluded.modified_ms,"
              " modified_by = excluded.modified_by",
              "ttttit", call->account, call->region, setting->id, value, ssm_now_ms(call),
              ssm_caller(call));
    return LOCAL_OK;
}

enum local_result ssm_reset_service_setting(struct local_call *call)
{
    const struct setting *setting = find(call);
    if (!setting)
        return LOCAL_FAILED;
    store_run(call->store,
              "DELETE FROM ssm_setting WHERE account = $1 AND region = $2 AND setting = $3", "ttt",
              call->account, call->region, setting->id);
    show(call, setting);
    return LOCAL_OK;
}
