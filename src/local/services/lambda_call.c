#include "local/services/lambda_parts.h"

#include "base/digest.h"
#include "local/doorbell.h"
#include "local/lambda_async.h"
#include "local/lambda_invoke.h"
#include "local/lambda_pool.h"

#include <stdlib.h>
#include <string.h>

/* Beyond the function's own time: a process is started, and may be started twice. */
enum { START_MS = 60 * 1000 };

/* An invocation that a call waits for. Owned by both: the call may be gone before its end. */
struct invocation {
    atomic_int owners;
    struct doorbell *doorbell;
    int64_t bell;
    atomic_bool over; /* what follows is there */
    enum lambda_end end;
    char *payload, *log, *code, *message;
    size_t payload_len, log_len;
};

static void forget(char *text, size_t len)
{
    if (text)
        explicit_bzero(text, len);
    free(text);
}

static void let_go(void *kept)
{
    struct invocation *invocation = kept;
    if (atomic_fetch_sub(&invocation->owners, 1) != 1)
        return;
    forget(invocation->payload, invocation->payload_len);
    forget(invocation->log, invocation->log_len);
    free(invocation->code);
    free(invocation->message);
    free(invocation);
}

static char *copy(struct text text)
{
    char *bytes = memory_alloc(text.len + 1);
    if (text.len)
        memcpy(bytes, text.data, text.len);
    return bytes;
}

static void answered(void *arg, const struct lambda_answer *answer)
{
    struct invocation *invocation = arg;
    invocation->end = answer->end;
    invocation->payload = copy(answer->payload);
    invocation->payload_len = answer->payload.len;
    invocation->log = copy(answer->log_tail);
    invocation->log_len = answer->log_tail.len;
    invocation->code = answer->code ? memory_strdup(answer->code) : NULL;
    invocation->message = answer->message ? memory_strdup(answer->message) : NULL;
    atomic_store(&invocation->over, true);
    doorbell_call(invocation->doorbell, invocation->bell);
    let_go(invocation);
}

/* --- the input -------------------------------------------------------------------------------- */

