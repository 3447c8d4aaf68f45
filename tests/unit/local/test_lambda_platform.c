#include "local/lambda_platform.h"

#include "support/test.h"

#include <string.h>

static const int64_t now_ms = 1772356527123; /* 2026-03-01T09:15:27.123Z */

static void levels_of_lines(void **state)
{
    static const struct {
        const char *line;
        enum lambda_log_level level;
    } cases[] = {
        {"{\"level\": \"debug\", \"timestamp\": \"2024-11-02T16:51:31.587199Z\"}\n",
         LAMBDA_LEVEL_DEBUG},
        {"  {\"level\":\"FATAL\",\"timestamp\":\"2024-11-02T16:51:31+05:30\"}", LAMBDA_LEVEL_FATAL},
        {"{\"level\":\"TRACE\",\"timestamp\":\"2024-11-02T16:51:31Z\"}", LAMBDA_LEVEL_TRACE},
        {"{\"level\":\"ERROR\"}", LAMBDA_LEVEL_INFO}, /* no time: INFO */
        {"{\"level\":\"ERROR\",\"timestamp\":\"yesterday\"}", LAMBDA_LEVEL_INFO},
        {"{\"level\":\"ERROR\",\"timestamp\":1772356527123}", LAMBDA_LEVEL_INFO},
        {"{\"level\":\"LOUD\",\"timestamp\":\"2024-11-02T16:51:31Z\"}", LAMBDA_LEVEL_INFO},
        {"{\"level\":\"ERROR\",\"timestamp\":\"2024-11-02T16:51:31Z\"", LAMBDA_LEVEL_INFO},
        {"[\"level\"]", LAMBDA_LEVEL_INFO},
        {"ERROR, in words", LAMBDA_LEVEL_INFO},
        {"", LAMBDA_LEVEL_INFO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lambda_line_level(cases[i].line, strlen(cases[i].line)), cases[i].level);
}

/* What one invocation leaves, as one text. */
static void write_all(struct lambda_logging logging, const char *status, const char *type,
                      char *out, size_t size)
{
    struct lambda_output output;
    const struct lambda_line *lines;
    const struct lambda_report report = {
        .request_id = "id",
        .duration_us = 693920,
        .init_us = status ? -1 : 397681,
        .memory_mb = 128,
        .memory_bytes = 84 << 20,
        .produced_bytes = 7,
        .status = status,
        .error_type = type,
    };
    static const char app[] = "{\"level\":\"DEBUG\",\"timestamp\":\"2024-11-02T16:51:31Z\"}\n"
                              "in words\n";
    lambda_output_init(&output);
    output.logging = logging;
    lambda_platform_init_start(&output, now_ms, "f", "$LATEST");
    lambda_platform_init(&output, now_ms, 397681, NULL, NULL);
    lambda_platform_start(&output, now_ms, "id", "arn:f", "$LATEST");
    lambda_output_add(&output, now_ms, app, sizeof app - 1);
    lambda_platform_tell(&output, now_ms, "why: %s", "so");
    lambda_platform_report(&output, now_ms, &report);
    size_t count = lambda_output_take(&output, &lines), len = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(len + lines[i].text.len < size);
        memcpy(out + len, lines[i].text.data, lines[i].text.len);
        len += lines[i].text.len;
    }
    out[len] = '\0';
    lambda_output_done(&output);
}

#define EVENT(type, record)                                                                        \
    "{\"time\":\"2026-03-01T09:15:27.123Z\",\"type\":\"platform." type "\",\"record\":{" record    \
    "}}\n"
#define START                                                                                      \
    EVENT("start", "\"requestId\":\"id\",\"functionArn\":\"arn:f\",\"version\":\"$LATEST\"")
#define METRICS "\"durationMs\":693.92,\"billedDurationMs\":"
#define MEMORY  ",\"memorySizeMB\":128,\"maxMemoryUsedMB\":84"
#define REPORT                                                                                     \
    EVENT("report", "\"requestId\":\"id\",\"metrics\":{" METRICS "1092" MEMORY                     \
                    ",\"initDurationMs\":397.681},\"status\":\"success\"")
#define INIT "\"initializationType\":\"on-demand\",\"phase\":\"init\","

static void json_by_its_levels(void **state)
{
    static const char debug_line[] = "{\"level\":\"DEBUG\",\"timestamp\":"
                                     "\"2024-11-02T16:51:31Z\"}\n";
    char text[4096], all[4096];
    (void)state;
    write_all((struct lambda_logging){true, LAMBDA_LEVEL_INFO, LAMBDA_LEVEL_INFO}, NULL, NULL, text,
              sizeof text);
    assert_string_equal(text, START "in words\n" REPORT);
    write_all((struct lambda_logging){true, LAMBDA_LEVEL_WARN, LAMBDA_LEVEL_WARN}, NULL, NULL, text,
              sizeof text);
    assert_string_equal(text, "");
    write_all((struct lambda_logging){true, LAMBDA_LEVEL_TRACE, LAMBDA_LEVEL_DEBUG}, NULL, NULL,
              text, sizeof text);
    snprintf(all, sizeof all, "%s%s%s%s%s%s",
             EVENT("initStart", INIT "\"functionName\":\"f\",\"functionVersion\":\"$LATEST\"")
                 EVENT("initRuntimeDone", INIT "\"status\":\"success\""),
             EVENT("initReport",
                   INIT "\"status\":\"success\",\"metrics\":{\"durationMs\":397.681}"),
             START, debug_line, "in words\n",
             EVENT("runtimeDone", "\"requestId\":\"id\",\"status\":\"success\",\"metrics\":{"
                                  "\"durationMs\":693.92,\"producedBytes\":7}") REPORT);
    assert_string_equal(text, all);
}

static void failures_are_warnings(void **state)
{
    char text[4096];
    (void)state;
    write_all((struct lambda_logging){true, LAMBDA_LEVEL_ERROR, LAMBDA_LEVEL_WARN}, "error",
              "Runtime.ExitError", text, sizeof text);
    assert_string_equal(
        text, EVENT("runtimeDone",
                    "\"requestId\":\"id\",\"status\":\"error\",\"errorType\":\"Runtime.ExitError\","
                    "\"metrics\":{\"durationMs\":693.92,\"producedBytes\":7}")
                  EVENT("report", "\"requestId\":\"id\",\"metrics\":{" METRICS "694" MEMORY
                                  "},\"status\":\"error\",\"errorType\":\"Runtime.ExitError\""));
}

static void text_has_all(void **state)
{
    char text[4096];
    (void)state;
    write_all((struct lambda_logging){0}, "timeout", NULL, text, sizeof text);
    assert_string_equal(text, "START RequestId: id Version: $LATEST\n"
                              "{\"level\":\"DEBUG\",\"timestamp\":\"2024-11-02T16:51:31Z\"}\n"
                              "in words\nwhy: so\nEND RequestId: id\n"
                              "REPORT RequestId: id\tDuration: 693.92 ms\tBilled Duration: 694 ms\t"
                              "Memory Size: 128 MB\tMax Memory Used: 84 MB\tStatus: timeout\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_of_lines),
        cmocka_unit_test(json_by_its_levels),
        cmocka_unit_test(failures_are_warnings),
        cmocka_unit_test(text_has_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
