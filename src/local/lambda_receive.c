#include "local/lambda_poll_parts.h"

#include "base/json.h"
#include "local/lambda_batch.h"

#include <stdlib.h>
#include <string.h>

enum { RECEIVE_MOST = 10, DEFAULT_VISIBILITY_S = 30, LOOK_S = 20 };

const char poll_no_queue[] = "the queue does not exist";
const char poll_denied[] = "the role may not read the queue";

static json_t *question(const struct poller *poller, size_t most, int wait_s)
{
    return json_pack("{s:s, s:i, s:i, s:[s], s:[s]}", "QueueUrl", poller->source.queue_url,
                     "MaxNumberOfMessages", (int)most, "WaitTimeSeconds", wait_s,
                     "MessageSystemAttributeNames", "All", "MessageAttributeNames", "All");
}

static struct role_call caller(struct poller *poller, struct store_session *store,
                               struct arena *arena, const struct role_session *session)
{
    return (struct role_call){.local = poller->polls->local,
                              .store = store,
                              .arena = arena,
                              .faults = poller->polls->faults,
                              .session = session,
                              .region = poller->source.region};
}

static const char *trouble_of(const struct role_call *call)
{
    const char *code = call->failure.code ? call->failure.code : "";
    return strcmp(code, "QueueDoesNotExist") == 0 ? poll_no_queue
           : strstr(code, "Denied")               ? poll_denied
                                                  : "the queue cannot be read";
}

enum local_result poll_look(struct poller *poller, struct store_session *reader,
                            struct local_wait *wait, const char **trouble)
{
    struct arena scratch;
    arena_init(&scratch);
    struct role_call call = caller(poller, reader, &scratch, &poller->session);
    json_t *input = question(poller, 1, LOOK_S);
    enum local_result result = role_call(&call, "sqs", "ReceiveMessage", input);
    json_decref(input);
    json_decref(call.answer);
    *wait = call.wait;
    *trouble = result == LOCAL_FAILED ? trouble_of(&call) : NULL;
    arena_done(&scratch);
    return result;
}

/* --- on the writer's thread ------------------------------------------------------------------- */

static int64_t visibility_s(struct role_call *call, const struct poller *poller)
{
    json_t *input = json_pack("{s:s, s:[s]}", "QueueUrl", poller->source.queue_url,
                              "AttributeNames", "VisibilityTimeout");
    int64_t seconds = DEFAULT_VISIBILITY_S;
    if (role_call(call, "sqs", "GetQueueAttributes", input) == LOCAL_OK) {
        const char *text =
            json_text(json_object_get(call->answer, "Attributes"), "VisibilityTimeout");
        if (text)
            text_to_int64(text, strlen(text), &seconds);
        json_decref(call->answer);
    }
    json_decref(input);
    return seconds;
}

/* What no filter wants is deleted, as if it had been worked off. */
static void drop(struct role_call *call, const struct poller *poller, json_t *entries)
{
    json_t *input =
        json_pack("{s:s, s:O}", "QueueUrl", poller->source.queue_url, "Entries", entries);
    if (json_array_size(entries) && role_call(call, "sqs", "DeleteMessageBatch", input) == LOCAL_OK)
        json_decref(call->answer);
    json_decref(input);
}

static void sort_out(struct role_call *call, struct poller *poller, const json_t *messages)
{
    struct receive *receive = &poller->receive;
    json_t *unwanted = json_array();
    for (size_t i = 0; i < json_array_size(messages); i++) {
        json_t *record = lambda_batch_record(json_array_get(messages, i), poller->source.queue_arn,
                                             poller->source.region);
        if (lambda_batch_wants(call->arena, poller->filters, poller->filter_count, record))
            json_array_append(receive->records, record);
        else
            json_array_append_new(unwanted, json_pack("{s:o, s:O}", "Id", json_sprintf("%zu", i),
                                                      "ReceiptHandle",
                                                      json_object_get(record, "receiptHandle")));
        json_decref(record);
    }
    drop(call, poller, unwanted);
    json_decref(unwanted);
}

/* False: there is no more. */
static bool receive_some(struct role_call *call, struct poller *poller)
{
    struct receive *receive = &poller->receive;
    size_t left = receive->want - receive->came;
    json_t *input = question(poller, left < RECEIVE_MOST ? left : RECEIVE_MOST, 0);
    enum local_result result = role_call(call, "sqs", "ReceiveMessage", input);
    json_decref(input);
    if (result == LOCAL_FAILED)
        receive->trouble = trouble_of(call);
    if (result != LOCAL_OK)
        return false;
    json_t *answer = call->answer;
    const json_t *messages = json_object_get(answer, "Messages");
    size_t came = json_array_size(messages);
    receive->came += came;
    sort_out(call, poller, messages);
    json_decref(answer);
    /* One look a batch: a FIFO queue's groups keep their order in it. */
    return came > 0 && receive->came < receive->want && !poller->fifo && !call->broken;
}

static bool run_receive(struct writer_job *job, struct store_session *store, uint64_t version)
{
    struct receive *receive = (struct receive *)job;
    struct poller *poller = receive->poller;
    struct local *local = poller->polls->local;
    struct role_session session;
    struct arena scratch;
    (void)version;
    json_array_clear(receive->records);
    receive->came = 0;
    receive->trouble = NULL;
    receive->broken = false;
    arena_init(&scratch);
    if (role_session_open(local, store, &scratch, poller->source.role_arn, "lambda.amazonaws.com",
                          poller->source.function_name, &session) == 0) {
        struct role_call call = caller(poller, store, &scratch, &session);
        call.writing = true;
        while (receive_some(&call, poller))
            ;
        if (receive->came)
            receive->visible_ms = polls_now_ms(poller->polls) + visibility_s(&call, poller) * 1000;
        receive->broken = call.broken;
        role_session_done(&session);
    } else {
        receive->trouble = "the role cannot be assumed";
    }
    arena_done(&scratch);
    return !receive->broken;
}

static void received(struct writer_job *job, enum writer_outcome outcome)
{
    struct receive *receive = (struct receive *)job;
    struct lambda_polls *polls = receive->poller->polls;
    if (outcome == WRITER_FAILED || receive->broken) {
        json_array_clear(receive->records);
        receive->trouble = "the store failed";
    }
    atomic_store(&receive->finished, true);
    polls->wake(polls->arg);
}

void poll_receive(struct poller *poller, size_t want)
{
    struct receive *receive = &poller->receive;
    receive->job = (struct writer_job){.run = run_receive, .done = received};
    receive->poller = poller;
    receive->want = want;
    receive->active = true;
    if (!receive->records)
        receive->records = json_array();
    atomic_store(&receive->finished, false);
    writer_submit(poller->polls->writer, &receive->job);
}
