/* The sources of credentials and their order, through a session as its users see them. */
#include "base/json.h"
#include "base/text.h"
#include "client/client.h"
#include "fixture.h"
#include "support/test.h"

#include <unistd.h>

static struct fixture f;
static struct session *session;

static int setup(void **state)
{
    (void)state;
    session = NULL;
    fixture_init(&f);
    fake_transport_route(&f.transport, "//ssm.", 200, NULL, "{}");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    session_free(session);
    fixture_done(&f);
    return 0;
}

static const struct fake_request *last(void)
{
    return fake_transport_request(&f.transport, f.transport.count - 1);
}

/* Nothing that a test planted may be in an error. */
static void check_silence(void)
{
    static const char *const planted[] = {"planted", "token-", "role-token", "role-secret"};
    for (size_t i = 0; i < COUNT(planted); i++)
        if (strstr(f.err.message, planted[i]))
            fail_msg("\"%s\" is in: %s", planted[i], f.err.message);
}

/* The access key that a call is signed with, or the name of the error's code. */
static const char *key_of(struct session *of)
{
    struct aws_client *client = session_client(of, &fixture_service, "eu-west-1", true, &f.err);
    if (!client || aws_call(client, &f.arena, &fixture_read, NULL, NULL, &f.err) != 0) {
        check_silence();
        return error_code_name(f.err.code);
    }
    const char *authorization = fake_request_header(last(), "Authorization");
    const char *start = strstr(authorization, "Credential=") + strlen("Credential=");
    return arena_strndup(&f.arena, start, strcspn(start, "/"));
}

static const char *key_with(struct session_options options)
{
    session_free(session);
    session = fixture_try(&f, options);
    return session ? key_of(session) : error_code_name(f.err.code);
}

static const char *key_as(const char *profile)
{
    return key_with((struct session_options){.profile = profile});
}

static const char *key(void)
{
    return key_with((struct session_options){0});
}

static void config(const char *text)
{
    fixture_file(&f, "config", text);
}

static void credentials(const char *text)
{
    fixture_file(&f, "credentials", text);
}

#define assert_message(words)                                                                      \
    do {                                                                                           \
        if (!strstr(f.err.message, words))                                                         \
            fail_msg("\"%s\" is not in: %s", words, f.err.message);                                \
    } while (0)

/* --- environment and files -------------------------------------------------------------------- */

static void test_environment(void **state)
{
    (void)state;
    fixture_set_keys(&f);
    credentials("[default]\naws_access_key_id=FILE\naws_secret_access_key=planted\n"
                "[p]\naws_access_key_id=P\naws_secret_access_key=planted\n");
    assert_string_equal(key(), "AKIDEXAMPLE");
    fixture_set(&f, "AWS_PROFILE", "p");
    assert_string_equal(key(), "AKIDEXAMPLE"); /* the variables win over AWS_PROFILE... */
    assert_string_equal(key_as("p"), "P");     /* ...but not over --profile */
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "");
    fixture_set(&f, "AWS_SECRET_ACCESS_KEY", "");
    assert_string_equal(key(), "P");
    fixture_set(&f, "AWS_PROFILE", "");
    fixture_set(&f, "AWS_DEFAULT_PROFILE", "p");
    assert_string_equal(key(), "P");
    fixture_set(&f, "AWS_DEFAULT_PROFILE", "");
    assert_string_equal(key(), "FILE");
}

static void test_half_an_environment(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    credentials("[default]\naws_access_key_id=FILE\naws_secret_access_key=planted\n");
    assert_string_equal(key(), "INVALID"); /* not: go on with somebody else's */
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "");
    fixture_set(&f, "AWS_SECRET_ACCESS_KEY", "planted");
    assert_string_equal(key(), "INVALID");
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "AKID EXAMPLE");
    assert_string_equal(key(), "INVALID");
    fixture_set(&f, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    fixture_set(&f, "AWS_SESSION_TOKEN", "planted\r\nX-Evil: 1");
    assert_string_equal(key(), "INVALID");
}

static void test_environment_that_expires(void **state)
{
    (void)state;
    fixture_set_keys(&f);
    fixture_set(&f, "AWS_CREDENTIAL_EXPIRATION", "2023-11-14T22:20:00Z");
    assert_string_equal(key(), "AKIDEXAMPLE");
    fake_clock_advance(&f.clock, 10 * 60 * 1000);
    assert_string_equal(key_of(session), "DENIED");
    assert_message("expired at 2023-11-14T22:20:00Z");
    fixture_set(&f, "AWS_CREDENTIAL_EXPIRATION", "tomorrow");
    assert_string_equal(key(), "INVALID");
}

