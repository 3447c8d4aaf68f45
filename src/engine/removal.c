#include "engine/removal_intern.h"

#include "base/clock.h"
#include "engine/focus.h"
#include "engine/ownership.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <string.h>

enum { RECOUNT_MS = 60 * 1000 };

struct looking {
    struct engine *engine;
    unsigned destination;
    struct arena scratch; /* of one copy */
    uint64_t selected;    /* source resources */
    uint64_t candidates;  /* copies that `deletes` is about, paired or not */
    uint64_t deletes, marks;
    char too_many[256]; /* why nothing goes, anywhere; "": it may */
};

static const char *owner_of(const struct resource *copy)
{
    return tag_value(copy->tags, copy->tag_count, OWNER_TAG);
}

int64_t removal_absent_since(const struct resource *copy)
{
    const char *mark = tag_value(copy->tags, copy->tag_count, ABSENT_TAG);
    int64_t since;
    return mark && clock_parse_iso(mark, strlen(mark), &since) == 0 ? since : -1;
}

const char *removal_not_ours(const struct engine *engine, struct arena *arena,
                             const struct resource *copy, unsigned side)
{
    const char *owner = owner_of(copy);
    if (engine->sides[side].retired && engine->safety.deletes != DELETES_ALL && !owner)
        return "its Region is no destination; understudy did not make it";
    if (engine->safety.deletes == DELETES_NEVER)
        return engine->sides[side].retired ? "its Region is no destination; deletes: never"
                                           : "not at the source; deletes: never";
    if (engine->safety.deletes == DELETES_ALL || ownership_holds(copy, engine->owner))
        return NULL;
    return owner ? arena_printf(arena, "not at the source; it is a copy of %s's", owner)
                 : "not at the source; understudy did not make it";
}

/* Why the source's listing does not prove absence; NULL: it does. */
static const char *not_proved(const struct looking *looking, const char *const *sources,
                              size_t count)
{
    if (looking->engine->focus)
        return NULL; /* each is asked for by its name, twice; and the cap holds over a day */
    if (!looking->selected)
        return "not deleted: the source's listing is empty";
    for (size_t i = 0; i < count; i++)
        if (!scope_believes_absence(&looking->engine->scope, sources[i]))
            return "not deleted: its pattern matches nothing at the source any more";
    return NULL;
}

const char *removal_time_text(struct arena *arena, int64_t time_ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format_iso(time_ms, text);
    return arena_strdup(arena, text);
}

/* What is to be done with an extra copy that `deletes` is about. */
static void decide(struct looking *looking, const struct resource *copy, struct step *step)
{
    const struct safety *safety = &looking->engine->safety;
    struct arena *arena = &looking->scratch;
    struct clock *clock = looking->engine->clock;
    int64_t since = removal_absent_since(copy);
    const char *absent = looking->engine->sides[looking->destination + 1].retired
                             ? "its Region is no destination"
                             : "not at the source";
    if (safety->grace_ms == 0 || (since >= 0 && clock->now_ms(clock) - since >= safety->grace_ms)) {
        step->action = STEP_DELETE;
        step->reason =
            since < 0 ? absent
                      : arena_printf(arena, "%s since %s", absent, removal_time_text(arena, since));
        looking->deletes++;
    } else if (since >= 0) {
        step->reason = arena_printf(arena, "%s since %s; to be deleted from %s on", absent,
                                    removal_time_text(arena, since),
                                    removal_time_text(arena, since + safety->grace_ms));
    } else if (copy->tag_count >= TAGS_MOST) {
        step->reason = "not deleted: it has all 50 tags, so that there is no room for the mark of "
                       "absence";
    } else {
        step->action = STEP_MARK;
        step->reason =
            arena_printf(arena,
                         "not at the source: marked, and deleted from %s on if it stays away",
                         removal_time_text(arena, clock->now_ms(clock) + safety->grace_ms));
        looking->marks++;
    }
}

