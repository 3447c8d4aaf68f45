#include "event/lambda_runtime.h"

#include "base/json.h"
#include "net/http_client.h"
#include "support/scripted_server.h"
#include "support/test.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
#define NEXT_HEAD                                                                                  \
    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: " ID "\r\n"                                 \
    "lambda-runtime-deadline-ms: 1772356530123\r\n"                                                \
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:111122223333:function:f\r\n"    \
    "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\r\n"
#define NEXT     NEXT_HEAD "Content-Length: 14\r\n\r\n{\"an\":\"event\"}"
#define ACCEPTED "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

static struct arena arena;
static struct transport *transport;
static struct scripted_server *server;
static struct lambda_runtime runtime;
static struct error err;

static int setup(void **state)
{
    (void)state;
    const struct http_client_options options = {.no_proxy = true};
    arena_init(&arena);
    transport = http_client_new(&options, NULL);
    assert_non_null(transport);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_client_free(transport);
    scripted_server_free(server);
    server = NULL;
    arena_done(&arena);
    return 0;
}

static void play(const struct script_step *steps, size_t count)
{
    server = scripted_server_new(steps, count, NULL, NULL);
    const char *api = scripted_server_url(server) + strlen("http://");
    err = (struct error){0};
    assert_int_equal(lambda_runtime_init(&runtime, &arena, transport, api, &err), 0);
}

static void test_one_event_and_its_answer(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"),
        script_answer(NEXT),
        script_request("POST /2018-06-01/runtime/invocation/" ID "/response HTTP/1.1\r\n"),
        script_answer(ACCEPTED),
    };
    struct lambda_event event;
    play(steps, COUNT(steps));
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), 0);
    assert_string_equal(event.request_id, ID);
    assert_int_equal(event.deadline_ms, 1772356530123);
    assert_string_equal(event.function_arn, "arn:aws:lambda:eu-west-1:111122223333:function:f");
    assert_string_equal(event.trace_id, "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1");
    assert_true(text_is(event.payload, "{\"an\":\"event\"}"));
    assert_int_equal(lambda_runtime_answer(&runtime, &arena, event.request_id, "{}", 2, &err), 0);
    scripted_server_finish(server);
    assert_int_equal(scripted_server_connection_count(server), 1);
    assert_non_null(strstr(scripted_server_received(server, 1), "\r\n\r\n{}"));
}

static void test_errors_are_told_in_aws_s_form(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("POST /2018-06-01/runtime/invocation/" ID "/error HTTP/1.1\r\n"),
        script_answer(ACCEPTED),
        script_request("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"),
        script_answer(ACCEPTED),
    };
    play(steps, COUNT(steps));
    assert_int_equal(lambda_runtime_fail(&runtime, &arena, ID, "Understudy.Failed", "it \"failed\"",
                                         &err),
                     0);
    assert_int_equal(lambda_runtime_init_fail(&runtime, &arena, "Understudy.ConfigurationInvalid",
                                              "PARAM_PATHS is not set", &err),
                     0);
    scripted_server_finish(server);
    const char *sent = scripted_server_received(server, 0);
    assert_non_null(strstr(sent, "Lambda-Runtime-Function-Error-Type: Understudy.Failed\r\n"));
    const char *body = strstr(sent, "\r\n\r\n") + 4;
    json_t *object = json_read(body, strlen(body), NULL);
    assert_string_equal(json_text(object, "errorMessage"), "it \"failed\"");
    assert_string_equal(json_text(object, "errorType"), "Understudy.Failed");
    assert_true(json_is_array(json_object_get(object, "stackTrace")));
    json_decref(object);
    assert_non_null(strstr(scripted_server_received(server, 1), "PARAM_PATHS is not set"));
}

