#include "local/services/logs_parts.h"

#include "aws/arn.h"

#include <stdlib.h>
#include <string.h>

/* The group that the call names by its name or its ARN, and its tags: json_decref them. */
static enum local_result read_tags(struct local_call *call, struct logs_group *group, json_t **tags)
{
    const char *name = local_text(call, "logGroupName"), *arn = local_text(call, "resourceArn");
    struct arn parts;
    if (arn && arn_parse(arn, strlen(arn), &parts) == 0) { /* checked by logs_tagged_resources */
        struct text rest = parts.resource;
        text_cut(&rest, ':');
        struct text found = text_cut(&rest, ':');
        name = arena_strndup(call->arena, found.data, found.len);
    }
    if (logs_need_group(call, name, group) != LOCAL_OK)
        return LOCAL_FAILED;
    *tags = json_read(group->tags, strlen(group->tags), NULL);
    if (!*tags)
        *tags = json_object();
    return LOCAL_OK;
}

static void store_tags(struct local_call *call, const struct logs_group *group, const json_t *tags)
{
    char *text = json_dumps(tags, JSON_COMPACT);
    store_run(call->store, "UPDATE logs_group SET tags = $1 WHERE id = $2", "ti", text, group->id);
    free(text);
}

static enum local_result add_tags(struct local_call *call, const char *too_many)
{
    struct logs_group group;
    json_t *tags;
    if (read_tags(call, &group, &tags) != LOCAL_OK)
        return LOCAL_FAILED;
    json_object_update(tags, (json_t *)local_value(call, "tags"));
    enum local_result result = LOCAL_OK;
    if (json_object_size(tags) > LOGS_MOST_TAGS)
        result = local_fail(call, too_many, "The maximum number of tags per resource is %d.",
                            LOGS_MOST_TAGS); /* (K) */
    else
        store_tags(call, &group, tags);
    json_decref(tags);
    return result;
}

static enum local_result drop_tags(struct local_call *call, const json_t *keys)
{
    struct logs_group group;
    json_t *tags;
    if (read_tags(call, &group, &tags) != LOCAL_OK)
        return LOCAL_FAILED;
    for (size_t i = 0; i < json_array_size(keys); i++)
        json_object_del(tags, json_string_value(json_array_get(keys, i)));
    store_tags(call, &group, tags);
    json_decref(tags);
    return LOCAL_OK;
}

enum local_result logs_list_tags(struct local_call *call)
{
    struct logs_group group;
    json_t *tags;
    if (read_tags(call, &group, &tags) != LOCAL_OK)
        return LOCAL_FAILED;
    json_key(call->out, "tags");
    json_write_value(call->out, tags);
    json_decref(tags);
    return LOCAL_OK;
}

enum local_result logs_tag_resource(struct local_call *call)
{
    return add_tags(call, "TooManyTagsException");
}

enum local_result logs_untag_resource(struct local_call *call)
{
    return drop_tags(call, local_value(call, "tagKeys"));
}

/* The older operations, by the group's name. */
enum local_result logs_tag_group(struct local_call *call)
{
    return add_tags(call, "InvalidParameterException");
}

enum local_result logs_untag_group(struct local_call *call)
{
    return drop_tags(call, local_value(call, "tags"));
}

enum local_result logs_list_group_tags(struct local_call *call)
{
    return logs_list_tags(call);
}
