/*
 * Messages that real SDKs made (sdk_messages.json says which), each with its data key: encrypted
 * with a key of understudy-local, whose Decrypt then told the data key. They are read, encrypted
 * again, and read back here frame by frame.
 */
#include "aws/sdk_body.h"
#include "base/digest.h"
#include "base/gcm.h"
#include "fixture.h"
#include "support/test.h"

#include <stdlib.h>

static struct arena arena;
static json_t *samples;

/* One sample, and where it is to go. */
struct course {
    struct text bytes, text;
    struct sdk_message message;
    struct sdk_keys from, to;
    char id[SDK_ID_MOST];
    unsigned char point[ECDSA_POINT_MOST];
    size_t point_len;
    struct ecdsa *signer;
    size_t frame;
};

static struct text decoded(const char *base64)
{
    unsigned char *bytes;
    size_t len;
    assert_int_equal(base64_decode(&arena, base64, strlen(base64), &bytes, &len), 0);
    return (struct text){(const char *)bytes, len};
}

static struct course course_of(const json_t *sample)
{
    struct course course = {.bytes = decoded(json_string_value(json_object_get(sample, "message"))),
                            .text = text_of(json_string_value(json_object_get(sample, "text"))),
                            .frame = (size_t)json_integer_value(json_object_get(sample, "frame"))};
    const char *hex = json_string_value(json_object_get(sample, "data_key"));
    size_t key_len = strlen(hex) / 2;
    unsigned char key[SDK_KEY_MOST];
    struct error err = {0};
    assert_int_equal(digest_unhex(hex, strlen(hex), key, key_len), 0);
    assert_int_equal(sdk_message_read(&arena, course.bytes, &course.message, &err), 0);
    const struct sdk_suite *suite = course.message.suite;
    struct text data_key = {(const char *)key, key_len};
    assert_int_equal(sdk_keys_derive(suite, course.message.id, data_key, &course.from, &err), 0);
    memset(course.id, 'i', sizeof course.id);
    struct text id = {course.id, sdk_id_size(suite)};
    assert_int_equal(sdk_keys_derive(suite, id, data_key, &course.to, &err), 0);
    return course;
}

static struct course course_at(size_t at)
{
    return course_of(json_array_get(samples, at));
}

static size_t sample_of(const char *suite, size_t frame)
{
    size_t at;
    json_t *sample;
    json_array_foreach(samples, at, sample)
    {
        if (strcmp(json_string_value(json_object_get(sample, "suite")), suite) == 0 &&
            (size_t)json_integer_value(json_object_get(sample, "frame")) == frame)
            return at;
    }
    fail_msg("no sample of suite %s", suite);
    return 0;
}

/* 0: all of `rest` became `out`, in pieces of this size. */
static int run(struct course *course, struct text header, struct text rest, size_t piece,
               struct buf *out, struct error *err)
{
    const struct sdk_message *message = &course->message;
    struct sdk_body_side source = {.id = message->id, .keys = &course->from, .header = header},
                         target = {.id = {course->id, sdk_id_size(message->suite)},
                                   .keys = &course->to,
                                   .header = text_of("the new header")};
    if (message->suite->is_signed) {
        struct text told = sdk_message_pair(message, SDK_PUBLIC_KEY)->value;
        struct text point = decoded(arena_strndup(&arena, told.data, told.len));
        source.proof = ecdsa_verifier_new(message->suite->curve, point.data, point.len);
        target.proof = ecdsa_signer_new(message->suite->curve);
        course->point_len = ecdsa_point(target.proof, course->point);
    }
    struct sdk_body *body = sdk_body_new(message, &source, &target);
    int result = 0;
    for (size_t at = 0; result == 0 && at < rest.len; at += piece) {
        size_t left = rest.len - at;
        result = sdk_body_push(body, (struct text){rest.data + at, left < piece ? left : piece},
                               out, err);
    }
    if (result == 0)
        result = sdk_body_end(body, err);
    else
        assert_int_equal(sdk_body_end(body, &(struct error){0}), -1);
    sdk_body_free(body);
    return result;
}

static struct text header_of(const struct course *course)
{
    return (struct text){course->bytes.data, course->message.size};
}

static struct text rest_of(const struct course *course)
{
    return (struct text){course->bytes.data + course->message.size,
                         course->bytes.len - course->message.size};
}

/* --- reading what was made -------------------------------------------------------------------- */
struct walk {
    const unsigned char *at;
    size_t left;
};

static const unsigned char *step(struct walk *walk, size_t len)
{
    assert_true(walk->left >= len);
    walk->at += len;
    walk->left -= len;
    return walk->at - len;
}

