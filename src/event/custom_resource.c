#include "event/custom_resource.h"

#include "aws/arn.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "event/custom_parts.h"
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>

enum {
    MARGIN_MS = 5000,        /* for the answer, before the function's end */
    LAST_MS = 300,           /* of it, for the function's own answer */
    NO_DEADLINE_MS = 840000, /* Lambda's longest, nearly */
};

static const struct custom_type *const types[] = {&custom_kms_replicas, NULL};

/* --- the request ------------------------------------------------------------------------------ */
static bool is_request(const json_t *event)
{
    return json_is_object(event) && json_object_get(event, "RequestType") &&
           json_object_get(event, "ResponseURL");
}

json_t *custom_resource_find(const json_t *event)
{
    if (is_request(event))
        return json_incref((json_t *)event);
    const json_t *record = json_array_get(json_object_get(event, "Records"), 0);
    const char *message = json_text(json_object_get(record, "Sns"), "Message");
    json_t *inner = message ? json_read(message, strlen(message), NULL) : NULL;
    if (is_request(inner))
        return inner;
    json_decref(inner);
    return NULL;
}

static const char *copy(struct arena *arena, struct text text)
{
    return arena_strndup(arena, text.data, text.len);
}

/* What is missing is named; what the answer must repeat is taken as far as it is there. */
static int read_request(struct arena *arena, const json_t *json, struct custom_request *out,
                        struct error *err)
{
    static const char *const actions[] = {"Create", "Update", "Delete"};
    const char *type = json_text_or(json, "RequestType", "");
    struct arn stack;
    *out = (struct custom_request){
        .url = json_text(json, "ResponseURL"),
        .request_id = json_text_or(json, "RequestId", ""),
        .stack_id = json_text_or(json, "StackId", ""),
        .logical_id = json_text_or(json, "LogicalResourceId", ""),
        .resource_type = json_text_or(json, "ResourceType", ""),
        .physical_id = json_text(json, "PhysicalResourceId"),
        .properties = json_object_get(json, "ResourceProperties"),
        .old = json_object_get(json, "OldResourceProperties"),
    };
    size_t action = 0;
    while (action < 3 && strcmp(actions[action], type) != 0)
        action++;
    if (action == 3)
        return error_set(err, ERR_INVALID, "RequestType is none of Create, Update and Delete");
    out->action = (enum custom_action)action;
    if (!*out->request_id || !*out->logical_id ||
        arn_parse(out->stack_id, strlen(out->stack_id), &stack) != 0)
        return error_set(err, ERR_INVALID,
                         "the request lacks RequestId, LogicalResourceId or a StackId");
    out->stack_region = copy(arena, stack.region);
    out->stack_account = copy(arena, stack.account);
    if (!json_is_object(out->properties))
        return error_set(err, ERR_INVALID, "the request has no ResourceProperties");
    if (action != CUSTOM_CREATE && !out->physical_id)
        return error_set(err, ERR_INVALID, "the request has no PhysicalResourceId");
    return 0;
}

/* --- the result ------------------------------------------------------------------------------- */
void custom_fail(struct custom_result *result, const char *reason)
{
    pthread_mutex_lock(&result->mutex);
    if (!result->failed)
        snprintf(result->reason, sizeof result->reason, "%s", reason);
    result->failed = true;
    pthread_mutex_unlock(&result->mutex);
}

void custom_set_id(struct custom_result *result, const char *id)
{
    pthread_mutex_lock(&result->mutex);
    snprintf(result->physical_id, sizeof result->physical_id, "%s", id);
    pthread_mutex_unlock(&result->mutex);
}

/* Until the type knows a better one: what CloudFormation has, or one that says that nothing was
 * made. A Delete with that id has nothing to do. */
