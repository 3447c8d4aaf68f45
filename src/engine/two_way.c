#include "engine/two_way.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "engine/edits.h"
#include "engine/ownership.h"
#include "engine/scope.h"

#include <string.h>

static const char out_word[] = "out", back_word[] = "back";

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

bool two_way_back(const struct config *config)
{
    return is(config->two_way, back_word);
}

bool two_way_is(const struct config *config)
{
    return is(config->two_way, out_word) || two_way_back(config);
}

/* --- the configuration ------------------------------------------------------------------------ */
static int check_keys(const struct config_side *side, struct error *err)
{
    for (size_t i = 0; i < side->key_count; i++) {
        if (strcmp(side->keys[i].source, "*") == 0)
            return error_set(err, ERR_INVALID,
                             "two_way: name each key in `keys` of %s: what \"*\" stands for cannot "
                             "be told on the way back",
                             side->region);
        for (size_t j = 0; j < i; j++)
            if (strcmp(side->keys[i].destination, side->keys[j].destination) == 0)
                return error_set(err, ERR_INVALID,
                                 "two_way: two keys become %s in %s: on the way back nobody could "
                                 "tell which it was",
                                 side->keys[i].destination, side->region);
    }
    return 0;
}

static int check_owners(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->owner_count; i++)
        if (strcmp(config->owners[i].destination, config->source.region) != 0 &&
            strcmp(config->owners[i].destination, config->destinations[0].region) != 0)
            return error_set(err, ERR_INVALID, "owners: %s of '%s' is neither %s nor %s",
                             config->owners[i].destination, config->owners[i].source,
                             config->source.region, config->destinations[0].region);
    return 0;
}

int two_way_check(const struct config *config, struct error *err)
{
    const struct {
        const char *key;
        bool given;
    } refused[] = {
        {"rename", config->rename_count > 0},
        {"rewrite", config->rewrite_count > 0},
        {"labels", is(config->labels, "true")},
        {"history", config->history && strcmp(config->history, "1") != 0},
        {"on_edit", config->on_edit && strcmp(config->on_edit, "overwrite") != 0},
        {"ownership: none", is(config->ownership, "none")},
        {"deletes: all", is(config->deletes, "all")},
        {"type", config->type && strcmp(config->type, "source") != 0},
        {"tier", config->tier && strcmp(config->tier, "source") != 0},
    };
    if (config->two_way && !is(config->two_way, "true") && !is(config->two_way, "false") &&
        !two_way_is(config))
        return error_set(err, ERR_INVALID, "two_way: '%s' is not true or false", config->two_way);
    if (!config->two_way || is(config->two_way, "false")) {
        if (config->owner_count || config->writer_count)
            return error_set(err, ERR_INVALID, "%s is for `two_way: true` only",
                             config->owner_count ? "owners" : "writers");
        return 0;
    }
    if (config->destination_count != 1)
        return error_set(err, ERR_INVALID,
                         "two_way: it is between two sides, and there are %zu destinations: give "
                         "each further Region a replication of its own, one way",
                         config->destination_count);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].given)
            return error_set(err, ERR_INVALID, "two_way: `%s` has no meaning on the way back",
                             refused[i].key);
    const struct config_side *side = &config->destinations[0];
    if (side->rewrite_count || (side->tier && strcmp(side->tier, "source") != 0))
        return error_set(err, ERR_INVALID, "two_way: `%s` has no meaning on the way back",
                         side->rewrite_count ? "rewrite" : "tier");
    for (size_t i = 0; i < config->writer_count; i++)
        if (!arn_is(config->writers[i]))
            return error_set(err, ERR_INVALID, "writers: '%s' is not an ARN", config->writers[i]);
    return check_keys(side, err) != 0 ? -1 : check_owners(config, err);
}

static void turn(struct arena *arena, const struct config *config, struct config *out)
{
    const struct config_side *there = &config->destinations[0];
    struct config_side *side = arena_calloc(arena, 1, sizeof *side);
    struct config_key *keys = arena_calloc(arena, there->key_count + 1, sizeof *keys);
    for (size_t i = 0; i < there->key_count; i++)
        keys[i] = (struct config_key){there->keys[i].destination, there->keys[i].source};
    *out = *config;
    out->source = *there;
    out->source.keys = NULL;
    out->source.key_count = 0;
    *side = config->source;
    side->keys = keys;
    side->key_count = there->key_count;
    out->destinations = side;
    out->two_way = back_word;
    out->name = config->name ? arena_printf(arena, "%s (back)", config->name) : NULL;
}

