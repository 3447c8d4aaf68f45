#include "event/pending.h"
#include "support/test.h"

#include "base/thread.h"

static struct sqs_queue the_queue = {.name = "queue"};

static void add(struct pending *pending, const char *receipt, int64_t received,
                const struct hint *hints, size_t count)
{
    const struct sqs_message message = {.id = "id", .receipt = receipt, .received = received};
    const struct event_hints found = {.hints = (struct hint *)hints, .count = count};
    pending_add(pending, &the_queue, &message, &found);
}

static struct hint of(const char *name, int64_t version, int64_t at_ms)
{
    return (struct hint){.kind = "ssm-parameter",
                         .account = "1",
                         .region = "eu-west-1",
                         .name = name,
                         .version = version,
                         .at_ms = at_ms};
}

static void test_hints_for_one_name_are_one_look(void **state)
{
    (void)state;
    struct pending *pending = pending_new(100);
    size_t names;
    int64_t oldest_ms;
    add(pending, "a", 1, (struct hint[]){of("/a", 1, 500), of("/b", 0, 0)}, 2);
    add(pending, "b", 1, (struct hint[]){of("/a", 3, 300)}, 1);
    add(pending, "c", 1, (struct hint[]){of("/a", 2, 900)}, 1);
    struct hint elsewhere = of("/a", 0, 0);
    elsewhere.region = "us-east-1";
    add(pending, "d", 1, &elsewhere, 1);
    pending_look(pending, &names, &oldest_ms);
    assert_int_equal(names, 3);
    assert_int_equal(oldest_ms, 300);
    struct pending_batch *batch = pending_take(pending, 0);
    assert_int_equal(batch->hint_count, 3);
    assert_int_equal(batch->message_count, 4);
    assert_string_equal(batch->hints[0].name, "/a");
    assert_int_equal(batch->hints[0].version, 3); /* the newest that somebody saw */
    assert_int_equal(batch->hints[0].at_ms, 300); /* the oldest that waits */
    assert_int_equal(batch->messages[2].looks[0], 0);
    assert_null(pending_take(pending, 0));
    pending_batch_free(batch);
    pending_free(pending);
}

static void test_what_comes_during_the_work_is_for_the_next_batch(void **state)
{
    (void)state;
    struct pending *pending = pending_new(100);
    struct hint hint = of("/a", 1, 0);
    add(pending, "a", 1, &hint, 1);
    struct pending_batch *first = pending_take(pending, 0);
    add(pending, "b", 1, &hint, 1);
    struct pending_batch *second = pending_take(pending, 0);
    assert_int_equal(first->message_count, 1);
    assert_int_equal(second->message_count, 1);
    assert_string_equal(second->messages[0].receipt, "b");
    pending_batch_free(first);
    pending_batch_free(second);
    pending_free(pending);
}

static void test_a_message_is_done_when_each_of_its_hints_is(void **state)
{
    (void)state;
    struct pending *pending = pending_new(100);
    add(pending, "a", 1, (struct hint[]){of("/a", 0, 0), of("/b", 0, 0)}, 2);
    add(pending, "b", 3, (struct hint[]){of("/b", 0, 0)}, 1);
    add(pending, "nothing to look at", 1, NULL, 0);
    add(pending, "often", 40, (struct hint[]){of("/b", 0, 0)}, 1);
    struct pending_batch *batch = pending_take(pending, 0);
    batch->results[0].outcome = HINT_APPLIED;
    batch->results[1].outcome = HINT_EQUAL;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pending_verdict(batch, &batch->messages[i]), -1);
    batch->results[1].outcome = HINT_LATER;
    assert_int_equal(pending_verdict(batch, &batch->messages[0]), 2);
    batch->results[1].outcome = HINT_FAILED;
    assert_int_equal(pending_verdict(batch, &batch->messages[0]), 10);
    assert_int_equal(pending_verdict(batch, &batch->messages[1]), 40);
    assert_int_equal(pending_verdict(batch, &batch->messages[2]), -1);
    assert_int_equal(pending_verdict(batch, &batch->messages[3]), 900);
    batch->results[1].outcome = HINT_BLOCKED;
    assert_int_equal(pending_verdict(batch, &batch->messages[0]), 10);
    pending_batch_free(batch);
    pending_free(pending);
}

static void *add_many(void *arg)
{
    struct hint hint = of("/a", 0, 0);
    for (int i = 0; i < 1000; i++)
        add(arg, "many", 1, &hint, 1);
    return NULL;
}

static void test_listeners_wait_while_there_is_too_much(void **state)
{
    (void)state;
    struct pending *pending = pending_new(10);
    pthread_t threads[2];
    size_t seen = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_start(&threads[i], "adds", add_many, pending, NULL), 0);
    while (seen < 2000) {
        struct pending_batch *batch = pending_take(pending, 10000);
        assert_non_null(batch);
        assert_true(batch->message_count <= 10);
        assert_int_equal(batch->hint_count, 1);
        seen += batch->message_count;
        pending_batch_free(batch);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pending_free(pending);
}

static void *take_one(void *arg)
{
    return pending_take(arg, 60 * 1000);
}

static void test_waking_and_closing(void **state)
{
    (void)state;
    struct pending *pending = pending_new(1);
    pthread_t thread;
    void *batch = NULL;
    assert_int_equal(thread_start(&thread, "takes", take_one, pending, NULL), 0);
    pending_wake(pending);
    pthread_join(thread, &batch);
    assert_null(batch);
    struct hint hint = of("/a", 0, 0);
    pending_close(pending);
    for (int i = 0; i < 3; i++) /* nobody waits for room any more */
        add(pending, "a", 1, &hint, 1);
    struct pending_batch *last = pending_take(pending, 0);
    assert_int_equal(last->message_count, 3);
    pending_batch_free(last);
    assert_null(pending_take(pending, 60 * 1000));
    pending_free(pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hints_for_one_name_are_one_look),
        cmocka_unit_test(test_what_comes_during_the_work_is_for_the_next_batch),
        cmocka_unit_test(test_a_message_is_done_when_each_of_its_hints_is),
        cmocka_unit_test(test_listeners_wait_while_there_is_too_much),
        cmocka_unit_test(test_waking_and_closing),
    };
    return cmocka_run_group_tests_name("event/pending", tests, NULL, NULL);
}
