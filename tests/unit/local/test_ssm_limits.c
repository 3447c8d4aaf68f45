/* Limits of a tier, the expiry of parameters, and how listings page over many: what takes a client
 * too long, or a clock. */
#include "ssm_server.h"
#include "support/test.h"

static int put(struct ssm_server *server, const char *name, const char *more)
{
    return ssm_server_call(server, "PutParameter",
                           "{'Name': '%s', 'Value': 'v', 'Type': 'String'%s}", name, more);
}

/* Parameters /many/000000, ... as PutParameter leaves them. */
static void fill(struct ssm_server *server, int count)
{
    assert_int_equal(store_begin(server->writer), 0);
    store_run(server->writer,
              "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)"
              " INSERT INTO ssm_parameter (account, region, name, version, type, data_type, tier,"
              " slash, modified_ms, expires_ms, modified_by, value)"
              " SELECT '111111111111', 'us-east-1', 'many/' || substr('000000' || i, -6), 1, 0, 0,"
              " 0, 1, 0, 0, 'test', CAST('v' AS BLOB) FROM n",
              "i", (int64_t)count);
    store_run(server->writer, "INSERT INTO ssm_count VALUES ('111111111111', 'us-east-1', 0, $1)",
              "i", (int64_t)count);
    assert_int_equal(store_commit(server->writer), 0);
}

static void set_count(struct ssm_server *server, int tier, int64_t count)
{
    assert_int_equal(store_begin(server->writer), 0);
    store_run(server->writer,
              "INSERT INTO ssm_count VALUES ('111111111111', 'us-east-1', $1, $2)"
              " ON CONFLICT (account, region, tier) DO UPDATE SET parameters = $2",
              "ii", (int64_t)tier, count);
    assert_int_equal(store_commit(server->writer), 0);
}

static void ten_thousand_standard_parameters(void **state)
{
    struct ssm_server *server = *state;
    fill(server, 9999);
    assert_int_equal(put(server, "/last", ""), 0);
    assert_int_equal(put(server, "/over", ""), -1);
    assert_string_equal(server->code, "ParameterLimitExceeded");
    assert_int_equal(put(server, "/last", ",'Overwrite': true"), 0);
    assert_int_equal(put(server, "/over", ",'Tier': 'Intelligent-Tiering'"), 0);
    assert_string_equal(json_text(server->answer, "Tier"), "Advanced");
    assert_int_equal(ssm_server_call(server, "DeleteParameter", "{'Name': '/many/000000'}"), 0);
    assert_int_equal(put(server, "/room", ""), 0);
    assert_int_equal(put(server, "/none", ""), -1);
    /* one that becomes advanced makes room */
    assert_int_equal(put(server, "/room", ",'Overwrite': true, 'Tier': 'Advanced'"), 0);
    assert_int_equal(put(server, "/none", ""), 0);
}

static void a_hundred_thousand_advanced_parameters(void **state)
{
    struct ssm_server *server = *state;
    set_count(server, 1, 99999);
    assert_int_equal(put(server, "/a", ",'Tier': 'Advanced'"), 0);
    assert_int_equal(put(server, "/b", ",'Tier': 'Advanced'"), -1);
    assert_string_equal(server->code, "ParameterLimitExceeded");
    assert_int_equal(put(server, "/b", ""), 0);
    assert_int_equal(put(server, "/b", ",'Overwrite': true, 'Tier': 'Advanced'"), -1);
    assert_string_equal(server->code, "ParameterLimitExceeded");
}

static int64_t rows_of(struct ssm_server *server)
{
    struct store_rows rows;
    store_query(server->writer, &rows,
                "SELECT (SELECT COUNT(*) FROM ssm_parameter) + (SELECT COUNT(*) FROM ssm_version)"
                " + (SELECT COUNT(*) FROM ssm_label) + (SELECT COUNT(*) FROM ssm_tags)"
                " + (SELECT COUNT(*) FROM ssm_resource_policy)",
                "");
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : -1;
    store_end(&rows);
    return count;
}

#define DUE                                                                                        \
    ", 'Tier': 'Advanced', 'Policies': '[{\\'Type\\':\\'Expiration\\',\\'Version\\':\\'1.0\\',"    \
    "\\'Attributes\\':{\\'Timestamp\\':\\'2026-01-01T00:01:00Z\\'}}]'"

