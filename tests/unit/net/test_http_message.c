#include "net/http_message.h"

#include "support/test.h"

static void test_find(void **state)
{
    (void)state;
    static const struct http_header headers[] = {
        {"Content-Type", "a"},
        {"x-amzn-RequestId", "b"},
        {"content-type", "c"},
        {"Empty", ""},
    };
    assert_string_equal(http_header_find(headers, COUNT(headers), "content-TYPE"), "a");
    assert_string_equal(http_header_find(headers, COUNT(headers), "X-Amzn-Requestid"), "b");
    assert_string_equal(http_header_find(headers, COUNT(headers), "empty"), "");
    assert_null(http_header_find(headers, COUNT(headers), "Content"));
    assert_null(http_header_find(headers, 1, "Empty"));
    assert_null(http_header_find(NULL, 0, "Empty"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
