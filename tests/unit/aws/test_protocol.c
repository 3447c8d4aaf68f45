/* What AWS's own cases do not say: refusals, limits, and answers that are not answers. */
#include "aws/protocol.h"

#include "base/arena.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct aws_service ssm = {.name = "ssm",
                                       .target_prefix = "AmazonSSM",
                                       .protocol = AWS_JSON_1_1};
static const struct aws_service sts = {.name = "sts",
                                       .api_version = "2011-06-15",
                                       .protocol = AWS_QUERY};
static const struct aws_service lambda = {.name = "lambda", .protocol = AWS_REST_JSON};
static const struct aws_operation get_parameter = {.service = &ssm, .name = "GetParameter"};
static const struct aws_operation assume_role = {.service = &sts, .name = "AssumeRole"};
static const struct aws_operation untag = {.service = &lambda,
                                           .name = "UntagResource",
                                           .method = "DELETE",
                                           .uri = "/2017-03-31/tags/{Resource}",
                                           .bindings =
                                               (const char *const[]){"TagKeys=query:tagKeys",
                                                                     "Who=header:X-Who", NULL}};

static int build(struct arena *arena, const struct aws_operation *operation, const char *input,
                 struct protocol_request *out, struct error *err)
{
    json_t *json = input ? json_read(input, strlen(input), NULL) : NULL;
    int result = protocol_build(arena, operation, json, out, err);
    json_decref(json);
    return result;
}

static void requests(void **state)
{
    (void)state;
    struct arena arena;
    struct protocol_request request;
    arena_init(&arena);
    assert_int_equal(build(&arena, &get_parameter, NULL, &request, NULL), 0);
    assert_string_equal(request.body, "{}");
    assert_string_equal(request.headers[0].value, "application/x-amz-json-1.1");
    assert_string_equal(request.headers[1].value, "AmazonSSM.GetParameter");

    assert_int_equal(build(&arena, &assume_role,
                           "{\"Policy\":\"a&b=c d+\",\"Tags\":[{\"Key\":\"k\",\"Value\":null}],"
                           "\"None\":{},\"Many\":[]}",
                           &request, NULL),
                     0);
    assert_string_equal(request.body, "Action=AssumeRole&Version=2011-06-15&Policy=a%26b%3Dc%20d%2B"
                                      "&Tags.member.1.Key=k&Many=");

    assert_int_equal(build(&arena, &untag,
                           "{\"Resource\":\"arn:aws:lambda:r:1:function:f\","
                           "\"TagKeys\":[\"a b\",\"c\"],\"Who\":\"me\"}",
                           &request, NULL),
                     0);
    assert_string_equal(request.path, "/2017-03-31/tags/arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3Af");
    assert_string_equal(request.query, "tagKeys=a%20b&tagKeys=c");
    assert_null(request.body);
    assert_int_equal(request.header_count, 1);
    arena_done(&arena);
}

static const struct {
    const struct aws_operation *operation;
    const char *input;
    enum error_code code;
} refused[] = {
    {&get_parameter, "[]", ERR_INVALID},
    {&untag, "{}", ERR_INVALID},
    {&untag, "{\"Resource\":\"\"}", ERR_INVALID},
    {&untag, "{\"Resource\":null}", ERR_INVALID},
    {&untag, "{\"Resource\":[\"x\"]}", ERR_INVALID},
    {&untag, "{\"Resource\":\"x\",\"TagKeys\":{\"a\":1}}", ERR_INVALID},
    {&untag, "{\"Resource\":\"x\",\"Who\":\"me\\r\\nX-Evil: 1\"}", ERR_INVALID},
    {&untag, "{\"Resource\":\"x\",\"Who\":[\"me\",\"\\n\"]}", ERR_INVALID},
};

static void requests_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct arena arena;
        struct protocol_request request;
        struct error err = {0};
        arena_init(&arena);
        assert_int_equal(build(&arena, refused[i].operation, refused[i].input, &request, &err), -1);
        assert_int_equal(err.code, refused[i].code);
        arena_done(&arena);
    }
}

