#include "local/services/events_parts.h"

#include "aws/arn.h"
#include "local/event_access.h"

#include <stdlib.h>
#include <string.h>

/* The tags of an ARN as an object; never NULL. */
static json_t *tags_of(struct local_call *call, const char *arn)
{
    struct store_rows rows;
    json_t *tags = NULL;
    store_query(call->store, &rows, "SELECT tags FROM events_tags WHERE arn = $1", "t", arn);
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        tags = json_read(text.data, text.len, NULL);
    }
    store_end(&rows);
    return tags ? tags : json_object();
}

static void store_tags(struct local_call *call, const char *arn, const json_t *tags)
{
    char *text = json_dumps(tags, JSON_COMPACT);
    store_run(call->store,
              "INSERT INTO events_tags (arn, tags) VALUES ($1, $2)"
              " ON CONFLICT (arn) DO UPDATE SET tags = excluded.tags",
              "tt", arn, text);
    free(text);
}

enum local_result events_add_tags(struct local_call *call, const char *arn)
{
    const json_t *list = local_value(call, "Tags");
    if (!json_array_size(list))
        return LOCAL_OK;
    json_t *tags = tags_of(call, arn);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        json_object_set(tags, json_text(tag, "Key"), json_object_get(tag, "Value"));
    }
    size_t count = json_object_size(tags);
    if (count <= EVENTS_TAGS_MAX)
        store_tags(call, arn, tags);
    json_decref(tags);
    return count <= EVENTS_TAGS_MAX
               ? LOCAL_OK
               : local_fail(call, "ValidationException", "Too many tags."); /* (K) */
}

void events_drop_tags(struct local_call *call, const char *arn)
{
    store_run(call->store, "DELETE FROM events_tags WHERE arn = $1", "t", arn);
}

/* "event-bus/name", "rule/name", "rule/bus/name" of this account and Region. */
static enum local_result need_resource(struct local_call *call, const char **arn)
{
    struct arn parts;
    *arn = local_text(call, "ResourceARN");
    if (arn_parse(*arn, strlen(*arn), &parts) != 0 || !text_is(parts.service, "events"))
        return local_fail(call, "ValidationException",
                          "Parameter %s is not valid. Reason: Provided Arn is not in correct "
                          "format.",
                          *arn);
    if (!text_is(parts.account, call->account) || !text_is(parts.region, call->region))
        return local_fail(call, "ResourceNotFoundException", "%s does not exist.", *arn);
    struct text name = parts.resource;
    const char *kind = arena_strndup(call->arena, name.data, text_cut(&name, '/').len);
    struct text bus = {"default", strlen("default")};
    if (name.data && memchr(name.data, '/', name.len))
        bus = text_cut(&name, '/');
    char *first = arena_strndup(call->arena, bus.data, bus.len);
    char *second = arena_strndup(call->arena, name.data ? name.data : "", name.len);
    if (strcmp(kind, "rule") == 0)
        return events_need_rule(call, first, second);
    return events_need_bus(call, second);
}

enum local_result events_tag_resource(struct local_call *call)
{
    const char *arn;
    if (need_resource(call, &arn) != LOCAL_OK)
        return LOCAL_FAILED;
    return events_add_tags(call, arn);
}

enum local_result events_untag_resource(struct local_call *call)
{
    const char *arn;
    const json_t *keys = local_value(call, "TagKeys");
    if (need_resource(call, &arn) != LOCAL_OK)
        return LOCAL_FAILED;
    json_t *tags = tags_of(call, arn);
    for (size_t i = 0; i < json_array_size(keys); i++)
        json_object_del(tags, json_string_value(json_array_get(keys, i)));
    store_tags(call, arn, tags);
    json_decref(tags);
    return LOCAL_OK;
}

enum local_result events_list_tags(struct local_call *call)
{
    const char *arn, *key;
    json_t *value;
    if (need_resource(call, &arn) != LOCAL_OK)
        return LOCAL_FAILED;
    json_t *tags = tags_of(call, arn);
    json_key(call->out, "Tags");
    json_open_list(call->out);
    json_object_foreach(tags, key, value)
    {
        json_open(call->out);
        json_put_text(call->out, "Key", key);
        json_put_text(call->out, "Value", json_string_value(value));
        json_close(call->out);
    }
    json_close_list(call->out);
    json_decref(tags);
    return LOCAL_OK;
}
