#include "engine/promotion.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "client/retry.h"
#include "engine/scope.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 120 * 1000, FIRST_PAUSE_MS = 200, LONGEST_PAUSE_MS = 2000 };

static struct resource_ctx ctx_of(const struct promotion_side *side, bool read_only,
                                  struct arena *arena)
{
    return (struct resource_ctx){.session = side->session,
                                 .region = side->region,
                                 .read_only = read_only,
                                 .arena = arena};
}

static bool is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static bool is_down(const struct error *err)
{
    return err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT;
}

static void end(struct promotion *out, enum promotion_end how, const char *why)
{
    out->end = how;
    out->why = why;
}

static void end_failed(struct promotion *out, struct arena *arena, const struct error *err)
{
    out->error = *err;
    end(out, PROMOTION_FAILED, arena_strdup(arena, err->message));
}

/* --- looking ---------------------------------------------------------------------------------- */

/* One key by whatever name it was given: an alias may be known in one of the two Regions only. */
static int describe(const struct promotion_side *side, struct arena *arena, const char *key,
                    struct kms_key *out, struct error *err)
{
    struct resource_ctx ctx = ctx_of(side, true, arena);
    return kms_key_describe(&ctx, key, out, err);
}

static const char *down_words(struct arena *arena, const struct promotion_options *options,
                              const struct kms_key *there)
{
    const char *region = there->primary_region;
    return arena_printf(
        arena,
        "%s does not answer, and only there can its primary be moved. Meanwhile the replica in %s "
        "(%s) encrypts and decrypts by itself, and its policy, aliases and tags can be changed; no "
        "replica can be made and nothing rotates. When %s is back, give the same command again",
        region, options->to.region, there->state, region);
}

/* What AWS's key states let happen; "Updating" and "Creating" end by themselves. */
static const char *state_words(struct arena *arena, const struct kms_key *key, const char *role)
{
    if (is(key->state, "Enabled") || is(key->state, "Updating") || is(key->state, "Creating"))
        return NULL;
    const char *mend = is(key->state, "Disabled") ? ": enable it first"
                       : is(key->state, "PendingImport")
                           ? ": import its material first"
                           : ": cancel its deletion and enable it first";
    return arena_printf(arena, "the %s in %s is %s%s", role, key->region, key->state, mend);
}

static void note_alias(struct promotion *out, struct arena *arena, const struct kms_key *key)
{
    if (key->aliases_read && key->alias_count)
        out->alias = arena_strdup(arena, key->aliases[0]);
}

/* The policies mean the same, each for its Region? NULL: they do. */
static const char *policy_words(struct arena *arena, const struct kms_key *primary,
                                const struct kms_key *replica)
{
    struct error err = {0};
    const char *wanted =
        kms_policy_for_region(arena, primary->policy, primary->region, replica->region, &err);
    const char *a = wanted ? kms_policy_meaning(arena, wanted, &err) : NULL;
    const char *b = a ? kms_policy_meaning(arena, replica->policy, &err) : NULL;
    if (b && strcmp(a, b) == 0)
        return NULL;
    return arena_printf(
        arena,
        "its policy in %s does not say what the one in %s says: who may use and "
        "manage the key would change with its primary. Make them equal (`understudy "
        "sync` does), or --force",
        replica->region, primary->region);
}

static void look_at_policies(const struct promotion_options *options, struct arena *arena,
                             struct kms_key *primary, struct kms_key *replica,
                             struct promotion *out)
{
    const struct promotion_side *side =
        is(primary->region, options->from.region) ? &options->from : &options->to;
    struct promotion_side at = {side->session, primary->region};
    struct resource_ctx here = ctx_of(&at, true, arena), there = ctx_of(&options->to, true, arena);
    struct error err = {0};
    if (kms_key_read(&here, primary, KMS_READ_POLICY, &err) != 0 ||
        kms_key_read(&there, replica, KMS_READ_POLICY | KMS_READ_ALIASES, &err) != 0) {
        end_failed(out, arena, &err);
        return;
    }
    note_alias(out, arena, replica);
    const char *differ = options->force ? NULL : policy_words(arena, primary, replica);
    if (differ)
        end(out, PROMOTION_BLOCKED, differ);
}

/* Of the key as the Region that is to have the primary knows it. False: `out` says it all. */
static bool look_there(const struct promotion_options *options, struct arena *arena,
                       const char *key, const struct error *problem, struct promotion *out)
{
    if (is_down(problem)) {
        out->error = *problem;
        end(out, PROMOTION_DOWN,
            arena_printf(arena, "%s does not answer: no primary can be moved there",
                         options->to.region));
        return false;
    }
    if (problem->code == ERR_NOT_FOUND) {
        end(out, PROMOTION_BLOCKED,
            arena_printf(arena, "%s has no replica of %s: make one first (`understudy sync` does)",
                         options->to.region, key));
        return false;
    }
    if (problem->code != ERR_NONE) {
        end_failed(out, arena, problem);
        return false;
    }
    return true;
}

