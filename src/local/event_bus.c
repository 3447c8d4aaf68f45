#include "local/event_bus.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "local/event_outbox.h"
#include "local/event_schedule.h"
#include "local/writer.h"

#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_EVENT = 1024 * 1024,
    LONGEST_WAIT_MS = 60 * 1000, /* the clock may be set while nobody tells */
    PAUSE_MS = 1000,             /* after a failure of the store */
};

/* events_*: what users make, seldom written. trail_outbox: events that were not matched yet.
 * trail_delivery: what a target could not be given so far. trail_schedule: when rules fire next. */
const char event_bus_schema[] =
    "CREATE TABLE IF NOT EXISTS events_bus (account TEXT NOT NULL, region TEXT NOT NULL,"
    " name TEXT NOT NULL, policy TEXT, description TEXT, settings TEXT,"
    " created_ms BIGINT NOT NULL, modified_ms BIGINT NOT NULL,"
    " PRIMARY KEY (account, region, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS events_rule (account TEXT NOT NULL, region TEXT NOT NULL,"
    " bus TEXT NOT NULL, name TEXT NOT NULL, pattern TEXT, schedule TEXT, state BIGINT NOT NULL,"
    " description TEXT, role_arn TEXT, created_by TEXT NOT NULL, since_ms BIGINT NOT NULL,"
    " PRIMARY KEY (account, region, bus, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS events_target (account TEXT NOT NULL, region TEXT NOT NULL,"
    " bus TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, arn TEXT NOT NULL,"
    " target TEXT NOT NULL, PRIMARY KEY (account, region, bus, rule, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS events_tags (arn TEXT PRIMARY KEY, tags TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS trail_outbox (seq INTEGER PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, bus TEXT NOT NULL, read_only BIGINT NOT NULL, hops BIGINT NOT NULL,"
    " due_ms BIGINT NOT NULL, event TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS trail_outbox_due ON trail_outbox (due_ms);"
    "CREATE TABLE IF NOT EXISTS trail_delivery (seq INTEGER PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, bus TEXT NOT NULL, hops BIGINT NOT NULL, rule TEXT NOT NULL,"
    " target TEXT NOT NULL, attempts BIGINT NOT NULL, first_ms BIGINT NOT NULL,"
    " due_ms BIGINT NOT NULL, event TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS trail_delivery_due ON trail_delivery (due_ms);"
    "CREATE TABLE IF NOT EXISTS trail_schedule (account TEXT NOT NULL, region TEXT NOT NULL,"
    " rule TEXT NOT NULL, due_ms BIGINT NOT NULL, PRIMARY KEY (account, region, rule))"
    " WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS trail_schedule_due ON trail_schedule (due_ms);";

struct event_bus {
    struct local *local;
    struct writer *writer;
    struct store_session *reader; /* the delivery thread's */
    struct event_round *round;
    struct event_faults faults;
    atomic_bool emitted; /* something was put into the outbox since the last commit */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    bool woken, ending, started; /* under the mutex */
};

/* --- emitting --------------------------------------------------------------------------------- */

static bool has_rules(struct store_session *store, const char *account, const char *region,
                      const char *bus)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT 1 FROM events_rule WHERE account = $1 AND region = $2 AND bus = $3"
                " AND state > 0 AND pattern IS NOT NULL LIMIT 1",
                "ttt", account, region, bus);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

static void note_news(struct local *local)
{
    struct event_bus *events = atomic_load(&local->events);
    if (events)
        atomic_store(&events->emitted, true);
}

static bool hits(struct local *local, _Atomic uint32_t *per_mille)
{
    uint32_t share = atomic_load(per_mille);
    return share && random_below(local->random, 1000) < share;
}

void event_bus_queue(struct local *local, struct store_session *store,
                     const struct event_on_bus *event)
{
    static struct event_faults none;
    struct event_bus *events = atomic_load(&local->events);
    struct event_faults *faults = events ? &events->faults : &none;
    if (!has_rules(store, event->account, event->region, event->bus) ||
        hits(local, &faults->lost_per_mille))
        return;
    int times = hits(local, &faults->repeat_per_mille) ? 2 : 1;
    for (int i = 0; i < times; i++) {
        int64_t due_ms = local->clock->now_ms(local->clock) + atomic_load(&faults->delay_ms);
        uint32_t back_ms = atomic_load(&faults->reorder_ms);
        if (back_ms && hits(local, &faults->reorder_per_mille))
            due_ms += (int64_t)random_below(local->random, back_ms) + 1;
        store_run(store,
                  "INSERT INTO trail_outbox (account, region, bus, read_only, hops, due_ms, event)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  "tttiiit", event->account, event->region, event->bus, (int64_t)event->read_only,
                  (int64_t)event->hops, due_ms, event->text);
    }
    note_news(local);
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
    json_put_text(w, "region", event->region);
    json_key(w, "resources");
    write_resources(w, event);
    json_key(w, "detail");
    json_write_raw(w, event->detail.data, event->detail.len);
    json_close(w);
}

void event_emit(struct local *local, struct store_session *store, const struct event *event,
                char id[RANDOM_UUID_SIZE])
{
    const char *bus = event->bus ? event->bus : "default";
    random_uuid(local->random, id);
    if (!has_rules(store, event->account, event->region, bus))
        return;
    struct buf text;
    struct json_writer w;
    buf_init(&text, LARGEST_EVENT);
    json_writer_init(&w, &text);
    write_event(&w, event, id);
    bool crossed = event->from_account && strcmp(event->from_account, event->account) != 0;
    if (!text.overflow)
        event_bus_queue(local, store,
                        &(struct event_on_bus){.account = event->account,
                                               .region = event->region,
                                               .bus = bus,
                                               .text = buf_text(&text),
                                               .read_only = event->read_only,
                                               .hops = crossed ? HOP_ACCOUNT : 0});
    buf_done(&text);
}

