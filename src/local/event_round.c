/* A round of delivery: what is due is read and matched on the delivery thread, then done in one
 * transaction of the writer. */
#include "local/event_outbox.h"

#include "base/json.h"
#include "base/log.h"
#include "local/event_input.h"
#include "local/event_schedule.h"
#include "local/faults.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROUND_MAX = 256, /* of each kind */
    ATTEMPTS_MAX = 185,
    AGE_MAX_S = 24 * 3600,
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 8 * 60 * 1000,
    LARGEST_BODY = 2 * 1024 * 1024,
};

enum due_kind { DUE_EVENT, DUE_RETRY, DUE_SCHEDULE };

struct match {
    struct match *next;
    const struct event_rule *rule;
    const struct event_rule_target *target;
};

struct due {
    struct due *next;
    enum due_kind kind;
    int64_t seq, due_ms;
    struct event_on_bus event;
    struct match *matches;
    const char *rule; /* DUE_SCHEDULE */
    int64_t attempts, first_ms;
    int64_t again_ms; /* DUE_SCHEDULE: when it fires next; -1: never */
};

struct event_round {
    struct local *local;
    struct faults *faults;
    struct event_rules *rules;
    struct arena arena;
    struct due *first, **last;
    size_t count;
};

struct event_round *event_round_new(struct local *local, struct faults *faults)
{
    struct event_round *round = memory_alloc(sizeof *round);
    round->local = local;
    round->faults = faults;
    round->rules = event_rules_new();
    arena_init(&round->arena);
    round->last = &round->first;
    return round;
}

static void clear(struct event_round *round)
{
    for (struct due *due = round->first; due; due = due->next)
        json_decref(due->event.parsed);
    round->first = NULL;
    round->last = &round->first;
    round->count = 0;
    arena_reset(&round->arena);
}

void event_round_free(struct event_round *round)
{
    if (!round)
        return;
    clear(round);
    event_rules_free(round->rules);
    arena_done(&round->arena);
    free(round);
}

static int64_t now_ms(const struct event_round *round)
{
    return round->local->clock->now_ms(round->local->clock);
}

/* --- reading ---------------------------------------------------------------------------------- */

static char *column(struct event_round *round, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    return arena_strndup(&round->arena, text.data ? text.data : "", text.len);
}

static struct due *add(struct event_round *round, enum due_kind kind)
{
    struct due *due = arena_alloc(&round->arena, sizeof *due);
    due->kind = kind;
    *round->last = due;
    round->last = &due->next;
    round->count++;
    return due;
}

static void add_match(struct event_round *round, struct due *due, const struct event_rule *rule,
                      const struct event_rule_target *target)
{
    struct match *match = arena_alloc(&round->arena, sizeof *match);
    *match = (struct match){due->matches, rule, target};
    due->matches = match;
}

static void match_all_targets(struct event_round *round, struct due *due,
                              const struct event_rule *rule)
{
    for (size_t i = 0; rule && i < rule->target_count; i++)
        add_match(round, due, rule, &rule->targets[i]);
}

static const struct event_rule_list *rules_for(struct event_round *round,
                                               struct store_session *reader, const struct due *due)
{
    const struct event_on_bus *event = &due->event;
    return event_rules_of(round->rules, reader, event->account, event->region, event->bus);
}

/* Calls that only read reach only the rules that asked for them. */
static void match_rules(struct event_round *round, struct store_session *reader, struct due *due)
{
    const struct event_rule_list *list = rules_for(round, reader, due);
    const struct event_fields *fields = event_fields_of(&round->arena, due->event.parsed);
    for (size_t i = 0; i < list->count; i++) {
        const struct event_rule *rule = &list->rules[i];
        if (rule->pattern && (!due->event.read_only || rule->state == RULE_ENABLED_WITH_READS) &&
            event_pattern_matches(rule->pattern, fields))
            match_all_targets(round, due, rule);
    }
}

