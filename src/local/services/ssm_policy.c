#include "local/services/ssm_policy.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const struct ssm_policy_fault bad_type = {
    "InvalidPolicyTypeException",
    "The policy type isn't supported. Parameter Store supports the following policy types: "
    "Expiration, ExpirationNotification, and NoChangeNotification."};
static const struct ssm_policy_fault bad_attribute = {
    "InvalidPolicyAttributeException", "A policy attribute or its value is invalid."};
static const struct ssm_policy_fault conflict = {
    "IncompatiblePolicyException",
    "There is a conflict in the policies specified for this parameter. You can't, for example, "
    "specify two Expiration policies for a parameter. Review your policies, and try again."};
static const struct ssm_policy_fault too_many = {
    "PoliciesLimitExceededException",
    "You specified more than the maximum number of allowed policies for the parameter. The maximum "
    "is 10."};

/* ISO_INSTANT or ISO_OFFSET_DATE_TIME; AWS's own example has seconds in its offset
 * ("2019-11-01T22:13:48.87+10:30:00"), as Java allows. */
static int read_timestamp(const char *text, int64_t *time_ms)
{
    size_t len = strlen(text);
    if (len > 9 && strcmp(text + len - 3, ":00") == 0 && text[len - 6] == ':' &&
        (text[len - 9] == '+' || text[len - 9] == '-'))
        len -= 3;
    return clock_parse_iso(text, len, time_ms);
}

/* {"<count>":"15","Unit":"Days"}: the number is a string, as in every example of AWS. */
static int64_t read_duration_ms(const json_t *attributes, const char *count)
{
    const char *number = json_text(attributes, count);
    const char *unit = json_text_or(attributes, "Unit", "");
    int64_t value;
    if (!number || number[0] == '0' || text_to_int64(number, strlen(number), &value) != 0 ||
        value < 1 || value > 100000)
        return -1;
    if (strcmp(unit, "Days") == 0)
        return value * 24 * 3600 * 1000;
    return strcmp(unit, "Hours") == 0 ? value * 3600 * 1000 : -1;
}

static const struct ssm_policy_fault *check_one(const json_t *policy, int64_t now_ms,
                                                struct ssm_policies *out)
{
    const char *type = json_text(policy, "Type");
    const json_t *attributes = json_object_get(policy, "Attributes");
    if (!type)
        return &bad_type;
    bool expiration = strcmp(type, "Expiration") == 0;
    bool before = strcmp(type, "ExpirationNotification") == 0;
    if (!expiration && !before && strcmp(type, "NoChangeNotification") != 0)
        return &bad_type;
    if (strcmp(json_text_or(policy, "Version", ""), "1.0") != 0 || json_object_size(policy) != 3 ||
        json_object_size(attributes) != (expiration ? 1u : 2u))
        return &bad_attribute;
    if (!expiration)
        return read_duration_ms(attributes, before ? "Before" : "After") < 0 ? &bad_attribute
                                                                             : NULL;
    if (out->expires_ms)
        return &conflict;
    /* Strict: whether AWS takes a time that has passed is not known. */
    if (read_timestamp(json_text_or(attributes, "Timestamp", ""), &out->expires_ms) != 0 ||
        out->expires_ms <= now_ms)
        return &bad_attribute;
    return NULL;
}

static const struct ssm_policy_fault *check(const json_t *list, int64_t now_ms,
                                            struct ssm_policies *out)
{
    if (!json_is_array(list) || json_array_size(list) == 0)
        return &bad_attribute;
    if (json_array_size(list) > SSM_POLICIES_MAX)
        return &too_many;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const struct ssm_policy_fault *fault = check_one(json_array_get(list, i), now_ms, out);
        if (fault)
            return fault;
    }
    return NULL;
}

static bool is_removal(const json_t *list)
{
    const json_t *only = json_array_get(list, 0);
    return json_array_size(list) == 1 && json_is_object(only) && json_object_size(only) == 0;
}

int ssm_policies_read(struct arena *arena, const char *text, size_t len, int64_t now_ms,
                      struct ssm_policies *out, struct ssm_policy_fault *fault)
{
    *out = (struct ssm_policies){0};
    json_t *list = json_read(text, len, NULL);
    if (is_removal(list)) {
        json_decref(list);
        return 0;
    }
    const struct ssm_policy_fault *found = check(list, now_ms, out);
    if (!found) {
        char *json = json_dumps(list, JSON_COMPACT);
        out->json = arena_strdup(arena, json);
        free(json);
    } else {
        *fault = *found;
    }
    json_decref(list);
    return found ? -1 : 0;
}

int64_t ssm_policy_due_ms(const json_t *policy, int64_t expires_ms, int64_t modified_ms)
{
    const json_t *attributes = json_object_get(policy, "Attributes");
    const char *type = json_text_or(policy, "Type", "");
    if (strcmp(type, "NoChangeNotification") == 0)
        return modified_ms + read_duration_ms(attributes, "After");
    if (!expires_ms)
        return INT64_MAX;
    return strcmp(type, "Expiration") == 0 ? expires_ms
                                           : expires_ms - read_duration_ms(attributes, "Before");
}

void ssm_policies_write(struct json_writer *out, struct text stored, int64_t expires_ms,
                        int64_t modified_ms, int64_t now_ms)
{
    json_open_list(out);
    json_t *list = stored.len ? json_read(stored.data, stored.len, NULL) : NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *policy = json_array_get(list, i);
        int64_t due_ms = ssm_policy_due_ms(policy, expires_ms, modified_ms);
        char *text = json_dumps(policy, JSON_COMPACT);
        json_open(out);
        json_put_text(out, "PolicyText", text);
        json_put_text(out, "PolicyType", json_text_or(policy, "Type", ""));
        json_put_text(out, "PolicyStatus", due_ms <= now_ms ? "Finished" : "Pending");
        json_close(out);
        free(text);
    }
    json_decref(list);
    json_close_list(out);
}
