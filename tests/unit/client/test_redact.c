#include "client/redact.h"

#include "base/json.h"
#include "support/test.h"

static const char *redacted(const char *message, const char *input)
{
    static struct error err;
    error_set(&err, ERR_INVALID, "%s", message);
    json_t *in = json_read(input, strlen(input), NULL);
    assert_non_null(in);
    redact_message(&err, in);
    json_decref(in);
    return err.message;
}

#define GONE "*** (the rest repeats a value that was sent)"

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *message, *input, *want;
    } rows[] = {
        {"Value 'hunter2x' at 'value'", "{\"Value\":\"hunter2x\"}", "Value '" GONE},
        {"Value 'another' at 'parameters.1.value' failed", "{\"Value\":\"hunter2x\"}",
         "Value '" GONE},
        {"Value '/a?' at 'name' failed", "{\"Value\":\"hunter2x\"}",
         "Value '/a?' at 'name' failed"},
        {"hunter2x", "{\"Value\":\"hunter2x\"}", GONE},
        /* shortened by who wrote it, or cut at the end */
        {"has hunter2x-and-more... here", "{\"SecretString\":\"hunter2x-and-more-yet\"}",
         "has " GONE},
        {"has hunter2x-a", "{\"SecretString\":\"hunter2x-and-more\"}", "has " GONE},
        /* a beginning that many texts share is not a value repeated */
        {"User: arn:aws:sts::1 may not", "{\"Value\":\"arn:aws:iam::2:role/x\"}",
         "User: arn:aws:sts::1 may not"},
        {"arn:aws:iam::3:role/y, arn:aws:iam::2:role/x", "{\"Value\":\"arn:aws:iam::2:role/x\"}",
         "arn:aws:iam::3:role/y, " GONE},
        {"has hunter2x", "{\"A\":{\"B\":[{\"value\":\"hunter2x\"}]}}", "has " GONE},
        {"has hunter2x", "{\"Values\":[\"other\",\"hunter2x\"]}", "has " GONE},
        {"has hunter2x", "{\"Name\":\"hunter2x\"}", "has hunter2x"},
        {"an apple", "{\"Value\":\"a\"}", "an apple"},
        {"Value 'a' is", "{\"Value\":\"a\"}", "Value " GONE},
        {"nothing", "{\"Value\":\"\"}", "nothing"},
        {"nothing", "{\"Value\":7}", "nothing"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(redacted(rows[i].message, rows[i].input), rows[i].want);
    redact_message(NULL, NULL);
}

/* Two values: the message ends before the first of them. */
static void test_two(void **state)
{
    (void)state;
    assert_string_equal(redacted("first-secret and second-secret",
                                 "{\"Value\":\"second-secret\",\"Plaintext\":\"first-secret\"}"),
                        GONE);
}

/* At the end of a full message. */
static void test_no_room(void **state)
{
    (void)state;
    struct error err;
    json_t *in = json_read("{\"Value\":\"abcdefgh\"}", 20, NULL);
    for (size_t before = sizeof err.message - 40; before < sizeof err.message; before++) {
        char message[sizeof err.message + 60];
        memset(message, '.', sizeof message);
        snprintf(message + before, sizeof message - before, "abcdefgh");
        error_set(&err, ERR_INVALID, "%s", message);
        redact_message(&err, in);
        assert_null(strstr(err.message, "abcdefgh"));
        assert_true(strlen(err.message) < sizeof err.message);
    }
    json_decref(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
