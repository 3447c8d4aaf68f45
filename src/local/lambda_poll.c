#include "local/lambda_poll.h"

#include "aws/arn.h"
#include "base/json.h"
#include "base/log.h"
#include "local/doorbell.h"
#include "local/lambda_function.h"
#include "local/lambda_poll_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CONCURRENCY = 5, /* of batches; five more each second while there is work */
    GROWTH_PER_S = 5,
    MOST_CONCURRENCY = 1000,
    RECEIVE_AT_ONCE = 100,
    TROUBLE_PAUSE_MS = 1000,
    LASTING_PAUSE_MS = 20 * 1000,
};

struct lambda_polls *lambda_polls_new(struct local *local, struct writer *writer,
                                      struct faults *faults, void (*wake)(void *arg), void *arg)
{
    struct lambda_polls *polls = memory_alloc(sizeof *polls);
    polls->local = local;
    polls->writer = writer;
    polls->faults = faults;
    polls->wake = wake;
    polls->arg = arg;
    return polls;
}

void lambda_polls_stop(struct lambda_polls *polls)
{
    atomic_store(&polls->stopped, true);
}

static void poller_free(struct poller *poller)
{
    for (struct batch *next, *batch = poller->batches; batch; batch = next) {
        next = batch->next;
        batch_free(batch);
    }
    json_decref(poller->receive.records);
    role_session_done(&poller->session);
    arena_done(&poller->arena);
    free(poller->uuid);
    free(poller);
}

void lambda_polls_free(struct lambda_polls *polls)
{
    if (!polls)
        return;
    for (struct poller *next, *poller = polls->pollers; poller; poller = next) {
        next = poller->next;
        poller_free(poller);
    }
    free(polls);
}

bool lambda_polls_want(struct lambda_polls *polls, bool rung)
{
    return (rung && atomic_load(&polls->listening)) ||
           atomic_load(&polls->local->version) != atomic_load(&polls->looked_at);
}

/* --- mappings --------------------------------------------------------------------------------- */

static struct poller *poller_of(struct lambda_polls *polls, const char *uuid)
{
    struct poller *poller = polls->pollers;
    while (poller && strcmp(poller->uuid, uuid) != 0)
        poller = poller->next;
    if (poller)
        return poller;
    poller = memory_alloc(sizeof *poller);
    arena_init(&poller->arena);
    poller->polls = polls;
    poller->uuid = memory_strdup(uuid);
    poller->next = polls->pollers;
    polls->pollers = poller;
    return poller;
}

/* What a filter cannot be was refused when it was made. */
static void read_filters(struct poller *poller, const char *text)
{
    json_t *list = text ? json_read(text, strlen(text), NULL) : NULL;
    size_t count = json_array_size(list);
    poller->filters = arena_calloc(&poller->arena, count + 1, sizeof(struct event_pattern *));
    poller->filter_count = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *pattern = json_array_get(list, i);
        const char *why;
        const struct event_pattern *parsed =
            event_pattern_parse(&poller->arena, json_string_value(pattern),
                                json_string_length(pattern), &why);
        if (parsed)
            poller->filters[poller->filter_count++] = parsed;
    }
    json_decref(list);
}

static const char *part(struct arena *arena, struct text text)
{
    return arena_strndup(arena, text.data, text.len);
}

