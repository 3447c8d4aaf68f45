#include "event/sqs_queue.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

#include <string.h>

struct world {
    struct fake_transport transport;
    struct fake_clock clock;
    struct session *session;
    struct arena arena;
};

static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=SECRET",
                                          "AWS_EC2_METADATA_DISABLED=true", "HOME=/nonexistent",
                                          NULL};

static int set_up(void **state)
{
    struct world *world = memory_alloc(sizeof *world);
    fake_transport_init(&world->transport);
    fake_clock_init(&world->clock, 1440938160000);
    arena_init(&world->arena);
    const struct session_options options = {.region = "ap-south-1",
                                            .transport = &world->transport.transport,
                                            .clock = &world->clock.clock,
                                            .environment = environment,
                                            .no_wait = true};
    world->session = session_new(&options, NULL);
    *state = world;
    return world->session ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    session_free(world->session);
    arena_done(&world->arena);
    fake_transport_done(&world->transport);
    free(world);
    return 0;
}

static void test_places(void **state)
{
    struct world *world = *state;
    struct sqs_queue queue;
    struct error err = {0};
    assert_int_equal(sqs_queue_open(&world->arena, world->session,
                                    "https://sqs.eu-west-1.amazonaws.com/111122223333/changes",
                                    &queue, &err),
                     0);
    assert_string_equal(queue.region, "eu-west-1");
    assert_string_equal(queue.name, "changes");
    assert_int_equal(sqs_queue_open(&world->arena, world->session,
                                    "http://127.0.0.1:4566/111122223333/changes", &queue, &err),
                     0);
    assert_string_equal(queue.region, "ap-south-1"); /* the session's */
    fake_transport_answer(&world->transport, 200, NULL,
                          "{\"QueueUrl\":\"http://127.0.0.1:4566/111122223333/changes\"}");
    assert_int_equal(sqs_queue_open(&world->arena, world->session,
                                    "arn:aws:sqs:us-east-2:111122223333:changes", &queue, &err),
                     0);
    assert_string_equal(queue.region, "us-east-2");
    assert_string_equal(queue.url, "http://127.0.0.1:4566/111122223333/changes");
    const struct fake_request *request = fake_transport_request(&world->transport, 0);
    assert_string_equal(request->body,
                        "{\"QueueName\":\"changes\",\"QueueOwnerAWSAccountId\":\"111122223333\"}");
    static const char *const wrong[] = {"changes", "arn:aws:sns:us-east-2:111122223333:changes",
                                        "arn:aws:sqs", "ftp://x/y", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(sqs_queue_open(&world->arena, world->session, wrong[i], &queue, &err), -1);
}

static void test_messages(void **state)
{
    struct world *world = *state;
    struct sqs_queue queue;
    struct sqs_message *messages;
    size_t count;
    struct error err = {0};
    sqs_queue_open(&world->arena, world->session, "http://127.0.0.1/1/q", &queue, &err);
    fake_transport_answer(
        &world->transport, 200, NULL,
        "{\"Messages\":[{\"MessageId\":\"1\",\"ReceiptHandle\":\"r1\",\"Body\":\"bcd\","
        "\"Attributes\":{\"ApproximateReceiveCount\":\"3\"}},{\"MessageId\":\"no receipt\"},"
        "{\"MessageId\":\"2\",\"ReceiptHandle\":\"r2\",\"Body\":\"\"}]}");
    assert_int_equal(sqs_queue_receive(&queue, &world->arena, 20, 300, &messages, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(messages[0].received, 3);
    assert_int_equal(messages[0].body_len, 3);
    assert_string_equal(messages[1].receipt, "r2");
    const struct fake_request *request = fake_transport_request(&world->transport, 0);
    assert_non_null(strstr(request->body, "\"WaitTimeSeconds\":20"));
    assert_non_null(strstr(request->body, "\"VisibilityTimeout\":300"));
    assert_non_null(
        strstr(request->body, "\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\"]"));
    fake_transport_answer(&world->transport, 200, NULL, "{}");
    assert_int_equal(sqs_queue_receive(&queue, &world->arena, 0, 0, &messages, &count, &err), 0);
    assert_int_equal(count, 0);
    fake_transport_answer(
        &world->transport, 400, NULL,
        "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"no\"}");
    assert_int_equal(sqs_queue_receive(&queue, &world->arena, 0, 0, &messages, &count, &err), -1);
    assert_non_null(strstr(err.message, "queue q"));
}

static void test_settling(void **state)
{
    struct world *world = *state;
    struct sqs_queue queue;
    struct error err = {0};
    const struct sqs_verdict verdicts[] = {{"done", -1}, {"again", 40}, {"done too", -1}};
    sqs_queue_open(&world->arena, world->session, "http://127.0.0.1/1/q", &queue, &err);
    fake_transport_answer(&world->transport, 200, NULL, "{\"Successful\":[]}");
    fake_transport_answer(&world->transport, 200, NULL, "{\"Successful\":[]}");
    assert_int_equal(sqs_queue_settle(&queue, &world->arena, verdicts, 3, &err), 0);
    const struct fake_request *deleted = fake_transport_request(&world->transport, 0);
    const struct fake_request *returned = fake_transport_request(&world->transport, 1);
    assert_string_equal(fake_request_header(deleted, "X-Amz-Target"),
                        "AmazonSQS.DeleteMessageBatch");
    assert_string_equal(
        deleted->body,
        "{\"QueueUrl\":\"http://127.0.0.1/1/q\",\"Entries\":[{\"Id\":\"0\","
        "\"ReceiptHandle\":\"done\"},{\"Id\":\"2\",\"ReceiptHandle\":\"done too\"}]}");
    assert_string_equal(returned->body,
                        "{\"QueueUrl\":\"http://127.0.0.1/1/q\",\"Entries\":[{\"Id\":\"1\","
                        "\"ReceiptHandle\":\"again\",\"VisibilityTimeout\":40}]}");
    /* What the answer says of single messages is not lost. */
    fake_transport_answer(&world->transport, 200, NULL,
                          "{\"Failed\":[{\"Id\":\"0\",\"Code\":\"ReceiptHandleIsInvalid\"}]}");
    assert_int_equal(sqs_queue_settle(&queue, &world->arena, verdicts, 1, &err), -1);
    assert_non_null(strstr(err.message, "ReceiptHandleIsInvalid"));
    unsigned before = world->transport.count;
    assert_int_equal(sqs_queue_settle(&queue, &world->arena, verdicts, 0, &err), 0);
    assert_int_equal(world->transport.count, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settling, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("event/sqs_queue", tests, NULL, NULL);
}
