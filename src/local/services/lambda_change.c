#include "local/services/lambda_parts.h"

#include "local/lambda_pool.h"

#include <string.h>

/* --- what all of them do -----------------------------------------------------------------------
 */

static void retire(struct local_call *call, const struct lambda_function *function)
{
    if (call->local->lambda_pool) /* should this be undone, processes were ended for nothing */
        lambda_pool_retire(call->local->lambda_pool, function->function_arn);
}

/* One change after the other, as at AWS. */
static enum local_result need_still(struct local_call *call, const struct lambda_function *function)
{
    const char *arn = local_shown(call, function->function_arn);
    int64_t now_ms = lambda_now(call);
    if (now_ms < function->active_ms)
        return local_fail(call, "ResourceConflictException",
                          "The operation cannot be performed at this time. The function is "
                          "currently in the following state: Pending");
    if (now_ms < function->updated_ms)
        return local_fail(call, "ResourceConflictException",
                          "The operation cannot be performed at this time. An update is in "
                          "progress for resource: %s",
                          arn);
    return LOCAL_OK;
}

static enum local_result need_changeable(struct local_call *call, struct lambda_function *out)
{
    if (lambda_need_whole(call, out) != LOCAL_OK)
        return LOCAL_FAILED;
    if (lambda_check_revision(call, out->revision) != LOCAL_OK)
        return LOCAL_FAILED;
    return need_still(call, out);
}

static struct lambda_draft draft_of(struct local_call *call, const struct lambda_function *function)
{
    int64_t now_ms = lambda_now(call);
    return (struct lambda_draft){.function = function->id,
                                 .config = function->config,
                                 .variables = function->variables,
                                 .code_sha256 = function->code_sha256,
                                 .code_size = function->code_size,
                                 .revision = lambda_new_revision(call),
                                 .modified_ms = now_ms,
                                 .active_ms = function->active_ms,
                                 .updated_ms = now_ms + LAMBDA_CHANGE_MS};
}

/* --- CreateFunction ----------------------------------------------------------------------------
 */

static json_t *default_settings(void)
{
    return json_pack("{s:s, s:i, s:i, s:{s:s}, s:[s], s:{s:i}}", "Description", "", "Timeout", 3,
                     "MemorySize", 128, "TracingConfig", "Mode", "PassThrough", "Architectures",
                     "x86_64", "EphemeralStorage", "Size", 512);
}

static enum local_result read_new(struct local_call *call, struct lambda_name *name)
{
    struct lambda_function there;
    lambda_name_parse(call->arena, call->account, call->region, local_text(call, "FunctionName"),
                      NULL, name);
    if (name->qualifier)
        return lambda_invalid(call, "The name of a new function has no qualifier.");
    bool exists = lambda_function_find(call->local, call->store, call->arena, name->account,
                                       name->region, name->name, NULL, &there) == 0;
    lambda_function_done(&there);
    if (exists)
        return local_fail(call, "ResourceConflictException", "Function already exist: %s",
                          name->name);
    if (!local_text(call, "Runtime") || !local_text(call, "Handler"))
        return lambda_invalid(call, "Runtime and Handler are mandatory parameters for functions "
                                    "created with deployment packages.");
    return LOCAL_OK;
}

static int64_t insert_function(struct local_call *call, const struct lambda_name *name)
{
    store_run(call->store,
              "INSERT INTO lambda_function (account, region, name, last_version, tags)"
              " VALUES ($1, $2, $3, 0, '{}')",
              "ttt", name->account, name->region, name->name);
    return store_last_id(call->store);
}

static enum local_result create(struct local_call *call, const struct lambda_name *name,
                                json_t *config, const json_t *variables)
{
    struct lambda_code code;
    struct lambda_function made;
    if (lambda_apply_settings(call, config) != LOCAL_OK ||
        lambda_read_code(call, local_value(call, "Code"), &code) != LOCAL_OK)
        return LOCAL_FAILED;
    int64_t id = insert_function(call, name), now_ms = lambda_now(call);
    if (lambda_set_tags(call, id, local_value(call, "Tags")) != LOCAL_OK)
        return LOCAL_FAILED;
    const struct lambda_draft draft = {.function = id,
                                       .config = config,
                                       .variables = variables,
                                       .code_sha256 = code.sha256,
                                       .code_size = (int64_t)code.zip.len,
                                       .revision = lambda_new_revision(call),
                                       .modified_ms = now_ms,
                                       .active_ms = now_ms + LAMBDA_CHANGE_MS};
    lambda_keep_code(call, &code);
    lambda_store_version(call, &draft);
    if (lambda_need(call, &made) != LOCAL_OK)
        return LOCAL_FAILED;
    int64_t number = local_bool(call, "Publish", false) ? lambda_publish(call, &made) : 0;
    enum local_result result = lambda_answer_version(call, &made, number);
    lambda_function_done(&made);
    return result;
}

enum local_result lambda_create_function(struct local_call *call)
{
    struct lambda_name name;
    json_t *variables;
    bool given;
    if (read_new(call, &name) != LOCAL_OK ||
        lambda_read_variables(call, &variables, &given) != LOCAL_OK)
        return LOCAL_FAILED;
    json_t *config = default_settings();
    enum local_result result = create(call, &name, config, variables);
    json_decref(config);
    json_decref(variables);
    return result;
}

