#include "local/lambda_end.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "local/lambda_function.h"
#include "local/role_call.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_PAUSE_MS = 60 * 1000, /* "about one minute", then two */
    SECOND_PAUSE_MS = 120 * 1000,
    LARGEST_RECORD = 16 * 1024 * 1024,
    LONGEST_MESSAGE = 1024, /* of ErrorMessage in a dead letter */
};

/* What is known while one event ends. */
struct end {
    const struct lambda_ending *ending;
    struct lambda_function function;
    struct lambda_event_config config;
    struct role_call role;
    struct role_session session;
    const char *condition; /* of the record */
    int64_t attempts;
    bool failed; /* not a success */
};

static int64_t now_ms(const struct lambda_ending *ending)
{
    return ending->local->clock->now_ms(ending->local->clock);
}

static int find(struct end *end, const struct lambda_ending *ending)
{
    const struct lambda_event *event = ending->event;
    *end = (struct end){.ending = ending, .attempts = event->attempts};
    if (lambda_function_find(ending->local, ending->store, ending->arena, event->account,
                             event->region, event->function, NULL, &end->function) != 0)
        return -1;
    lambda_function_event_config(ending->store, ending->arena, &end->function, &end->config);
    return 0;
}

bool lambda_event_is_old(struct store_session *store, struct arena *arena,
                         const struct lambda_function *function, const struct lambda_event *event,
                         int64_t now_ms)
{
    struct lambda_event_config config;
    lambda_function_event_config(store, arena, function, &config);
    return now_ms - event->first_ms > config.largest_age_s * 1000;
}

/* --- the record ------------------------------------------------------------------------------- */

/* JSON as it is, anything else as text. */
static void put_payload(struct json_writer *w, const char *key, struct text payload)
{
    json_t *value = NULL;
    if (payload.len)
        value = json_loadb(payload.data, payload.len, JSON_DECODE_ANY, NULL);
    json_key(w, key);
    if (value)
        json_write_raw(w, payload.data, payload.len);
    else
        json_write_text_n(w, payload.data ? payload.data : "", payload.len);
    json_decref(value);
}

static const char *versioned_arn(const struct end *end)
{
    const struct lambda_function *function = &end->function;
    return arena_printf(end->ending->arena, "%s:%s", function->function_arn,
                        function->qualifier ? function->qualifier : function->version);
}

/* Its last turn was an attempt, so that something was answered. */
static bool was_run(const struct lambda_ending *ending)
{
    return ending->result == LAMBDA_SUCCEEDED || ending->result == LAMBDA_FAILED;
}

static const char *write_record(const struct end *end)
{
    const struct lambda_ending *ending = end->ending;
    char time[CLOCK_TEXT_SIZE];
    struct json_writer w;
    struct buf text;
    buf_init(&text, LARGEST_RECORD);
    json_writer_init(&w, &text);
    clock_format_iso_ms(now_ms(ending), time);
    json_open(&w);
    json_put_text(&w, "version", "1.0");
    json_put_text(&w, "timestamp", time);
    json_key(&w, "requestContext");
    json_open(&w);
    json_put_text(&w, "requestId", ending->event->request_id);
    json_put_text(&w, "functionArn", versioned_arn(end));
    json_put_text(&w, "condition", end->condition);
    json_put_int(&w, "approximateInvokeCount", end->attempts);
    json_close(&w);
    put_payload(&w, "requestPayload", ending->event->payload);
    if (was_run(ending)) {
        json_key(&w, "responseContext");
        json_open(&w);
        json_put_int(&w, "statusCode", 200);
        json_put_text(&w, "executedVersion", end->function.version);
        if (end->failed)
            json_put_text(&w, "functionError", "Unhandled");
        json_close(&w);
        put_payload(&w, "responsePayload", ending->payload);
    }
    json_close(&w);
    const char *record = arena_strndup(ending->arena, buf_text(&text), text.len);
    buf_done(&text);
    return record;
}

/* --- where it goes ---------------------------------------------------------------------------- */

