#include "local/services/lambda_parts.h"

#include <string.h>

/* --- versions --------------------------------------------------------------------------------- */

static enum local_result publish(struct local_call *call, const struct lambda_function *function)
{
    const char *sha256 = local_text(call, "CodeSha256");
    if (local_text(call, "PublishTo"))
        return lambda_invalid(call, "PublishTo is not supported here.");
    if (lambda_now(call) < function->active_ms || lambda_now(call) < function->updated_ms)
        return local_fail(call, "ResourceConflictException",
                          "The operation cannot be performed at this time. An update is in "
                          "progress for resource: %s",
                          local_shown(call, function->function_arn));
    if (lambda_check_revision(call, function->revision) != LOCAL_OK)
        return LOCAL_FAILED;
    if (sha256 && *sha256 && strcmp(sha256, function->code_sha256) != 0)
        return lambda_invalid(call,
                              "CodeSHA256 (%s) is different from current CodeSHA256 in "
                              "$LATEST (%s). Please try again with the CodeSHA256 in "
                              "$LATEST.",
                              sha256, function->code_sha256);
    if (lambda_check_room(call, function->code_size) != LOCAL_OK)
        return LOCAL_FAILED;
    return lambda_answer_version(call, function, lambda_publish(call, function));
}

enum local_result lambda_publish_version(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need_whole(call, &function);
    if (result == LOCAL_OK)
        result = publish(call, &function);
    lambda_function_done(&function);
    return result;
}

/* --- aliases ---------------------------------------------------------------------------------- */

struct alias {
    const char *name, *description, *revision;
    int64_t version;
};

static void write_alias(struct local_call *call, const struct lambda_function *function,
                        const struct alias *alias)
{
    struct json_writer *w = call->out;
    json_put_text(w, "AliasArn",
                  local_shown(call, arena_printf(call->arena, "%s:%s", function->function_arn,
                                                 alias->name)));
    json_put_text(w, "Name", alias->name);
    json_put_text(w, "FunctionVersion",
                  alias->version ? arena_printf(call->arena, "%lld", (long long)alias->version)
                                 : "$LATEST");
    json_put_text(w, "Description", alias->description);
    json_put_text(w, "RevisionId", alias->revision);
}

static const char *kept(struct local_call *call, struct text text)
{
    return arena_strndup(call->arena, text.data ? text.data : "", text.len);
}

static void read_alias(struct local_call *call, const struct store_rows *rows, struct alias *out)
{
    *out = (struct alias){.name = kept(call, store_text(rows, 0)),
                          .version = store_int(rows, 1),
                          .description = kept(call, store_text(rows, 2)),
                          .revision = kept(call, store_text(rows, 3))};
}

static bool find_alias(struct local_call *call, const struct lambda_function *function,
                       const char *name, struct alias *out)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT name, version, description, revision FROM lambda_alias"
                " WHERE function = $1 AND name = $2",
                "it", function->id, name);
    bool found = store_next(&rows);
    if (found)
        read_alias(call, &rows, out);
    store_end(&rows);
    return found;
}

static char *alias_arn(struct local_call *call, const struct lambda_function *function)
{
    return arena_printf(call->arena, "%s:%s", function->function_arn, local_text(call, "Name"));
}

static enum local_result need_alias(struct local_call *call, struct lambda_function *function,
                                    struct alias *alias)
{
    if (lambda_need_whole(call, function) != LOCAL_OK)
        return LOCAL_FAILED;
    if (find_alias(call, function, local_text(call, "Name"), alias))
        return LOCAL_OK;
    return local_fail(call, "ResourceNotFoundException", "Cannot find alias arn: %s",
                      local_shown(call, alias_arn(call, function)));
}

/* The version that the input names, if it names one. */
static enum local_result read_target(struct local_call *call,
                                     const struct lambda_function *function, int64_t *number)
{
    const char *version = local_text(call, "FunctionVersion");
    const json_t *weights =
        json_object_get(local_value(call, "RoutingConfig"), "AdditionalVersionWeights");
    struct lambda_function target;
    if (json_object_size(weights))
        return lambda_invalid(call, "RoutingConfig is not supported here: an alias names one "
                                    "version.");
    if (!version)
        return LOCAL_OK;
    bool found = lambda_function_find(call->local, call->store, call->arena, function->account,
                                      function->region, function->name, version, &target) == 0;
    *number = target.number;
    lambda_function_done(&target);
    return found ? LOCAL_OK
                 : lambda_not_found(call, arena_printf(call->arena, "%s:%s", function->function_arn,
                                                       version));
}

