#include "local/lambda_host.h"

#include "base/arena.h"
#include "base/log.h"
#include "folder.h"
#include "local/service.h"
#include "local/writer.h"
#include "support/fake_clock.h"
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 250 * 1000, LARGEST_SCHEMAS = 16 };

struct fixture {
    struct folder folder;
    struct fake_clock clock;
    struct local local;
    struct writer *writer;
    struct lambda_host *host;
    char *line;
};

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    const char *schemas[LARGEST_SCHEMAS] = {NULL};
    size_t count = 0;
    *state = fixture;
    for (const struct local_service *const *service = local_services; *service; service++)
        if ((*service)->schema && count < LARGEST_SCHEMAS - 1)
            schemas[count++] = (*service)->schema;
    folder_make(&fixture->folder);
    fake_clock_init(&fixture->clock, 1700000000000);
    fixture->local.clock = &fixture->clock.clock;
    fixture->local.random = random_system();
    fixture->local.any_credentials = true; /* the role need not be there */
    if (store_open(fixture->folder.path, schemas, &fixture->local.store, NULL) != 0)
        return -1;
    fixture->writer = writer_new(&fixture->local, NULL, NULL, NULL);
    fixture->host = lambda_host_new(&fixture->local, fixture->writer);
    fixture->line = memory_alloc(LINE_BYTES);
    memset(fixture->line, 'x', LINE_BYTES);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    writer_free(fixture->writer);
    lambda_host_free(fixture->host);
    store_close(fixture->local.store);
    folder_remove(&fixture->folder);
    free(fixture->line);
    free(fixture);
    return 0;
}

static void write_line(struct fixture *fixture, int64_t time_ms)
{
    const struct lambda_line line = {time_ms, {fixture->line, LINE_BYTES}};
    const struct lambda_log log = {
        .function_arn = "arn:aws:lambda:us-east-1:111111111111:function:f",
        .account = "111111111111",
        .region = "us-east-1",
        .role_arn = "arn:aws:iam::111111111111:role/none",
        .group = "/aws/lambda/f",
        .stream = "stream",
        .lines = &line,
        .count = 1,
    };
    struct lambda_pool_host functions = lambda_host_functions(fixture->host);
    functions.log(functions.arg, &log);
}

/* Holds the writer until let go. */
struct gate {
    struct writer_job job; /* first */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open, done;
};

static bool wait_at(struct writer_job *base, struct store_session *store, uint64_t version)
{
    struct gate *gate = (struct gate *)base;
    (void)store, (void)version;
    pthread_mutex_lock(&gate->mutex);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return true;
}

static void passed(struct writer_job *base, enum writer_outcome outcome)
{
    (void)base, (void)outcome;
}

static bool count_lines(void *arg, struct store_session *store)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT count(*) FROM logs_event", "");
    *(int64_t *)arg = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return true;
}

/* 32 MB of lines may wait for the store: what comes beyond is lost, what comes later is not. */
static void lines_that_come_too_fast_are_lost(void **state)
{
    struct fixture *fixture = *state;
    enum { FIT = (32 << 20) / LINE_BYTES + 1, MORE = 20 };
    struct gate gate = {.job = {.run = wait_at, .done = passed},
                        .mutex = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    int64_t count = 0;
    writer_submit(fixture->writer, &gate.job);
    for (int i = 0; i < FIT + MORE; i++)
        write_line(fixture, 1700000000000 + i);
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    assert_int_equal(writer_call(fixture->writer, count_lines, &count), 0);
    assert_int_equal(count, FIT);
    assert_int_equal(writer_call(fixture->writer, count_lines, &count), 0); /* all were told */
    write_line(fixture, 1700000001000);
    assert_int_equal(writer_call(fixture->writer, count_lines, &count), 0);
    assert_int_equal(count, FIT + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_that_come_too_fast_are_lost, setup, teardown),
    };
    log_setup(LOG_NONE, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
