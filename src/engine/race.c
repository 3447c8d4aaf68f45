#include "engine/race.h"

#include "engine/focus.h"
#include "engine/two_way.h"

#include <string.h>

enum { TRIES = 3 };

/* The last that somebody else wrote between the two versions; NULL: nobody did. */
static const struct revision *met(const struct engine *engine, unsigned side,
                                  const struct revision *rows, size_t count, int64_t after,
                                  int64_t before)
{
    for (size_t i = count; i-- > 0;) {
        const struct resource *row = &rows[i].resource;
        if (row->version > after && row->version < before && !two_way_ours(engine, side, row))
            return &rows[i];
    }
    return NULL;
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

int race_settle(struct engine *engine, unsigned destination, struct arena *arena,
                const struct pair *pair, const struct resource *want, const struct resource *have,
                int64_t *version, struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, arena);
    int64_t seen = have->version;
    bool put_back = false;
    if (two_way_is(engine->config))
        for (int tries = 0; *version > seen + 1 && tries < TRIES; tries++) {
            struct revision *rows;
            size_t count;
            if (engine->kind->read_history(&ctx, want->name, &rows, &count, err) != 0)
                return error_context(err, "%s was written by somebody else at the same time",
                                     want->name);
            const struct revision *theirs =
                met(engine, destination + 1, rows, count, seen, *version);
            bool later =
                theirs && (put_back || theirs->resource.modified_ms > pair->source.modified_ms);
            if (!later)
                break;
            struct resource now = *have, again = theirs->resource;
            const struct diff diff = {.value = true};
            seen = now.version = *version;
            again.key = want->key;
            again.name = want->name;
            if (engine->kind->write(&ctx, &again, &now, &diff, version, err) != 0)
                return error_context(err, "put back what somebody else wrote at the same time");
            put_back = true;
        }
    focus_again(engine, pair->source.key);
    if (!put_back)
        return 0;
    remember_moved(engine, destination, pair, have);
    return error_set(err, ERR_CONFLICT,
                     "somebody else wrote it at the same time, and later: that was put back");
}
