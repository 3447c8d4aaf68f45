#include "local/services/lambda_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- in the store ----------------------------------------------------------------------------- */

static struct text seal_variables(struct local_call *call, const struct lambda_draft *draft)
{
    unsigned char *sealed;
    size_t len;
    if (!json_object_size(draft->variables))
        return (struct text){NULL, 0};
    char *text = json_dumps(draft->variables, JSON_COMPACT);
    keyring_seal(call->local->keyring, call->arena,
                 lambda_environment_purpose(call->arena, draft->function), text, strlen(text),
                 &sealed, &len);
    explicit_bzero(text, strlen(text));
    free(text);
    return (struct text){(const char *)sealed, len};
}

void lambda_store_version(struct local_call *call, const struct lambda_draft *draft)
{
    struct text sealed = seal_variables(call, draft);
    char *config = json_dumps(draft->config, JSON_COMPACT);
    store_run(call->store,
              "INSERT INTO lambda_version (function, number, config, environment, code, code_size,"
              " revision, modified_ms, active_ms, updated_ms)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
              " ON CONFLICT (function, number) DO UPDATE SET config = excluded.config,"
              " environment = excluded.environment, code = excluded.code,"
              " code_size = excluded.code_size, revision = excluded.revision,"
              " modified_ms = excluded.modified_ms, active_ms = excluded.active_ms,"
              " updated_ms = excluded.updated_ms",
              "iitbtitiii", draft->function, draft->number, config, sealed.data, sealed.len,
              draft->code_sha256, draft->code_size, draft->revision, draft->modified_ms,
              draft->active_ms, draft->updated_ms);
    free(config);
}

enum local_result lambda_read_version(struct local_call *call,
                                      const struct lambda_function *function, int64_t number,
                                      struct lambda_function *out)
{
    const char *qualifier =
        number ? arena_printf(call->arena, "%lld", (long long)number) : function->qualifier;
    if (lambda_function_find(call->local, call->store, call->arena, function->account,
                             function->region, function->name, qualifier, out) == 0)
        return LOCAL_OK;
    return lambda_not_found(call, function->arn);
}

enum local_result lambda_answer_version(struct local_call *call,
                                        const struct lambda_function *function, int64_t number)
{
    struct lambda_function stored;
    enum local_result result = lambda_read_version(call, function, number, &stored);
    if (result == LOCAL_OK)
        lambda_write_configuration(call, &stored);
    lambda_function_done(&stored);
    return result;
}

/* --- publishing ------------------------------------------------------------------------------- */

static int64_t last_version(struct local_call *call, int64_t function)
{
    struct store_rows rows;
    int64_t last = 0;
    store_query(call->store, &rows, "SELECT last_version FROM lambda_function WHERE id = $1", "i",
                function);
    if (store_next(&rows))
        last = store_int(&rows, 0);
    store_end(&rows);
    return last;
}

/* But for the description, which is the version's own. */
static bool is_same(const struct lambda_function *one, const struct lambda_function *other)
{
    json_t *settings = json_copy((json_t *)one->config);
    json_t *others = json_copy((json_t *)other->config);
    json_object_del(settings, "Description");
    json_object_del(others, "Description");
    bool same = json_equal(settings, others) && strcmp(one->code_sha256, other->code_sha256) == 0;
    json_decref(settings);
    json_decref(others);
    if (!one->variables || !other->variables)
        return same && !one->variables && !other->variables;
    return same && json_equal((json_t *)one->variables, (json_t *)other->variables);
}

int64_t lambda_publish(struct local_call *call, const struct lambda_function *latest)
{
    struct lambda_function before = {.id = 0};
    int64_t last = last_version(call, latest->id);
    bool same = last && lambda_read_version(call, latest, last, &before) == LOCAL_OK &&
                is_same(latest, &before);
    lambda_function_done(&before);
    if (same)
        return last;
    const char *description = local_text(call, "Description");
    json_t *config = json_copy((json_t *)latest->config);
    if (description)
        json_object_set_new(config, "Description", json_string(description));
    const struct lambda_draft draft = {.function = latest->id,
                                       .number = last + 1,
                                       .config = config,
                                       .variables = latest->variables,
                                       .code_sha256 = latest->code_sha256,
                                       .code_size = latest->code_size,
                                       .revision = lambda_new_revision(call),
                                       .modified_ms = lambda_now(call),
                                       .active_ms = latest->active_ms};
    lambda_store_version(call, &draft);
    json_decref(config);
    store_run(call->store, "UPDATE lambda_function SET last_version = $1 WHERE id = $2", "ii",
              last + 1, latest->id);
    return last + 1;
}

