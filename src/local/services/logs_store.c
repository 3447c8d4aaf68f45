#include "local/services/logs_parts.h"

#include "local/agenda.h"

#include <string.h>

enum { MANY = 100 }; /* events between two looks at what is to go */

/* logs_event.id counts the bytes of all events so far, in the order in which they came: it is their
 * order, and what lies further back than LOGS_KEEP_BYTES is found by it. */
const char logs_schema[] =
    "CREATE TABLE IF NOT EXISTS logs_group (id INTEGER PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, name TEXT NOT NULL, created_ms BIGINT NOT NULL,"
    " retention_days BIGINT NOT NULL, class TEXT NOT NULL, kms_key TEXT, tags TEXT NOT NULL,"
    " protection BIGINT NOT NULL, stored BIGINT NOT NULL, UNIQUE (account, region, name));"
    "CREATE TABLE IF NOT EXISTS logs_stream (id INTEGER PRIMARY KEY, group_id BIGINT NOT NULL,"
    " name TEXT NOT NULL, created_ms BIGINT NOT NULL, first_ms BIGINT NOT NULL,"
    " last_ms BIGINT NOT NULL, ingested_ms BIGINT NOT NULL, stored BIGINT NOT NULL,"
    " UNIQUE (group_id, name));"
    "CREATE TABLE IF NOT EXISTS logs_event (id INTEGER PRIMARY KEY, group_id BIGINT NOT NULL,"
    " stream_id BIGINT NOT NULL, time_ms BIGINT NOT NULL, ingested_ms BIGINT NOT NULL,"
    " message TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS logs_event_group ON logs_event (group_id, time_ms, id);"
    "CREATE INDEX IF NOT EXISTS logs_event_stream ON logs_event (stream_id, time_ms, id);"
    "CREATE TABLE IF NOT EXISTS logs_policy (account TEXT NOT NULL, region TEXT NOT NULL,"
    " name TEXT NOT NULL, document TEXT NOT NULL, updated_ms BIGINT NOT NULL,"
    " PRIMARY KEY (account, region, name)) WITHOUT ROWID;";

/* --- groups and streams ----------------------------------------------------------------------- */

static const char *text_at(struct arena *arena, const struct store_rows *rows, int column)
{
    struct text text = store_text(rows, column);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

void logs_read_group(struct arena *arena, const struct store_rows *rows, struct logs_group *out)
{
    *out = (struct logs_group){
        .id = store_int(rows, 0),
        .name = text_at(arena, rows, 1),
        .created_ms = store_int(rows, 2),
        .retention_days = store_int(rows, 3),
        .class_name = text_at(arena, rows, 4),
        .kms_key = text_at(arena, rows, 5),
        .tags = text_at(arena, rows, 6),
        .is_protected = store_int(rows, 7),
        .stored = store_int(rows, 8),
    };
}

bool logs_find_group(struct store_session *store, struct arena *arena, const char *account,
                     const char *region, const char *name, struct logs_group *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT" LOGS_GROUP_COLUMNS
                "FROM logs_group WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", account, region, name);
    bool found = store_next(&rows);
    if (found)
        logs_read_group(arena, &rows, out);
    store_end(&rows);
    return found;
}

int64_t logs_make_group(struct store_session *store, const char *account, const char *region,
                        const struct logs_group *group)
{
    store_run(store,
              "INSERT INTO logs_group (account, region, name, created_ms, retention_days, class,"
              " kms_key, tags, protection, stored) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, 0)",
              "tttittti", account, region, group->name, group->created_ms, group->class_name,
              group->kms_key, group->tags, (int64_t)group->is_protected);
    return store_last_id(store);
}

void logs_remove_group(struct store_session *store, int64_t id)
{
    store_run(store, "DELETE FROM logs_event WHERE group_id = $1", "i", id);
    store_run(store, "DELETE FROM logs_stream WHERE group_id = $1", "i", id);
    store_run(store, "DELETE FROM logs_group WHERE id = $1", "i", id);
}

