/* R57: every word of an identity reaches the session; what cannot work is refused before. */
#include "engine/identity.h"

#include "support/test.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static int read_config(const char *text, struct config *out, struct error *err)
{
    struct config_set set;
    if (config_parse(&arena, "c.yaml", text, strlen(text), &set, err) != 0)
        return -1;
    *out = set.items[0];
    return config_check(&arena, out, err);
}

static const char *with_source(const char *words)
{
    return arena_printf(&arena,
                        "source: { region: eu-west-1, %s }\n"
                        "destinations: [{ region: eu-west-2 }]\n",
                        words);
}

#define ROLE "role_arn: \"arn:aws:iam::222222222222:role/r\""
#define HOP  "{ role_arn: \"arn:aws:iam::333333333333:role/hop\" }"

static void every_word_reaches_the_session(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    struct session_options options = {0};
    const char *text = with_source(
        "profile: p, account: 222222222222, quotas: { PutParameter: 10, GetParameters: 1000 },"
        "roles: [" HOP ", { " ROLE ", external_id: \"a/b:c\", session_name: me@here,"
        "  duration_seconds: 3600, session_tags: { team: platform, cost: \"42\" },"
        "  transitive_tags: [team] }]");
    if (read_config(text, &config, &err) != 0)
        fail_msg("%s", err.message);
    identity_options(&arena, &config.source, &options);
    assert_string_equal(options.profile, "p");
    assert_int_equal(options.role_count, 2);
    assert_string_equal(options.roles[0].arn, "arn:aws:iam::333333333333:role/hop");
    assert_null(options.roles[0].external_id);
    assert_int_equal(options.roles[0].duration_s, 0);
    const struct session_role *role = &options.roles[1];
    assert_string_equal(role->arn, "arn:aws:iam::222222222222:role/r");
    assert_string_equal(role->external_id, "a/b:c");
    assert_string_equal(role->session_name, "me@here");
    assert_int_equal(role->duration_s, 3600);
    assert_int_equal(role->tag_count, 2);
    assert_string_equal(role->tags[0].key, "team");
    assert_string_equal(role->tags[1].value, "42");
    assert_int_equal(role->transitive_tag_count, 1);
    assert_string_equal(role->transitive_tags[0], "team");
    assert_int_equal(options.quotas_given_count, 2);
    assert_string_equal(options.quotas_given[1].operation, "GetParameters");
    assert_true(options.quotas_given[1].per_second == 1000);
}

static void the_short_form_is_a_chain_of_one(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    struct session_options options = {0};
    const char *text = with_source(ROLE ", external_id: x1, duration_seconds: 43200");
    assert_int_equal(read_config(text, &config, &err), 0);
    identity_options(&arena, &config.source, &options);
    assert_int_equal(options.role_count, 1);
    assert_string_equal(options.roles[0].external_id, "x1");
    assert_int_equal(options.roles[0].duration_s, 43200);
    identity_options(&arena, &config.destinations[0], &options);
    assert_int_equal(options.role_count, 0);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct config first, second;
    struct error err;
    struct buf text;
    struct json_writer w;
    const char *source = with_source("roles: [" HOP ", { " ROLE ", session_tags: { a: b } }]");
    assert_int_equal(read_config(source, &first, &err), 0);
    buf_init(&text, 65536);
    json_writer_init(&w, &text);
    config_write(&first, &w);
    assert_int_equal(read_config(buf_text(&text), &second, &err), 0);
    assert_true(identity_same(&first.source, &second.source));
    buf_reset(&text);
    assert_int_equal(read_config(with_source(ROLE ", external_id: x1"), &first, &err), 0);
    json_writer_init(&w, &text);
    config_write(&first, &w);
    assert_int_equal(read_config(buf_text(&text), &second, &err), 0);
    assert_true(identity_same(&first.source, &second.source));
    buf_done(&text);
}