static void first_id(const struct custom_request *request, struct custom_result *result)
{
    if (request->physical_id && *request->physical_id)
        custom_set_id(result, request->physical_id);
    else
        snprintf(result->physical_id, sizeof result->physical_id, "nothing-made/%.200s",
                 *request->request_id ? request->request_id : "unknown");
}

/* --- the work and its end --------------------------------------------------------------------- */
struct course {
    struct custom_work work;
    const struct custom_type *type;
    pthread_cond_t ended;
    bool over; /* under the result's mutex */
};

static void *run_type(void *arg)
{
    struct course *course = arg;
    course->type->run(&course->work);
    pthread_mutex_lock(&course->work.result->mutex);
    course->over = true;
    pthread_cond_signal(&course->ended);
    pthread_mutex_unlock(&course->work.result->mutex);
    return NULL;
}

static void time_is_over(struct custom_result *result)
{
    size_t open = 0;
    for (size_t i = 0; i < result->row_count; i++)
        open += !result->rows[i].done;
    result->failed = true;
    snprintf(result->reason, sizeof result->reason,
             "the function's time was over before all was done%s: give it a longer timeout; what "
             "was begun is gone on with. ",
             open ? " (see the Regions that wait)" : "");
    for (size_t i = 0; i < result->row_count; i++)
        if (!result->rows[i].done) {
            result->rows[i].failed = true;
            snprintf(result->rows[i].text, sizeof result->rows[i].text, "not done yet");
        }
}

static bool wait_for_end(struct course *course, struct clock *clock, int64_t due_ms)
{
    struct custom_result *result = course->work.result;
    pthread_mutex_lock(&result->mutex);
    for (;;) {
        int64_t left_ms = due_ms - clock->monotonic_ms(clock);
        if (course->over || left_ms <= 0)
            break;
        struct timespec until = thread_deadline(left_ms);
        pthread_cond_timedwait(&course->ended, &result->mutex, &until);
    }
    bool over = course->over;
    if (!over)
        time_is_over(result);
    pthread_mutex_unlock(&result->mutex);
    return over;
}

static int open_session(struct course *course, const struct custom_request *request,
                        const struct custom_resource_options *options, struct transport *transport,
                        struct error *err)
{
    const struct session_options session = {
        .region = request->stack_region,
        .transport = transport,
        .random = options->random,
        .environment = options->environment,
        .stop = course->work.stop,
    };
    course->work.session = session_new(&session, err);
    return course->work.session ? 0 : -1;
}

/* The answer is made while the thread may still be at work: of a copy, under the lock. */
static void write_answer(const struct custom_request *request, struct custom_result *result,
                         struct buf *body)
{
    pthread_mutex_lock(&result->mutex);
    custom_answer_write(request, result, body);
    pthread_mutex_unlock(&result->mutex);
}

struct times {
    struct clock *clock;
    int64_t due_ms, last_ms; /* monotonic: the work's end, the answer's */
};

static struct times times_of(const struct custom_resource_options *options)
{
    struct clock *clock = options->clock ? options->clock : clock_system();
    int64_t left_ms =
        options->deadline_ms ? options->deadline_ms - clock->now_ms(clock) : NO_DEADLINE_MS;
    int64_t margin_ms = left_ms > 2 * MARGIN_MS ? MARGIN_MS : left_ms / 2;
    int64_t now_ms = clock->monotonic_ms(clock);
    return (struct times){clock, now_ms + left_ms - margin_ms, now_ms + left_ms - LAST_MS};
}

static int work_and_answer(struct arena *arena, struct course *course,
                           const struct custom_request *request, struct transport *transport,
                           const struct times *times, struct buf *body, struct error *err)
{
    pthread_t thread;
    struct error problem = {0};
    bool running = thread_start(&thread, "custom work", run_type, course, &problem) == 0;
    if (!running)
        custom_fail(course->work.result, problem.message);
    else
        wait_for_end(course, times->clock, times->due_ms);
    write_answer(request, course->work.result, body);
    int result =
        custom_answer_send(arena, transport, times->clock, request->url, body, times->last_ms, err);
    if (running) {
        stop_ask(course->work.stop);
        pthread_join(thread, NULL);
    }
    return result;
}

