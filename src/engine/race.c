#include "engine/race.h"

#include "base/clock.h"
#include "engine/focus.h"
#include "engine/ownership.h"
#include "engine/two_way.h"

#include <string.h>

enum { TRIES = 3 };

/* The last that somebody else wrote between the two versions, or that was put back for somebody;
 * NULL: nobody did. Tags are of the parameter, not of a version. */
static struct revision *met(const struct engine *engine, unsigned side, struct revision *rows,
                            size_t count, const struct resource *tags, int64_t after,
                            int64_t before)
{
    for (size_t i = count; i-- > 0;) {
        struct resource *row = &rows[i].resource;
        row->tags = tags->tags;
        row->tag_count = tags->tag_count;
        if (row->version > after && row->version < before && !two_way_ours(engine, side, row))
            return &rows[i];
    }
    return NULL;
}

/* First the tag, for the version that the write will make: whoever sees that version sees whose it
 * is. */
static int put_back(struct engine *engine, struct resource_ctx *ctx, const struct resource *theirs,
                    struct resource *now, int64_t *version, struct error *err)
{
    struct resource again = *theirs;
    int64_t edit_ms = two_way_edit_ms(theirs);
    const struct tag tag = {EDIT_TAG,
                            arena_printf(ctx->arena, "%lld %lld", (long long)now->version + 1,
                                         (long long)edit_ms)};
    const struct diff tagged = {.set_tags = &tag, .set_tag_count = 1}, written = {.value = true};
    bool room = now->tag_count < TAGS_MOST || tag_value(now->tags, now->tag_count, EDIT_TAG);
    int64_t none;
    again.key = now->key;
    again.name = now->name;
    if ((room && engine->kind->write(ctx, &again, now, &tagged, &none, err) != 0) ||
        engine->kind->write(ctx, &again, now, &written, version, err) != 0)
        return error_context(err, "put back what somebody else wrote at the same time");
    return 0;
}

/* As if both had been equal before: the copy has moved since, the source has not. */
static void remember_moved(struct engine *engine, unsigned destination, const struct pair *pair,
                           const struct resource *have)
{
    struct pair before = *pair;
    before.have = *have;
    before.aim = NULL;
    engine_keep(engine, destination, &before, NULL);
}

static int settle(struct engine *engine, unsigned destination, struct resource_ctx *ctx,
                  const struct pair *pair, const struct resource *have, int64_t *version,
                  bool *returned, struct error *err)
{
    unsigned side = destination + 1;
    int64_t seen = have->version;
    bool any = false;
    for (int tries = 0; *version > seen + 1 && tries < TRIES; tries++) {
        struct resource now = *have;
        struct revision *rows;
        size_t count;
        if (engine->kind->read_history(ctx, have->name, &rows, &count, err) != 0 ||
            engine->kind->read_tags(ctx, &now, err) != 0)
            return error_context(err, "%s was written by somebody else at the same time",
                                 have->name);
        const struct revision *theirs = met(engine, side, rows, count, &now, seen, *version);
        if (!theirs || (!any && !two_way_edit_wins(engine, pair, &theirs->resource)))
            break;
        seen = now.version = *version;
        if (put_back(engine, ctx, &theirs->resource, &now, version, err) != 0)
            return -1;
        any = *returned = true;
    }
    return 0;
}

int race_settle(struct engine *engine, unsigned destination, struct arena *arena,
                const struct pair *pair, const struct resource *have, int64_t *version,
                struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, arena);
    bool returned = false;
    focus_again(engine, pair->source.key);
    if (two_way_is(engine->config) &&
        settle(engine, destination, &ctx, pair, have, version, &returned, err) != 0)
        return -1;
    if (!returned)
        return 0;
    remember_moved(engine, destination, pair, have);
    return error_set(err, ERR_CONFLICT,
                     "somebody else wrote it at the same time, and later: that was put back");
}

int race_lost(struct engine *engine, unsigned destination, struct arena *arena,
              struct arena *values, const struct pair *pair, const char **lost, struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, true, values);
    const struct resource *have = &pair->have;
    struct revision *rows;
    size_t count;
    *lost = NULL;
    if (!pair->known.over || !pair->exists || have->version <= pair->known.over + 1 ||
        !two_way_ours(engine, destination + 1, have))
        return 0;
    if (engine->kind->read_history(&ctx, have->name, &rows, &count, err) != 0)
        return error_context(err,
                             "%s may have been edited while a run that was broken off wrote it",
                             have->name);
    const struct revision *theirs =
        met(engine, destination + 1, rows, count, have, pair->known.over, have->version);
    if (!theirs || !two_way_edit_wins(engine, pair, &theirs->resource))
        return 0;
    const struct resource *edit = &theirs->resource;
    /* When both sides are understudy's, there are no times of edits to compare: later runs that
     * wrote here again knew more. */
    if (two_way_ours(engine, SIDE_SOURCE, &pair->source) && edit->version + 1 != have->version)
        return 0;
    char when[CLOCK_TEXT_SIZE] = "on an unknown day";
    if (edit->modified_ms > 0)
        clock_format_iso_ms(edit->modified_ms, when);
    *lost = arena_printf(arena,
                         "version %lld of %s, written %s by %s, was lost under a write that was "
                         "broken off: it is put back",
                         (long long)edit->version, engine->sides[destination + 1].config->region,
                         when, edit->modified_by ? edit->modified_by : "somebody");
    return 0;
}

int race_restore(struct engine *engine, unsigned destination, struct arena *arena,
                 const struct pair *pair, bool *restored, struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, arena);
    struct resource looked_at = pair->have;
    int64_t version = pair->have.version;
    const char *lost;
    *restored = false;
    looked_at.version = pair->known.over;
    if (race_lost(engine, destination, arena, arena, pair, &lost, err) != 0)
        return -1;
    if (!lost)
        return 0;
    if (settle(engine, destination, &ctx, pair, &looked_at, &version, restored, err) != 0)
        return -1;
    focus_again(engine, pair->source.key);
    if (*restored)
        remember_moved(engine, destination, pair, &pair->have);
    return 0;
}

int race_remade(struct engine *engine, unsigned destination, struct arena *arena,
                const struct pair *pair, const struct resource *want, struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, arena);
    struct resource bare = *want;
    const struct diff tags = {.set_tags = want->tags, .set_tag_count = want->tag_count};
    int64_t none;
    bare.tags = NULL;
    bare.tag_count = 0;
    focus_again(engine, pair->source.key);
    if (want->tag_count && engine->kind->write(&ctx, want, &bare, &tags, &none, err) != 0)
        return error_context(err, "it was deleted while it was written, and its tags are missing");
    return 0;
}
