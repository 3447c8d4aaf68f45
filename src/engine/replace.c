#include "engine/replace.h"

#include "base/text.h"
#include "engine/scope.h"

#include <string.h>

enum { MAKE_TRIES = 4, TRY_AGAIN_MS = 2000 };

/* AWS: wait at least 30 seconds before a name is used again (DeleteParameter). */
static const char default_wait[] = "30s";

static int64_t wait_ms(const struct config *config)
{
    int64_t ms = 0;
    text_to_duration_ms(config->replace_wait ? config->replace_wait : default_wait, &ms);
    return ms;
}

int replace_check(const struct config *config, struct error *err)
{
    int64_t ms;
    if (config->replace_wait && text_to_duration_ms(config->replace_wait, &ms) != 0)
        return error_set(err, ERR_INVALID, "replace_wait: '%s' is not a time (0, 30s, 1m)",
                         config->replace_wait);
    return 0;
}

bool replace_allowed(const struct config *config, const char *key)
{
    for (size_t i = 0; i < config->allow_count; i++)
        if (strcmp(config->allow[i], "replace") == 0)
            return true;
    for (size_t i = 0; i < config->allow_replace_count; i++)
        if (scope_matches(config->allow_replace[i], key))
            return true;
    return false;
}

/* 1: it is there as planned; 0: it is gone already. */
static int stands(struct engine *engine, struct resource_ctx *ctx, const struct resource *have,
                  struct error *err)
{
    struct resource now;
    struct error problem = {0};
    struct resource_ctx reading = *ctx;
    reading.read_only = true;
    if (engine->kind->describe(&reading, have->name, &now, &problem) != 0) {
        if (problem.code == ERR_NOT_FOUND)
            return 0;
        *err = problem;
        return -1;
    }
    if (now.version == have->version)
        return 1;
    return error_set(err, ERR_CONFLICT, "somebody else wrote %s since the plan: plan again",
                     have->name);
}

static int take_away(struct engine *engine, struct resource_ctx *ctx, const struct resource *have,
                     struct error *err)
{
    struct resource old = {.key = have->key, .name = have->name};
    int there = stands(engine, ctx, have, err);
    if (there <= 0)
        return there;
    if (engine->kind->remove(ctx, &old, 1, err) == 0)
        return 0;
    /* Was it taken away? Then the work must be brought to its end. */
    struct error problem = *err;
    if (problem.code == ERR_TIMEOUT && stands(engine, ctx, have, err) == 0)
        return 0;
    *err = problem;
    return -1;
}

int replace_copy(struct engine *engine, struct resource_ctx *ctx, const struct resource *want,
                 const struct resource *have, int64_t *version, struct error *err)
{
    const struct diff nothing = {0};
    if (!want->value)
        return error_set(err, ERR_INVALID, "%s: its value was not read", want->name);
    if (stop_left_ms(engine->options.stop) < wait_ms(engine->config) + STOP_MARGIN_MS)
        return error_set(err, ERR_CANCELLED, "%s: no time is left to replace it", have->name);
    if (take_away(engine, ctx, have, err) != 0)
        return error_context(err, "replace %s in %s", have->name, ctx->region);
    engine->clock->sleep_ms(engine->clock, wait_ms(engine->config));
    for (int tries = 1;; tries++) {
        *err = (struct error){0};
        if (engine->kind->write(ctx, want, NULL, &nothing, version, err) == 0)
            return 0;
        /* What may have been written is looked at by the caller. */
        if (err->code == ERR_TIMEOUT || tries == MAKE_TRIES)
            break;
        int64_t pause_ms = (int64_t)TRY_AGAIN_MS * tries, most_ms = wait_ms(engine->config);
        engine->clock->sleep_ms(engine->clock, pause_ms < most_ms ? pause_ms : most_ms);
    }
    return error_context(err,
                         "the old copy of %s in %s is deleted and the new one was not made; "
                         "run again",
                         have->name, ctx->region);
}
