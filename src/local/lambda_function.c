#include "local/lambda_function.h"

#include "aws/region.h"
#include "base/arena.h"
#include "base/json.h"
#include "local/lambda_platform.h"
#include "local/lambda_tables.h"

#include <ctype.h>
#include <string.h>

/* --- names ------------------------------------------------------------------------------------ */

enum { LARGEST_PARTS = 8, ACCOUNT_DIGITS = 12 };

static bool is_account(const char *text)
{
    return strlen(text) == ACCOUNT_DIGITS && strspn(text, "0123456789") == ACCOUNT_DIGITS;
}

/* "us-east-1": a part that is followed by an account; function names have no such neighbours. */
static bool is_region(const char *text, const char *next)
{
    return next && is_account(next) && strchr(text, '-');
}

int lambda_name_parse(struct arena *arena, const char *account, const char *region,
                      const char *text, const char *qualifier, struct lambda_name *out)
{
    const char *parts[LARGEST_PARTS + 1] = {NULL};
    size_t count = 0, at = 0;
    for (struct text rest = text_of(text); rest.data;) {
        struct text part = text_cut(&rest, ':');
        if (count == LARGEST_PARTS)
            return -1;
        parts[count++] = arena_strndup(arena, part.data, part.len);
    }
    *out = (struct lambda_name){account, region, NULL, NULL};
    bool arn = strcmp(parts[0], "arn") == 0 && count > 6;
    if (arn)
        at = 3; /* arn:aws:lambda */
    if (arn || is_region(parts[at], parts[at + 1]))
        out->region = parts[at++];
    if (parts[at] && is_account(parts[at]) && (arn || parts[at + 1]))
        out->account = parts[at++];
    if (parts[at] && strcmp(parts[at], "function") == 0 && parts[at + 1])
        at++;
    if (!parts[at] || !*parts[at])
        return -1;
    out->name = parts[at++];
    out->qualifier = parts[at] ? parts[at++] : qualifier;
    if (at != count)
        return -1;
    return qualifier && strcmp(qualifier, out->qualifier) != 0 ? -1 : 0;
}

char *lambda_name_arn(struct arena *arena, const struct lambda_name *name)
{
    return arena_printf(arena, "arn:aws:lambda:%s:%s:function:%s%s%s", name->region, name->account,
                        name->name, name->qualifier ? ":" : "",
                        name->qualifier ? name->qualifier : "");
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Which version a qualifier is; -1: there is none of that name. */
static int64_t version_number(struct store_session *store, int64_t function, const char *qualifier)
{
    struct store_rows rows;
    int64_t number = -1;
    if (!qualifier || strcmp(qualifier, "$LATEST") == 0)
        return 0;
    if (isdigit((unsigned char)*qualifier) &&
        text_to_int64(qualifier, strlen(qualifier), &number) == 0)
        return number > 0 ? number : -1;
    store_query(store, &rows, "SELECT version FROM lambda_alias WHERE function = $1 AND name = $2",
                "it", function, qualifier);
    if (store_next(&rows))
        number = store_int(&rows, 0);
    store_end(&rows);
    return number;
}

static bool find_function(struct store_session *store, struct arena *arena,
                          const struct lambda_name *name, struct lambda_function *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT id, reserved FROM lambda_function"
                " WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", name->account, name->region, name->name);
    bool found = store_next(&rows);
    struct lambda_name bare = *name;
    bare.qualifier = NULL;
    if (found)
        *out = (struct lambda_function){
            .id = store_int(&rows, 0),
            .reserved_concurrency = store_null(&rows, 1) ? -1 : store_int(&rows, 1),
            .account = arena_strdup(arena, name->account),
            .region = arena_strdup(arena, name->region),
            .name = arena_strdup(arena, name->name),
            .qualifier = name->qualifier ? arena_strdup(arena, name->qualifier) : NULL,
            .function_arn = lambda_name_arn(arena, &bare),
            .arn = lambda_name_arn(arena, name),
        };
    store_end(&rows);
    return found;
}