static void due_parameters_are_gone(void **state)
{
    struct ssm_server *server = *state;
    assert_int_equal(put(server, "/due", DUE), 0);
    assert_int_equal(put(server, "/due", ", 'Overwrite': true"), 0); /* keeps its policies */
    assert_int_equal(ssm_server_call(server, "LabelParameterVersion",
                                     "{'Name': '/due', 'ParameterVersion': 1, 'Labels': ['l']}"),
                     0);
    fake_clock_advance(&server->clock, 59999);
    assert_int_equal(ssm_server_call(server, "GetParameter", "{'Name': '/due:l'}"), 0);
    fake_clock_advance(&server->clock, 1);
    static const struct {
        const char *operation, *input;
    } calls[] = {
        {"GetParameter", "{'Name': '/due'}"},
        {"GetParameter", "{'Name': '/due:1'}"},
        {"GetParameterHistory", "{'Name': '/due'}"},
        {"LabelParameterVersion", "{'Name': '/due', 'Labels': ['m']}"},
    };
    for (size_t i = 0; i < COUNT(calls); i++) {
        assert_int_equal(ssm_server_call(server, calls[i].operation, "%s", calls[i].input), -1);
        assert_string_equal(server->code, "ParameterNotFound");
    }
    assert_int_equal(ssm_server_call(server, "DescribeParameters", "{}"), 0);
    assert_int_equal(json_array_size(json_object_get(server->answer, "Parameters")), 0);
    assert_true(rows_of(server) > 0);
    assert_int_equal(ssm_server_act(server), -1);
    assert_int_equal(rows_of(server), 0);
    assert_int_equal(put(server, "/due", ""), 0);
    assert_int_equal(json_int_or(server->answer, "Version", 0), 1);
}

static void many_due_parameters_go_in_steps(void **state)
{
    struct ssm_server *server = *state;
    char name[32];
    for (int i = 0; i < 250; i++) {
        snprintf(name, sizeof name, "/due/%d", i);
        assert_int_equal(put(server, name, DUE), 0);
    }
    fake_clock_advance(&server->clock, 3600 * 1000);
    assert_true(ssm_server_act(server) < -1); /* there is more, and it is late */
    assert_int_equal(rows_of(server), 150);
    assert_true(ssm_server_act(server) < -1);
    assert_int_equal(ssm_server_act(server), -1);
    assert_int_equal(rows_of(server), 0);
    set_count(server, 0, 0);
    assert_int_equal(put(server, "/due/3", ""), 0);
}

/* All pages of a listing: how many names, and the most pages it may take. */
static int list_all(struct ssm_server *server, const char *operation, const char *input, int *pages)
{
    char token[512] = "";
    int names = 0;
    for (*pages = 0; *pages < 20000; (*pages)++) {
        int result =
            *token ? ssm_server_call(server, operation, "{%s, 'NextToken': '%s'}", input, token)
                   : ssm_server_call(server, operation, "{%s}", input);
        assert_int_equal(result, 0);
        names += (int)json_array_size(json_object_get(server->answer, "Parameters"));
        const char *next = json_text(server->answer, "NextToken");
        if (!next)
            break;
        snprintf(token, sizeof token, "%s", next);
    }
    return names;
}

static void listings_lose_nothing_over_many_pages(void **state)
{
    struct ssm_server *server = *state;
    int pages;
    fill(server, 5000);
    assert_int_equal(put(server, "/zz", ""), 0);
    assert_int_equal(put(server, "/many/000777/deep", ""), 0);
    assert_int_equal(list_all(server, "DescribeParameters", "'MaxResults': 50", &pages), 5002);
    assert_true(pages < 105);
    assert_int_equal(list_all(server, "GetParametersByPath", "'Path': '/many'", &pages), 5000);
    assert_int_equal(list_all(server, "GetParametersByPath", "'Path': '/many', 'Recursive': true",
                              &pages),
                     5001);
    assert_int_equal(list_all(server, "GetParametersByPath", "'Path': '/'", &pages), 1);
    assert_int_equal(pages, 0); /* all of /many is stepped over at once */
    assert_int_equal(list_all(server, "DescribeParameters",
                              "'ParameterFilters': [{'Key': 'Path', 'Values': ['/']}]", &pages),
                     1);
    assert_int_equal(pages, 0);
    assert_int_equal(list_all(server, "DescribeParameters",
                              "'ParameterFilters': [{'Key': 'Path', 'Values': ['/', '/many/"
                              "000777']}]",
                              &pages),
                     2);
    /* few matches among many: empty pages on the way */
    assert_int_equal(list_all(server, "DescribeParameters",
                              "'ParameterFilters': [{'Key': 'Name', 'Option': 'Contains',"
                              " 'Values': ['00499', 'zz']}]",
                              &pages),
                     12);
    assert_true(pages > 2 && pages < 10);
    assert_int_equal(list_all(server, "DescribeParameters",
                              "'ParameterFilters': [{'Key': 'Name', 'Values': ['/many/004999',"
                              " '/many/000000', '/none', 'zz']}]",
                              &pages),
                     3);
    assert_int_equal(pages, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ssm_server_setup, ssm_server_teardown)
    const struct CMUnitTest tests[] = {
        TEST(ten_thousand_standard_parameters),
        TEST(a_hundred_thousand_advanced_parameters),
        TEST(due_parameters_are_gone),
        TEST(many_due_parameters_go_in_steps),
        TEST(listings_lose_nothing_over_many_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
