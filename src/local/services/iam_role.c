#include "local/services/iam_parts.h"

#include "aws/arn.h"
#include "base/digest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_SESSION_S = 3600 };

/* --- rows ------------------------------------------------------------------------------------- */

static char *column(struct arena *arena, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

/* Names are unique without regard to case. */
static char *lower(struct arena *arena, const char *name)
{
    char *copy = arena_strdup(arena, name);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

#define COLUMNS                                                                                    \
    "name, path, role_id, trust_policy, description, boundary_arn, max_session_s, created_ms, "    \
    "tags"

static char *needed(struct arena *arena, const struct store_rows *rows, int number)
{
    char *text = column(arena, rows, number);
    return text ? text : arena_strdup(arena, ""); /* declared NOT NULL */
}

static void row_read(struct arena *arena, const struct store_rows *rows, struct iam_role_row *out)
{
    *out = (struct iam_role_row){.name = needed(arena, rows, 0),
                                 .path = needed(arena, rows, 1),
                                 .id = needed(arena, rows, 2),
                                 .trust_policy = needed(arena, rows, 3),
                                 .description = needed(arena, rows, 4),
                                 .boundary_arn = column(arena, rows, 5),
                                 .max_session_s = store_int(rows, 6),
                                 .created_ms = store_int(rows, 7),
                                 .tags = needed(arena, rows, 8)};
}

static bool row_find(struct store_session *store, struct arena *arena, const char *account,
                     const char *name, struct iam_role_row *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT " COLUMNS " FROM iam_roles WHERE account = $1 AND name_key = $2", "tt",
                account, lower(arena, name));
    bool found = store_next(&rows);
    if (found)
        row_read(arena, &rows, out);
    store_end(&rows);
    return found && strcmp(out->name, name) == 0;
}

enum local_result iam_role_named(struct local_call *call, const char *name,
                                 struct iam_role_row *out)
{
    if (row_find(call->store, call->arena, call->account, name, out))
        return LOCAL_OK;
    return local_fail_status(call, 404, "NoSuchEntity", "The role with name %s cannot be found.",
                             name);
}

static char *role_arn(struct local_call *call, const char *path, const char *name)
{
    return iam_arn(call, arena_printf(call->arena, "role%s%s", path, name));
}

const char *const *iam_role_resources(struct local_call *call)
{
    const char *name = local_text(call, "RoleName"), *path = local_text(call, "Path");
    struct iam_role_row row;
    bool create = strcmp(call->operation->name, "CreateRole") == 0;
    if (!create && row_find(call->store, call->arena, call->account, name, &row))
        path = row.path;
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = role_arn(call, path ? path : "/", name);
    return arns;
}

/* --- services/iam.h --------------------------------------------------------------------------- */

static const char *boundary_document(const char *arn)
{
    static const char nothing[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","
                                  "\"Action\":\"*\",\"Resource\":\"*\"}]}";
    const struct iam_managed_policy *policy = arn ? iam_managed_find(arn) : NULL;
    if (policy)
        return policy->document;
    return arn ? nothing : NULL; /* a boundary that is gone allows nothing */
}

enum local_result iam_role_find(struct store_session *store, struct arena *arena,
                                const char *arn_text, struct iam_role *out)
{
    struct arn arn;
    if (arn_parse(arn_text, strlen(arn_text), &arn) != 0 || !text_is(arn.service, "iam") ||
        arn.region.len != 0 || !text_starts(arn.resource.data, "role/"))
        return LOCAL_FAILED;
    char *account = arena_strndup(arena, arn.account.data, arn.account.len);
    const char *path = arn.resource.data + strlen("role"); /* "/a/b/name" */
    const char *name = strrchr(path, '/') + 1;
    struct iam_role_row row;
    if (!row_find(store, arena, account, name, &row) || strlen(row.path) != (size_t)(name - path) ||
        strncmp(row.path, path, strlen(row.path)) != 0)
        return LOCAL_FAILED;
    *out = (struct iam_role){.arn = arena_strdup(arena, arn_text),
                             .name = row.name,
                             .path = row.path,
                             .id = row.id,
                             .account = account,
                             .trust_policy = row.trust_policy,
                             .max_session_s = row.max_session_s,
                             .tags = row.tags,
                             .boundary = boundary_document(row.boundary_arn),
                             .policies = iam_role_documents(store, arena, account, row.name)};
    return LOCAL_OK;
}

static void insert(struct store_session *store, struct arena *arena, const char *account,
                   const struct iam_role_row *row, bool generated)
{
    store_run(store,
              "INSERT INTO iam_roles (account, name_key, name, path, role_id, trust_policy, "
              "description, boundary_arn, max_session_s, created_ms, tags, generated) "
              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
              "ttttttttiiti", account, lower(arena, row->name), row->name, row->path, row->id,
              row->trust_policy, row->description, row->boundary_arn, row->max_session_s,
              row->created_ms, row->tags, (int64_t)generated);
}

static const char *const organization_role = "OrganizationAccountAccessRole";

/* The other accounts of this server; its own when it is the only one, because a policy without a
 * principal is none. */
static char *organization_trust(struct store_session *store, struct arena *arena,
                                const char *account)
{
    struct store_rows rows;
    char *list = arena_strdup(arena, "");
    store_query(store, &rows, "SELECT account FROM iam_accounts WHERE account <> $1 ORDER BY 1",
                "t", account);
    while (store_next(&rows))
        list = arena_printf(arena, "%s%s\"arn:aws:iam::%s:root\"", list, *list ? "," : "",
                            column(arena, &rows, 0));
    store_end(&rows);
    if (!*list)
        list = arena_printf(arena, "\"arn:aws:iam::%s:root\"", account);
    return arena_printf(arena,
                        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                        "\"Principal\":{\"AWS\":[%s]},\"Action\":\"sts:AssumeRole\"}]}",
                        list);
}

/* Every account's role that nobody changed is made to trust the accounts there are now. */
static void refresh_trust(struct store_session *store, struct arena *arena)
{
    struct accounts {
        struct accounts *next;
        const char *account;
    } *first = NULL;
    struct store_rows rows;
    store_query(store, &rows, "SELECT account FROM iam_roles WHERE generated = 1 AND name = $1",
                "t", organization_role);
    while (store_next(&rows)) {
        struct accounts *entry = arena_alloc(arena, sizeof *entry);
        *entry = (struct accounts){first, column(arena, &rows, 0)};
        first = entry;
    }
    store_end(&rows);
    for (; first; first = first->next)
        store_run(store,
                  "UPDATE iam_roles SET trust_policy = $1 WHERE account = $2 AND name = $3 AND "
                  "generated = 1",
                  "ttt", organization_trust(store, arena, first->account), first->account,
                  organization_role);
}

/* Of the account's number alone: a data folder made anew has the same. */
static char *organization_role_id(struct arena *arena, const char *account)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char hash[SHA256_SIZE];
    char *id = arena_printf(arena, "%s:%s", organization_role, account);
    digest_sha256(id, strlen(id), hash);
    id = arena_strdup(arena, "AROA.................");
    for (size_t i = 4; id[i]; i++)
        id[i] = alphabet[hash[i] % 32];
    return id;
}

int iam_account_setup(struct store_session *store, struct arena *arena, const char *account,
                      int64_t now_ms)
{
    struct iam_role_row row;
    struct store_rows rows;
    store_query(store, &rows, "SELECT 1 FROM iam_accounts WHERE account = $1", "t", account);
    bool known = store_next(&rows);
    store_end(&rows);
    if (known)
        return store_failed(store) ? -1 : 0;
    store_run(store, "INSERT INTO iam_accounts (account, created_ms) VALUES ($1, $2)", "ti",
              account, now_ms);
    if (!row_find(store, arena, account, organization_role, &row)) {
        row = (struct iam_role_row){.name = organization_role,
                                    .path = "/",
                                    .id = organization_role_id(arena, account),
                                    .trust_policy = organization_trust(store, arena, account),
                                    .description = "",
                                    .max_session_s = DEFAULT_SESSION_S,
                                    .tags = "{}",
                                    .created_ms = now_ms};
        insert(store, arena, account, &row, true);
        store_run(store,
                  "INSERT INTO iam_attached_policies (account, role, policy_arn, attached_ms) "
                  "VALUES ($1, $2, 'arn:aws:iam::aws:policy/AdministratorAccess', $3)",
                  "tti", account, organization_role, now_ms);
    }
    refresh_trust(store, arena);
    return store_failed(store) ? -1 : 0;
}

/* --- operations ------------------------------------------------------------------------------- */

static void put_tags(struct local_call *call, const char *text)
{
    struct error err;
    json_t *tags = json_read(text, strlen(text), &err), *value;
    const char *key;
    if (json_object_size(tags) > 0) {
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
    }
    json_decref(tags);
}

/* The request's tags as a JSON object; keys are unique without regard to case. */
static enum local_result read_tags(struct local_call *call, const char **out)
{
    const json_t *tags = local_value(call, "Tags");
    struct buf text;
    struct json_writer writer;
    for (size_t i = 0; i < json_array_size(tags); i++)
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(json_text(json_array_get(tags, i), "Key"),
                           json_text(json_array_get(tags, j), "Key")) == 0)
                return local_fail_status(
                    call, 400, "InvalidInput",
                    "Duplicate tag keys found. Please note that Tag keys are case "
                    "insensitive.");
    buf_init(&text, 64 * 1024);
    json_writer_init(&writer, &text);
    json_open(&writer);
    for (size_t i = 0; i < json_array_size(tags); i++)
        json_put_text(&writer, json_text(json_array_get(tags, i), "Key"),
                      json_text(json_array_get(tags, i), "Value"));
    json_close(&writer);
    *out = arena_strdup(call->arena, buf_text(&text));
    buf_done(&text);
    return LOCAL_OK;
}