static void take_event(struct event_round *round, const struct store_rows *rows, struct due *due,
                       int text)
{
    due->seq = store_int(rows, 0);
    due->event.account = column(round, rows, 1);
    due->event.region = column(round, rows, 2);
    due->event.bus = column(round, rows, 3);
    due->event.hops = (unsigned)store_int(rows, 4);
    due->event.text = column(round, rows, text);
    due->event.parsed = json_read(due->event.text, strlen(due->event.text), NULL);
}

static void read_events(struct event_round *round, struct store_session *reader, int64_t now)
{
    struct store_rows rows;
    store_query(reader, &rows,
                "SELECT seq, account, region, bus, hops, read_only, event FROM trail_outbox"
                " WHERE due_ms <= $1 ORDER BY due_ms, seq LIMIT $2",
                "ii", now, (int64_t)ROUND_MAX);
    while (store_next(&rows)) {
        struct due *due = add(round, DUE_EVENT);
        take_event(round, &rows, due, 6);
        due->event.read_only = store_int(&rows, 5) != 0;
        due->first_ms = now;
    }
    store_end(&rows);
    for (struct due *due = round->first; due; due = due->next)
        match_rules(round, reader, due);
}

static void read_retries(struct event_round *round, struct store_session *reader, int64_t now)
{
    struct store_rows rows;
    store_query(reader, &rows,
                "SELECT seq, account, region, bus, hops, rule, target, attempts, first_ms, event"
                " FROM trail_delivery WHERE due_ms <= $1 ORDER BY due_ms, seq LIMIT $2",
                "ii", now, (int64_t)ROUND_MAX);
    while (store_next(&rows)) {
        struct due *due = add(round, DUE_RETRY);
        take_event(round, &rows, due, 9);
        due->attempts = store_int(&rows, 7);
        due->first_ms = store_int(&rows, 8);
        /* A rule or a target that is gone meanwhile takes its deliveries along. */
        const struct event_rule *rule =
            event_rule_named(rules_for(round, reader, due), column(round, &rows, 5));
        const struct event_rule_target *target = event_rule_target(rule, column(round, &rows, 6));
        if (target)
            add_match(round, due, rule, target);
    }
    store_end(&rows);
}

static char *scheduled_event(struct event_round *round, const struct due *due, const char *rule_arn)
{
    char id[RANDOM_UUID_SIZE], time[CLOCK_TEXT_SIZE];
    random_uuid(round->local->random, id);
    clock_format_iso(due->due_ms, time);
    return arena_printf(&round->arena,
                        "{\"version\":\"0\",\"id\":\"%s\",\"detail-type\":\"Scheduled Event\","
                        "\"source\":\"aws.events\",\"account\":\"%s\",\"time\":\"%s\","
                        "\"region\":\"%s\",\"resources\":[\"%s\"],\"detail\":{}}",
                        id, due->event.account, time, due->event.region, rule_arn);
}

/* Times that passed while the server was down are made up for by one event. */
static int64_t fires_again(const char *text, int64_t due_ms, int64_t now)
{
    struct event_schedule schedule;
    if (event_schedule_parse(text, &schedule) != 0)
        return -1;
    if (schedule.rate_ms)
        return due_ms + ((now - due_ms) / schedule.rate_ms + 1) * schedule.rate_ms;
    return event_schedule_next(&schedule, now);
}

static void read_schedules(struct event_round *round, struct store_session *reader, int64_t now)
{
    struct store_rows rows;
    store_query(reader, &rows,
                "SELECT s.account, s.region, s.rule, s.due_ms, r.schedule FROM trail_schedule s"
                " JOIN events_rule r ON r.account = s.account AND r.region = s.region"
                " AND r.bus = 'default' AND r.name = s.rule"
                " WHERE s.due_ms <= $1 ORDER BY s.due_ms LIMIT $2",
                "ii", now, (int64_t)ROUND_MAX);
    while (store_next(&rows)) {
        struct due *due = add(round, DUE_SCHEDULE);
        due->event.account = column(round, &rows, 0);
        due->event.region = column(round, &rows, 1);
        due->event.bus = "default";
        due->rule = column(round, &rows, 2);
        due->due_ms = store_int(&rows, 3);
        due->first_ms = now;
        due->again_ms = fires_again(column(round, &rows, 4), due->due_ms, now);
        const struct event_rule *rule = event_rule_named(rules_for(round, reader, due), due->rule);
        if (!rule)
            continue;
        due->event.text = scheduled_event(round, due, rule->arn);
        due->event.parsed = json_read(due->event.text, strlen(due->event.text), NULL);
        match_all_targets(round, due, rule);
    }
    store_end(&rows);
}

