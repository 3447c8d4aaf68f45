#include "local/services/kms_parts.h"
#include "local/services/tagging.h"

#include <string.h>

static enum local_result tag_failure(struct local_call *call, const char *text)
{
    return local_fail(call, "TagException", "%s", text);
}

static bool reserved(const char *key)
{
    return text_starts_nocase(key, "aws:");
}

static void write_tag(struct local_call *call, const char *key_id, const char *key,
                      const char *value)
{
    if (store_run(call->store,
                  "UPDATE kms_tags SET tag_value = $1 WHERE key_id = $2 AND region = $3 AND "
                  "tag_key = $4",
                  "tttt", value, key_id, call->region, key) != 0)
        return;
    store_run(call->store,
              "INSERT INTO kms_tags (key_id, region, tag_key, tag_value, ordinal) SELECT $1, $2, "
              "$3, $4, COALESCE(MAX(ordinal), 0) + 1 FROM kms_tags WHERE key_id = $5 AND "
              "region = $6",
              "tttttt", key_id, call->region, key, value, key_id, call->region);
}

static int64_t count_tags(struct local_call *call, const char *key_id)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM kms_tags WHERE key_id = $1 AND region = $2", "tt", key_id,
                call->region);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

static enum local_result add(struct local_call *call, const char *key_id,
                             const struct tagging_tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (reserved(tags[i].key))
            return tag_failure(call, "Tags beginning with aws: are reserved");
        for (size_t j = 0; j < i; j++)
            if (strcmp(tags[i].key, tags[j].key) == 0)
                return tag_failure(call, "Duplicate tag keys");
    }
    if (count > KMS_LARGEST_TAGS)
        return tag_failure(call, "Too many tags");
    for (size_t i = 0; i < count; i++)
        write_tag(call, key_id, tags[i].key, tags[i].value);
    if (count_tags(call, key_id) > KMS_LARGEST_TAGS) /* the savepoint undoes what was written */
        return tag_failure(call, "Too many tags");
    if (count > 0)
        store_run(call->store, "UPDATE kms_keys SET tagged = 1 WHERE key_id = $1 AND region = $2",
                  "tt", key_id, call->region);
    return LOCAL_OK;
}

enum local_result kms_tags_add(struct local_call *call, const char *key_id, const json_t *tags)
{
    size_t count = json_array_size(tags);
    struct tagging_tag *list = arena_calloc(call->arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const json_t *tag = json_array_get(tags, i);
        list[i] = (struct tagging_tag){json_text(tag, "TagKey"), json_text(tag, "TagValue")};
    }
    return add(call, key_id, list, count);
}

static enum local_result find_to_tag(struct local_call *call, const char *name,
                                     const struct kms_key **key)
{
    enum local_result result = kms_find(call, name, 0, key);
    return result == LOCAL_OK ? kms_require(call, *key, KMS_TO_CHANGE) : result;
}

enum local_result kms_tag_resource(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_to_tag(call, local_text(call, "KeyId"), &key);
    return result == LOCAL_OK ? kms_tags_add(call, key->id, local_value(call, "Tags")) : result;
}

static enum local_result drop(struct local_call *call, const struct kms_key *key, const char *name)
{
    if (reserved(name))
        return tag_failure(call, "Tags beginning with aws: are reserved");
    store_run(call->store,
              "DELETE FROM kms_tags WHERE key_id = $1 AND region = $2 AND tag_key = $3", "ttt",
              key->id, key->region, name);
    return LOCAL_OK;
}

enum local_result kms_untag_resource(struct local_call *call)
{
    const struct kms_key *key;
    enum local_result result = find_to_tag(call, local_text(call, "KeyId"), &key);
    const json_t *names = local_value(call, "TagKeys");
    for (size_t i = 0; result == LOCAL_OK && i < json_array_size(names); i++)
        result = drop(call, key, json_string_value(json_array_get(names, i)));
    return result;
}

