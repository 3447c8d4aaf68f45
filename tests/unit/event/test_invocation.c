/* What a payload becomes. The reconciler and the custom resource are replaced at the linker
 * (--wrap): they have tests of their own. */
#include "event/invocation.h"

#include "base/log.h"
#include "environment.h"
#include "event_files.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

#define NOW_MS 1772356530000

/* --- what stands in the engine's place -------------------------------------------------------- */

static struct {
    unsigned opened, closed, looks, passes;
    bool dry_run;
    unsigned workers;
    int64_t left_ms;        /* of the stop, at the last call */
    const char *regions[4]; /* destinations of those that were opened */
    enum hint_outcome outcome;
    const char *failing;   /* this name gets the outcome, others are applied; NULL: all get it */
    struct hint hints[64]; /* of the last look */
    size_t hint_count;
    int result;         /* of a look or a pass */
    struct tally tally; /* of a pass */
} engine;

static char a_reconciler;
static struct stop *a_stop;

int __wrap_reconciler_open(const struct config_set *set, const struct reconcile_options *options,
                           struct reconciler **out, struct error *err);
int __wrap_reconciler_open(const struct config_set *set, const struct reconcile_options *options,
                           struct reconciler **out, struct error *err)
{
    (void)err;
    engine.regions[engine.opened++ % COUNT(engine.regions)] = set->items[0].destinations[0].region;
    engine.dry_run = options->dry_run;
    engine.workers = options->concurrency;
    a_stop = options->stop;
    *out = (struct reconciler *)&a_reconciler;
    return 0;
}

void __wrap_reconciler_close(struct reconciler *reconciler);
void __wrap_reconciler_close(struct reconciler *reconciler)
{
    engine.closed += reconciler != NULL;
}

int __wrap_reconcile_hints(struct reconciler *reconciler, struct arena *arena,
                           const struct hint *hints, size_t count, struct hint_result *results,
                           struct tally *sum, struct error *err);
int __wrap_reconcile_hints(struct reconciler *reconciler, struct arena *arena,
                           const struct hint *hints, size_t count, struct hint_result *results,
                           struct tally *sum, struct error *err)
{
    (void)arena;
    assert_ptr_equal(reconciler, &a_reconciler);
    assert_true(count > 0 && count <= COUNT(engine.hints));
    engine.looks++;
    engine.left_ms = stop_left_ms(a_stop);
    engine.hint_count = count;
    for (size_t i = 0; i < count; i++) {
        bool this_one = !engine.failing || strcmp(engine.failing, hints[i].name) == 0;
        engine.hints[i] = hints[i];
        results[i] = (struct hint_result){.outcome = this_one ? engine.outcome : HINT_APPLIED,
                                          .why = this_one ? "a reason" : NULL,
                                          .lag_ms = this_one ? -1 : 812,
                                          .writes = this_one ? 0 : 1};
        if (results[i].outcome == HINT_FAILED)
            error_set(&results[i].error, ERR_DENIED, "not authorized");
    }
    sum->calls = 6;
    sum->throttled = 1;
    return engine.result ? error_set(err, ERR_IO, "its file failed") : 0;
}

int __wrap_reconcile_all(struct reconciler *reconciler, struct tally *sum, struct error *err);
int __wrap_reconcile_all(struct reconciler *reconciler, struct tally *sum, struct error *err)
{
    assert_ptr_equal(reconciler, &a_reconciler);
    engine.passes++;
    engine.left_ms = stop_left_ms(a_stop);
    *sum = engine.tally;
    return engine.result ? error_set(err, ERR_DENIED, "the source cannot be listed") : 0;
}

/* --- one function ----------------------------------------------------------------------------- */

static struct arena arena;
static struct fake_clock the_clock;
static struct fake_transport transport;
static struct function function;
static struct buf answer;
static struct invocation invocation;
static struct error err;

static const char *const article[] = {"AWS_REGION=ap-south-1", "DEST_REGIONS=us-east-1",
                                      "PARAM_PATHS=/prod", NULL};

