#include "local/pipeline_parts.h"

#include "aws/region.h"
#include "base/log.h"
#include "local/answer.h"
#include "local/authenticate.h"
#include "local/authorize.h"
#include "local/faults.h"
#include "local/key_use.h"
#include "local/quotas.h"
#include "local/rest.h"
#include "local/route.h"
#include "local/trail.h"
#include "local/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_ANSWER = 16 * 1024 * 1024 };

struct pipeline_loop *pipeline_loop_new(struct pipeline *pipeline, struct error *err)
{
    struct pipeline_loop *loop = memory_alloc(sizeof *loop);
    loop->pipeline = pipeline;
    loop->authenticator = authenticator_new(pipeline->local);
    loop->reader = store_reader(pipeline->local->store, err);
    if (loop->reader)
        return loop;
    pipeline_loop_free(loop);
    return NULL;
}

static void free_requests(struct request *list)
{
    for (struct request *next; list; list = next) {
        next = list->next;
        arena_done(&list->arena);
        buf_done(&list->xml_source);
        free(list);
    }
}

void pipeline_loop_free(struct pipeline_loop *loop)
{
    if (!loop)
        return;
    pipeline_round_end(loop);
    free_requests(loop->spare);
    free_requests(atomic_exchange(&loop->returned, NULL));
    free_requests(atomic_exchange(&loop->to_wait, NULL));
    authenticator_free(loop->authenticator);
    store_session_close(loop->reader);
    free(loop);
}

/* --- the loop's snapshot of the store ------------------------------------------------------- */

/* One transaction serves a whole round, unless something was committed since it began: whoever was
 * told of a write sees it in the next read, whichever connection that comes by. */
static int open_snapshot(struct pipeline_loop *loop)
{
    uint64_t commits = writer_commits(loop->pipeline->writer);
    if (loop->reading && loop->commits == commits)
        return 0;
    pipeline_round_end(loop);
    loop->commits = commits;
    loop->version = atomic_load(&loop->pipeline->local->version);
    loop->reading = true;
    return store_begin_read(loop->reader);
}

void pipeline_round_end(struct pipeline_loop *loop)
{
    if (loop->reading)
        store_end_read(loop->reader);
    loop->reading = false;
}

/* --- requests --------------------------------------------------------------------------------- */

static struct request *request_new(struct pipeline_loop *loop, struct http_exchange *exchange)
{
    if (!loop->spare)
        loop->spare = atomic_exchange(&loop->returned, NULL);
    struct request *request = loop->spare;
    if (request) {
        loop->spare = request->next;
    } else {
        request = memory_alloc(sizeof *request);
        arena_init(&request->arena);
        buf_init(&request->xml_source, LARGEST_ANSWER);
    }
    request->loop = loop;
    request->exchange = exchange;
    random_uuid(loop->pipeline->local->random, request->id);
    return request;
}

/* Ready for the next use; what it held is wiped. */
static void request_clean(struct request *request)
{
    struct local_wait *wait = &request->call.wait;
    if (wait->kept)
        wait->let_go(wait->kept);
    json_decref(request->route.input);
    caller_unref(request->caller);
    request->caller = NULL;
    request->fault = NULL;
    request->route = (struct route){0};
    request->call = (struct local_call){0};
    request->typed = request->alone = request->waits = false;
    request->wait_end_ms = 0;
    request->query_error = NULL;
    request->rest_error = NULL;
    buf_reset(&request->xml_source);
    arena_reset(&request->arena);
}

static void answer_with_failure(struct request *request, const struct local_failure *failure)
{
    const struct route *route = &request->route;
    if (route->protocol == AWS_REST_JSON) {
        request->rest_error = failure->code;
        request->status = rest_failure(http_exchange_body(request->exchange), route->service,
                                       failure, request->call.reason);
        return;
    }
    struct local_failure told = answer_in_protocol(&request->arena, route->service, route->protocol,
                                                   failure, &request->query_error);
    request->status = answer_failure(http_exchange_body(request->exchange), route->protocol,
                                     route->xml_namespace, &told, request->id);
}

/* --- rehearsed faults ------------------------------------------------------------------------ */

static struct local_failure failure_of_fault(const struct request *request)
{
    const struct fault *fault = request->fault;
    const struct local_service *service = request->route.service;
    if (fault->effect == FAULT_THROTTLE)
        return answer_throttled(service);
    bool internal = fault->code && strcmp(fault->code, service->internal_error) == 0;
    return (struct local_failure){fault->status ? fault->status : 400,
                                  fault->code ? fault->code : "ServiceUnavailable", fault->message,
                                  internal ? service->internal_message_key : NULL};
}

