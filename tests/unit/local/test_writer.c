#include "base/arena.h"
#include "folder.h"
#include "local/writer.h"
#include "support/test.h"

#include <pthread.h>
#include <string.h>

static const char *const schemas[] = {
    "CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB);"
    "CREATE TABLE IF NOT EXISTS ssm_thing (id INTEGER PRIMARY KEY);",
    NULL,
};

struct fixture {
    struct folder folder;
    struct local local;
    struct writer *writer;
    unsigned flushes; /* on the writer's thread; read when it has ended */
};

static void count_flush(void *arg)
{
    struct fixture *fixture = arg;
    fixture->flushes++;
}

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    folder_make(&fixture->folder);
    *state = fixture;
    if (store_open(fixture->folder.path, schemas, &fixture->local.store, NULL) != 0)
        return -1;
    fixture->writer = writer_new(&fixture->local, count_flush, fixture, NULL);
    return fixture->writer ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    writer_free(fixture->writer);
    store_close(fixture->local.store);
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

/* What a job is to do, and what became of it. */
struct job {
    struct writer_job job; /* first */
    const char *sql;
    bool keep;
    bool told;
    enum writer_outcome outcome;
    int64_t rows_seen;
};

static int64_t count_items(struct store_session *store)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT count(*) FROM item", "");
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return count;
}

static bool run_job(struct writer_job *base, struct store_session *store, uint64_t version)
{
    struct job *job = (struct job *)base;
    (void)version;
    if (job->sql)
        store_run(store, job->sql, "");
    job->rows_seen = count_items(store);
    return job->keep;
}

static void job_done(struct writer_job *base, enum writer_outcome outcome)
{
    struct job *job = (struct job *)base;
    job->told = true;
    job->outcome = outcome;
}

static struct job job_of(const char *sql, bool keep)
{
    return (struct job){.job = {.run = run_job, .done = job_done}, .sql = sql, .keep = keep};
}

/* Holds the writer inside a job until let go, so that what is submitted meanwhile is one group. */
struct gate {
    struct writer_job job; /* first */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open, entered;
};

static bool gate_run(struct writer_job *base, struct store_session *store, uint64_t version)
{
    struct gate *gate = (struct gate *)base;
    (void)store, (void)version;
    pthread_mutex_lock(&gate->mutex);
    gate->entered = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return true;
}

static void gate_done(struct writer_job *base, enum writer_outcome outcome)
{
    (void)base, (void)outcome;
}

static void submit_as_group(struct fixture *fixture, struct job *jobs, size_t count)
{
    struct gate gate = {.job = {.run = gate_run, .done = gate_done},
                        .mutex = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    writer_submit(fixture->writer, &gate.job);
    pthread_mutex_lock(&gate.mutex);
    while (!gate.entered)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    for (size_t i = 0; i < count; i++)
        writer_submit(fixture->writer, &jobs[i].job);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    writer_free(fixture->writer); /* runs what is queued */
    fixture->writer = NULL;
}

static int64_t items_kept(struct fixture *fixture)
{
    struct store_session *reader = store_reader(fixture->local.store, NULL);
    int64_t count = count_items(reader);
    store_session_close(reader);
    return count;
}

static void a_group_is_one_commit(void **state)
{
    struct fixture *fixture = *state;
    struct job jobs[10];
    for (size_t i = 0; i < 10; i++)
        jobs[i] = job_of("INSERT INTO item (name) VALUES (NULL)", true);
    submit_as_group(fixture, jobs, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_true(jobs[i].told);
        assert_int_equal(jobs[i].outcome, WRITER_COMMITTED);
        assert_int_equal(jobs[i].rows_seen, i + 1); /* later ones see what earlier ones wrote */
    }
    assert_int_equal(fixture->flushes, 2); /* the gate's and theirs */
    assert_int_equal(items_kept(fixture), 10);
}

static void a_refused_job_leaves_nothing_and_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct job jobs[3] = {
        job_of("INSERT INTO item (id) VALUES (1)", true),
        job_of("INSERT INTO item (id) VALUES (2)", false),
        job_of("INSERT INTO item (id) VALUES (3)", true),
    };
    submit_as_group(fixture, jobs, 3);
    assert_int_equal(jobs[1].outcome, WRITER_COMMITTED); /* undone on purpose: no failure */
    assert_int_equal(jobs[2].rows_seen, 2);
    assert_int_equal(items_kept(fixture), 2);
}

static void a_failing_statement_fails_its_job_alone(void **state)
{
    struct fixture *fixture = *state;
    struct job jobs[4] = {
        job_of("INSERT INTO item (id, name) VALUES (1, 'a')", true),
        job_of("INSERT INTO item (id, name) VALUES (2, 'a')", true), /* not unique */
        job_of("INSERT INTO nowhere VALUES (1)", true),
        job_of("INSERT INTO item (id, name) VALUES (3, 'b')", true),
    };
    submit_as_group(fixture, jobs, 4);
    assert_int_equal(jobs[0].outcome, WRITER_COMMITTED);
    assert_int_equal(jobs[1].outcome, WRITER_FAILED);
    assert_int_equal(jobs[2].outcome, WRITER_FAILED);
    assert_int_equal(jobs[3].outcome, WRITER_COMMITTED);
    assert_int_equal(items_kept(fixture), 2);
}

