#include "local/lambda_pause.h"

#include "support/test.h"

static void each_turn_doubles_it(void **state)
{
    static const int64_t lengths_ms[] = {1000,  2000,   4000,   8000,   16000, 32000,
                                         64000, 128000, 256000, 300000, 300000};
    struct lambda_pause pause = {0};
    int64_t now_ms = 1700000000000;
    (void)state;
    assert_false(lambda_pause_holds(&pause, now_ms));
    for (size_t i = 0; i < sizeof lengths_ms / sizeof *lengths_ms; i++) {
        assert_true(lambda_pause_refused(&pause, pause.turn, now_ms));
        assert_int_equal(pause.again_ms - now_ms, lengths_ms[i]);
        assert_true(lambda_pause_holds(&pause, pause.again_ms - 1));
        assert_false(lambda_pause_holds(&pause, pause.again_ms));
        now_ms = pause.again_ms;
    }
    for (unsigned i = 0; i < 100; i++) /* no shift runs away */
        lambda_pause_refused(&pause, pause.turn, now_ms);
    assert_int_equal(pause.again_ms - now_ms, LAMBDA_LONGEST_PAUSE_MS);
}

static void what_was_begun_together_counts_once(void **state)
{
    struct lambda_pause pause = {0};
    unsigned turn = pause.turn;
    (void)state;
    assert_true(lambda_pause_refused(&pause, turn, 5000));
    for (int i = 1; i < 16; i++)
        assert_false(lambda_pause_refused(&pause, turn, 5000 + i));
    assert_int_equal(pause.again_ms, 6000);
    assert_int_equal(pause.refused, 1);
    unsigned next = pause.turn;
    assert_false(lambda_pause_refused(&pause, turn, 6000)); /* a straggler */
    assert_true(lambda_pause_refused(&pause, next, 6000));
    assert_int_equal(pause.again_ms, 8000);
}

static void one_that_ran_ends_it(void **state)
{
    struct lambda_pause pause = {0};
    (void)state;
    for (int i = 0; i < 5; i++)
        lambda_pause_refused(&pause, pause.turn, 0);
    unsigned before = pause.turn;
    lambda_pause_over(&pause);
    assert_false(lambda_pause_holds(&pause, 0));
    lambda_pause_refused(&pause, before, 0);
    assert_int_equal(pause.again_ms, 1000);
}

static void a_clock_set_back_does_not_lengthen_it(void **state)
{
    struct lambda_pause pause = {0};
    (void)state;
    lambda_pause_refused(&pause, 0, 10000000);
    assert_true(lambda_pause_holds(&pause, 10000000));
    assert_false(lambda_pause_holds(&pause, 9000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_turn_doubles_it),
        cmocka_unit_test(what_was_begun_together_counts_once),
        cmocka_unit_test(one_that_ran_ends_it),
        cmocka_unit_test(a_clock_set_back_does_not_lengthen_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