/* Is it a copy that could have a source, which this pass has asked for? */
static bool in_question(struct engine *engine, const char *key, const char *const *sources,
                        size_t count)
{
    bool in = count && !engine->kind->reserved(key);
    for (size_t i = 0; i < count && in; i++)
        in = !engine->kind->reserved(sources[i]) &&
             (!engine->focus || focus_item(engine->focus, sources[i]));
    return in;
}

/* Whose it is: a pass about a few names has not listed tags. */
static int learn_tags(struct looking *looking, struct resource *copy, struct error *err)
{
    struct engine *engine = looking->engine;
    struct resource_ctx ctx = engine_ctx(engine, looking->destination + 1, true, &looking->scratch);
    return engine->focus && !engine->kind->fill && engine->safety.deletes != DELETES_NEVER
               ? engine->kind->read_tags(&ctx, copy, err)
               : 0;
}

static int look_at_extra(const struct resource *found, void *arg, struct error *err)
{
    struct looking *looking = arg;
    struct engine *engine = looking->engine;
    struct arena *arena = &looking->scratch;
    struct resource read = *found, *copy = &read;
    size_t count;
    const char *const *sources = scope_sources(&engine->scope, arena, copy->key, &count);
    int result = 0;
    if (in_question(engine, copy->key, sources, count)) {
        struct error problem = {0};
        bool unread = learn_tags(looking, copy, &problem) != 0;
        if (unread && problem.code == ERR_NOT_FOUND)
            focus_again(engine, sources[0]); /* somebody deleted it meanwhile */
        struct step step = {
            .key = sources[0],
            .name = strcmp(sources[0], copy->key) == 0 ? copy->name
                                                       : arena_printf(arena, "/%s", sources[0]),
            .target = copy->name,
            .type = copy->fields[0],
            .changes = "[]",
            .destination = looking->destination,
            .action = STEP_EXTRA,
            .copy_version = copy->version,
            .copy_modified_ms = copy->modified_ms,
            .reason = unread ? problem.message
                             : removal_not_ours(engine, arena, copy, looking->destination + 1),
        };
        if (unread) {
            step.action = STEP_FAILED;
        } else if (!step.reason) {
            looking->candidates++;
            step.reason = not_proved(looking, sources, count);
            if (!step.reason)
                step.reason = two_way_edited(engine, arena, looking->destination, copy);
            if (!step.reason)
                decide(looking, copy, &step);
        }
        const struct resource *const parts[3] = {copy};
        plan_fingerprint(engine, parts, step.fingerprint);
        result = inventory_put_step(engine->inventory, &step, err);
    }
    arena_reset(arena);
    return result;
}

static int count_copy(const struct resource *copy, void *arg, struct error *err)
{
    struct looking *looking = arg;
    size_t count;
    const char *const *sources =
        scope_sources(&looking->engine->scope, &looking->scratch, copy->key, &count);
    (void)err;
    looking->engine->sides[looking->destination + 1].copies +=
        count && !looking->engine->kind->reserved(sources[0]);
    arena_reset(&looking->scratch);
    return 0;
}

/* A percentage is of all copies there, which a pass about a few names has not seen: they are
 * counted once a day, and again before too few of them forbid what many would allow. */
static int count_copies(struct looking *looking, uint64_t wanted, struct error *err)
{
    struct engine *engine = looking->engine;
    struct side *side = &engine->sides[looking->destination + 1];
    int64_t now_ms = engine->clock->monotonic_ms(engine->clock) + 1;
    bool enough = wanted <= safety_most_deletes(&engine->safety, side->copies);
    struct resource_filter filter;
    struct arena scratch;
    if (side->counted_ms && now_ms - side->counted_ms < (enough ? REMOVAL_WINDOW_MS : RECOUNT_MS))
        return 0;
    side->copies = 0;
    arena_init(&scratch);
    struct resource_ctx ctx = engine_ctx(engine, looking->destination + 1, true, &scratch);
    scope_filter(&engine->scope, &scratch, true, &filter);
    int result = engine->kind->list(&ctx, &filter, count_copy, looking, err);
    arena_done(&scratch);
    side->counted_ms = result == 0 ? now_ms : 0;
    return result;
}