static int open_with(const char *const *variables)
{
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE01",
                                              "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=ap-south-1",
                                              "AWS_MAX_ATTEMPTS=1", NULL};
    environment_set(variables);
    const struct function_options options = {.get = environment_get,
                                             .transport = &transport.transport,
                                             .clock = &the_clock.clock,
                                             .environment = environment};
    return function_open(&function, &options, &err);
}

static int setup(void **state)
{
    (void)state;
    memset(&engine, 0, sizeof engine);
    engine.outcome = HINT_APPLIED;
    err = (struct error){0};
    arena_init(&arena);
    fake_clock_init(&the_clock, NOW_MS);
    fake_transport_init(&transport);
    buf_init(&answer, ANSWER_LIMIT);
    log_setup(LOG_NONE, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    function_close(&function);
    buf_done(&answer);
    fake_transport_done(&transport);
    arena_done(&arena);
    return 0;
}

static int run(const char *payload)
{
    buf_reset(&answer);
    err = (struct error){0};
    invocation = (struct invocation){.function = &function,
                                     .arena = &arena,
                                     .deadline_ms = NOW_MS + 60000,
                                     .answer = &answer};
    return invocation_run(&invocation, text_of(payload), &err);
}

static int run_file(const char *name)
{
    return run(event_file_text(&arena, name));
}

static json_int_t told(const char *member)
{
    json_t *object = json_read(buf_text(&answer), answer.len, NULL);
    assert_non_null(object);
    const json_t *value = json_object_get(object, member);
    json_int_t number =
        json_is_boolean(value) ? json_is_true(value) : json_int_or(object, member, -1);
    json_decref(object);
    return number;
}

static struct metric_values counted(void)
{
    struct metric_values values;
    metrics_snapshot(&function.metrics, &values);
    return values;
}

/* --- events ----------------------------------------------------------------------------------- */

static void test_an_event_is_looked_at(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    assert_int_equal(engine.opened, 0); /* nothing before there is something to do */
    engine.failing = "";
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_int_equal(engine.looks, 1);
    assert_int_equal(engine.hint_count, 1);
    assert_string_equal(engine.hints[0].name, "/prod/app/DB_HOST");
    assert_int_equal(told("applied"), 1);
    assert_int_equal(told("writes"), 1);
    assert_int_equal(told("calls"), 6);
    assert_int_equal(invocation.lag_count, 1);
    assert_int_equal(invocation.lags[0], 812);
    assert_int_equal(counted().items[METRIC_APPLIED], 1);
    assert_int_equal(counted().throttled, 1);
    assert_int_equal(run_file("ssm-parameter-change"), 0);
    assert_int_equal(engine.opened, 1); /* kept */
}

/* R15, R17: the delete that failed reaches nobody; the one that did not is only a hint. */
static void test_r15_failed_calls_never_reach_the_engine(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    assert_int_equal(run_file("ssm-delete-parameter-denied"), 0);
    assert_int_equal(run_file("ssm-put-parameter-denied"), 0);
    assert_int_equal(run_file("ssm-get-parameter"), 0);
    assert_int_equal(engine.looks, 0);
    assert_int_equal(counted().items[METRIC_IGNORED], 3);
    assert_int_equal(told("ignored"), 0);
}

/* The engine is told nothing but the name: whether it is gone is what it looks at. */
static void test_r17_a_delete_is_no_more_than_a_name(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    engine.outcome = HINT_EQUAL;
    assert_int_equal(run_file("ssm-delete-parameter"), 0);
    assert_string_equal(engine.hints[0].name, "/prod/app/DB_HOST");
    assert_int_equal(engine.hints[0].version, 0);
    assert_int_equal(told("equal"), 1);
}

/* R28: what was not done fails the invocation, with the names. */
static void test_r28_what_is_not_done_is_a_failure(void **state)
{
    (void)state;
    static const struct {
        enum hint_outcome outcome;
        const char *type, *says;
    } rows[] = {
        {HINT_FAILED, "Understudy.Failed", "failed /prod/app/A: not authorized"},
        {HINT_LATER, "Understudy.Later", "later /prod/app/A: a reason"},
        {HINT_BLOCKED, "Understudy.Blocked", "blocked /prod/app/A: a reason"},
    };
    assert_int_equal(open_with(article), 0);
    engine.failing = "/prod/app/A";
    for (size_t i = 0; i < COUNT(rows); i++) {
        engine.outcome = rows[i].outcome;
        assert_int_equal(run_file("ssm-delete-parameters"), -1);
        assert_string_equal(invocation.error_type, rows[i].type);
        assert_non_null(strstr(err.message, rows[i].says));
        assert_non_null(strstr(err.message, "1 of 3 items"));
        assert_null(strstr(err.message, "/prod/app/B"));
    }
    assert_int_equal(counted().oldest_ms, 1772356527000);
    assert_int_equal(run("{\"understudy\":\"reconcile\"}"), 0);
    assert_int_equal(counted().oldest_ms, 0); /* that one left nothing */
    engine.outcome = HINT_IGNORED;
    assert_int_equal(run_file("ssm-delete-parameters"), 0);
    assert_int_equal(counted().oldest_ms, 0);
    engine.result = -1;
    assert_int_equal(run_file("ssm-delete-parameters"), -1);
    assert_string_equal(invocation.error_type, "Understudy.Failed");
}

static void test_many_names_do_not_fill_the_message(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    engine.outcome = HINT_LATER;
    json_t *event = event_file(&arena, "ssm-delete-parameters");
    json_t *names = json_array();
    for (int i = 0; i < 50; i++)
        json_array_append_new(names, json_sprintf("/prod/%d", i));
    json_object_set_new(json_object_get(json_object_get(event, "detail"), "requestParameters"),
                        "names", names);
    char *text = json_dumps(event, 0);
    assert_int_equal(run(text), -1);
    assert_non_null(strstr(err.message, "52 of 52 items"));
    assert_non_null(strstr(err.message, "/prod/4: "));
    assert_null(strstr(err.message, "/prod/5: "));
    assert_non_null(strstr(err.message, "and more"));
    free(text);
    json_decref(event);
}

/* R33, and promise: an event that is not understood changes nothing and is no success. */
static void test_r33_payloads_that_are_not_understood(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"CANARY\"",
        "{}",
        "{\"CANARY\":1}",
        "{\"understudy\":\"CANARY\"}",
        "{\"understudy\":1}",
        "{\"understudy\":\"reconcile\",\"more\":1}",
        "{\"understudy\":\"canary\",\"more\":1}",
        "{\"understudy\":\"reconcile\",\"CANARY\":\"CANARY\"}",
        "{\"understudy\":\"reconcile\",\"destination_region\":\"eu-west-1\"}",
        "{\"Records\":[]}",
        "{\"Records\":[{\"eventSource\":\"aws:CANARY\"}]}",
        "{\"detail-type\":\"CANARY\",\"source\":\"CANARY\"}",
    };
    assert_int_equal(open_with(article), 0);
    for (size_t i = 0; i < COUNT(payloads); i++) {
        assert_int_equal(run(payloads[i]), -1);
        assert_string_equal(invocation.error_type, "Understudy.EventInvalid");
        assert_true(err.message[0]);
        assert_null(strstr(err.message, "CANARY"));
    }
    assert_int_equal(run_file("ssm-put-parameter-omitted"), -1);
    assert_int_equal(run_file("other-source"), -1);
    assert_int_equal(engine.looks + engine.passes, 0);
    assert_int_equal(counted().malformed, COUNT(payloads) + 2);
}

