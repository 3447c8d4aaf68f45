#include "local/services/iam_parts.h"

#include <string.h>
#include <strings.h>

enum { LARGEST_TAGS = 50 };

static char *text_of_json(struct local_call *call, const json_t *object)
{
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 64 * 1024);
    json_writer_init(&writer, &text);
    json_write_value(&writer, object);
    char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_done(&text);
    return copy;
}

static const char *key_in(json_t *object, const char *key)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (strcasecmp(name, key) == 0)
            return name;
    }
    return NULL;
}

/* Keys are unique without regard to case; the newer spelling stays. */
static enum local_result lay_over(struct local_call *call, json_t *object)
{
    const json_t *tags = local_value(call, "Tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        const char *key = json_text(tag, "Key");
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(key, json_text(json_array_get(tags, j), "Key")) == 0)
                return local_fail_status(
                    call, 400, "InvalidInput",
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
        if (text_starts_nocase(key, "aws:"))
            return local_fail_status(call, 400, "InvalidInput",
                                     "Tag keys may not start with 'aws:'");
        const char *old = key_in(object, key);
        if (old)
            json_object_del(object, old);
        json_object_set_new(object, key, json_string(json_text(tag, "Value")));
    }
    if (json_object_size(object) > LARGEST_TAGS)
        return local_fail_status(call, 409, "LimitExceeded",
                                 "The number of tags has reached the maximum limit.");
    return LOCAL_OK;
}

enum local_result iam_tags_asked(struct local_call *call, const char *old, const char **out)
{
    json_t *object = old ? json_read(old, strlen(old), NULL) : NULL;
    if (!object)
        object = json_object();
    enum local_result result = lay_over(call, object);
    if (result == LOCAL_OK)
        *out = text_of_json(call, object);
    json_decref(object);
    return result;
}

static void put_tag(struct local_call *call, const char *key, const json_t *value)
{
    json_open(call->out);
    json_put_text(call->out, "Key", key);
    json_put_text(call->out, "Value", json_string_value(value));
    json_close(call->out);
}

void iam_put_tags(struct local_call *call, const char *text)
{
    json_t *tags = json_read(text, strlen(text), NULL), *value;
    const char *key;
    if (json_object_size(tags) > 0) {
        json_key(call->out, "Tags");
        json_open_list(call->out);
        json_object_foreach(tags, key, value)
        {
            put_tag(call, key, value);
        }
        json_close_list(call->out);
    }
    json_decref(tags);
}

static void store_tags(struct local_call *call, const struct iam_entity *entity, const char *tags)
{
    store_run(call->store, "UPDATE iam_entities SET tags = $1 WHERE id = $2", "tt", tags,
              entity->id);
}

enum local_result iam_tag(struct local_call *call)
{
    struct iam_entity entity;
    const char *tags;
    enum local_result result = iam_asked(call, &entity);
    if (result == LOCAL_OK)
        result = iam_tags_asked(call, entity.tags, &tags);
    if (result == LOCAL_OK)
        store_tags(call, &entity, tags);
    return result;
}

enum local_result iam_untag(struct local_call *call)
{
    struct iam_entity entity;
    const json_t *keys = local_value(call, "TagKeys");
    enum local_result result = iam_asked(call, &entity);
    if (result != LOCAL_OK)
        return result;
    json_t *object = json_read(entity.tags, strlen(entity.tags), NULL);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *old = key_in(object, json_string_value(json_array_get(keys, i)));
        if (old)
            json_object_del(object, old);
    }
    store_tags(call, &entity, text_of_json(call, object));
    json_decref(object);
    return LOCAL_OK;
}

/* Next in the order of keys, behind `after`. */
static const char *next_key(json_t *object, const char *after)
{
    const char *key, *next = NULL;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, after) > 0 && (!next || strcmp(key, next) < 0))
            next = key;
    }
    return next;
}

enum local_result iam_list_tags(struct local_call *call)
{
    struct iam_entity entity;
    struct iam_page page;
    enum local_result result = iam_asked(call, &entity);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_t *object = json_read(entity.tags, strlen(entity.tags), NULL);
    json_key(call->out, "Tags");
    json_open_list(call->out);
    for (const char *key = next_key(object, page.after); key; key = next_key(object, key)) {
        if (iam_page_take(&page, arena_strdup(call->arena, key)) == IAM_FULL)
            break;
        put_tag(call, key, json_object_get(object, key));
    }
    json_close_list(call->out);
    json_decref(object);
    iam_page_close(call, &page);
    return LOCAL_OK;
}