static void test_files(void **state)
{
    (void)state;
    config("[default]\naws_access_key_id=CONFIG\naws_secret_access_key=planted\n"
           "[profile half]\naws_access_key_id=HALF\n"
           "[profile empty]\nregion=eu-west-1\n");
    assert_string_equal(key(), "CONFIG");
    credentials("[default]\naws_access_key_id=FILE\naws_secret_access_key=planted\n"
                "aws_session_token=token-1\n");
    assert_string_equal(key(), "FILE");
    assert_string_equal(fake_request_header(last(), "X-Amz-Security-Token"), "token-1");
    assert_string_equal(key_as("half"), "INVALID");
    assert_string_equal(key_as("empty"), "DENIED");
    assert_message("no credentials found");
    assert_string_equal(key_as("absent"), "INVALID");
    assert_message("profile absent is neither in");
    config("[default\n");
    assert_string_equal(key(), "INVALID");
    assert_message("config line 1");
}

static void test_sso_is_refused(void **state)
{
    (void)state;
    config("[profile s]\nsso_session=x\nsso_account_id=111111111111\nsso_role_name=r\n"
           "[profile l]\nlogin_session=arn:aws:iam::111111111111:user/u\n");
    credentials("[s]\naws_access_key_id=FILE\naws_secret_access_key=planted\n");
    assert_string_equal(key_as("s"), "UNSUPPORTED");
    assert_message("SSO");
    assert_string_equal(key_as("l"), "UNSUPPORTED");
    assert_message("aws login");
}

/* --- roles ------------------------------------------------------------------------------------ */

static void role_route(const char *words, const char *access_key, int64_t life_s)
{
    fake_transport_route(&f.transport, words, 200, NULL,
                         fixture_role_answer(&f, "AssumeRole", access_key, life_s));
}

static void test_role_of_a_profile(void **state)
{
    (void)state;
    config("[profile role]\nrole_arn = arn:aws:iam::222222222222:role/r\nsource_profile = base\n"
           "external_id = an-id\nrole_session_name = me\nduration_seconds = 1800\n"
           "region = ap-south-1\n");
    credentials("[base]\naws_access_key_id=BASE\naws_secret_access_key=planted\n");
    role_route("Action=AssumeRole&", "ASIAROLE", 3600);
    assert_string_equal(key_as("role"), "ASIAROLE");
    assert_string_equal(fake_request_header(last(), "X-Amz-Security-Token"), "role-token");
    const struct fake_request *sts = fake_transport_request(&f.transport, 0);
    assert_string_equal(sts->url, "https://sts.eu-west-1.amazonaws.com/");
    assert_non_null(strstr(fake_request_header(sts, "Authorization"), "Credential=BASE/"));
    assert_non_null(strstr(fake_request_header(sts, "Authorization"), "/eu-west-1/sts/"));
    static const char *const members[] = {"Version=2011-06-15",
                                          "RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fr",
                                          "ExternalId=an-id", "RoleSessionName=me",
                                          "DurationSeconds=1800"};
    for (size_t i = 0; i < COUNT(members); i++)
        if (!strstr(sts->body, members[i]))
            fail_msg("%s is not in %s", members[i], sts->body);

    /* Regional by the profile's Region when nothing else names one. */
    fixture_set(&f, "AWS_REGION", "");
    assert_string_equal(key_as("role"), "ASIAROLE");
    sts = fake_transport_request(&f.transport, 2);
    assert_string_equal(sts->url, "https://sts.ap-south-1.amazonaws.com/");
}

static void test_role_without_a_region(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_REGION", "");
    config("[profile cn]\nrole_arn = arn:aws-cn:iam::222222222222:role/r\nsource_profile = base\n");
    credentials("[base]\naws_access_key_id=BASE\naws_secret_access_key=planted\n");
    role_route("Action=AssumeRole&", "ASIAROLE", 3600);
    assert_string_equal(key_as("cn"), "ASIAROLE");
    const struct fake_request *sts = fake_transport_request(&f.transport, 0);
    assert_string_equal(sts->url, "https://sts.cn-north-1.amazonaws.com.cn/");
    assert_non_null(strstr(sts->body, "RoleSessionName=understudy-1700000005"));
}

