#include "local/lambda_platform.h"

#include "base/clock.h"
#include "base/json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- levels ----------------------------------------------------------------------------------- */

static const char *const level_names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};

const char *lambda_log_level_name(enum lambda_log_level level)
{
    return level_names[level];
}

enum lambda_log_level lambda_log_level(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strlen(level_names[i]) == len && strncasecmp(level_names[i], name, len) == 0)
            return (enum lambda_log_level)i;
    return LAMBDA_LEVEL_INFO;
}

enum lambda_log_level lambda_line_level(const char *line, size_t len)
{
    enum lambda_log_level level = LAMBDA_LEVEL_INFO;
    size_t start = 0;
    while (start < len && isspace((unsigned char)line[start]))
        start++;
    if (start == len || line[start] != '{')
        return level;
    json_t *parsed = json_loadb(line, len, 0, NULL);
    const json_t *name = json_object_get(parsed, "level");
    const json_t *time = json_object_get(parsed, "timestamp");
    int64_t time_ms;
    if (json_is_string(name) && json_is_string(time) &&
        clock_parse_iso(json_string_value(time), json_string_length(time), &time_ms) == 0)
        level = lambda_log_level(json_string_value(name), json_string_length(name));
    json_decref(parsed);
    return level;
}

/* --- events ----------------------------------------------------------------------------------- */

enum { LARGEST_EVENT = 4096 };

struct event {
    struct lambda_output *output;
    int64_t now_ms;
    enum lambda_log_level level;
    struct buf text;
    struct json_writer w;
};

/* Leaves the record open. */
static void begin(struct event *event, struct lambda_output *output, int64_t now_ms,
                  const char *type, enum lambda_log_level level)
{
    char time[CLOCK_TEXT_SIZE];
    event->output = output;
    event->now_ms = now_ms;
    event->level = level;
    buf_init(&event->text, LARGEST_EVENT);
    json_writer_init(&event->w, &event->text);
    clock_format_iso_ms(now_ms, time);
    json_open(&event->w);
    json_put_text(&event->w, "time", time);
    json_put_text(&event->w, "type", type);
    json_key(&event->w, "record");
    json_open(&event->w);
}

static void end(struct event *event)
{
    json_close(&event->w);
    json_close(&event->w);
    if (!event->text.overflow && event->level >= event->output->logging.system)
        lambda_output_say(event->output, event->now_ms, "%s", buf_text(&event->text));
    buf_done(&event->text);
}

/* In milliseconds, to the microsecond. */
static void put_ms(struct event *event, const char *key, int64_t us)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%.3f", (double)us / 1000);
    while (len && text[len - 1] == '0')
        len--;
    if (len && text[len - 1] == '.')
        len--;
    json_key(&event->w, key);
    json_write_raw(&event->w, text, (size_t)len);
}

static void put_status(struct event *event, const char *status, const char *error_type)
{
    json_put_text(&event->w, "status", status ? status : "success");
    if (error_type)
        json_put_text(&event->w, "errorType", error_type);
}

void lambda_platform_init_start(struct lambda_output *output, int64_t now_ms, const char *name,
                                const char *version)
{
    struct event event;
    if (!output->logging.json)
        return;
    begin(&event, output, now_ms, "platform.initStart", LAMBDA_LEVEL_DEBUG);
    json_put_text(&event.w, "initializationType", "on-demand");
    json_put_text(&event.w, "phase", "init");
    json_put_text(&event.w, "functionName", name);
    json_put_text(&event.w, "functionVersion", version);
    end(&event);
}

void lambda_platform_init(struct lambda_output *output, int64_t now_ms, int64_t duration_us,
                          const char *status, const char *error_type)
{
    static const char *const types[] = {"platform.initRuntimeDone", "platform.initReport"};
    if (!output->logging.json) {
        if (status)
            lambda_output_say(output, now_ms,
                              "INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s%s%s",
                              (double)duration_us / 1000, status,
                              error_type ? "\tError Type: " : "", error_type ? error_type : "");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct event event;
        begin(&event, output, now_ms, types[i], status ? LAMBDA_LEVEL_WARN : LAMBDA_LEVEL_DEBUG);
        json_put_text(&event.w, "initializationType", "on-demand");
        json_put_text(&event.w, "phase", "init");
        put_status(&event, status, error_type);
        if (i == 1) {
            json_key(&event.w, "metrics");
            json_open(&event.w);
            put_ms(&event, "durationMs", duration_us);
            json_close(&event.w);
        }
        end(&event);
    }
}

