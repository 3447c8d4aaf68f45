/* Listing: what is on all sides, by metadata and tags; side by side, and gone on with when a stop
 * came in between. */
#include "base/log.h"
#include "engine/engine.h"
#include "engine/focus.h"
#include "engine/mapping.h"

#include <stdlib.h>
#include <string.h>

/* --- listing ---------------------------------------------------------------------------------- */
struct listing {
    struct engine *engine;
    unsigned side;
    struct arena scratch; /* of the calls */
    struct arena row;     /* of one resource */
    struct resource_cursor cursor;
    struct error error;
    int result;
    bool done; /* well or not, but not for a stop */
};

/* A stop is no failure: it is gone on with. */
static void listing_ended(struct listing *listing, int result)
{
    listing->result = result;
    listing->done = result == 0 || listing->error.code != ERR_CANCELLED;
}

/* Would the names of keys have to be known? */
static void note_keys(struct engine *engine, unsigned side, const struct resource *resource)
{
    const struct resource_kind *kind = engine->kind;
    for (size_t i = 0; i < kind->slot_count && kind->list_keys; i++) {
        const char *key = resource->fields[i];
        if (kind->fields[i].rule != FIELD_KEY || !key || mapping_same_key(key, kind->default_key))
            continue;
        if (mapping_needs_names(engine->config, side, key))
            engine->sides[side].keys_wanted = true;
    }
}

static int keep_key(const char *alias, const char *id, void *arg, struct error *err)
{
    struct listing *listing = arg;
    (void)err;
    struct side *side = &listing->engine->sides[listing->side];
    key_names_add(&side->keys, &side->keys_arena, alias, id);
    return 0;
}

/* For a few names, names of keys that were read lately do: they seldom change. */
static bool keys_fresh(const struct engine *engine, struct side *side)
{
    const int64_t fresh_ms = 5 * 60 * 1000;
    int64_t now_ms = engine->clock->monotonic_ms(engine->clock) + 1; /* a clock may begin at 0 */
    if (engine->focus && side->keys_read_ms && now_ms - side->keys_read_ms < fresh_ms)
        return true;
    side->keys_read_ms = now_ms;
    return false;
}

/* What may not be read is done without. */
static void list_keys(struct engine *engine)
{
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        struct listing listing = {.engine = engine, .side = i};
        if (!side->keys_wanted || side->failed || keys_fresh(engine, side))
            continue;
        arena_reset(&side->keys_arena);
        side->keys = (struct key_names){0};
        arena_init(&listing.scratch);
        struct resource_ctx ctx = engine_ctx(engine, i, true, &listing.scratch);
        if (engine->kind->list_keys(&ctx, keep_key, &listing, &listing.error) != 0) {
            side->keys.count = 0;
            log_event(LOG_DEBUG, "keys are compared by their names alone", "why",
                      listing.error.message, NULL);
        }
        arena_done(&listing.scratch);
    }
    engine->scope.source_keys = &engine->sides[SIDE_SOURCE].keys;
}

static int keep_resource(const struct resource *resource, void *arg, struct error *err)
{
    struct listing *listing = arg;
    struct engine *engine = listing->engine;
    note_keys(engine, listing->side, resource);
    if (listing->side != SIDE_SOURCE)
        return inventory_put(engine->inventory, listing->side, resource, NULL, err);
    if (engine->kind->reserved(resource->key)) {
        engine->reserved++;
        return 0;
    }
    if (engine->kind->maker && engine->kind->maker(resource->key) &&
        !scope_names_level(&engine->scope, resource->key)) {
        engine->made_by = engine->kind->maker(resource->key);
        engine->made++;
        return 0;
    }
    if (!scope_selects(&engine->scope, resource->key))
        return 0;
    const char *target =
        engine->kind->key_of(scope_target(&engine->scope, &listing->row, resource->name));
    int result = inventory_put(engine->inventory, listing->side, resource, target, err);
    arena_reset(&listing->row);
    return result;
}