static void put_role(struct local_call *call, const struct iam_role_row *row, bool whole)
{
    json_open(call->out);
    json_put_text(call->out, "Path", row->path);
    json_put_text(call->out, "RoleName", row->name);
    json_put_text(call->out, "RoleId", row->id);
    json_put_text(call->out, "Arn", role_arn(call, row->path, row->name));
    local_put_time(call, "CreateDate", row->created_ms);
    iam_put_document(call, "AssumeRolePolicyDocument", row->trust_policy);
    if (row->description && *row->description)
        json_put_text(call->out, "Description", row->description);
    json_put_int(call->out, "MaxSessionDuration", row->max_session_s);
    if (whole && row->boundary_arn) {
        json_key(call->out, "PermissionsBoundary");
        json_open(call->out);
        json_put_text(call->out, "PermissionsBoundaryType", "Policy");
        json_put_text(call->out, "PermissionsBoundaryArn", row->boundary_arn);
        json_close(call->out);
    }
    if (whole)
        put_tags(call, row->tags);
    json_close(call->out);
}

enum local_result iam_create_role(struct local_call *call)
{
    struct iam_role_row row;
    const char *name = local_text(call, "RoleName"), *path = local_text(call, "Path");
    const char *trust = local_text(call, "AssumeRolePolicyDocument");
    const char *boundary = local_text(call, "PermissionsBoundary");
    const char *tags = NULL;
    enum local_result result = iam_check_trust(call, trust);
    if (result == LOCAL_OK)
        result = read_tags(call, &tags);
    if (result != LOCAL_OK)
        return result;
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT 1 FROM iam_roles WHERE account = $1 AND name_key = $2",
                "tt", call->account, lower(call->arena, name));
    bool exists = store_next(&rows);
    store_end(&rows);
    if (exists)
        return local_fail_status(call, 409, "EntityAlreadyExists",
                                 "Role with name %s already exists.", name);
    if (boundary && !iam_managed_find(boundary))
        return local_fail_status(call, 404, "NoSuchEntity",
                                 "Scope ARN: %s does not exist or is not attachable.", boundary);
    const char *description = local_text(call, "Description");
    row = (struct iam_role_row){.name = name,
                                .path = path ? path : "/",
                                .id = iam_new_id(call, "AROA"),
                                .trust_policy = trust,
                                .description = description ? description : "",
                                .boundary_arn = boundary,
                                .tags = tags,
                                .max_session_s =
                                    local_int(call, "MaxSessionDuration", DEFAULT_SESSION_S),
                                .created_ms = call->local->clock->now_ms(call->local->clock)};
    insert(call->store, call->arena, call->account, &row, false);
    json_key(call->out, "Role");
    put_role(call, &row, true);
    return LOCAL_OK;
}