void lambda_platform_start(struct lambda_output *output, int64_t now_ms, const char *request_id,
                           const char *function_arn, const char *version)
{
    struct event event;
    if (!output->logging.json) {
        lambda_output_say(output, now_ms, "START RequestId: %s Version: %s", request_id, version);
        return;
    }
    begin(&event, output, now_ms, "platform.start", LAMBDA_LEVEL_INFO);
    json_put_text(&event.w, "requestId", request_id);
    json_put_text(&event.w, "functionArn", function_arn);
    json_put_text(&event.w, "version", version);
    end(&event);
}

void lambda_platform_tell(struct lambda_output *output, int64_t now_ms, const char *format, ...)
{
    char text[512];
    va_list args;
    if (output->logging.json)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lambda_output_say(output, now_ms, "%s", text);
}

/* --- the report ------------------------------------------------------------------------------- */

int64_t lambda_report_billed_ms(const struct lambda_report *report)
{
    int64_t us = report->duration_us + (report->init_us > 0 ? report->init_us : 0);
    return us > 0 ? (us + 999) / 1000 : 1;
}

static int64_t megabytes(const struct lambda_report *report)
{
    int64_t mb = (report->memory_bytes + (1 << 20) - 1) >> 20;
    return mb > report->memory_mb ? report->memory_mb : mb;
}

static void report_text(struct lambda_output *output, int64_t now_ms,
                        const struct lambda_report *report)
{
    char init[64] = "", status[160] = "";
    if (report->init_us >= 0)
        snprintf(init, sizeof init, "Init Duration: %.2f ms\t", (double)report->init_us / 1000);
    if (report->status)
        snprintf(status, sizeof status, "Status: %s%s%s", report->status,
                 report->error_type ? "\tError Type: " : "",
                 report->error_type ? report->error_type : "");
    lambda_output_say(output, now_ms, "END RequestId: %s", report->request_id);
    lambda_output_say(output, now_ms,
                      "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %lld ms\t"
                      "Memory Size: %u MB\tMax Memory Used: %lld MB\t%s%s",
                      report->request_id, (double)report->duration_us / 1000,
                      (long long)lambda_report_billed_ms(report), report->memory_mb,
                      (long long)megabytes(report), init, status);
}

void lambda_platform_report(struct lambda_output *output, int64_t now_ms,
                            const struct lambda_report *report)
{
    struct event event;
    if (!output->logging.json) {
        report_text(output, now_ms, report);
        return;
    }
    begin(&event, output, now_ms, "platform.runtimeDone",
          report->status ? LAMBDA_LEVEL_WARN : LAMBDA_LEVEL_DEBUG);
    json_put_text(&event.w, "requestId", report->request_id);
    put_status(&event, report->status, report->error_type);
    json_key(&event.w, "metrics");
    json_open(&event.w);
    put_ms(&event, "durationMs", report->duration_us);
    json_put_int(&event.w, "producedBytes", (int64_t)report->produced_bytes);
    json_close(&event.w);
    end(&event);
    begin(&event, output, now_ms, "platform.report",
          report->status ? LAMBDA_LEVEL_WARN : LAMBDA_LEVEL_INFO);
    json_put_text(&event.w, "requestId", report->request_id);
    json_key(&event.w, "metrics");
    json_open(&event.w);
    put_ms(&event, "durationMs", report->duration_us);
    json_put_int(&event.w, "billedDurationMs", lambda_report_billed_ms(report));
    json_put_int(&event.w, "memorySizeMB", report->memory_mb);
    json_put_int(&event.w, "maxMemoryUsedMB", megabytes(report));
    if (report->init_us >= 0)
        put_ms(&event, "initDurationMs", report->init_us);
    json_close(&event.w);
    put_status(&event, report->status, report->error_type);
    end(&event);
}
