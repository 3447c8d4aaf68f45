/* The daemon's state in four forms. Names of queues and parameters are not in them, nor is any
 * value: counters, times and the words of errors. */
#include "base/clock.h"
#include "base/json.h"
#include "event/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

static int64_t age_ms(const struct watch_status *status, int64_t time_ms)
{
    int64_t age = time_ms ? status->now_ms - time_ms : 0;
    return age > 0 ? age : 0;
}

/* --- Prometheus ------------------------------------------------------------------------------- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP understudy_%s %s\n# TYPE understudy_%s %s\n", name, help, name, type);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "counter", help);
    buf_printf(out, "understudy_%s %llu\n", name, (unsigned long long)value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    buf_printf(out, "understudy_%s %.3f\n", name, value);
}

/* Bounds are powers of two of a millisecond, which the histogram counts exactly. */
static void histogram(struct buf *out, const char *name, const char *help,
                      const struct lag_histogram *lag)
{
    const int64_t longest_ms = 1LL << 22; /* over an hour */
    head(out, name, "histogram", help);
    for (int64_t bound_ms = 8; bound_ms <= longest_ms; bound_ms *= 2)
        buf_printf(out, "understudy_%s_bucket{le=\"%.3f\"} %llu\n", name, seconds(bound_ms),
                   (unsigned long long)lag_below(lag, bound_ms));
    buf_printf(out, "understudy_%s_bucket{le=\"+Inf\"} %llu\n", name,
               (unsigned long long)lag->count);
    buf_printf(out, "understudy_%s_sum %.3f\nunderstudy_%s_count %llu\n", name,
               seconds(lag->sum_ms), name, (unsigned long long)lag->count);
}

static bool has(const struct watch_words *words, const char *code)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i].code, code) == 0)
            return true;
    return false;
}

/* A series for each code, so that an alarm sees it come and go. */
static void words(struct buf *out, const char *name, const char *label, const char *help,
                  const char *const *codes, const struct watch_words *found)
{
    head(out, name, "gauge", help);
    for (; *codes; codes++)
        buf_printf(out, "understudy_%s{%s=\"%s\"} %d\n", name, label, *codes, has(found, *codes));
}

/* The same as quantiles, for who does not work them out. */
static void summary(struct buf *out, const char *name, const char *help,
                    const struct lag_histogram *lag)
{
    static const struct {
        const char *text;
        double part;
    } parts[] = {{"0.5", 0.5}, {"0.99", 0.99}};
    head(out, name, "summary", help);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && lag->count; i++)
        buf_printf(out, "understudy_%s{quantile=\"%s\"} %.3f\n", name, parts[i].text,
                   seconds(lag_quantile_ms(lag, parts[i].part)));
    buf_printf(out, "understudy_%s_sum %.3f\nunderstudy_%s_count %llu\n", name,
               seconds(lag->sum_ms), name, (unsigned long long)lag->count);
}

static void write_health_metrics(const struct watch_status *status, struct buf *out)
{
    gauge(out, "alive", "1 when /livez says so: to start it anew would not help.", status->alive);
    gauge(out, "healthy", "1 when /healthz says so: it replicates.", status->healthy);
    words(out, "unhealthy_reason", "reason", "1 for each reason that /healthz gives.",
          watch_reason_codes, &status->reasons);
    words(out, "warning", "warning", "1 for each thing that waits for a person.",
          watch_warning_codes, &status->warnings);
    head(out, "blocked_items", "gauge",
         "Copies that the last full pass found blocked, and names that events found so since.");
    buf_printf(out,
               "understudy_blocked_items{found_by=\"pass\"} %llu\n"
               "understudy_blocked_items{found_by=\"event\"} %zu\n",
               (unsigned long long)status->pass_blocked, status->blocked);
    gauge(out, "failing_items", "Names whose last look failed.", (double)status->failing);
    gauge(out, "config_last_reload_successful",
          "0 when the configuration was read again and is wrong: the one before holds.",
          !status->config_error[0]);
}