static void test_legacy_sts(void **state)
{
    (void)state;
    config("[profile role]\nrole_arn = arn:aws:iam::222222222222:role/r\nsource_profile = base\n"
           "sts_regional_endpoints = legacy\n");
    credentials("[base]\naws_access_key_id=BASE\naws_secret_access_key=planted\n");
    role_route("Action=AssumeRole&", "ASIAROLE", 3600);
    assert_string_equal(key_as("role"), "ASIAROLE");
    const struct fake_request *sts = fake_transport_request(&f.transport, 0);
    assert_string_equal(sts->url, "https://sts.amazonaws.com/");
    assert_non_null(strstr(fake_request_header(sts, "Authorization"), "/us-east-1/sts/"));
    fixture_set(&f, "AWS_STS_REGIONAL_ENDPOINTS", "regional");
    assert_string_equal(key_as("role"), "ASIAROLE");
    sts = fake_transport_request(&f.transport, 2);
    assert_string_equal(sts->url, "https://sts.eu-west-1.amazonaws.com/");
    fixture_set(&f, "AWS_STS_REGIONAL_ENDPOINTS", "mine");
    assert_string_equal(key_as("role"), "INVALID");
}

static void test_roles_in_a_row(void **state)
{
    (void)state;
    config("[profile top]\nrole_arn = arn:aws:iam::333333333333:role/top\nsource_profile = mid\n"
           "[profile mid]\nrole_arn = arn:aws:iam::222222222222:role/mid\nsource_profile = base\n"
           "[profile base]\naws_access_key_id=BASE\naws_secret_access_key=planted\n");
    role_route("role%2Fmid", "ASIAMID", 3600);
    role_route("role%2Ftop", "ASIATOP", 3600);
    assert_string_equal(key_as("top"), "ASIATOP");
    assert_non_null(
        strstr(fake_request_header(fake_transport_request(&f.transport, 0), "Authorization"),
               "=BASE/"));
    assert_non_null(
        strstr(fake_request_header(fake_transport_request(&f.transport, 1), "Authorization"),
               "=ASIAMID/"));
    assert_int_equal(f.transport.count, 3);
}

/* A profile on the way that has keys and a role: its keys are meant. */
static void test_source_with_keys_and_role(void **state)
{
    (void)state;
    config("[profile top]\nrole_arn = arn:aws:iam::333333333333:role/top\nsource_profile = both\n"
           "[profile both]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = both\n"
           "aws_access_key_id=BOTH\naws_secret_access_key=planted\n");
    role_route("role%2Ftop", "ASIATOP", 3600);
    role_route("role%2Fx", "ASIAX", 3600);
    assert_string_equal(key_as("top"), "ASIATOP");
    assert_int_equal(f.transport.count, 2);
    assert_string_equal(key_as("both"), "ASIAX"); /* a profile may be its own source */
}