static int give_up(const struct end *end, const char *target, const char *code)
{
    log_event(LOG_WARN, "a record of an invocation was not delivered", "function",
              end->ending->event->function, "to", target, "code", code ? code : "-", NULL);
    return 0;
}

/* Calls by the execution role, in the target's Region. -1: the store failed. */
static int call(struct end *end, const struct arn *target, const char *service,
                const char *operation, json_t *input, const char *target_arn)
{
    const struct lambda_ending *ending = end->ending;
    struct role_call *role = &end->role;
    role->region = arena_strndup(ending->arena, target->region.data, target->region.len);
    enum local_result result = role_call(role, service, operation, input);
    json_decref(input);
    if (role->broken)
        return -1;
    if (result == LOCAL_OK && json_int_or(role->answer, "FailedEntryCount", 0) > 0) {
        result = LOCAL_FAILED;
        role->failure.code = "FailedEntry";
    }
    if (result == LOCAL_OK)
        json_decref(role->answer);
    role->answer = NULL;
    return result == LOCAL_OK ? 0 : give_up(end, target_arn, role->failure.code);
}

static int send_message(struct end *end, const struct arn *queue, const char *queue_arn,
                        struct text body, json_t *attributes)
{
    json_t *input = json_object();
    json_object_set_new(input, "QueueUrl",
                        json_sprintf("http://localhost/%.*s/%.*s", (int)queue->account.len,
                                     queue->account.data, (int)queue->resource.len,
                                     queue->resource.data));
    json_object_set_new(input, "MessageBody", json_stringn(body.data, body.len));
    if (attributes)
        json_object_set_new(input, "MessageAttributes", attributes);
    return call(end, queue, "sqs", "SendMessage", input, queue_arn);
}

static int put_event(struct end *end, const struct arn *bus, const char *bus_arn,
                     const char *record)
{
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "EventBusName", bus_arn, "Source",
                              "lambda", "DetailType",
                              end->failed ? "Lambda Function Invocation Result - Failure"
                                          : "Lambda Function Invocation Result - Success",
                              "Detail", record, "Resources", versioned_arn(end), bus_arn);
    return call(end, bus, "events", "PutEvents", json_pack("{s:[o]}", "Entries", entry), bus_arn);
}

static int invoke(struct end *end, const char *function_arn, const char *record)
{
    const struct lambda_ending *ending = end->ending;
    const struct lambda_event *event = ending->event;
    struct lambda_function next = {0};
    char id[RANDOM_UUID_SIZE];
    json_t *input = json_pack("{s:s}", "FunctionName", function_arn);
    enum local_result may = role_call_may(&end->role, "lambda", "Invoke", input, function_arn);
    json_decref(input);
    if (lambda_function_find(ending->local, ending->store, ending->arena, event->account,
                             event->region, function_arn, NULL, &next) != 0)
        return give_up(end, function_arn, "ResourceNotFoundException");
    random_uuid(ending->local->random, id);
    int result = may == LOCAL_OK ? lambda_async_queue(ending->local, ending->store, &next,
                                                      (struct text){record, strlen(record)}, id)
                                 : give_up(end, function_arn, "AccessDeniedException");
    lambda_function_done(&next);
    return result;
}

static int tell(struct end *end, const char *target)
{
    struct arn arn;
    if (!target)
        return 0;
    if (arn_parse(target, strlen(target), &arn) != 0)
        return give_up(end, target, "InvalidDestination");
    const char *record = write_record(end);
    if (text_is(arn.service, "sqs"))
        return send_message(end, &arn, target, (struct text){record, strlen(record)}, NULL);
    if (text_is(arn.service, "events"))
        return put_event(end, &arn, target, record);
    if (text_is(arn.service, "lambda"))
        return invoke(end, target, record);
    return give_up(end, target, "UnsupportedDestination");
}

/* --- the dead-letter queue -------------------------------------------------------------------- */

static json_t *attribute(const char *type, const char *value)
{
    return json_pack("{s:s, s:s}", "DataType", type, "StringValue", value);
}

