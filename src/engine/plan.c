/* Building a plan: list, join, decide; then plan_look.c looks at what the listings could not tell.
 */
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/counterparts.h"
#include "engine/edits.h"
#include "engine/engine.h"
#include "engine/focus.h"
#include "engine/history.h"
#include "engine/idle.h"
#include "engine/mapping.h"
#include "engine/ownership.h"
#include "engine/removal.h"
#include "engine/replace.h"
#include "engine/rewrite.h"
#include "engine/select.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- listing ---------------------------------------------------------------------------------- */
struct listing {
    struct engine *engine;
    unsigned side;
    struct arena scratch; /* of the calls */
    struct arena row;     /* of one resource */
    struct error error;
    int result;
};

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
    if (engine->focus)
        focus_filter(engine->focus, &memory, listing->side != SIDE_SOURCE, &filter);
    else
        scope_filter(&engine->scope, &memory, listing->side != SIDE_SOURCE, &filter);
    listing->result = engine->kind->list(&ctx, &filter, keep_resource, listing, &listing->error);
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
    listing->result = engine->kind->list_tags(&ctx, keep_tags, listing, &listing->error);
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

static int list_sides(struct engine *engine, struct error *err)
{
    struct listing *listings =
        arena_calloc(&engine->pass, 2 * engine->side_count, sizeof *listings);
    engine_phase(engine, "listing", 0);
    for (unsigned i = 0; i < 2 * engine->side_count; i++) {
        /* Its credentials were refused; or tags are read name by name. */
        if (engine->sides[i / 2].failed || (i % 2 && (engine->focus || !engine->kind->list_tags)))
            continue;
        listings[i] = (struct listing){.engine = engine, .side = i / 2};
        arena_init(&listings[i].scratch);
        arena_init(&listings[i].row);
        workers_run(engine->workers, i % 2 ? list_tags_job : list_job, &listings[i]);
    }
    workers_wait(engine->workers);
    for (unsigned i = 0; i < engine->side_count; i++) {
        struct side *side = &engine->sides[i];
        if (side->failed)
            continue;
        side->failed = listings[2 * i].result != 0;
        side->error = listings[2 * i].error;
        take_tag_listing(engine, &listings[2 * i + 1]);
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

/* --- tags, where the tagging API does not serve ------------------------------------------------
 */
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

static int read_tags_of_side(struct engine *engine, unsigned side, struct error *err)
{
    char *after = memory_strdup("");
    int result;
    for (;;) {
        struct tag_work *work = memory_alloc(sizeof *work);
        work->engine = engine;
        work->side = side;
        arena_init(&work->arena);
        result = inventory_keys(engine->inventory, &work->arena, side, after, RESOURCE_READ_MAX,
                                work->keys, work->names, &work->count, err);
        if (result != 0 || work->count == 0) {
            arena_done(&work->arena);
            free(work);
            break;
        }
        free(after);
        after = memory_strdup(work->keys[work->count - 1]);
        workers_run(engine->workers, read_tags_job, work);
    }
    free(after);
    workers_wait(engine->workers);
    return result;
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

/* --- deciding --------------------------------------------------------------------------------- */
static void digest_side(const struct resource_kind *kind, const struct resource *resource,
                        struct buf *text)
{
    buf_printf(text, "\n%lld %lld ", (long long)resource->version,
               (long long)resource->modified_ms);
    fields_write(kind, resource, text);
    tags_write(resource->tags, resource->tag_count, text);
}

void plan_fingerprint(const struct engine *engine, const struct resource *const parts[3],
                      char out[33])
{
    struct buf text;
    unsigned char digest[SHA256_SIZE];
    buf_init(&text, 256 * 1024);
    for (size_t i = 0; i < 3; i++)
        if (parts[i])
            digest_side(engine->kind, parts[i], &text);
    digest_hmac_sha256(engine->plan_key, sizeof engine->plan_key, text.data, text.len, digest);
    digest_hex(digest, 16, out);
    buf_done(&text);
}

void plan_pair_fingerprint(const struct engine *engine, const struct pair *pair,
                           const struct resource *want, char out[33])
{
    const struct resource *const parts[] = {&pair->source, want, pair->exists ? &pair->have : NULL};
    plan_fingerprint(engine, parts, out);
}

const char *plan_changes(const struct resource_kind *kind, struct arena *arena,
                         const struct diff *diff)
{
    size_t count;
    const char *const *labels = diff_labels(kind, arena, diff, &count);
    struct buf text;
    struct json_writer w;
    buf_init(&text, 64 * 1024);
    json_writer_init(&w, &text);
    json_open_list(&w);
    for (size_t i = 0; i < count; i++)
        json_write_text(&w, labels[i]);
    json_close_list(&w);
    const char *result = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return result;
}

void plan_compare(struct engine *engine, unsigned destination, struct arena *arena,
                  const struct resource *want, const struct resource *have, struct diff *diff)
{
    const struct resource_kind *kind = engine->kind;
    resource_compare(kind, arena, want, have, diff);
    for (size_t i = 0; i < kind->slot_count; i++)
        if ((diff->fields & 1u << i) && kind->fields[i].rule == FIELD_KEY && want->fields[i] &&
            have->fields[i] &&
            key_names_same(&engine->sides[destination + 1].keys, want->fields[i], have->fields[i]))
            diff->fields &= ~(1u << i);
    ownership_compare(arena, want, have, engine->safety.adopt, diff);
}

static const char no_room[] = "not marked as ours: it has all 50 tags, so `deletes: owned` leaves "
                              "it alone";

void plan_decide(struct engine *engine, struct arena *arena, const struct pair *pair,
                 unsigned destination, enum value_state value, bool tags_sure, struct step *out,
                 struct resource *want, struct diff *diff)
{
    const struct resource_kind *kind = engine->kind;
    const struct config_side *side = &engine->config->destinations[destination];
    const struct resource *have = pair->exists ? &pair->have : NULL;
    struct translation translation;
    struct verdict verdict;
    mapping_translate(kind, &engine->scope, side, arena, &pair->source, &translation);
    const struct judge_options options = {
        .allowed = engine->config->allow,
        .source_region = engine->config->source.region,
        .region = side->region,
        .source_account = engine->sides[SIDE_SOURCE].account,
        .account = engine->sides[destination + 1].account,
        .settings = &engine->settings,
        .value_known = pair->aim && !pair->aim->blocked,
        .value_len = pair->aim ? pair->aim->value_len : 0,
        .may_be_rewritten = kind->read && rewrite_may_touch(engine->config, side, &pair->source),
        .rewritten = pair->aim && pair->aim->note,
        .tier = side->tier ? side->tier : engine->config->tier,
        .may_replace = replace_allowed(engine->config, pair->source.key),
        .now_ms = engine->clock->now_ms(engine->clock),
    };
    int marked = ownership_mark(arena, engine->owner, &translation.want);
    kind->judge(arena, &translation.want, have, &options, &verdict);
    if (marked != 0 && !have && !verdict.loss)
        verdict.loss = no_room;
    *out = (struct step){
        .key = pair->source.key,
        .name = pair->source.name,
        .target = translation.want.name,
        .type = pair->source.fields[0],
        .changes = "[]",
        .note =
            mapping_note(arena,
                         mapping_note(arena, translation.note, pair->aim ? pair->aim->note : NULL),
                         verdict.note),
        .hint = pair->aim ? pair->aim->hint : NULL,
        .loss = verdict.loss ? verdict.loss : translation.loss,
        .reason = verdict.blocked ? verdict.blocked : translation.blocked,
        .destination = destination,
        .source_version = pair->source.version,
        .source_modified_ms = pair->source.modified_ms,
        .copy_version = have ? have->version : 0,
        .copy_modified_ms = have ? have->modified_ms : 0,
        .value_differs = value == VALUE_DIFFERS,
    };
    if (!out->reason && pair->aim)
        out->reason = pair->aim->blocked;
    if (!out->reason && !have)
        out->reason = verdict.unwritable;
    *want = translation.want;
    *diff = (struct diff){0};
    if (!out->reason && history_wanted(engine) && !pair->history)
        out->unsure |= UNSURE_HISTORY;
    if (pair->history && !out->loss)
        out->loss = pair->history->loss;
    if (pair->history) {
        out->versions = (unsigned)pair->history->count;
        out->label_takes = (unsigned)pair->history->takes;
        out->label_puts = (unsigned)pair->history->puts;
    }
    if (!out->reason && !tags_sure && (engine->focus || (!have && two_way_is(engine->config))))
        out->unsure |= UNSURE_TAGS;
    if (out->reason || !have) {
        out->action = out->reason ? STEP_BLOCKED : STEP_CREATE;
        if (pair->history && pair->history->count > 1)
            out->note = mapping_note(arena, out->note,
                                     arena_printf(arena, "%zu versions", pair->history->count));
        /* A rule's work is shown before it is done. */
        if (!out->reason && !pair->aim && options.may_be_rewritten)
            out->unsure |= UNSURE_VALUE;
        const char *gone =
            out->unsure ? NULL : two_way_gone(engine, arena, destination, &pair->source);
        if (!out->reason && gone) {
            out->action = STEP_EXTRA;
            out->reason = gone;
        }
        return;
    }
    plan_compare(engine, destination, arena, want, have, diff);
    diff->value = value == VALUE_DIFFERS;
    diff->labels = pair->history && pair->history->labels_differ;
    diff->history = pair->history && pair->history->count > 1;
    out->changes = plan_changes(kind, arena, diff);
    out->action = diff_empty(diff) ? STEP_EQUAL : STEP_UPDATE;
    if (verdict.replace) {
        out->replaces = true;
        out->versions = 1;
        out->label_takes = 0;
        out->label_puts = pair->history ? (unsigned)pair->history->puts_anew : 0;
        out->note =
            mapping_note(arena, out->note,
                         arena_printf(arena, "deleted and made again: %s", verdict.replace));
    }
    const char *edit = out->action == STEP_UPDATE && !two_way_is(engine->config)
                           ? edit_of(engine, arena, destination, pair)
                           : NULL;
    if (edit && engine->safety.on_edit != ON_EDIT_OVERWRITE) {
        bool keep = engine->safety.on_edit == ON_EDIT_KEEP;
        out->action = keep ? STEP_KEPT : STEP_BLOCKED;
        out->reason =
            arena_printf(arena, "%s: %s", edit, keep ? "kept" : "not overwritten (on_edit: fail)");
        return;
    }
    out->note = mapping_note(arena, out->note, edit);
    if (verdict.unwritable && !diff_only_tags(diff)) {
        out->action = STEP_BLOCKED;
        out->reason = verdict.unwritable;
        return;
    }
    if (value == VALUE_UNKNOWN || verdict.depends)
        out->unsure |= UNSURE_VALUE;
    /* The tagging API answers from an index that may lag: a difference is looked at once more
     * before anything is written for it. */
    if (!tags_sure && (diff->set_tag_count || diff->removed_tag_count || pair->known.unfinished))
        out->unsure |= UNSURE_TAGS;
    const char *loss = verdict.loss ? verdict.loss : pair->history ? pair->history->loss : NULL;
    if (out->action == STEP_EQUAL && !out->unsure && loss) {
        out->action = STEP_BLOCKED;
        out->reason = loss;
    }
    if (out->action == STEP_UPDATE && !out->unsure) {
        const char *over;
        out->reason = two_way_yields(engine, arena, destination, pair, diff, &over);
        out->action = out->reason ? STEP_KEPT : STEP_UPDATE;
        out->note = mapping_note(arena, out->note, over);
    }
}

struct joining {
    struct engine *engine;
    unsigned destination;
    struct arena scratch;
};

static int join_pair(const struct pair *pair, void *arg, struct error *err)
{
    struct joining *joining = arg;
    struct engine *engine = joining->engine;
    bool tags_sure =
        engine->kind->fill || (!engine->focus && engine->sides[SIDE_SOURCE].tags_one_by_one &&
                               engine->sides[joining->destination + 1].tags_one_by_one);
    struct step step;
    struct resource want;
    struct diff diff;
    struct pair recalled = *pair;
    idle_see(engine, joining->destination, &pair->source);
    engine_recall(engine, joining->destination, &recalled);
    enum value_state value =
        !engine->kind->read || engine_value_known(engine, joining->destination, &recalled)
            ? VALUE_SAME
            : VALUE_UNKNOWN;
    plan_decide(engine, &joining->scratch, &recalled, joining->destination, value, tags_sure, &step,
                &want, &diff);
    plan_pair_fingerprint(engine, pair, &want, step.fingerprint);
    if (step.action == STEP_EQUAL && !step.unsure)
        two_way_keep_tags(engine, joining->destination, pair);
    const char *unseen = fill_failure(engine, joining->destination, pair->source.key, want.key);
    if (unseen) {
        step.action = STEP_FAILED;
        step.unsure = 0;
        step.reason = unseen;
    }
    int result = inventory_put_step(engine->inventory, &step, err);
    arena_reset(&joining->scratch);
    return result;
}

static int join_sides(struct engine *engine, struct error *err)
{
    const char *target;
    if (inventory_collision(engine->inventory, &engine->pass, &target, err) != 0)
        return -1;
    if (target)
        return error_set(err, ERR_INVALID,
                         "rename gives two %s the same name at the destination: %s",
                         engine->kind->nouns, target);
    struct joining joining = {.engine = engine};
    idle_begin(engine);
    struct arena pairs;
    arena_init(&joining.scratch);
    arena_init(&pairs);
    int result = 0;
    for (unsigned i = 0; i + 1 < engine->side_count && result == 0; i++) {
        joining.destination = i;
        if (!engine->sides[i + 1].failed && !engine->sides[i + 1].retired)
            result = inventory_join(engine->inventory, &pairs, i, join_pair, &joining, err);
    }
    arena_done(&pairs);
    arena_done(&joining.scratch);
    return result;
}

int plan_build(struct engine *engine, struct error *err)
{
    if (list_sides(engine, err) == 0 && plan_fill(engine, err) == 0 &&
        complete_tags(engine, err) == 0 && select_sides(engine, err) == 0 &&
        counterparts_plan(engine, err) == 0 && join_sides(engine, err) == 0 &&
        removal_plan(engine, err) == 0 && plan_look(engine, err) == 0)
        return 0;
    engine->stopped = err->code == ERR_CANCELLED;
    return -1;
}
