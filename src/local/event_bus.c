#include "local/event_bus.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_EVENT = 1024 * 1024 };

/* trail_outbox: events that were not matched yet, in the order they happened. */
const char event_bus_schema[] =
    "CREATE TABLE IF NOT EXISTS events_rule (account TEXT NOT NULL, region TEXT NOT NULL,"
    " bus TEXT NOT NULL, name TEXT NOT NULL, pattern TEXT, schedule TEXT, state BIGINT NOT NULL,"
    " description TEXT, role_arn TEXT, created_by TEXT NOT NULL, created_ms BIGINT NOT NULL,"
    " PRIMARY KEY (account, region, bus, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS trail_outbox (seq INTEGER PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, bus TEXT NOT NULL, read_only BIGINT NOT NULL, due_ms BIGINT NOT NULL,"
    " event TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS trail_outbox_due ON trail_outbox (due_ms);";

struct event_bus {
    struct local *local;
    struct event_faults faults;
};

/* --- emitting --------------------------------------------------------------------------------- */

static bool has_rules(struct store_session *store, const struct event *event, const char *bus)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT 1 FROM events_rule WHERE account = $1 AND region = $2 AND bus = $3"
                " AND state > 0 AND pattern IS NOT NULL LIMIT 1",
                "ttt", event->account, event->region, bus);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

static void write_resources(struct json_writer *w, const struct event *event)
{
    if (event->resource_list) {
        json_write_value(w, event->resource_list);
        return;
    }
    json_open_list(w);
    for (const char *const *arn = event->resources; arn && *arn; arn++)
        json_write_text(w, *arn);
    json_close_list(w);
}

static void write_event(struct json_writer *w, const struct event *event, const char *id)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format_iso(event->time_ms, time);
    json_open(w);
    json_put_text(w, "version", "0");
    json_put_text(w, "id", id);
    json_put_text(w, "detail-type", event->detail_type);
    json_put_text(w, "source", event->source);
    json_put_text(w, "account", event->from_account ? event->from_account : event->account);
    json_put_text(w, "time", time);
    json_put_text(w, "region", event->from_region ? event->from_region : event->region);
    json_key(w, "resources");
    write_resources(w, event);
    json_key(w, "detail");
    json_write_raw(w, event->detail.data, event->detail.len);
    json_close(w);
}

void event_emit(struct local *local, struct store_session *store, const struct event *event,
                char *id)
{
    const char *bus = event->bus ? event->bus : "default";
    char fresh[RANDOM_UUID_SIZE];
    if (event->id)
        memcpy(fresh, event->id, strlen(event->id) < sizeof fresh ? strlen(event->id) + 1 : 0);
    else
        random_uuid(local->random, fresh);
    if (id)
        memcpy(id, fresh, sizeof fresh);
    if (!has_rules(store, event, bus))
        return;
    struct buf text;
    struct json_writer w;
    buf_init(&text, LARGEST_EVENT);
    json_writer_init(&w, &text);
    write_event(&w, event, fresh);
    if (!text.overflow)
        store_run(store,
                  "INSERT INTO trail_outbox (account, region, bus, read_only, due_ms, event)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  "tttiiT", event->account, event->region, bus, (int64_t)event->read_only,
                  local->clock->now_ms(local->clock), text.data, text.len);
    buf_done(&text);
}

void event_emit_native(struct local *local, struct store_session *store, const char *account,
                       const char *region, const char *source, const char *detail_type,
                       const char *resource, const json_t *detail)
{
    const char *const resources[] = {resource, NULL};
    struct buf text;
    struct json_writer w;
    buf_init(&text, LARGEST_EVENT);
    json_writer_init(&w, &text);
    json_write_value(&w, detail);
    const struct event event = {
        .account = account,
        .region = region,
        .source = source,
        .detail_type = detail_type,
        .time_ms = local->clock->now_ms(local->clock),
        .resources = resources,
        .detail = {buf_text(&text), text.len},
    };
    if (!text.overflow)
        event_emit(local, store, &event, NULL);
    buf_done(&text);
}
void event_bus_committed(struct event_bus *bus)
{
    (void)bus;
}