static enum local_result create_alias(struct local_call *call,
                                      const struct lambda_function *function)
{
    struct alias alias = {.name = local_text(call, "Name"),
                          .description = json_text_or(call->input, "Description", ""),
                          .revision = lambda_new_revision(call)},
                 there;
    if (find_alias(call, function, alias.name, &there))
        return local_fail(call, "ResourceConflictException", "Alias already exists: %s",
                          local_shown(call, alias_arn(call, function)));
    if (read_target(call, function, &alias.version) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store,
              "INSERT INTO lambda_alias (function, name, version, description, revision)"
              " VALUES ($1, $2, $3, $4, $5)",
              "ititt", function->id, alias.name, alias.version, alias.description, alias.revision);
    write_alias(call, function, &alias);
    return LOCAL_OK;
}

enum local_result lambda_create_alias(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need_whole(call, &function);
    if (result == LOCAL_OK)
        result = create_alias(call, &function);
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_get_alias(struct local_call *call)
{
    struct lambda_function function;
    struct alias alias;
    enum local_result result = need_alias(call, &function, &alias);
    if (result == LOCAL_OK)
        write_alias(call, &function, &alias);
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_update_alias(struct local_call *call)
{
    struct lambda_function function;
    struct alias alias;
    enum local_result result = need_alias(call, &function, &alias);
    if (result == LOCAL_OK)
        result = lambda_check_revision(call, alias.revision);
    if (result == LOCAL_OK)
        result = read_target(call, &function, &alias.version);
    if (result == LOCAL_OK) {
        alias.description = json_text_or(call->input, "Description", alias.description);
        alias.revision = lambda_new_revision(call);
        store_run(call->store,
                  "UPDATE lambda_alias SET version = $1, description = $2, revision = $3"
                  " WHERE function = $4 AND name = $5",
                  "ittit", alias.version, alias.description, alias.revision, function.id,
                  alias.name);
        write_alias(call, &function, &alias);
    }
    lambda_function_done(&function);
    return result;
}

/* An alias that is not there is deleted all the same: the model lists no ResourceNotFound. */
enum local_result lambda_delete_alias(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need_whole(call, &function);
    const char *name = local_text(call, "Name");
    if (result == LOCAL_OK) {
        store_run(call->store, "DELETE FROM lambda_alias WHERE function = $1 AND name = $2", "it",
                  function.id, name);
        store_run(call->store, "DELETE FROM lambda_policy WHERE function = $1 AND qualifier = $2",
                  "it", function.id, name);
        store_run(call->store,
                  "DELETE FROM lambda_event_config WHERE function = $1 AND qualifier = $2", "it",
                  function.id, name);
    }
    lambda_function_done(&function);
    return result;
}

static enum local_result list_aliases(struct local_call *call,
                                      const struct lambda_function *function)
{
    struct lambda_page page;
    struct store_rows rows;
    int64_t only = -1;
    if (read_target(call, function, &only) != LOCAL_OK ||
        lambda_page_open(call, &page, "Aliases") != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT name, version, description, revision FROM lambda_alias"
                " WHERE function = $1 AND name > $2 AND ($3 < 0 OR version = $3) ORDER BY name",
                "iti", function->id, page.position, only);
    while (lambda_page_next(call, &page, &rows, 0)) {
        struct alias alias;
        read_alias(call, &rows, &alias);
        json_open(call->out);
        write_alias(call, function, &alias);
        json_close(call->out);
    }
    lambda_page_close(call, &page, &rows);
    return LOCAL_OK;
}

enum local_result lambda_list_aliases(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need_whole(call, &function);
    if (result == LOCAL_OK)
        result = list_aliases(call, &function);
    lambda_function_done(&function);
    return result;
}