/* What becomes of an answer that is ready, and its content type. */
static const char *befall(struct request *request)
{
    const struct fault *fault = request->fault;
    const char *type = answer_content_type(request->route.protocol);
    if (!fault)
        return type;
    if (fault->effect == FAULT_UNAVAILABLE) { /* what AWS's front ends send (K) */
        struct buf *body = http_exchange_body(request->exchange);
        buf_reset(body);
        buf_append_text(body, "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>");
        request->status = 503;
        type = "text/html";
    } else if (fault->after && request->status < 300 &&
               (fault->effect == FAULT_ERROR || fault->effect == FAULT_THROTTLE)) {
        struct local_failure failure = failure_of_fault(request);
        answer_with_failure(request, &failure);
    }
    http_exchange_befall(request->exchange,
                         &(struct http_mishap){.hold_ms = fault->latency_ms,
                                               .cut = fault->effect == FAULT_CUT,
                                               .reset = fault->effect == FAULT_RESET});
    return type;
}

/* The answer is in the exchange's body: put its head together. */
static int finish_head(struct request *request)
{
    const char *type = befall(request);
    http_exchange_header(request->exchange, "x-amzn-RequestId", request->id);
    http_exchange_header(request->exchange, "Content-Type", type);
    if (request->query_error)
        http_exchange_header(request->exchange, "x-amzn-query-error", request->query_error);
    if (request->rest_error)
        http_exchange_header(request->exchange, "x-amzn-ErrorType", request->rest_error);
    return request->status;
}

/* --- the steps -------------------------------------------------------------------------------- */

static int step_route(struct request *request, const struct http_incoming *in,
                      struct signed_request *signed_request, struct local_failure *failure)
{
    authenticate_parse(&request->arena, in, signed_request);
    return route_find(&request->arena, request->loop->pipeline->services, in, signed_request,
                      &request->route, failure);
}

/* Good for a URL, or nothing. */
static struct text host_of(const struct http_incoming *in)
{
    struct text host = http_incoming_field(in, "host");
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.data[i]) && !strchr(".-_:[]", host.data[i]))
            return (struct text){"localhost", strlen("localhost")};
    return host;
}

static int step_authenticate(struct request *request, const struct http_incoming *in,
                             struct signed_request *signed_request, struct local_failure *failure)
{
    struct pipeline_loop *loop = request->loop;
    const struct route *route = &request->route;
    struct authenticated who;
    enum authenticate_problem problem =
        authenticate_request(loop->authenticator, loop->reader, loop->version, &request->arena,
                             signed_request, route->service, route->operation, &who);
    if (problem != AUTHENTICATE_OK) {
        *failure = answer_refused(route->protocol, problem, who.message);
        return -1;
    }
    request->caller = who.caller;
    const struct principal *principal = caller_principal(who.caller);
    struct clock *clock = loop->pipeline->local->clock;
    if (who.note_use)
        key_use_note(loop->pipeline->writer,
                     &(struct key_use){principal->access_key, route->service->name, who.region,
                                       clock->now_ms(clock)});
    request->call = (struct local_call){
        .arena = &request->arena,
        .local = loop->pipeline->local,
        .store = loop->reader,
        .caller = principal,
        .partition = partition_of(who.region)->name,
        .region = who.region,
        .account = principal->account,
        .service = route->service,
        .operation = route->operation,
        .request_id = request->id,
        .source_ip = in->peer,
        .host = host_of(in),
        .input = route->input,
        .payload = route->payload,
        .out = &request->out,
        .version = loop->version,
    };
    return 0;
}

/* A fault that comes in place of the work. */
static int step_fault(struct request *request, struct local_failure *failure)
{
    const struct local_call *call = &request->call;
    const struct fault_call asked = {call->service->name, call->operation->name, call->region,
                                     call->account};
    request->fault = faults_next(request->loop->pipeline->faults, &request->arena, &asked);
    const struct fault *fault = request->fault;
    if (!fault || fault->effect == FAULT_NONE || fault->after)
        return 0;
    *failure = failure_of_fault(request);
    return -1;
}

/* Before the input is looked at: a call that is refused for it has been made, too (strict). */
static int step_quota(struct request *request, struct local_failure *failure)
{
    if (quotas_take(&request->call))
        return 0;
    *failure = answer_throttled(request->call.service);
    return -1;
}

