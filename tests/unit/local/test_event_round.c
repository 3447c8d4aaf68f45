#include "kms_fixture.h"
#include "local/event_outbox.h"
#include "support/test.h"

#include <string.h>

static void put(struct kms_fixture *fixture, const char *id)
{
    char text[64];
    snprintf(text, sizeof text, "{\"id\":\"%s\"}", id);
    store_run(fixture->writer,
              "INSERT INTO trail_outbox (account, region, bus, read_only, hops, due_ms, event)"
              " VALUES ('111111111111', 'us-east-1', 'default', 0, 0, 0, $1)",
              "t", text);
    store_run(fixture->writer,
              "INSERT INTO trail_delivery (account, region, bus, hops, rule, target, attempts,"
              " first_ms, due_ms, event)"
              " VALUES ('111111111111', 'us-east-1', 'default', 0, 'r', 't', 1, 0, 0, $1)",
              "t", text);
}

static int64_t waiting(struct kms_fixture *fixture)
{
    struct store_rows rows;
    store_query(fixture->writer, &rows,
                "SELECT (SELECT count(*) FROM trail_outbox) + (SELECT count(*) FROM"
                " trail_delivery)",
                "");
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return count;
}

static struct event_round *round_of(struct kms_fixture *fixture)
{
    int64_t next_ms;
    struct event_round *round = event_round_new(&fixture->local, NULL);
    kms_fixture_read(fixture);
    assert_int_equal(event_round_read(round, fixture->reader, 1, &next_ms), 2);
    kms_fixture_write(fixture);
    return round;
}

static void what_was_read_goes(void **state)
{
    struct kms_fixture *fixture = *state;
    put(fixture, "one");
    struct event_round *round = round_of(fixture);
    assert_true(event_round_write(round, fixture->writer));
    assert_int_equal(waiting(fixture), 0);
    event_round_free(round);
}

/* The store was emptied meanwhile, and others have got the numbers of those that were read. */
static void others_of_the_same_number_stay(void **state)
{
    struct kms_fixture *fixture = *state;
    put(fixture, "one");
    struct event_round *round = round_of(fixture);
    store_run(fixture->writer, "DELETE FROM trail_outbox", "");
    store_run(fixture->writer, "DELETE FROM trail_delivery", "");
    put(fixture, "two");
    assert_true(event_round_write(round, fixture->writer));
    assert_int_equal(waiting(fixture), 2);
    event_round_free(round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_read_goes, kms_fixture_setup,
                                        kms_fixture_teardown),
        cmocka_unit_test_setup_teardown(others_of_the_same_number_stay, kms_fixture_setup,
                                        kms_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