void logs_read_stream(struct arena *arena, const struct store_rows *rows, struct logs_stream *out)
{
    *out = (struct logs_stream){
        .id = store_int(rows, 0),
        .name = text_at(arena, rows, 1),
        .created_ms = store_int(rows, 2),
        .first_ms = store_int(rows, 3),
        .last_ms = store_int(rows, 4),
        .ingested_ms = store_int(rows, 5),
        .stored = store_int(rows, 6),
    };
}

bool logs_find_stream(struct store_session *store, struct arena *arena, int64_t group,
                      const char *name, struct logs_stream *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT" LOGS_STREAM_COLUMNS "FROM logs_stream WHERE group_id = $1 AND name = $2",
                "it", group, name);
    bool found = store_next(&rows);
    if (found)
        logs_read_stream(arena, &rows, out);
    store_end(&rows);
    return found;
}

int64_t logs_make_stream(struct store_session *store, int64_t group, const char *name,
                         int64_t now_ms)
{
    store_run(store,
              "INSERT INTO logs_stream (group_id, name, created_ms, first_ms, last_ms, ingested_ms,"
              " stored) VALUES ($1, $2, $3, -1, -1, -1, 0)",
              "iti", group, name, now_ms);
    return store_last_id(store);
}

static void count_bytes(struct store_session *store, int64_t group, int64_t less)
{
    store_run(store, "UPDATE logs_group SET stored = stored - $1 WHERE id = $2", "ii", less, group);
}

void logs_remove_stream(struct store_session *store, int64_t group, int64_t id)
{
    struct store_rows rows;
    int64_t stored = 0;
    store_query(store, &rows, "SELECT stored FROM logs_stream WHERE id = $1", "i", id);
    if (store_next(&rows))
        stored = store_int(&rows, 0);
    store_end(&rows);
    count_bytes(store, group, stored);
    store_run(store, "DELETE FROM logs_event WHERE stream_id = $1", "i", id);
    store_run(store, "DELETE FROM logs_stream WHERE id = $1", "i", id);
}

/* --- events ----------------------------------------------------------------------------------- */

static int64_t last_id(struct store_session *store)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT MAX(id) FROM logs_event", "");
    int64_t id = store_next(&rows) && !store_null(&rows, 0) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return id;
}

/* Bytes that are not UTF-8 would be no text for SQLite, nor for JSON. */
static struct text clean(struct buf *scratch, struct text line)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    if (text_utf8_valid(line.data, line.len) && !memchr(line.data, '\0', line.len))
        return line;
    buf_reset(scratch);
    for (size_t at = 0; at < line.len;) {
        size_t len = 1;
        while (len < 4 && at + len <= line.len && !text_utf8_valid(line.data + at, len))
            len++;
        bool valid = at + len <= line.len && line.data[at] && text_utf8_valid(line.data + at, len);
        if (valid)
            buf_append(scratch, line.data + at, len);
        else
            buf_append(scratch, replacement, sizeof replacement - 1);
        at += valid ? len : 1;
    }
    return (struct text){buf_text(scratch), scratch->len};
}

