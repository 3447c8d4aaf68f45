/* Kinds whose listing tells little more than names: the rest of each resource is read by the
 * workers, the source's first, because it says what is selected and so what is a copy. */
#include "engine/engine.h"
#include "engine/ownership.h"

#include <stdlib.h>
#include <string.h>

/* What could not be read, and why. Rare: a policy may keep its readers out. */
struct unseen {
    struct unseen *next;
    unsigned side;
    const char *key, *why;
};

struct fill_work {
    struct engine *engine;
    unsigned side;
    struct arena arena;
    const char *keys[RESOURCE_READ_MAX], *names[RESOURCE_READ_MAX];
    size_t count;
};

static void note_unseen(struct engine *engine, unsigned side, const char *key,
                        const struct error *error)
{
    pthread_mutex_lock(&engine->mutex);
    struct unseen *unseen = arena_calloc(&engine->pass, 1, sizeof *unseen);
    *unseen = (struct unseen){
        .next = engine->unseen,
        .side = side,
        .key = arena_strdup(&engine->pass, key),
        .why = arena_printf(&engine->pass, "cannot look at it: %s", error->message),
    };
    engine->unseen = unseen;
    pthread_mutex_unlock(&engine->mutex);
}

const char *fill_failure(const struct engine *engine, unsigned destination, const char *key,
                         const char *copy_key)
{
    for (const struct unseen *at = engine->unseen; at; at = at->next)
        if ((at->side == SIDE_SOURCE && strcmp(at->key, key) == 0) ||
            (at->side == destination + 1 && strcmp(at->key, copy_key) == 0))
            return at->why;
    return NULL;
}

static int keep(struct engine *engine, unsigned side, const struct resource *resource,
                struct error *err)
{
    const char *target = side == SIDE_SOURCE ? resource->key : NULL;
    if (inventory_put(engine->inventory, side, resource, target, err) != 0)
        return -1;
    return inventory_put_tags(engine->inventory, side, resource->key, resource->tags,
                              resource->tag_count, err);
}

/* A source resource: of no interest when it is not selected, or about to go. */
static int take_source(struct engine *engine, struct resource *resource, int result,
                       const struct error *error, struct error *err)
{
    pthread_mutex_lock(&engine->mutex); /* for the hit marks */
    bool selected = scope_selects_resource(&engine->scope, resource);
    pthread_mutex_unlock(&engine->mutex);
    bool gone = error->code == ERR_NOT_FOUND ||
                (result == 0 && engine->kind->gone && engine->kind->gone(resource));
    if (!selected || gone)
        return inventory_forget(engine->inventory, SIDE_SOURCE, resource->key, err);
    if (result != 0)
        note_unseen(engine, SIDE_SOURCE, resource->key, error);
    return result == 0 ? keep(engine, SIDE_SOURCE, resource, err) : 0;
}

/* Without a source it is of interest when a run made it, or `deletes` is about all. */
static bool may_be_left_over(struct engine *engine, struct resource_ctx *ctx,
                             struct resource *resource)
{
    struct error error = {0};
    if (engine->focus)
        return false;
    return engine->safety.deletes == DELETES_ALL ||
           (engine->kind->read_tags(ctx, resource, &error) == 0 &&
            ownership_holds(resource, engine->owner));
}

static int take_copy(struct engine *engine, struct resource_ctx *ctx, unsigned side,
                     struct resource *resource, struct error *err)
{
    const struct resource_kind *kind = engine->kind;
    struct error error = {0};
    bool paired;
    if (inventory_has_source(engine->inventory, resource->key, &paired, err) != 0)
        return -1;
    if (!paired && !may_be_left_over(engine, ctx, resource))
        return inventory_forget(engine->inventory, side, resource->key, err);
    int result = kind->fill(ctx, resource, &error);
    if (error.code == ERR_NOT_FOUND ||
        (!paired && (result != 0 || (kind->gone && kind->gone(resource)) ||
                     (kind->may_be_copy && !kind->may_be_copy(resource)))))
        return inventory_forget(engine->inventory, side, resource->key, err);
    if (result != 0)
        note_unseen(engine, side, resource->key, &error);
    return result == 0 ? keep(engine, side, resource, err) : 0;
}

static int fill_one(struct fill_work *work, struct resource_ctx *ctx, size_t i, struct error *err)
{
    struct engine *engine = work->engine;
    struct resource resource;
    struct error error = {0};
    /* Of a destination it is counted from 0, which the source is just before. */
    if (inventory_copy(engine->inventory, &work->arena, work->keys[i], work->side - 1, &resource,
                       err) != 0)
        return -1;
    if (work->side != SIDE_SOURCE)
        return take_copy(engine, ctx, work->side, &resource, err);
    int result = engine->kind->fill(ctx, &resource, &error);
    return take_source(engine, &resource, result, &error, err);
}

static void fill_job(void *arg, unsigned worker)
{
    (void)worker;
    struct fill_work *work = arg;
    struct engine *engine = work->engine;
    struct resource_ctx ctx = engine_ctx(engine, work->side, true, &work->arena);
    struct error error = {0};
    for (size_t i = 0; i < work->count && !engine_is_broken(engine); i++)
        if (!stop_wanted(engine->options.stop) && fill_one(work, &ctx, i, &error) != 0)
            engine_broken(engine, &error);
    engine_advance(engine, work->count);
    arena_done(&work->arena);
    free(work);
}