/* --- time ------------------------------------------------------------------------------------- */

static void test_work_ends_before_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_int_equal(engine.left_ms, 59000);
    invocation.deadline_ms = NOW_MS + 3000;
    buf_reset(&answer);
    assert_int_equal(invocation_run(&invocation,
                                    text_of(event_file_text(&arena, "ssm-put-parameter")), &err),
                     0);
    assert_int_equal(engine.left_ms, 2700);
    invocation.deadline_ms = NOW_MS - 5;
    buf_reset(&answer);
    assert_int_equal(invocation_run(&invocation,
                                    text_of(event_file_text(&arena, "ssm-put-parameter")), &err),
                     0);
    assert_true(engine.left_ms <= 1);
    invocation.deadline_ms = 0;
    buf_reset(&answer);
    assert_int_equal(invocation_run(&invocation,
                                    text_of(event_file_text(&arena, "ssm-put-parameter")), &err),
                     0);
    assert_true(engine.left_ms == INT64_MAX);
}

/* --- full passes ------------------------------------------------------------------------------ */

static void test_a_schedule_is_a_full_pass(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    engine.tally = (struct tally){
        .selected = 10, .equal = 8, .update = 2, .applied = 2, .missed = 2, .calls = 12};
    assert_int_equal(run("{\"understudy\":\"reconcile\"}"), 0);
    assert_int_equal(engine.passes, 1);
    assert_int_equal(told("finished"), 1);
    assert_int_equal(told("equal"), 8);
    assert_int_equal(told("applied"), 2);
    assert_int_equal(told("missed"), 2);
    assert_int_equal(counted().passes, 1);
    assert_int_equal(counted().missed, 2);
    assert_int_equal(counted().passes_failed, 0);
    assert_int_equal(run_file("scheduled"), 0);
    assert_int_equal(run_file("scheduler"), 0);
    assert_int_equal(engine.passes, 3);
    assert_int_equal(run("{\"detail-type\":\"Scheduled Event\",\"source\":\"aws.events\","
                         "\"account\":\"111122223333\",\"region\":\"eu-west-1\","
                         "\"detail\":{\"x\":1}}"),
                     -1);
    assert_int_equal(engine.passes, 3);
}

