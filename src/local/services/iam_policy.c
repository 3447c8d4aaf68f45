#include "local/services/iam_parts.h"

#include <string.h>

enum { LARGEST_ATTACHED = 10 };

/* --- documents -------------------------------------------------------------------------------- */

enum local_result iam_check_document(struct local_call *call, const char *document)
{
    struct error err;
    if (policy_parse(call->arena, document, strlen(document), POLICY_IDENTITY, &err))
        return LOCAL_OK;
    return local_fail_status(call, 400, "MalformedPolicyDocument", "%s", err.message);
}

size_t iam_document_size(const char *document)
{
    size_t size = 0;
    for (const char *c = document; *c; c++)
        size += strchr(" \t\r\n", *c) == NULL;
    return size;
}

/* --- inline policies -------------------------------------------------------------------------- */

static size_t size_of_others(struct local_call *call, const char *owner, const char *name)
{
    struct store_rows rows;
    size_t size = 0;
    store_query(call->store, &rows,
                "SELECT document FROM iam_inline WHERE owner = $1 AND name <> $2", "tt", owner,
                name);
    while (store_next(&rows))
        size += iam_document_size(iam_needed(call->arena, &rows, 0));
    store_end(&rows);
    return size;
}

enum local_result iam_put_inline(struct local_call *call)
{
    struct iam_entity owner;
    const char *name = local_text(call, "PolicyName");
    const char *document = local_text(call, "PolicyDocument");
    enum local_result result = iam_asked(call, &owner);
    if (result == LOCAL_OK)
        result = iam_check_document(call, document);
    if (result != LOCAL_OK)
        return result;
    int64_t most = owner.kind->largest_inline;
    size_t others = size_of_others(call, owner.id, name);
    if ((int64_t)(iam_document_size(document) + others) > most)
        return local_fail_status(call, 409, "LimitExceeded",
                                 "Maximum policy size of %lld bytes exceeded for %s %s",
                                 (long long)most, owner.kind->name, owner.name);
    store_run(call->store,
              "INSERT INTO iam_inline (owner, name, document) VALUES ($1, $2, $3) "
              "ON CONFLICT (owner, name) DO UPDATE SET document = excluded.document",
              "ttt", owner.id, name, document);
    return LOCAL_OK;
}

static enum local_result no_such_inline(struct local_call *call, const struct iam_entity *owner,
                                        const char *name)
{
    return local_fail_status(call, 404, "NoSuchEntity",
                             "The %s policy with name %s cannot be found.", owner->kind->name,
                             name);
}

enum local_result iam_get_inline(struct local_call *call)
{
    struct iam_entity owner;
    struct store_rows rows;
    const char *name = local_text(call, "PolicyName");
    enum local_result result = iam_asked(call, &owner);
    if (result != LOCAL_OK)
        return result;
    store_query(call->store, &rows,
                "SELECT document FROM iam_inline WHERE owner = $1 AND name = $2", "tt", owner.id,
                name);
    char *document = store_next(&rows) ? iam_column(call->arena, &rows, 0) : NULL;
    store_end(&rows);
    if (!document)
        return no_such_inline(call, &owner, name);
    json_put_text(call->out, owner.kind->member, owner.name);
    json_put_text(call->out, "PolicyName", name);
    iam_put_document(call, "PolicyDocument", document);
    return LOCAL_OK;
}

enum local_result iam_delete_inline(struct local_call *call)
{
    struct iam_entity owner;
    const char *name = local_text(call, "PolicyName");
    enum local_result result = iam_asked(call, &owner);
    if (result == LOCAL_OK &&
        store_run(call->store, "DELETE FROM iam_inline WHERE owner = $1 AND name = $2", "tt",
                  owner.id, name) == 0)
        return no_such_inline(call, &owner, name);
    return result;
}

enum local_result iam_list_inline(struct local_call *call)
{
    struct iam_entity owner;
    struct iam_page page;
    struct store_rows rows;
    enum local_result result = iam_asked(call, &owner);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "PolicyNames");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT name FROM iam_inline WHERE owner = $1 AND name > $2 ORDER BY name", "tt",
                owner.id, page.after);
    while (store_next(&rows)) {
        const char *name = iam_needed(call->arena, &rows, 0);
        if (iam_page_take(&page, name) == IAM_FULL)
            break;
        json_write_text(call->out, name);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

void iam_put_inline_documents(struct local_call *call, const struct iam_entity *owner,
                              const char *key)
{
    struct store_rows rows;
    json_key(call->out, key);
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT name, document FROM iam_inline WHERE owner = $1 ORDER BY name", "t",
                owner->id);
    while (store_next(&rows)) {
        json_open(call->out);
        json_put_text(call->out, "PolicyName", iam_needed(call->arena, &rows, 0));
        iam_put_document(call, "PolicyDocument", iam_needed(call->arena, &rows, 1));
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
}

/* --- attached policies ------------------------------------------------------------------------ */

enum local_result iam_attachable(struct local_call *call, const char *text, struct iam_entity *out)
{
    if (iam_check_arn(call, &iam_policy, text) != LOCAL_OK)
        return LOCAL_FAILED;
    if (iam_entity_by_arn(call->store, call->arena, text, out) && out->kind == &iam_policy &&
        (strcmp(out->account, "aws") == 0 || strcmp(out->account, call->account) == 0))
        return LOCAL_OK;
    return local_fail_status(call, 404, "NoSuchEntity",
                             "Policy %s does not exist or is not attachable.", text);
}

static bool is_attached(struct local_call *call, const char *owner, const char *arn)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM iam_attached WHERE owner = $1 AND policy_arn = $2", "tt", owner,
                arn);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

