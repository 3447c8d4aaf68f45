#include "base/arena.h"
#include "folder.h"
#include "local/store.h"
#include "support/test.h"

#include <string.h>

static const char *const schemas[] = {
    "CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB);"
    "CREATE TABLE IF NOT EXISTS part (item INTEGER REFERENCES item (id), note TEXT);",
    "CREATE TABLE IF NOT EXISTS ssm_thing (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;",
    NULL,
};

struct fixture {
    struct folder folder;
    struct store *store;
    struct store_session *writer;
};

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    struct error err;
    folder_make(&fixture->folder);
    *state = fixture;
    if (store_open(fixture->folder.path, schemas, &fixture->store, &err) != 0)
        return -1;
    fixture->writer = store_writer(fixture->store, &err);
    return fixture->writer ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    store_session_close(fixture->writer);
    store_close(fixture->store);
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

static int64_t count(struct store_session *session, const char *sql)
{
    struct store_rows rows;
    store_query(session, &rows, sql, "");
    int64_t value = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return value;
}

static void keeps_values_of_every_type(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    static const char bytes[] = {0, 1, (char)0xff, 0};
    assert_int_equal(store_begin(writer), 0);
    assert_int_equal(store_run(writer, "INSERT INTO item (id, name, data) VALUES ($1, $2, $3)",
                               "iTb", (int64_t)7, "abcdef", (size_t)3, bytes, sizeof bytes),
                     1);
    assert_int_equal(store_run(writer, "INSERT INTO item (id, name, data) VALUES ($1, $2, $3)",
                               "itb", (int64_t)8, NULL, "", (size_t)0),
                     1);
    assert_int_equal(store_run(writer, "INSERT INTO item (id, name, data) VALUES ($1, $2, $3)",
                               "itn", (int64_t)9, "name"),
                     1);
    assert_int_equal(store_last_id(writer), 9);
    assert_int_equal(store_commit(writer), 0);

    struct store_rows rows;
    store_query(writer, &rows, "SELECT name, data FROM item WHERE id >= $1 ORDER BY id", "i",
                (int64_t)7);
    assert_true(store_next(&rows));
    assert_true(text_is(store_text(&rows, 0), "abc"));
    struct text data = store_blob(&rows, 1);
    assert_int_equal(data.len, sizeof bytes);
    assert_memory_equal(data.data, bytes, sizeof bytes);
    assert_true(store_next(&rows));
    assert_true(store_null(&rows, 0));
    assert_null(store_text(&rows, 0).data);
    assert_false(store_null(&rows, 1)); /* empty, which is not NULL */
    assert_non_null(store_blob(&rows, 1).data);
    assert_int_equal(store_blob(&rows, 1).len, 0);
    assert_true(store_next(&rows));
    assert_true(store_null(&rows, 1));
    assert_null(store_blob(&rows, 1).data);
    assert_false(store_next(&rows));
    store_end(&rows);
}

static void finds_parameters_by_number(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(store_run(fixture->writer, "INSERT INTO item (name, id) VALUES ($2 || $2, $1)",
                               "it", (int64_t)1, "x"),
                     1);
    assert_int_equal(count(fixture->writer, "SELECT id FROM item WHERE name = 'xx'"), 1);
}

static void runs_a_query_inside_itself(void **state)
{
    struct fixture *fixture = *state;
    static const char sql[] = "SELECT id FROM item WHERE id > $1 ORDER BY id";
    for (int64_t id = 1; id <= 3; id++)
        store_run(fixture->writer, "INSERT INTO item (id) VALUES ($1)", "i", id);
    struct store_rows outer, inner;
    int64_t pairs = 0;
    store_query(fixture->writer, &outer, sql, "i", (int64_t)0);
    while (store_next(&outer)) {
        store_query(fixture->writer, &inner, sql, "i", store_int(&outer, 0));
        while (store_next(&inner))
            pairs++;
        store_end(&inner);
    }
    store_end(&outer);
    assert_int_equal(pairs, 3); /* (1,2) (1,3) (2,3) */
}

static void a_savepoint_undoes_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    store_begin(writer);
    store_savepoint(writer);
    store_run(writer, "INSERT INTO item (id) VALUES (1)", "");
    store_savepoint_release(writer);
    store_savepoint(writer);
    store_run(writer, "INSERT INTO item (id) VALUES (2)", "");
    store_savepoint_rollback(writer);
    assert_false(store_failed(writer));
    assert_int_equal(store_commit(writer), 0);
    assert_int_equal(count(writer, "SELECT count(*) FROM item"), 1);
}