static int step_check_input(struct request *request, struct local_failure *failure)
{
    const struct route *route = &request->route;
    const struct local_member *members = route->operation->input;
    bool query = route->protocol == AWS_QUERY;
    const char *message;
    if (validate_types(&request->arena, members, route->input, query, &message) != 0) {
        *failure = query
                       ? (struct local_failure){400, "MalformedInput", message, NULL}
                       : (struct local_failure){400, "SerializationException", message, "Message"};
        return -1;
    }
    request->typed = true;
    message = validate_constraints(&request->arena, members, route->input);
    if (message) {
        const char *code = route->service->invalid_code;
        *failure = (struct local_failure){400,
                                          code    ? code
                                          : query ? "ValidationError"
                                                  : "ValidationException",
                                          message, "message"};
        return -1;
    }
    return 0;
}

/* Where the handler writes: what is not answered as it is has a place of its own. */
static struct buf *answer_source(struct request *request)
{
    enum aws_protocol protocol = request->route.protocol;
    return protocol == AWS_QUERY || protocol == AWS_REST_JSON
               ? &request->xml_source
               : http_exchange_body(request->exchange);
}

/* The HTTP status, 500 when it went wrong. */
static int write_out(struct request *request, const struct buf *out)
{
    const struct local_call *call = &request->call;
    struct buf *body = http_exchange_body(request->exchange);
    int status = 200;
    if (out == body)
        return body->overflow ? 500 : status;
    buf_reset(body);
    if (request->route.protocol == AWS_QUERY)
        status = answer_xml(body, call->service, call->operation, out, request->id) ? 500 : 200;
    else if (request->route.protocol == AWS_REST_JSON)
        status = rest_answer(request->route.rest, out, call->payload, request->exchange, body);
    return body->overflow ? 500 : status;
}

static enum local_result run_handler(struct request *request)
{
    struct local_call *call = &request->call;
    struct buf *out = answer_source(request);
    request->status = 500; /* until the answer is whole */
    buf_reset(out);
    json_writer_init(&request->out, out);
    json_open(&request->out);
    enum local_result result = call->operation->handle(call);
    if (result != LOCAL_OK || store_failed(call->store))
        return result;
    json_close(&request->out);
    request->status = write_out(request, out);
    return LOCAL_OK;
}

/* What the client is told of a handler that ran; `stored` says whether the store went along. */
static void conclude(struct request *request, enum local_result result, bool stored)
{
    if (!stored || (result == LOCAL_OK && request->status == 500)) {
        struct local_failure failure = answer_internal(request->call.service);
        answer_with_failure(request, &failure);
    } else if (result != LOCAL_OK) {
        answer_with_failure(request, &request->call.failure);
    }
}

static bool is_recorded(const struct request *request, const struct local_failure *failure)
{
    return request->typed && trail_wants(&request->call, failure);
}

/* --- on the writer ---------------------------------------------------------------------------- */

static void record_failure(struct writer_job *job, struct store_session *store)
{
    struct request *request = (struct request *)job;
    request->call.store = store;
    if (is_recorded(request, &request->call.failure))
        trail_record(&request->call, (struct text){"", 0}, &request->call.failure);
}

/* A call that was answered on the loop already: all that is left is its record. */
static bool run_record(struct writer_job *job, struct store_session *store, uint64_t version)
{
    struct request *request = (struct request *)job;
    const struct local_failure *failure =
        request->call.failure.code ? &request->call.failure : NULL;
    (void)version;
    request->call.store = store;
    trail_record(&request->call, (struct text){"", 0}, failure);
    return true;
}

static bool run_as_write(struct writer_job *job, struct store_session *store, uint64_t version)
{
    struct request *request = (struct request *)job;
    request->call.store = store;
    request->call.version = version;
    request->call.writing = true;
    enum local_result result = run_handler(request);
    bool good = result == LOCAL_OK && request->status < 300;
    request->waits = result == LOCAL_WAITS;
    if (request->waits)
        return true;
    if (good && is_recorded(request, NULL)) {
        const struct buf *answer = answer_source(request);
        trail_record(&request->call, (struct text){buf_text(answer), answer->len}, NULL);
    }
    request->job.undone = result == LOCAL_FAILED ? record_failure : NULL;
    conclude(request, result, result != LOCAL_AS_WRITE);
    return good;
}

static void push(_Atomic(struct request *) *list, struct request *request)
{
    request->next = atomic_load(list);
    while (!atomic_compare_exchange_weak(list, &request->next, request))
        ;
}

