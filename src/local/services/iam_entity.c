#include "local/services/iam_parts.h"

#include "aws/arn.h"

#include <ctype.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

char *iam_column(struct arena *arena, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

char *iam_needed(struct arena *arena, const struct store_rows *rows, int number)
{
    char *text = iam_column(arena, rows, number);
    return text ? text : arena_strdup(arena, ""); /* declared NOT NULL */
}

char *iam_lower(struct arena *arena, const char *name)
{
    char *copy = arena_strdup(arena, name);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

void iam_entity_read(struct arena *arena, const struct store_rows *rows, struct iam_entity *out)
{
    *out = (struct iam_entity){.kind = iam_kind_named(iam_needed(arena, rows, 0)),
                               .account = iam_needed(arena, rows, 1),
                               .id = iam_needed(arena, rows, 2),
                               .name = iam_needed(arena, rows, 3),
                               .path = iam_needed(arena, rows, 4),
                               .tags = iam_needed(arena, rows, 5),
                               .boundary_arn = iam_column(arena, rows, 6),
                               .description = iam_column(arena, rows, 7),
                               .document = iam_column(arena, rows, 8),
                               .created_ms = store_int(rows, 9),
                               .updated_ms = store_int(rows, 10),
                               .max_session_s = store_int(rows, 11),
                               .default_version = store_int(rows, 12),
                               .last_version = store_int(rows, 13)};
}

bool iam_entity_find(struct store_session *store, struct arena *arena, const char *account,
                     const struct iam_kind *kind, const char *name, struct iam_entity *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS
                " FROM iam_entities WHERE account = $1 AND kind = $2 AND name_key = $3",
                "ttt", account, kind->name, iam_lower(arena, name));
    bool found = store_next(&rows);
    if (found)
        iam_entity_read(arena, &rows, out);
    store_end(&rows);
    return found && strcmp(out->name, name) == 0;
}

bool iam_entity_by_id(struct store_session *store, struct arena *arena, const char *id,
                      struct iam_entity *out)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT " IAM_ENTITY_COLUMNS " FROM iam_entities WHERE id = $1", "t",
                id);
    bool found = store_next(&rows);
    if (found)
        iam_entity_read(arena, &rows, out);
    store_end(&rows);
    return found;
}

static bool managed_by_path(struct arena *arena, const char *path_and_name, struct iam_entity *out)
{
    for (const struct iam_managed_policy *policy = iam_managed_policies; policy->name; policy++) {
        size_t len = strlen(policy->path);
        if (strncmp(path_and_name, policy->path, len) != 0 ||
            strcmp(path_and_name + len, policy->name) != 0)
            continue;
        iam_managed_entity(arena, policy, out);
        return true;
    }
    return false;
}

bool iam_entity_by_arn(struct store_session *store, struct arena *arena, const char *text,
                       struct iam_entity *out)
{
    struct arn arn;
    if (arn_parse(text, strlen(text), &arn) != 0 || !text_is(arn.service, "iam") || arn.region.len)
        return false;
    const struct iam_kind *kind = iam_kind_of_arn(arn.resource.data);
    if (!kind)
        return false;
    const char *path = arn.resource.data + strlen(kind->arn); /* "/a/b/name" */
    if (text_is(arn.account, "aws"))
        return kind == &iam_policy && managed_by_path(arena, path, out);
    /* A provider's name has slashes of its own. */
    const char *name = kind == &iam_oidc_provider ? path + 1 : strrchr(path, '/') + 1;
    char *account = arena_strndup(arena, arn.account.data, arn.account.len);
    return iam_entity_find(store, arena, account, kind, name, out) &&
           strlen(out->path) == (size_t)(name - path) &&
           strncmp(out->path, path, strlen(out->path)) == 0;
}

int64_t iam_count(struct store_session *store, const char *sql, const char *about)
{
    struct store_rows rows;
    store_query(store, &rows, sql, "t", about);
    int64_t number = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return number;
}

/* --- writing ---------------------------------------------------------------------------------- */

void iam_entity_insert(struct store_session *store, struct arena *arena,
                       const struct iam_entity *entity, bool generated)
{
    store_run(store,
              "INSERT INTO iam_entities (kind, account, id, name_key, name, path, tags, "
              "boundary_arn, description, document, created_ms, updated_ms, max_session_s, "
              "default_version, last_version, generated) "
              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
              "ttttttttttiiiiii", entity->kind->name, entity->account, entity->id,
              iam_lower(arena, entity->name), entity->name, entity->path, entity->tags,
              entity->boundary_arn, entity->description, entity->document, entity->created_ms,
              entity->updated_ms, entity->max_session_s, entity->default_version,
              entity->last_version, (int64_t)generated);
}

/* --- ARNs ------------------------------------------------------------------------------------- */