static void list_job(void *arg, unsigned worker)
{
    (void)worker;
    struct listing *listing = arg;
    struct engine *engine = listing->engine;
    struct resource_ctx ctx = engine_ctx(engine, listing->side, true, &listing->scratch);
    struct arena memory;
    struct resource_filter filter;
    arena_init(&memory);
    ctx.cursor = &listing->cursor;
    if (engine->focus)
        focus_filter(engine->focus, &memory, listing->side != SIDE_SOURCE, &filter);
    else
        scope_filter(&engine->scope, &memory, listing->side != SIDE_SOURCE, &filter);
    listing_ended(listing,
                  engine->kind->list(&ctx, &filter, keep_resource, listing, &listing->error));
    arena_done(&memory);
    arena_done(&listing->row);
    arena_done(&listing->scratch);
}

static int keep_tags(const char *key, const struct tag *tags, size_t count, void *arg,
                     struct error *err)
{
    struct listing *listing = arg;
    return inventory_put_tags(listing->engine->inventory, listing->side, key, tags, count, err);
}

static void list_tags_job(void *arg, unsigned worker)
{
    (void)worker;
    struct listing *listing = arg;
    struct engine *engine = listing->engine;
    struct resource_ctx ctx = engine_ctx(engine, listing->side, true, &listing->scratch);
    ctx.cursor = &listing->cursor;
    listing_ended(listing, engine->kind->list_tags(&ctx, keep_tags, listing, &listing->error));
    arena_done(&listing->scratch);
}

/* May the tags be had in another way? Anything but our own file's failure. */
static void take_tag_listing(struct engine *engine, struct listing *listing)
{
    struct side *side = &engine->sides[listing->side];
    if (listing->result == 0)
        return;
    if (listing->error.code == ERR_IO) {
        engine_broken(engine, &listing->error);
        return;
    }
    side->tags_one_by_one = true;
    side->tags_error = listing->error;
}

/* The listings: of even number names and metadata, of odd number tags, two a side. */
static void run_listings(struct engine *engine)
{
    for (unsigned i = 0; i < 2 * engine->side_count; i++) {
        struct listing *listing = &engine->listings[i];
        /* Its credentials were refused; or tags are read name by name. */
        if (listing->done || (engine->sides[i / 2].failed && !listing->engine) ||
            (i % 2 && (engine->focus || !engine->kind->list_tags)))
            continue;
        listing->engine = engine;
        listing->side = i / 2;
        listing->error = (struct error){0};
        listing->cursor.at = 0;
        arena_init(&listing->scratch);
        arena_init(&listing->row);
        workers_run(engine->workers, i % 2 ? list_tags_job : list_job, listing);
    }
    workers_wait(engine->workers);
}

void plan_forget_listings(struct engine *engine)
{
    for (size_t i = 0; i < engine->listing_count; i++)
        free(engine->listings[i].cursor.token);
    engine->listings = NULL;
    engine->listing_count = 0;
}

static int list_sides(struct engine *engine, struct error *err)
{
    if (!engine->listings) {
        engine->listing_count = 2 * (size_t)engine->side_count;
        engine->listings =
            arena_calloc(&engine->pass, engine->listing_count, sizeof *engine->listings);
    }
    engine_phase(engine, "listing", 0);
    run_listings(engine);
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        struct listing *listing = &engine->listings[2 * i];
        if (!listing->done)
            continue;
        side->failed = listing->result != 0;
        side->error = listing->error;
        if (engine->listings[2 * i + 1].done)
            take_tag_listing(engine, &engine->listings[2 * i + 1]);
        if (side->failed && side->error.code == ERR_IO)
            engine_broken(engine, &side->error);
    }
    if (engine->broken) {
        *err = engine->error;
        return -1;
    }
    if (stop_wanted(engine->options.stop))
        return error_set(err, ERR_CANCELLED, "stopped while listing");
    list_keys(engine);
    if (stop_wanted(engine->options.stop))
        return error_set(err, ERR_CANCELLED, "stopped while listing keys");
    /* What selects by tags has to know the source's before all else. */
    if (engine->focus && engine->config->select.tags_count)
        engine->sides[SIDE_SOURCE].tags_one_by_one = true;
    if (engine->sides[SIDE_SOURCE].failed) {
        *err = engine->sides[SIDE_SOURCE].error;
        return error_context(err, "list the %s of %s", engine->kind->nouns,
                             engine->config->source.region);
    }
    return 0;
}