static void look_alone(const struct promotion_options *options, struct arena *arena,
                       const struct kms_key *there, struct promotion *out)
{
    if (is(there->state, "Enabled") || is(there->state, "Updating"))
        end(out, PROMOTION_ALONE,
            arena_printf(arena,
                         "%s is not asked. The replica in %s works by itself; the primary "
                         "can be moved when %s is back",
                         options->from.region, options->to.region, there->primary_region));
    else
        end(out, PROMOTION_BLOCKED, state_words(arena, there, "replica"));
}

static void look_at_both(const struct promotion_options *options, struct arena *arena,
                         struct kms_key *there, struct promotion *out)
{
    struct promotion_side at = {options->from.session, there->primary_region};
    struct kms_key primary;
    struct error err = {0};
    if (describe(&at, arena, there->id, &primary, &err) != 0) {
        if (!is_down(&err)) {
            end_failed(out, arena, &err);
            return;
        }
        out->error = err;
        end(out, PROMOTION_DOWN, down_words(arena, options, there));
        return;
    }
    const char *state = state_words(arena, &primary, "primary");
    if (!state)
        state = state_words(arena, there, "replica");
    if (state)
        end(out, PROMOTION_BLOCKED, state);
    else
        look_at_policies(options, arena, &primary, there, out);
}

static void recall(const struct promotion_options *options, struct promotion *out)
{
    struct state_known known = {0};
    if (!options->state)
        return;
    int64_t link =
        state_link(options->state, "kms-primary", options->from.region, options->to.region);
    state_find(options->state, link, out->id, &known);
    out->begun_before = known.unfinished;
}

/* The name may be an ARN or alias of the other Region: what it stands for is asked there. */
static int find(const struct promotion_options *options, struct arena *arena, const char *key,
                struct kms_key *there, struct error *err)
{
    struct kms_key here;
    struct error problem = {0};
    const char *id = key;
    if (text_starts(key, "arn:") && strstr(key, ":key/")) {
        id = strstr(key, ":key/") + strlen(":key/");
    } else if (text_starts(key, "alias/") && !options->region_down &&
               describe(&options->from, arena, key, &here, &problem) == 0) {
        id = here.id;
    }
    return describe(&options->to, arena, id, there, err);
}

void promotion_look(const struct promotion_options *options, struct arena *arena, const char *key,
                    struct promotion *out)
{
    struct kms_key there;
    struct error err = {0};
    *out = (struct promotion){.key = key, .end = PROMOTION_TO_MOVE};
    find(options, arena, key, &there, &err);
    if (!look_there(options, arena, key, &err, out))
        return;
    out->id = there.id;
    out->primary_region = there.primary_region;
    recall(options, out);
    if (!there.multi_region) {
        end(out, PROMOTION_BLOCKED,
            "a single-Region key: it has no other Region to go to, and "
            "nothing makes it a multi-Region key");
    } else if (there.primary) {
        const char *state = state_words(arena, &there, "primary");
        end(out, state ? PROMOTION_BLOCKED : PROMOTION_THERE, state);
    } else if (options->region_down) {
        look_alone(options, arena, &there, out);
    } else {
        look_at_both(options, arena, &there, out);
    }
}

/* --- moving ----------------------------------------------------------------------------------- */
static int ask(const struct promotion_options *options, struct arena *arena,
               const struct promotion *promotion, struct error *err)
{
    struct promotion_side at = {options->from.session, promotion->primary_region};
    struct resource_ctx ctx = ctx_of(&at, false, arena);
    json_t *in =
        json_pack("{s:s, s:s}", "KeyId", promotion->id, "PrimaryRegion", options->to.region);
    int result = resource_call(&ctx, &operation_kms_update_primary_region, in, NULL, err);
    json_decref(in);
    return result;
}

/* 1: both Regions say that it is done; 0: not yet; -1: an answer that waiting does not mend. */
static int is_done(const struct promotion_options *options, struct arena *arena,
                   const struct promotion *promotion, bool *begun, struct error *err)
{
    struct promotion_side old = {options->from.session, promotion->primary_region};
    struct kms_key there, here;
    if (describe(&options->to, arena, promotion->id, &there, err) != 0 ||
        describe(&old, arena, promotion->id, &here, err) != 0)
        return is_down(err) || err->code == ERR_THROTTLED ? 0 : -1;
    *begun = *begun || there.primary || !here.primary || is(here.state, "Updating") ||
             is(there.state, "Updating");
    return there.primary && !here.primary && is(there.state, "Enabled") &&
           !is(here.state, "Updating");
}

