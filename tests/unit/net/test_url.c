#include "net/url.h"

#include "base/arena.h"
#include "base/buf.h"
#include "support/test.h"

static const struct {
    const char *text, *scheme, *host;
    int port;
    const char *path, *query, *authority;
    bool loopback;
} accepted[] = {
    {"https://ssm.eu-west-1.amazonaws.com", "https", "ssm.eu-west-1.amazonaws.com", 0, "/", NULL,
     "ssm.eu-west-1.amazonaws.com", false},
    {"HTTP://LocalHost:4566/", "http", "localhost", 4566, "/", NULL, "localhost:4566", true},
    {"http://127.0.0.1:80/a", "http", "127.0.0.1", 80, "/a", NULL, "127.0.0.1", true},
    {"https://127.9.8.7:80/a", "https", "127.9.8.7", 80, "/a", NULL, "127.9.8.7:80", true},
    {"https://h:443", "https", "h", 443, "/", NULL, "h", false},
    {"http://h:443", "http", "h", 443, "/", NULL, "h:443", false},
    {"http://[::1]:8080/x?y", "http", "[::1]", 8080, "/x", "y", "[::1]:8080", true},
    {"http://[FD00:EC2::254]/", "http", "[fd00:ec2::254]", 0, "/", NULL, "[fd00:ec2::254]", false},
    {"http://169.254.169.254/latest/meta-data/", "http", "169.254.169.254", 0, "/latest/meta-data/",
     NULL, "169.254.169.254", false},
    /* nothing of path and query is tidied: they are signed as they are */
    {"http://h/a/../b/./c//d", "http", "h", 0, "/a/../b/./c//d", NULL, "h", false},
    {"http://h/%7Eme/%2f%2F?a=%20&b=c+d&&=", "http", "h", 0, "/%7Eme/%2f%2F", "a=%20&b=c+d&&=", "h",
     false},
    {"http://h?", "http", "h", 0, "/", "", "h", false},
    {"http://h/?a?b", "http", "h", 0, "/", "a?b", "h", false},
    {"http://h:1", "http", "h", 1, "/", NULL, "h:1", false},
    {"http://h:65535", "http", "h", 65535, "/", NULL, "h:65535", false},
    {"http://localhost.example.com/", "http", "localhost.example.com", 0, "/", NULL,
     "localhost.example.com", false},
    {"http://128.0.0.1/", "http", "128.0.0.1", 0, "/", NULL, "128.0.0.1", false},
};

static void test_accepted(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct url url;
        struct error err = {0};
        if (url_parse(&arena, accepted[i].text, &url, &err) != 0)
            fail_msg("%s: %s", accepted[i].text, err.message);
        assert_string_equal(url.scheme, accepted[i].scheme);
        assert_string_equal(url.host, accepted[i].host);
        assert_int_equal(url.port, accepted[i].port);
        assert_string_equal(url.path, accepted[i].path);
        if (accepted[i].query)
            assert_string_equal(url.query, accepted[i].query);
        else
            assert_null(url.query);
        assert_string_equal(url_authority(&arena, &url), accepted[i].authority);
        assert_int_equal(url_is_loopback(&url), accepted[i].loopback);
    }
    arena_done(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "h",
        "//h/",
        "localhost:4566",
        "ftp://h/",
        "file:///etc/passwd",
        "http:h",
        "http:/h",
        "http://",
        "http:///path",
        "http://?q",
        "http://:80/",
        "http://user@h/",
        "http://user:secret@h/",
        "http://h/#fragment",
        "http://h#",
        "http://h:0/",
        "http://h:65536/",
        "http://h:-1/",
        "http://h:8o/",
        "http://h:80:80/",
        "http://a b/",
        "http://h/a b",
        "http://h/a\tb",
        "http://h/\r\nX: y",
        "http://h/\x7f",
        "http://h/\xc3\xa9",
        "http://[::1/",
        "http://[::g]/",
        "http://[fe80::1%25eth0]/",
        "http://a\\b/",
        " http://h/",
        "http://h/ ",
        "https://h\n",
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct url url;
        struct error err = {0};
        if (url_parse(&arena, texts[i], &url, &err) == 0)
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(strstr(err.message, "secret"));
    }
    arena_done(&arena);
}

static void test_encode(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        bool keep_slash;
        const char *encoded;
    } rows[] = {
        {"", 0, false, ""},
        {"AZaz09-._~", 10, false, "AZaz09-._~"},
        {"/a/b", 4, true, "/a/b"},
        {"/a/b", 4, false, "%2Fa%2Fb"},
        {" +*%=&:", 7, false, "%20%2B%2A%25%3D%26%3A"},
        {"\xc3\xa9\0\xff", 4, false, "%C3%A9%00%FF"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;
        buf_init(&out, 1000);
        url_encode(&out, rows[i].text, rows[i].len, rows[i].keep_slash);
        assert_string_equal(buf_text(&out), rows[i].encoded);
        buf_done(&out);
    }
}

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool plus;
        const char *decoded; /* NULL: refused */
    } rows[] = {
        {"", false, ""},
        {"abc", false, "abc"},
        {"a%20b", false, "a b"},
        {"a+b", false, "a+b"},
        {"a+b", true, "a b"},
        {"%2b", true, "+"},
        {"%C3%a9", false, "\xc3\xa9"},
        {"%", false, NULL},
        {"%2", false, NULL},
        {"%2g", false, NULL},
        {"%g2", false, NULL},
        {"%%20", false, NULL},
        {"a%00b", false, NULL},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *out = NULL;
        size_t len = 0;
        int failed =
            url_decode(&arena, rows[i].text, strlen(rows[i].text), rows[i].plus, &out, &len);
        assert_int_equal(failed, rows[i].decoded ? 0 : -1);
        if (rows[i].decoded) {
            assert_string_equal(out, rows[i].decoded);
            assert_int_equal(len, strlen(rows[i].decoded));
        }
    }
    char *out;
    assert_int_equal(url_decode(&arena, "a\0b", 3, false, &out, NULL), -1);
    arena_done(&arena);
}

static void test_decode_undoes_encode(void **state)
{
    (void)state;
    char every[255];
    struct buf encoded;
    struct arena arena;
    arena_init(&arena);
    buf_init(&encoded, 1000);
    for (size_t i = 0; i < sizeof every; i++)
        every[i] = (char)(i + 1);
    url_encode(&encoded, every, sizeof every, false);
    char *out;
    size_t len;
    assert_int_equal(url_decode(&arena, encoded.data, encoded.len, true, &out, &len), 0);
    assert_int_equal(len, sizeof every);
    assert_memory_equal(out, every, sizeof every);
    buf_done(&encoded);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_undoes_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
