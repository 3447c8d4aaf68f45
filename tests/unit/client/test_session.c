#include "client/session.h"

#include "base/workers.h"
#include "client/rate_limit.h"
#include "client/sts.h"
#include "fixture.h"
#include "support/test.h"

#include <stdatomic.h>

static struct fixture f;
static struct session *session;

static int setup(void **state)
{
    (void)state;
    session = NULL;
    fixture_init(&f);
    fixture_set_keys(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    session_free(session);
    fixture_done(&f);
    return 0;
}

static void test_region(void **state)
{
    (void)state;
    fixture_file(&f, "config", "[default]\nregion = sa-east-1\n");
    fixture_set(&f, "AWS_DEFAULT_REGION", "eu-north-1");
    session = fixture_try(&f, (struct session_options){.region = "ap-south-1"});
    assert_string_equal(session_region(session), "ap-south-1");
    session_free(session);
    session = fixture_session(&f);
    assert_string_equal(session_region(session), "eu-west-1"); /* AWS_REGION */
    session_free(session);
    fixture_set(&f, "AWS_REGION", "");
    session = fixture_session(&f);
    assert_string_equal(session_region(session), "eu-north-1");
    session_free(session);
    fixture_set(&f, "AWS_DEFAULT_REGION", "");
    session = fixture_session(&f);
    assert_string_equal(session_region(session), "sa-east-1");
    session_free(session);
    fixture_file(&f, "config", "");
    session = fixture_session(&f);
    assert_null(session_region(session));
    assert_null(session_client(session, &fixture_service, NULL, true, &f.err));
    assert_int_equal(f.err.code, ERR_INVALID);
    assert_non_null(strstr(f.err.message, "no Region is configured"));
}

static void test_clients_are_kept(void **state)
{
    (void)state;
    session = fixture_session(&f);
    struct aws_client *first = session_client(session, &fixture_service, "eu-west-1", true, NULL);
    assert_ptr_equal(session_client(session, &fixture_service, "eu-west-1", true, NULL), first);
    assert_ptr_equal(session_client(session, &fixture_service, NULL, true, NULL), first);
    assert_ptr_not_equal(session_client(session, &fixture_service, "eu-west-1", false, NULL),
                         first);
    assert_ptr_not_equal(session_client(session, &fixture_service, "eu-west-2", true, NULL), first);
    assert_ptr_not_equal(session_client(session, &sts_service, "eu-west-1", true, NULL), first);
}

static void test_variants(void **state)
{
    (void)state;
    fixture_set(&f, "AWS_USE_FIPS_ENDPOINT", "true");
    fixture_file(&f, "config", "[default]\nuse_dualstack_endpoint = True\n");
    session = fixture_session(&f);
    struct aws_client *client = session_client(session, &fixture_service, "us-east-1", true, NULL);
    assert_string_equal(aws_client_endpoint(client), "https://ssm-fips.us-east-1.api.aws");
    fixture_set(&f, "AWS_USE_FIPS_ENDPOINT", "perhaps");
    session_free(session);
    session = fixture_session(&f);
    assert_null(session_client(session, &fixture_service, "us-east-1", true, &f.err));
    assert_non_null(strstr(f.err.message, "AWS_USE_FIPS_ENDPOINT must be true or false"));
}

static void test_services_section_that_is_missing(void **state)
{
    (void)state;
    fixture_file(&f, "config", "[default]\nservices = nowhere\n");
    session = fixture_session(&f);
    assert_null(session_client(session, &fixture_service, "us-east-1", true, &f.err));
    assert_int_equal(f.err.code, ERR_INVALID);
    assert_non_null(strstr(f.err.message, "[services nowhere]"));
}

/* Names of two words: a space becomes '_' in both places. */
static void test_service_words(void **state)
{
    (void)state;
    static const struct aws_service secrets = {.name = "secrets manager",
                                               .signing_name = "secretsmanager",
                                               .host_label = "secretsmanager"};
    fixture_file(&f, "config",
                 "[default]\nservices = x\n[services x]\nsecrets_manager =\n"
                 "  endpoint_url = http://localhost:1\n");
    session = fixture_session(&f);
    struct aws_client *client = session_client(session, &secrets, "us-east-1", true, NULL);
    assert_string_equal(aws_client_endpoint(client), "http://localhost:1");
    session_free(session);
    fixture_set(&f, "AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:2");
    session = fixture_session(&f);
    client = session_client(session, &secrets, "us-east-1", true, NULL);
    assert_string_equal(aws_client_endpoint(client), "http://localhost:2");
}

/* Which CA bundle the real transport is given: seen in the error about one that is not there. */
static void bundle_is(const char *option, const char *want)
{
    const struct session_options options = {.ca_bundle = option, .environment = f.environment};
    session_free(session_new(&options, &f.err)); /* NULL */
    assert_int_equal(f.err.code, ERR_IO);
    if (!strstr(f.err.message, want))
        fail_msg("\"%s\" is not in: %s", want, f.err.message);
}

static void test_ca_bundle(void **state)
{
    (void)state;
    fixture_file(&f, "config", "[default]\nca_bundle = /nonexistent/of-profile.pem\n");
    bundle_is(NULL, "/nonexistent/of-profile.pem");
    fixture_set(&f, "AWS_CA_BUNDLE", "/nonexistent/of-environment.pem");
    bundle_is(NULL, "/nonexistent/of-environment.pem");
    bundle_is("/nonexistent/of-option.pem", "/nonexistent/of-option.pem");
}

#define IDENTITY                                                                                   \
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111</Account>"          \
    "<Arn>arn:aws:iam::111111111111:user/u</Arn><UserId>AIDA</UserId></GetCallerIdentityResult>"   \
    "</GetCallerIdentityResponse>"

static void test_account(void **state)
{
    (void)state;
    char account[13];
    session = fixture_session(&f);
    fake_transport_answer(&f.transport, 403, NULL,
                          "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>bad"
                          "</Message></Error></ErrorResponse>");
    assert_int_equal(session_account(session, "us-east-1", account, &f.err), -1);
    assert_int_equal(f.err.code, ERR_DENIED);
    fake_transport_answer(&f.transport, 200, NULL, IDENTITY);
    assert_int_equal(session_account(session, "us-east-1", account, &f.err), 0);
    assert_string_equal(account, "111111111111");
    assert_int_equal(session_account(session, "eu-west-1", account, &f.err), 0);
    assert_int_equal(f.transport.count, 2); /* remembered */
    const struct fake_request *sent = fake_transport_request(&f.transport, 1);
    assert_string_equal(sent->url, "https://sts.us-east-1.amazonaws.com/");
    assert_string_equal(sent->body, "Action=GetCallerIdentity&Version=2011-06-15");
}

static void test_account_that_is_none(void **state)
{
    (void)state;
    char account[13];
    session = fixture_session(&f);
    fake_transport_answer(&f.transport, 200, NULL,
                          "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account>"
                          "</GetCallerIdentityResult></GetCallerIdentityResponse>");
    assert_int_equal(session_account(session, NULL, account, &f.err), -1);
    assert_int_equal(f.err.code, ERR_UNAVAILABLE);
}

/* Two sessions of one account with one limiter keep to one quota. */
static void test_shared_limiter(void **state)
{
    (void)state;
    struct rate_limiter *limiter = rate_limiter_new(&f.clock.clock, false);
    fixture_set(&f, "AWS_ACCOUNT_ID", "111111111111");
    fake_transport_route(&f.transport, "POST", 200, NULL, "{}");
    for (int i = 0; i < 2; i++) {
        struct session *one = fixture_try(&f, (struct session_options){.limiter = limiter});
        struct aws_client *client =
            session_client(one, &fixture_service, "eu-west-1", false, &f.err);
        for (int n = 0; n < 2; n++)
            assert_int_equal(aws_call(client, &f.arena, &fixture_write, NULL, NULL, &f.err), 0);
        session_free(one);
    }
    assert_in_range(f.clock.slept_ms, 990, 1010); /* 4 calls at 3 a second */
    rate_limiter_free(limiter);
}

/* --- many threads ----------------------------------------------------------------------------- */

static atomic_uint failures;

static void call_some(void *arg, unsigned worker)
{
    static const char *const regions[] = {"eu-west-1", "us-east-1"};
    struct arena arena;
    struct error err;
    char account[13];
    (void)arg;
    arena_init(&arena);
    for (unsigned i = 0; i < 20; i++) {
        struct aws_client *client =
            session_client(session, &fixture_service, regions[(worker + i) % 2], true, &err);
        if (!client || aws_call(client, &arena, &fixture_read, NULL, NULL, &err) != 0 ||
            session_account(session, "us-east-1", account, &err) != 0)
            failures++;
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void test_threads(void **state)
{
    (void)state;
    struct error err;
    struct workers *workers = workers_new(4, &err);
    const struct session_role role = {.arn = "arn:aws:iam::222222222222:role/r"};
    const struct session_options options = {.transport = &f.transport.transport,
                                            .environment = f.environment,
                                            .roles = &role,
                                            .role_count = 1,
                                            .no_wait = true};
    fake_transport_route(&f.transport, "//ssm.", 200, NULL, "{}");
    fake_transport_route(&f.transport, "Action=GetCallerIdentity", 200, NULL, IDENTITY);
    /* The system's clock here: the fake ones belong to one thread. */
    f.clock.now_ms = clock_system()->now_ms(clock_system());
    fake_transport_route(&f.transport, "Action=AssumeRole", 200, NULL,
                         fixture_role_answer(&f, "AssumeRole", "ASIA1", 3600));
    session = session_new(&options, &f.err);
    assert_non_null(session);
    for (int i = 0; i < 4; i++)
        workers_run(workers, call_some, NULL);
    workers_free(workers);
    assert_int_equal(failures, 0);
    unsigned roles = 0;
    for (unsigned i = 0; i < f.transport.count; i++)
        roles += strstr(fake_transport_request(&f.transport, i)->body, "AssumeRole") != NULL;
    assert_int_equal(roles, 1);
    /* Every call is counted, that for credentials too. */
    struct aws_call_counts counts;
    session_counts(session, &counts);
    assert_int_equal(counts.calls, f.transport.count);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_region),         CASE(test_clients_are_kept),
        CASE(test_variants),       CASE(test_services_section_that_is_missing),
        CASE(test_service_words),  CASE(test_ca_bundle),
        CASE(test_account),        CASE(test_account_that_is_none),
        CASE(test_shared_limiter), CASE(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