static void impossible_identities_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *says;
    } rows[] = {
        {"external_id: x1", "external_id of eu-west-1 is used with a role: give role_arn too"},
        {"session_tags: { a: b }", "session_tags of eu-west-1 is used with a role"},
        {"transitive_tags: [a]", "transitive_tags of eu-west-1 is used with a role"},
        {"duration_seconds: 900", "duration_seconds of eu-west-1 is used with a role"},
        {"session_name: me", "session_name of eu-west-1 is used with a role"},
        {"role_arn: understudy", "not the ARN of a role"},
        {"role_arn: \"arn:aws-cn:iam::222222222222:role/r\"", "no role reaches across partitions"},
        {ROLE ", roles: [" HOP "]", "has both role_arn and roles"},
        {"roles: [{ external_id: x1 }]", "each needs role_arn"},
        {ROLE ", external_id: x", "external_id of eu-west-1: 2 to 1224"},
        {ROLE ", session_name: \"a b\"", "session_name 'a b'"},
        {ROLE ", duration_seconds: 899", "must be from 900 to 43200"},
        {ROLE ", duration_seconds: soon", "must be from 900 to 43200"},
        {"roles: [" HOP ", { " ROLE ", duration_seconds: 3601 }]",
         "must be from 900 to 3600 for a role that is taken from a role"},
        {"quotas: { PutParameters: 1 }", "'PutParameters' is no operation with a quota"},
        {"quotas: { PutParameter: 0 }", "a whole number from 1"},
        {"quotas: { PutParameter: 2.5 }", "a whole number from 1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config config;
        struct error err;
        if (read_config(with_source(rows[i].source), &config, &err) == 0)
            fail_msg("accepted: %s", rows[i].source);
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.message, rows[i].says))
            fail_msg("'%s' does not say '%s'", err.message, rows[i].says);
    }
}

/* Sides that differ in anything of this have sessions of their own. */
static void identities_are_told_apart(void **state)
{
    (void)state;
    static const char *const different[] = {
        ROLE,
        ROLE ", external_id: x1",
        ROLE ", external_id: x2",
        ROLE ", session_name: me",
        ROLE ", duration_seconds: 900",
        ROLE ", session_tags: { a: b }",
        ROLE ", session_tags: { a: c }",
        ROLE ", transitive_tags: [a]",
        ROLE ", transitive_tags: [b]",
        ROLE ", quotas: { PutParameter: 10 }",
        ROLE ", profile: p",
        ROLE ", endpoint_url: \"http://localhost\"",
        "roles: [" HOP ", { " ROLE " }]",
        "profile: p",
    };
    struct config configs[COUNT(different)];
    struct error err;
    for (size_t i = 0; i < COUNT(different); i++)
        assert_int_equal(read_config(with_source(different[i]), &configs[i], &err), 0);
    for (size_t i = 0; i < COUNT(different); i++)
        for (size_t j = 0; j < COUNT(different); j++)
            assert_int_equal(identity_same(&configs[i].source, &configs[j].source), i == j);
}

static void partitions_share_no_credentials(void **state)
{
    (void)state;
    struct config config;
    struct error err;
    assert_int_equal(read_config("source: { region: eu-west-1 }\n"
                                 "destinations: [{ region: cn-north-1 }]\n",
                                 &config, &err),
                     -1);
    assert_non_null(strstr(err.message, "give each side a profile of its partition"));
    assert_int_equal(read_config("source: { region: eu-west-1 }\n"
                                 "destinations: [{ region: cn-north-1, profile: china,\n"
                                 "  role_arn: \"arn:aws-cn:iam::222222222222:role/r\" }]\n",
                                 &config, &err),
                     0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_word_reaches_the_session), CASE(the_short_form_is_a_chain_of_one),
        CASE(what_is_written_is_read_again),  CASE(impossible_identities_are_refused),
        CASE(identities_are_told_apart),      CASE(partitions_share_no_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