static int queue_side(struct engine *engine, unsigned side, struct error *err)
{
    enum { KEYS_A_JOB = 4 };
    char *after = memory_strdup("");
    int result = 0;
    while (!engine_is_broken(engine)) {
        struct fill_work *work = memory_alloc(sizeof *work);
        work->engine = engine;
        work->side = side;
        arena_init(&work->arena);
        result = inventory_keys(engine->inventory, &work->arena, side, after, KEYS_A_JOB,
                                work->keys, work->names, &work->count, err);
        if (result != 0 || work->count == 0) {
            arena_done(&work->arena);
            free(work);
            break;
        }
        free(after);
        after = memory_strdup(work->keys[work->count - 1]);
        workers_run(engine->workers, fill_job, work);
    }
    free(after);
    return result;
}

static int wait_for_all(struct engine *engine, int result, struct error *err)
{
    workers_wait(engine->workers);
    if (result == 0 && engine_is_broken(engine)) {
        *err = engine->error;
        return -1;
    }
    if (result == 0 && stop_wanted(engine->options.stop))
        return error_set(err, ERR_CANCELLED, "stopped while reading");
    return result;
}

/* --- Regions that are no destination ---------------------------------------------------------- */
static bool known_region(const struct engine *engine, const char *region)
{
    for (unsigned i = 0; i < engine->side_count; i++)
        if (strcmp(engine->sides[i].config->region, region) == 0)
            return true;
    return false;
}

static int discover(const struct resource *source, void *arg, struct error *err)
{
    struct engine *engine = arg;
    struct arena scratch;
    int result = 0;
    arena_init(&scratch);
    const char *const *regions = engine->kind->regions(&scratch, source);
    for (; *regions && result == 0; regions++)
        if (!known_region(engine, *regions))
            result = engine_add_retired(engine, *regions, err);
    arena_done(&scratch);
    return result;
}

/* Each source resource, by the listing that is for copies: the source is the one before them. */
static int each_source(struct engine *engine, resource_each_fn *each, void *arg, struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    int result = inventory_unpaired(engine->inventory, &scratch, (unsigned)SIDE_SOURCE - 1, true,
                                    each, arg, err);
    arena_done(&scratch);
    return result;
}

struct left_over {
    struct left_over *next;
    struct engine *engine;
    unsigned side;
    struct arena arena;
    const char *name;
};

/* What cannot be looked at there is no concern of the run's. */
static void look_at_left_over(void *arg, unsigned worker)
{
    struct left_over *left = arg;
    struct engine *engine = left->engine;
    struct resource_ctx ctx = engine_ctx(engine, left->side, true, &left->arena);
    struct resource found;
    struct error error = {0};
    (void)worker;
    bool there = engine->kind->describe(&ctx, left->name, &found, &error) == 0 &&
                 !(engine->kind->gone && engine->kind->gone(&found)) &&
                 (!engine->kind->may_be_copy || engine->kind->may_be_copy(&found));
    if (there && keep(engine, left->side, &found, &error) != 0)
        engine_broken(engine, &error);
    arena_done(&left->arena);
    free(left);
}

struct left_overs {
    struct engine *engine;
    struct left_over *first;
};

static int keep_left_over(const struct resource *source, void *arg, struct error *err)
{
    struct left_overs *all = arg;
    struct engine *engine = all->engine;
    struct arena scratch;
    (void)err;
    arena_init(&scratch);
    for (const char *const *at = engine->kind->regions(&scratch, source); *at; at++)
        for (unsigned i = 1; i < engine->side_count; i++) {
            if (!engine->sides[i].retired || strcmp(engine->sides[i].config->region, *at) != 0)
                continue;
            struct left_over *left = memory_alloc(sizeof *left);
            left->engine = engine;
            left->side = i;
            arena_init(&left->arena);
            left->name = arena_strdup(&left->arena, source->name);
            left->next = all->first;
            all->first = left;
        }
    arena_done(&scratch);
    return 0;
}

/* Jobs put into the inventory, which is held while it is walked: they are queued behind. */
static int look_at_left_overs(struct engine *engine, struct error *err)
{
    struct left_overs all = {.engine = engine};
    int result = each_source(engine, keep_left_over, &all, err);
    while (all.first) {
        struct left_over *left = all.first;
        all.first = left->next;
        workers_run(engine->workers, look_at_left_over, left);
    }
    return result;
}

int plan_fill(struct engine *engine, struct error *err)
{
    int result;
    if (!engine->kind->fill)
        return 0;
    engine_phase(engine, "reading", 0);
    result = wait_for_all(engine, queue_side(engine, SIDE_SOURCE, err), err);
    bool all = engine->kind->regions && !engine->focus;
    if (result == 0 && all)
        result = each_source(engine, discover, engine, err);
    for (unsigned i = 1; i < engine->side_count && result == 0; i++)
        if (!engine->sides[i].failed && !engine->sides[i].retired)
            result = queue_side(engine, i, err);
    if (result == 0 && all)
        result = look_at_left_overs(engine, err);
    return wait_for_all(engine, result, err);
}
