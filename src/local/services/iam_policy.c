#include "local/services/iam_parts.h"

#include "aws/arn.h"

#include <string.h>

enum {
    LARGEST_INLINE = 10240, /* characters of all inline policies of a role, white space apart */
    LARGEST_ATTACHED = 10,
};

/* --- reading ---------------------------------------------------------------------------------- */

static char *column(struct arena *arena, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

struct documents {
    struct arena *arena;
    const char **items;
    size_t count, room;
};

static void documents_add(struct documents *list, const char *document)
{
    if (list->count + 1 >= list->room) {
        size_t room = list->room ? 2 * list->room : 8;
        const char **items = arena_calloc(list->arena, room, sizeof *items);
        memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = document;
}

const char *const *iam_role_documents(struct store_session *store, struct arena *arena,
                                      const char *account, const char *role)
{
    static const char *const none[] = {NULL};
    struct documents list = {.arena = arena, .items = (const char **)none};
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT document FROM iam_role_policies WHERE account = $1 AND role = $2 "
                "ORDER BY name",
                "tt", account, role);
    while (store_next(&rows))
        documents_add(&list, column(arena, &rows, 0));
    store_end(&rows);
    store_query(store, &rows,
                "SELECT policy_arn FROM iam_attached_policies WHERE account = $1 AND role = $2 "
                "ORDER BY policy_arn",
                "tt", account, role);
    while (store_next(&rows)) {
        const char *document = iam_policy_document(column(arena, &rows, 0));
        if (document)
            documents_add(&list, document);
    }
    store_end(&rows);
    return list.items;
}

static int64_t count(struct local_call *call, const char *sql, const char *role)
{
    struct store_rows rows;
    store_query(call->store, &rows, sql, "tt", call->account, role);
    int64_t number = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return number;
}

static const char *const count_inline =
    "SELECT COUNT(*) FROM iam_role_policies WHERE account = $1 AND role = $2";
static const char *const count_attached =
    "SELECT COUNT(*) FROM iam_attached_policies WHERE account = $1 AND role = $2";

bool iam_role_has_inline(struct local_call *call, const char *role)
{
    return count(call, count_inline, role) > 0;
}

bool iam_role_has_attached(struct local_call *call, const char *role)
{
    return count(call, count_attached, role) > 0;
}

/* --- inline policies -------------------------------------------------------------------------- */

/* The role of the request; NoSuchEntity otherwise. */
static enum local_result role_of(struct local_call *call, struct iam_role_row *row)
{
    return iam_role_named(call, local_text(call, "RoleName"), row);
}

/* IAM does not count white space. */
static size_t size_of(const char *document)
{
    size_t size = 0;
    for (const char *c = document; *c; c++)
        size += strchr(" \t\r\n", *c) == NULL;
    return size;
}

static size_t size_of_others(struct local_call *call, const char *role, const char *name)
{
    struct store_rows rows;
    size_t size = 0;
    store_query(call->store, &rows,
                "SELECT document FROM iam_role_policies WHERE account = $1 AND role = $2 AND "
                "name <> $3",
                "ttt", call->account, role, name);
    while (store_next(&rows))
        size += size_of(column(call->arena, &rows, 0));
    store_end(&rows);
    return size;
}

enum local_result iam_put_role_policy(struct local_call *call)
{
    struct iam_role_row row;
    struct error err;
    const char *name = local_text(call, "PolicyName");
    const char *document = local_text(call, "PolicyDocument");
    enum local_result result = role_of(call, &row);
    if (result != LOCAL_OK)
        return result;
    if (!policy_parse(call->arena, document, strlen(document), POLICY_IDENTITY, &err))
        return local_fail_status(call, 400, "MalformedPolicyDocument", "%s", err.message);
    if (size_of(document) + size_of_others(call, row.name, name) > LARGEST_INLINE)
        return local_fail_status(call, 409, "LimitExceeded",
                                 "Maximum policy size of %d bytes exceeded for role %s",
                                 LARGEST_INLINE, row.name);
    if (store_run(call->store,
                  "UPDATE iam_role_policies SET document = $1 WHERE account = $2 AND role = $3 AND "
                  "name = $4",
                  "tttt", document, call->account, row.name, name) == 0)
        store_run(call->store,
                  "INSERT INTO iam_role_policies (account, role, name, document) "
                  "VALUES ($1, $2, $3, $4)",
                  "tttt", call->account, row.name, name, document);
    return LOCAL_OK;
}

static enum local_result no_such_policy(struct local_call *call, const char *name)
{
    return local_fail_status(call, 404, "NoSuchEntity",
                             "The role policy with name %s cannot be found.", name);
}

enum local_result iam_get_role_policy(struct local_call *call)
{
    struct iam_role_row row;
    const char *name = local_text(call, "PolicyName");
    enum local_result result = role_of(call, &row);
    if (result != LOCAL_OK)
        return result;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT document FROM iam_role_policies WHERE account = $1 AND role = $2 AND "
                "name = $3",
                "ttt", call->account, row.name, name);
    char *document = store_next(&rows) ? column(call->arena, &rows, 0) : NULL;
    store_end(&rows);
    if (!document)
        return no_such_policy(call, name);
    json_put_text(call->out, "RoleName", row.name);
    json_put_text(call->out, "PolicyName", name);
    iam_put_document(call, "PolicyDocument", document);
    return LOCAL_OK;
}