/* The environment was frozen between two events, and the connection did not survive. */
static void test_a_dead_connection_is_replaced_once(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET "),  script_answer(NEXT), script_request("POST "),
        script_answer(ACCEPTED), script_close(),      script_request("GET "),
        script_answer(NEXT),
    };
    struct lambda_event event;
    play(steps, COUNT(steps));
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), 0);
    assert_int_equal(lambda_runtime_answer(&runtime, &arena, ID, "{}", 2, &err), 0);
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), 0);
    assert_string_equal(event.request_id, ID);
    scripted_server_finish(server);
    assert_int_equal(scripted_server_connection_count(server), 2);
}

static void test_a_connection_that_breaks_while_waiting(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET "), script_answer(NEXT),    script_request("GET "),
        script_reset(),         script_request("GET "), script_answer(NEXT),
    };
    struct lambda_event event;
    play(steps, COUNT(steps));
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), 0);
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), 0);
    scripted_server_finish(server);
    assert_int_equal(scripted_server_request_count(server), 3);
}

static void test_it_is_given_up_after_two(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        script_request("GET "),
        script_reset(),
        script_request("GET "),
        script_reset(),
    };
    struct lambda_event event;
    play(steps, COUNT(steps));
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), -1);
    assert_non_null(strstr(err.message, "the Runtime API"));
    scripted_server_finish(server);
}

static int answer_with(const char *answer, bool as_error)
{
    const struct script_step steps[] = {script_request("POST "), script_answer(answer)};
    play(steps, COUNT(steps));
    int result = as_error ? lambda_runtime_fail(&runtime, &arena, ID, "A.B", "c", &err)
                          : lambda_runtime_answer(&runtime, &arena, ID, "{}", 2, &err);
    scripted_server_finish(server);
    scripted_server_free(server);
    server = NULL;
    return result;
}

static void test_what_the_runtime_api_says_to_an_answer(void **state)
{
    (void)state;
    assert_int_equal(answer_with("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", false),
                     0);
    assert_int_equal(answer_with("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false), 0);
    assert_int_equal(answer_with("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", false), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(answer_with("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", false), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(answer_with("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", true), -1);
    assert_int_equal(answer_with("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", true), 0);
}

static void refuse_next(const char *answer, const char *says)
{
    const struct script_step steps[] = {script_request("GET "), script_answer(answer)};
    struct lambda_event event;
    play(steps, COUNT(steps));
    assert_int_equal(lambda_runtime_next(&runtime, &arena, &event, &err), -1);
    assert_non_null(strstr(err.message, says));
    scripted_server_finish(server);
    scripted_server_free(server);
    server = NULL;
}

static void test_events_that_are_none(void **state)
{
    (void)state;
    refuse_next("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "500");
    refuse_next("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "request id");
    refuse_next("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ../x\r\nContent-Length: 0\r\n"
                "\r\n",
                "request id");
    refuse_next("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\n"
                "Lambda-Runtime-Deadline-Ms: soon\r\nContent-Length: 0\r\n\r\n",
                "deadline");
}

static void test_where_the_runtime_api_is(void **state)
{
    (void)state;
    assert_int_equal(lambda_runtime_init(&runtime, &arena, transport, NULL, &err), -1);
    assert_non_null(strstr(err.message, "AWS_LAMBDA_RUNTIME_API"));
    assert_int_equal(lambda_runtime_init(&runtime, &arena, transport, "", &err), -1);
    assert_int_equal(lambda_runtime_init(&runtime, &arena, transport, "a/b", &err), -1);
    assert_int_equal(lambda_runtime_init(&runtime, &arena, transport, "127.0.0.1:9001", &err), 0);
    assert_string_equal(runtime.base, "http://127.0.0.1:9001/2018-06-01/runtime");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_event_and_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_are_told_in_aws_s_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dead_connection_is_replaced_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_connection_that_breaks_while_waiting, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_it_is_given_up_after_two, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_runtime_api_says_to_an_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_events_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_where_the_runtime_api_is, setup, teardown),
    };
    if (http_client_setup(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