const char *lambda_environment_purpose(struct arena *arena, int64_t function)
{
    return arena_printf(arena, "lambda environment %lld", (long long)function);
}

static void read_environment(struct local *local, struct arena *arena, struct text sealed,
                             struct lambda_function *out)
{
    unsigned char *plain;
    size_t len, count = 0;
    const char *name;
    json_t *value;
    const char **list = NULL;
    if (sealed.data &&
        keyring_unseal(local->keyring, arena, lambda_environment_purpose(arena, out->id),
                       sealed.data, sealed.len, &plain, &len) == 0)
        out->variables = json_read((const char *)plain, len, NULL);
    list = arena_calloc(arena, json_object_size(out->variables) + 1, sizeof *list);
    json_object_foreach((json_t *)out->variables, name, value)
    {
        list[count++] = arena_printf(arena, "%s=%s", name, json_string_value(value));
    }
    out->environment = list;
}

static const char *kept(struct arena *arena, struct text text)
{
    return arena_strndup(arena, text.data ? text.data : "", text.len);
}

static enum lambda_log_level level_of(const json_t *logging, const char *which)
{
    const char *name = json_text_or(logging, which, "INFO");
    return lambda_log_level(name, strlen(name));
}

static void read_config(struct arena *arena, struct lambda_function *out)
{
    const json_t *config = out->config, *logging = json_object_get(config, "LoggingConfig");
    out->runtime = json_text_or(config, "Runtime", "");
    out->handler = json_text_or(config, "Handler", "");
    out->role_arn = json_text_or(config, "Role", "");
    out->log_group = json_text(logging, "LogGroup");
    if (!out->log_group)
        out->log_group = arena_printf(arena, "/aws/lambda/%s", out->name);
    out->logging =
        (struct lambda_logging){strcmp(json_text_or(logging, "LogFormat", "Text"), "JSON") == 0,
                                level_of(logging, "ApplicationLogLevel"),
                                level_of(logging, "SystemLogLevel")};
    out->timeout_ms = (unsigned)json_int_or(config, "Timeout", 3) * 1000;
    out->memory_mb = (unsigned)json_int_or(config, "MemorySize", 128);
    out->dead_letter_arn = json_text(json_object_get(config, "DeadLetterConfig"), "TargetArn");
}

static bool read_version(struct local *local, struct store_session *store, struct arena *arena,
                         struct lambda_function *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT config, environment, code, code_size, revision, modified_ms, active_ms,"
                " updated_ms FROM lambda_version WHERE function = $1 AND number = $2",
                "ii", out->id, out->number);
    bool found = store_next(&rows);
    if (found) {
        struct text config = store_text(&rows, 0);
        out->config = json_read(config.data, config.len, NULL);
        read_environment(local, arena, store_blob(&rows, 1), out);
        out->code_sha256 = kept(arena, store_text(&rows, 2));
        out->code_size = store_int(&rows, 3);
        out->revision = kept(arena, store_text(&rows, 4));
        out->modified_ms = store_int(&rows, 5);
        out->active_ms = store_int(&rows, 6);
        out->updated_ms = store_int(&rows, 7);
    }
    store_end(&rows);
    return found;
}

int lambda_function_find(struct local *local, struct store_session *store, struct arena *arena,
                         const char *account, const char *region, const char *name_or_arn,
                         const char *qualifier, struct lambda_function *out)
{
    struct lambda_name name;
    *out = (struct lambda_function){.id = 0};
    if (lambda_name_parse(arena, account, region, name_or_arn, qualifier, &name) != 0 ||
        !find_function(store, arena, &name, out))
        return -1;
    out->number = version_number(store, out->id, out->qualifier);
    if (out->number < 0 || !read_version(local, store, arena, out))
        return -1;
    out->version = out->number ? arena_printf(arena, "%lld", (long long)out->number) : "$LATEST";
    out->key = arena_printf(arena, "%s:%s:%s", out->function_arn, out->version, out->revision);
    read_config(arena, out);
    return 0;
}

void lambda_function_done(struct lambda_function *function)
{
    json_decref((json_t *)function->config);
    json_decref((json_t *)function->variables);
    *function = (struct lambda_function){.id = 0};
}