enum local_result iam_attach(struct local_call *call)
{
    struct iam_entity owner, policy;
    enum local_result result = iam_asked(call, &owner);
    if (result == LOCAL_OK)
        result = iam_attachable(call, local_text(call, "PolicyArn"), &policy);
    if (result != LOCAL_OK)
        return result;
    char *arn = iam_entity_arn(call->arena, &policy);
    if (is_attached(call, owner.id, arn)) /* again is fine */
        return LOCAL_OK;
    if (iam_count(call->store, "SELECT COUNT(*) FROM iam_attached WHERE owner = $1", owner.id) >=
        LARGEST_ATTACHED)
        return iam_exceeds(call, owner.kind->attach_quota, LARGEST_ATTACHED);
    store_run(call->store,
              "INSERT INTO iam_attached (owner, policy_arn, policy_key, attached_ms) "
              "VALUES ($1, $2, $3, $4)",
              "ttti", owner.id, arn,
              arena_printf(call->arena, "%s/%s", policy.name, policy.account), iam_now_ms(call));
    return LOCAL_OK;
}

enum local_result iam_detach(struct local_call *call)
{
    struct iam_entity owner;
    const char *arn = local_text(call, "PolicyArn");
    enum local_result result = iam_asked(call, &owner);
    if (result == LOCAL_OK)
        result = iam_check_arn(call, &iam_policy, arn);
    if (result == LOCAL_OK &&
        store_run(call->store, "DELETE FROM iam_attached WHERE owner = $1 AND policy_arn = $2",
                  "tt", owner.id, iam_plain_arn(call->arena, arn)) == 0)
        return local_fail_status(call, 404, "NoSuchEntity", "Policy %s was not found.", arn);
    return result;
}

/* Of ".../path/name": the name, and the path with both its slashes. */
static const char *policy_name(const char *arn)
{
    return strrchr(arn, '/') + 1;
}

static bool path_starts(const char *arn, const char *prefix)
{
    static const char word[] = ":policy";
    const char *path = strstr(arn, word) + sizeof word - 1;
    size_t len = (size_t)(policy_name(arn) - path);
    return strlen(prefix) <= len && text_starts(path, prefix);
}

static void put_attached(struct local_call *call, const char *arn)
{
    json_open(call->out);
    json_put_text(call->out, "PolicyName", policy_name(arn));
    json_put_text(call->out, "PolicyArn", local_shown(call, arn));
    json_close(call->out);
}

enum local_result iam_list_attached(struct local_call *call)
{
    struct iam_entity owner;
    struct iam_page page;
    struct store_rows rows;
    const char *prefix = local_text(call, "PathPrefix");
    enum local_result result = iam_asked(call, &owner);
    if (result == LOCAL_OK)
        result = iam_page_open(call, &page);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "AttachedPolicies");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT policy_arn, policy_key FROM iam_attached WHERE owner = $1 AND "
                "policy_key > $2 ORDER BY policy_key",
                "tt", owner.id, page.after);
    while (store_next(&rows)) {
        const char *arn = iam_needed(call->arena, &rows, 0);
        if (prefix && !path_starts(arn, prefix))
            continue;
        if (iam_page_take(&page, iam_needed(call->arena, &rows, 1)) == IAM_FULL)
            break;
        put_attached(call, arn);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_page_close(call, &page);
    return LOCAL_OK;
}

void iam_put_attached_policies(struct local_call *call, const struct iam_entity *owner)
{
    struct store_rows rows;
    json_key(call->out, "AttachedManagedPolicies");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT policy_arn FROM iam_attached WHERE owner = $1 ORDER BY policy_key", "t",
                owner->id);
    while (store_next(&rows))
        put_attached(call, iam_needed(call->arena, &rows, 0));
    store_end(&rows);
    json_close_list(call->out);
}
