#include "local/services/logs_parts.h"

#include <stdio.h>
#include <string.h>

enum local_result logs_create_stream(struct local_call *call)
{
    const char *name = local_text(call, "logStreamName");
    struct logs_group group;
    struct logs_stream old;
    enum local_result result = logs_need_group(call, local_text(call, "logGroupName"), &group);
    if (result != LOCAL_OK)
        return result;
    if (logs_find_stream(call->store, call->arena, group.id, name, &old))
        return local_fail(call, "ResourceAlreadyExistsException",
                          "The specified log stream already exists");
    logs_make_stream(call->store, group.id, name, call->local->clock->now_ms(call->local->clock));
    return LOCAL_OK;
}

enum local_result logs_delete_stream(struct local_call *call)
{
    struct logs_group group;
    struct logs_stream stream;
    enum local_result result = logs_need_group(call, local_text(call, "logGroupName"), &group);
    if (result == LOCAL_OK)
        result = logs_need_stream(call, &group, local_text(call, "logStreamName"), &stream);
    if (result == LOCAL_OK)
        logs_remove_stream(call->store, group.id, stream.id);
    return result;
}

/* --- describing ------------------------------------------------------------------------------- */

static void put_stream(struct local_call *call, const char *group, const struct logs_stream *stream)
{
    struct json_writer *w = call->out;
    json_open(w);
    json_put_text(w, "logStreamName", stream->name);
    json_put_int(w, "creationTime", stream->created_ms);
    if (stream->ingested_ms >= 0) {
        json_put_int(w, "firstEventTimestamp", stream->first_ms);
        json_put_int(w, "lastEventTimestamp", stream->last_ms);
        json_put_int(w, "lastIngestionTime", stream->ingested_ms);
        json_put_text(w, "uploadSequenceToken",
                      arena_printf(call->arena, "%056lld", (long long)stream->id));
    }
    json_put_text(w, "arn",
                  arena_printf(call->arena, "%s:log-stream:%s", logs_group_arn(call, group),
                               stream->name));
    json_put_int(w, "storedBytes", 0); /* AWS has told no other number since 2019 */
    json_close(w);
}

/* A page's place: the last one's time and name. */
static int read_place(struct local_call *call, int64_t *time_ms, const char **name)
{
    const char *token = local_text(call, "nextToken");
    char *place, *blank;
    if (!token)
        return 0;
    if (local_token_decode(call, token, &place) != 0 || !(blank = strchr(place, ' ')) ||
        text_to_int64(place, (size_t)(blank - place), time_ms) != 0)
        return -1;
    *name = blank + 1;
    return 0;
}

static const char *const queries[2][2] = {
    {"SELECT" LOGS_STREAM_COLUMNS
     "FROM logs_stream WHERE group_id = $1 AND ($2 = '' OR name > $2) AND $3 = $3 ORDER BY name",
     "SELECT" LOGS_STREAM_COLUMNS "FROM logs_stream WHERE group_id = $1 AND ($2 = '' OR name < $2)"
     " AND $3 = $3 ORDER BY name DESC"},
    {"SELECT" LOGS_STREAM_COLUMNS "FROM logs_stream WHERE group_id = $1 AND"
     " ($2 = '' OR last_ms > $3 OR (last_ms = $3 AND name > $2)) ORDER BY last_ms, name",
     "SELECT" LOGS_STREAM_COLUMNS "FROM logs_stream WHERE group_id = $1 AND"
     " ($2 = '' OR last_ms < $3 OR (last_ms = $3 AND name < $2))"
     " ORDER BY last_ms DESC, name DESC"},
};

enum local_result logs_describe_streams(struct local_call *call)
{
    const char *prefix = local_text(call, "logStreamNamePrefix"), *after = "", *name;
    bool by_time = strcmp(json_text_or(call->input, "orderBy", ""), "LastEventTime") == 0;
    bool down = local_bool(call, "descending", false), more = false;
    int64_t limit = local_int(call, "limit", 50), count = 0, after_ms = 0;
    struct logs_group group;
    struct logs_stream stream = {.name = ""}, last = {.name = ""};
    struct store_rows rows;
    enum local_result result = logs_named_group(call, &name);
    if (result == LOCAL_OK && by_time && prefix)
        result =
            logs_bad_parameter(call, "Cannot order by LastEventTime with a logStreamNamePrefix.");
    if (result == LOCAL_OK)
        result = logs_need_group(call, name, &group);
    if (result == LOCAL_OK && read_place(call, &after_ms, &after) != 0)
        result = logs_bad_token(call);
    if (result != LOCAL_OK)
        return result;
    json_key(call->out, "logStreams");
    json_open_list(call->out);
    store_query(call->store, &rows, queries[by_time][down], "iti", group.id, after, after_ms);
    while (!more && store_next(&rows)) {
        logs_read_stream(call->arena, &rows, &stream);
        if (prefix && !text_starts(stream.name, prefix))
            continue;
        more = count == limit;
        if (more)
            break;
        put_stream(call, name, &stream);
        last = stream;
        count++;
    }
    store_end(&rows);
    json_close_list(call->out);
    if (more)
        json_put_text(call->out, "nextToken",
                      local_token_encode(call, arena_printf(call->arena, "%lld %s",
                                                            (long long)last.last_ms, last.name)));
    return LOCAL_OK;
}