enum local_result kms_list_resource_tags(struct local_call *call)
{
    const struct kms_key *key;
    const char *after;
    enum local_result result = kms_marker(call, &after);
    if (result == LOCAL_OK)
        result = kms_find(call, local_text(call, "KeyId"), 0, &key);
    if (result != LOCAL_OK)
        return result;
    int64_t limit = local_int(call, "Limit", 50), ordinal = 0, count = 0;
    bool more = false;
    if (*after && text_to_int64(after, strlen(after), &ordinal) != 0)
        return local_fail(call, "InvalidMarkerException", "Invalid marker.");
    json_key(call->out, "Tags");
    json_open_list(call->out);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT tag_key, tag_value, ordinal FROM kms_tags WHERE key_id = $1 AND "
                "region = $2 AND ordinal > $3 ORDER BY ordinal LIMIT $4",
                "ttii", key->id, key->region, ordinal, limit + 1);
    while (!more && store_next(&rows)) {
        if (count++ == limit) {
            more = true;
            break;
        }
        struct text name = store_text(&rows, 0), value = store_text(&rows, 1);
        ordinal = store_int(&rows, 2);
        json_open(call->out);
        json_key(call->out, "TagKey");
        json_write_text_n(call->out, name.data, name.len);
        json_key(call->out, "TagValue");
        json_write_text_n(call->out, value.data, value.len);
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
    kms_put_marker(call, more ? arena_printf(call->arena, "%lld", (long long)ordinal) : NULL);
    return LOCAL_OK;
}

/* --- for the Resource Groups Tagging API ------------------------------------------------------ */

static void describe(struct local_call *call, const struct kms_key *key,
                     struct tagging_resource *out)
{
    size_t count;
    const struct kms_tag *tags = kms_key_tags(call, key, &count);
    struct tagging_tag *list = arena_calloc(call->arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = (struct tagging_tag){tags[i].key, tags[i].value};
    *out = (struct tagging_resource){.position = key->id,
                                     .arn = key->arn,
                                     .tags = list,
                                     .tag_count = count};
}

static void scan(struct local_call *call, const char *after,
                 bool (*visit)(void *arg, const struct tagging_resource *), void *arg)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT key_id FROM kms_keys WHERE account = $1 AND region = $2 AND key_id > $3 "
                "AND tagged = 1 ORDER BY key_id",
                "ttt", call->account, call->region, after);
    bool go_on = true;
    while (go_on && store_next(&rows)) {
        struct text id = store_text(&rows, 0);
        const struct kms_key *key = kms_load(call, arena_strndup(call->arena, id.data, id.len));
        if (!key) /* its deletion is due */
            continue;
        struct tagging_resource resource;
        describe(call, key, &resource);
        go_on = visit(arg, &resource);
    }
    store_end(&rows);
}

static bool find(struct local_call *call, const char *resource, struct tagging_resource *out)
{
    const char *id = resource + strlen("key/");
    if (!text_starts(resource, "key/") || !kms_id_valid(id))
        return false;
    const struct kms_key *key = kms_load(call, id);
    if (!key || !key->tagged || strcmp(key->account, call->account) != 0)
        return false;
    describe(call, key, out);
    return true;
}

static enum local_result find_for_tagging(struct local_call *call, const char *resource,
                                          const char *action, const struct kms_key **key)
{
    enum local_result result = find_to_tag(call, local_arn(call, "kms", resource), key);
    return result == LOCAL_OK ? kms_allow(call, *key, &(struct kms_question){.action = action})
                              : result;
}

static enum local_result tag(struct local_call *call, const char *resource,
                             const struct tagging_tag *tags, size_t count)
{
    const struct kms_key *key;
    enum local_result result = find_for_tagging(call, resource, "kms:TagResource", &key);
    return result == LOCAL_OK ? add(call, key->id, tags, count) : result;
}

static enum local_result untag(struct local_call *call, const char *resource,
                               const char *const *keys, size_t count)
{
    const struct kms_key *key;
    enum local_result result = find_for_tagging(call, resource, "kms:UntagResource", &key);
    for (size_t i = 0; result == LOCAL_OK && i < count; i++)
        result = drop(call, key, keys[i]);
    return result;
}

const struct tagging_source kms_tagging = {
    .service = "kms", .type = "key", .scan = scan, .find = find, .tag = tag, .untag = untag};