static size_t number(struct walk *walk, size_t bytes)
{
    size_t value = 0;
    for (const unsigned char *at = step(walk, bytes); bytes--; at++)
        value = value << 8 | *at;
    return value;
}

/* One frame's text behind `text`; is it the last? */
static bool read_frame(const struct course *course, struct walk *walk, size_t wanted,
                       size_t frame_size, struct buf *text)
{
    size_t sequence = number(walk, 4), len = frame_size;
    bool last = sequence == 0xffffffff;
    if (last)
        sequence = number(walk, 4);
    assert_int_equal(sequence, wanted);
    const unsigned char *nonce = step(walk, 12);
    if (last)
        len = number(walk, 4);
    const unsigned char *sealed = step(walk, len), *tag = step(walk, 16);
    struct buf aad;
    buf_init(&aad, 256);
    buf_append(&aad, course->id, sdk_id_size(course->message.suite));
    buf_append_text(&aad,
                    last ? "AWSKMSEncryptionClient Final Frame" : "AWSKMSEncryptionClient Frame");
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_append_char(&aad, (char)(sequence >> shift));
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_append_char(&aad, (char)((uint64_t)len >> shift));
    struct gcm *gcm = gcm_new(course->to.key, course->message.suite->key_size, false);
    gcm_begin(gcm, nonce, aad.data, aad.len);
    if (len)
        gcm_add(gcm, sealed, len, buf_reserve(text, len));
    text->len += len;
    assert_true(gcm_proves(gcm, tag));
    gcm_free(gcm);
    buf_done(&aad);
    return last;
}

static void check(const struct course *course, const struct buf *made)
{
    struct walk walk = {(const unsigned char *)made->data, made->len};
    size_t frame_size = course->frame ? course->frame : SDK_FRAME_USUAL, count = 1;
    struct buf text;
    buf_init(&text, 1024);
    while (!read_frame(course, &walk, count, frame_size, &text))
        count++;
    /* Some SDKs end with an empty frame where the last is full; 40 bytes are in any of these. */
    assert_true(count <= course->text.len / frame_size + 1);
    assert_int_equal(text.len, course->text.len);
    assert_memory_equal(text.data, course->text.data, text.len);
    buf_done(&text);
    if (course->message.suite->is_signed) {
        size_t covered = made->len - walk.left;
        struct ecdsa *proof =
            ecdsa_verifier_new(course->message.suite->curve, course->point, course->point_len);
        ecdsa_add(proof, "the new header", strlen("the new header"));
        ecdsa_add(proof, made->data, covered);
        size_t len = number(&walk, 2);
        assert_true(ecdsa_proves(proof, step(&walk, len), len));
        ecdsa_free(proof);
    }
    assert_int_equal(walk.left, 0);
}

/* --- the tests -------------------------------------------------------------------------------- */
static void what_real_sdks_made_is_proved_and_made_again(void **state)
{
    static const size_t pieces[] = {1, 7, 100000};
    (void)state;
    assert_true(json_array_size(samples) >= 9);
    for (size_t i = 0; i < json_array_size(samples); i++) {
        struct course course = course_at(i);
        struct error err = {0};
        assert_int_equal(sdk_header_prove(&course.message, &course.from, (struct text){"", 0},
                                          &err),
                         0);
        assert_int_equal(course.message.framed, course.frame > 0);
        assert_int_equal(course.message.frame_size, course.frame);
        for (size_t p = 0; p < COUNT(pieces); p++) {
            struct buf made;
            buf_init(&made, 4096);
            if (run(&course, header_of(&course), rest_of(&course), pieces[p], &made, &err) != 0)
                fail_msg("sample %zu: %s", i, err.message);
            check(&course, &made);
            buf_done(&made);
        }
    }
}

static void another_data_key_or_header_is_not_proved(void **state)
{
    (void)state;
    for (size_t i = 0; i < json_array_size(samples); i++) {
        struct course course = course_at(i);
        struct error err = {0};
        const struct text none = {"", 0};
        assert_int_equal(sdk_header_prove(&course.message, &course.to, none, &err), -1);
        assert_int_equal(sdk_header_prove(&course.message, &course.from, text_of("x"), &err), -1);
        course.from.key[0] ^= 1;
        assert_int_equal(sdk_header_prove(&course.message, &course.from, none, &err), -1);
        course.from.key[0] ^= 1;
        course.from.commitment[31] ^= 1;
        assert_int_equal(sdk_header_prove(&course.message, &course.from, none, &err),
                         course.message.suite->commits ? -1 : 0);
        assert_int_equal(sdk_keys_derive(course.message.suite, course.message.id,
                                         text_of("too short"), &course.from, &err),
                         -1);
    }
}

