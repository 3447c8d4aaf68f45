#include "resource/resource.h"
#include "support/test.h"

#include "base/json.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    json_setup();
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const struct resource_kind *const kind = &resource_ssm_parameter;

static size_t slot(const char *name)
{
    for (size_t i = 0; i < kind->slot_count; i++)
        if (strcmp(kind->fields[i].name, name) == 0)
            return i;
    fail_msg("no field %s", name);
    return 0;
}

static struct resource example(void)
{
    static const struct tag tags[] = {{"env", "prod"}, {"team", "orders"}};
    struct resource resource = {.key = "a", .name = "a", .tags = tags, .tag_count = 2};
    resource.fields[slot("Type")] = "String";
    resource.fields[slot("Description")] = "what it is";
    return resource;
}

static void labels_are(const struct diff *diff, const char *wanted)
{
    char text[512] = "";
    size_t count, at = 0;
    const char *const *labels = diff_labels(kind, &arena, diff, &count);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " " : "", labels[i]);
    assert_string_equal(text, wanted);
}

static void equal_resources_have_no_difference(void **state)
{
    (void)state;
    struct resource a = example(), b = example();
    struct diff diff;
    resource_compare(kind, &arena, &a, &b, &diff);
    assert_true(diff_empty(&diff));
    labels_are(&diff, "");
}

static void every_slot_is_compared(void **state)
{
    (void)state;
    for (size_t i = 0; i < kind->slot_count; i++) {
        struct resource a = example(), b = example();
        struct diff diff;
        a.fields[i] = "one thing";
        b.fields[i] = "another";
        resource_compare(kind, &arena, &a, &b, &diff);
        assert_int_equal(diff.fields, 1u << i);
        labels_are(&diff, kind->fields[i].label);
        b.fields[i] = NULL; /* absent differs from present, either way */
        resource_compare(kind, &arena, &a, &b, &diff);
        assert_int_equal(diff.fields, 1u << i);
        resource_compare(kind, &arena, &b, &a, &diff);
        assert_int_equal(diff.fields, 1u << i);
    }
}

static void tags_differ_as_sets(void **state)
{
    (void)state;
    static const struct tag have_tags[] = {{"env", "test"}, {"owner", "x"}, {"team", "orders"}};
    static const struct tag want_tags[] = {{"cost", "1"}, {"env", "prod"}, {"team", "orders"}};
    struct resource want = example(), have = example();
    struct diff diff;
    want.tags = want_tags;
    want.tag_count = 3;
    have.tags = have_tags;
    have.tag_count = 3;
    resource_compare(kind, &arena, &want, &have, &diff);
    assert_int_equal(diff.set_tag_count, 2);
    assert_string_equal(diff.set_tags[0].key, "cost");
    assert_string_equal(diff.set_tags[1].key, "env");
    assert_string_equal(diff.set_tags[1].value, "prod");
    assert_int_equal(diff.removed_tag_count, 1);
    assert_string_equal(diff.removed_tags[0], "owner");
    assert_true(diff_only_tags(&diff));
    assert_false(diff_empty(&diff));
    labels_are(&diff, "tags.cost tags.env tags.owner");

    want.tag_count = 0;
    resource_compare(kind, &arena, &want, &have, &diff);
    assert_int_equal(diff.removed_tag_count, 3);
    have.tag_count = 0;
    resource_compare(kind, &arena, &want, &have, &diff);
    assert_true(diff_empty(&diff));
}

static void the_value_is_named_first(void **state)
{
    (void)state;
    struct resource a = example(), b = example();
    struct diff diff;
    b.fields[slot("Description")] = NULL;
    b.tag_count = 1;
    resource_compare(kind, &arena, &a, &b, &diff);
    diff.value = true;
    labels_are(&diff, "value description tags.team");
    assert_false(diff_only_tags(&diff));
}

static void fields_and_tags_are_written_and_tags_read_back(void **state)
{
    (void)state;
    struct resource a = example(), b = example();
    struct buf text;
    struct diff diff;
    a.fields[slot("Description")] = "a \" and \n";
    buf_init(&text, 4096);
    fields_write(kind, &a, &text);
    assert_string_equal(buf_text(&text),
                        "{\"Type\":\"String\",\"Description\":\"a \\\" and \\n\"}");
    buf_reset(&text);
    tags_write(a.tags, a.tag_count, &text);
    assert_int_equal(tags_read(&arena, buf_text(&text), &b.tags, &b.tag_count, NULL), 0);
    assert_int_equal(tags_read(&arena, "[", &b.tags, &b.tag_count, NULL), -1);
    buf_done(&text);
    b.fields[slot("Description")] = a.fields[slot("Description")];
    resource_compare(kind, &arena, &a, &b, &diff);
    assert_true(diff_empty(&diff));
    assert_int_equal(b.tag_count, 2);
}

static void a_copy_stands_by_itself_without_the_value(void **state)
{
    (void)state;
    struct resource a = example(), b;
    struct diff diff;
    a.value = "secret";
    a.value_len = 6;
    resource_copy(kind, &arena, &a, &b);
    resource_compare(kind, &arena, &a, &b, &diff);
    assert_true(diff_empty(&diff));
    assert_ptr_not_equal(a.tags, b.tags);
    assert_null(b.value);
}

static void the_table_says_what_happens_to_every_field(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 64 * 1024);
    for (size_t i = 0; i < kind->field_count; i++) {
        bool has_slot = kind->fields[i].rule == FIELD_COPY || kind->fields[i].rule == FIELD_WORDS ||
                        kind->fields[i].rule == FIELD_KEY;
        assert_true(has_slot == (i < kind->slot_count));
        assert_non_null(kind->fields[i].fate);
    }
    fidelity_write(kind, &text);
    assert_non_null(strstr(buf_text(&text), "| `AllowedPattern` | copied |"));
    assert_non_null(strstr(buf_text(&text), "| `Labels` | on request |"));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_resources_have_no_difference),
        cmocka_unit_test(every_slot_is_compared),
        cmocka_unit_test(tags_differ_as_sets),
        cmocka_unit_test(the_value_is_named_first),
        cmocka_unit_test(fields_and_tags_are_written_and_tags_read_back),
        cmocka_unit_test(a_copy_stands_by_itself_without_the_value),
        cmocka_unit_test(the_table_says_what_happens_to_every_field),
    };
    return cmocka_run_group_tests_name("resource/fields", tests, setup, teardown);
}