static void test_a_pass_that_is_stopped_goes_on_the_next_time(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    engine.tally = (struct tally){.selected = 10, .equal = 3, .left = 4, .stopped = true};
    assert_int_equal(run("{\"understudy\":\"reconcile\"}"), 0);
    assert_int_equal(told("finished"), 0);
    assert_int_equal(told("left"), 4);
    assert_int_equal(counted().passes, 0); /* it counts when it has ended */
    assert_int_equal(told("resumed"), 0);
    engine.tally = (struct tally){.selected = 10, .equal = 10, .resumed = true};
    assert_int_equal(run("{\"understudy\":\"reconcile\"}"), 0);
    assert_int_equal(told("resumed"), 1);
    assert_int_equal(counted().passes, 1);
}

static void test_r28_a_pass_that_failed_is_a_failure(void **state)
{
    (void)state;
    static const struct tally failed[] = {{.selected = 1, .failed = 1},
                                          {.selected = 1, .blocked = 1},
                                          {.unseen = 1},
                                          {.conflict = 1},
                                          {.failed_destinations = 1},
                                          {.nothing = 1},
                                          {.absent = 1},
                                          {.left = 1},
                                          {.failed_replications = 1},
                                          {.stopped = true, .failed = 1}};
    assert_int_equal(open_with(article), 0);
    for (size_t i = 0; i < COUNT(failed); i++) {
        engine.tally = failed[i];
        assert_int_equal(run("{\"understudy\":\"reconcile\"}"), -1);
        assert_non_null(invocation.error_type);
    }
    assert_int_equal(counted().passes_failed, COUNT(failed));
    engine.result = -1;
    engine.tally = (struct tally){0};
    assert_int_equal(run("{\"understudy\":\"reconcile\"}"), -1);
    assert_string_equal(err.message, "the source cannot be listed");
}

#define PARAMS(names, region, more)                                                                \
    "{\"Parameters\":" names ",\"path\":[],\"destination_region\":" region                         \
    ",\"destination_account\":\"\",\"cross_account_role_arn\":\"\",\"destination_kms_key_id\":"    \
    "\"\"" more "}"