static void read_source(struct poller *poller, struct store_session *reader,
                        const struct lambda_mapping *mapping)
{
    struct lambda_polls *polls = poller->polls;
    struct arena *arena = &poller->arena;
    struct lambda_function function = {0};
    struct arn arn;
    poller->source =
        (struct poll_source){.account = arena_strdup(arena, mapping->account),
                             .region = arena_strdup(arena, mapping->region),
                             .queue_arn = arena_strdup(arena, mapping->source_arn),
                             .function_arn = arena_strdup(arena, mapping->function_arn),
                             .reports_failures = mapping->reports_failures};
    poller->may_read = false;
    if (arn_parse(poller->source.queue_arn, strlen(poller->source.queue_arn), &arn) != 0 ||
        lambda_function_find(polls->local, reader, arena, mapping->account, mapping->region,
                             mapping->function_arn, NULL, &function) != 0)
        return;
    poller->source.queue_url = arena_printf(arena, "http://localhost/%s/%s",
                                            part(arena, arn.account), part(arena, arn.resource));
    poller->source.function_name = function.name;
    poller->source.role_arn = arena_strdup(arena, function.role_arn);
    poller->may_read =
        role_session_open(polls->local, reader, arena, function.role_arn, "lambda.amazonaws.com",
                          function.name, &poller->session) == 0;
    lambda_function_done(&function);
}

struct reading {
    struct lambda_polls *polls;
    struct store_session *reader;
};

/* What is under way was begun with what was read before, so that stays until it is back. */
static bool read_mapping(void *arg, const struct lambda_mapping *mapping)
{
    const struct reading *reading = arg;
    struct poller *poller = poller_of(reading->polls, mapping->uuid);
    poller->seen = true;
    poller->enabled = mapping->enabled;
    if (poller->receive.active) {
        reading->polls->read = false;
        return true;
    }
    role_session_done(&poller->session);
    arena_reset(&poller->arena);
    read_source(poller, reading->reader, mapping);
    read_filters(poller, mapping->filters);
    poller->fifo = lambda_mapping_is_fifo(mapping->source_arn);
    poller->batch_size = (size_t)mapping->batch_size;
    poller->window_ms = mapping->window_s * 1000;
    poller->concurrency = (unsigned)mapping->concurrency;
    poller->look = true;
    return true;
}

static void read_mappings(struct lambda_polls *polls, struct store_session *reader,
                          uint64_t version)
{
    if (polls->read && polls->version == version)
        return;
    struct arena scratch;
    struct reading reading = {polls, reader};
    arena_init(&scratch);
    for (struct poller *at = polls->pollers; at; at = at->next)
        at->seen = false;
    polls->read = true;
    polls->version = version;
    atomic_store(&polls->looked_at, version);
    lambda_mapping_each(reader, &scratch, NULL, NULL, "", read_mapping, &reading);
    arena_done(&scratch);
    unsigned listening = 0;
    for (struct poller *at = polls->pollers; at; at = at->next) {
        at->enabled &= at->seen;
        listening += at->enabled;
    }
    atomic_store(&polls->listening, listening);
}

/* --- looking ---------------------------------------------------------------------------------- */

static unsigned concurrency(struct poller *poller)
{
    int64_t now_ms = polls_now_ms(poller->polls);
    if (poller->concurrency)
        return poller->concurrency;
    if (!poller->busy_since_ms)
        return FIRST_CONCURRENCY;
    int64_t grown = FIRST_CONCURRENCY + (now_ms - poller->busy_since_ms) / 1000 * GROWTH_PER_S;
    return grown < MOST_CONCURRENCY ? (unsigned)(grown > 0 ? grown : 1) : MOST_CONCURRENCY;
}

static void tell_trouble(struct poller *poller, const char *trouble)
{
    if (trouble && trouble != poller->trouble)
        log_event(LOG_WARN, "an event source mapping does not work", "mapping", poller->uuid,
                  "queue", poller->source.queue_arn, "cause", trouble, NULL);
    poller->trouble = trouble;
    bool lasts = trouble == poll_no_queue || trouble == poll_denied;
    if (trouble)
        poller->again_ms =
            polls_now_ms(poller->polls) + (lasts ? LASTING_PAUSE_MS : TROUBLE_PAUSE_MS);
}

