#include "net/http_proxy.h"

#include "base/arena.h"
#include "support/test.h"

static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                    "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static void forget_environment(void)
{
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
}

/* What a URL is sent to, with the environment "NAME=value" each. */
static void check(const char *one, const char *two, const char *text, const char *expected)
{
    struct http_proxies proxies;
    struct arena arena;
    struct url url;
    struct error err = {0};
    char pair[200];
    const char *const both[] = {one, two};
    arena_init(&arena);
    forget_environment();
    for (size_t i = 0; i < 2; i++) {
        if (!both[i])
            continue;
        snprintf(pair, sizeof pair, "%s", both[i]);
        char *value = strchr(pair, '=');
        *value++ = '\0';
        setenv(pair, value, 1);
    }
    http_proxies_read(&proxies, "localhost,127.0.0.0/8,::1,169.254.170.2,fd00:ec2::254");
    assert_int_equal(url_parse(&arena, text, &url, &err), 0);
    const char *found = http_proxy_of(&proxies, &url);
    if (!expected != !found || (found && strcmp(found, expected) != 0))
        fail_msg("%s with %s, %s: %s", text, one ? one : "", two ? two : "",
                 found ? found : "no proxy");
    http_proxies_done(&proxies);
    forget_environment();
    arena_done(&arena);
}

static void test_which(void **state)
{
    (void)state;
    check(NULL, NULL, "https://a.example", NULL);
    check("http_proxy=p:1", NULL, "http://a.example", "p:1");
    check("http_proxy=p:1", NULL, "https://a.example", NULL);
    check("HTTP_PROXY=p:1", NULL, "http://a.example", NULL); /* a CGI's request header */
    check("https_proxy=p:1", NULL, "https://a.example", "p:1");
    check("HTTPS_PROXY=p:1", NULL, "https://a.example", "p:1");
    check("https_proxy=p:1", "HTTPS_PROXY=p:2", "https://a.example", "p:1");
    check("https_proxy=p:1", NULL, "http://a.example", NULL);
    check("all_proxy=p:1", NULL, "http://a.example", "p:1");
    check("ALL_PROXY=p:1", "https_proxy=p:2", "https://a.example", "p:2");
    check("ALL_PROXY=p:1", "https_proxy=", "https://a.example", "p:1");
}

static void test_exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *no_proxy, *host;
        bool excepted;
    } rows[] = {
        {"*", "a.example", true},
        {"a.example", "a.example", true},
        {"a.example", "A.Example", true},
        {".a.example", "a.example", true},
        {"a.example.", "a.example", true},
        {"a.example", "a.example.", true},
        {"a.example", "x.a.example", true},
        {"a.example", "xa.example", false},
        {"x.a.example", "a.example", false},
        {"b.example, a.example", "a.example", true},
        {"b.example a.example", "a.example", true},
        {",,", "a.example", false},
        {"*.a.example", "x.a.example", false}, /* libcurl knows no other stars */
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.1.2.0/23", "10.1.3.4", true},
        {"10.1.2.0/23", "10.1.4.4", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.4", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"0.0.0.0/0", "10.1.2.3", true},
        {"2.3", "10.1.2.3", false}, /* an address has no parent */
        {"fd00::/8", "[fd12::1]", true},
        {"fd00::/8", "[fe12::1]", false},
        {"10.0.0.0/8", "[::a00:1]", false},
        /* Always. */
        {"b.example", "localhost", true},
        {"b.example", "127.9.9.9", true},
        {"b.example", "[::1]", true},
        {"b.example", "169.254.170.2", true},
        {"b.example", "169.254.170.3", false},
        {"b.example", "[fd00:ec2::254]", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char excepted[100], url[100];
        snprintf(excepted, sizeof excepted, "no_proxy=%s", rows[i].no_proxy);
        snprintf(url, sizeof url, "http://%s:81/", rows[i].host);
        check("http_proxy=p:1", excepted, url, rows[i].excepted ? NULL : "p:1");
    }
    check("http_proxy=p:1", "NO_PROXY=a.example", "http://a.example", NULL);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *proxy, *authorization;
        bool takes;
    } rows[] = {
        {"p.example:3128", NULL, true},
        {"http://p.example:3128", NULL, true},
        {"HTTPS://p.example/", NULL, true},
        {"http://user:p%40ss@p.example:3128", "Basic dXNlcjpwQHNz", true},
        {"user@p.example:3128", "Basic dXNlcjo=", true},
        {"socks5://user:pass@p.example", NULL, false},
        {"socks4a://p.example", NULL, false},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *authorization = "unset";
        assert_int_equal(http_proxy_takes_requests(&arena, rows[i].proxy, &authorization),
                         rows[i].takes);
        if (rows[i].authorization)
            assert_string_equal(authorization, rows[i].authorization);
        else
            assert_null(authorization);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