/* --- FunctionConfiguration -------------------------------------------------------------------- */

/* "2026-11-22T05:00:00.000+0000" */
static void put_modified(struct local_call *call, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char day[32], text[64];
    gmtime_r(&seconds, &parts);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof text, "%s.%03d+0000", day, (int)(time_ms % 1000));
    json_put_text(call->out, "LastModified", text);
}

static void put_state(struct local_call *call, const struct lambda_function *function)
{
    int64_t now_ms = lambda_now(call);
    if (now_ms < function->active_ms) {
        json_put_text(call->out, "State", "Pending");
        json_put_text(call->out, "StateReason", "The function is being created.");
        json_put_text(call->out, "StateReasonCode", "Creating");
        return;
    }
    json_put_text(call->out, "State", "Active");
    if (now_ms < function->updated_ms) {
        json_put_text(call->out, "LastUpdateStatus", "InProgress");
        json_put_text(call->out, "LastUpdateStatusReason", "The function is being created.");
        json_put_text(call->out, "LastUpdateStatusReasonCode", "Creating");
        return;
    }
    json_put_text(call->out, "LastUpdateStatus", "Successful");
}

static void put_logging(struct local_call *call, const struct lambda_function *function)
{
    const json_t *logging = json_object_get(function->config, "LoggingConfig");
    const char *format = json_text_or(logging, "LogFormat", "Text");
    bool json = strcmp(format, "JSON") == 0;
    json_key(call->out, "LoggingConfig");
    json_open(call->out);
    json_put_text(call->out, "LogFormat", format);
    if (json) {
        json_put_text(call->out, "ApplicationLogLevel",
                      json_text_or(logging, "ApplicationLogLevel", "INFO"));
        json_put_text(call->out, "SystemLogLevel", json_text_or(logging, "SystemLogLevel", "INFO"));
    }
    json_put_text(call->out, "LogGroup", function->log_group);
    json_close(call->out);
}

static void put_settings(struct local_call *call, const struct lambda_function *function)
{
    static const char *const members[] = {"Runtime",
                                          "Role",
                                          "Handler",
                                          "Description",
                                          "Timeout",
                                          "MemorySize",
                                          "DeadLetterConfig",
                                          "TracingConfig",
                                          "Architectures",
                                          "EphemeralStorage",
                                          NULL};
    for (const char *const *member = members; *member; member++) {
        const json_t *value = json_object_get(function->config, *member);
        if (!value)
            continue;
        json_key(call->out, *member);
        if (strcmp(*member, "Role") == 0)
            json_write_text(call->out, local_shown(call, json_string_value(value)));
        else
            json_write_value(call->out, value);
    }
}

void lambda_write_configuration(struct local_call *call, const struct lambda_function *function)
{
    struct json_writer *w = call->out;
    const char *arn = function->qualifier ? arena_printf(call->arena, "%s:%s",
                                                         function->function_arn, function->version)
                                          : function->function_arn;
    json_put_text(w, "FunctionName", function->name);
    json_put_text(w, "FunctionArn", local_shown(call, arn));
    put_settings(call, function);
    json_put_int(w, "CodeSize", function->code_size);
    json_put_text(w, "CodeSha256", function->code_sha256);
    put_modified(call, function->modified_ms);
    json_put_text(w, "Version", function->version);
    if (json_object_size(function->variables)) {
        json_key(w, "Environment");
        json_open(w);
        json_key(w, "Variables");
        json_write_value(w, function->variables);
        json_close(w);
    }
    json_put_text(w, "RevisionId", function->revision);
    put_state(call, function);
    json_put_text(w, "PackageType", "Zip");
    json_key(w, "SnapStart");
    json_open(w);
    json_put_text(w, "ApplyOn", "None");
    json_put_text(w, "OptimizationStatus", "Off");
    json_close(w);
    put_logging(call, function);
}