enum local_result iam_delete_role_policy(struct local_call *call)
{
    struct iam_role_row row;
    const char *name = local_text(call, "PolicyName");
    enum local_result result = role_of(call, &row);
    if (result != LOCAL_OK)
        return result;
    if (store_run(call->store,
                  "DELETE FROM iam_role_policies WHERE account = $1 AND role = $2 AND name = $3",
                  "ttt", call->account, row.name, name) == 0)
        return no_such_policy(call, name);
    return LOCAL_OK;
}

enum local_result iam_list_role_policies(struct local_call *call)
{
    struct iam_role_row row;
    const char *after, *last = NULL;
    enum local_result result = role_of(call, &row);
    if (result == LOCAL_OK)
        result = iam_marker(call, &after);
    if (result != LOCAL_OK)
        return result;
    int64_t left = local_int(call, "MaxItems", 100);
    bool more = false;
    json_key(call->out, "PolicyNames");
    json_open_list(call->out);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT name FROM iam_role_policies WHERE account = $1 AND role = $2 AND "
                "name > $3 ORDER BY name LIMIT $4",
                "ttti", call->account, row.name, after, left + 1);
    while (store_next(&rows)) {
        if (left-- == 0) {
            more = true;
            break;
        }
        last = column(call->arena, &rows, 0);
        json_write_text(call->out, last);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_put_marker(call, more ? last : NULL);
    return LOCAL_OK;
}

/* --- attached policies ------------------------------------------------------------------------ */

enum local_result iam_attach_role_policy(struct local_call *call)
{
    struct iam_role_row row;
    const char *arn = local_text(call, "PolicyArn");
    enum local_result result = role_of(call, &row);
    if (result != LOCAL_OK)
        return result;
    if (!arn_is(arn))
        return local_fail_status(call, 400, "ValidationError", "ARN %s is not valid.", arn);
    if (!iam_managed_find(arn))
        return local_fail_status(call, 404, "NoSuchEntity",
                                 "Policy %s does not exist or is not attachable.", arn);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM iam_attached_policies WHERE account = $1 AND role = $2 AND "
                "policy_arn = $3",
                "ttt", call->account, row.name, arn);
    bool attached = store_next(&rows);
    store_end(&rows);
    if (attached) /* again is fine */
        return LOCAL_OK;
    if (count(call, count_attached, row.name) >= LARGEST_ATTACHED)
        return local_fail_status(call, 409, "LimitExceeded",
                                 "Cannot exceed quota for PoliciesPerRole: %d", LARGEST_ATTACHED);
    store_run(call->store,
              "INSERT INTO iam_attached_policies (account, role, policy_arn, attached_ms) "
              "VALUES ($1, $2, $3, $4)",
              "ttti", call->account, row.name, arn, call->local->clock->now_ms(call->local->clock));
    return LOCAL_OK;
}

enum local_result iam_detach_role_policy(struct local_call *call)
{
    struct iam_role_row row;
    const char *arn = local_text(call, "PolicyArn");
    enum local_result result = role_of(call, &row);
    if (result != LOCAL_OK)
        return result;
    if (store_run(call->store,
                  "DELETE FROM iam_attached_policies WHERE account = $1 AND role = $2 AND "
                  "policy_arn = $3",
                  "ttt", call->account, row.name, arn) == 0)
        return local_fail_status(call, 404, "NoSuchEntity", "Policy %s was not found.", arn);
    return LOCAL_OK;
}

enum local_result iam_list_attached_role_policies(struct local_call *call)
{
    struct iam_role_row row;
    const char *after, *last = NULL, *prefix = local_text(call, "PathPrefix");
    enum local_result result = role_of(call, &row);
    if (result == LOCAL_OK)
        result = iam_marker(call, &after);
    if (result != LOCAL_OK)
        return result;
    int64_t left = local_int(call, "MaxItems", 100);
    bool more = false;
    json_key(call->out, "AttachedPolicies");
    json_open_list(call->out);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT policy_arn FROM iam_attached_policies WHERE account = $1 AND role = $2 AND "
                "policy_arn > $3 ORDER BY policy_arn",
                "ttt", call->account, row.name, after);
    while (store_next(&rows)) {
        const char *arn = column(call->arena, &rows, 0);
        const struct iam_managed_policy *policy = iam_managed_find(arn);
        if (!policy || (prefix && !text_starts(policy->path, prefix)))
            continue;
        if (left-- == 0) {
            more = true;
            break;
        }
        last = arn;
        json_open(call->out);
        json_put_text(call->out, "PolicyName", policy->name);
        json_put_text(call->out, "PolicyArn", arn);
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_put_marker(call, more ? last : NULL);
    return LOCAL_OK;
}