static int wait_until_done(const struct promotion_options *options, struct arena *arena,
                           const struct promotion *promotion, bool *begun, struct error *err)
{
    struct clock *clock =
        options->stop ? &options->stop->clock : session_clock(options->to.session);
    int64_t patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS;
    int64_t deadline_ms = clock->monotonic_ms(clock) + patience_ms, pause_ms = FIRST_PAUSE_MS;
    for (;;) {
        int done = is_done(options, arena, promotion, begun, err);
        if (done != 0)
            return done < 0 ? -1 : 0;
        if (stop_wanted(options->stop))
            return error_set(err, ERR_CANCELLED,
                             "stopped while the primary moves: the same command looks again");
        if (clock->monotonic_ms(clock) >= deadline_ms)
            return error_set(err, ERR_TIMEOUT,
                             "the move is not done after %lld s: the same command looks again",
                             (long long)(patience_ms / 1000));
        retry_pause(clock, pause_ms);
        pause_ms = pause_ms * 2 < LONGEST_PAUSE_MS ? pause_ms * 2 : LONGEST_PAUSE_MS;
    }
}

/* A lost answer says nothing: what both Regions show does. */
static void move(const struct promotion_options *options, struct arena *arena,
                 struct promotion *inout)
{
    struct error err = {0}, ignored = {0};
    bool begun = false;
    int result = ask(options, arena, inout, &err);
    if (result != 0 && is_down(&err)) {
        if (is_done(options, arena, inout, &begun, &ignored) < 0 || !begun) {
            inout->error = err;
            end(inout, PROMOTION_DOWN,
                arena_printf(arena,
                             "%s does not answer, and only there can its primary be moved: "
                             "give the same command when it is back",
                             inout->primary_region));
            return;
        }
        result = 0;
    }
    if (result != 0) {
        end_failed(inout, arena, &err);
        return;
    }
    error_clear(&err);
    if (wait_until_done(options, arena, inout, &begun, &err) != 0)
        end_failed(inout, arena, &err);
    else
        end(inout, PROMOTION_MOVED, NULL);
}

void promotion_move(const struct promotion_options *options, struct arena *arena,
                    struct promotion *inout)
{
    int64_t link = options->state ? state_link(options->state, "kms-primary", options->from.region,
                                               options->to.region)
                                  : 0;
    if (stop_wanted(options->stop))
        return;
    if (options->state) {
        state_begin(options->state);
        state_intend(options->state, link, inout->id);
        state_end(options->state);
    }
    move(options, arena, inout);
    if (options->state && inout->end == PROMOTION_MOVED) {
        state_begin(options->state);
        state_finish(options->state, link, inout->id);
        state_end(options->state);
    }
}

const char *promotion_end_name(enum promotion_end end)
{
    static const char *const names[] = {
        [PROMOTION_THERE] = "there",   [PROMOTION_TO_MOVE] = "to-move",
        [PROMOTION_MOVED] = "moved",   [PROMOTION_BLOCKED] = "blocked",
        [PROMOTION_DOWN] = "down",     [PROMOTION_ALONE] = "alone",
        [PROMOTION_FAILED] = "failed",
    };
    return names[end];
}

/* --- which keys ------------------------------------------------------------------------------- */
struct chosen {
    struct arena *arena;
    const char **ids;
    size_t count, room;
};

static int take_key(const struct resource *resource, void *arg, struct error *err)
{
    struct chosen *chosen = arg;
    (void)err;
    if (!text_starts(resource->key, "mrk-")) /* a single-Region key */
        return 0;
    if (chosen->count == chosen->room) {
        chosen->room = 2 * chosen->room + 64;
        const char **longer = arena_calloc(chosen->arena, chosen->room, sizeof *longer);
        if (chosen->count)
            memcpy(longer, chosen->ids, chosen->count * sizeof *longer);
        chosen->ids = longer;
    }
    chosen->ids[chosen->count++] = arena_strdup(chosen->arena, resource->key);
    return 0;
}

/* What a configuration selects may depend on more than the listing shows. */
static int leave_out(const struct promotion_side *side, const struct config *config,
                     struct chosen *chosen, struct error *err)
{
    struct scope scope;
    struct arena one;
    size_t kept = 0;
    int result = 0;
    scope_init(&scope, chosen->arena, config);
    arena_init(&one);
    for (size_t i = 0; result == 0 && i < chosen->count; i++) {
        struct resource_ctx ctx = ctx_of(side, true, &one);
        struct resource resource;
        result = config->kind->describe(&ctx, chosen->ids[i], &resource, err);
        if (result == 0 && scope_selects_resource(&scope, &resource))
            chosen->ids[kept++] = chosen->ids[i];
        arena_reset(&one);
    }
    arena_done(&one);
    chosen->count = kept;
    return result;
}

int promotion_list(const struct promotion_side *side, const struct config *config,
                   struct arena *arena, const char ***ids, size_t *count, struct error *err)
{
    static const struct resource_filter everything;
    struct chosen chosen = {.arena = arena};
    struct resource_ctx ctx = ctx_of(side, true, arena);
    if (resource_kms_key.list(&ctx, &everything, take_key, &chosen, err) != 0)
        return -1;
    if (config && leave_out(side, config, &chosen, err) != 0)
        return -1;
    *ids = chosen.ids;
    *count = chosen.count;
    return 0;
}
