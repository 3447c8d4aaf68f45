/* Batches of a queue's messages: the records that a function gets, filters, and what its answer
 * means. */
#include "base/json.h"
#include "local/lambda_batch.h"
#include "support/test.h"

static const char message_text[] =
    "{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"h\",\"MD5OfBody\":\"d\",\"Body\":\"{\\\"a\\\":1}\","
    "\"Attributes\":{\"ApproximateReceiveCount\":\"1\"},\"MD5OfMessageAttributes\":\"e\","
    "\"MessageAttributes\":{\"n\":{\"StringValue\":\"v\",\"DataType\":\"String\"}}}";

static json_t *record_with(const char *body)
{
    json_t *message = json_read(message_text, strlen(message_text), NULL);
    assert_non_null(message);
    if (body)
        json_object_set_new(message, "Body", json_string(body));
    json_t *record = lambda_batch_record(message, "arn:aws:sqs:eu-west-1:1:q", "eu-west-1");
    json_decref(message);
    return record;
}

static void records(void **state)
{
    static const char wanted[] =
        "{\"messageId\":\"m-1\",\"receiptHandle\":\"h\",\"body\":\"{\\\"a\\\":1}\","
        "\"attributes\":{\"ApproximateReceiveCount\":\"1\"},"
        "\"messageAttributes\":{\"n\":{\"stringValue\":\"v\",\"stringListValues\":[],"
        "\"binaryListValues\":[],\"dataType\":\"String\"}},\"md5OfMessageAttributes\":\"e\","
        "\"md5OfBody\":\"d\",\"eventSource\":\"aws:sqs\","
        "\"eventSourceARN\":\"arn:aws:sqs:eu-west-1:1:q\",\"awsRegion\":\"eu-west-1\"}";
    json_t *record = record_with(NULL), *expected = json_read(wanted, strlen(wanted), NULL);
    (void)state;
    assert_true(json_equal(record, expected));
    json_decref(record);
    json_decref(expected);
}

static bool wants(const char *pattern, const char *body)
{
    struct arena arena;
    const char *why;
    arena_init(&arena);
    const struct event_pattern *filter =
        event_pattern_parse(&arena, pattern, strlen(pattern), &why);
    assert_non_null(filter);
    json_t *record = record_with(body);
    bool wanted = lambda_batch_wants(&arena, &filter, 1, record);
    assert_true(lambda_batch_wants(&arena, &filter, 0, record)); /* without filters, all */
    json_decref(record);
    arena_done(&arena);
    return wanted;
}

static void filters(void **state)
{
    (void)state;
    assert_true(wants("{\"body\":{\"a\":[1]}}", "{\"a\":1}"));
    assert_false(wants("{\"body\":{\"a\":[2]}}", "{\"a\":1}"));
    assert_false(wants("{\"body\":{\"a\":[1]}}", "plain"));
    assert_true(wants("{\"body\":[\"plain\"]}", "plain"));
    assert_false(wants("{\"body\":[\"plain\"]}", "{\"a\":1}"));
    assert_true(wants("{\"messageAttributes\":{\"n\":{\"stringValue\":[\"v\"]}}}", "x"));
}

/* What comes again of the messages a and b, as text; "all" for an answer that is none. */
static const char *judged(const char *answer)
{
    static const char *const said[] = {"", "a", "b", "ab"};
    json_t *ids = json_pack("[ss]", "a", "b");
    bool failed[2] = {false, false};
    bool understood = lambda_batch_judge((struct text){answer, strlen(answer)}, ids, failed);
    json_decref(ids);
    return understood ? said[(int)failed[0] + 2 * (int)failed[1]] : "all";
}

static void answers(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"null", ""},
        {"\"\"", ""},
        {"{}", ""},
        {"[]", ""},
        {"{\"batchItemFailures\":[]}", ""},
        {"{\"batchItemFailures\":null}", ""},
        {"{\"batchItemFailures\":[{\"itemIdentifier\":\"b\"}]}", "b"},
        {"{\"batchItemFailures\":[{\"itemIdentifier\":\"b\"},{\"itemIdentifier\":\"a\"}]}", "ab"},
        {"{\"batchItemFailures\":[{\"itemIdentifier\":\"c\"}]}", "all"},
        {"{\"batchItemFailures\":[{\"itemIdentifier\":\"a\"},{\"itemIdentifier\":\"\"}]}", "all"},
        {"{\"batchItemFailures\":[{\"itemIdentifier\":null}]}", "all"},
        {"{\"batchItemFailures\":[{\"itemIdentifier\":1}]}", "all"},
        {"{\"batchItemFailures\":[{\"foo\":\"a\"}]}", "all"},
        {"{\"batchItemFailures\":[\"a\"]}", "all"},
        {"{\"batchItemFailures\":{\"itemIdentifier\":\"a\"}}", "all"},
        {"{\"foo\":[]}", "all"},
        {"\"done\"", "all"},
        {"no json", "all"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(judged(rows[i][0]), rows[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records), cmocka_unit_test(filters),
                                       cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