static int64_t next_due(struct store_session *reader)
{
    struct store_rows rows;
    int64_t next = INT64_MAX;
    store_query(reader, &rows,
                "SELECT min(due_ms) FROM trail_outbox UNION ALL"
                " SELECT min(due_ms) FROM trail_delivery UNION ALL"
                " SELECT min(due_ms) FROM trail_schedule",
                "");
    while (store_next(&rows))
        if (!store_null(&rows, 0) && store_int(&rows, 0) < next)
            next = store_int(&rows, 0);
    store_end(&rows);
    return next;
}

size_t event_round_read(struct event_round *round, struct store_session *reader, uint64_t version,
                        int64_t *next_ms)
{
    int64_t now = now_ms(round);
    clear(round);
    event_rules_at(round->rules, version);
    read_events(round, reader, now);
    read_retries(round, reader, now);
    read_schedules(round, reader, now);
    *next_ms = round->count ? now : next_due(reader);
    return round->count;
}

/* --- doing ------------------------------------------------------------------------------------ */

/* Taken out of the store; false: somebody did so before (a reset), and its number may stand for
 * another event since. */
static bool take_out(struct store_session *store, const struct due *due)
{
    const struct event_on_bus *event = &due->event;
    if (due->kind == DUE_EVENT)
        return store_run(store, "DELETE FROM trail_outbox WHERE seq = $1 AND event = $2", "it",
                         due->seq, event->text) == 1;
    if (due->kind == DUE_RETRY)
        return store_run(store, "DELETE FROM trail_delivery WHERE seq = $1 AND event = $2", "it",
                         due->seq, event->text) == 1;
    if (due->again_ms < 0)
        return store_run(store,
                         "DELETE FROM trail_schedule WHERE account = $1 AND region = $2"
                         " AND rule = $3 AND due_ms = $4",
                         "ttti", event->account, event->region, due->rule, due->due_ms) == 1;
    return store_run(store,
                     "UPDATE trail_schedule SET due_ms = $5 WHERE account = $1 AND region = $2"
                     " AND rule = $3 AND due_ms = $4",
                     "tttii", event->account, event->region, due->rule, due->due_ms,
                     due->again_ms) == 1;
}

/* What giving it an event is called. */
static const char *operation_of(struct text service)
{
    return text_is(service, "sqs")      ? "SendMessage"
           : text_is(service, "lambda") ? "Invoke"
           : text_is(service, "logs")   ? "PutLogEvents"
                                        : "PutEvents";
}

/* A rehearsed fault of the target's service keeps the event from it for now. */
static bool is_down(struct event_round *round, struct event_delivery *delivery)
{
    const struct arn *arn = &delivery->target->parts;
    struct arena *arena = delivery->arena;
    if (!round->faults)
        return false;
    const struct fault_call call = {arena_strndup(arena, arn->service.data, arn->service.len),
                                    operation_of(arn->service),
                                    arena_strndup(arena, arn->region.data, arn->region.len),
                                    arena_strndup(arena, arn->account.data, arn->account.len)};
    const struct fault *fault = faults_next(round->faults, arena, &call);
    if (!fault || fault->effect == FAULT_NONE)
        return false;
    delivery->code = fault->effect == FAULT_THROTTLE ? "THROTTLING" : "TIMEOUT";
    delivery->message = "The target did not take the event.";
    return true;
}

