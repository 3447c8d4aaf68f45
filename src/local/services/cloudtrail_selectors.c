/* Event selectors: which management events a trail logs. What they select of data events is kept
 * and shown, but no data events are recorded here. */
#include "local/services/cloudtrail_parts.h"

#include <stdlib.h>
#include <string.h>

static const char invalid[] = "InvalidEventSelectorsException";

struct logs {
    bool reads, writes, kms;
};

static enum local_result read_basic(struct local_call *call, const json_t *selectors,
                                    struct logs *logs)
{
    const json_t *selector, *source;
    size_t index, at;
    json_array_foreach(selectors, index, selector)
    {
        const char *type = json_text_or(selector, "ReadWriteType", "All");
        const json_t *excluded = json_object_get(selector, "ExcludeManagementEventSources");
        const json_t *management = json_object_get(selector, "IncludeManagementEvents");
        bool kms = true;
        json_array_foreach(excluded, at, source)
        {
            const char *name = json_string_value(source);
            if (strcmp(name, "kms.amazonaws.com") != 0 &&
                strcmp(name, "rdsdata.amazonaws.com") != 0) /* (K) */
                return local_fail(call, invalid,
                                  "Invalid value %s for ExcludeManagementEventSources.", name);
            kms = kms && strcmp(name, "kms.amazonaws.com") != 0;
        }
        if (json_is_false(management))
            continue;
        logs->reads = logs->reads || strcmp(type, "WriteOnly") != 0;
        logs->writes = logs->writes || strcmp(type, "ReadOnly") != 0;
        logs->kms = logs->kms || kms;
    }
    return LOCAL_OK;
}

/* Is `value` the only text of the list? */
static bool equals(const json_t *field, const char *value)
{
    const json_t *list = json_object_get(field, "Equals");
    return json_array_size(list) == 1 &&
           strcmp(json_string_value(json_array_get(list, 0)), value) == 0;
}

static bool excludes(const json_t *field, const char *value)
{
    const json_t *list = json_object_get(field, "NotEquals"), *text;
    size_t index;
    json_array_foreach(list, index,
                       text) if (strcmp(json_string_value(text), value) == 0) return true;
    return false;
}

static enum local_result read_advanced(struct local_call *call, const json_t *selectors,
                                       struct logs *logs)
{
    const json_t *selector, *field;
    size_t index, at;
    json_array_foreach(selectors, index, selector)
    {
        const json_t *fields = json_object_get(selector, "FieldSelectors");
        struct logs one = {true, true, true};
        bool category = false, management = false;
        json_array_foreach(fields, at, field)
        {
            const char *name = json_text(field, "Field");
            if (strcmp(name, "eventCategory") == 0) {
                category = true;
                management = equals(field, "Management");
            } else if (strcmp(name, "readOnly") == 0) {
                one.reads = one.reads && equals(field, "true");
                one.writes = one.writes && equals(field, "false");
            } else if (strcmp(name, "eventSource") == 0) {
                one.kms = one.kms && !excludes(field, "kms.amazonaws.com");
            }
        }
        if (!category) /* (K) */
            return local_fail(call, invalid,
                              "An advanced event selector must have the field eventCategory.");
        if (!management)
            continue;
        logs->reads = logs->reads || one.reads;
        logs->writes = logs->writes || one.writes;
        logs->kms = logs->kms || one.kms;
    }
    return LOCAL_OK;
}

static enum local_result read_selectors(struct local_call *call, struct logs *logs)
{
    const json_t *basic = local_value(call, "EventSelectors");
    const json_t *advanced = local_value(call, "AdvancedEventSelectors");
    *logs = (struct logs){false, false, false};
    if (!basic == !advanced) /* (K) */
        return local_fail(call, invalid,
                          "Specify either EventSelectors or AdvancedEventSelectors, but not both.");
    if (json_array_size(basic) > CLOUDTRAIL_SELECTORS_MAX)
        return local_fail(call, invalid,
                          "The number of event selectors has exceeded the maximum of %d.",
                          CLOUDTRAIL_SELECTORS_MAX); /* (K) */
    return basic ? read_basic(call, basic, logs) : read_advanced(call, advanced, logs);
}

static void put(struct local_call *call, const char *arn, bool advanced, const json_t *selectors)
{
    json_put_text(call->out, "TrailARN", arn);
    json_key(call->out, advanced ? "AdvancedEventSelectors" : "EventSelectors");
    json_write_value(call->out, selectors);
}

enum local_result cloudtrail_put_selectors(struct local_call *call)
{
    const json_t *basic = local_value(call, "EventSelectors");
    const json_t *given = basic ? basic : local_value(call, "AdvancedEventSelectors");
    struct cloudtrail_trail trail;
    struct logs logs;
    if (cloudtrail_find(call, local_text(call, "TrailName"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    enum local_result result = read_selectors(call, &logs);
    if (result == LOCAL_OK) {
        char *text = json_dumps(given, JSON_COMPACT);
        store_run(call->store,
                  "UPDATE trail_trail SET selectors = $4, advanced = $5, reads = $6, writes = $7,"
                  " kms = $8 WHERE account = $1 AND region = $2 AND name = $3",
                  "ttttiiii", call->account, trail.region, trail.name, text, (int64_t)!basic,
                  (int64_t)logs.reads, (int64_t)logs.writes, (int64_t)logs.kms);
        free(text);
        put(call, trail.arn, !basic, given);
    }
    cloudtrail_trail_done(&trail);
    return result;
}

enum local_result cloudtrail_get_selectors(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "TrailName"), false, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    json_t *kept = trail.selectors ? json_read(trail.selectors, strlen(trail.selectors), NULL)
                                   : json_pack("[{s:s, s:b, s:[], s:[]}]", "ReadWriteType", "All",
                                               "IncludeManagementEvents", 1, "DataResources",
                                               "ExcludeManagementEventSources");
    put(call, trail.arn, trail.advanced, kept);
    json_decref(kept);
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}