void watch_write_prometheus(const struct watch_status *status, struct buf *out)
{
    const struct metric_values *values = &status->metrics;
    write_health_metrics(status, out);
    gauge(out, "start_time_seconds", "When the daemon started, since 1970.",
          seconds(status->started_ms));
    head(out, "items_total", "counter", "Names that were looked at because of an event.");
    for (int i = 0; i < METRIC_OUTCOMES; i++)
        buf_printf(out, "understudy_items_total{outcome=\"%s\"} %llu\n",
                   metric_outcome_name((enum metric_outcome)i),
                   (unsigned long long)values->items[i]);
    counter(out, "events_total", "Messages that were understood.", values->events);
    counter(out, "events_malformed_total", "Messages that were not understood.", values->malformed);
    counter(out, "writes_total", "Writes to destinations because of events.", values->writes);
    counter(out, "removed_total", "Copies deleted or marked because of events.", values->removed);
    counter(out, "calls_total", "Calls of AWS.", values->calls);
    counter(out, "retries_total", "Calls of AWS that were sent again.", values->retries);
    counter(out, "throttled_total", "Answers of AWS that asked for a slower pace.",
            values->throttled);
    counter(out, "passes_total", "Full passes that ended.", values->passes);
    counter(out, "passes_failed_total", "Full passes with something failed or left.",
            values->passes_failed);
    counter(out, "missed_changes_total", "Changes that no event told of, found by full passes.",
            values->missed);
    gauge(out, "pending_items", "Names that wait to be looked at.", (double)status->pending);
    gauge(out, "oldest_unreplicated_seconds",
          "Age of the oldest change that is known and not replicated.",
          seconds(age_ms(status, status->oldest_pending_ms)));
    gauge(out, "last_pass_seconds", "When the last full pass ended, since 1970; 0: never.",
          seconds(values->last_pass_ms));
    histogram(out, "replication_lag_seconds",
              "From the time in the event (whole seconds) to the last destination's answer.",
              &values->lag);
    summary(out, "replication_lag_since_start_seconds",
            "Of replication_lag_seconds, since the daemon started.", &values->lag);
    if (!status->canary)
        return;
    gauge(out, "canary_age_seconds", "Since the canary was last seen replicated.",
          seconds(age_ms(status, status->canary_seen_ms)));
    histogram(out, "canary_lag_seconds",
              "From the answer to the canary's write to the last destination's answer.",
              &status->canary_lag);
    summary(out, "canary_lag_since_start_seconds",
            "Of canary_lag_seconds, since the daemon started.", &status->canary_lag);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_time(struct json_writer *w, const char *key, int64_t time_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (!time_ms)
        return;
    clock_format_iso(time_ms, text);
    json_put_text(w, key, text);
}

static void put_lag(struct json_writer *w, const char *key, const struct lag_histogram *lag)
{
    json_key(w, key);
    json_open(w);
    json_put_int(w, "count", (int64_t)lag->count);
    if (lag->count) {
        json_put_int(w, "p50_ms", lag_quantile_ms(lag, 0.5));
        json_put_int(w, "p99_ms", lag_quantile_ms(lag, 0.99));
        json_put_int(w, "most_ms", lag->largest_ms);
    }
    json_close(w);
}

static void put_reason(struct json_writer *w, const char *key, const char *text)
{
    if (text[0])
        json_put_text(w, key, text);
}

static void put_words(struct json_writer *w, const char *key, const struct watch_words *found)
{
    json_key(w, key);
    json_open_list(w);
    for (size_t i = 0; i < found->count; i++) {
        json_open(w);
        json_put_text(w, "code", found->items[i].code);
        json_put_text(w, "text", found->items[i].text);
        json_close(w);
    }
    json_close_list(w);
}

static void put_health(struct json_writer *w, const struct watch_status *status)
{
    json_put_bool(w, "healthy", status->healthy);
    json_put_bool(w, "alive", status->alive);
    put_words(w, "reasons", &status->reasons);
    put_words(w, "warnings", &status->warnings);
}

void watch_write_health(const struct watch_status *status, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    put_health(&w, status);
    json_close(&w);
    buf_printf(out, "\n");
}

void watch_write_life(const struct watch_status *status, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    json_put_bool(&w, "alive", status->alive);
    json_close(&w);
    buf_printf(out, "\n");
}

void watch_write_json(const struct watch_status *status, struct buf *out)
{
    const struct metric_values *values = &status->metrics;
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    put_health(&w, status);
    put_time(&w, "now", status->now_ms);
    put_time(&w, "started", status->started_ms);
    json_put_bool(&w, "dry_run", status->dry_run);
    json_put_int(&w, "queues", (int64_t)status->queues);
    json_put_int(&w, "pending", (int64_t)status->pending);
    json_put_int(&w, "oldest_unreplicated_ms", age_ms(status, status->oldest_pending_ms));
    json_put_int(&w, "failing", (int64_t)status->failing);
    json_put_int(&w, "blocked", (int64_t)status->blocked);
    json_put_int(&w, "pass_blocked", (int64_t)status->pass_blocked);
    json_key(&w, "items");
    json_open(&w);
    for (int i = 0; i < METRIC_OUTCOMES; i++)
        json_put_int(&w, metric_outcome_name((enum metric_outcome)i), (int64_t)values->items[i]);
    json_close(&w);
    json_put_int(&w, "events", (int64_t)values->events);
    json_put_int(&w, "malformed", (int64_t)values->malformed);
    json_put_int(&w, "writes", (int64_t)values->writes);
    json_put_int(&w, "removed", (int64_t)values->removed);
    json_put_int(&w, "calls", (int64_t)values->calls);
    json_put_int(&w, "throttled", (int64_t)values->throttled);
    put_lag(&w, "lag", &values->lag);
    json_put_int(&w, "passes", (int64_t)values->passes);
    json_put_int(&w, "passes_failed", (int64_t)values->passes_failed);
    json_put_int(&w, "missed", (int64_t)values->missed);
    json_put_bool(&w, "passing", status->passing);
    put_time(&w, "last_pass", values->last_pass_ms);
    put_time(&w, "next_pass", status->next_pass_ms);
    if (status->canary) {
        put_lag(&w, "canary_lag", &status->canary_lag);
        put_time(&w, "canary_seen", status->canary_seen_ms);
    }
    put_reason(&w, "queue_error", status->queue_error);
    put_reason(&w, "pass_error", status->pass_error);
    put_reason(&w, "config_error", status->config_error);
    json_close(&w);
    buf_printf(out, "\n");
}

/* --- for people ------------------------------------------------------------------------------- */

struct line {
    const char *label;
    char text[300];
};
enum { LINES_MAX = 32 };

__attribute__((format(printf, 4, 5))) static void say(struct line *lines, size_t *count,
                                                      const char *label, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lines[*count].label = label;
    vsnprintf(lines[*count].text, sizeof lines->text, format, arguments);
    va_end(arguments);
    (*count)++;
}

static void say_lag(struct line *lines, size_t *count, const char *label,
                    const struct lag_histogram *lag)
{
    if (lag->count)
        say(lines, count, label, "p50 %.3f s, p99 %.3f s, most %.3f s, of %llu",
            seconds(lag_quantile_ms(lag, 0.5)), seconds(lag_quantile_ms(lag, 0.99)),
            seconds(lag->largest_ms), (unsigned long long)lag->count);
    else
        say(lines, count, label, "nothing measured yet");
}

static void say_pass(struct line *lines, size_t *count, const struct watch_status *status)
{
    const struct metric_values *values = &status->metrics;
    char last[CLOCK_TEXT_SIZE] = "none yet", next[CLOCK_TEXT_SIZE] = "none";
    if (values->last_pass_ms)
        clock_format_iso(values->last_pass_ms, last);
    if (status->next_pass_ms)
        clock_format_iso(status->next_pass_ms, next);
    say(lines, count, "full passes", "%llu, %llu of them with something left; last %s, next %s",
        (unsigned long long)values->passes, (unsigned long long)values->passes_failed, last,
        status->passing ? "under way" : next);
    say(lines, count, "missed events", "%llu changes found by full passes only",
        (unsigned long long)values->missed);
}

static size_t lines_of(const struct watch_status *status, struct line lines[LINES_MAX])
{
    const struct metric_values *values = &status->metrics;
    char started[CLOCK_TEXT_SIZE];
    size_t count = 0;
    clock_format_iso(status->started_ms, started);
    if (status->healthy)
        say(lines, &count, "health", "ok");
    for (size_t i = 0; i < status->reasons.count; i++)
        say(lines, &count, i ? "" : "not well", "%s", status->reasons.items[i].text);
    for (size_t i = 0; i < status->warnings.count; i++)
        say(lines, &count, i ? "" : "to be done", "%s", status->warnings.items[i].text);
    say(lines, &count, "since", "%s%s", started, status->dry_run ? ", dry run" : "");
    say(lines, &count, "looks",
        "%llu applied, %llu equal, %llu ignored, %llu blocked, %llu failed, %llu later",
        (unsigned long long)values->items[METRIC_APPLIED],
        (unsigned long long)values->items[METRIC_EQUAL],
        (unsigned long long)values->items[METRIC_IGNORED],
        (unsigned long long)values->items[METRIC_BLOCKED],
        (unsigned long long)values->items[METRIC_FAILED],
        (unsigned long long)values->items[METRIC_LATER]);
    say(lines, &count, "events", "%llu understood, %llu not, from %zu queue%s",
        (unsigned long long)values->events, (unsigned long long)values->malformed, status->queues,
        status->queues == 1 ? "" : "s");
    say(lines, &count, "waiting", "%zu names; the oldest change that is not replicated: %.0f s",
        status->pending, seconds(age_ms(status, status->oldest_pending_ms)));
    say_lag(lines, &count, "lag", &values->lag);
    if (status->canary)
        say_lag(lines, &count, "canary", &status->canary_lag);
    say_pass(lines, &count, status);
    say(lines, &count, "calls of AWS", "%llu, %llu sent again, %llu throttled",
        (unsigned long long)values->calls, (unsigned long long)values->retries,
        (unsigned long long)values->throttled);
    return count;
}

void watch_write_text(const struct watch_status *status, struct buf *out)
{
    struct line lines[LINES_MAX];
    size_t count = lines_of(status, lines);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%-14s %s\n", lines[i].label, lines[i].text);
}

static void escape(struct buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<')
            buf_printf(out, "&lt;");
        else if (*text == '&')
            buf_printf(out, "&amp;");
        else
            buf_append(out, text, 1);
}

void watch_write_html(const struct watch_status *status, struct buf *out)
{
    struct line lines[LINES_MAX];
    size_t count = lines_of(status, lines);
    buf_printf(out,
               "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta http-equiv=\"refresh\" content=\"10\">"
               "<meta name=\"viewport\" content=\"width=device-width\">"
               "<title>understudy: %s</title>\n<style>"
               ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;"
               "margin:2rem auto;max-width:60rem;padding:0 1rem}"
               "th{text-align:left;padding:.3rem 1.5rem .3rem 0;font-weight:600;"
               "vertical-align:top;white-space:nowrap}td{padding:.3rem 0}"
               ".bad{color:#c62828}.good{color:#2e7d32}</style></head><body>\n"
               "<h1>understudy <span class=\"%s\">%s</span></h1>\n<table>\n",
               status->healthy ? "ok" : "not well", status->healthy ? "good" : "bad",
               status->healthy ? "is ready" : "is not well");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<tr><th scope=\"row\">%s</th><td>", lines[i].label);
        escape(out, lines[i].text);
        buf_printf(out, "</td></tr>\n");
    }
    buf_printf(out, "</table>\n<p><a href=\"/metrics\">metrics</a> · "
                    "<a href=\"/status.json\">status.json</a></p></body></html>\n");
}
