/*
 * One call: attempts until an answer stands. What is decided for each attempt anew: the time, the
 * credentials, the signature.
 */
#include "aws/denial.h"
#include "aws/error_codes.h"
#include "aws/protocol.h"
#include "aws/sigv4.h"
#include "base/digest.h"
#include "base/text.h"
#include "client/client_intern.h"
#include "client/credentials.h"
#include "client/rate_limit.h"
#include "client/redact.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_HEADERS = 20,
    SKEW_MS = 4 * 60 * 1000 /* a Date header further from our clock than this explains a refusal */
};

struct call {
    struct aws_client *client;
    struct arena *arena;
    const struct aws_operation *operation;
    struct protocol_request request;
    const char *path; /* with the endpoint's own in front */
    const char *url;
    char payload_hash[SHA256_HEX_SIZE];
    char invocation[RANDOM_UUID_SIZE];
    unsigned attempt; /* from 1 */
    struct retry retry;
    bool clock_corrected, credentials_refreshed;
    bool refused; /* the last attempt, by an answer to this operation */
    struct credentials credentials;
    struct http_header headers[LARGEST_HEADERS];
    size_t header_count;
    struct http_response response;
};

/* --- before sending --------------------------------------------------------------------------- */

static int check_allowed(const struct aws_client *client, const struct aws_operation *operation,
                         struct error *err)
{
    if (operation->service != client->service)
        return error_set(err, ERR_INVALID, "%s is not an operation of %s", operation->name,
                         client->service->name);
    if (client->read_only && !(operation->flags & AWS_READS))
        return error_set(err, ERR_DENIED,
                         "%s:%s was not sent: it may write, and this client only reads",
                         client->service->signing_name, operation->name);
    return 0;
}

static int build(struct call *call, const json_t *in, struct error *err)
{
    struct aws_client *client = call->client;
    struct protocol_request *request = &call->request;
    if (protocol_build(call->arena, call->operation, in, request, err) != 0)
        return -1;
    call->path = arena_join(call->arena, client->base_path, request->path, NULL);
    call->url = arena_join(call->arena, client->origin, call->path, request->query ? "?" : "",
                           request->query ? request->query : "", NULL);
    digest_sha256_hex(request->body, request->body_len, call->payload_hash);
    random_uuid(client->shared->random, call->invocation);
    call->retry = (struct retry){.policy = &client->shared->retry,
                                 .bucket = &client->bucket,
                                 .clock = client->shared->clock,
                                 .random = client->shared->random};
    return 0;
}

/* A problem with credentials must not look like an answer to the operation: "not found" would be
 * taken for a missing parameter, "timeout" for a write that may have happened. */
static int credentials_problem(struct error *err)
{
    if (!err)
        return -1;
    if (err->code == ERR_NOT_FOUND || err->code == ERR_CONFLICT || err->code == ERR_EXPIRED)
        err->code = ERR_DENIED;
    if (err->code == ERR_TIMEOUT)
        err->code = ERR_UNAVAILABLE;
    return error_context(err, "credentials");
}

static int get_credentials(struct call *call, struct error *err)
{
    struct credentials_provider *provider = call->client->credentials;
    if (call->operation->flags & AWS_UNSIGNED)
        return 0;
    if (!provider)
        return error_set(err, ERR_DENIED, "credentials: this client has none to sign %s",
                         call->operation->name);
    if (provider->fetch(provider, &call->credentials, err) != 0)
        return credentials_problem(err);
    return 0;
}

static double given_quota(const struct call *call)
{
    const struct client_shared *shared = call->client->shared;
    for (size_t i = 0; i < shared->quotas_given_count; i++)
        if (rate_quota_shared(call->client->service->signing_name, call->operation->name,
                              shared->quotas_given[i].operation))
            return shared->quotas_given[i].per_second;
    return 0;
}

static struct rate_key rate_key(const struct call *call)
{
    const struct credentials *credentials = &call->credentials;
    return (struct rate_key){
        /* The key stands for its account until a source names that. */
        .account = *credentials->account ? credentials->account : credentials->access_key,
        .region = call->client->endpoint.signing_region,
        .service = call->client->service->signing_name,
        .operation = call->operation->name,
        .quotas = call->client->quotas,
        .given = given_quota(call),
    };
}

/* May this attempt be sent? What only reads is not begun once a stop is wanted; a write is what was
 * begun before, and has until the stop is due, but no second try. */
static bool stopped(const struct call *call)
{
    struct stop *stop = call->client->shared->stop;
    bool reads = call->operation->flags & AWS_READS;
    return stop_wanted(stop) && (reads || call->attempt > 0 || stop_left_ms(stop) == 0);
}