void logs_add_events(struct local *local, struct store_session *store,
                     const struct logs_group *group, int64_t stream, const struct logs_line *lines,
                     size_t count)
{
    int64_t now_ms = local->clock->now_ms(local->clock), id = last_id(store), bytes = 0;
    int64_t first_ms = INT64_MAX, last_ms = -1;
    struct buf scratch;
    buf_init(&scratch, 4 * (size_t)LOGS_LARGEST_BATCH);
    for (size_t i = 0; i < count; i++) {
        struct text text = clean(&scratch, lines[i].text);
        int64_t size = (int64_t)text.len + LOGS_EVENT_OVERHEAD;
        id += size;
        bytes += size;
        first_ms = lines[i].time_ms < first_ms ? lines[i].time_ms : first_ms;
        last_ms = lines[i].time_ms > last_ms ? lines[i].time_ms : last_ms;
        store_run(store,
                  "INSERT INTO logs_event (id, group_id, stream_id, time_ms, ingested_ms, message)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  "iiiiiT", id, group->id, stream, lines[i].time_ms, now_ms, text.data, text.len);
    }
    buf_done(&scratch);
    store_run(store,
              "UPDATE logs_stream SET stored = stored + $1, ingested_ms = $2,"
              " first_ms = CASE WHEN first_ms < 0 OR first_ms > $3 THEN $3 ELSE first_ms END,"
              " last_ms = CASE WHEN last_ms < $4 THEN $4 ELSE last_ms END WHERE id = $5",
              "iiiii", bytes, now_ms, first_ms, last_ms, stream);
    count_bytes(store, group->id, -bytes);
    store_run(store, "DELETE FROM logs_event WHERE id <= $1", "i", id - LOGS_KEEP_BYTES);
    if (group->retention_days)
        agenda_expect(local->agenda, first_ms + group->retention_days * LOGS_DAY_MS);
}

void logs_append(struct local *local, struct store_session *store, const char *account,
                 const char *region, const char *name, const char *stream_name,
                 const struct logs_line *lines, size_t count)
{
    int64_t now_ms = local->clock->now_ms(local->clock);
    struct logs_group group = {.name = name,
                               .created_ms = now_ms,
                               .class_name = "STANDARD",
                               .tags = "{}"};
    struct logs_stream stream;
    struct arena scratch;
    arena_init(&scratch);
    if (!logs_find_group(store, &scratch, account, region, name, &group))
        group.id = logs_make_group(store, account, region, &group);
    if (!logs_find_stream(store, &scratch, group.id, stream_name, &stream))
        stream.id = logs_make_stream(store, group.id, stream_name, now_ms);
    if (count)
        logs_add_events(local, store, &group, stream.id, lines, count);
    arena_done(&scratch);
}

/* --- retention -------------------------------------------------------------------------------- */

struct aged {
    int64_t group, days;
};

static size_t groups_that_age(struct store_session *store, struct aged *out, size_t room,
                              int64_t after)
{
    struct store_rows rows;
    size_t count = 0;
    store_query(store, &rows,
                "SELECT id, retention_days FROM logs_group WHERE retention_days > 0 AND id > $1"
                " ORDER BY id LIMIT $2",
                "ii", after, (int64_t)room);
    while (store_next(&rows))
        out[count++] = (struct aged){store_int(&rows, 0), store_int(&rows, 1)};
    store_end(&rows);
    return count;
}

/* When its oldest event is old enough. */
static int64_t forget_old(struct store_session *store, const struct aged *aged, int64_t now_ms)
{
    struct store_rows rows;
    int64_t age_ms = aged->days * LOGS_DAY_MS, oldest_ms = AGENDA_NEVER;
    store_run(store, "DELETE FROM logs_event WHERE group_id = $1 AND time_ms <= $2", "ii",
              aged->group, now_ms - age_ms);
    store_query(store, &rows, "SELECT MIN(time_ms) FROM logs_event WHERE group_id = $1", "i",
                aged->group);
    if (store_next(&rows) && !store_null(&rows, 0))
        oldest_ms = store_int(&rows, 0);
    store_end(&rows);
    return oldest_ms == AGENDA_NEVER ? AGENDA_NEVER : oldest_ms + age_ms;
}

int64_t logs_act(struct local *local, struct store_session *store, int64_t now_ms)
{
    struct aged aged[MANY];
    int64_t next_ms = AGENDA_NEVER, after = 0;
    (void)local;
    for (size_t count; (count = groups_that_age(store, aged, MANY, after));) {
        for (size_t i = 0; i < count; i++) {
            int64_t group_ms = forget_old(store, &aged[i], now_ms);
            next_ms = group_ms < next_ms ? group_ms : next_ms;
        }
        after = aged[count - 1].group;
    }
    return next_ms;
}
