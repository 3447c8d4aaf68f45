#include "local/services/ssm_tags.h"

#include "local/services/ssm_condition.h"

#include "base/buf.h"
#include "local/services/ssm_operations.h"

#include <string.h>

/* Strict: AWS's words for a reserved key and for a key given twice are not known. */
enum local_result ssm_tags_check(struct local_call *call, const struct tagging_tag *tags,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_starts_nocase(tags[i].key, "aws:"))
            return local_fail(call, "ValidationException",
                              "Tag keys can't begin with the reserved prefix aws:.");
        for (size_t k = 0; k < i; k++)
            if (strcmp(tags[i].key, tags[k].key) == 0)
                return local_fail(call, "ValidationException",
                                  "Tag keys must be unique in a request.");
    }
    return LOCAL_OK;
}

const struct tagging_tag *ssm_tags_input(struct local_call *call, const json_t *list, size_t *count)
{
    *count = json_array_size(list);
    struct tagging_tag *tags = arena_calloc(call->arena, *count + 1, sizeof *tags);
    for (size_t i = 0; i < *count; i++) {
        const json_t *tag = json_array_get(list, i);
        tags[i].key = json_text_or(tag, "Key", "");
        tags[i].value = json_text_or(tag, "Value", "");
    }
    return tags;
}

int ssm_tags_add(struct ssm_tag_list *list, const struct tagging_tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < list->count && strcmp(list->tags[at].key, tags[i].key) < 0)
            at++;
        if (at == list->count || strcmp(list->tags[at].key, tags[i].key) != 0) {
            if (list->count == SSM_TAGS_MAX)
                return -1;
            memmove(&list->tags[at + 1], &list->tags[at],
                    (list->count++ - at) * sizeof *list->tags);
        }
        list->tags[at] = tags[i];
    }
    return 0;
}

static bool take_out(struct ssm_tag_list *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tags[i].key, key) == 0) {
            memmove(&list->tags[i], &list->tags[i + 1], (--list->count - i) * sizeof *list->tags);
            return true;
        }
    return false;
}

/* Neither keys nor values can hold a NUL: their pattern does not allow it. */
void ssm_tags_unpack(struct text packed, struct ssm_tag_list *out)
{
    out->count = 0;
    const char *at = packed.data, *end = packed.data + packed.len;
    while (at < end && out->count < SSM_TAGS_MAX) {
        const char *value = at + strlen(at) + 1;
        out->tags[out->count++] = (struct tagging_tag){at, value};
        at = value + strlen(value) + 1;
    }
}

bool ssm_tags_load(struct local_call *call, struct text key, struct ssm_tag_list *out)
{
    struct store_rows rows;
    out->count = 0;
    store_query(call->store, &rows,
                "SELECT tags FROM ssm_tags WHERE account = $1 AND region = $2 AND name = $3", "ttT",
                call->account, call->region, key.data, key.len);
    bool found = store_next(&rows);
    if (found) {
        struct text packed = store_blob(&rows, 0);
        packed.data = arena_memdup(call->arena, packed.data, packed.len);
        ssm_tags_unpack(packed, out);
    }
    store_end(&rows);
    return found;
}

void ssm_tags_store(struct local_call *call, struct text key, const struct ssm_tag_list *list)
{
    struct buf packed;
    buf_init(&packed, SSM_TAGS_MAX * 4 * (128 + 256 + 2));
    for (size_t i = 0; i < list->count; i++) {
        buf_append(&packed, list->tags[i].key, strlen(list->tags[i].key) + 1);
        buf_append(&packed, list->tags[i].value, strlen(list->tags[i].value) + 1);
    }
    store_run(call->store,
              "INSERT INTO ssm_tags (account, region, name, tags) VALUES ($1, $2, $3, $4)"
              " ON CONFLICT (account, region, name) DO UPDATE SET tags = excluded.tags",
              "ttTb", call->account, call->region, key.data, key.len, buf_text(&packed),
              packed.len);
    buf_done(&packed);
}

/* The parameter that ResourceType and ResourceId name. A name that cannot be one and one that is
 * not there are the same to AWS. Kinds that this server does not have have no resources.
 * InvalidResourceType does not happen: what is not in the model's list is a ValidationException. */
static enum local_result find_resource(struct local_call *call, struct text *key)
{
    struct ssm_name name;
    if (strcmp(local_text(call, "ResourceType"), "Parameter") != 0 ||
        ssm_name_read(text_of(local_text(call, "ResourceId")), SSM_NAME_ONLY, &name) !=
            SSM_NAME_GOOD ||
        !ssm_exists(call, call->account, name.key))
        return local_fail_bare(call, "InvalidResourceId");
    *key = name.key;
    return LOCAL_OK;
}

static enum local_result add(struct local_call *call, struct text key,
                             const struct tagging_tag *tags, size_t count)
{
    struct ssm_tag_list list;
    if (ssm_tags_check(call, tags, count) != LOCAL_OK)
        return LOCAL_FAILED;
    ssm_tags_load(call, key, &list);
    if (ssm_tags_add(&list, tags, count) != 0)
        return local_fail_bare(call, "TooManyTagsError");
    ssm_tags_store(call, key, &list);
    return LOCAL_OK;
}