/* Fails with the text, if one is given, and never passes. */
static void refused(struct course *course, struct text header, struct text rest, const char *words)
{
    struct error err = {0};
    struct buf made;
    buf_init(&made, 4096);
    assert_int_equal(run(course, header, rest, 50, &made, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    if (words && !strstr(err.message, words))
        fail_msg("'%s' is not in: %s", words, err.message);
    buf_done(&made);
}

static void every_changed_and_every_missing_byte_is_found(void **state)
{
    const size_t which[] = {sample_of("0478", 16), sample_of("0578", 16), sample_of("0214", 0)};
    (void)state;
    for (size_t i = 0; i < COUNT(which); i++) {
        struct course course = course_at(which[i]);
        struct text rest = rest_of(&course);
        char *copy = arena_memdup(&arena, rest.data, rest.len);
        for (size_t at = 0; at < rest.len; at++) {
            copy[at] ^= 0x40;
            refused(&course, header_of(&course), (struct text){copy, rest.len}, NULL);
            copy[at] ^= 0x40;
            refused(&course, header_of(&course), (struct text){copy, at}, "ends in its body");
        }
    }
}

static void order_and_end_of_frames_are_checked(void **state)
{
    enum { FRAME = 4 + 12 + 16 + 16 };
    struct course course = course_at(sample_of("0578", 16));
    struct text header = header_of(&course), rest = rest_of(&course);
    char *copy = arena_alloc(&arena, rest.len + 1);
    (void)state;
    memcpy(copy, rest.data + FRAME, FRAME);
    memcpy(copy + FRAME, rest.data, FRAME);
    memcpy(copy + (size_t)2 * FRAME, rest.data + (size_t)2 * FRAME, rest.len - (size_t)2 * FRAME);
    refused(&course, header, (struct text){copy, rest.len}, "order");
    refused(&course, header, (struct text){rest.data + FRAME, rest.len - FRAME}, "order");
    memcpy(copy, rest.data, FRAME);
    refused(&course, header, (struct text){copy + (size_t)2 * FRAME, rest.len - (size_t)2 * FRAME},
            "order");
    memcpy(copy, rest.data, rest.len);
    copy[rest.len] = '\0';
    refused(&course, header, (struct text){copy, rest.len + 1}, "follows its end");
    copy[2 * FRAME + 4 + 4 + 12 + 3] = 17;
    refused(&course, header, (struct text){copy, rest.len}, "longer than a frame");
}

static void the_signature_is_over_the_header_too(void **state)
{
    const size_t which[] = {sample_of("0578", 16), sample_of("0378", 16), sample_of("0346", 16),
                            sample_of("0214", 16)};
    (void)state;
    for (size_t i = 0; i < COUNT(which); i++) {
        struct course course = course_at(which[i]);
        struct text header = header_of(&course);
        char *copy = arena_memdup(&arena, header.data, header.len);
        copy[header.len - 1] ^= 1;
        refused(&course, (struct text){copy, header.len}, rest_of(&course),
                "its signature is not over this header");
    }
}

static void a_body_that_cannot_be_is_refused(void **state)
{
    struct course course = course_at(sample_of("0578", 0));
    struct text rest = rest_of(&course);
    char *copy = arena_memdup(&arena, rest.data, rest.len);
    (void)state;
    copy[12 + 3] = 0x10; /* 2^36 bytes and more */
    refused(&course, header_of(&course), (struct text){copy, rest.len}, "longer than can be");
    copy[12 + 3] = 0;
    copy[rest.len - 103 - 2] = 1; /* a signature of 359 bytes */
    refused(&course, header_of(&course), (struct text){copy, rest.len}, "length of its signature");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_real_sdks_made_is_proved_and_made_again),
        cmocka_unit_test(another_data_key_or_header_is_not_proved),
        cmocka_unit_test(every_changed_and_every_missing_byte_is_found),
        cmocka_unit_test(order_and_end_of_frames_are_checked),
        cmocka_unit_test(the_signature_is_over_the_header_too),
        cmocka_unit_test(a_body_that_cannot_be_is_refused),
    };
    arena_init(&arena);
    samples = fixture_json(&arena, fixture_path(&arena, "sdk_messages.json"));
    int failed = cmocka_run_group_tests_name("aws/sdk_body", tests, NULL, NULL);
    json_decref(samples);
    arena_done(&arena);
    return failed;
}