static enum local_result check_payload(struct local_call *call, bool event)
{
    size_t most = event ? LAMBDA_EVENT_MAX : LAMBDA_PAYLOAD_MAX;
    if (call->payload.len > most)
        return local_fail(call, "RequestTooLargeException",
                          "%zu byte payload is too large for the %s invocation type (limit %zu "
                          "bytes)",
                          call->payload.len, event ? "Event" : "RequestResponse", most);
    if (!call->payload.len) { /* as AWS has it: nothing is an empty object */
        call->payload = text_of("{}");
        return LOCAL_OK;
    }
    json_t *value =
        json_loadb(call->payload.data, call->payload.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool good = value != NULL;
    json_decref(value);
    return good ? LOCAL_OK
                : local_fail(call, "InvalidRequestContentException",
                             "Could not parse request body into json: Could not parse payload "
                             "into json.");
}

static enum local_result read_context(struct local_call *call, struct lambda_function *function)
{
    const char *text = local_text(call, "ClientContext");
    unsigned char *bytes;
    size_t len;
    if (!text)
        return LOCAL_OK;
    json_t *context = NULL;
    if (base64_decode(call->arena, text, strlen(text), &bytes, &len) == 0)
        context = json_read((const char *)bytes, len, NULL);
    if (!json_is_object(context)) {
        json_decref(context);
        return local_fail(call, "InvalidRequestContentException",
                          "Client context must be a valid Base64-encoded JSON object.");
    }
    json_decref(context);
    function->client_context = arena_strndup(call->arena, (const char *)bytes, len);
    return LOCAL_OK;
}

static enum local_result need_invocable(struct local_call *call, struct lambda_function *function)
{
    const char *type = json_text_or(call->input, "InvocationType", "RequestResponse");
    if (lambda_need(call, function) != LOCAL_OK)
        return LOCAL_FAILED;
    if (local_text(call, "TenantId") || local_text(call, "DurableExecutionName"))
        return lambda_invalid(call, "Tenants and durable executions are not supported here.");
    if (check_payload(call, strcmp(type, "Event") == 0) != LOCAL_OK)
        return LOCAL_FAILED;
    return read_context(call, function);
}

/* --- the three types -------------------------------------------------------------------------- */

static enum local_result queue_event(struct local_call *call,
                                     const struct lambda_function *function)
{
    if (!call->writing)
        return LOCAL_AS_WRITE;
    if (function->reserved_concurrency == 0) { /* nothing will ever run: AWS refuses at once */
        call->reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
        return local_fail(call, "TooManyRequestsException", "Rate Exceeded.");
    }
    if (lambda_async_queue(call->local, call->store, function, call->payload, call->request_id) !=
        0)
        return local_fail(call, "ServiceException", "The event could not be queued.");
    json_put_int(call->out, "StatusCode", 202);
    call->payload = (struct text){NULL, 0};
    return LOCAL_OK;
}

static enum local_result begin(struct local_call *call, const struct lambda_function *function)
{
    struct invocation *invocation = memory_alloc(sizeof *invocation);
    invocation->owners = 2;
    invocation->doorbell = call->local->doorbell;
    invocation->bell = (int64_t)((uintptr_t)invocation >> 6);
    local_wait_for(call, invocation->bell);
    if (lambda_invoke_begin(call->local, call->store, call->arena, function, call->request_id,
                            call->payload, answered, invocation, &call->failure) != 0) {
        atomic_store(&invocation->owners, 1); /* nobody else got it */
        let_go(invocation);
        if (call->failure.status == 429)
            call->reason = function->reserved_concurrency >= 0
                               ? "ReservedFunctionConcurrentInvocationLimitExceeded"
                               : "ConcurrentInvocationLimitExceeded";
        return LOCAL_FAILED;
    }
    call->wait.kept = invocation;
    call->wait.let_go = let_go;
    call->wait.longest_ms = (int64_t)function->timeout_ms + START_MS;
    return LOCAL_WAITS;
}

static enum local_result answer(struct local_call *call, const struct lambda_function *function,
                                const struct invocation *invocation)
{
    if (invocation->code)
        return local_fail(call, arena_strdup(call->arena, invocation->code), "%s",
                          invocation->message ? invocation->message : "");
    if (invocation->end != LAMBDA_ANSWERED)
        json_put_text(call->out, "FunctionError", "Unhandled");
    if (strcmp(json_text_or(call->input, "LogType", "None"), "Tail") == 0)
        json_put_text(call->out, "LogResult",
                      base64_encode(call->arena, invocation->log, invocation->log_len));
    json_put_text(call->out, "ExecutedVersion", function->version);
    call->payload =
        (struct text){arena_memdup(call->arena, invocation->payload, invocation->payload_len),
                      invocation->payload_len};
    return LOCAL_OK;
}

static enum local_result go_on(struct local_call *call, const struct lambda_function *function)
{
    const struct invocation *invocation = call->wait.kept;
    if (!invocation)
        return begin(call, function);
    local_wait_for(call, invocation->bell);
    if (atomic_load(&invocation->over))
        return answer(call, function, invocation);
    if (call->wait.over)
        return local_fail(call, "ServiceException", "The function did not answer in time.");
    return LOCAL_WAITS;
}

enum local_result lambda_invoke(struct local_call *call)
{
    struct lambda_function function;
    const char *type = json_text_or(call->input, "InvocationType", "RequestResponse");
    /* Whoever waits was let in; what it is about may have been deleted meanwhile. */
    if (call->wait.kept && lambda_need(call, &function) != LOCAL_OK)
        function = (struct lambda_function){.version = "$LATEST"};
    enum local_result result = call->wait.kept ? LOCAL_OK : need_invocable(call, &function);
    if (result == LOCAL_OK && strcmp(type, "DryRun") == 0)
        json_put_int(call->out, "StatusCode", 204);
    else if (result == LOCAL_OK && strcmp(type, "Event") == 0)
        result = queue_event(call, &function);
    else if (result == LOCAL_OK)
        result = go_on(call, &function);
    lambda_function_done(&function);
    return result;
}