/* --- UpdateFunctionCode ------------------------------------------------------------------------
 */

static enum local_result update_code(struct local_call *call,
                                     const struct lambda_function *function)
{
    struct lambda_code code;
    struct lambda_function changed;
    const json_t *architectures = local_value(call, "Architectures");
    if (architectures && strcmp(json_string_value(json_array_get(architectures, 0)), "x86_64") != 0)
        return lambda_invalid(call, "The architecture arm64 is not supported here.");
    if (lambda_read_code(call, call->input, &code) != LOCAL_OK)
        return LOCAL_FAILED;
    struct lambda_draft draft = draft_of(call, function);
    draft.code_sha256 = code.sha256;
    draft.code_size = (int64_t)code.zip.len;
    if (local_bool(call, "DryRun", false)) {
        changed = *function;
        changed.code_sha256 = draft.code_sha256;
        changed.code_size = draft.code_size;
        lambda_write_configuration(call, &changed);
        return LOCAL_OK;
    }
    lambda_keep_code(call, &code);
    lambda_store_version(call, &draft);
    lambda_sweep_code(call);
    retire(call, function);
    if (!local_bool(call, "Publish", false))
        return lambda_answer_version(call, function, 0);
    enum local_result result = lambda_read_version(call, function, 0, &changed);
    if (result == LOCAL_OK)
        result = lambda_answer_version(call, function, lambda_publish(call, &changed));
    lambda_function_done(&changed);
    return result;
}

enum local_result lambda_update_code(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = need_changeable(call, &function);
    if (result == LOCAL_OK)
        result = update_code(call, &function);
    lambda_function_done(&function);
    return result;
}

/* --- UpdateFunctionConfiguration ---------------------------------------------------------------
 */

enum local_result lambda_update_configuration(struct local_call *call)
{
    struct lambda_function function;
    json_t *variables = NULL, *config = NULL;
    bool given;
    enum local_result result = need_changeable(call, &function);
    if (result == LOCAL_OK)
        result = lambda_read_variables(call, &variables, &given);
    if (result == LOCAL_OK) {
        config = json_deep_copy(function.config);
        result = lambda_apply_settings(call, config);
    }
    if (result == LOCAL_OK) {
        struct lambda_draft draft = draft_of(call, &function);
        draft.config = config;
        if (given)
            draft.variables = variables;
        lambda_store_version(call, &draft);
        retire(call, &function);
        result = lambda_answer_version(call, &function, 0);
    }
    json_decref(config);
    json_decref(variables);
    lambda_function_done(&function);
    return result;
}

/* --- DeleteFunction ----------------------------------------------------------------------------
 */

static enum local_result delete_version(struct local_call *call,
                                        const struct lambda_function *function)
{
    struct store_rows rows;
    const char *names = "";
    if (!function->number)
        return lambda_invalid(call, "$LATEST version cannot be deleted without deleting the "
                                    "function.");
    if (strcmp(function->qualifier, function->version) != 0)
        return lambda_invalid(call, "Aliases cannot be deleted with DeleteFunction.");
    store_query(call->store, &rows,
                "SELECT name FROM lambda_alias WHERE function = $1 AND version = $2", "ii",
                function->id, function->number);
    while (store_next(&rows)) {
        struct text name = store_text(&rows, 0);
        names = arena_printf(call->arena, "%s%s%.*s", names, *names ? ", " : "", (int)name.len,
                             name.data);
    }
    store_end(&rows);
    if (*names)
        return local_fail(call, "ResourceConflictException",
                          "Unable to delete version because the following aliases reference it: "
                          "[%s]",
                          names);
    store_run(call->store, "DELETE FROM lambda_version WHERE function = $1 AND number = $2", "ii",
              function->id, function->number);
    store_run(call->store, "DELETE FROM lambda_policy WHERE function = $1 AND qualifier = $2", "it",
              function->id, function->qualifier);
    store_run(call->store, "DELETE FROM lambda_event_config WHERE function = $1 AND qualifier = $2",
              "it", function->id, function->qualifier);
    return LOCAL_OK;
}

static enum local_result delete_function(struct local_call *call,
                                         const struct lambda_function *function)
{
    int64_t id = function->id;
    store_run(call->store, "DELETE FROM lambda_version WHERE function = $1", "i", id);
    store_run(call->store, "DELETE FROM lambda_alias WHERE function = $1", "i", id);
    store_run(call->store, "DELETE FROM lambda_policy WHERE function = $1", "i", id);
    store_run(call->store, "DELETE FROM lambda_event_config WHERE function = $1", "i", id);
    store_run(call->store, "DELETE FROM lambda_function WHERE id = $1", "i", id);
    return LOCAL_OK;
}

enum local_result lambda_delete_function(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK)
        result =
            function.qualifier ? delete_version(call, &function) : delete_function(call, &function);
    if (result == LOCAL_OK) {
        lambda_sweep_code(call);
        retire(call, &function);
    }
    lambda_function_done(&function);
    return result;
}