static const struct custom_type *type_of(const struct custom_request *request)
{
    for (size_t i = 0; types[i]; i++)
        if (types[i]->takes(request))
            return types[i];
    return NULL;
}

static void say(const struct custom_request *request, const struct custom_result *result, int sent)
{
    static const char *const actions[] = {"Create", "Update", "Delete"};
    log_event(result->failed || sent != 0 ? LOG_ERROR : LOG_INFO, "custom resource", "action",
              actions[request->action], "stack", request->stack_id, "resource", request->logical_id,
              "request", request->request_id, "id", result->physical_id, "status",
              result->failed ? "FAILED" : "SUCCESS", "answer", sent == 0 ? "taken" : "not taken",
              NULL);
}

/* What cannot be worked on is answered all the same. */
static int run_request(struct arena *arena, struct course *course,
                       const struct custom_request *request,
                       const struct custom_resource_options *options, struct transport *transport,
                       const struct times *times, const struct error *problem, struct error *err)
{
    struct custom_result *result = course->work.result;
    struct error own = *problem;
    struct buf body;
    bool late = custom_answer_expired(arena, request->url, times->clock->now_ms(times->clock));
    int sent;
    buf_init(&body, 64 * 1024);
    course->type = type_of(request);
    if (!own.code && late)
        error_set(&own, ERR_INVALID,
                  "the request came when its answer's URL had expired: nothing "
                  "was done");
    if (!own.code && !course->type)
        error_set(&own, ERR_UNSUPPORTED,
                  "no custom resource has these properties: KMSKeyID and ReplicationRegions make "
                  "replicas of a KMS key");
    if (!own.code)
        open_session(course, request, options, transport, &own);
    if (own.code) {
        custom_fail(result, own.message);
        /* What was never made is gone: a Delete must not hold the stack. */
        if (request->action == CUSTOM_DELETE && own.code == ERR_UNSUPPORTED)
            result->failed = false;
        write_answer(request, result, &body);
        sent = custom_answer_send(arena, transport, times->clock, request->url, &body,
                                  times->last_ms, err);
        sent = late ? 0 : sent; /* sent again it would come even later */
    } else {
        sent = work_and_answer(arena, course, request, transport, times, &body, err);
    }
    say(request, result, sent);
    buf_done(&body);
    return sent;
}

int custom_resource_handle(struct arena *arena, const json_t *json,
                           const struct custom_resource_options *options, struct error *err)
{
    struct custom_request request;
    struct error problem = {0};
    struct times times = times_of(options);
    struct transport *own = NULL;
    read_request(arena, json, &request, &problem);
    if (!request.url)
        return error_set(err, ERR_INVALID,
                         "the request has no ResponseURL: nobody can be answered");
    if (!options->transport && !(own = http_client_new(&(struct http_client_options){0}, err)))
        return -1;
    struct stop stop;
    stop_init(&stop, times.clock);
    int64_t left_ms = times.due_ms - times.clock->monotonic_ms(times.clock);
    stop_due_in(&stop, left_ms > 1 ? left_ms : 1);
    struct custom_result *result = memory_alloc(sizeof *result);
    struct course course = {.work = {&request, options, NULL, &stop, {0}, result}};
    pthread_mutex_init(&result->mutex, NULL);
    thread_condition_init(&course.ended);
    arena_init(&course.work.arena);
    first_id(&request, result);
    int sent = run_request(arena, &course, &request, options,
                           options->transport ? options->transport : own, &times, &problem, err);
    arena_done(&course.work.arena);
    session_free(course.work.session);
    pthread_cond_destroy(&course.ended);
    pthread_mutex_destroy(&result->mutex);
    free(result);
    http_client_free(own);
    return sent;
}