void two_way_expand(struct arena *arena, struct config_set *set)
{
    struct config *items = arena_calloc(arena, 2 * set->count + 1, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct config *config = &items[count++];
        *config = set->items[i];
        if (!is(config->two_way, "true"))
            continue;
        config->two_way = out_word;
        turn(arena, config, &items[count++]);
    }
    if (count == set->count)
        return;
    set->items = items;
    set->count = count;
}

/* --- the rule --------------------------------------------------------------------------------- */
/* "arn:aws:iam::1:role/path/name" is "arn:aws:sts::1:assumed-role/name/SESSION" when it acts. */
static bool acts_as(const char *writer, const char *principal)
{
    struct arn role, session;
    if (edit_same_principal(writer, principal))
        return true;
    if (arn_parse(writer, strlen(writer), &role) != 0 ||
        arn_parse(principal, strlen(principal), &session) != 0 ||
        role.account.len != session.account.len ||
        memcmp(role.account.data, session.account.data, role.account.len) != 0)
        return false;
    const char *name = strrchr(writer, '/'), *assumed = strstr(principal, ":assumed-role/");
    if (!name || !assumed)
        return false;
    assumed += strlen(":assumed-role");
    size_t len = strlen(name);
    return strncmp(name, assumed, len) == 0 && (assumed[len] == '/' || !assumed[len]);
}

/* The time of an edit that was put back; -1: it was not. */
static int64_t put_back_ms(const struct resource *resource)
{
    const char *text = tag_value(resource->tags, resource->tag_count, EDIT_TAG);
    const char *space = text ? strchr(text, ' ') : NULL;
    int64_t version, time_ms;
    if (!space || text_to_int64(text, (size_t)(space - text), &version) != 0 ||
        text_to_int64(space + 1, strlen(space + 1), &time_ms) != 0)
        return -1;
    return version == resource->version ? time_ms : -1;
}

int64_t two_way_edit_ms(const struct resource *resource)
{
    int64_t time_ms = put_back_ms(resource);
    return time_ms >= 0 ? time_ms : resource->modified_ms;
}

bool two_way_ours(const struct engine *engine, unsigned side, const struct resource *resource)
{
    if (put_back_ms(resource) >= 0)
        return false;
    const char *by = resource->modified_by, *self = engine->sides[side].caller;
    if (!by || !*by)
        return false;
    if (self && *self && edit_same_principal(by, self))
        return true;
    for (size_t i = 0; i < engine->config->writer_count; i++)
        if (acts_as(engine->config->writers[i], by))
            return true;
    return false;
}

static bool tags_known(struct engine *engine, unsigned destination, const char *key,
                       const struct resource *resource, bool keep)
{
    unsigned char digest[SHA256_SIZE], known[SHA256_SIZE];
    struct tag *tags;
    struct buf text;
    struct arena scratch;
    size_t count = 0;
    int64_t link = engine->sides[destination + 1].link;
    arena_init(&scratch);
    buf_init(&text, 64 * 1024);
    tags = arena_calloc(&scratch, resource->tag_count + 1, sizeof *tags);
    for (size_t i = 0; i < resource->tag_count; i++)
        if (!tag_is_ours(resource->tags[i].key))
            tags[count++] = resource->tags[i];
    tags_write(tags, count, &text);
    digest_hmac_sha256(engine->mark_key, sizeof engine->mark_key, text.data, text.len, digest);
    /* Under a name that no parameter has, and no version. */
    const char *place = arena_printf(&scratch, "tags of %s", key);
    bool same = state_digest(engine->state, link, place, 0, known) &&
                digest_equal(digest, known, sizeof digest);
    if (keep && !same)
        state_keep_digest(engine->state, link, place, 0, digest);
    buf_done(&text);
    arena_done(&scratch);
    return same;
}

void two_way_keep_tags(struct engine *engine, unsigned destination, const struct pair *pair)
{
    if (two_way_is(engine->config) && engine->options.stays)
        tags_known(engine, destination, pair->source.key, &pair->source, true);
}

static const char *owner_of(const struct config *config, const char *key)
{
    for (size_t i = 0; i < config->owner_count; i++)
        if (scope_matches(config->owners[i].source, key))
            return config->owners[i].destination;
    return NULL;
}

