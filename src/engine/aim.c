/* What a source's value becomes at a destination: rewritten by the rules, digested, looked over. */
#include "base/digest.h"
#include "engine/engine.h"
#include "engine/lint.h"
#include "engine/rewrite.h"

void engine_aim(struct engine *engine, unsigned destination, struct arena *arena,
                struct arena *values, const struct resource *source, const struct reading *reading,
                struct aim *out)
{
    const struct config_side *config = &engine->config->destinations[destination];
    const struct side *from = &engine->sides[SIDE_SOURCE], *to = &engine->sides[destination + 1];
    const struct lint_place place = {
        .region = from->config->region,
        .account = from->account,
        .copy_region = config->region,
        .copy_account = to->account,
    };
    struct rewritten rewritten;
    struct error error = {0};
    *out = (struct aim){0};
    if (rewrite_value(engine->config, config, values, source, reading->resource.value,
                      reading->resource.value_len, &rewritten, &error) != 0) {
        out->blocked = arena_strdup(arena, error.message);
        return;
    }
    out->value = rewritten.value;
    out->value_len = rewritten.len;
    out->hits = rewritten.hits;
    out->note = rewritten.note ? arena_strdup(arena, rewritten.note) : NULL;
    out->hint = lint_value(arena, &place, out->value, out->value_len);
    digest_hmac_sha256(engine->digest_key, sizeof engine->digest_key, out->value, out->value_len,
                       out->digest);
}