struct text lambda_function_code(struct store_session *store, struct arena *arena,
                                 const struct lambda_function *function)
{
    struct store_rows rows;
    struct text code = {NULL, 0};
    store_query(store, &rows, "SELECT zip FROM lambda_code WHERE sha256 = $1", "t",
                function->code_sha256);
    if (store_next(&rows)) {
        struct text blob = store_blob(&rows, 0);
        code = (struct text){arena_memdup(arena, blob.data, blob.len), blob.len};
    }
    store_end(&rows);
    return code;
}

/* --- who may ---------------------------------------------------------------------------------- */

enum policy_answer lambda_function_policy(struct store_session *store, struct arena *arena,
                                          const struct lambda_function *function,
                                          const struct policy_question *question,
                                          enum policy_match *match)
{
    struct store_rows rows;
    enum policy_answer answer = POLICY_NO_MATCH;
    *match = POLICY_MATCH_NONE;
    store_query(store, &rows,
                "SELECT policy FROM lambda_policy WHERE function = $1 AND qualifier = $2", "it",
                function->id, function->qualifier ? function->qualifier : "");
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        struct policy *policy = policy_parse(arena, text.data, text.len, POLICY_RESOURCE, NULL);
        answer = policy ? policy_evaluate(policy, question, match) : POLICY_DENY;
    }
    store_end(&rows);
    return answer;
}

bool lambda_may_invoke(struct store_session *store, struct arena *arena,
                       const struct lambda_function *function, const char *service,
                       const char *source_arn, const char *source_account)
{
    const char *const arns[] = {source_arn, NULL}, *const accounts[] = {source_account, NULL};
    const char *const yes[] = {"true", NULL}, *const regions[] = {function->region, NULL};
    const char *const services[] = {service, NULL};
    /* The policy names the function as its own partition does. */
    const char *arn = arena_printf(arena, "arn:%s%s", partition_of(function->region)->name,
                                   function->arn + strlen("arn:aws"));
    const struct policy_value context[] = {
        {"aws:SourceArn", arns},
        {"aws:SourceAccount", accounts},
        {"aws:SecureTransport", yes},
        {"aws:PrincipalIsAWSService", yes},
        {"aws:PrincipalServiceName", services},
        {"aws:RequestedRegion", regions},
    };
    const struct policy_principal principal = {.service = service};
    const struct policy_question question = {.action = "lambda:InvokeFunction",
                                             .resource = arn,
                                             .principal = &principal,
                                             .context = context,
                                             .context_count = sizeof context / sizeof *context};
    enum policy_match match;
    return lambda_function_policy(store, arena, function, &question, &match) == POLICY_ALLOW;
}

/* --- asynchronous invocations ----------------------------------------------------------------- */

enum { RETRIES_DEFAULT = 2, AGE_DEFAULT_S = 21600 };

static const char *destination(struct arena *arena, const json_t *config, const char *when)
{
    const json_t *all = json_object_get(config, "DestinationConfig");
    const char *arn = json_text(json_object_get(all, when), "Destination");
    return arn && *arn ? arena_strdup(arena, arn) : NULL;
}

void lambda_function_event_config(struct store_session *store, struct arena *arena,
                                  const struct lambda_function *function,
                                  struct lambda_event_config *out)
{
    struct store_rows rows;
    json_t *config = NULL;
    store_query(store, &rows,
                "SELECT config FROM lambda_event_config WHERE function = $1 AND qualifier = $2",
                "it", function->id, function->qualifier ? function->qualifier : "$LATEST");
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        config = json_read(text.data, text.len, NULL);
    }
    store_end(&rows);
    *out = (struct lambda_event_config){
        .retries = json_int_or(config, "MaximumRetryAttempts", RETRIES_DEFAULT),
        .largest_age_s = json_int_or(config, "MaximumEventAgeInSeconds", AGE_DEFAULT_S),
        .on_success = destination(arena, config, "OnSuccess"),
        .on_failure = destination(arena, config, "OnFailure"),
    };
    json_decref(config);
}
