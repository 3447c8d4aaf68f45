/* The agenda asks services when a time they gave has come, and not before. */
#include "base/arena.h"
#include "folder.h"
#include "local/agenda.h"
#include "local/moved_clock.h"
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000, START_MS = 1000000, SOON_MS = 5000 };

static const char *const schemas[] = {"CREATE TABLE IF NOT EXISTS ssm_x (id INTEGER);", NULL};

struct fixture {
    struct folder folder;
    struct local local;
    struct moved_clock clock;
    struct writer *writer;
};

static atomic_uint turns; /* of `act` */

static int64_t act(struct local *local, struct store_session *store, int64_t now_ms)
{
    (void)local, (void)store;
    atomic_fetch_add(&turns, 1);
    return now_ms < START_MS + SOON_MS ? START_MS + SOON_MS : AGENDA_NEVER;
}

static const struct local_service acting = {.name = "acting", .act = act};
static const struct local_service idle = {.name = "idle"};
static const struct local_service *const services[] = {&idle, &acting, NULL};

static int setup(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof *fixture);
    *state = fixture;
    folder_make(&fixture->folder);
    moved_clock_init(&fixture->clock, clock_system());
    moved_clock_set(&fixture->clock, START_MS, true);
    fixture->local.clock = &fixture->clock.clock;
    if (store_open(fixture->folder.path, schemas, &fixture->local.store, NULL) != 0)
        return -1;
    fixture->writer = writer_new(&fixture->local, NULL, NULL, NULL);
    fixture->local.agenda = agenda_new(&fixture->local, fixture->writer, services);
    atomic_store(&turns, 0);
    return fixture->writer ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    agenda_stop(fixture->local.agenda);
    writer_free(fixture->writer);
    agenda_free(fixture->local.agenda);
    store_close(fixture->local.store);
    moved_clock_done(&fixture->clock);
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

static void wait_for(unsigned wanted)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(&turns) < wanted; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&turns), wanted);
}

static void asks_at_the_start_and_when_it_is_time(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(agenda_start(fixture->local.agenda, NULL), 0);
    wait_for(1);
    usleep(50 * 1000);
    wait_for(1);
    moved_clock_advance(&fixture->clock, SOON_MS, true);
    agenda_wake(fixture->local.agenda);
    wait_for(2);
    usleep(50 * 1000);
    wait_for(2);
}

static void asks_when_a_handler_expects_something(void **state)
{
    struct fixture *fixture = *state;
    moved_clock_set(&fixture->clock, START_MS + SOON_MS, false);
    assert_int_equal(agenda_start(fixture->local.agenda, NULL), 0);
    wait_for(1);
    agenda_expect(fixture->local.agenda, START_MS + SOON_MS + 3600 * 1000);
    usleep(50 * 1000);
    wait_for(1);
    agenda_expect(fixture->local.agenda, START_MS + SOON_MS);
    wait_for(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_at_the_start_and_when_it_is_time, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_when_a_handler_expects_something, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