static void a_failing_statement_marks_the_session(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    store_begin(writer);
    store_savepoint(writer);
    store_run(writer, "INSERT INTO item (id, name) VALUES (1, 'a')", "");
    assert_int_equal(store_run(writer, "INSERT INTO item (id, name) VALUES (2, 'a')", ""), -1);
    assert_true(store_failed(writer));
    assert_non_null(strstr(store_failure(writer), "UNIQUE"));
    /* Nothing runs on until somebody has looked. */
    assert_int_equal(store_run(writer, "INSERT INTO item (id) VALUES (3)", ""), -1);
    store_savepoint_rollback(writer);
    assert_false(store_failed(writer));
    assert_int_equal(count(writer, "SELECT count(*) FROM item"), 0);
    store_rollback(writer);
}

static void a_full_disk_fails_the_request_and_not_the_store(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    static char large[200000];
    memset(large, 'x', sizeof large);
    store_run(writer, "PRAGMA max_page_count = 20", "");
    store_begin(writer);
    store_savepoint(writer);
    assert_int_equal(store_run(writer, "INSERT INTO item (id, data) VALUES (1, $1)", "b", large,
                               sizeof large),
                     -1);
    assert_non_null(strstr(store_failure(writer), "full"));
    store_savepoint_rollback(writer);
    if (store_failed(writer)) /* SQLite may give the transaction up: then that is known */
        store_rollback(writer);
    else
        assert_int_equal(store_commit(writer), 0);
    store_begin(writer);
    assert_int_equal(store_run(writer, "INSERT INTO item (id) VALUES (2)", ""), 1);
    assert_int_equal(store_commit(writer), 0);
    assert_int_equal(count(writer, "SELECT max(id) FROM item"), 2);
}

static void a_reader_sees_commits_and_keeps_its_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    struct store_session *reader = store_reader(fixture->store, NULL);
    assert_non_null(reader);
    store_begin(writer);
    store_run(writer, "INSERT INTO item (id) VALUES (1)", "");
    assert_int_equal(count(reader, "SELECT count(*) FROM item"), 0);
    assert_int_equal(store_begin_read(reader), 0);
    assert_int_equal(count(reader, "SELECT count(*) FROM item"), 0);
    assert_int_equal(store_commit(writer), 0);
    assert_int_equal(count(reader, "SELECT count(*) FROM item"), 0);
    store_end_read(reader);
    assert_int_equal(count(reader, "SELECT count(*) FROM item"), 1);
    store_session_close(reader);
}

static void a_reader_cannot_write(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *reader = store_reader(fixture->store, NULL);
    assert_int_equal(store_run(reader, "INSERT INTO item (id) VALUES (1)", ""), -1);
    assert_true(store_failed(reader));
    store_session_close(reader);
}

static void one_process_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct store *second;
    struct error err = {0};
    assert_int_equal(store_open(fixture->folder.path, schemas, &second, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_null(store_writer(fixture->store, &err));
}

static void tells_writes_that_stir_caches(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    store_begin(writer);
    store_run(writer, "INSERT INTO ssm_thing (name, value) VALUES ('a', 'b')", "");
    count(writer, "SELECT count(*) FROM item");
    assert_false(store_stirred(writer));
    store_run(writer, "UPDATE item SET name = 'x' WHERE id = 0", "");
    assert_true(store_stirred(writer));
    store_commit(writer);
    store_begin(writer);
    assert_false(store_stirred(writer));
    store_rollback(writer);
}

static void empties_all_but_what_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct store_session *writer = fixture->writer;
    static const char *const kept[] = {"ssm_thing", NULL};
    store_begin(writer);
    store_run(writer, "INSERT INTO item (id) VALUES (1)", "");
    store_run(writer, "INSERT INTO part (item) VALUES (1)", "");
    store_run(writer, "INSERT INTO ssm_thing (name) VALUES ('a')", "");
    assert_int_equal(store_empty(writer, kept), 0);
    assert_int_equal(store_commit(writer), 0);
    assert_int_equal(count(writer, "SELECT count(*) FROM item"), 0);
    assert_int_equal(count(writer, "SELECT count(*) FROM part"), 0);
    assert_int_equal(count(writer, "SELECT count(*) FROM ssm_thing"), 1);
}

static void survives_being_opened_again(void **state)
{
    struct fixture *fixture = *state;
    store_begin(fixture->writer);
    store_run(fixture->writer, "INSERT INTO item (id) VALUES (5)", "");
    store_commit(fixture->writer);
    store_session_close(fixture->writer);
    store_close(fixture->store);
    assert_int_equal(store_open(fixture->folder.path, schemas, &fixture->store, NULL), 0);
    fixture->writer = store_writer(fixture->store, NULL);
    assert_int_equal(count(fixture->writer, "SELECT id FROM item"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_values_of_every_type, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_parameters_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_a_query_inside_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_savepoint_undoes_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_statement_marks_the_session, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_fails_the_request_and_not_the_store, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reader_sees_commits_and_keeps_its_snapshot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reader_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(one_process_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_writes_that_stir_caches, setup, teardown),
        cmocka_unit_test_setup_teardown(empties_all_but_what_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_being_opened_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