static enum event_outcome try_once(struct event_round *round, struct event_delivery *delivery,
                                   struct buf *body)
{
    const struct event_origin origin = {delivery->rule->arn, delivery->rule->name, now_ms(round)};
    if (!delivery->target->parts.service.len) {
        delivery->code = "NO_RESOURCE";
        delivery->message = "The target does not exist.";
        return EVENT_REFUSED;
    }
    if (event_input_write(delivery->target->definition, delivery->event->parsed,
                          delivery->event->text, &origin, body) != 0 ||
        body->overflow) {
        delivery->code = "INVALID_JSON";
        delivery->message = "The input transformer does not give JSON with this event.";
        return EVENT_REFUSED;
    }
    delivery->body = (struct text){buf_text(body), body->len};
    return is_down(round, delivery) ? EVENT_LATER : event_target_deliver(delivery);
}

/* Twice as long each time, with up to a quarter more at random. */
static int64_t pause_after(struct event_round *round, int64_t attempts)
{
    int64_t pause = attempts < 10 ? (int64_t)FIRST_PAUSE_MS << attempts : LONGEST_PAUSE_MS;
    if (pause > LONGEST_PAUSE_MS)
        pause = LONGEST_PAUSE_MS;
    return pause + (int64_t)random_below(round->local->random, (uint64_t)pause / 4 + 1);
}

static const char *exhausted(const struct event_rule_target *target, int64_t attempts,
                             int64_t age_ms)
{
    const json_t *policy = json_object_get(target->definition, "RetryPolicy");
    if (attempts >= json_int_or(policy, "MaximumRetryAttempts", ATTEMPTS_MAX))
        return "MaximumRetryAttempts";
    if (age_ms > json_int_or(policy, "MaximumEventAgeInSeconds", AGE_MAX_S) * 1000)
        return "MaximumEventAgeInSeconds";
    return NULL;
}

static void try_later(struct event_round *round, struct event_delivery *delivery,
                      const struct due *due, int64_t due_ms)
{
    const struct event_on_bus *event = &due->event;
    (void)round;
    store_run(delivery->store,
              "INSERT INTO trail_delivery (account, region, bus, hops, rule, target, attempts,"
              " first_ms, due_ms, event) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
              "tttittiiit", event->account, event->region, event->bus, (int64_t)event->hops,
              delivery->rule->name, delivery->target->id, due->attempts + 1, due->first_ms, due_ms,
              event->text);
}

static void deliver(struct event_round *round, struct store_session *store, const struct due *due,
                    const struct match *match)
{
    struct arena scratch;
    struct buf body;
    arena_init(&scratch);
    buf_init(&body, LARGEST_BODY);
    struct event_delivery delivery = {.local = round->local,
                                      .store = store,
                                      .arena = &scratch,
                                      .event = &due->event,
                                      .rule = match->rule,
                                      .target = match->target};
    enum event_outcome outcome = try_once(round, &delivery, &body);
    const char *end = NULL;
    if (outcome == EVENT_LATER) {
        int64_t due_ms = now_ms(round) + pause_after(round, due->attempts);
        end = exhausted(match->target, due->attempts, due_ms - due->first_ms);
        if (!end)
            try_later(round, &delivery, due, due_ms);
    }
    if ((outcome == EVENT_REFUSED || end) && !event_target_bury(&delivery, due->attempts, end))
        log_event(LOG_WARN, "an event was dropped", "rule", match->rule->arn, "target",
                  match->target->arn, "code", delivery.code, NULL);
    buf_done(&body);
    arena_done(&scratch);
}

bool event_round_write(void *arg, struct store_session *store)
{
    struct event_round *round = arg;
    for (const struct due *due = round->first; due && !store_failed(store); due = due->next) {
        if (!take_out(store, due) || !due->event.parsed)
            continue;
        for (const struct match *match = due->matches; match; match = match->next)
            deliver(round, store, due, match);
    }
    return !store_failed(store);
}
