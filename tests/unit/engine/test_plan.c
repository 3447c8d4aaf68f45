/* Plans and applies against a scripted AWS: what is sent, what is refused, what is said. */
#include "engine/engine.h"
#include "engine/plan_file.h"
#include "engine/report.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/test.h"

#include "base/json.h"

#include <unistd.h>

static struct arena arena;
static struct fake_transport transport;
static struct fake_clock clock_;
static struct config_side destination = {.region = "eu-west-1"};
static struct config config;
static struct engine *engine;

static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
                                          "AWS_SECRET_ACCESS_KEY=secret", NULL};

static void open_engine(void)
{
    struct error err = {0};
    const struct engine_options options = {
        .concurrency = 1, /* in a fixed order */
        .transport = &transport.transport,
        .clock = &clock_.clock,
        .environment = environment,
        .no_wait = true,
    };
    if (engine_open(&config, &options, &engine, &err) != 0)
        fail_msg("%s", err.message);
}

static void route(const char *words, const char *body)
{
    fake_transport_route(&transport, words, 200, NULL, body);
}

/* Routes are told apart by the Region in the endpoint and by what stands in the body. */
#define SOURCE "ssm.ap-south-1"
#define COPY   "ssm.eu-west-1"

static int setup(void **state)
{
    static const char *none[] = {NULL};
    (void)state;
    json_setup();
    arena_init(&arena);
    fake_transport_init(&transport);
    fake_clock_init(&clock_, 1700000000000);
    config = (struct config){.source = {.region = "ap-south-1"},
                             .destinations = &destination,
                             .destination_count = 1,
                             .include = none,
                             .exclude = none,
                             .allow = none};
    fake_transport_route(
        &transport, "https://sts.", 200, "Content-Type: text/xml",
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/u"
        "</Arn><UserId>u</UserId><Account>111111111111</Account></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>");
    route("tagging.", "{\"ResourceTagMappingList\":[]}");
    open_engine();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    engine_close(engine);
    fake_transport_done(&transport);
    arena_done(&arena);
    return 0;
}

#define ROW(name, version)                                                                         \
    "{\"Name\":\"" name "\",\"Type\":\"SecureString\",\"Version\":" #version                       \
    ",\"LastModifiedDate\":1690000000.5,\"KeyId\":\"alias/aws/ssm\"}"
#define VALUE(name, version, value)                                                                \
    "{\"Name\":\"" name "\",\"Value\":\"" value "\",\"Version\":" #version "}"

static void list_both(const char *source_rows, const char *copy_rows)
{
    route(arena_printf(&arena, "%s.amazonaws.com/\n{\"MaxResults\":50", SOURCE),
          arena_printf(&arena, "{\"Parameters\":[%s]}", source_rows));
    route(arena_printf(&arena, "%s.amazonaws.com/\n{\"MaxResults\":50", COPY),
          arena_printf(&arena, "{\"Parameters\":[%s]}", copy_rows));
}

static void values_of(const char *side, const char *rows)
{
    route(arena_printf(&arena, "%s.amazonaws.com/\n{\"Names\":", side),
          arena_printf(&arena, "{\"Parameters\":[%s],\"InvalidParameters\":[]}", rows));
}

