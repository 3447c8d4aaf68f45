#include "local/services/logs_parts.h"

#include "aws/arn.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST_PAGE_BYTES = 1024 * 1024, MOST_IN_PAGE = 10000 };

/* --- putting ---------------------------------------------------------------------------------- */

/* The events that are kept are those from `first` to `end`, without. */
struct batch {
    struct logs_line *lines;
    size_t count, old_end, expired_end, new_start;
};

static enum local_result check_batch(struct local_call *call, struct batch *batch)
{
    size_t bytes = 0;
    for (size_t i = 0; i < batch->count; i++) {
        size_t size = batch->lines[i].text.len + LOGS_EVENT_OVERHEAD;
        if (size > LOGS_LARGEST_EVENT)
            return local_fail(call, "InvalidParameterException",
                              "Log event too large: %zu bytes exceeds limit of %d", size,
                              LOGS_LARGEST_EVENT);
        if (i && batch->lines[i].time_ms < batch->lines[i - 1].time_ms)
            return logs_bad_parameter(call, "Log events in a single PutLogEvents request must be "
                                            "in chronological order.");
        bytes += size;
    }
    if (bytes > LOGS_LARGEST_BATCH)
        return local_fail(call, "InvalidParameterException",
                          "Upload too large: %zu bytes exceeds limit of %d", bytes,
                          LOGS_LARGEST_BATCH);
    if (batch->lines[batch->count - 1].time_ms - batch->lines[0].time_ms > LOGS_DAY_MS)
        return logs_bad_parameter(call, "The batch of log events in a single PutLogEvents request "
                                        "cannot span more than 24 hours.");
    return LOCAL_OK;
}

static void read_batch(struct local_call *call, struct batch *out)
{
    const json_t *events = local_value(call, "logEvents");
    *out = (struct batch){.count = json_array_size(events)};
    out->lines = arena_calloc(call->arena, out->count, sizeof *out->lines);
    for (size_t i = 0; i < out->count; i++) {
        const json_t *event = json_array_get(events, i), *text = json_object_get(event, "message");
        out->lines[i] = (struct logs_line){
            json_int_or(event, "timestamp", 0),
            {json_string_value(text), json_string_length(text)},
        };
    }
}

/* 14 days back, the group's retention, two hours ahead. */
static void find_bounds(struct batch *batch, const struct logs_group *group, int64_t now_ms)
{
    const int64_t old_ms = now_ms - 14 * LOGS_DAY_MS, ahead_ms = now_ms + 2 * 60 * 60 * 1000;
    const int64_t expired_ms =
        group->retention_days ? now_ms - group->retention_days * LOGS_DAY_MS : INT64_MIN;
    batch->new_start = batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t time_ms = batch->lines[i].time_ms;
        if (time_ms < old_ms)
            batch->old_end = i + 1;
        else if (time_ms <= expired_ms)
            batch->expired_end = i + 1;
        else if (time_ms > ahead_ms && batch->new_start == batch->count)
            batch->new_start = i;
    }
}

static void put_rejected(struct local_call *call, const struct batch *batch)
{
    if (!batch->old_end && !batch->expired_end && batch->new_start == batch->count)
        return;
    json_key(call->out, "rejectedLogEventsInfo");
    json_open(call->out);
    if (batch->new_start < batch->count)
        json_put_int(call->out, "tooNewLogEventStartIndex", (int64_t)batch->new_start);
    if (batch->old_end)
        json_put_int(call->out, "tooOldLogEventEndIndex", (int64_t)batch->old_end);
    if (batch->expired_end)
        json_put_int(call->out, "expiredLogEventEndIndex", (int64_t)batch->expired_end);
    json_close(call->out);
}

enum local_result logs_put_events(struct local_call *call)
{
    struct logs_group group;
    struct logs_stream stream;
    struct batch batch;
    enum local_result result = logs_need_group(call, local_text(call, "logGroupName"), &group);
    if (result == LOCAL_OK)
        result = logs_need_stream(call, &group, local_text(call, "logStreamName"), &stream);
    read_batch(call, &batch);
    if (result == LOCAL_OK)
        result = check_batch(call, &batch);
    if (result != LOCAL_OK)
        return result;
    find_bounds(&batch, &group, call->local->clock->now_ms(call->local->clock));
    size_t first = batch.expired_end > batch.old_end ? batch.expired_end : batch.old_end;
    if (first < batch.new_start)
        logs_add_events(call->local, call->store, &group, stream.id, batch.lines + first,
                        batch.new_start - first);
    /* No call needs it any more; it is told, as AWS does. */
    json_put_text(call->out, "nextSequenceToken",
                  arena_printf(call->arena, "%056lld", (long long)stream.id));
    put_rejected(call, &batch);
    return LOCAL_OK;
}

/* --- getting ---------------------------------------------------------------------------------- */