static void written(struct writer_job *job, enum writer_outcome outcome)
{
    struct request *request = (struct request *)job;
    struct pipeline_loop *loop = request->loop;
    if (outcome == WRITER_FAILED) {
        request->waits = false;
        conclude(request, LOCAL_FAILED, false);
    }
    if (request->waits) { /* its loop is told when the group is */
        loop->pipeline->to_wait = true;
        push(&loop->to_wait, request);
        return;
    }
    struct http_exchange *exchange = request->exchange;
    int status = finish_head(request);
    request_clean(request);
    push(&loop->returned, request);
    http_exchange_queue(exchange, status);
}

static void submit(struct request *request,
                   bool (*run)(struct writer_job *, struct store_session *, uint64_t))
{
    const struct http_incoming *in = http_exchange_incoming(request->exchange);
    request->call.user_agent = http_incoming_field(in, "user-agent"); /* the trail's alone */
    http_exchange_defer(request->exchange);
    request->job = (struct writer_job){.run = run, .done = written};
    writer_submit(request->loop->pipeline->writer, &request->job);
}

/* --- on the loop ------------------------------------------------------------------------------ */

static void reply(struct request *request)
{
    struct pipeline_loop *loop = request->loop;
    struct http_exchange *exchange = request->exchange;
    int status = finish_head(request);
    bool alone = request->alone;
    request_clean(request);
    request->next = loop->spare;
    loop->spare = request;
    if (alone)
        http_exchange_queue(exchange, status);
    else
        http_exchange_reply(exchange, status);
}

static void reply_not_for_us(struct request *request)
{
    buf_append_text(http_exchange_body(request->exchange), "<UnknownOperationException/>\n");
    request->status = 404;
    request->route.protocol = AWS_QUERY; /* its content type */
    reply(request);
}

/* True when the request is to be handled; otherwise *failure is why not. */
static bool admit(struct request *request, struct local_failure *failure)
{
    const struct http_incoming *in = http_exchange_incoming(request->exchange);
    struct signed_request signed_request;
    if (step_route(request, in, &signed_request, failure) != 0 ||
        step_authenticate(request, in, &signed_request, failure) != 0 ||
        step_fault(request, failure) != 0 || step_quota(request, failure) != 0 ||
        step_check_input(request, failure) != 0)
        return false;
    if (authorize_operation(&request->call) == LOCAL_OK)
        return true;
    *failure = request->call.failure;
    return false;
}

static bool reader_failed(struct request *request)
{
    struct pipeline_loop *loop = request->loop;
    if (!store_failed(loop->reader))
        return false;
    log_event(LOG_ERROR, "a read failed", "cause", store_failure(loop->reader), "request_id",
              request->id, NULL);
    pipeline_round_end(loop); /* which clears the failure: the next request starts anew */
    return true;
}

static void refuse(struct request *request, const struct local_failure *failure)
{
    if (reader_failed(request) && request->route.service) {
        struct local_failure internal = answer_internal(request->route.service);
        answer_with_failure(request, &internal);
        reply(request);
        return;
    }
    answer_with_failure(request, failure);
    request->call.failure = *failure;
    if (is_recorded(request, failure))
        submit(request, run_record);
    else
        reply(request);
}

void pipeline_attempt(struct request *request)
{
    struct pipeline_loop *loop = request->loop;
    open_snapshot(loop);
    uint64_t commits = loop->commits;
    request->call.store = loop->reader;
    request->call.version = loop->version;
    request->call.writing = false;
    enum local_result result = run_handler(request);
    bool stored = !reader_failed(request);
    if (stored && result == LOCAL_AS_WRITE) {
        submit(request, run_as_write);
        return;
    }
    if (stored && result == LOCAL_WAITS) {
        pipeline_wait(request, commits);
        return;
    }
    conclude(request, result, stored);
    const struct local_failure *refused = result == LOCAL_FAILED ? &request->call.failure : NULL;
    if (stored && request->status != 500 && is_recorded(request, refused))
        submit(request, run_record);
    else
        reply(request);
}

void pipeline_drop(struct request *request)
{
    struct pipeline_loop *loop = request->loop;
    request_clean(request);
    request->next = loop->spare;
    loop->spare = request;
}

void pipeline_serve(struct pipeline_loop *loop, struct http_exchange *exchange)
{
    struct request *request = request_new(loop, exchange);
    struct local_failure failure = {0};
    open_snapshot(loop); /* a failure shows at the first query */
    if (!admit(request, &failure)) {
        if (request->route.not_for_us)
            reply_not_for_us(request);
        else
            refuse(request, &failure);
        return;
    }
    if (request->call.operation->flags & LOCAL_WRITES) {
        submit(request, run_as_write);
        return;
    }
    pipeline_attempt(request);
}
