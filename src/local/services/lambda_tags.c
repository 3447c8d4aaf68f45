#include "local/services/lambda_parts.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256 };

const char *lambda_tags_of(struct local_call *call, int64_t function)
{
    struct store_rows rows;
    const char *tags = "{}";
    store_query(call->store, &rows, "SELECT tags FROM lambda_function WHERE id = $1", "i",
                function);
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        tags = arena_strndup(call->arena, text.data, text.len);
    }
    store_end(&rows);
    return tags;
}

static enum local_result check_tags(struct local_call *call, const json_t *tags)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value)
    {
        size_t key_len = text_utf8_count(key, strlen(key));
        size_t len = text_utf8_count(json_string_value(value), json_string_length(value));
        if (text_starts_nocase(key, "aws:"))
            return lambda_invalid(call, "Tag keys that begin with aws: are reserved.");
        if (!key_len || key_len > TAG_KEY_MAX || len > TAG_VALUE_MAX)
            return lambda_invalid(call, "A tag's key has 1 to %d letters, its value at most %d.",
                                  TAG_KEY_MAX, TAG_VALUE_MAX);
    }
    return LOCAL_OK;
}

static enum local_result keep(struct local_call *call, int64_t function, const json_t *tags)
{
    if (json_object_size(tags) > LAMBDA_TAGS_MAX)
        return lambda_invalid(call, "Number of tags exceeds resource tag limit.");
    char *text = json_dumps(tags, JSON_COMPACT);
    store_run(call->store, "UPDATE lambda_function SET tags = $1 WHERE id = $2", "ti", text,
              function);
    free(text);
    return LOCAL_OK;
}

enum local_result lambda_set_tags(struct local_call *call, int64_t function, const json_t *tags)
{
    if (!json_object_size(tags))
        return LOCAL_OK;
    if (check_tags(call, tags) != LOCAL_OK)
        return LOCAL_FAILED;
    return keep(call, function, tags);
}

/* Tags belong to the function as a whole. */
static enum local_result need_tagged(struct local_call *call, int64_t *function, json_t **tags)
{
    struct lambda_function found;
    struct lambda_name name;
    const char *arn = local_text(call, "Resource");
    *tags = NULL;
    *function = 0;
    if (!strstr(arn, ":function:") ||
        lambda_name_parse(call->arena, call->account, call->region, arn, NULL, &name) != 0)
        return local_fail(call, "ResourceNotFoundException",
                          "The resource you requested does not exist.");
    if (name.qualifier)
        return lambda_invalid(call, "Tags on function aliases and versions are not supported. "
                                    "Please specify a function ARN.");
    if (strcmp(name.region, call->region) != 0 ||
        lambda_function_find(call->local, call->store, call->arena, call->account, call->region,
                             arn, NULL, &found) != 0)
        return lambda_not_found(call, arn);
    const char *text = lambda_tags_of(call, found.id);
    *function = found.id;
    *tags = json_read(text, strlen(text), NULL);
    lambda_function_done(&found);
    return LOCAL_OK;
}

enum local_result lambda_tag(struct local_call *call)
{
    int64_t function;
    json_t *tags;
    enum local_result result = need_tagged(call, &function, &tags);
    if (result == LOCAL_OK)
        result = check_tags(call, local_value(call, "Tags"));
    if (result == LOCAL_OK) {
        json_object_update(tags, (json_t *)local_value(call, "Tags"));
        result = keep(call, function, tags);
    }
    json_decref(tags);
    return result;
}

enum local_result lambda_untag(struct local_call *call)
{
    int64_t function;
    json_t *tags;
    const json_t *keys = local_value(call, "TagKeys");
    enum local_result result = need_tagged(call, &function, &tags);
    if (result == LOCAL_OK) {
        for (size_t i = 0; i < json_array_size(keys); i++)
            json_object_del(tags, json_string_value(json_array_get(keys, i)));
        result = keep(call, function, tags);
    }
    json_decref(tags);
    return result;
}

enum local_result lambda_list_tags(struct local_call *call)
{
    int64_t function;
    json_t *tags;
    enum local_result result = need_tagged(call, &function, &tags);
    if (result == LOCAL_OK) {
        json_key(call->out, "Tags");
        json_write_value(call->out, tags);
    }
    json_decref(tags);
    return result;
}