enum local_result ssm_add_tags_to_resource(struct local_call *call)
{
    struct text key;
    size_t count;
    if (find_resource(call, &key) != LOCAL_OK)
        return LOCAL_FAILED;
    const struct tagging_tag *tags = ssm_tags_input(call, local_value(call, "Tags"), &count);
    return add(call, key, tags, count);
}

static void remove_keys(struct local_call *call, struct text key, const char *const *keys,
                        size_t count)
{
    struct ssm_tag_list list;
    if (!ssm_tags_load(call, key, &list))
        return;
    bool changed = false;
    for (size_t i = 0; i < count; i++)
        changed |= take_out(&list, keys[i]);
    if (changed)
        ssm_tags_store(call, key, &list);
}

enum local_result ssm_remove_tags_from_resource(struct local_call *call)
{
    struct text key;
    if (find_resource(call, &key) != LOCAL_OK)
        return LOCAL_FAILED;
    const json_t *list = local_value(call, "TagKeys");
    size_t count = json_array_size(list);
    const char **keys = arena_calloc(call->arena, count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = json_string_value(json_array_get(list, i));
    remove_keys(call, key, keys, count);
    return LOCAL_OK;
}

enum local_result ssm_list_tags_for_resource(struct local_call *call)
{
    struct text key;
    struct ssm_tag_list list;
    if (find_resource(call, &key) != LOCAL_OK)
        return LOCAL_FAILED;
    ssm_tags_load(call, key, &list);
    json_key(call->out, "TagList");
    json_open_list(call->out);
    for (size_t i = 0; i < list.count; i++) {
        json_open(call->out);
        json_put_text(call->out, "Key", list.tags[i].key);
        json_put_text(call->out, "Value", list.tags[i].value);
        json_close(call->out);
    }
    json_close_list(call->out);
    return LOCAL_OK;
}

/* The tagging API's side. */

static void scan(struct local_call *call, const char *after,
                 bool (*visit)(void *arg, const struct tagging_resource *), void *arg)
{
    struct store_rows rows;
    struct ssm_tag_list list;
    int64_t now_ms = ssm_now_ms(call);
    store_query(call->store, &rows,
                "SELECT t.name, t.tags FROM ssm_tags t CROSS JOIN ssm_parameter p"
                " WHERE t.account = $1 AND t.region = $2 AND t.name > $3"
                " AND p.account = t.account AND p.region = t.region AND p.name = t.name"
                " AND (p.expires_ms = 0 OR p.expires_ms > $4) ORDER BY t.name",
                "ttti", call->account, call->region, after, now_ms);
    while (store_next(&rows)) {
        struct text name = store_text(&rows, 0);
        ssm_tags_unpack(store_blob(&rows, 1), &list);
        struct tagging_resource resource = {name.data, ssm_arn(call, call->account, name),
                                            list.tags, list.count};
        if (!visit(arg, &resource))
            break;
    }
    store_end(&rows);
}

static bool key_of(const char *resource, struct text *key)
{
    if (!text_starts(resource, "parameter/"))
        return false;
    *key = text_of(resource + strlen("parameter/"));
    return true;
}

static bool find(struct local_call *call, const char *resource, struct tagging_resource *out)
{
    struct text key;
    struct ssm_tag_list *list = arena_alloc(call->arena, sizeof *list);
    if (!key_of(resource, &key) || !ssm_exists(call, call->account, key) ||
        !ssm_tags_load(call, key, list))
        return false;
    *out = (struct tagging_resource){key.data, ssm_arn(call, call->account, key), list->tags,
                                     list->count};
    return true;
}

static enum local_result permitted(struct local_call *call, const char *action,
                                   const char *resource, struct text *key)
{
    if (!key_of(resource, key) || !ssm_exists(call, call->account, *key))
        return local_fail_bare(call, "InvalidResourceId");
    return local_authorize_question(call,
                                    &(struct local_question){.action = action,
                                                             .resource =
                                                                 ssm_arn(call, call->account, *key),
                                                             .supply = ssm_condition_keys});
}

static enum local_result tag(struct local_call *call, const char *resource,
                             const struct tagging_tag *tags, size_t count)
{
    struct text key;
    if (permitted(call, "ssm:AddTagsToResource", resource, &key) != LOCAL_OK)
        return LOCAL_FAILED;
    return add(call, key, tags, count);
}

static enum local_result untag(struct local_call *call, const char *resource,
                               const char *const *keys, size_t count)
{
    struct text key;
    if (permitted(call, "ssm:RemoveTagsFromResource", resource, &key) != LOCAL_OK)
        return LOCAL_FAILED;
    remove_keys(call, key, keys, count);
    return LOCAL_OK;
}

const struct tagging_source ssm_tagging = {"ssm", "parameter", scan, find, tag, untag};
