/* State between runs: kept, invalidated, damaged, shared. */
#include "engine/state.h"

#include "base/file.h"
#include "support/fake_clock.h"
#include "support/test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static char folder[64];
static struct fake_clock fake;

static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s/state/%s", folder, name);
}

static struct state *open_as(const char *run_id)
{
    struct state *state = NULL;
    struct error err = {0};
    const char *path = arena_printf(&arena, "%s/state", folder);
    if (state_open(path, run_id, &fake.clock, random_system(), &state, &err) != 0)
        fail_msg("%s", err.message);
    state_run_begin(state, "sync", "digest");
    return state;
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    fake_clock_init(&fake, 1767225600000);
    snprintf(folder, sizeof folder, "/tmp/understudy-state-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    const char *rm[] = {"rm", "-rf", folder, NULL};
    pid_t child = fork();
    if (child == 0)
        execvp("rm", (char *const *)rm);
    waitpid(child, NULL, 0);
    arena_done(&arena);
    return 0;
}

static const struct state_pair pair = {.key = "prod/a",
                                       .source_version = 3,
                                       .source_modified_ms = 1000,
                                       .copy_version = 7,
                                       .copy_earliest_ms = 2000,
                                       .copy_latest_ms = 2005,
                                       .mark = "fifteen letters"};

static int64_t link_of(struct state *state)
{
    return state_link(state, "ssm-parameter", "here 1 eu-west-1", "here 1 us-east-1");
}

static void what_is_kept_is_found_by_the_next_run_and_only_under_its_link(void **unused)
{
    (void)unused;
    struct state *state = open_as("20260101T000000Z-000001");
    state_keep(state, link_of(state), &pair, true);
    state_close(state);

    struct state_known known;
    state = open_as("20260101T000000Z-000002");
    state_find(state, link_of(state), "prod/a", &known);
    assert_true(known.recorded);
    assert_true(known.written);
    assert_false(known.unfinished);
    assert_string_equal(known.run_id, "20260101T000000Z-000001");
    assert_int_equal(known.pair.source_version, 3);
    assert_int_equal(known.pair.source_modified_ms, 1000);
    assert_int_equal(known.pair.copy_version, 7);
    assert_int_equal(known.pair.copy_earliest_ms, 2000);
    assert_int_equal(known.pair.copy_latest_ms, 2005);
    assert_memory_equal(known.pair.mark, pair.mark, STATE_MARK_SIZE);
    state_find(state, link_of(state), "prod/b", &known);
    assert_false(known.recorded);
    int64_t other = state_link(state, "ssm-parameter", "here 2 eu-west-1", "here 1 us-east-1");
    assert_int_not_equal(other, link_of(state));
    state_find(state, other, "prod/a", &known);
    assert_false(known.recorded);
    state_forget(state, link_of(state), "prod/a");
    state_find(state, link_of(state), "prod/a", &known);
    assert_false(known.recorded);
    state_close(state);
}

static void files_are_for_their_owner_and_the_key_is_made_once(void **unused)
{
    (void)unused;
    unsigned char first[STATE_KEY_SIZE], again[STATE_KEY_SIZE], other[STATE_KEY_SIZE];
    mode_t before = umask(0);
    struct state *state = open_as("20260101T000000Z-000001");
    umask(before);
    struct stat info;
    assert_int_equal(stat(arena_printf(&arena, "%s/state", folder), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    static const char *const files[] = {"state.key", "state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(stat(path_of(files[i]), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    state_derive_key(state, "a", first);
    state_derive_key(state, "b", other);
    state_close(state);
    state = open_as("20260101T000000Z-000002");
    state_derive_key(state, "a", again);
    state_close(state);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

static void a_key_that_others_can_read_is_not_used(void **unused)
{
    (void)unused;
    struct state *state = open_as("20260101T000000Z-000001");
    state_close(state);
    struct error err = {0};
    const char *path = arena_printf(&arena, "%s/state", folder);
    chmod(path_of("state.key"), 0644);
    assert_int_equal(state_open(path, "r", &fake.clock, random_system(), &state, &err), -1);
    assert_non_null(strstr(err.message, "chmod"));
    chmod(path_of("state.key"), 0600);
    chmod(path, 0777);
    assert_int_equal(state_open(path, "r", &fake.clock, random_system(), &state, &err), -1);
    chmod(path, 0700);
    struct error none = {0};
    assert_int_equal(file_write_atomic(path_of("state.key"), "short", 5, 0600, &none), 0);
    assert_int_equal(state_open(path, "r", &fake.clock, random_system(), &state, &err), -1);
    assert_non_null(strstr(err.message, "not a key"));
}

static void an_intent_of_a_run_that_ended_is_seen_until_the_pair_is_finished(void **unused)
{
    (void)unused;
    struct state_known known;
    struct state *mine = open_as("20260101T000000Z-000001");
    state_keep(mine, link_of(mine), &pair, false);
    state_intend(mine, link_of(mine), "prod/a");

    /* The other run is alive: what it does is its own affair, and nobody ends its intents. */
    struct state *other = open_as("20260101T000000Z-000002");
    state_find(other, link_of(other), "prod/a", &known);
    assert_true(known.recorded);
    assert_false(known.unfinished);
    state_finish(other, link_of(other), "prod/a");

    state_run_end(mine, "failed");
    state_close(mine);
    state_find(other, link_of(other), "prod/a", &known);
    assert_true(known.unfinished);
    state_finish(other, link_of(other), "prod/a");
    state_find(other, link_of(other), "prod/a", &known);
    assert_false(known.unfinished);
    state_close(other);
}

static int count_killed(const struct state_run *run, void *arg)
{
    *(int *)arg += run->outcome && strcmp(run->outcome, "killed") == 0;
    return 0;
}

static void a_killed_run_is_known_as_one(void **unused)
{
    (void)unused;
    pid_t child = fork();
    if (child == 0) {
        struct state *state = open_as("20260101T000000Z-000001");
        state_begin(state);
        state_intend(state, link_of(state), "prod/a");
        state_intend_over(state, link_of(state), "prod/a", 7);
        state_intend_over(state, link_of(state), "prod/a", 9); /* the first counts */
        state_end(state);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    struct state_known known;
    struct error err = {0};
    int killed = 0;
    struct state *state = open_as("20260101T000000Z-000002");
    state_find(state, link_of(state), "prod/a", &known);
    assert_true(known.unfinished);
    assert_int_equal(state_runs(state, count_killed, &killed, &err), 0);
    assert_int_equal(killed, 1);
    const int64_t out = link_of(state);
    assert_int_equal(state_over(state, out, "prod/a"), 7);
    assert_int_equal(state_over(state, -out, "prod/a"), 0);
    /* One that is under way may be finishing its own. */
    struct state *other = open_as("20260101T000000Z-000003");
    state_intend_over(other, out, "prod/a", 3);
    assert_int_equal(state_over(state, out, "prod/a"), 7);
    assert_int_equal(state_over(other, out, "prod/a"), 3);
    state_finish_over(state, -out, "prod/a");
    assert_int_equal(state_over(state, out, "prod/a"), 7);
    state_finish_over(state, out, "prod/a");
    assert_int_equal(state_over(state, out, "prod/a"), 0);
    assert_int_equal(state_over(other, out, "prod/a"), 3);
    state_close(other);
    state_close(state);
}

/* Kept by one run, its file then made unusable: a new one is begun, the old one set aside. */
static void assert_set_aside(const char *run_id)
{
    struct state_known known;
    struct state *state = open_as(run_id);
    assert_non_null(strstr(state_warning(state), "unusable"));
    state_find(state, link_of(state), "prod/a", &known);
    assert_false(known.recorded);
    state_keep(state, link_of(state), &pair, false);
    state_find(state, link_of(state), "prod/a", &known);
    assert_true(known.recorded);
    state_close(state);
    struct stat info;
    const char *aside = arena_printf(&arena, "%s.unusable-%s", path_of("state.db"), run_id);
    assert_int_equal(stat(aside, &info), 0);
}

static void a_damaged_file_is_set_aside(void **unused)
{
    (void)unused;
    struct state *state = open_as("20260101T000000Z-000001");
    state_keep(state, link_of(state), &pair, false);
    state_close(state);
    struct error err = {0};
    assert_int_equal(file_write_atomic(path_of("state.db"), "not a database at all", 21, 0600,
                                       &err),
                     0);
    assert_set_aside("20260101T000000Z-000002");
    /* Every page but the first is overwritten. */
    int fd = open(path_of("state.db"), O_RDWR);
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    for (off_t at = 4096; at < 12 * 4096; at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), (int)sizeof junk);
    close(fd);
    state = open_as("20260101T000000Z-000003");
    struct state_known known;
    state_find(state, link_of(state), "prod/a", &known);
    assert_false(known.recorded);
    assert_true(*state_warning(state));
    state_close(state);
    state = open_as("20260101T000000Z-000004");
    assert_string_equal(state_warning(state), "");
    state_keep(state, link_of(state), &pair, false);
    state_close(state);
}

static void change_file(const char *statement)
{
    sqlite3 *db;
    unlink(path_of("state.db"));
    assert_int_equal(sqlite3_open(path_of("state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_strangers_database_is_set_aside_and_a_newer_one_left_alone(void **unused)
{
    (void)unused;
    struct state *state = open_as("20260101T000000Z-000001");
    state_close(state);
    change_file("CREATE TABLE pair (mine TEXT); INSERT INTO pair VALUES ('dear to somebody')");
    assert_set_aside("20260101T000000Z-000002");

    change_file("CREATE TABLE pair (x TEXT); PRAGMA application_id=1969513593;"
                "PRAGMA user_version=99");
    struct error err = {0};
    const char *path = arena_printf(&arena, "%s/state", folder);
    assert_int_equal(state_open(path, "20260101T000000Z-000003", &fake.clock, random_system(),
                                &state, &err),
                     -1);
    assert_non_null(strstr(err.message, "newer"));
    struct stat info;
    assert_int_equal(stat(path_of("state.db"), &info), 0);
}

static void two_processes_write_at_once_and_nothing_is_lost(void **unused)
{
    (void)unused;
    enum { PROCESSES = 4, PAIRS = 250 };
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        if (children[p] != 0)
            continue;
        char run_id[RUN_ID_SIZE];
        snprintf(run_id, sizeof run_id, "20260101T000000Z-00000%d", p);
        struct state *state = open_as(run_id);
        for (int i = 0; i < PAIRS; i++) {
            struct state_pair one = pair;
            one.key = arena_printf(&arena, "p%d/%d", p, i);
            state_begin(state);
            state_intend(state, link_of(state), one.key);
            state_keep(state, link_of(state), &one, true);
            state_finish(state, link_of(state), one.key);
            state_end(state);
        }
        bool well = !*state_warning(state);
        state_close(state);
        _exit(well ? 0 : 1);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        waitpid(children[p], &status, 0);
        assert_int_equal(status, 0);
    }
    struct state *state = open_as("20260101T000000Z-000009");
    for (int p = 0; p < PROCESSES; p++)
        for (int i = 0; i < PAIRS; i++) {
            struct state_known known;
            state_find(state, link_of(state), arena_printf(&arena, "p%d/%d", p, i), &known);
            assert_true(known.recorded);
            assert_false(known.unfinished);
        }
    state_close(state);
}

static void what_is_not_used_for_long_goes(void **unused)
{
    (void)unused;
    const int64_t day_ms = (int64_t)24 * 60 * 60 * 1000;
    struct state_known known;
    struct state_pair second = pair;
    second.key = "prod/b";
    struct state *state = open_as("20260101T000000Z-000001");
    state_keep(state, link_of(state), &pair, false);
    state_keep(state, link_of(state), &second, false);
    state_run_end(state, "done");
    state_close(state);
    /* One of them is used again after eight weeks, and so stays when the other goes. */
    fake.now_ms += 56 * day_ms;
    state = open_as("20260301T000000Z-000002");
    state_find(state, link_of(state), "prod/a", &known);
    assert_true(known.recorded);
    state_run_end(state, "done");
    state_close(state);
    fake.now_ms += 56 * day_ms;
    state = open_as("20260501T000000Z-000003");
    state_find(state, link_of(state), "prod/a", &known);
    assert_true(known.recorded);
    state_find(state, link_of(state), "prod/b", &known);
    assert_false(known.recorded);
    state_close(state);
}

static void without_a_state_nothing_is_known_and_nothing_breaks(void **unused)
{
    (void)unused;
    struct state_known known = {.recorded = true};
    struct error err = {0};
    int killed = 0;
    state_find(NULL, 1, "a", &known);
    assert_false(known.recorded);
    assert_int_equal(state_link(NULL, "k", "a", "b"), 0);
    state_begin(NULL);
    state_intend(NULL, 1, "a");
    state_keep(NULL, 1, &pair, false);
    state_finish(NULL, 1, "a");
    state_forget(NULL, 1, "a");
    state_end(NULL);
    state_run_begin(NULL, "sync", "d");
    state_run_end(NULL, "done");
    assert_int_equal(state_runs(NULL, count_killed, &killed, &err), 0);
    assert_string_equal(state_warning(NULL), "");
    state_close(NULL);
}

static void run_ids_sort_by_time(void **unused)
{
    (void)unused;
    char first[RUN_ID_SIZE], second[RUN_ID_SIZE];
    run_id_make(&fake.clock, random_system(), first);
    fake.now_ms += 1;
    run_id_make(&fake.clock, random_system(), second);
    assert_int_equal(strlen(first), RUN_ID_SIZE - 1);
    assert_int_equal(first[15], 'Z');
    assert_true(strcmp(first, second) < 0);
}

static void without_a_folder_all_is_in_memory(void **state)
{
    (void)state;
    struct state *memory = NULL;
    struct state_known known;
    struct error err = {0};
    unsigned char key[STATE_KEY_SIZE], other[STATE_KEY_SIZE];
    assert_int_equal(state_open(NULL, "run1", &fake.clock, random_system(), &memory, &err), 0);
    assert_null(state_folder(memory));
    int64_t link = state_link(memory, "kind", "a", "b");
    state_keep(memory, link, &pair, true);
    state_find(memory, link, pair.key, &known);
    assert_true(known.recorded);
    state_derive_key(memory, "x", key);
    state_close(memory);
    assert_int_equal(state_open(NULL, "run2", &fake.clock, random_system(), &memory, &err), 0);
    state_derive_key(memory, "x", other);
    assert_memory_not_equal(key, other, sizeof key);
    state_find(memory, link, pair.key, &known);
    assert_false(known.recorded);
    state_close(memory);
    assert_int_equal(access(path_of("state.db"), F_OK), -1);
}

static void digests_are_of_a_version_and_never_on_the_disk(void **state)
{
    (void)state;
    static const unsigned char digest[32] = "a digest that would be found";
    unsigned char found[32];
    struct state *one = open_as("run1");
    int64_t link = state_link(one, "kind", "a", "b");
    state_keep_digest(one, link, "k", 3, digest);
    assert_true(state_digest(one, link, "k", 3, found));
    assert_memory_equal(found, digest, sizeof digest);
    assert_false(state_digest(one, link, "k", 4, found));
    assert_false(state_digest(one, -link, "k", 3, found));
    struct state *two = open_as("run2"); /* another process */
    assert_false(state_digest(two, link, "k", 3, found));
    state_close(two);
    state_close(one);
}

static void deletions_are_counted_over_a_time_by_all_runs(void **state)
{
    (void)state;
    struct state *one = open_as("run1");
    int64_t link = state_link(one, "kind", "a", "b"), now = fake.clock.now_ms(&fake.clock);
    state_removed(one, link, 3);
    state_run_again(one, "run1b", "watch", "digest");
    state_close(one);
    fake_clock_advance(&fake, 1000);
    struct state *two = open_as("run2");
    state_removed(two, link, 2);
    assert_int_equal(state_removed_since(two, link, now - 1), 5);
    assert_int_equal(state_removed_since(two, link, now), 2);
    assert_int_equal(state_removed_since(two, link + 1, 0), 0);
    state_close(two);
    assert_int_equal(state_removed_since(NULL, link, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(what_is_kept_is_found_by_the_next_run_and_only_under_its_link),
        TEST(files_are_for_their_owner_and_the_key_is_made_once),
        TEST(a_key_that_others_can_read_is_not_used),
        TEST(an_intent_of_a_run_that_ended_is_seen_until_the_pair_is_finished),
        TEST(a_killed_run_is_known_as_one),
        TEST(a_damaged_file_is_set_aside),
        TEST(a_strangers_database_is_set_aside_and_a_newer_one_left_alone),
        TEST(two_processes_write_at_once_and_nothing_is_lost),
        TEST(what_is_not_used_for_long_goes),
        TEST(without_a_state_nothing_is_known_and_nothing_breaks),
        TEST(run_ids_sort_by_time),
        cmocka_unit_test_setup_teardown(without_a_folder_all_is_in_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(digests_are_of_a_version_and_never_on_the_disk, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deletions_are_counted_over_a_time_by_all_runs, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
