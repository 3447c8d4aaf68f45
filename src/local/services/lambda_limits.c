#include "local/services/lambda_parts.h"

#include "local/lambda_invoke.h"

#include <stdlib.h>
#include <string.h>

/* --- reserved concurrency --------------------------------------------------------------------- */

enum local_result lambda_put_concurrency(struct local_call *call)
{
    struct lambda_function function;
    int64_t wanted = local_int(call, "ReservedConcurrentExecutions", 0);
    enum local_result result = lambda_need_whole(call, &function);
    if (result == LOCAL_OK) {
        int64_t others = lambda_reserved(call->store, function.account, function.region) -
                         (function.reserved_concurrency > 0 ? function.reserved_concurrency : 0);
        if (wanted < 0)
            result = local_fail(call, "ValidationException",
                                "1 validation error detected: Value '%lld' at "
                                "'reservedConcurrentExecutions' failed to satisfy constraint: "
                                "Member must have value greater than or equal to 0",
                                (long long)wanted);
        else if (wanted > LAMBDA_CONCURRENCY - others - LAMBDA_UNRESERVED_MIN)
            result = lambda_invalid(call,
                                    "Specified ReservedConcurrentExecutions for function "
                                    "decreases account's UnreservedConcurrentExecution below "
                                    "its minimum value of [%d].",
                                    LAMBDA_UNRESERVED_MIN);
    }
    if (result == LOCAL_OK) {
        store_run(call->store, "UPDATE lambda_function SET reserved = $1 WHERE id = $2", "ii",
                  wanted, function.id);
        json_put_int(call->out, "ReservedConcurrentExecutions", wanted);
    }
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_get_concurrency(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need_whole(call, &function);
    if (result == LOCAL_OK && function.reserved_concurrency >= 0)
        json_put_int(call->out, "ReservedConcurrentExecutions", function.reserved_concurrency);
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_delete_concurrency(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need_whole(call, &function);
    if (result == LOCAL_OK)
        store_run(call->store, "UPDATE lambda_function SET reserved = NULL WHERE id = $1", "i",
                  function.id);
    lambda_function_done(&function);
    return result;
}

/* --- settings of asynchronous invocations ----------------------------------------------------- */

static const char *qualifier_of(const struct lambda_function *function)
{
    return function->qualifier ? function->qualifier : "$LATEST";
}

static char *config_arn(struct local_call *call, const struct lambda_function *function)
{
    return arena_printf(call->arena, "%s:%s", function->function_arn, qualifier_of(function));
}

/* A new reference; NULL: there is none. */
static json_t *read_config(struct local_call *call, const struct lambda_function *function,
                           int64_t *modified_ms)
{
    struct store_rows rows;
    json_t *config = NULL;
    store_query(call->store, &rows,
                "SELECT config, modified_ms FROM lambda_event_config"
                " WHERE function = $1 AND qualifier = $2",
                "it", function->id, qualifier_of(function));
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        config = json_read(text.data, text.len, NULL);
        *modified_ms = store_int(&rows, 1);
    }
    store_end(&rows);
    return config;
}

static void write_config(struct local_call *call, const char *arn, const json_t *config,
                         int64_t modified_ms)
{
    static const char *const members[] = {"MaximumRetryAttempts", "MaximumEventAgeInSeconds",
                                          "DestinationConfig", NULL};
    local_put_time(call, "LastModified", modified_ms);
    json_put_text(call->out, "FunctionArn", local_shown(call, arn));
    for (const char *const *member = members; *member; member++) {
        const json_t *value = json_object_get(config, *member);
        if (!value)
            continue;
        json_key(call->out, *member);
        json_write_value(call->out, value);
    }
}

static enum local_result no_config(struct local_call *call, const struct lambda_function *function)
{
    return local_fail(call, "ResourceNotFoundException",
                      "The function %s doesn't have an EventInvokeConfig",
                      local_shown(call, config_arn(call, function)));
}

static enum local_result check_destinations(struct local_call *call,
                                            const struct lambda_function *function)
{
    static const char *const sides[] = {"OnSuccess", "OnFailure", NULL};
    const json_t *all = local_value(call, "DestinationConfig");
    for (const char *const *side = sides; *side; side++) {
        const char *arn = json_text(json_object_get(all, *side), "Destination");
        if (arn && *arn && lambda_check_target(call, function->role_arn, arn, true) != LOCAL_OK)
            return LOCAL_FAILED;
    }
    return LOCAL_OK;
}

/* What the input says over `config`, kept and answered. */
static enum local_result keep_config(struct local_call *call,
                                     const struct lambda_function *function, json_t *config)
{
    static const char *const members[] = {"MaximumRetryAttempts", "MaximumEventAgeInSeconds",
                                          "DestinationConfig", NULL};
    size_t given = 0;
    for (const char *const *member = members; *member; member++) {
        json_t *value = lambda_known(call, *member);
        given += value != NULL;
        if (value)
            json_object_set_new(config, *member, value);
    }
    if (!given)
        return lambda_invalid(call,
                              "You must specify at least one of error handling or destination "
                              "setting.");
    if (check_destinations(call, function) != LOCAL_OK)
        return LOCAL_FAILED;
    if (!json_object_get(config, "DestinationConfig"))
        json_object_set_new(config, "DestinationConfig",
                            json_pack("{s:{}, s:{}}", "OnSuccess", "OnFailure"));
    char *text = json_dumps(config, JSON_COMPACT);
    store_run(call->store,
              "INSERT INTO lambda_event_config (function, qualifier, config, modified_ms)"
              " VALUES ($1, $2, $3, $4) ON CONFLICT (function, qualifier)"
              " DO UPDATE SET config = excluded.config, modified_ms = excluded.modified_ms",
              "itti", function->id, qualifier_of(function), text, lambda_now(call));
    free(text);
    write_config(call, config_arn(call, function), config, lambda_now(call));
    return LOCAL_OK;
}

enum local_result lambda_put_event_config(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK) {
        json_t *config = json_object();
        result = keep_config(call, &function, config);
        json_decref(config);
    }
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_update_event_config(struct local_call *call)
{
    struct lambda_function function;
    int64_t modified_ms;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK) {
        json_t *config = read_config(call, &function, &modified_ms);
        result = config ? keep_config(call, &function, config) : no_config(call, &function);
        json_decref(config);
    }
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_get_event_config(struct local_call *call)
{
    struct lambda_function function;
    int64_t modified_ms;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK) {
        json_t *config = read_config(call, &function, &modified_ms);
        if (config)
            write_config(call, config_arn(call, &function), config, modified_ms);
        else
            result = no_config(call, &function);
        json_decref(config);
    }
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_delete_event_config(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK &&
        store_run(call->store,
                  "DELETE FROM lambda_event_config WHERE function = $1 AND qualifier = $2", "it",
                  function.id, qualifier_of(&function)) == 0)
        result = no_config(call, &function);
    lambda_function_done(&function);
    return result;
}

static enum local_result list_configs(struct local_call *call,
                                      const struct lambda_function *function)
{
    struct lambda_page page;
    struct store_rows rows;
    if (lambda_page_open(call, &page, "FunctionEventInvokeConfigs") != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT qualifier, config, modified_ms FROM lambda_event_config"
                " WHERE function = $1 AND qualifier > $2 ORDER BY qualifier",
                "it", function->id, page.position);
    while (lambda_page_next(call, &page, &rows, 0)) {
        struct text text = store_text(&rows, 1);
        json_t *config = json_read(text.data, text.len, NULL);
        json_open(call->out);
        write_config(call, arena_printf(call->arena, "%s:%s", function->function_arn, page.last),
                     config, store_int(&rows, 2));
        json_close(call->out);
        json_decref(config);
    }
    lambda_page_close(call, &page, &rows);
    return LOCAL_OK;
}

enum local_result lambda_list_event_configs(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK)
        result = list_configs(call, &function);
    lambda_function_done(&function);
    return result;
}
