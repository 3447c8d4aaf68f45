#include "base/arena.h"
#include "base/sanitizer.h"
#include "support/freed.h"
#include "support/test.h"

#include <sys/wait.h>
#include <unistd.h>

static bool all_zero(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i])
            return false;
    return true;
}

static void test_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t size = 0; size < 3000; size += 7) {
        char *memory = arena_alloc(&arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        assert_true(all_zero(memory, size));
        memset(memory, 0xa5, size);
    }
    arena_done(&arena);
}

static void test_pieces_do_not_overlap(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *pieces[200];
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t size = 1 + i * 37 % 900;
        pieces[i] = arena_alloc(&arena, size);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t size = 1 + i * 37 % 900;
        for (size_t at = 0; at < size; at++)
            assert_int_equal((unsigned char)pieces[i][at], (unsigned char)i);
    }
    arena_done(&arena);
}

static void test_reset_wipes_and_uses_the_block_again(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *first = arena_strdup(&arena, FREED_MARK);
    for (int i = 0; i < 100; i++)
        arena_strndup(&arena, FREED_MARK, strlen(FREED_MARK));
    arena_reset(&arena);
    char *again = arena_alloc(&arena, 4000);
    assert_ptr_equal(first, again);
    assert_true(all_zero(again, 4000));
    arena_done(&arena);
    assert_int_equal(freed_with_mark(), 0);
}

static void test_every_block_is_wiped_when_freed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena_reset(&arena); /* before the first allocation: nothing to do */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50; i++) {
            char *memory = arena_alloc(&arena, 5000);
            memcpy(memory + 4000, FREED_MARK, sizeof FREED_MARK);
        }
        char *large = arena_alloc(&arena, 200000);
        memcpy(large + 190000, FREED_MARK, sizeof FREED_MARK);
        if (round < 2)
            arena_reset(&arena);
    }
    arena_done(&arena);
    arena_done(&arena); /* twice is fine */
    assert_int_equal(freed_with_mark(), 0);
}

static void test_a_large_first_block_is_not_kept(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    memset(arena_alloc(&arena, 1 << 20), 'x', 1 << 20);
    arena_reset(&arena);
    assert_null(arena.blocks); /* an item of 1 MB must not cost 1 MB for ever */
    assert_true(all_zero(arena_alloc(&arena, 64), 64));
    arena_done(&arena);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(&arena, NULL, 0), "");
    assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
    assert_string_equal(arena_join(&arena, "a", "", "bc", NULL), "abc");
    assert_string_equal(arena_join(&arena, NULL), "");
    char *text = arena_printf(&arena, "%0*d", 40000, 1);
    assert_int_equal(strlen(text), 40000);
    assert_int_equal(text[39999], '1');
    arena_done(&arena);
}

/* Exit status of a child that runs `what`. */
static int status_of(void (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        what();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void multiply_too_far(void)
{
    struct arena arena;
    arena_init(&arena);
    arena_calloc(&arena, SIZE_MAX / 2, 3);
}

static void ask_too_much(void)
{
    struct arena arena;
    arena_init(&arena);
    arena_alloc(&arena, SIZE_MAX - 8);
}

static void test_sizes_that_overflow_exit_71(void **state)
{
    (void)state;
    assert_int_equal(status_of(multiply_too_far), 71);
    assert_int_equal(status_of(ask_too_much), 71);
}

static void test_the_sanitizer_sees_a_step_over_the_end(void **state)
{
    (void)state;
#if SANITIZER_ADDRESS
    struct arena arena;
    arena_init(&arena);
    char *piece = arena_alloc(&arena, 24);
    arena_alloc(&arena, 24);
    assert_false(__asan_address_is_poisoned(piece + 23));
    assert_true(__asan_address_is_poisoned(piece + 24));
    arena_reset(&arena);
    assert_true(__asan_address_is_poisoned(piece));
    arena_done(&arena);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_pieces_do_not_overlap),
        cmocka_unit_test(test_reset_wipes_and_uses_the_block_again),
        cmocka_unit_test(test_every_block_is_wiped_when_freed),
        cmocka_unit_test(test_a_large_first_block_is_not_kept),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_the_sanitizer_sees_a_step_over_the_end),
        cmocka_unit_test(test_sizes_that_overflow_exit_71),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
