/* What a run knows of earlier runs, and leaves to later ones: the engine's use of its state. */
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "client/client.h"
#include "engine/engine.h"
#include "engine/mapping.h"
#include "engine/two_way.h"

#include <string.h>

/* What tells a side from all others; NULL when its account is not known. */
static const char *side_identity(struct engine *engine, const struct side *side)
{
    struct aws_client *client =
        session_client(side->session, engine->kind->services[0], side->config->region, true, NULL);
    if (!*side->account || !client)
        return NULL;
    return arena_printf(&engine->arena, "%s %s %s", aws_client_endpoint(client), side->account,
                        side->config->region);
}

static void config_digest(struct engine *engine, char out[SHA256_HEX_SIZE])
{
    unsigned char key[STATE_KEY_SIZE], digest[SHA256_SIZE];
    struct json_writer w;
    struct buf text;
    buf_init(&text, CONFIG_FILE_LIMIT);
    json_writer_init(&w, &text);
    config_write(engine->config, &w);
    state_derive_key(engine->state, "configurations", key);
    digest_hmac_sha256(key, sizeof key, text.data, text.len, digest);
    digest_hex(digest, sizeof digest, out);
    explicit_bzero(key, sizeof key);
    buf_done(&text);
}

static void warn_of_state(struct engine *engine, const char *warning)
{
    if (*warning && !engine->state_warned)
        log_event(LOG_WARN, warning, NULL);
    engine->state_warned = engine->state_warned || *warning;
}

/* Never fails a run: what is not remembered is read. */
void recall_open(struct engine *engine, struct random *random)
{
    struct error problem = {0};
    random_bytes(random, engine->own_key, sizeof engine->own_key);
    run_id_make(engine->clock, random, engine->run_id);
    const char *folder = engine->options.state_folder;
    if (engine->options.state) {
        engine->state = engine->options.state;
        state_derive_key(engine->state, "marks", engine->mark_key);
        state_derive_key(engine->state, "digests", engine->digest_key);
        return;
    }
    if (!folder && !engine->options.stays)
        return;
    if (state_open(folder, engine->run_id, engine->clock, random, &engine->state, &problem) != 0) {
        warn_of_state(engine, problem.message);
        if (!engine->options.stays ||
            state_open(NULL, engine->run_id, engine->clock, random, &engine->state, &problem) != 0)
            return;
    }
    char digest[SHA256_HEX_SIZE];
    config_digest(engine, digest);
    state_run_begin(engine->state, engine->options.command, digest);
    state_derive_key(engine->state, "marks", engine->mark_key);
    warn_of_state(engine, state_warning(engine->state));
}

void recall_again(struct engine *engine)
{
    char digest[SHA256_HEX_SIZE];
    if (!undo_log_written(engine->undo))
        return;
    undo_log_free(engine->undo);
    run_id_make(engine->clock, engine->options.random ? engine->options.random : random_system(),
                engine->run_id);
    config_digest(engine, digest);
    state_run_again(engine->state, engine->run_id, engine->options.command, digest);
    engine->undo = undo_log_new(engine);
}

void recall_open_links(struct engine *engine)
{
    const char *source = side_identity(engine, &engine->sides[SIDE_SOURCE]);
    struct buf rules;
    buf_init(&rules, CONFIG_FILE_LIMIT);
    for (unsigned i = 1; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        const char *destination = side_identity(engine, side);
        /* Both directions of one pair remember together. */
        bool back = two_way_back(engine->config);
        if (source && destination)
            side->link = state_link(engine->state, engine->kind->name, back ? destination : source,
                                    back ? source : destination);
        buf_reset(&rules);
        mapping_value_rules(engine->config, side->config, &rules);
        side->value_rules = arena_strdup(&engine->arena, buf_text(&rules));
    }
    buf_done(&rules);
}

void recall_close(struct engine *engine)
{
    if (!engine->options.state) {
        state_run_end(engine->state, engine->outcome ? engine->outcome : "failed");
        warn_of_state(engine, state_warning(engine->state));
        state_close(engine->state);
    }
    explicit_bzero(engine->own_key, sizeof engine->own_key);
    explicit_bzero(engine->mark_key, sizeof engine->mark_key);
}

void engine_derive_key(const struct engine *engine, const char *purpose,
                       unsigned char out[STATE_KEY_SIZE])
{
    if (engine->state)
        state_derive_key(engine->state, purpose, out);
    else
        digest_hmac_sha256(engine->own_key, sizeof engine->own_key, purpose, strlen(purpose), out);
}

