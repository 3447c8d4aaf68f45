#include "local/services/ssm_condition.h"

#include "aws/arn.h"
#include "local/services/ssm_tags.h"

#include <string.h>

static const char *yes_or_no(bool yes)
{
    return yes ? "true" : "false";
}

/* A list of {Key, Value} in SSM's operations, a map in the tagging API's. */
static void add_request_tags(struct condition_keys *keys)
{
    struct local_call *call = keys->call;
    const json_t *tags = local_value(call, "Tags");
    const char *key;
    json_t *value;
    if (!json_is_object(tags)) {
        condition_keys_add_tags(keys, tags, "Key", "Value");
        condition_keys_add_json(keys, "aws:TagKeys", local_value(call, "TagKeys"), NULL);
        return;
    }
    const char **names = arena_calloc(call->arena, json_object_size(tags) + 1, sizeof *names);
    size_t count = 0;
    json_object_foreach((json_t *)tags, key, value)
    {
        names[count++] = key;
        condition_keys_add(keys, arena_printf(call->arena, "aws:RequestTag/%s", key),
                           json_string_value(value));
    }
    condition_keys_add_list(keys, "aws:TagKeys", names);
}

/* Of a parameter of the caller's account and Region: others' tags are not its to see. */
static void add_parameter_tags(struct condition_keys *keys, const char *resource)
{
    struct local_call *call = keys->call;
    struct ssm_tag_list *list = arena_alloc(call->arena, sizeof *list);
    struct arn arn;
    static const char kind[] = "parameter/";
    if (arn_parse(resource, strlen(resource), &arn) != 0 || !text_is(arn.account, call->account) ||
        !text_is(arn.region, call->region) || !text_starts(arn.resource.data, kind))
        return;
    size_t skip = sizeof kind - 1;
    const struct text key = {arn.resource.data + skip, arn.resource.len - skip};
    if (!ssm_tags_load(call, key, list))
        return;
    for (size_t i = 0; i < list->count; i++) {
        const struct tagging_tag *tag = &list->tags[i];
        condition_keys_add(keys, arena_printf(call->arena, "aws:ResourceTag/%s", tag->key),
                           tag->value);
        condition_keys_add(keys, arena_printf(call->arena, "ssm:resourceTag/%s", tag->key),
                           tag->value);
    }
}

void ssm_condition_keys(const struct local_question *question, struct condition_keys *keys)
{
    struct local_call *call = keys->call;
    if (strcmp(question->action, "ssm:PutParameter") == 0) {
        condition_keys_add(keys, "ssm:Overwrite", yes_or_no(local_bool(call, "Overwrite", false)));
        condition_keys_add(keys, "ssm:Policies", yes_or_no(local_text(call, "Policies") != NULL));
    }
    if (strcmp(question->action, "ssm:GetParametersByPath") == 0)
        condition_keys_add(keys, "ssm:Recursive", yes_or_no(local_bool(call, "Recursive", false)));
    add_request_tags(keys);
    add_parameter_tags(keys, question->resource);
}
