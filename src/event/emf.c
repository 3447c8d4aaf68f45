#include "event/emf.h"

#include "base/json.h"

#include <string.h>

enum { METRICS_MAX = 24 };

struct metric {
    const char *name, *unit;
    int64_t value;
};

struct metric_list {
    struct metric items[METRICS_MAX];
    size_t count;
};

static void add(struct metric_list *list, const char *name, uint64_t value)
{
    list->items[list->count++] = (struct metric){name, "Count", (int64_t)value};
}

/* Zeros are written too: an alarm then sees a function that works, not one that is silent. */
static void collect(struct metric_list *list, const struct metric_values *added,
                    const struct emf_context *context)
{
    int64_t age_ms = added->oldest_ms ? context->now_ms - added->oldest_ms : 0;
    static const char *const items[METRIC_OUTCOMES] = {"ItemsIgnored", "ItemsEqual",
                                                       "ItemsApplied", "ItemsBlocked",
                                                       "ItemsFailed",  "ItemsLater"};
    for (unsigned i = 0; i < METRIC_OUTCOMES; i++)
        add(list, items[i], added->items[i]);
    add(list, "Events", added->events);
    add(list, "EventsMalformed", added->malformed);
    add(list, "Writes", added->writes);
    add(list, "Removed", added->removed);
    add(list, "Calls", added->calls);
    add(list, "Retries", added->retries);
    add(list, "Throttled", added->throttled);
    if (added->passes) {
        add(list, "Passes", added->passes);
        add(list, "PassesFailed", added->passes_failed);
        add(list, "Missed", added->missed);
    }
    if (context->cold_start)
        add(list, "ColdStarts", 1);
    list->items[list->count++] =
        (struct metric){"OldestUnreplicated", "Milliseconds", age_ms > 0 ? age_ms : 0};
}

static void put_definition(struct json_writer *w, const char *name, const char *unit)
{
    json_open(w);
    json_put_text(w, "Name", name);
    json_put_text(w, "Unit", unit);
    json_close(w);
}

static void write_line(struct buf *out, const struct emf_context *context,
                       const struct metric_list *list, const int64_t *lags, size_t lag_count)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    json_key(&w, "_aws");
    json_open(&w);
    json_put_int(&w, "Timestamp", context->now_ms);
    json_key(&w, "CloudWatchMetrics");
    json_open_list(&w);
    json_open(&w);
    json_put_text(&w, "Namespace", "Understudy");
    json_key(&w, "Dimensions");
    json_write_raw(&w, "[[\"FunctionName\"]]", strlen("[[\"FunctionName\"]]"));
    json_key(&w, "Metrics");
    json_open_list(&w);
    for (size_t i = 0; i < list->count; i++)
        put_definition(&w, list->items[i].name, list->items[i].unit);
    if (lag_count)
        put_definition(&w, "Lag", "Milliseconds");
    json_close_list(&w);
    json_close(&w);
    json_close_list(&w);
    json_close(&w);
    json_put_text(&w, "FunctionName", context->function_name ? context->function_name : "unknown");
    json_put_text(&w, "requestId", context->request_id);
    for (size_t i = 0; i < list->count; i++)
        json_put_int(&w, list->items[i].name, list->items[i].value);
    if (lag_count) {
        json_key(&w, "Lag");
        json_open_list(&w);
        for (size_t i = 0; i < lag_count; i++)
            json_write_int(&w, lags[i]);
        json_close_list(&w);
    }
    json_close(&w);
    buf_append_char(out, '\n');
}

void emf_write(struct buf *out, const struct emf_context *context,
               const struct metric_values *added, const int64_t *lags, size_t lag_count)
{
    struct metric_list list = {.count = 0}, none = {.count = 0};
    collect(&list, added, context);
    size_t first = lag_count < EMF_VALUES_MAX ? lag_count : EMF_VALUES_MAX;
    write_line(out, context, &list, lags, first);
    for (size_t at = first; at < lag_count; at += EMF_VALUES_MAX) {
        size_t left = lag_count - at;
        write_line(out, context, &none, lags + at, left < EMF_VALUES_MAX ? left : EMF_VALUES_MAX);
    }
}