void event_emit_native(struct local *local, struct store_session *store, const char *account,
                       const char *region, const char *source, const char *detail_type,
                       const char *resource, const json_t *detail)
{
    const char *const resources[] = {resource, NULL};
    char id[RANDOM_UUID_SIZE];
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
        event_emit(local, store, &event, id);
    buf_done(&text);
}

bool event_wanted(struct store_session *store, const char *account, const char *region)
{
    return has_rules(store, account, region, "default");
}

void event_bus_schedule(struct local *local, struct store_session *store, const char *account,
                        const char *region, const char *rule)
{
    struct event_schedule schedule;
    struct store_rows rows;
    char text[257] = "";
    store_query(store, &rows,
                "SELECT schedule FROM events_rule WHERE account = $1 AND region = $2"
                " AND bus = 'default' AND name = $3 AND state > 0 AND schedule IS NOT NULL",
                "ttt", account, region, rule);
    if (store_next(&rows)) {
        struct text found = store_text(&rows, 0);
        if (found.len < sizeof text)
            memcpy(text, found.data, found.len);
    }
    store_end(&rows);
    int64_t due_ms = -1;
    if (text[0] && event_schedule_parse(text, &schedule) == 0)
        due_ms = event_schedule_next(&schedule, local->clock->now_ms(local->clock));
    store_run(store, "DELETE FROM trail_schedule WHERE account = $1 AND region = $2 AND rule = $3",
              "ttt", account, region, rule);
    if (due_ms >= 0)
        store_run(store,
                  "INSERT INTO trail_schedule (account, region, rule, due_ms)"
                  " VALUES ($1, $2, $3, $4)",
                  "ttti", account, region, rule, due_ms);
    note_news(local);
}

/* --- the delivery thread ---------------------------------------------------------------------- */

/* One round; how long to wait for the next unless something is emitted, 0: not at all. */
static int64_t run_round(struct event_bus *bus)
{
    int64_t next_ms;
    uint64_t version = atomic_load(&bus->local->version);
    store_begin_read(bus->reader);
    size_t due = event_round_read(bus->round, bus->reader, version, &next_ms);
    bool failed = store_failed(bus->reader);
    if (failed)
        log_event(LOG_ERROR, "events were not read", "cause", store_failure(bus->reader), NULL);
    store_end_read(bus->reader);
    if (failed || (due && writer_call(bus->writer, event_round_write, bus->round) != 0))
        return PAUSE_MS;
    if (due)
        return 0;
    int64_t wait_ms = next_ms - bus->local->clock->now_ms(bus->local->clock);
    return next_ms == INT64_MAX || wait_ms > LONGEST_WAIT_MS ? LONGEST_WAIT_MS
           : wait_ms > 0                                     ? wait_ms
                                                             : 1;
}

/* Until there is news, or for `wait_ms`. False when the thread is to end. */
static bool wait_for_news(struct event_bus *bus, int64_t wait_ms)
{
    struct timespec until = thread_deadline(wait_ms);
    pthread_mutex_lock(&bus->mutex);
    while (!bus->woken && !bus->ending && wait_ms &&
           pthread_cond_timedwait(&bus->news, &bus->mutex, &until) == 0)
        ;
    bus->woken = false;
    bool go_on = !bus->ending;
    pthread_mutex_unlock(&bus->mutex);
    return go_on;
}

static void *delivery_main(void *arg)
{
    struct event_bus *bus = arg;
    while (wait_for_news(bus, run_round(bus)))
        ;
    return NULL;
}

struct event_bus *event_bus_new(struct local *local, struct writer *writer, struct faults *faults,
                                struct error *err)
{
    struct event_bus *bus = memory_alloc(sizeof *bus);
    bus->local = local;
    bus->writer = writer;
    pthread_mutex_init(&bus->mutex, NULL);
    thread_condition_init(&bus->news);
    bus->round = event_round_new(local, faults);
    bus->reader = store_reader(local->store, err);
    if (bus->reader)
        return bus;
    event_bus_free(bus);
    return NULL;
}

int event_bus_start(struct event_bus *bus, struct error *err)
{
    bus->started = thread_start(&bus->thread, "delivery", delivery_main, bus, err) == 0;
    return bus->started ? 0 : -1;
}

void event_bus_stop(struct event_bus *bus)
{
    if (!bus || !bus->started)
        return;
    pthread_mutex_lock(&bus->mutex);
    bus->ending = true;
    pthread_cond_signal(&bus->news);
    pthread_mutex_unlock(&bus->mutex);
    pthread_join(bus->thread, NULL);
    bus->started = false;
}

void event_bus_free(struct event_bus *bus)
{
    if (!bus)
        return;
    event_bus_stop(bus);
    event_round_free(bus->round);
    store_session_close(bus->reader);
    pthread_cond_destroy(&bus->news);
    pthread_mutex_destroy(&bus->mutex);
    free(bus);
}

struct event_faults *event_bus_faults(struct event_bus *bus)
{
    return &bus->faults;
}

void event_bus_wake(struct event_bus *bus)
{
    pthread_mutex_lock(&bus->mutex);
    bus->woken = true;
    pthread_cond_signal(&bus->news);
    pthread_mutex_unlock(&bus->mutex);
}

void event_bus_committed(struct event_bus *bus)
{
    if (atomic_exchange(&bus->emitted, false))
        event_bus_wake(bus);
}