/* Is the engine's source the one to be followed? `both`: both changed, as far as is known. */
static bool source_wins(struct engine *engine, unsigned destination, const struct pair *pair,
                        const struct diff *diff, bool *both)
{
    const struct resource *source = &pair->source, *have = &pair->have;
    const struct state_known *known = &pair->known;
    bool first = !two_way_back(engine->config); /* is it the file's source? */
    const char *owner = owner_of(engine->config, source->key);
    *both = false;
    if (owner)
        return strcmp(owner, engine->config->source.region) == 0;
    if (diff_only_tags(diff)) {
        bool source_same = tags_known(engine, destination, source->key, source, false);
        bool copy_same = tags_known(engine, destination, source->key, have, false);
        return source_same == copy_same ? first : copy_same;
    }
    if (known->recorded) {
        bool source_moved = source->version != known->pair.source_version;
        bool copy_moved = have->version != known->pair.copy_version;
        if (source_moved != copy_moved)
            return source_moved;
        if (!source_moved)
            return first; /* what differs is asked for by a new configuration */
    }
    bool source_ours = two_way_ours(engine, SIDE_SOURCE, source);
    bool copy_ours = two_way_ours(engine, destination + 1, have);
    if (source_ours != copy_ours)
        return copy_ours;
    *both = known->recorded;
    int64_t source_ms = two_way_edit_ms(source), copy_ms = two_way_edit_ms(have);
    return source_ms == copy_ms ? first : source_ms > copy_ms;
}

bool two_way_edit_wins(const struct engine *engine, const struct pair *pair,
                       const struct resource *edit)
{
    const char *owner = owner_of(engine->config, pair->source.key);
    if (owner)
        return strcmp(owner, engine->config->source.region) != 0;
    /* What understudy wrote at the source is older than any edit of the copy. */
    if (two_way_ours(engine, SIDE_SOURCE, &pair->source))
        return true;
    int64_t edit_ms = two_way_edit_ms(edit), source_ms = two_way_edit_ms(&pair->source);
    return edit_ms == source_ms ? two_way_back(engine->config) : edit_ms > source_ms;
}

static const char *when(struct arena *arena, int64_t time_ms)
{
    char text[CLOCK_TEXT_SIZE] = "an unknown day";
    if (time_ms > 0)
        clock_format_iso_ms(time_ms, text);
    return arena_strdup(arena, text);
}

const char *two_way_yields(struct engine *engine, struct arena *arena, unsigned destination,
                           const struct pair *pair, const struct diff *diff, const char **note)
{
    const struct resource *have = &pair->have;
    const char *there = engine->sides[destination + 1].config->region;
    const char *owner = owner_of(engine->config, pair->source.key);
    bool both;
    *note = NULL;
    if (!two_way_is(engine->config))
        return NULL;
    if (!source_wins(engine, destination, pair, diff, &both))
        return arena_printf(arena, "%s of %s", owner ? "to be as its owner's" : "to be as that",
                            there);
    if (!diff_only_tags(diff) && !two_way_ours(engine, destination + 1, have))
        *note = arena_printf(arena, "%sversion %lld of %s, written %s by %s, stays in its history",
                             owner  ? "not its owner's: "
                             : both ? "both were edited: "
                                    : "",
                             (long long)have->version, there, when(arena, have->modified_ms),
                             have->modified_by ? have->modified_by : "somebody");
    return NULL;
}

const char *two_way_gone(const struct engine *engine, struct arena *arena, unsigned destination,
                         const struct resource *source)
{
    const struct side *there = &engine->sides[destination + 1];
    if (!two_way_is(engine->config) || !*there->account)
        return NULL;
    const char *owner = arena_printf(arena, "%s/%s", there->account, there->config->region);
    if (!ownership_holds(source, owner))
        return NULL;
    return arena_printf(arena, "a copy of %s's, where it was deleted", there->config->region);
}

const char *two_way_edited(struct engine *engine, struct arena *arena, unsigned destination,
                           const struct resource *copy)
{
    struct pair pair = {.source = *copy, .have = *copy, .exists = true};
    if (!two_way_is(engine->config))
        return NULL;
    engine_recall(engine, destination, &pair);
    if (pair.known.recorded ? pair.known.pair.copy_version == copy->version
                            : two_way_ours(engine, destination + 1, copy))
        return NULL;
    return arena_printf(arena,
                        "not at the source, but written here on %s by %s: kept (delete it here "
                        "too, or write it there again)",
                        when(arena, copy->modified_ms),
                        copy->modified_by ? copy->modified_by : "somebody");
}