/* Of what turns the pair's value into the copy's, and of the copy's name. */
static void value_mark(struct engine *engine, unsigned destination, const char *copy_key,
                       unsigned char out[STATE_MARK_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    struct buf text;
    buf_init(&text, CONFIG_FILE_LIMIT);
    buf_printf(&text, "%s\n%s", copy_key, engine->sides[destination + 1].value_rules);
    digest_hmac_sha256(engine->mark_key, sizeof engine->mark_key, text.data, text.len, digest);
    memcpy(out, digest, STATE_MARK_SIZE);
    buf_done(&text);
}

/* A record seen from the other side. A write of ours leaves no exact time: 0, which fits nothing.
 */
static void turn(struct state_pair *pair)
{
    const struct state_pair was = *pair;
    pair->source_version = was.copy_version;
    pair->source_modified_ms = was.copy_earliest_ms == was.copy_latest_ms ? was.copy_latest_ms : 0;
    pair->copy_version = was.source_version;
    pair->copy_earliest_ms = pair->copy_latest_ms = was.source_modified_ms;
}

/* Each direction has another copy, with a value and versions of its own. */
static int64_t way_of(const struct engine *engine, unsigned destination)
{
    int64_t link = engine->sides[destination + 1].link;
    return two_way_back(engine->config) ? -link : link;
}

void engine_recall(struct engine *engine, unsigned destination, struct pair *pair)
{
    state_find(engine->state, engine->sides[destination + 1].link, pair->source.key, &pair->known);
    if (two_way_back(engine->config))
        turn(&pair->known.pair);
    if (two_way_is(engine->config))
        pair->known.over = state_over(engine->state, way_of(engine, destination), pair->source.key);
    /* The other direction may have ended what both count as one. */
    pair->known.unfinished = pair->known.unfinished || pair->known.over;
}

void engine_intend(struct engine *engine, unsigned destination, const struct pair *pair)
{
    state_intend(engine->state, engine->sides[destination + 1].link, pair->source.key);
    if (two_way_is(engine->config) && pair->exists && pair->have.version > 0)
        state_intend_over(engine->state, way_of(engine, destination), pair->source.key,
                          pair->have.version);
}

void engine_finish(struct engine *engine, unsigned destination, const char *key)
{
    state_finish(engine->state, engine->sides[destination + 1].link, key);
    if (two_way_is(engine->config))
        state_finish_over(engine->state, way_of(engine, destination), key);
}

/* Is the copy as it was when it was last known? A service that tells no version or time is not
 * taken at its word. */
static bool copy_stands(const struct pair *pair)
{
    const struct resource *have = &pair->have;
    const struct state_pair *then = &pair->known.pair;
    return pair->known.recorded && !pair->known.unfinished && pair->exists && have->version > 0 &&
           have->modified_ms > 0 && have->version == then->copy_version &&
           have->modified_ms >= then->copy_earliest_ms && have->modified_ms <= then->copy_latest_ms;
}

/* Are both sides still as they were when their values were equal? */
bool engine_value_known(struct engine *engine, unsigned destination, const struct pair *pair)
{
    const struct state_pair *then = &pair->known.pair;
    const struct resource *source = &pair->source;
    unsigned char mark[STATE_MARK_SIZE];
    if (engine->options.deep || !copy_stands(pair) || source->version <= 0 ||
        source->modified_ms <= 0 || source->version != then->source_version ||
        source->modified_ms != then->source_modified_ms)
        return false;
    value_mark(engine, destination, pair->have.key, mark);
    return digest_equal(mark, then->mark, sizeof mark);
}

void engine_keep(struct engine *engine, unsigned destination, const struct pair *pair,
                 const struct wrote *wrote)
{
    struct state_pair now = {
        .key = pair->source.key,
        .source_version = pair->source.version,
        .source_modified_ms = pair->source.modified_ms,
        .copy_version = wrote ? wrote->version : pair->have.version,
        .copy_earliest_ms = wrote ? wrote->earliest_ms : pair->have.modified_ms,
        .copy_latest_ms = wrote ? wrote->latest_ms : pair->have.modified_ms,
    };
    if (!engine->state)
        return;
    int64_t link = engine->sides[destination + 1].link;
    value_mark(engine, destination, wrote ? wrote->key : pair->have.key, now.mark);
    int64_t copy_version = now.copy_version;
    if (two_way_back(engine->config))
        turn(&now);
    state_keep(engine->state, link, &now, wrote != NULL);
    const unsigned char *digest = wrote ? wrote->digest : pair->aim ? pair->aim->digest : NULL;
    if (engine->options.stays && digest)
        state_keep_digest(engine->state, way_of(engine, destination), now.key, copy_version,
                          digest);
}

bool engine_copy_digest(struct engine *engine, unsigned destination, const struct pair *pair,
                        unsigned char out[32])
{
    return engine->options.stays && !engine->options.deep && copy_stands(pair) &&
           state_digest(engine->state, way_of(engine, destination), pair->source.key,
                        pair->have.version, out);
}
