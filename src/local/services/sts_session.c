#include "local/services/sts_parts.h"

#include "local/services/iam.h"

#include <string.h>
#include <strings.h>

enum { LARGEST_POLICIES = 10, POLICY_CHARACTERS = 2048 };

char *sts_json_text(struct local_call *call, const json_t *value)
{
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 1024 * 1024);
    json_writer_init(&writer, &text);
    json_write_value(&writer, value);
    char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_done(&text);
    return copy;
}

/* --- session policies ------------------------------------------------------------------------- */

static enum local_result add_arns(struct local_call *call, const char *account, json_t *list)
{
    const json_t *arns = local_value(call, "PolicyArns");
    if (json_array_size(arns) > LARGEST_POLICIES)
        return local_fail_status(
            call, 400, "ValidationError",
            "1 validation error detected: Value at 'policyArns' failed to satisfy "
            "constraint: Member must have length less than or equal to %d",
            LARGEST_POLICIES);
    for (size_t i = 0; i < json_array_size(arns); i++) {
        const char *arn = json_text_or(json_array_get(arns, i), "arn", "");
        const char *document = iam_policy_document(call->store, call->arena, account, arn);
        if (!document) /* text not observed (K) */
            return local_fail_status(call, 400, "MalformedPolicyDocument",
                                     "The policy %s does not exist.", arn);
        json_array_append_new(list, json_string(document));
    }
    return LOCAL_OK;
}

static enum local_result add_inline(struct local_call *call, json_t *list)
{
    const char *policy = local_text(call, "Policy");
    struct error err;
    if (!policy)
        return LOCAL_OK;
    if (!policy_parse(call->arena, policy, strlen(policy), POLICY_IDENTITY, &err))
        return local_fail_status(call, 400, "MalformedPolicyDocument", "%s", err.message);
    json_array_append_new(list, json_string(policy));
    return LOCAL_OK;
}

enum local_result sts_session_policy(struct local_call *call, const char *account, char **out)
{
    json_t *list = json_array();
    enum local_result result = add_arns(call, account, list);
    if (result == LOCAL_OK)
        result = add_inline(call, list);
    *out = result == LOCAL_OK && json_array_size(list) > 0 ? sts_json_text(call, list) : NULL;
    json_decref(list);
    return result;
}

/* --- session tags ----------------------------------------------------------------------------- */

static bool listed(const json_t *list, const char *key)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcasecmp(json_string_value(json_array_get(list, i)), key) == 0)
            return true;
    return false;
}

static const char *key_in(const json_t *object, const char *key)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (strcasecmp(name, key) == 0)
            return name;
    }
    return NULL;
}

static json_t *read_or(const char *text, json_t *fallback)
{
    struct error err;
    json_t *value = text ? json_read(text, strlen(text), &err) : NULL;
    if (!value)
        return fallback;
    json_decref(fallback);
    return value;
}

static enum local_result conflict(struct local_call *call)
{
    return local_fail_status(
        call, 400, "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts "
        "with a transitive tag key from the calling session.");
}

static enum local_result read_requested(struct local_call *call, const json_t *inherited,
                                        json_t *requested)
{
    const json_t *tags = local_value(call, "Tags"), *keys = local_value(call, "TransitiveTagKeys");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        const char *key = json_text(tag, "Key");
        if (key_in(requested, key))
            return local_fail_status(call, 400, "InvalidParameterValue",
                                     "Duplicate tag keys found. Please note that Tag keys are case "
                                     "insensitive.");
        if (listed(inherited, key))
            return conflict(call);
        json_object_set_new(requested, key, json_string(json_text(tag, "Value")));
    }
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (listed(inherited, key))
            return conflict(call);
        if (!key_in(requested, key))
            return local_fail_status(
                call, 400, "InvalidParameterValue",
                "The specified transitive tag key must be included in the requested "
                "tags.");
    }
    return LOCAL_OK;
}

/* Sets it, whatever the case of one that is there. */
static void set_tag(json_t *object, const char *key, json_t *value)
{
    const char *old = key_in(object, key);
    if (old)
        json_object_del(object, old);
    json_object_set(object, key, value);
}

enum local_result sts_session_tags(struct local_call *call, const char *role_tags,
                                   struct sts_tags *out)
{
    const struct principal *caller = call->caller;
    json_t *inherited = read_or(caller->transitive, json_array()), *requested = json_object();
    json_t *carried = read_or(caller->session_tags, json_object());
    enum local_result result = read_requested(call, inherited, requested);
    const char *key;
    json_t *value;
    *out = (struct sts_tags){read_or(role_tags, json_object()), json_array()};
    for (size_t i = 0; result == LOCAL_OK && i < json_array_size(inherited); i++) {
        json_t *name = json_array_get(inherited, i);
        key = key_in(carried, json_string_value(name));
        if (!key)
            continue;
        set_tag(out->tags, key, json_object_get(carried, key));
        json_array_append(out->transitive, name);
    }
    if (result == LOCAL_OK) {
        json_object_foreach(requested, key, value)
        {
            set_tag(out->tags, key, value);
        }
        json_array_extend(out->transitive, (json_t *)local_value(call, "TransitiveTagKeys"));
    } else {
        sts_tags_done(out);
    }
    json_decref(inherited);
    json_decref(requested);
    json_decref(carried);
    return result;
}

void sts_tags_done(struct sts_tags *tags)
{
    json_decref(tags->tags);
    json_decref(tags->transitive);
    *tags = (struct sts_tags){0};
}

/* --- answers ---------------------------------------------------------------------------------- */

/* AWS packs policies and tags in a form of its own and says how full it is. Ours counts characters
 * against the limits that are published, so it never passes 100. */
int sts_packed_size(struct local_call *call)
{
    const json_t *tags = local_value(call, "Tags");
    size_t characters = local_text_len(call, "Policy");
    size_t arns = json_array_size(local_value(call, "PolicyArns"));
    if (characters == 0 && arns == 0 && json_array_size(tags) == 0)
        return -1;
    size_t in_tags = 0;
    for (size_t i = 0; i < json_array_size(tags); i++)
        in_tags += strlen(json_text_or(json_array_get(tags, i), "Key", "")) +
                   strlen(json_text_or(json_array_get(tags, i), "Value", ""));
    enum { TAG_CHARACTERS = 50 * (128 + 256) };
    return (int)(1 + 49 * characters / POLICY_CHARACTERS + 2 * arns +
                 29 * in_tags / TAG_CHARACTERS);
}

enum local_result sts_put_credentials(struct local_call *call, const struct principal *who,
                                      int64_t duration_s)
{
    struct issued_credentials issued;
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    /* Whole seconds: the answer has no others, and a client must not outlive it by a fraction. */
    int64_t expires_ms = (now_ms / 1000 + duration_s) * 1000;
    enum local_result result = authenticate_issue(call, who, expires_ms, &issued);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "Credentials");
    json_open(call->out);
    json_put_text(call->out, "AccessKeyId", issued.access_key);
    json_put_text(call->out, "SecretAccessKey", issued.secret);
    json_put_text(call->out, "SessionToken", issued.token);
    local_put_time(call, "Expiration", expires_ms);
    json_close(call->out);
    return LOCAL_OK;
}
