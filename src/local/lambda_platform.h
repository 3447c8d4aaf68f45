/*
 * lambda_platform: Lambda's own lines in a function's log, in both of its formats, and which lines
 * of the function the JSON format lets through.
 *
 * Text: START, END, REPORT and what fails. JSON: an object {"time", "type": "platform.start",
 * "record"} for each event, as the Telemetry API's schema has them, from SystemLogLevel on; lines
 * of the function stay as they are, those below ApplicationLogLevel are dropped. A line has the
 * level that its "level" says if it is JSON with a "timestamp" by RFC 3339, otherwise INFO (Lambda
 * Developer Guide, "Log-level filtering"). Which levels events have: as its table of system events
 * had them (K). No memory of its own; one thread at a time.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_PLATFORM_H
#define UNDERSTUDY_LOCAL_LAMBDA_PLATFORM_H

#include "local/lambda_output.h"

/* A level by its name, in any case; LAMBDA_INFO when there is no such. */
enum lambda_log_level lambda_log_level(const char *name, size_t len);
const char *lambda_log_level_name(enum lambda_log_level level);
/* Of one line of a function, for the JSON format. */
enum lambda_log_level lambda_line_level(const char *line, size_t len);

/* A process begins; JSON alone. */
void lambda_platform_init_start(struct lambda_output *output, int64_t now_ms, const char *name,
                                const char *version);
/* Its init phase is over. `status`: "error", "timeout"; NULL: it went well (JSON alone). */
void lambda_platform_init(struct lambda_output *output, int64_t now_ms, int64_t duration_us,
                          const char *status, const char *error_type);
void lambda_platform_start(struct lambda_output *output, int64_t now_ms, const char *request_id,
                           const char *function_arn, const char *version);
/* Why an invocation failed, in words. Text alone: the JSON format's report has the error's type. */
__attribute__((format(printf, 3, 4))) void
lambda_platform_tell(struct lambda_output *output, int64_t now_ms, const char *format, ...);

struct lambda_report {
    const char *request_id;
    int64_t duration_us, init_us; /* init_us -1: it was warm */
    unsigned memory_mb;
    int64_t memory_bytes; /* at most used */
    size_t produced_bytes;
    const char *status; /* "timeout", "error"; NULL: success */
    const char *error_type;
};
int64_t lambda_report_billed_ms(const struct lambda_report *report);
void lambda_platform_report(struct lambda_output *output, int64_t now_ms,
                            const struct lambda_report *report);

#endif
