#include "fixture.h"

#include "base/file.h"
#include "support/test.h"

#include <unistd.h>

const struct aws_service fixture_service = {.name = "ssm",
                                            .signing_name = "ssm",
                                            .host_label = "ssm",
                                            .target_prefix = "AmazonSSM",
                                            .protocol = AWS_JSON_1_1};
const struct aws_operation fixture_read = {.service = &fixture_service,
                                           .name = "GetParameter",
                                           .flags = AWS_READS};
const struct aws_operation fixture_write = {.service = &fixture_service, .name = "PutParameter"};
const struct aws_operation fixture_put = {.service = &fixture_service,
                                          .name = "AddTagsToResource",
                                          .flags = AWS_IDEMPOTENT};
const struct aws_operation fixture_list = {.service = &fixture_service,
                                           .name = "DescribeParameters",
                                           .flags = AWS_READS,
                                           .page_token = "NextToken",
                                           .page_items = "Parameters"};

void fixture_init(struct fixture *fixture)
{
    const char *tmp = getenv("TMPDIR");
    *fixture = (struct fixture){0};
    arena_init(&fixture->arena);
    fixture->folder = arena_printf(&fixture->arena, "%s/client-XXXXXX", tmp ? tmp : "/tmp");
    fake_clock_init(&fixture->clock, 1700000000000); /* 2023-11-14T22:13:20Z */
    fake_clock_advance(&fixture->clock, 5000);
    fake_random_init(&fixture->random, 1);
    fake_transport_init(&fixture->transport);
    assert_non_null(mkdtemp(fixture->folder));
    const char *config = arena_printf(&fixture->arena, "%s/config", fixture->folder);
    const char *credentials = arena_printf(&fixture->arena, "%s/credentials", fixture->folder);
    fixture_set(fixture, "AWS_CONFIG_FILE", config);
    fixture_set(fixture, "AWS_SHARED_CREDENTIALS_FILE", credentials);
    fixture_set(fixture, "AWS_REGION", "eu-west-1");
    fixture_set(fixture, "AWS_EC2_METADATA_DISABLED", "true");
}

void fixture_done(struct fixture *fixture)
{
    static const char *const names[] = {"config", "credentials", "token"};
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(arena_printf(&fixture->arena, "%s/%s", fixture->folder, names[i]));
    assert_int_equal(rmdir(fixture->folder), 0);
    fake_transport_done(&fixture->transport);
    arena_done(&fixture->arena);
}

void fixture_set(struct fixture *fixture, const char *name, const char *value)
{
    size_t len = strlen(name), at = 0;
    while (fixture->environment[at] && (strncmp(fixture->environment[at], name, len) != 0 ||
                                        fixture->environment[at][len] != '='))
        at++;
    assert_true(at < FIXTURE_VARIABLES);
    fixture->environment[at] = arena_printf(&fixture->arena, "%s=%s", name, value);
}

void fixture_set_keys(struct fixture *fixture)
{
    fixture_set(fixture, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    fixture_set(fixture, "AWS_SECRET_ACCESS_KEY", "planted-secret-key");
}

const char *fixture_file(struct fixture *fixture, const char *name, const char *content)
{
    const char *path = arena_printf(&fixture->arena, "%s/%s", fixture->folder, name);
    assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, NULL), 0);
    return path;
}

struct session *fixture_try(struct fixture *fixture, struct session_options options)
{
    options.transport = &fixture->transport.transport;
    options.clock = &fixture->clock.clock;
    options.random = &fixture->random.random;
    options.environment = fixture->environment;
    return session_new(&options, &fixture->err);
}

struct session *fixture_session(struct fixture *fixture)
{
    struct session *session = fixture_try(fixture, (struct session_options){0});
    if (!session)
        fail_msg("%s", fixture->err.message);
    return session;
}

const char *fixture_role_answer(struct fixture *fixture, const char *operation,
                                const char *access_key, int64_t life_s)
{
    char expires[CLOCK_TEXT_SIZE];
    clock_format_iso(fixture->clock.now_ms + life_s * 1000, expires);
    return arena_printf(
        &fixture->arena,
        "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
        "<AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>"
        "<Arn>arn:aws:sts::222222222222:assumed-role/r/s</Arn></AssumedRoleUser>"
        "<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"
        "<SessionToken>role-token</SessionToken><Expiration>%s</Expiration></Credentials>"
        "</%sResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></%sResponse>",
        operation, operation, access_key, expires, operation, operation);
}
