/* The example of the specification (data-format/message-header.md), cut and changed. */
#include "aws/sdk_message.h"
#include "support/test.h"

static const char start[] = "\x01\x80\x01\x78"
                            "0123456789abcdef";
static const char context[] = "\x00\x0c\x00\x02\x00\x01"
                              "b\x00\x00\x00\x01"
                              "a\x00\x00"; /* two pairs, not in order */
static const char keys[] = "\x00\x01\x00\x07"
                           "aws-kms\x00\x03"
                           "arn\x00\x04"
                           "seal";
static const char rest[] = "\x02\x00\x00\x00\x00\x0c\x00\x00\x10\x00";
static const char proof[] = "nonce-12byte"
                            "tag-of-16-bytes-";

static struct arena arena;
static struct buf bytes;

static void put(const char *data, size_t len)
{
    buf_append(&bytes, data, len);
}
#define PUT(text) put(text, sizeof text - 1)

static struct text whole(void)
{
    buf_reset(&bytes);
    PUT(start);
    PUT(context);
    PUT(keys);
    PUT(rest);
    PUT(proof);
    PUT("body");
    return (struct text){bytes.data, bytes.len};
}

static void a_header_is_read(void **state)
{
    struct sdk_message message;
    struct error err = {0};
    (void)state;
    struct text all = whole();
    assert_true(sdk_message_begins(all));
    assert_int_equal(sdk_message_read(&arena, all, &message, &err), 0);
    assert_int_equal(message.suite->key_size, 32);
    assert_int_equal(message.context_count, 2);
    assert_true(text_is(message.context[0].key, "b"));
    assert_int_equal(message.key_count, 1);
    assert_true(text_is(message.keys[0].provider, "aws-kms"));
    assert_true(text_is(message.keys[0].sealed, "seal"));
    assert_true(text_is(message.nonce, "nonce-12byte"));
    assert_true(text_is(message.tag, "tag-of-16-bytes-"));
    assert_int_equal(message.size, all.len - strlen("body"));
    assert_false(sdk_message_fixed(&message));
    assert_true(message.framed);
    assert_int_equal(message.frame_size, 4096);
    assert_int_equal(message.commitment.len, 0);
    assert_ptr_equal(sdk_message_pair(&message, "a"), &message.context[1]);
    assert_null(sdk_message_pair(&message, "c"));
}

static void a_header_is_written_with_other_keys(void **state)
{
    struct sdk_message message;
    struct error err = {0};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(sdk_message_read(&arena, whole(), &message, &err), 0);
    sdk_message_write(&message, message.keys, 1, &out);
    assert_int_equal(out.len, message.header.len);
    assert_memory_equal(out.data, message.header.data, out.len);
    const struct sdk_data_key two[] = {{text_of("aws-kms"), text_of("other"), text_of("x")},
                                       message.keys[0]};
    buf_reset(&out);
    sdk_message_write(&message, two, 2, &out);
    PUT("0123456789012345678901234567"); /* room for nonce and tag */
    char *copy = arena_alloc(&arena, out.len + 28);
    memcpy(copy, out.data, out.len);
    memset(copy + out.len, 'x', 28);
    struct text again = {copy, out.len + 28};
    assert_int_equal(sdk_message_read(&arena, again, &message, &err), 0);
    assert_int_equal(message.key_count, 2);
    assert_true(text_is(message.keys[0].info, "other"));
    buf_done(&out);
}

static void a_context_is_written_in_the_order_of_its_keys(void **state)
{
    const struct sdk_pair pairs[] = {{text_of("b"), text_of("2")}, {text_of("a"), text_of("1")}};
    static const char wanted[] = "\x00\x02\x00\x01"
                                 "a\x00\x01"
                                 "1\x00\x01"
                                 "b\x00\x01"
                                 "2";
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    sdk_context_write(pairs, 0, &out);
    assert_int_equal(out.len, 0);
    sdk_context_write(pairs, 2, &out);
    assert_int_equal(out.len, sizeof wanted - 1);
    assert_memory_equal(out.data, wanted, out.len);
    buf_done(&out);
}

static void a_part_of_a_header_is_not_taken_for_a_whole(void **state)
{
    struct sdk_message message;
    struct error err = {0};
    (void)state;
    struct text all = whole();
    for (size_t len = 0; len < all.len - strlen("body"); len++) {
        assert_int_equal(sdk_message_read(&arena, (struct text){all.data, len}, &message, &err),
                         -1);
        assert_int_equal(err.code, ERR_LIMIT);
    }
}

static void damage_is_named(void **state)
{
    static const struct {
        size_t at;
        char byte;
        const char *words;
    } cases[] = {{1, 0x42, "type"},
                 {3, 0x77, "not known"},
                 {20 + 1, 0x0d, "not as long"},
                 {20 + 3, 0x55, "cannot be"},
                 {20 + 6, 0x00, "not text"},
                 {20 + 11, 0x62, "twice"},
                 {20 + 14 + 1, 0x00, "no encrypted data key"},
                 {20 + 14 + 22, 0x03, "neither framed"},
                 {20 + 14 + 22, 0x01, "length of its frames"},
                 {20 + 14 + 22 + 4, 0x01, "reserved"},
                 {20 + 14 + 22 + 5, 0x0d, "IV"}};
    struct sdk_message message;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        struct text all = whole();
        bytes.data[cases[i].at] = cases[i].byte;
        assert_int_equal(sdk_message_read(&arena, all, &message, &err), -1);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%zu: %s", i, err.message);
    }
}

static void what_is_signed_or_committing_is_fixed(void **state)
{
    struct sdk_message message;
    struct error err = {0};
    (void)state;
    struct text all = whole();
    bytes.data[2] = 0x03;
    assert_int_equal(sdk_message_read(&arena, all, &message, &err), 0);
    assert_true(sdk_message_fixed(&message));
    assert_false(sdk_message_begins((struct text){"\x02\x01\x78", 3}));
    assert_true(sdk_message_begins((struct text){"\x02\x04\x78", 3}));
    assert_false(sdk_message_begins((struct text){"\x01\x02\x02\x00\x78", 5}));
    assert_false(sdk_message_begins((struct text){"", 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read),
        cmocka_unit_test(a_header_is_written_with_other_keys),
        cmocka_unit_test(a_context_is_written_in_the_order_of_its_keys),
        cmocka_unit_test(a_part_of_a_header_is_not_taken_for_a_whole),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(what_is_signed_or_committing_is_fixed),
    };
    arena_init(&arena);
    buf_init(&bytes, 4096);
    int failed = cmocka_run_group_tests_name("aws/sdk_message", tests, NULL, NULL);
    buf_done(&bytes);
    arena_done(&arena);
    return failed;
}