/* How many messages it may take now; 0: none, until a batch ends. */
static size_t room(const struct poller *poller, unsigned most)
{
    unsigned taken = 0;
    size_t collected = 0;
    bool collects = false;
    for (const struct batch *at = poller->batches; at; at = at->next) {
        if (at->state == BATCH_READY && at->refused)
            return 0; /* throttled: what is here first */
        if (at->state == BATCH_COLLECTS) {
            collects = true;
            collected = json_array_size(at->ids);
        } else {
            taken++;
        }
    }
    if (taken >= most)
        return 0;
    size_t batches = poller->fifo || poller->window_ms ? 1 : most - taken;
    size_t messages = batches * poller->batch_size - (collects ? collected : 0);
    size_t limit = poller->batch_size > RECEIVE_AT_ONCE ? poller->batch_size : RECEIVE_AT_ONCE;
    return messages < limit ? messages : limit;
}

static void look(struct poller *poller, struct store_session *reader, uint64_t commits, size_t want)
{
    struct lambda_polls *polls = poller->polls;
    struct local_wait wait;
    const char *trouble;
    enum local_result result = poll_look(poller, reader, &wait, &trouble);
    poller->look = false;
    if (result == LOCAL_WAITS) {
        poller->bell = wait.bell;
        poller->heard = wait.heard;
    }
    poller->again_ms = result == LOCAL_WAITS ? wait.again_at_ms : 0;
    tell_trouble(poller, trouble);
    if (result == LOCAL_AS_WRITE)
        poll_receive(poller, want);
    else if (result == LOCAL_WAITS && writer_commits(polls->writer) != commits)
        poller->look = true; /* the snapshot may be older than the bell's last ring */
}

static bool should_look(const struct poller *poller, int64_t now_ms)
{
    return poller->look || (poller->again_ms && poller->again_ms <= now_ms) ||
           (!poller->trouble &&
            doorbell_heard(poller->polls->local->doorbell, poller->bell) != poller->heard);
}

/* --- a round ---------------------------------------------------------------------------------- */

static void take_received(struct poller *poller)
{
    struct receive *receive = &poller->receive;
    if (!receive->active || !atomic_load(&receive->finished))
        return;
    receive->active = false;
    if (poller->enabled)
        batches_fill(poller, receive->records, receive->visible_ms);
    json_array_clear(receive->records);
    tell_trouble(poller, receive->trouble);
    poller->look = receive->came > 0; /* there may be more */
}

void lambda_polls_reap(struct lambda_polls *polls)
{
    for (struct poller **at = &polls->pollers, *poller; (poller = *at);) {
        take_received(poller);
        batches_reap(poller);
        if (!poller->enabled)
            batches_drop_waiting(poller);
        if (poller->seen || poller->batches || poller->receive.active) {
            at = &poller->next;
            continue;
        }
        *at = poller->next;
        poller_free(poller);
    }
}

static int64_t serve(struct poller *poller, struct store_session *reader, uint64_t commits)
{
    int64_t now_ms = polls_now_ms(poller->polls);
    unsigned most = concurrency(poller);
    int64_t next_ms = batches_serve(poller, reader, most);
    if (!poller->enabled || !poller->may_read || poller->receive.active)
        return next_ms;
    size_t want = room(poller, most);
    if (want && should_look(poller, now_ms))
        look(poller, reader, commits, want);
    if (!poller->batches)
        poller->busy_since_ms = 0;
    else if (!poller->busy_since_ms)
        poller->busy_since_ms = now_ms;
    if (want && poller->look)
        return now_ms;
    return want && poller->again_ms && poller->again_ms < next_ms ? poller->again_ms : next_ms;
}

int64_t lambda_polls_round(struct lambda_polls *polls, struct store_session *reader,
                           uint64_t version, uint64_t commits)
{
    int64_t next_ms = INT64_MAX;
    read_mappings(polls, reader, version);
    for (struct poller *at = polls->pollers; at; at = at->next) {
        int64_t one_ms = serve(at, reader, commits);
        next_ms = one_ms < next_ms ? one_ms : next_ms;
    }
    return next_ms;
}
