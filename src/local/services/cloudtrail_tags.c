/* Tags of trails. */
#include "local/services/cloudtrail_parts.h"

#include "aws/arn.h"

#include <stdlib.h>
#include <string.h>

static enum local_result check_keys(struct local_call *call)
{
    const json_t *list = local_value(call, "TagsList"), *tag;
    size_t index;
    json_array_foreach(list, index, tag) if (strncmp(json_text(tag, "Key"), "aws:", 4) == 0)
        /* (K) */
        return local_fail(call, "InvalidTagParameterException",
                          "Tag keys that begin with aws: are reserved.");
    return LOCAL_OK;
}

enum local_result cloudtrail_merge_tags(struct local_call *call, json_t *tags)
{
    const json_t *list = local_value(call, "TagsList"), *tag;
    size_t index;
    if (check_keys(call) != LOCAL_OK)
        return LOCAL_FAILED;
    json_array_foreach(list, index, tag)
    {
        json_object_set_new(tags, json_text(tag, "Key"),
                            json_string(json_text_or(tag, "Value", "")));
    }
    if (json_object_size(tags) > CLOUDTRAIL_TAGS_MAX) /* (K) */
        return local_fail(call, "TagsLimitExceededException",
                          "The number of tags per resource has exceeded the permitted amount.");
    return LOCAL_OK;
}

void cloudtrail_store_tags(struct local_call *call, const struct cloudtrail_trail *trail)
{
    char *text = json_dumps(trail->tags, JSON_COMPACT);
    store_run(call->store,
              "UPDATE trail_trail SET tags = $4 WHERE account = $1 AND region = $2 AND name = $3",
              "tttt", call->account, trail->region, trail->name, text);
    free(text);
}

/* A resource of these operations is told by its ARN alone. */
static enum local_result find(struct local_call *call, const char *arn, bool home,
                              struct cloudtrail_trail *trail)
{
    if (!arn_is(arn)) /* (K) */
        return local_fail(call, "CloudTrailARNInvalidException", "ARN is not valid: %s", arn);
    if (cloudtrail_find(call, arn, home, trail) == LOCAL_OK)
        return LOCAL_OK;
    /* Tags are changed in the home Region only, but the model has no error that says so. (K) */
    if (strcmp(call->failure.code, "TrailNotFoundException") == 0 ||
        strcmp(call->failure.code, "InvalidHomeRegionException") == 0)
        return local_fail(call, "ResourceNotFoundException", "Resource %s not found.", arn);
    return LOCAL_FAILED;
}

enum local_result cloudtrail_add_tags(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (find(call, local_text(call, "ResourceId"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    enum local_result result = cloudtrail_merge_tags(call, trail.tags);
    if (result == LOCAL_OK)
        cloudtrail_store_tags(call, &trail);
    cloudtrail_trail_done(&trail);
    return result;
}

enum local_result cloudtrail_remove_tags(struct local_call *call)
{
    const json_t *list = local_value(call, "TagsList"), *tag;
    size_t index;
    struct cloudtrail_trail trail;
    if (check_keys(call) != LOCAL_OK ||
        find(call, local_text(call, "ResourceId"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    json_array_foreach(list, index, tag)
    {
        json_object_del(trail.tags, json_text(tag, "Key"));
    }
    cloudtrail_store_tags(call, &trail);
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}

enum local_result cloudtrail_list_tags(struct local_call *call)
{
    const json_t *list = local_value(call, "ResourceIdList"), *arn, *value;
    const char *key;
    size_t index;
    if (local_text(call, "NextToken")) /* all fit into one page */
        return local_fail(call, "InvalidTokenException", "Invalid token.");
    json_key(call->out, "ResourceTagList");
    json_open_list(call->out);
    json_array_foreach(list, index, arn)
    {
        struct cloudtrail_trail trail;
        if (find(call, json_string_value(arn), false, &trail) != LOCAL_OK)
            return LOCAL_FAILED;
        json_open(call->out);
        json_put_text(call->out, "ResourceId", json_string_value(arn));
        json_key(call->out, "TagsList");
        json_open_list(call->out);
        json_object_foreach(trail.tags, key, value)
        {
            json_open(call->out);
            json_put_text(call->out, "Key", key);
            json_put_text(call->out, "Value", json_string_value(value));
            json_close(call->out);
        }
        json_close_list(call->out);
        json_close(call->out);
        cloudtrail_trail_done(&trail);
    }
    json_close_list(call->out);
    return LOCAL_OK;
}