/* Between two events: behind this one, or (backward) before it. */
struct place {
    bool backward;
    int64_t time_ms, id;
};

static int read_place(struct local_call *call, const char *token, struct place *out)
{
    char *position;
    if ((token[0] != 'f' && token[0] != 'b') || token[1] != '/' ||
        local_token_decode(call, token + 2, &position) != 0)
        return -1;
    out->backward = token[0] == 'b';
    struct text rest = text_of(position), time = text_cut(&rest, ' ');
    return text_to_int64(time.data, time.len, &out->time_ms) == 0 && rest.data &&
                   text_to_int64(rest.data, rest.len, &out->id) == 0
               ? 0
               : -1;
}

static void put_place(struct local_call *call, const char *key, char letter, int64_t time_ms,
                      int64_t id)
{
    const char *position =
        arena_printf(call->arena, "%lld %lld", (long long)time_ms, (long long)id);
    json_put_text(call->out, key,
                  arena_printf(call->arena, "%c/%s", letter, local_token_encode(call, position)));
}

struct found {
    int64_t id, time_ms, ingested_ms;
    char *message;
    size_t len;
};

/* $2, $3: the place; $4: from, $5: to, without. */
static const char forward_query[] =
    "SELECT id, time_ms, ingested_ms, message FROM logs_event WHERE stream_id = $1"
    " AND (time_ms > $2 OR (time_ms = $2 AND id > $3)) AND time_ms >= $4 AND time_ms < $5"
    " ORDER BY time_ms, id";
static const char backward_query[] =
    "SELECT id, time_ms, ingested_ms, message FROM logs_event WHERE stream_id = $1"
    " AND (time_ms < $2 OR (time_ms = $2 AND id < $3)) AND time_ms >= $4 AND time_ms < $5"
    " ORDER BY time_ms DESC, id DESC";

static size_t find(struct local_call *call, int64_t stream, const struct place *place, size_t limit,
                   struct found *out)
{
    struct store_rows rows;
    size_t count = 0, bytes = 0;
    store_query(call->store, &rows, place->backward ? backward_query : forward_query, "iiiii",
                stream, place->time_ms, place->id, local_int(call, "startTime", 0),
                local_int(call, "endTime", INT64_MAX));
    while (count < limit && store_next(&rows)) {
        struct text text = store_text(&rows, 3);
        bytes += text.len + LOGS_EVENT_OVERHEAD;
        if (bytes > LARGEST_PAGE_BYTES && count)
            break;
        out[count++] = (struct found){store_int(&rows, 0), store_int(&rows, 1), store_int(&rows, 2),
                                      arena_strndup(call->arena, text.data, text.len), text.len};
    }
    store_end(&rows);
    return count;
}

static void put_found(struct local_call *call, const struct found *found)
{
    struct json_writer *w = call->out;
    json_open(w);
    json_put_int(w, "timestamp", found->time_ms);
    json_key(w, "message");
    json_write_text_n(w, found->message, found->len);
    json_put_int(w, "ingestionTime", found->ingested_ms);
    json_close(w);
}

enum local_result logs_get_events(struct local_call *call)
{
    const char *token = local_text(call, "nextToken"), *name;
    bool from_head = local_bool(call, "startFromHead", false);
    struct place place = {.backward = !from_head,
                          .time_ms = from_head ? -1 : INT64_MAX,
                          .id = from_head ? 0 : INT64_MAX};
    size_t limit = (size_t)local_int(call, "limit", MOST_IN_PAGE);
    struct logs_group group;
    struct logs_stream stream;
    enum local_result result = logs_named_group(call, &name);
    if (result == LOCAL_OK)
        result = logs_need_group(call, name, &group);
    if (result == LOCAL_OK)
        result = logs_need_stream(call, &group, local_text(call, "logStreamName"), &stream);
    if (result == LOCAL_OK && token && read_place(call, token, &place) != 0)
        result = logs_bad_token(call);
    if (result != LOCAL_OK)
        return result;
    struct found *found = arena_calloc(call->arena, limit, sizeof *found);
    size_t count = find(call, stream.id, &place, limit, found);
    json_key(call->out, "events");
    json_open_list(call->out);
    for (size_t i = 0; i < count; i++)
        put_found(call, &found[place.backward ? count - 1 - i : i]);
    json_close_list(call->out);
    if (!count && !token) /* nothing yet: whatever comes is behind this */
        place = (struct place){.time_ms = -1};
    const struct found here = {.time_ms = place.time_ms, .id = place.id};
    const struct found *first = !count ? &here : place.backward ? &found[count - 1] : &found[0];
    const struct found *last = !count ? &here : place.backward ? &found[0] : &found[count - 1];
    put_place(call, "nextForwardToken", 'f', last->time_ms, last->id);
    put_place(call, "nextBackwardToken", 'b', first->time_ms, first->id);
    return LOCAL_OK;
}