static void test_a_payload_of_params_is_a_sync_of_just_that(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    assert_int_equal(run("{\"Parameters\":[\"a\"],\"path\":[],\"destination_region\":\"eu-west-1\","
                         "\"destination_account\":\"\",\"cross_account_role_arn\":\"\","
                         "\"destination_kms_key_id\":\"\"}"),
                     0);
    assert_int_equal(engine.passes, 1);
    assert_string_equal(engine.regions[0], "eu-west-1");
    assert_int_equal(engine.closed, 1);
    static const struct {
        const char *payload, *says;
    } wrong[] = {
        {"{\"destination_region\":\"eu-west-1\"}", "Parameters is missing"},
        {"{\"Parameters\":[\"a\"],\"path\":[]}", "destination_region is missing"},
        {"{\"path\":\"/a\"}", "Parameters is missing"},
        {PARAMS("\"a\"", "\"eu-west-1\"", ""), "Parameters must be a list"},
        {PARAMS("[\"a\",1]", "\"eu-west-1\"", ""), "Parameters must hold texts"},
        {PARAMS("[\"a\"]", "[\"eu-west-1\"]", ""), "destination_region must be a text"},
        {PARAMS("[\"a\"]", "\"\"", ""), "destination_region is empty"},
        {PARAMS("[]", "\"eu-west-1\"", ""), "neither Parameters nor path"},
        {PARAMS("[\"a\"]", "\"eu-west-1\"", ",\"more\":1"), "no member that is known"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(run(wrong[i].payload), -1);
        assert_string_equal(invocation.error_type, "Understudy.ConfigurationInvalid");
        if (!strstr(err.message, wrong[i].says))
            fail_msg("%s", err.message);
    }
    assert_int_equal(engine.passes, 1);
    assert_int_equal(counted().malformed, COUNT(wrong));
}

/* --- configuration ---------------------------------------------------------------------------- */

static void test_a_dry_run_is_said(void **state)
{
    (void)state;
    static const char *const dry[] = {"AWS_REGION=ap-south-1", "DEST_REGIONS=us-east-1",
                                      "PARAM_PATHS=/prod", "DRY_RUN=true", NULL};
    assert_int_equal(open_with(dry), 0);
    engine.tally = (struct tally){.selected = 3, .create = 2, .planned = 2};
    assert_int_equal(run("{\"understudy\":\"reconcile\"}"), 0);
    assert_true(engine.dry_run);
    assert_int_equal(told("dry_run"), 1);
    assert_int_equal(told("create"), 2);
}

/* Connections are a worker's own: few of them stay warm. */
static void test_workers_are_as_many_as_sides_can_be_asked_at_once(void **state)
{
    (void)state;
    static const char *const many[] = {
        "AWS_REGION=ap-south-1", "PARAM_PATHS=/prod",
        "DEST_REGIONS=us-east-1,us-east-2,us-west-1,us-west-2,eu-west-1,eu-west-2", NULL};
    assert_int_equal(open_with(article), 0);
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_int_equal(engine.workers, 4);
    function_close(&function);
    assert_int_equal(open_with(many), 0);
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_int_equal(engine.workers, 7);
}

static void test_r28_no_configuration_fails_what_needs_one(void **state)
{
    (void)state;
    static const char *const nothing[] = {"AWS_REGION=ap-south-1", NULL};
    assert_int_equal(open_with(nothing), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(run_file("ssm-put-parameter"), -1);
    assert_string_equal(invocation.error_type, "Understudy.ConfigurationInvalid");
    assert_non_null(strstr(err.message, "there is no configuration"));
    assert_int_equal(run("{\"RequestType\":\"Create\",\"ResponseURL\":\"https://s3/x\"}"), -1);
}

#define ANSWER(text) "{\"Parameters\":[{\"Name\":\"/conf\",\"Version\":1,\"Value\":\"" text "\"}]}"
#define CONF(region) ANSWER("{destinations: [{region: " region "}], parameters: {include: [x]}}")

static void test_the_configuration_parameter(void **state)
{
    (void)state;
    static const char *const variables[] = {"AWS_REGION=ap-south-1",
                                            "UNDERSTUDY_CONFIG_PARAMETER=/conf", NULL};
    assert_int_equal(open_with(variables), 0);
    fake_transport_answer(&transport, 200, NULL, CONF("us-east-1"));
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_string_equal(engine.regions[0], "us-east-1");
    const struct fake_request *asked = fake_transport_request(&transport, 0);
    assert_non_null(strstr(asked->body, "\"/conf\""));
    assert_non_null(strstr(asked->body, "\"WithDecryption\":true"));
    /* It is not asked for each event; when it is old, it is, and the same text changes nothing. */
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_int_equal(transport.count, 1);
    fake_clock_advance(&the_clock, CONFIG_MAX_AGE_MS);
    fake_transport_answer(&transport, 200, NULL, CONF("us-east-1"));
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    assert_int_equal(transport.count, 2);
    assert_int_equal(engine.opened, 1);
    /* Its own event has it read at once. */
    json_t *event = event_file(&arena, "ssm-put-parameter");
    json_object_set_new(json_object_get(json_object_get(event, "detail"), "requestParameters"),
                        "name", json_string("/conf"));
    char *own = json_dumps(event, 0);
    fake_transport_answer(&transport, 200, NULL, CONF("eu-west-1"));
    assert_int_equal(run(own), 0);
    assert_int_equal(engine.opened, 2);
    assert_int_equal(engine.closed, 1);
    assert_string_equal(engine.regions[1], "eu-west-1");
    /* A wrong one fails whatever comes until it is mended. */
    fake_transport_answer(&transport, 200, NULL, ANSWER("destination: []"));
    assert_int_equal(run(own), -1);
    assert_string_equal(invocation.error_type, "Understudy.ConfigurationInvalid");
    assert_non_null(strstr(err.message, "destination"));
    fake_transport_answer(&transport, 200, NULL, "{\"InvalidParameters\":[\"/conf\"]}");
    assert_int_equal(run_file("ssm-put-parameter"), -1);
    assert_string_equal(invocation.error_type, "Understudy.ConfigurationInvalid");
    assert_non_null(strstr(err.message, "/conf"));
    fake_transport_answer(&transport, 400, NULL, "{\"__type\":\"AccessDeniedException\"}");
    assert_int_equal(run_file("ssm-put-parameter"), -1);
    assert_string_equal(invocation.error_type, "Understudy.Failed");
    fake_transport_answer(&transport, 200, NULL, CONF("eu-west-1"));
    assert_int_equal(run_file("ssm-put-parameter"), 0);
    free(own);
    json_decref(event);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void add_record(json_t *records, const char *id, const char *file, const char *name,
                       const char *queue)
{
    char *body = NULL;
    if (file) {
        json_t *event = event_file(&arena, file);
        if (name)
            json_object_set_new(json_object_get(json_object_get(event, "detail"),
                                                "requestParameters"),
                                "name", json_string(name));
        body = json_dumps(event, 0);
        json_decref(event);
    }
    json_array_append_new(records,
                          json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "messageId", id, "eventSource",
                                    "aws:sqs", "body", body ? body : "not JSON CANARY",
                                    "eventSourceARN", queue, "attributes", "MessageGroupId",
                                    "of a standard queue, too"));
    free(body);
}

static int run_records(json_t *records)
{
    json_t *payload = json_pack("{s:o}", "Records", records);
    char *text = json_dumps(payload, 0);
    int result = run(text);
    free(text);
    json_decref(payload);
    return result;
}

#define STANDARD "arn:aws:sqs:eu-west-1:111122223333:changes"
#define FIFO     STANDARD ".fifo"

static json_t *three_records(const char *queue)
{
    json_t *records = json_array();
    add_record(records, "m1", "ssm-put-parameter", "/prod/a", queue);
    add_record(records, "m2", "ssm-put-parameter", "/prod/b", queue);
    add_record(records, "m3", "ssm-put-parameter", "/prod/c", queue);
    return records;
}

static void test_a_batch_is_one_look(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    assert_int_equal(run_records(three_records(STANDARD)), 0);
    assert_int_equal(engine.looks, 1);
    assert_int_equal(engine.hint_count, 3);
    assert_string_equal(buf_text(&answer), "{\"batchItemFailures\":[]}");
    json_t *records = json_array();
    add_record(records, "m1", "ssm-get-parameter", NULL, STANDARD);
    assert_int_equal(run_records(records), 0);
    assert_int_equal(engine.looks, 1);
    assert_string_equal(buf_text(&answer), "{\"batchItemFailures\":[]}");
}

static void test_r28_only_what_failed_goes_back(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    engine.outcome = HINT_FAILED;
    engine.failing = "/prod/b";
    assert_int_equal(run_records(three_records(STANDARD)), 0);
    assert_string_equal(buf_text(&answer), "{\"batchItemFailures\":[{\"itemIdentifier\":\"m2\"}]}");
    engine.outcome = HINT_LATER;
    engine.failing = NULL;
    assert_int_equal(run_records(three_records(STANDARD)), 0);
    assert_string_equal(buf_text(&answer),
                        "{\"batchItemFailures\":[{\"itemIdentifier\":\"m1\"},{\"itemIdentifier\":"
                        "\"m2\"},{\"itemIdentifier\":\"m3\"}]}");
    engine.result = -1;
    assert_int_equal(run_records(three_records(STANDARD)), -1);
    assert_string_equal(invocation.error_type, "Understudy.Failed");
}

static void test_a_fifo_queue_keeps_its_order(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    engine.outcome = HINT_BLOCKED;
    engine.failing = "/prod/b";
    assert_int_equal(run_records(three_records(FIFO)), 0);
    assert_string_equal(buf_text(&answer), "{\"batchItemFailures\":[{\"itemIdentifier\":\"m2\"},{"
                                           "\"itemIdentifier\":\"m3\"}]}");
    json_t *records = json_array();
    add_record(records, "m1", "ssm-put-parameter", "/prod/a", FIFO);
    add_record(records, "m2", NULL, NULL, FIFO);
    add_record(records, "m3", "ssm-put-parameter", "/prod/c", FIFO);
    engine.failing = "";
    assert_int_equal(run_records(records), 0);
    assert_int_equal(engine.hint_count, 1); /* what is behind is not looked at */
    assert_string_equal(buf_text(&answer), "{\"batchItemFailures\":[{\"itemIdentifier\":\"m2\"},{"
                                           "\"itemIdentifier\":\"m3\"}]}");
}

static void test_r33_a_malformed_record_fails_alone(void **state)
{
    (void)state;
    assert_int_equal(open_with(article), 0);
    json_t *records = three_records(STANDARD);
    add_record(records, "bad", NULL, NULL, STANDARD);
    add_record(records, "m5", "other-source", NULL, STANDARD);
    json_array_append_new(records,
                          json_pack("{s:s, s:s}", "messageId", "m6", "eventSource", "aws:sqs"));
    json_array_append_new(records, json_pack("{s:s, s:s, s:s}", "messageId", "m7", "eventSource",
                                             "aws:s3", "body", "{}"));
    engine.failing = "";
    assert_int_equal(run_records(records), 0);
    assert_string_equal(buf_text(&answer),
                        "{\"batchItemFailures\":[{\"itemIdentifier\":\"bad\"},{\"itemIdentifier\":"
                        "\"m5\"},{\"itemIdentifier\":\"m6\"},{\"itemIdentifier\":\"m7\"}]}");
    assert_int_equal(counted().malformed, 4);
    assert_int_equal(engine.hint_count, 3);
    /* Without its id it cannot be given back. */
    records = three_records(STANDARD);
    json_object_del(json_array_get(records, 1), "messageId");
    assert_int_equal(run_records(records), -1);
    assert_string_equal(invocation.error_type, "Understudy.EventInvalid");
    assert_non_null(strstr(err.message, "record 2"));
    assert_int_equal(engine.looks, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_is_looked_at),
        TEST(test_r15_failed_calls_never_reach_the_engine),
        TEST(test_r17_a_delete_is_no_more_than_a_name),
        TEST(test_r28_what_is_not_done_is_a_failure),
        TEST(test_many_names_do_not_fill_the_message),
        TEST(test_r33_payloads_that_are_not_understood),
        TEST(test_work_ends_before_the_deadline),
        TEST(test_a_schedule_is_a_full_pass),
        TEST(test_a_pass_that_is_stopped_goes_on_the_next_time),
        TEST(test_r28_a_pass_that_failed_is_a_failure),
        TEST(test_a_payload_of_params_is_a_sync_of_just_that),
        TEST(test_a_dry_run_is_said),
        TEST(test_workers_are_as_many_as_sides_can_be_asked_at_once),
        TEST(test_r28_no_configuration_fails_what_needs_one),
        TEST(test_the_configuration_parameter),
        TEST(test_a_batch_is_one_look),
        TEST(test_r28_only_what_failed_goes_back),
        TEST(test_a_fifo_queue_keeps_its_order),
        TEST(test_r33_a_malformed_record_fails_alone),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