static int pace(struct call *call, struct error *err)
{
    struct rate_key key = rate_key(call);
    struct clock *clock = call->client->shared->clock;
    int64_t begun_ms = clock->monotonic_ms(clock);
    int64_t wait_ms = rate_limiter_wait(call->client->shared->limiter, &key);
    int64_t waited_ms = clock->monotonic_ms(clock) - begun_ms;
    int64_t paced_ms = waited_ms < wait_ms ? waited_ms : wait_ms;
    call->client->counters.paced_ms += paced_ms;
    call->client->shared->counters.paced_ms += paced_ms;
    /* A wait that a stop cut short was no wait. */
    if (stopped(call) || (waited_ms < wait_ms && stop_wanted(call->client->shared->stop)))
        return error_set(err, ERR_CANCELLED, "not sent: the run was stopped");
    return 0;
}

static void add_header(struct call *call, const char *name, const char *value)
{
    if (call->header_count < LARGEST_HEADERS)
        call->headers[call->header_count++] = (struct http_header){name, value};
}

/* All that is to be signed; User-Agent comes later, because AWS's signers leave it out. */
static void start_headers(struct call *call)
{
    call->header_count = 0;
    for (size_t i = 0; i < call->request.header_count; i++)
        add_header(call, call->request.headers[i].name, call->request.headers[i].value);
    add_header(call, "amz-sdk-invocation-id", call->invocation);
    add_header(call, "amz-sdk-request",
               arena_printf(call->arena, "attempt=%u; max=%u", call->attempt,
                            call->retry.policy->max_attempts));
}

static int sign(struct call *call, struct error *err)
{
    struct aws_client *client = call->client;
    struct sigv4_field fields[LARGEST_HEADERS + 1] = {
        {text_of("host"), text_of(client->authority)}};
    for (size_t i = 0; i < call->header_count; i++)
        fields[i + 1] =
            (struct sigv4_field){text_of(call->headers[i].name), text_of(call->headers[i].value)};
    struct sigv4_request request = {
        .method = text_of(call->request.method),
        .path = text_of(call->path),
        .query = text_of(call->request.query),
        .fields = fields,
        .field_count = call->header_count + 1,
        .payload_hash = call->payload_hash,
    };
    struct clock *clock = client->shared->clock;
    struct sigv4_signing signing = {
        .keys = &client->keys,
        .credentials = {call->credentials.access_key, call->credentials.secret.data,
                        call->credentials.token.data},
        .region = client->endpoint.signing_region,
        .service = client->service->signing_name,
        .time_ms = clock->now_ms(clock) + client->shared->skew_ms,
    };
    struct sigv4_field *added;
    size_t added_count;
    if (sigv4_sign(call->arena, &request, &signing, &added, &added_count, NULL, err) != 0)
        return -1;
    for (size_t i = 0; i < added_count; i++)
        add_header(call, arena_strndup(call->arena, added[i].name.data, added[i].name.len),
                   arena_strndup(call->arena, added[i].value.data, added[i].value.len));
    return 0;
}

static int send_once(struct call *call, struct error *err)
{
    struct transport *transport = call->client->shared->transport;
    call->attempt++;
    start_headers(call);
    if (!(call->operation->flags & AWS_UNSIGNED) && sign(call, err) != 0)
        return -1;
    add_header(call, "User-Agent", "understudy/" UNDERSTUDY_VERSION);
    struct http_request request = {
        .method = call->request.method,
        .url = call->url,
        .headers = call->headers,
        .header_count = call->header_count,
        .body = call->request.body,
        .body_len = call->request.body_len,
        .stop = call->client->shared->stop,
    };
    call->client->counters.calls++;
    call->client->shared->counters.calls++;
    call->response = (struct http_response){0};
    return transport->send(transport, call->arena, &request, &call->response, err);
}

/* --- after an answer, or none ----------------------------------------------------------------- */

static bool may_repeat(const struct aws_operation *operation)
{
    return operation->flags & (AWS_READS | AWS_IDEMPOTENT);
}

static bool again(struct call *call, enum retry_cause cause, const struct http_response *hints)
{
    if (!retry_again(&call->retry, cause, hints))
        return false;
    call->client->counters.retries++;
    call->client->shared->counters.retries++;
    return true;
}

static bool lost(struct call *call, enum retry_cause cause, struct error *err)
{
    if (may_repeat(call->operation))
        return again(call, cause, NULL);
    err->code = ERR_TIMEOUT;
    error_context(err, "it may have taken effect all the same: not sent again");
    return false;
}

static bool after_no_answer(struct call *call, struct error *err)
{
    if (err->code == ERR_TIMEOUT)
        return lost(call, RETRY_TIMEOUT, err);
    return err->code == ERR_UNAVAILABLE && again(call, RETRY_TRANSIENT, NULL);
}

/* The Date header tells AWS's time. Only a difference that explains the refusal counts. */
static bool correct_clock(struct call *call)
{
    struct client_shared *shared = call->client->shared;
    const char *date =
        http_header_find(call->response.headers, call->response.header_count, "date");
    int64_t theirs_ms, ours_ms = shared->clock->now_ms(shared->clock);
    if (call->clock_corrected || !date || clock_parse_http(date, strlen(date), &theirs_ms) != 0 ||
        llabs(theirs_ms - ours_ms - shared->skew_ms) < SKEW_MS)
        return false;
    shared->skew_ms = theirs_ms - ours_ms;
    call->clock_corrected = true;
    return true;
}