char *iam_entity_arn(struct arena *arena, const struct iam_entity *entity)
{
    return arena_printf(arena, "arn:aws:iam::%s:%s%s%s", entity->account, entity->kind->arn,
                        entity->path, entity->name);
}

char *iam_plain_arn(struct arena *arena, const char *arn)
{
    const char *rest = text_starts(arn, "arn:") ? strchr(arn + strlen("arn:"), ':') : NULL;
    return rest ? arena_printf(arena, "arn:aws%s", rest) : arena_strdup(arena, arn);
}

/* --- the one asked for ------------------------------------------------------------------------ */

enum local_result iam_missing(struct local_call *call, const struct iam_kind *kind,
                              const char *name)
{
    if (kind == &iam_profile)
        return local_fail_status(call, 404, "NoSuchEntity", "Instance Profile %s cannot be found.",
                                 name);
    if (kind == &iam_policy)
        return local_fail_status(call, 404, "NoSuchEntity", "Policy %s was not found.", name);
    if (kind == &iam_oidc_provider)
        return local_fail_status(call, 404, "NoSuchEntity",
                                 "OpenIDConnect Provider not found for arn %s", name);
    return local_fail_status(call, 404, "NoSuchEntity", "The %s with name %s cannot be found.",
                             kind->name, name);
}

enum local_result iam_exceeds(struct local_call *call, const char *quota, int64_t most)
{
    return local_fail_status(call, 409, "LimitExceeded", "Cannot exceed quota for %s: %lld", quota,
                             (long long)most);
}

enum local_result iam_named(struct local_call *call, const struct iam_kind *kind, const char *name,
                            struct iam_entity *out)
{
    if (iam_entity_find(call->store, call->arena, call->account, kind, name, out))
        return LOCAL_OK;
    return iam_missing(call, kind, name);
}

static bool by_arn(const struct iam_kind *kind)
{
    return kind == &iam_policy || kind == &iam_oidc_provider;
}

enum local_result iam_check_arn(struct local_call *call, const struct iam_kind *kind,
                                const char *text)
{
    struct arn arn;
    if (arn_parse(text, strlen(text), &arn) == 0 && text_is(arn.service, "iam") &&
        arn.region.len == 0 && iam_kind_of_arn(arn.resource.data) == kind &&
        (kind != &iam_policy || !strchr(arn.resource.data, ':')))
        return LOCAL_OK;
    return local_fail_status(call, 400, "InvalidInput", "ARN %s is not valid.", text);
}

/* The user whose credentials these are. */
static enum local_result own_user(struct local_call *call, struct iam_entity *out)
{
    const struct principal *caller = call->caller;
    if (caller->kind == PRINCIPAL_USER &&
        iam_entity_by_id(call->store, call->arena, caller->user_id, out))
        return LOCAL_OK;
    return local_fail_status(call, 400, "ValidationError",
                             "Must specify userName when calling with non-User credentials");
}

enum local_result iam_asked(struct local_call *call, struct iam_entity *out)
{
    const struct iam_kind *kind = iam_kind_asked(call);
    const char *name = local_text(call, kind->member);
    if (!name)
        return own_user(call, out);
    if (!by_arn(kind))
        return iam_named(call, kind, name, out);
    if (iam_check_arn(call, kind, name) != LOCAL_OK)
        return LOCAL_FAILED;
    if (iam_entity_by_arn(call->store, call->arena, name, out) && out->kind == kind)
        return LOCAL_OK;
    return iam_missing(call, kind, name);
}

/* What the policy is asked about: an entity by its ARN, the ARN of one to be made, or "*". */
const char *const *iam_resources(struct local_call *call)
{
    static const char *const everything[] = {"*", NULL};
    const struct iam_kind *kind = iam_kind_asked(call);
    struct iam_entity entity = {.kind = kind, .account = call->account, .path = "/"};
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    const char *name = local_text(call, kind->member);
    if (!name && kind == &iam_policy)
        name = local_text(call, "PolicyName");
    if (name && by_arn(kind) && local_text(call, kind->member)) {
        arns[0] = name;
        return arns;
    }
    if (!name) {
        struct local_failure before = call->failure;
        if (own_user(call, &entity) != LOCAL_OK) {
            call->failure = before;
            return everything; /* the handler refuses */
        }
    } else if (!iam_entity_find(call->store, call->arena, call->account, kind, name, &entity)) {
        const char *path = local_text(call, "Path");
        entity = (struct iam_entity){.kind = kind,
                                     .account = call->account,
                                     .path = path ? path : "/",
                                     .name = name};
    } else if (text_starts(call->operation->name, "Create") && local_text(call, "Path")) {
        entity.path = local_text(call, "Path");
    }
    arns[0] = local_shown(call, iam_entity_arn(call->arena, &entity));
    return arns;
}