enum local_result iam_get_role(struct local_call *call)
{
    struct iam_role_row row;
    enum local_result result = iam_role_named(call, local_text(call, "RoleName"), &row);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "Role");
    put_role(call, &row, true);
    return LOCAL_OK;
}

enum local_result iam_list_roles(struct local_call *call)
{
    const char *after, *prefix = local_text(call, "PathPrefix");
    enum local_result result = iam_marker(call, &after);
    if (result != LOCAL_OK)
        return result;
    int64_t left = local_int(call, "MaxItems", 100);
    const char *last = NULL;
    bool more = false;
    json_key(call->out, "Roles");
    json_open_list(call->out);
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT " COLUMNS " FROM iam_roles WHERE account = $1 AND name_key > $2 "
                "ORDER BY name_key",
                "tt", call->account, after);
    while (!more && store_next(&rows)) {
        struct iam_role_row row;
        row_read(call->arena, &rows, &row);
        if (prefix && !text_starts(row.path, prefix))
            continue;
        if (left-- == 0) {
            more = true;
            break;
        }
        last = row.name;
        put_role(call, &row, false);
    }
    store_end(&rows);
    json_close_list(call->out);
    iam_put_marker(call, more ? lower(call->arena, last) : NULL);
    return LOCAL_OK;
}

enum local_result iam_delete_role(struct local_call *call)
{
    struct iam_role_row row;
    enum local_result result = iam_role_named(call, local_text(call, "RoleName"), &row);
    if (result != LOCAL_OK)
        return result;
    if (iam_role_has_attached(call, row.name))
        return local_fail_status(call, 409, "DeleteConflict",
                                 "Cannot delete entity, must detach all policies first.");
    if (iam_role_has_inline(call, row.name))
        return local_fail_status(call, 409, "DeleteConflict",
                                 "Cannot delete entity, must delete policies first.");
    store_run(call->store, "DELETE FROM iam_roles WHERE account = $1 AND name = $2", "tt",
              call->account, row.name);
    return LOCAL_OK;
}

enum local_result iam_update_assume_role_policy(struct local_call *call)
{
    struct iam_role_row row;
    const char *document = local_text(call, "PolicyDocument");
    enum local_result result = iam_role_named(call, local_text(call, "RoleName"), &row);
    if (result == LOCAL_OK)
        result = iam_check_trust(call, document);
    if (result == LOCAL_OK)
        store_run(call->store,
                  "UPDATE iam_roles SET trust_policy = $1, generated = 0 "
                  "WHERE account = $2 AND name = $3",
                  "ttt", document, call->account, row.name);
    return result;
}