/* --- tags, where the tagging API does not serve ----------------------------------------------- */
struct tag_work {
    struct engine *engine;
    unsigned side;
    struct arena arena;
    const char *keys[RESOURCE_READ_MAX], *names[RESOURCE_READ_MAX];
    size_t count;
};

static void read_tags_job(void *arg, unsigned worker)
{
    (void)worker;
    struct tag_work *work = arg;
    struct engine *engine = work->engine;
    struct resource_ctx ctx = engine_ctx(engine, work->side, true, &work->arena);
    for (size_t i = 0; i < work->count && !engine_is_broken(engine); i++) {
        struct resource resource = {.key = work->keys[i], .name = work->names[i]};
        struct error error = {0};
        if (engine->kind->read_tags(&ctx, &resource, &error) != 0 ||
            inventory_put_tags(engine->inventory, work->side, resource.key, resource.tags,
                               resource.tag_count, &error) != 0) {
            /* Without the tags nothing can be said of this side. */
            pthread_mutex_lock(&engine->mutex);
            engine->sides[work->side].failed = true;
            engine->sides[work->side].error = error;
            pthread_mutex_unlock(&engine->mutex);
            break;
        }
    }
    arena_done(&work->arena);
    free(work);
}

/* So many names at a time: a stop loses no more. */
enum { TAGS_AT_ONCE = 500 };

/* 0: `*more` says whether names are left, of which the side now knows where to go on. */
static int read_some_tags(struct engine *engine, unsigned side, bool *more, struct error *err)
{
    struct side *of = &engine->sides[side];
    char *after = memory_strdup(of->tags_read ? of->tags_read : "");
    int result = 0;
    *more = true;
    for (size_t names = 0; *more && result == 0 && names < TAGS_AT_ONCE;
         names += RESOURCE_READ_MAX) {
        struct tag_work *work = memory_alloc(sizeof *work);
        work->engine = engine;
        work->side = side;
        arena_init(&work->arena);
        result = inventory_keys(engine->inventory, &work->arena, side, after, RESOURCE_READ_MAX,
                                work->keys, work->names, &work->count, err);
        *more = result == 0 && work->count > 0;
        if (!*more) {
            arena_done(&work->arena);
            free(work);
            break;
        }
        free(after);
        after = memory_strdup(work->keys[work->count - 1]);
        workers_run(engine->workers, read_tags_job, work);
    }
    workers_wait(engine->workers);
    if (of->failed && of->error.code == ERR_CANCELLED) {
        *err = of->error;
        of->failed = false; /* it is gone on with */
        result = -1;
    }
    if (result == 0)
        of->tags_read = arena_strdup(&engine->pass, after);
    free(after);
    return result;
}

static int read_tags_of_side(struct engine *engine, unsigned side, struct error *err)
{
    for (bool more = true; more && !engine->sides[side].failed && !engine_is_broken(engine);)
        if (read_some_tags(engine, side, &more, err) != 0)
            return -1;
    return 0;
}

static int complete_tags(struct engine *engine, struct error *err)
{
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        if (side->tags_one_by_one && !side->failed && read_tags_of_side(engine, i, err) != 0)
            return -1;
        if (i == SIDE_SOURCE && side->failed) {
            *err = side->error;
            return -1;
        }
    }
    return 0;
}

int plan_list(struct engine *engine, struct error *err)
{
    return list_sides(engine, err) == 0 && plan_fill(engine, err) == 0 &&
                   complete_tags(engine, err) == 0
               ? 0
               : -1;
}