static void test_roles_refused(void **state)
{
    (void)state;
    config("[profile none]\nrole_arn = arn:aws:iam::2:role/r\n"
           "[profile two]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = none\n"
           "credential_source = Environment\n"
           "[profile absent]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = nobody\n"
           "[profile self]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = self\n"
           "[profile a]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = b\n"
           "[profile b]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = c\n"
           "[profile c]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = a\n"
           "[profile empty]\nregion = eu-west-1\n"
           "[profile keyless]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = empty\n"
           "[profile mfa]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = empty\n"
           "mfa_serial = arn:aws:iam::2:mfa/u\n"
           "[profile long]\nrole_arn = arn:aws:iam::2:role/r\nsource_profile = empty\n"
           "duration_seconds = 43201\n"
           "[profile where]\nrole_arn = arn:aws:iam::2:role/r\ncredential_source = Mars\n");
    static const struct {
        const char *profile, *code, *words;
    } rows[] = {
        {"none", "INVALID", "needs source_profile or credential_source"},
        {"two", "INVALID", "and not both"},
        {"absent", "INVALID", "nobody, which is not there"},
        {"self", "INVALID", "names itself"},
        {"a", "INVALID", "lead to each other"},
        {"keyless", "DENIED", "profile empty has no credentials"},
        {"mfa", "UNSUPPORTED", "mfa_serial"},
        {"long", "INVALID", "duration_seconds"},
        {"where", "INVALID", "credential_source must be"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(key_as(rows[i].profile), rows[i].code);
        assert_message(rows[i].words);
    }
    assert_int_equal(f.transport.count, 0);
}

static void test_credential_source(void **state)
{
    (void)state;
    fixture_set_keys(&f);
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds");
    config("[profile e]\nrole_arn = arn:aws:iam::2:role/r\ncredential_source = Environment\n"
           "[profile c]\nrole_arn = arn:aws:iam::2:role/r\ncredential_source = EcsContainer\n");
    role_route("Action=AssumeRole&", "ASIAROLE", 3600);
    fake_transport_route(&f.transport, "169.254.170.2/creds", 200, NULL,
                         "{\"AccessKeyId\":\"ASIAECS\",\"SecretAccessKey\":\"planted\"}");
    assert_string_equal(key_as("e"), "ASIAROLE");
    assert_non_null(
        strstr(fake_request_header(fake_transport_request(&f.transport, 0), "Authorization"),
               "=AKIDEXAMPLE/"));
    assert_string_equal(key_as("c"), "ASIAROLE");
    assert_non_null(
        strstr(fake_request_header(fake_transport_request(&f.transport, 3), "Authorization"),
               "=ASIAECS/"));
}

static void test_role_is_denied(void **state)
{
    (void)state;
    fixture_set_keys(&f);
    fake_transport_route(&f.transport, "//sts.", 403, NULL,
                         "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                         "<Message>not authorized</Message></Error></ErrorResponse>");
    const struct session_role role = {.arn = "arn:aws:iam::2:role/r"};
    assert_string_equal(key_with((struct session_options){.roles = &role, .role_count = 1}),
                        "DENIED");
    assert_message("role arn:aws:iam::2:role/r");
    assert_message("not authorized");
    assert_string_equal(f.err.aws_code, "AccessDenied");
}

/* The role lives an hour: 10 minutes before its end the next call takes it again first. */
static void test_role_is_refreshed(void **state)
{
    (void)state;
    fixture_set_keys(&f);
    role_route("AssumeRole&", "ASIA1", 3600);
    const struct session_role role = {.arn = "arn:aws:iam::222222222222:role/r",
                                      .external_id = "x",
                                      .session_name = "n"};
    const struct session_options options = {.roles = &role, .role_count = 1};
    assert_string_equal(key_with(options), "ASIA1");
    fake_clock_advance(&f.clock, 44 * 60 * 1000);
    assert_string_equal(key_of(session), "ASIA1");
    assert_int_equal(f.transport.count, 3);
    fake_clock_advance(&f.clock, 7 * 60 * 1000);
    fake_transport_answer(&f.transport, 200, NULL,
                          fixture_role_answer(&f, "AssumeRole", "ASIA2", 3600));
    assert_string_equal(key_of(session), "ASIA2");
}

/* R57: what the caller says of a role is really sent, and a chain is taken in its order. */
static void test_roles_are_chained(void **state)
{
    (void)state;
    const struct session_tag tags[] = {{"team", "platform"}, {"cost", "4 2"}};
    const char *const passed_on[] = {"team"};
    const struct session_role roles[] = {
        {.arn = "arn:aws:iam::222222222222:role/hop",
         .external_id = "agreed/1",
         .session_name = "me@here",
         .tags = tags,
         .tag_count = 2,
         .transitive_tags = passed_on,
         .transitive_tag_count = 1,
         .duration_s = 900},
        {.arn = "arn:aws:iam::333333333333:role/end", .external_id = "agreed-2"},
    };
    fixture_set_keys(&f);
    role_route("role%2Fhop", "ASIAHOP", 900);
    role_route("role%2Fend", "ASIAEND", 3600);
    const struct session_options options = {.roles = roles, .role_count = 2};
    assert_string_equal(key_with(options), "ASIAEND");
    const struct fake_request *hop = fake_transport_request(&f.transport, 0);
    static const char *const sent[] = {
        "ExternalId=agreed%2F1",
        "RoleSessionName=me%40here",
        "DurationSeconds=900",
        "Tags.member.1.Key=team&Tags.member.1.Value=platform",
        "Tags.member.2.Key=cost&Tags.member.2.Value=4%202",
        "TransitiveTagKeys.member.1=team",
    };
    for (size_t i = 0; i < COUNT(sent); i++)
        if (!strstr(hop->body, sent[i]))
            fail_msg("%s is not in %s", sent[i], hop->body);
    const struct fake_request *end = fake_transport_request(&f.transport, 1);
    assert_non_null(strstr(end->body, "ExternalId=agreed-2"));
    assert_null(strstr(end->body, "Tags"));
    assert_null(strstr(end->body, "DurationSeconds"));
    assert_non_null(strstr(fake_request_header(end, "Authorization"), "=ASIAHOP/"));
    /* STS of the session's own Region. */
    assert_string_equal(end->url, "https://sts.eu-west-1.amazonaws.com/");
}

/* --- web identity ----------------------------------------------------------------------------- */

static void web_route(void)
{
    fake_transport_route(&f.transport, "Action=AssumeRoleWithWebIdentity", 200, NULL,
                         fixture_role_answer(&f, "AssumeRoleWithWebIdentity", "ASIAWEB", 3600));
}

static void test_web_identity(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", fixture_file(&f, "token", "token-1\n"));
    fixture_set(&f, "AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/web");
    fixture_set(&f, "AWS_ROLE_SESSION_NAME", "pod");
    web_route();
    assert_string_equal(key(), "ASIAWEB");
    const struct fake_request *sts = fake_transport_request(&f.transport, 0);
    assert_null(fake_request_header(sts, "Authorization"));
    assert_non_null(strstr(sts->body, "WebIdentityToken=token-1&") ||
                            text_ends(sts->body, "WebIdentityToken=token-1")
                        ? sts->body
                        : NULL);
    assert_non_null(strstr(sts->body, "RoleSessionName=pod"));
    /* The file is read again for a refresh. */
    fixture_file(&f, "token", "token-2");
    fake_clock_advance(&f.clock, 55 * 60 * 1000);
    fake_transport_answer(&f.transport, 200, NULL,
                          fixture_role_answer(&f, "AssumeRoleWithWebIdentity", "ASIA2", 3600));
    assert_string_equal(key_of(session), "ASIA2");
    assert_non_null(strstr(fake_transport_request(&f.transport, 2)->body, "token-2"));
}

static void test_web_identity_of_a_profile(void **state)
{
    (void)state;
    const char *token = fixture_file(&f, "token", "token-1");
    config(arena_printf(&f.arena,
                        "[profile w]\nrole_arn = arn:aws:iam::222222222222:role/web\n"
                        "web_identity_token_file = %s\n"
                        "[profile top]\nrole_arn = arn:aws:iam::333333333333:role/top\n"
                        "source_profile = w\n"
                        "[profile lone]\nweb_identity_token_file = %s\n",
                        token, token));
    web_route();
    role_route("Action=AssumeRole&", "ASIATOP", 3600);
    assert_string_equal(key_as("w"), "ASIAWEB");
    assert_string_equal(key_as("top"), "ASIATOP");
    assert_string_equal(key_as("lone"), "INVALID");
    /* Variables do not count for a chosen profile. */
    fixture_set(&f, "AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/other");
    assert_string_equal(key_as("lone"), "INVALID");
}

static void test_web_identity_refused(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/web");
    fixture_set(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
    assert_string_equal(key(), "IO");
    fixture_set(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", fixture_file(&f, "token", "\n"));
    assert_string_equal(key(), "INVALID");
    fixture_file(&f, "token", "token-1");
    fake_transport_route(&f.transport, "//sts.", 400, NULL,
                         "<ErrorResponse><Error><Code>InvalidIdentityToken</Code>"
                         "<Message>token-1 is no good</Message></Error></ErrorResponse>");
    assert_string_equal(key(), "DENIED");
    assert_message("***");
}

/* --- credential_process ----------------------------------------------------------------------- */

static const char *process(const char *command)
{
    config(arena_printf(&f.arena, "[profile p]\ncredential_process = %s\n", command));
    return key_as("p");
}

static void test_process(void **state)
{
    (void)state;
    assert_string_equal(
        process(
            "/bin/echo '{\"Version\":1,\"AccessKeyId\":\"PROC\",\"SecretAccessKey\":\"planted\","
            "\"SessionToken\":\"token-1\",\"Expiration\":\"2023-11-14T23:13:20Z\"}'"),
        "PROC");
    assert_string_equal(fake_request_header(last(), "X-Amz-Security-Token"), "token-1");
    static const struct {
        const char *command, *code, *words;
    } rows[] = {
        {"/bin/echo '{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"planted\"}'",
         "INVALID", "\"Version\": 1"},
        {"/bin/echo '{\"Version\":1,\"AccessKeyId\":\"A\"}'", "INVALID",
         "profile p: credential_process: credentials of the"},
        {"/bin/echo planted", "INVALID", "output of credential_process"},
        {"/bin/false", "IO", "/bin/false ended with status 1"},
        {"/nonexistent/program", "IO", "cannot run /nonexistent/program"},
        {"/bin/echo 'open", "INVALID", "a quote or backslash is open"},
        {"/bin/echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"planted\","
         "\"Expiration\":\"2023-11-14T22:00:00Z\"}'",
         "DENIED", "expired"},
        {"/usr/bin/head -c 70000 /dev/zero", "LIMIT", "prints more than 65536 bytes"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(process(rows[i].command), rows[i].code);
        assert_message(rows[i].words);
    }
}

/* --- containers ------------------------------------------------------------------------------- */

#define ECS_ANSWER                                                                                 \
    "{\"AccessKeyId\":\"ASIAECS\",\"SecretAccessKey\":\"planted\",\"Token\":\"token-ecs\","        \
    "\"Expiration\":\"2023-11-15T04:13:20Z\"}"

static void test_container(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/creds?id=1");
    fake_transport_answer(&f.transport, 200, NULL, ECS_ANSWER);
    assert_string_equal(key(), "ASIAECS");
    const struct fake_request *asked = fake_transport_request(&f.transport, 0);
    assert_string_equal(asked->method, "GET");
    assert_string_equal(asked->url, "http://169.254.170.2/v2/creds?id=1");
    assert_null(fake_request_header(asked, "Authorization"));
    assert_string_equal(fake_request_header(last(), "X-Amz-Security-Token"), "token-ecs");

    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/");
    assert_string_equal(key(), "INVALID");
}

static void test_container_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool allowed;
    } rows[] = {
        {"http://127.0.0.1:1/c", true},
        {"http://127.9.9.9/c", true},
        {"http://localhost/c", true},
        {"http://[::1]/c", true},
        {"http://169.254.170.2/c", true},
        {"http://169.254.170.23/v1/credentials", true},
        {"http://[fd00:ec2::23]/c", true},
        {"https://creds.example.com/c", true},
        {"http://creds.example.com/c", false},
        {"http://169.254.169.254/c", false},
        {"http://169.254.170.2.evil/c", false},
        {"http://128.0.0.1/c", false},
        {"http://127.0.0.1@evil.example/", false},
        {"file:///etc/passwd", false},
        {"http://localhost.evil.example/", false},
    };
    fake_transport_route(&f.transport, "GET ", 200, NULL, ECS_ANSWER);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", rows[i].url);
        unsigned before = f.transport.count;
        const char *got = key();
        if (strcmp(got, rows[i].allowed ? "ASIAECS" : "INVALID") != 0)
            fail_msg("%s: %s", rows[i].url, got);
        assert_int_equal(f.transport.count - before, rows[i].allowed ? 2 : 0);
    }
}

static void test_container_token(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    fixture_set(&f, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-env");
    fake_transport_route(&f.transport, "GET ", 200, NULL, ECS_ANSWER);
    assert_string_equal(key(), "ASIAECS");
    assert_string_equal(fake_request_header(fake_transport_request(&f.transport, 0),
                                            "Authorization"),
                        "token-env");
    /* The file wins, and is read each time. */
    fixture_set(&f, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                fixture_file(&f, "token", "token-file"));
    assert_string_equal(key(), "ASIAECS");
    assert_string_equal(fake_request_header(fake_transport_request(&f.transport, 2),
                                            "Authorization"),
                        "token-file");
    fixture_file(&f, "token", "token-newer");
    fake_clock_advance(&f.clock, 6 * 3600 * 1000 - 60 * 1000);
    assert_string_equal(key_of(session), "ASIAECS");
    assert_string_equal(fake_request_header(fake_transport_request(&f.transport, 4),
                                            "Authorization"),
                        "token-newer");

    unsigned before = f.transport.count;
    fixture_file(&f, "token", "token-file\r\nX-Evil: 1");
    assert_string_equal(key(), "INVALID");
    fixture_file(&f, "token", "token-file\n");
    assert_string_equal(key(), "INVALID");
    unlink(arena_printf(&f.arena, "%s/token", f.folder));
    assert_string_equal(key(), "IO");
    assert_int_equal(f.transport.count, before);
}

static void test_container_failures(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
    fake_transport_answer(&f.transport, 500, NULL, "planted");
    fake_transport_fail(&f.transport, ERR_TIMEOUT);
    fake_transport_answer(&f.transport, 200, NULL, ECS_ANSWER);
    assert_string_equal(key(), "ASIAECS");
    assert_int_equal(f.clock.sleeps, 2);
    for (int i = 0; i < 3; i++)
        fake_transport_fail(&f.transport, ERR_TIMEOUT);
    assert_string_equal(key(), "UNAVAILABLE"); /* not TIMEOUT: nothing took effect */
    fake_transport_answer(&f.transport, 404, NULL, "planted");
    assert_string_equal(key(), "DENIED");
    fake_transport_answer(&f.transport, 200, NULL, "{\"planted\":");
    assert_string_equal(key(), "INVALID");
    fake_transport_answer(&f.transport, 200, NULL, "[1]");
    assert_string_equal(key(), "INVALID");
}

/* --- instance metadata ------------------------------------------------------------------------ */

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";

static const char *imds_answer(int64_t life_s)
{
    char expires[CLOCK_TEXT_SIZE];
    clock_format_iso(f.clock.now_ms + life_s * 1000, expires);
    return arena_printf(&f.arena,
                        "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAEC2\",\"SecretAccessKey\":"
                        "\"planted\",\"Token\":\"token-ec2\",\"Expiration\":\"%s\"}",
                        expires);
}

static void imds(const char *name, const char *value)
{
    fixture_set(&f, "AWS_EC2_METADATA_DISABLED", "");
    if (name)
        fixture_set(&f, name, value);
}

static void imds_roles(int64_t life_s)
{
    fake_transport_route(&f.transport, arena_printf(&f.arena, "%sthe-role", role_path), 200, NULL,
                         imds_answer(life_s));
    fake_transport_route(&f.transport, role_path, 200, NULL, "the-role\n");
}

static void test_imds(void **state)
{
    (void)state;
    imds(NULL, NULL);
    fake_transport_route(&f.transport, "PUT ", 200, NULL, "imds-token");
    imds_roles(3600);
    assert_string_equal(key(), "ASIAEC2");
    const struct fake_request *put = fake_transport_request(&f.transport, 0);
    assert_string_equal(put->url, "http://169.254.169.254/latest/api/token");
    assert_string_equal(fake_request_header(put, "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
    assert_int_equal(put->timeout_ms, 1000);
    for (unsigned i = 1; i <= 2; i++)
        assert_string_equal(fake_request_header(fake_transport_request(&f.transport, i),
                                                "x-aws-ec2-metadata-token"),
                            "imds-token");
    assert_string_equal(fake_request_header(last(), "X-Amz-Security-Token"), "token-ec2");

    imds("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    assert_string_equal(key(), "ASIAEC2");
    assert_string_equal(fake_transport_request(&f.transport, 4)->url,
                        "http://[fd00:ec2::254]/latest/api/token");
    imds("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
    imds("AWS_METADATA_SERVICE_TIMEOUT", "3");
    assert_string_equal(key(), "ASIAEC2");
    put = fake_transport_request(&f.transport, 8);
    assert_string_equal(put->url, "http://127.0.0.1:1338/latest/api/token");
    assert_int_equal(put->timeout_ms, 3000);
    imds("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipx");
    assert_string_equal(key(), "INVALID");
}

static void test_imds_version_1(void **state)
{
    (void)state;
    static const int statuses[] = {403, 404, 405};
    imds(NULL, NULL);
    imds_roles(3600);
    for (size_t i = 0; i < COUNT(statuses); i++) {
        fake_transport_answer(&f.transport, statuses[i], NULL, "");
        assert_string_equal(key(), "ASIAEC2");
        assert_null(fake_request_header(fake_transport_request(&f.transport, f.transport.count - 2),
                                        "x-aws-ec2-metadata-token"));
    }
    /* In a container the answer to PUT may not come through. */
    imds("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2");
    fake_transport_fail(&f.transport, ERR_TIMEOUT); /* once: every try costs a second */
    assert_string_equal(key(), "ASIAEC2");
    fake_transport_answer(&f.transport, 400, NULL, "");
    assert_string_equal(key(), "INVALID");
    imds("AWS_EC2_METADATA_V1_DISABLED", "true");
    fake_transport_answer(&f.transport, 404, NULL, "");
    assert_string_equal(key(), "DENIED");
    assert_message("no credentials found");
}

static void test_not_on_ec2(void **state)
{
    (void)state;
    imds("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2");
    fake_transport_route_fail(&f.transport, "PUT ", ERR_UNAVAILABLE);
    assert_string_equal(key(), "DENIED");
    assert_message("no credentials found");
    assert_int_equal(f.transport.count, 2);
    fixture_set(&f, "AWS_EC2_METADATA_DISABLED", "TRUE");
    assert_string_equal(key(), "DENIED");
    assert_int_equal(f.transport.count, 2);
}

static void test_imds_without_a_role(void **state)
{
    (void)state;
    imds(NULL, NULL);
    fake_transport_route(&f.transport, "PUT ", 200, NULL, "imds-token");
    fake_transport_route(&f.transport, "GET ", 404, NULL, "");
    assert_string_equal(key(), "DENIED");
    assert_message("no credentials found");
}

static void test_imds_failure_text(void **state)
{
    (void)state;
    imds(NULL, NULL);
    fake_transport_route(&f.transport, "PUT ", 200, NULL, "imds-token");
    fake_transport_route(&f.transport, "/the-role", 200, NULL,
                         "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot\"}");
    fake_transport_route(&f.transport, "GET ", 200, NULL, "the-role");
    assert_string_equal(key(), "DENIED");
    assert_message("AssumeRoleUnauthorizedAccess: EC2 cannot");
}

/* What the service failed to renew is used on, and asked for again after 10 + 2..10 minutes. */
static void test_imds_expired(void **state)
{
    (void)state;
    imds(NULL, NULL);
    fake_transport_route(&f.transport, "PUT ", 200, NULL, "imds-token");
    imds_roles(-3600);
    assert_string_equal(key(), "ASIAEC2");
    unsigned before = f.transport.count;
    assert_string_equal(key_of(session), "ASIAEC2");
    assert_int_equal(f.transport.count - before, 1);
    fake_clock_advance(&f.clock, 20 * 60 * 1000);
    before = f.transport.count;
    assert_string_equal(key_of(session), "ASIAEC2");
    assert_int_equal(f.transport.count - before, 4);
}

/* --- the chain -------------------------------------------------------------------------------- */

static void test_order(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
    fake_transport_route(&f.transport, "169.254.170.2", 200, NULL, ECS_ANSWER);
    web_route();
    assert_string_equal(key(), "ASIAECS");
    config("[default]\naws_access_key_id=CONFIG\naws_secret_access_key=planted\n");
    assert_string_equal(key(), "CONFIG");
    config("[default]\naws_access_key_id=CONFIG\naws_secret_access_key=planted\n"
           "credential_process = /bin/echo {\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"PROC\\\","
           "\\\"SecretAccessKey\\\":\\\"planted\\\"}\n");
    assert_string_equal(key(), "PROC");
    credentials("[default]\naws_access_key_id=FILE\naws_secret_access_key=planted\n");
    assert_string_equal(key(), "FILE");
    fixture_set(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", fixture_file(&f, "token", "token-1"));
    fixture_set(&f, "AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/web");
    assert_string_equal(key(), "ASIAWEB");
    config("[default]\nrole_arn=arn:aws:iam::222222222222:role/r\nsource_profile=default\n");
    role_route("Action=AssumeRole&", "ASIAROLE", 3600);
    assert_string_equal(key(), "ASIAROLE");
    fixture_set_keys(&f);
    assert_string_equal(key(), "AKIDEXAMPLE");
}

/* A refresh asks the source that answered at first, whatever appeared before it meanwhile. */
static void test_the_source_is_kept(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
    imds(NULL, NULL);
    fake_transport_answer(&f.transport, 200, NULL, ECS_ANSWER);
    fake_transport_route(&f.transport, "PUT ", 200, NULL, "imds-token");
    imds_roles(3600);
    assert_string_equal(key(), "ASIAECS");
    fake_clock_advance(&f.clock, 6 * 3600 * 1000);
    for (int i = 0; i < 3; i++)
        fake_transport_answer(&f.transport, 500, NULL, "");
    assert_string_equal(key_of(session), "UNAVAILABLE"); /* not ASIAEC2 */
}

/* So the error is that source's, not "no credentials found" with a list of places. */
static void test_the_source_tells_what_is_wrong(void **state)
{
    (void)state;
    imds(NULL, NULL);
    fake_transport_answer(&f.transport, 200, NULL, "imds-token");
    imds_roles(3600);
    fake_transport_route_fail(&f.transport, "PUT ", ERR_UNAVAILABLE);
    assert_string_equal(key(), "ASIAEC2");
    fake_clock_advance(&f.clock, 55 * 60 * 1000);
    assert_string_equal(key_of(session), "DENIED");
    assert_message("there is no instance metadata service here");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_environment),
        CASE(test_half_an_environment),
        CASE(test_environment_that_expires),
        CASE(test_files),
        CASE(test_sso_is_refused),
        CASE(test_role_of_a_profile),
        CASE(test_role_without_a_region),
        CASE(test_legacy_sts),
        CASE(test_roles_in_a_row),
        CASE(test_source_with_keys_and_role),
        CASE(test_roles_refused),
        CASE(test_credential_source),
        CASE(test_role_is_denied),
        CASE(test_role_is_refreshed),
        CASE(test_roles_are_chained),
        CASE(test_web_identity),
        CASE(test_web_identity_of_a_profile),
        CASE(test_web_identity_refused),
        CASE(test_process),
        CASE(test_container),
        CASE(test_container_urls),
        CASE(test_container_token),
        CASE(test_container_failures),
        CASE(test_imds),
        CASE(test_imds_version_1),
        CASE(test_not_on_ec2),
        CASE(test_imds_without_a_role),
        CASE(test_imds_failure_text),
        CASE(test_imds_expired),
        CASE(test_order),
        CASE(test_the_source_is_kept),
        CASE(test_the_source_tells_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