static void too_deep_for_a_form(void **state)
{
    (void)state;
    struct arena arena;
    struct protocol_request request;
    struct error err = {0};
    arena_init(&arena);
    json_t *input = json_string("x");
    for (int i = 0; i < 600; i++)
        input = json_pack("{s:o}", "AB", input);
    assert_int_equal(protocol_build(&arena, &assume_role, input, &request, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    json_decref(input);
    arena_done(&arena);
}

static const struct {
    const struct aws_operation *operation;
    int status;
    const char *header, *value, *body;
    enum error_code class;
    const char *code, *message, *request_id;
} errors[] = {
    {&get_parameter, 400, "X-Amzn-RequestId", "id-1",
     "{\"__type\":\"ParameterNotFound\",\"message\":\"no\",\"Message\":\"other\"}", ERR_NOT_FOUND,
     "ParameterNotFound", "no", "id-1"},
    {&get_parameter, 400, "x", "y", "{\"__type\":\"a#b#ThrottlingException:c#d\"}", ERR_THROTTLED,
     "ThrottlingException", "", ""},
    {&get_parameter, 400, "x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender",
     "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"m\"}", ERR_NOT_FOUND,
     "AWS.SimpleQueueService.NonExistentQueue", "m", ""},
    {&get_parameter, 400, "x-amzn-ErrorType", "Other", "{\"__type\":\"InvalidKeyId\"}", ERR_INVALID,
     "InvalidKeyId", "", ""}, /* the body before the header, unlike REST */
    /* proxies and load balancers */
    {&get_parameter, 503, "x", "y", "<html>busy</html>", ERR_UNAVAILABLE, "503", "", ""},
    {&get_parameter, 502, "x", "y", "", ERR_UNAVAILABLE, "502", "", ""},
    {&get_parameter, 400, "x", "y", "[1]", ERR_INVALID, "400", "", ""},
    {&get_parameter, 400, "x", "y", "{\"__type\":3,\"message\":4}", ERR_INVALID, "400", "", ""},
    {&assume_role, 503, "x-amz-request-id", "id-2", "<html><p>busy</html>", ERR_UNAVAILABLE, "503",
     "", "id-2"},
    {&assume_role, 403, "x", "y",
     "<ErrorResponse xmlns=\"n\"><Error><Type>Sender</Type><Code>AccessDenied</Code>"
     "<Message>User: &lt;x&gt; may not</Message></Error><RequestId>id-3</RequestId>"
     "</ErrorResponse>",
     ERR_DENIED, "AccessDenied", "User: <x> may not", "id-3"},
    {&untag, 404, "x-amzn-ErrorType", "ResourceNotFoundException:http://x/",
     "{\"Message\":\"no\",\"Type\":\"User\",\"code\":\"Other\"}", ERR_NOT_FOUND,
     "ResourceNotFoundException", "no", ""},
    {&untag, 400, "x", "y", "{\"__type\":\"x#SerializationException\"}", ERR_INVALID,
     "SerializationException", "", ""},
    {&untag, 301, "x", "y", "", ERR_UNAVAILABLE, "301", "", ""},
    /* The token of the request is not repeated. */
    {&get_parameter, 400, "x", "y",
     "{\"__type\":\"InvalidSignatureException\",\"message\":\"does not match.\\n\\n"
     "The Canonical String for this request should have been\\n'POST x-amz-security-token:t'\"}",
     ERR_DENIED, "InvalidSignatureException", "does not match.", ""},
};

static void errors_as_botocore_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct http_header header = {errors[i].header, errors[i].value};
        char body[512];
        snprintf(body, sizeof body, "%s", errors[i].body);
        const struct http_response response = {.status = errors[i].status,
                                               .headers = &header,
                                               .header_count = 1,
                                               .body = body,
                                               .body_len = strlen(body)};
        struct error err = {0};
        json_t *output = NULL;
        assert_int_equal(protocol_read(errors[i].operation, &response, &output, &err), -1);
        assert_null(output);
        assert_string_equal(err.aws_code, errors[i].code);
        assert_string_equal(err.message, errors[i].message);
        assert_string_equal(err.request_id, errors[i].request_id);
        assert_int_equal(err.code, errors[i].class);
        assert_int_equal(err.http_status, errors[i].status);
        assert_int_equal(protocol_read(errors[i].operation, &response, &output, NULL), -1);
    }
}

static void answers(void **state)
{
    (void)state;
    char xml[] =
        "<?xml version=\"1.0\"?><AssumeRoleResponse xmlns=\"https://n/\"><AssumeRoleResult>"
        "<Credentials><AccessKeyId>ASIA</AccessKeyId></Credentials></AssumeRoleResult>"
        "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
        "</AssumeRoleResponse>";
    struct http_response response = {.status = 200, .body = xml, .body_len = strlen(xml)};
    json_t *output;
    struct error err = {0};
    assert_int_equal(protocol_read(&assume_role, &response, &output, &err), 0);
    assert_string_equal(json_text(json_object_get(output, "Credentials"), "AccessKeyId"), "ASIA");
    assert_int_equal(json_object_size(output), 1);
    json_decref(output);

    static const char *const broken[] = {"<a>", "{", "[]", "3", "<html></html><x>"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "%s", broken[i]);
        response.body = body;
        response.body_len = strlen(body);
        assert_int_equal(protocol_read(&get_parameter, &response, &output, &err), -1);
        assert_int_equal(err.code, ERR_UNAVAILABLE);
        assert_string_equal(err.aws_code, "200");
        assert_int_equal(err.http_status, 200);
        assert_int_equal(protocol_read(&assume_role, &response, &output, &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests),
                                       cmocka_unit_test(requests_refused),
                                       cmocka_unit_test(too_deep_for_a_form),
                                       cmocka_unit_test(errors_as_botocore_reads_them),
                                       cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