/* Of how many copies are these, when so many would go? */
static int all_copies(struct looking *looking, uint64_t wanted, uint64_t *copies, struct error *err)
{
    struct engine *engine = looking->engine;
    struct side *side = &engine->sides[looking->destination + 1];
    uint64_t paired;
    if (inventory_paired(engine->inventory, looking->destination, &paired, err) != 0)
        return -1;
    /* Those in a Region that is no destination are candidates, all of them. */
    *copies = looking->candidates + (side->retired ? 0 : paired);
    if (engine->focus && engine->safety.max_is_percent) {
        if (count_copies(looking, wanted, err) != 0)
            return -1;
        *copies = side->copies;
    }
    return 0;
}

/* More than the configuration allows? An engine that stays is held to it over a day, so that many
 * deletions that come one by one are no way around. */
static int hold_to_most(struct looking *looking, struct error *err)
{
    struct engine *engine = looking->engine;
    const struct side *side = &engine->sides[looking->destination + 1];
    uint64_t copies, gone = 0, wanted = looking->deletes;
    char of[32] = "";
    if (wanted < looking->marks)
        wanted = looking->marks;
    if (engine->focus && !wanted)
        return 0;
    if (engine->options.stays)
        gone = state_removed_since(engine->state, side->link,
                                   engine->clock->now_ms(engine->clock) - REMOVAL_WINDOW_MS);
    uint64_t going = wanted + gone;
    if (all_copies(looking, going, &copies, err) != 0)
        return -1;
    uint64_t most = safety_most_deletes(&engine->safety, copies);
    if (*looking->too_many)
        return 0;
    if (!engine->focus || engine->safety.max_is_percent) /* else nobody counted them */
        snprintf(of, sizeof of, "of %llu ", (unsigned long long)copies);
    if (engine->options.stays && !side->link && wanted)
        snprintf(looking->too_many, sizeof looking->too_many,
                 "nothing is deleted: whose account %s is was not told, so that nobody counts",
                 side->config->region);
    else if (going > most)
        snprintf(looking->too_many, sizeof looking->too_many,
                 "nothing is deleted: %llu %scopies in %s would go%s and max_delete allows "
                 "%llu%s; %s lets them",
                 (unsigned long long)going, of, side->config->region,
                 engine->options.stays ? " within a day" : "", (unsigned long long)most,
                 engine->safety.max_is_percent ? " (a percentage)" : "",
                 engine->options.stays ? "max_delete: N in the configuration" : "--max-delete N");
    return 0;
}

int removal_plan(struct engine *engine, struct error *err)
{
    struct looking looking = {.engine = engine};
    struct error problem = {0};
    struct arena copies;
    arena_init(&copies);
    arena_init(&looking.scratch);
    int result = inventory_size(engine->inventory, SIDE_SOURCE, &looking.selected, err);
    for (unsigned i = 0; i + 1 < engine->side_count && result == 0; i++) {
        if (engine->sides[i + 1].failed)
            continue;
        looking.destination = i;
        looking.candidates = looking.deletes = looking.marks = 0;
        result = inventory_unpaired(engine->inventory, &copies, i, engine->sides[i + 1].retired,
                                    look_at_extra, &looking, err);
        if (result == 0 && hold_to_most(&looking, &problem) != 0) {
            if (problem.code == ERR_IO || !engine->focus) {
                *err = problem;
                result = -1;
            } else {
                snprintf(looking.too_many, sizeof looking.too_many,
                         "nothing is deleted: the copies in %s could not be counted",
                         engine->sides[i + 1].config->region);
            }
        }
    }
    arena_done(&looking.scratch);
    arena_done(&copies);
    if (result == 0 && *looking.too_many)
        result = inventory_stop_removals(engine->inventory, STEP_BLOCKED, STATUS_PLANNED,
                                         looking.too_many, err);
    return result;
}