/* What failed, as the function said it; of no more than a kilobyte. */
static char *error_message(const struct end *end)
{
    const struct lambda_ending *ending = end->ending;
    if (!was_run(ending)) /* (K) */
        return arena_strdup(ending->arena, "Rate Exceeded.");
    json_t *answer =
        json_loadb(ending->payload.data ? ending->payload.data : "", ending->payload.len, 0, NULL);
    const char *text = json_text_or(answer, "errorMessage", "Unhandled");
    size_t len = strlen(text);
    while (len > LONGEST_MESSAGE || (len < strlen(text) && (text[len] & 0xc0) == 0x80))
        len--; /* not inside a character */
    char *copy = arena_strndup(ending->arena, len ? text : "Unhandled", len ? len : 9);
    json_decref(answer);
    return copy;
}

static int bury(struct end *end)
{
    const char *queue = end->function.dead_letter_arn;
    struct arn arn;
    if (!queue)
        return 0;
    if (arn_parse(queue, strlen(queue), &arn) != 0 || !text_is(arn.service, "sqs"))
        return give_up(end, queue, "UnsupportedDestination");
    json_t *attributes = json_object();
    json_object_set_new(attributes, "RequestID",
                        attribute("String", end->ending->event->request_id));
    json_object_set_new(attributes, "ErrorCode",
                        attribute("Number", was_run(end->ending) ? "200" : "429"));
    json_object_set_new(attributes, "ErrorMessage", attribute("String", error_message(end)));
    return send_message(end, &arn, queue, end->ending->event->payload, attributes);
}

/* --- ends ------------------------------------------------------------------------------------- */

static int tell_all(struct end *end)
{
    const struct lambda_ending *ending = end->ending;
    const char *target = end->failed ? end->config.on_failure : end->config.on_success;
    bool letter = end->failed && end->function.dead_letter_arn;
    if (!target && !letter)
        return 0;
    if (role_session_open(ending->local, ending->store, ending->arena, end->function.role_arn,
                          "lambda.amazonaws.com", end->function.name, &end->session) != 0)
        return give_up(end, target ? target : end->function.dead_letter_arn, "AccessDenied");
    end->role = (struct role_call){.local = ending->local,
                                   .store = ending->store,
                                   .arena = ending->arena,
                                   .faults = ending->faults,
                                   .session = &end->session,
                                   .region = ending->event->region,
                                   .writing = true};
    int result = tell(end, target);
    if (result == 0 && letter)
        result = bury(end);
    role_session_done(&end->session);
    return result;
}

static int64_t conclude(struct end *end, const char *condition, bool failed)
{
    end->condition = condition;
    end->failed = failed;
    lambda_queue_remove(end->ending->store, end->ending->event->seq);
    return tell_all(end) != 0 || store_failed(end->ending->store) ? -1 : 0;
}

static int64_t end_of(struct end *end)
{
    const struct lambda_ending *ending = end->ending;
    if (ending->result == LAMBDA_TOO_OLD)
        return conclude(end, "EventAgeExceeded", true);
    if (ending->result == LAMBDA_SHUT) /* which condition AWS tells is not known (K) */
        return conclude(end, "RetriesExhausted", true);
    end->attempts++;
    if (ending->result == LAMBDA_SUCCEEDED)
        return conclude(end, "Success", false);
    if (end->attempts > end->config.retries)
        return conclude(end, "RetriesExhausted", true);
    int64_t due_ms = now_ms(ending) + (end->attempts == 1 ? FIRST_PAUSE_MS : SECOND_PAUSE_MS);
    lambda_queue_later(ending->store, ending->event->seq, end->attempts, due_ms);
    return store_failed(ending->store) ? -1 : due_ms;
}

int64_t lambda_end(const struct lambda_ending *ending)
{
    struct end end = {0};
    if (ending->result != LAMBDA_GONE && find(&end, ending) == 0) {
        int64_t due_ms = end_of(&end);
        lambda_function_done(&end.function);
        return due_ms;
    }
    log_event(LOG_WARN, "an event was dropped: its function is gone", "function",
              ending->event->function, NULL);
    lambda_queue_remove(ending->store, ending->event->seq);
    return store_failed(ending->store) ? -1 : 0;
}