static struct tally planned(void)
{
    struct error err = {0};
    struct tally tally;
    if (plan_build(engine, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(engine_tally(engine, &tally, &err), 0);
    return tally;
}

static struct tally applied(void)
{
    struct error err = {0};
    struct tally tally;
    planned();
    if (plan_apply(engine, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(engine_tally(engine, &tally, &err), 0);
    return tally;
}

static unsigned count_of(const char *operation)
{
    unsigned count = 0;
    for (unsigned i = 0; i < transport.count; i++) {
        const char *target =
            fake_request_header(fake_transport_request(&transport, i), "X-Amz-Target");
        count += target && strstr(target, operation) != NULL;
    }
    return count;
}

static const struct step *step_of(const char *key)
{
    struct step *steps;
    size_t count;
    struct error err = {0};
    assert_int_equal(inventory_steps_of(engine->inventory, &arena, key, &steps, &count, &err), 0);
    assert_int_equal(count, 1);
    return &steps[0];
}

static void equal_pairs_cost_no_write(void **state)
{
    (void)state;
    list_both(ROW("/a", 3), ROW("a", 9));
    values_of(SOURCE, VALUE("/a", 3, "same"));
    values_of(COPY, VALUE("a", 9, "same"));
    struct tally tally = applied();
    assert_int_equal(tally.equal, 1);
    assert_int_equal(tally_exit_apply(&tally), EXIT_DONE);
    assert_int_equal(tally_exit_plan(&tally, EXIT_DRIFT), EXIT_DONE);
    assert_int_equal(count_of("PutParameter"), 0);
    assert_int_equal(count_of("Tags"), 0);
}

static void a_plan_makes_no_call_that_writes(void **state)
{
    (void)state;
    list_both(ROW("/a", 1) "," ROW("/b", 1), ROW("/b", 1));
    values_of(SOURCE, VALUE("/b", 1, "new"));
    values_of(COPY, VALUE("/b", 1, "old"));
    struct tally tally = planned();
    assert_int_equal(tally.create, 1);
    assert_int_equal(tally.update, 1);
    assert_int_equal(tally_exit_plan(&tally, EXIT_DRIFT), EXIT_DRIFT);
    assert_string_equal(step_of("b")->changes, "[\"value\"]");
    assert_int_equal(count_of("PutParameter"), 0);
}

static void the_value_is_compared_by_digest_and_never_kept(void **state)
{
    (void)state;
    char text[8192];
    struct error err = {0};
    list_both(ROW("/a", 1), ROW("/a", 1));
    values_of(SOURCE, VALUE("/a", 1, "hunter2"));
    values_of(COPY, VALUE("/a", 1, "hunter3"));
    planned();
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_int_equal(plan_write(engine, "plan", out, &err), 0);
    const struct report report = {.out = out};
    assert_int_equal(report_plan(&report, engine, &err), 0);
    fclose(out);
    assert_non_null(strstr(text, "\"changes\":[\"value\"]"));
    assert_null(strstr(text, "hunter"));
}

static void a_source_that_moved_since_the_plan_is_a_conflict(void **state)
{
    (void)state;
    list_both(ROW("/a", 1), "");
    values_of(SOURCE, VALUE("/a", 2, "newer"));
    struct tally tally = applied();
    assert_int_equal(tally.conflict, 1);
    assert_int_equal(count_of("PutParameter"), 0);
    assert_non_null(strstr(step_of("a")->reason, "version 1, now 2"));
    assert_int_equal(tally_exit_apply(&tally), EXIT_FAILED);
}

static void a_source_that_vanished_is_a_conflict(void **state)
{
    (void)state;
    list_both(ROW("/a", 1), "");
    values_of(SOURCE, "");
    struct tally tally = applied();
    assert_int_equal(tally.conflict, 1);
    assert_int_equal(count_of("PutParameter"), 0);
}

static void after_a_lost_answer_the_copy_is_compared_before_it_is_written_again(void **state)
{
    (void)state;
    list_both(ROW("/a", 1), "");
    values_of(SOURCE, VALUE("/a", 1, "v"));
    fake_transport_route_fail(&transport, "\"Value\":\"v\"", ERR_TIMEOUT);
    planned();
    route(COPY ".amazonaws.com/\n{\"ResourceType\"", "{\"TagList\":[]}");
    values_of(COPY, VALUE("/a", 1, "v"));
    struct error err = {0};
    struct tally tally;
    assert_int_equal(plan_apply(engine, &err), 0);
    assert_int_equal(engine_tally(engine, &tally, &err), 0);
    /* It is not there whenever it is looked for, so it is written again, three times in all. */
    assert_int_equal(count_of("PutParameter"), 3);
    assert_int_equal(tally.failed, 1);
    assert_int_equal(count_of("DescribeParameters"), 2 + 3);
}

static void when_the_lost_put_had_landed_it_is_not_repeated(void **state)
{
    (void)state;
    fake_transport_answer(&transport, 200, NULL, "{\"Parameters\":[" ROW("/a", 1) "]}");
    fake_transport_answer(&transport, 200, NULL, "{\"ResourceTagMappingList\":[]}");
    fake_transport_answer(&transport, 200, NULL, "{\"Parameters\":[]}");
    fake_transport_answer(&transport, 200, NULL, "{\"ResourceTagMappingList\":[]}");
    planned();
    values_of(SOURCE, VALUE("/a", 1, "v"));
    fake_transport_route_fail(&transport, "\"Value\":\"v\"", ERR_TIMEOUT);
    route(COPY ".amazonaws.com/\n{\"MaxResults\":50", "{\"Parameters\":[" ROW("/a", 1) "]}");
    route(COPY ".amazonaws.com/\n{\"ResourceType\"", "{\"TagList\":[]}");
    values_of(COPY, VALUE("/a", 1, "v"));
    struct error err = {0};
    struct tally tally;
    assert_int_equal(plan_apply(engine, &err), 0);
    assert_int_equal(engine_tally(engine, &tally, &err), 0);
    assert_int_equal(count_of("PutParameter"), 1);
    assert_int_equal(tally.applied, 1);
}

static void what_appeared_meanwhile_and_is_equal_is_done(void **state)
{
    (void)state;
    const char *exists = "{\"__type\":\"ParameterAlreadyExists\",\"message\":\"The parameter "
                         "already exists.\"}";
    fake_transport_answer(&transport, 200, NULL, "{\"Parameters\":[" ROW("/a", 1) "]}");
    fake_transport_answer(&transport, 200, NULL, "{\"ResourceTagMappingList\":[]}");
    fake_transport_answer(&transport, 200, NULL, "{\"Parameters\":[]}");
    fake_transport_answer(&transport, 200, NULL, "{\"ResourceTagMappingList\":[]}");
    planned();
    values_of(SOURCE, VALUE("/a", 1, "v"));
    fake_transport_route(&transport, "\"Value\":\"v\"", 400, NULL, exists);
    route(COPY ".amazonaws.com/\n{\"MaxResults\":50", "{\"Parameters\":[" ROW("/a", 5) "]}");
    route(COPY ".amazonaws.com/\n{\"ResourceType\"", "{\"TagList\":[]}");
    values_of(COPY, VALUE("/a", 5, "v"));
    struct error err = {0};
    struct tally tally;
    assert_int_equal(plan_apply(engine, &err), 0);
    assert_int_equal(engine_tally(engine, &tally, &err), 0);
    assert_int_equal(tally.applied, 1);
    assert_int_equal(count_of("PutParameter"), 1);
}

static void what_appeared_meanwhile_and_differs_is_a_conflict(void **state)
{
    (void)state;
    fake_transport_answer(&transport, 200, NULL, "{\"Parameters\":[" ROW("/a", 1) "]}");
    fake_transport_answer(&transport, 200, NULL, "{\"ResourceTagMappingList\":[]}");
    fake_transport_answer(&transport, 200, NULL, "{\"Parameters\":[]}");
    fake_transport_answer(&transport, 200, NULL, "{\"ResourceTagMappingList\":[]}");
    planned();
    values_of(SOURCE, VALUE("/a", 1, "v"));
    fake_transport_route(&transport, "\"Value\":\"v\"", 400, NULL,
                         "{\"__type\":\"ParameterAlreadyExists\"}");
    route(COPY ".amazonaws.com/\n{\"MaxResults\":50", "{\"Parameters\":[" ROW("/a", 5) "]}");
    route(COPY ".amazonaws.com/\n{\"ResourceType\"", "{\"TagList\":[]}");
    values_of(COPY, VALUE("/a", 5, "somebody's"));
    struct error err = {0};
    struct tally tally;
    assert_int_equal(plan_apply(engine, &err), 0);
    assert_int_equal(engine_tally(engine, &tally, &err), 0);
    assert_int_equal(tally.conflict, 1);
    assert_int_equal(count_of("PutParameter"), 1);
}

static void one_unreadable_value_does_not_hide_the_others(void **state)
{
    (void)state;
    list_both(ROW("/a", 1) "," ROW("/b", 1), "");
    fake_transport_route(&transport, "{\"Names\":[\"/a\",\"/b\"]", 400, NULL,
                         "{\"__type\":\"AccessDeniedException\",\"message\":\"no right\"}");
    fake_transport_route(&transport, "{\"Names\":[\"/a\"]", 400, NULL,
                         "{\"__type\":\"AccessDeniedException\",\"message\":\"no right\"}");
    route("{\"Names\":[\"/b\"]", "{\"Parameters\":[" VALUE("/b", 1, "v") "]}");
    route("\"Value\":\"v\"", "{\"Version\":1,\"Tier\":\"Standard\"}");
    struct tally tally = applied();
    assert_int_equal(tally.applied, 1);
    assert_int_equal(tally.failed, 1);
    assert_int_equal(tally_exit_apply(&tally), EXIT_PARTLY);
    assert_non_null(strstr(step_of("a")->reason, "no right"));
}

static void a_source_that_cannot_be_listed_ends_the_run(void **state)
{
    (void)state;
    struct error err = {0};
    fake_transport_route(&transport, SOURCE, 400, NULL,
                         "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
    route(COPY, "{\"Parameters\":[]}");
    assert_int_equal(plan_build(engine, &err), -1);
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.message, "ap-south-1"));
}

static void a_destination_that_cannot_be_listed_is_told(void **state)
{
    (void)state;
    char text[4096];
    struct error err = {0};
    fake_transport_route(&transport, COPY, 400, NULL,
                         "{\"__type\":\"AccessDeniedException\",\"message\":\"no right there\"}");
    route(SOURCE, "{\"Parameters\":[" ROW("/a", 1) "]}");
    struct tally tally = planned();
    assert_int_equal(tally.failed_destinations, 1);
    assert_int_equal(tally_exit_plan(&tally, EXIT_DONE), EXIT_FAILED);
    FILE *out = fmemopen(text, sizeof text, "w");
    const struct report report = {.out = out};
    assert_int_equal(report_plan(&report, engine, &err), 0);
    fclose(out);
    assert_non_null(strstr(text, "no right there"));
}

static void without_the_tagging_right_tags_are_read_one_by_one(void **state)
{
    (void)state;
    engine_close(engine);
    fake_transport_done(&transport);
    fake_transport_init(&transport);
    fake_transport_route(&transport, "tagging.", 400, NULL,
                         "{\"__type\":\"AccessDeniedException\",\"message\":\"tag:GetResources\"}");
    route("sts.", "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111"
                  "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
    open_engine();
    list_both(ROW("/a", 1), ROW("/a", 1));
    values_of(SOURCE, VALUE("/a", 1, "v"));
    values_of(COPY, VALUE("/a", 1, "v"));
    route(SOURCE ".amazonaws.com/\n{\"ResourceType\"",
          "{\"TagList\":[{\"Key\":\"team\",\"Value\":\"x\"}]}");
    route(COPY ".amazonaws.com/\n{\"ResourceType\"", "{\"TagList\":[]}");
    struct tally tally = planned();
    assert_int_equal(tally.update, 1);
    assert_string_equal(step_of("a")->changes, "[\"tags.team\"]");
    assert_true(engine->sides[0].tags_one_by_one);
    assert_int_equal(count_of("ListTagsForResource"), 2);
}

/* The tagging API's index may lag behind: a difference is asked for once more. */
static void tags_that_only_seem_to_differ_are_not_written(void **state)
{
    (void)state;
    engine_close(engine);
    fake_transport_done(&transport);
    fake_transport_init(&transport);
    route("sts.", "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111"
                  "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
    route("tagging.ap-south-1",
          "{\"ResourceTagMappingList\":[{\"ResourceARN\":\"arn:aws:ssm:ap-south-1:111111111111:"
          "parameter/a\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}]}");
    route("tagging.eu-west-1", "{\"ResourceTagMappingList\":[]}");
    open_engine();
    list_both(ROW("/a", 1), ROW("/a", 1));
    values_of(SOURCE, VALUE("/a", 1, "v"));
    values_of(COPY, VALUE("/a", 1, "v"));
    route("{\"ResourceType\"", "{\"TagList\":[{\"Key\":\"k\",\"Value\":\"v\"}]}");
    struct tally tally = applied();
    assert_int_equal(tally.equal, 1);
    assert_int_equal(count_of("AddTags"), 0);
}

static void a_plan_that_was_cut_short_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/understudy-test-XXXXXX";
    struct error err = {0};
    struct config_set again;
    struct plan_saving saving;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    list_both(ROW("/a", 1) "," ROW("/b", 1), "");
    planned();
    assert_int_equal(plan_save_open(&arena, path, &saving, &err), 0);
    assert_int_equal(plan_write(engine, "plan", saving.out, &err), 0);
    assert_int_equal(plan_save_keep(&saving, &err), 0);
    assert_int_equal(plan_read_config(&arena, path, &again, &err), 0);
    assert_string_equal(again.items[0].destinations[0].region, "eu-west-1");
    assert_int_equal(plan_read_steps(engine, path, &err), 0);

    /* Without its last line, and with a step taken out. */
    FILE *file = fopen(path, "r");
    char lines[4][4096];
    for (int i = 0; i < 4; i++)
        assert_non_null(fgets(lines[i], sizeof lines[i], file));
    fclose(file);
    const int kept[][4] = {{0, 1, 2, -1}, {0, 1, 3, -1}, {1, 2, 3, -1}};
    for (size_t i = 0; i < COUNT(kept); i++) {
        file = fopen(path, "w");
        for (int j = 0; j < 4 && kept[i][j] >= 0; j++)
            fputs(lines[kept[i][j]], file);
        fclose(file);
        engine_close(engine);
        open_engine();
        assert_int_equal(plan_read_steps(engine, path, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
    }
    unlink(path);
}

static void names_of_aws_are_never_extra(void **state)
{
    (void)state;
    config.deletes = "all";
    config.delete_grace = "0";
    config.max_delete = "100%";
    engine_close(engine);
    open_engine();
    list_both(ROW("/a", 1), ROW("/a", 1) "," ROW("/awsome/x", 1) "," ROW("/gone", 1));
    values_of(SOURCE, VALUE("/a", 1, "same"));
    values_of(COPY, VALUE("/a", 1, "same"));
    struct tally tally = planned();
    assert_int_equal(tally.remove, 1);
    assert_int_equal(tally.extra, 0);
    assert_int_equal(step_of("gone")->action, STEP_DELETE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_pairs_cost_no_write),
        TEST(a_plan_makes_no_call_that_writes),
        TEST(the_value_is_compared_by_digest_and_never_kept),
        TEST(a_source_that_moved_since_the_plan_is_a_conflict),
        TEST(a_source_that_vanished_is_a_conflict),
        TEST(after_a_lost_answer_the_copy_is_compared_before_it_is_written_again),
        TEST(when_the_lost_put_had_landed_it_is_not_repeated),
        TEST(what_appeared_meanwhile_and_is_equal_is_done),
        TEST(what_appeared_meanwhile_and_differs_is_a_conflict),
        TEST(one_unreadable_value_does_not_hide_the_others),
        TEST(a_source_that_cannot_be_listed_ends_the_run),
        TEST(a_destination_that_cannot_be_listed_is_told),
        TEST(without_the_tagging_right_tags_are_read_one_by_one),
        TEST(tags_that_only_seem_to_differ_are_not_written),
        TEST(a_plan_that_was_cut_short_is_refused),
        TEST(names_of_aws_are_never_extra),
    };
    return cmocka_run_group_tests_name("engine/plan", tests, NULL, NULL);
}
