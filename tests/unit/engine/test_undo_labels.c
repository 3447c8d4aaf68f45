/* Where labels go when a run is undone, and what is said of those that have no place. */
#include "engine/undo_labels.h"
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

static const char *const old[] = {"old"}, *const prod[] = {"prod"}, *const both[] = {"old", "prod"};

/* The copy had versions 1 to 3, `old` on 1 and `prod` on 3. */
static struct label_place kept[] = {{"old", 1, 1000}, {"prod", 3, 3000}};
static struct undo_record record_of(int64_t after_version)
{
    return (struct undo_record){.existed = true,
                                .before = {.version = 3},
                                .after_version = after_version,
                                .value_written = true,
                                .labels_kept = true,
                                .labels = {kept, 2}};
}

static int64_t place(const struct undo_labels *labels, const char *label)
{
    const struct label_place *found = labels_find(&labels->wanted, label);
    return found ? found->version : -1;
}

static void labels_return_to_their_versions(void **state)
{
    (void)state;
    const struct undo_record record = record_of(4);
    struct version_view now[] = {
        {.version = 1, .modified_ms = 1000},
        {.version = 2, .modified_ms = 2000},
        {.version = 3, .modified_ms = 3000},
        {.version = 4, .modified_ms = 4000, .labels = both, .label_count = 2}};
    struct undo_labels labels;
    undo_labels_plan(&arena, &record, now, 4, true, &labels);
    assert_true(labels.differ);
    assert_int_equal(place(&labels, "old"), 1);
    assert_int_equal(place(&labels, "prod"), 3);
    assert_null(undo_labels_loss(&arena, &record, now, 4, true));
    /* They stand there already: nothing is to do. */
    now[3].label_count = 0;
    now[0].labels = old;
    now[2].labels = prod;
    now[0].label_count = now[2].label_count = 1;
    undo_labels_plan(&arena, &record, now, 4, false, &labels);
    assert_false(labels.differ);
}

static void a_version_of_the_same_number_is_not_the_same(void **state)
{
    (void)state;
    const struct undo_record record = record_of(1); /* deleted and made again */
    const struct version_view now[] = {{.version = 1, .modified_ms = 9000}};
    struct undo_labels labels;
    undo_labels_plan(&arena, &record, now, 1, true, &labels);
    assert_int_equal(place(&labels, "old"), -1);
    assert_int_equal(place(&labels, "prod"), 0); /* on the version that is written */
    undo_labels_plan(&arena, &record, now, 1, false, &labels);
    assert_int_equal(place(&labels, "prod"), 1); /* on the one that stands */
    assert_string_equal(undo_labels_loss(&arena, &record, now, 1, true),
                        "its earlier versions (1 to 2) do not come back; labels whose version is "
                        "gone: old (version 1)");
}

static void a_deleted_copy_comes_back_without_its_past(void **state)
{
    (void)state;
    struct undo_record record = record_of(0);
    record.value_written = false;
    record.labels_kept = false;
    record.labels.count = 0;
    record.before.version = 250;
    assert_true(undo_versions_gone(&record, false));
    assert_string_equal(undo_labels_loss(&arena, &record, NULL, 0, false),
                        "its earlier versions (151 to 249) do not come back; labels that it may "
                        "have had were not kept (`labels: true` keeps them)");
    record.before.version = 1;
    record.labels_kept = true;
    assert_null(undo_labels_loss(&arena, &record, NULL, 0, false));
}

static void calls_are_counted_by_version(void **state)
{
    (void)state;
    struct label_place stand[] = {{"a", 1, 0}, {"b", 1, 0}, {"c", 2, 0}, {"d", 3, 0}};
    struct label_place want[] = {{"a", 3, 0}, {"d", 3, 0}, {"e", 3, 0}, {"f", 4, 0}};
    const struct label_map now = {stand, 4}, wanted = {want, 4};
    size_t takes, puts;
    labels_calls(&now, &wanted, &takes, &puts);
    assert_int_equal(takes, 2); /* b from 1, c from 2 */
    assert_int_equal(puts, 2);  /* a and e to 3, f to 4 */
    labels_calls(&now, &now, &takes, &puts);
    assert_int_equal(takes + puts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_return_to_their_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_of_the_same_number_is_not_the_same, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_deleted_copy_comes_back_without_its_past, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(calls_are_counted_by_version, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