static void a_full_disk_fails_the_large_one_only(void **state)
{
    struct fixture *fixture = *state;
    struct job jobs[4] = {
        job_of("INSERT INTO item (id) VALUES (1)", true),
        job_of("PRAGMA max_page_count = 20", true),
        job_of("INSERT INTO item (id, data) VALUES (2, zeroblob(900000))", true),
        job_of("INSERT INTO item (id) VALUES (3)", true),
    };
    submit_as_group(fixture, jobs, 4);
    assert_int_equal(jobs[2].outcome, WRITER_FAILED);
    assert_int_equal(jobs[3].outcome, WRITER_COMMITTED);
    assert_int_equal(jobs[0].outcome, WRITER_COMMITTED);
    assert_int_equal(items_kept(fixture), 2);
}

static void a_lost_transaction_is_run_again_without_the_culprit(void **state)
{
    struct fixture *fixture = *state;
    struct job jobs[3] = {
        job_of("INSERT INTO item (id) VALUES (1)", true),
        job_of("ROLLBACK", true), /* as SQLite does by itself when the disk fails */
        job_of("INSERT INTO item (id) VALUES (3)", true),
    };
    submit_as_group(fixture, jobs, 3);
    assert_int_equal(jobs[0].outcome, WRITER_COMMITTED);
    assert_int_equal(jobs[1].outcome, WRITER_FAILED);
    assert_int_equal(jobs[2].outcome, WRITER_COMMITTED);
    assert_int_equal(jobs[2].rows_seen, 2);
    assert_int_equal(items_kept(fixture), 2);
}

static void a_failing_commit_fails_the_group(void **state)
{
    struct fixture *fixture = *state;
    /* A deferred foreign key is looked at by the commit. */
    struct job jobs[2] = {
        job_of("INSERT INTO item (id) VALUES (1)", true),
        job_of("CREATE TABLE child (item INTEGER REFERENCES item (id) DEFERRABLE INITIALLY "
               "DEFERRED)",
               true),
    };
    submit_as_group(fixture, jobs, 2);
    fixture->writer = NULL;
    struct error err;
    store_close(fixture->local.store);
    assert_int_equal(store_open(fixture->folder.path, schemas, &fixture->local.store, &err), 0);
    fixture->writer = writer_new(&fixture->local, NULL, NULL, &err);
    struct job broken[2] = {
        job_of("INSERT INTO item (id) VALUES (2)", true),
        job_of("INSERT INTO child (item) VALUES (99)", true),
    };
    submit_as_group(fixture, broken, 2);
    assert_int_equal(broken[0].outcome, WRITER_FAILED);
    assert_int_equal(broken[1].outcome, WRITER_FAILED);
    assert_int_equal(items_kept(fixture), 1);
}

static void raises_the_version_when_caches_must_know(void **state)
{
    struct fixture *fixture = *state;
    struct job quiet[1] = {job_of("INSERT INTO ssm_thing (id) VALUES (1)", true)};
    submit_as_group(fixture, quiet, 1);
    assert_int_equal(fixture->local.version, 0);

    store_close(fixture->local.store);
    assert_int_equal(store_open(fixture->folder.path, schemas, &fixture->local.store, NULL), 0);
    fixture->writer = writer_new(&fixture->local, NULL, NULL, NULL);
    struct job loud[1] = {job_of("INSERT INTO item (id) VALUES (1)", true)};
    submit_as_group(fixture, loud, 1);
    assert_int_equal(fixture->local.version, 1);
}

static bool insert_item(void *arg, struct store_session *store)
{
    return store_run(store, "INSERT INTO item (id) VALUES ($1)", "i", *(int64_t *)arg) == 1;
}

static void a_call_waits_for_its_commit(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = 4;
    uint64_t before = writer_commits(fixture->writer);
    assert_int_equal(writer_call(fixture->writer, insert_item, &id), 0);
    assert_true(writer_commits(fixture->writer) > before);
    assert_int_equal(items_kept(fixture), 1);
    assert_int_equal(writer_call(fixture->writer, insert_item, &id), -1); /* there already */
}

static void *call_many(void *arg)
{
    struct fixture *fixture = arg;
    static _Atomic int64_t next = 1000;
    for (int i = 0; i < 50; i++) {
        int64_t id = atomic_fetch_add(&next, 1);
        if (writer_call(fixture->writer, insert_item, &id) != 0)
            return arg; /* not NULL: failed */
    }
    return NULL;
}

static void many_threads_may_write(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, fixture), 0);
    for (size_t i = 0; i < 4; i++) {
        void *problem;
        pthread_join(threads[i], &problem);
        assert_null(problem);
    }
    assert_int_equal(items_kept(fixture), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_group_is_one_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_job_leaves_nothing_and_harms_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failing_statement_fails_its_job_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_fails_the_large_one_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_transaction_is_run_again_without_the_culprit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failing_commit_fails_the_group, setup, teardown),
        cmocka_unit_test_setup_teardown(raises_the_version_when_caches_must_know, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_waits_for_its_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(many_threads_may_write, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
