#include "local/services/logs_parts.h"
#include "local/services/logs_pattern.h"

#include <string.h>

/* What one call looks at: a read runs on a loop that others wait for. Its token goes on. */
enum { MOST_LOOKED_AT = 20000, LARGEST_LOOKED_AT = 8 << 20, LARGEST_PAGE_BYTES = 1 << 20 };

struct filter {
    struct local_call *call;
    const struct logs_pattern *pattern;
    const json_t *names;
    const char *prefix;
    int64_t limit, found, time_ms, id; /* the last one looked at */
    size_t bytes, looked_at, looked_at_bytes;
};

static bool stream_wanted(const struct filter *filter, struct text name)
{
    size_t len = filter->prefix ? strlen(filter->prefix) : 0;
    if (filter->prefix && (name.len < len || memcmp(name.data, filter->prefix, len) != 0))
        return false;
    for (size_t i = 0; i < json_array_size(filter->names); i++)
        if (text_is(name, json_string_value(json_array_get(filter->names, i))))
            return true;
    return !filter->names;
}

static void put_event(struct filter *filter, const struct store_rows *rows)
{
    struct json_writer *w = filter->call->out;
    struct text message = store_text(rows, 3), stream = store_text(rows, 4);
    json_open(w);
    json_key(w, "logStreamName");
    json_write_text_n(w, stream.data, stream.len);
    json_put_int(w, "timestamp", store_int(rows, 1));
    json_key(w, "message");
    json_write_text_n(w, message.data, message.len);
    json_put_int(w, "ingestionTime", store_int(rows, 2));
    json_put_text(w, "eventId",
                  arena_printf(filter->call->arena, "%056lld", (long long)store_int(rows, 0)));
    json_close(w);
    filter->found++;
    filter->bytes += message.len + LOGS_EVENT_OVERHEAD;
}

static bool is_full(const struct filter *filter)
{
    return filter->found >= filter->limit || filter->bytes >= LARGEST_PAGE_BYTES ||
           filter->looked_at >= MOST_LOOKED_AT || filter->looked_at_bytes >= LARGEST_LOOKED_AT;
}

/* True when there may be more. */
static bool look(struct filter *filter, int64_t group)
{
    struct store_rows rows;
    bool more = false;
    store_query(filter->call->store, &rows,
                "SELECT e.id, e.time_ms, e.ingested_ms, e.message, s.name FROM logs_event e"
                " JOIN logs_stream s ON s.id = e.stream_id WHERE e.group_id = $1"
                " AND (e.time_ms > $2 OR (e.time_ms = $2 AND e.id > $3))"
                " AND e.time_ms >= $4 AND e.time_ms <= $5 ORDER BY e.time_ms, e.id",
                "iiiii", group, filter->time_ms, filter->id,
                local_int(filter->call, "startTime", 0),
                local_int(filter->call, "endTime", INT64_MAX));
    while (store_next(&rows)) {
        more = is_full(filter);
        if (more)
            break;
        struct text message = store_text(&rows, 3);
        filter->id = store_int(&rows, 0);
        filter->time_ms = store_int(&rows, 1);
        filter->looked_at++;
        filter->looked_at_bytes += message.len;
        if (stream_wanted(filter, store_text(&rows, 4)) &&
            logs_pattern_matches(filter->pattern, message))
            put_event(filter, &rows);
    }
    store_end(&rows);
    return more;
}

static int read_place(struct filter *filter, const char *token)
{
    char *position;
    if (local_token_decode(filter->call, token, &position) != 0)
        return -1;
    struct text rest = text_of(position), time = text_cut(&rest, ' ');
    return text_to_int64(time.data, time.len, &filter->time_ms) == 0 && rest.data &&
                   text_to_int64(rest.data, rest.len, &filter->id) == 0
               ? 0
               : -1;
}

static enum local_result check(struct filter *filter, const char **name, struct logs_group *group)
{
    struct local_call *call = filter->call;
    const char *token = local_text(call, "nextToken");
    if (logs_named_group(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    if (filter->names && filter->prefix) /* (K) */
        return logs_bad_parameter(call, "logStreamNamePrefix and logStreamNames are mutually "
                                        "exclusive parameters.");
    const char *pattern = json_text_or(call->input, "filterPattern", "");
    filter->pattern = logs_pattern_parse(call->arena, pattern);
    if (!filter->pattern && logs_pattern_has_columns(pattern))
        return logs_bad_parameter(call, "Filter patterns of columns, [a, b], are not supported "
                                        "here: use terms or { $.json = conditions }.");
    if (!filter->pattern)
        return logs_bad_parameter(call, "Invalid filter pattern");
    if (token && read_place(filter, token) != 0)
        return logs_bad_token(call);
    return logs_need_group(call, *name, group);
}

enum local_result logs_filter_events(struct local_call *call)
{
    struct filter filter = {
        .call = call,
        .names = local_value(call, "logStreamNames"),
        .prefix = local_text(call, "logStreamNamePrefix"),
        .limit = local_int(call, "limit", 10000),
        .time_ms = -1,
    };
    struct logs_group group = {0};
    const char *name;
    enum local_result result = check(&filter, &name, &group);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "events");
    json_open_list(call->out);
    bool more = look(&filter, group.id);
    json_close_list(call->out);
    json_key(call->out, "searchedLogStreams"); /* always empty since 2020 */
    json_open_list(call->out);
    json_close_list(call->out);
    if (more)
        json_put_text(call->out, "nextToken",
                      local_token_encode(call, arena_printf(call->arena, "%lld %lld",
                                                            (long long)filter.time_ms,
                                                            (long long)filter.id)));
    return LOCAL_OK;
}
