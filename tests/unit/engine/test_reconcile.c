/* A reconciler against a scripted AWS: many names and destinations at once, on several workers. */
#include "engine/reconcile.h"

#include "base/json.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

enum { NAMES = 40, COPIES = 3 };

static struct arena arena;
static struct fake_transport transport;
static struct fake_clock clock_;
static const char *const regions[COPIES] = {"eu-west-1", "us-east-1", "eu-central-1"};
static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
                                          "AWS_SECRET_ACCESS_KEY=secret", NULL};

static void route(const char *words, const char *body)
{
    fake_transport_route(&transport, words, 200, NULL, body);
}

static const char *rows(const char *format)
{
    struct buf text;
    buf_init(&text, 64 * 1024);
    for (int i = 0; i < NAMES; i++) {
        buf_printf(&text, "%s{\"Name\":\"/n%d\",", i ? "," : "", i);
        buf_printf(&text, "%s", format);
    }
    const char *list = arena_strdup(&arena, buf_text(&text));
    buf_done(&text);
    return list;
}

static int setup(void **state)
{
    (void)state;
    json_setup();
    arena_init(&arena);
    fake_transport_init(&transport);
    fake_clock_init(&clock_, 1700000000000);
    fake_transport_route(
        &transport, "https://sts.", 200, "Content-Type: text/xml",
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/u"
        "</Arn><UserId>u</UserId><Account>111111111111</Account></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_transport_done(&transport);
    arena_done(&arena);
    return 0;
}

static unsigned count_of(const char *operation)
{
    unsigned count = 0;
    for (unsigned i = 0; i < transport.count; i++) {
        const struct fake_request *request = fake_transport_request(&transport, i);
        const char *target = fake_request_header(request, "X-Amz-Target");
        count += (target && strstr(target, operation)) || strstr(request->body, operation);
    }
    return count;
}

static struct reconciler *open_one(const struct config_set *set)
{
    struct reconciler *reconciler = NULL;
    struct error err = {0};
    const struct reconcile_options options = {
        .transport = &transport.transport,
        .clock = &clock_.clock,
        .environment = environment,
        .concurrency = 4,
        .no_wait = true,
    };
    if (reconciler_open(set, &options, &reconciler, &err) != 0)
        fail_msg("%s", err.message);
    return reconciler;
}

static struct config replication(struct config_side sides[COPIES])
{
    for (int i = 0; i < COPIES; i++)
        sides[i] = (struct config_side){.region = regions[i]};
    return (struct config){.source = {.region = "ap-south-1"},
                           .destinations = sides,
                           .destination_count = COPIES};
}

static void describe_rows(void)
{
    route("ssm.ap-south-1.amazonaws.com/\n{\"MaxResults\":50",
          arena_printf(&arena, "{\"Parameters\":[%s]}",
                       rows("\"Type\":\"String\",\"Version\":1,\"LastModifiedDate\":1690000000}")));
    route("\n{\"MaxResults\":50", "{\"Parameters\":[]}");
    route("\n{\"ResourceType\":", "{\"TagList\":[{\"Key\":\"a\",\"Value\":\"b\"}]}");
    route("ssm.ap-south-1.amazonaws.com/\n{\"Names\":",
          arena_printf(&arena, "{\"Parameters\":[%s],\"InvalidParameters\":[]}",
                       rows("\"Value\":\"v\",\"Version\":1}")));
    route("\n{\"Name\":", "{\"Version\":1,\"Tier\":\"Standard\"}");
}

static void hint_all(struct reconciler *reconciler, struct hint_result *results, struct tally *sum)
{
    struct error err = {0};
    struct hint hints[2 * NAMES];
    for (int i = 0; i < 2 * NAMES; i++) /* each twice, in two spellings */
        hints[i] =
            (struct hint){.region = "ap-south-1",
                          .name = arena_printf(&arena, i < NAMES ? "/n%d" : "n%d", i % NAMES),
                          .at_ms = 1699999999000};
    if (reconcile_hints(reconciler, &arena, hints, 2 * NAMES, results, sum, &err) != 0)
        fail_msg("%s", err.message);
}

static void many_names_and_destinations_go_side_by_side(void **state)
{
    (void)state;
    struct config_side sides[COPIES];
    struct config config = replication(sides);
    struct config_set set = {&config, 1};
    struct hint_result results[2 * NAMES];
    struct tally sum;
    struct error err = {0};
    assert_int_equal(config_check_set(&arena, &set, &err), 0);
    describe_rows();
    struct reconciler *reconciler = open_one(&set);
    hint_all(reconciler, results, &sum);
    for (int i = 0; i < 2 * NAMES; i++) {
        assert_int_equal(results[i].outcome, HINT_APPLIED);
        assert_int_equal(results[i].writes, COPIES);
        assert_int_equal(results[i].lag_ms, 1000);
    }
    assert_int_equal(sum.applied, NAMES * COPIES);
    assert_int_equal(count_of("PutParameter"), NAMES * COPIES);
    assert_int_equal(count_of("ListTagsForResource"), NAMES); /* the source's, once */
    assert_int_equal(count_of("AmazonSSM.GetParameters"), NAMES / 10);
    assert_int_equal(count_of("Action=GetCallerIdentity"), 1);
    reconciler_close(reconciler);
}

static void one_identity_is_asked_for_once_whatever_replications_there_are(void **state)
{
    (void)state;
    struct config_side sides[COPIES];
    struct config configs[2] = {replication(sides), replication(sides)};
    struct config_set set = {configs, 2};
    struct hint_result results[2 * NAMES];
    struct error err = {0};
    struct tally sum;
    static const char *first[] = {"/n1*"}, *second[] = {"/n2*"};
    configs[0].include = first;
    configs[1].include = second;
    configs[0].include_count = configs[1].include_count = 1;
    assert_int_equal(config_check_set(&arena, &set, &err), 0);
    describe_rows();
    struct reconciler *reconciler = open_one(&set);
    hint_all(reconciler, results, &sum);
    assert_int_equal(results[1].outcome, HINT_APPLIED);
    assert_int_equal(results[2].outcome, HINT_APPLIED);
    assert_int_equal(results[3].outcome, HINT_IGNORED);
    assert_int_equal(sum.applied, 2 * 11 * COPIES);
    assert_int_equal(count_of("Action=GetCallerIdentity"), 1);
    reconciler_close(reconciler);
}

static void a_dry_run_tells_and_does_not_write(void **state)
{
    (void)state;
    struct config_side sides[COPIES];
    struct config config = replication(sides);
    struct config_set set = {&config, 1};
    struct error err = {0};
    struct hint_result result;
    const struct hint hint = {.region = "ap-south-1", .name = "/n1"};
    struct reconciler *reconciler = NULL;
    const struct reconcile_options options = {.transport = &transport.transport,
                                              .clock = &clock_.clock,
                                              .environment = environment,
                                              .no_wait = true,
                                              .dry_run = true};
    assert_int_equal(config_check_set(&arena, &set, &err), 0);
    describe_rows();
    assert_int_equal(reconciler_open(&set, &options, &reconciler, &err), 0);
    assert_int_equal(reconcile_hints(reconciler, &arena, &hint, 1, &result, NULL, &err), 0);
    assert_int_equal(result.outcome, HINT_IGNORED);
    assert_non_null(strstr(result.why, "dry run: to be written in"));
    assert_int_equal(count_of("PutParameter"), 0);
    reconciler_close(reconciler);
}

static void what_cannot_be_asked_is_a_failure_of_each_name(void **state)
{
    (void)state;
    struct config_side sides[COPIES];
    struct config config = replication(sides);
    struct config_set set = {&config, 1};
    struct hint_result results[2 * NAMES];
    struct tally sum;
    struct error err = {0};
    assert_int_equal(config_check_set(&arena, &set, &err), 0);
    fake_transport_route(&transport, "ssm.ap-south-1", 400, NULL,
                         "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
    describe_rows(); /* the others answer */
    struct reconciler *reconciler = open_one(&set);
    hint_all(reconciler, results, &sum);
    for (int i = 0; i < 2 * NAMES; i++) {
        assert_int_equal(results[i].outcome, HINT_FAILED);
        assert_int_equal(results[i].error.code, ERR_DENIED);
    }
    assert_int_equal(count_of("PutParameter"), 0);
    reconciler_close(reconciler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_names_and_destinations_go_side_by_side, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            one_identity_is_asked_for_once_whatever_replications_there_are, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dry_run_tells_and_does_not_write, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_asked_is_a_failure_of_each_name, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