static bool same_keys(const struct credentials *a, const struct credentials *b)
{
    return strcmp(a->access_key, b->access_key) == 0 && a->token.len == b->token.len &&
           (!a->token.len || memcmp(a->token.data, b->token.data, a->token.len) == 0);
}

/* True when the source gave others than those that were refused. */
static bool refresh_credentials(struct call *call)
{
    struct credentials_provider *provider = call->client->credentials;
    if (call->credentials_refreshed || !provider || !*call->credentials.access_key)
        return false;
    call->credentials_refreshed = true;
    struct credentials fresh = {0};
    struct error problem;
    credentials_cache_expire(provider, &call->credentials);
    bool changed =
        provider->fetch(provider, &fresh, &problem) == 0 && !same_keys(&fresh, &call->credentials);
    credentials_done(&fresh);
    return changed;
}

/* An answer without a code of AWS is a proxy's or a load balancer's. */
static bool from_between(const struct error *err)
{
    return err->aws_code[0] == '\0' || (err->aws_code[0] >= '0' && err->aws_code[0] <= '9');
}

/* Whether to try again after an error answer; has slept then. */
static bool after_error(struct call *call, struct error *err)
{
    /* "Not found" and "conflict" are said of the thing asked for by AWS only: a proxy that knows
     * no such path must not look like a parameter that is gone. */
    if (from_between(err) && (err->code == ERR_NOT_FOUND || err->code == ERR_CONFLICT))
        err->code = ERR_UNAVAILABLE;
    enum aws_retry retry =
        aws_error_retry(call->client->service->signing_name, err->aws_code, err->http_status);
    bool throttled = retry == AWS_RETRY_THROTTLED;
    struct rate_key key = rate_key(call);
    rate_limiter_answered(call->client->shared->limiter, &key, throttled);
    call->client->counters.throttled += throttled;
    call->client->shared->counters.throttled += throttled;

    if (retry == AWS_RETRY_CLOCK && correct_clock(call))
        return true;
    if (text_starts(err->aws_code, "ExpiredToken") && refresh_credentials(call))
        return true;
    if (throttled)
        return again(call, RETRY_THROTTLED, &call->response);
    /* A server that failed, or somebody between, may have failed behind the write. */
    if (retry == AWS_RETRY_TRANSIENT)
        return may_repeat(call->operation) ? again(call, RETRY_TRANSIENT, &call->response)
                                           : lost(call, RETRY_TRANSIENT, err);
    retry_done(&call->retry); /* refused, but by a service that is well */
    return false;
}

/* 0: done; -1: err is the answer; 1: once more. */
static int attempt(struct call *call, json_t **out, struct error *err)
{
    json_t *output = NULL;
    call->refused = false;
    if (get_credentials(call, err) != 0)
        return -1;
    if (pace(call, err) != 0)
        return -1;
    error_clear(err);
    if (send_once(call, err) != 0)
        return after_no_answer(call, err) ? 1 : -1;
    if (protocol_read(call->operation, &call->response, &output, err) != 0) {
        call->refused = true;
        return after_error(call, err) ? 1 : -1;
    }
    struct rate_key key = rate_key(call);
    rate_limiter_answered(call->client->shared->limiter, &key, false);
    retry_done(&call->retry);
    if (out)
        *out = output;
    else
        json_decref(output);
    return 0;
}

enum { CONTEXT_ROOM = 160 }; /* for what callers put before a message */

/* A refusal is followed by what would mend it. */
static void explain(const struct call *call, struct error *err)
{
    struct denial denial;
    char action[128];
    size_t len = strlen(err->message);
    bool refused = call->refused && err->code == ERR_DENIED;
    bool said = denial_parse(err->message, &denial);
    if (!refused || len + 2 + CONTEXT_ROOM >= sizeof err->message ||
        (!said && !text_starts(err->aws_code, "AccessDenied")))
        return;
    /* The advice is written from the message: not over it. */
    char advice[sizeof err->message];
    denial_action(call->client->service->signing_name, call->operation->name, action,
                  sizeof action);
    denial_advice(&denial, action, advice, sizeof err->message - CONTEXT_ROOM - len - 2);
    snprintf(err->message + len, sizeof err->message - len, "%s%s", len ? "; " : "", advice);
}

int aws_call(struct aws_client *client, struct arena *arena, const struct aws_operation *operation,
             const json_t *in, json_t **out, struct error *err)
{
    struct error own;
    if (!err)
        err = &own;
    if (out)
        *out = NULL;
    if (check_allowed(client, operation, err) != 0)
        return -1;
    struct call call = {.client = client, .arena = arena, .operation = operation};
    int result = build(&call, in, err);
    if (result == 0)
        do
            result = attempt(&call, out, err);
        while (result == 1);
    credentials_done(&call.credentials);
    if (result == 0)
        return 0;
    redact_message(err, in);
    explain(&call, err);
    return error_context(err, "%s:%s in %s", client->service->signing_name, operation->name,
                         client->region);
}
