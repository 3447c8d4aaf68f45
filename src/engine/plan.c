/* Building a plan: plan_list.c lists, here is joined and decided; then plan_look.c looks at what
 * the listings could not tell. */
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
#include "engine/presence.h"
#include "engine/removal.h"
#include "engine/replace.h"
#include "engine/rewrite.h"
#include "engine/select.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- deciding --------------------------------------------------------------------------------- */
static void digest_side(const struct resource_kind *kind, const struct resource *resource,
                        struct buf *text)
{
    buf_printf(text, "\n%lld %lld ", (long long)resource->version,
               (long long)resource->modified_ms);
    struct resource held = *resource;
    for (size_t i = 0; i < kind->slot_count; i++)
        if (kind->fields[i].rule == FIELD_SHOWN)
            held.fields[i] = NULL;
    fields_write(kind, &held, text);
    tags_write(resource->tags, resource->tag_count, text);
}

void plan_fingerprint(const struct engine *engine, const struct resource *const parts[3],
                      char out[33])
{
    struct buf text;
    unsigned char digest[SHA256_SIZE];
    out[0] = '\0';
    if (engine->focus) /* no plan is saved of a few names */
        return;
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

/* Would it come under a multi-Region key that is not there? */
static void check_keys(const struct engine *engine, struct arena *arena, unsigned destination,
                       const struct resource *have, struct translation *out)
{
    const struct resource_kind *kind = engine->kind;
    for (size_t i = 0; i < kind->slot_count && engine->keys_seen && !out->blocked; i++) {
        const char *key = kind->fields[i].rule == FIELD_KEY ? out->want.fields[i] : NULL, *note;
        if (!key || (have && have->fields[i] &&
                     key_names_same(&engine->sides[destination + 1].keys, key, have->fields[i])))
            continue;
        out->blocked = presence_problem(engine, destination, key, &note);
        out->note = mapping_note(arena, out->note, note);
    }
}

/* One pair on its way to a step. */
struct deciding {
    struct engine *engine;
    struct arena *arena;
    const struct pair *pair;
    const struct resource *have; /* NULL: there is no copy */
    unsigned destination;
    enum value_state value;
    bool tags_sure, may_be_rewritten;
    struct translation translation;
    struct verdict verdict;
};

static void judge(struct deciding *deciding)
{
    struct engine *engine = deciding->engine;
    const struct pair *pair = deciding->pair;
    const struct config_side *side = &engine->config->destinations[deciding->destination];
    struct resource *want = &deciding->translation.want;
    mapping_translate(engine->kind, &engine->scope, side, deciding->arena, &pair->source,
                      &deciding->translation);
    check_keys(engine, deciding->arena, deciding->destination, deciding->have,
               &deciding->translation);
    deciding->may_be_rewritten =
        engine->kind->read && rewrite_may_touch(engine->config, side, &pair->source);
    const struct judge_options options = {
        .allowed = engine->config->allow,
        .source_region = engine->config->source.region,
        .region = side->region,
        .source_account = engine->sides[SIDE_SOURCE].account,
        .account = engine->sides[deciding->destination + 1].account,
        .settings = &engine->settings,
        .value_known = pair->aim && !pair->aim->blocked,
        .value_len = pair->aim ? pair->aim->value_len : 0,
        .may_be_rewritten = deciding->may_be_rewritten,
        .rewritten = pair->aim && pair->aim->note,
        .tier = side->tier ? side->tier : engine->config->tier,
        .may_replace = replace_allowed(engine->config, pair->source.key),
        .now_ms = engine->clock->now_ms(engine->clock),
    };
    int marked = ownership_mark(deciding->arena, engine->owner, want);
    engine->kind->judge(deciding->arena, want, deciding->have, &options, &deciding->verdict);
    if (marked != 0 && !deciding->have && !deciding->verdict.loss)
        deciding->verdict.loss = no_room;
}

/* What is known before the sides are compared. */
static void begin_step(const struct deciding *deciding, struct step *out)
{
    const struct pair *pair = deciding->pair;
    const struct resource *have = deciding->have;
    const struct translation *translation = &deciding->translation;
    const struct verdict *verdict = &deciding->verdict;
    struct arena *arena = deciding->arena;
    const char *note = mapping_note(arena, translation->note, pair->aim ? pair->aim->note : NULL);
    *out = (struct step){
        .key = pair->source.key,
        .name = pair->source.name,
        .target = translation->want.name,
        .type = pair->source.fields[0],
        .changes = "[]",
        .note = mapping_note(arena, note, verdict->note),
        .hint = pair->aim ? pair->aim->hint : NULL,
        .loss = verdict->loss ? verdict->loss : translation->loss,
        .details = verdict->details,
        .reason = verdict->blocked ? verdict->blocked : translation->blocked,
        .destination = deciding->destination,
        .source_version = pair->source.version,
        .source_modified_ms = pair->source.modified_ms,
        .copy_version = have ? have->version : 0,
        .copy_modified_ms = have ? have->modified_ms : 0,
        .value_differs = deciding->value == VALUE_DIFFERS,
    };
    if (!out->reason && pair->aim)
        out->reason = pair->aim->blocked;
    if (!out->reason && !have)
        out->reason = verdict->unwritable;
    if (!out->reason && history_wanted(deciding->engine) && !pair->history)
        out->unsure |= UNSURE_HISTORY;
    if (pair->history && !out->loss)
        out->loss = pair->history->loss;
    if (pair->history) {
        out->versions = (unsigned)pair->history->count;
        out->label_takes = (unsigned)pair->history->takes;
        out->label_puts = (unsigned)pair->history->puts;
    }
    if (!out->reason && !deciding->tags_sure &&
        (deciding->engine->focus || (!have && two_way_is(deciding->engine->config))))
        out->unsure |= UNSURE_TAGS;
}

/* There is no copy, or what is there is left alone. */
static void decide_without_copy(const struct deciding *deciding, struct step *out)
{
    const struct pair *pair = deciding->pair;
    struct arena *arena = deciding->arena;
    out->action = out->reason ? STEP_BLOCKED : STEP_CREATE;
    if (pair->history && pair->history->count > 1)
        out->note = mapping_note(arena, out->note,
                                 arena_printf(arena, "%zu versions", pair->history->count));
    /* A rule's work is shown before it is done. */
    if (!out->reason && !pair->aim && deciding->may_be_rewritten)
        out->unsure |= UNSURE_VALUE;
    const char *gone =
        out->unsure ? NULL
                    : two_way_gone(deciding->engine, arena, deciding->destination, &pair->source);
    if (!out->reason && gone) {
        out->action = STEP_EXTRA;
        out->reason = gone;
    }
}

/* Somebody edited the copy: true when that settles it. */
static bool decide_edited(const struct deciding *deciding, struct step *out)
{
    const struct engine *engine = deciding->engine;
    const char *edit =
        out->action == STEP_UPDATE && !two_way_is(engine->config)
            ? edit_of(deciding->engine, deciding->arena, deciding->destination, deciding->pair)
            : NULL;
    if (!edit || engine->safety.on_edit == ON_EDIT_OVERWRITE) {
        out->note = mapping_note(deciding->arena, out->note, edit);
        return false;
    }
    bool keep = engine->safety.on_edit == ON_EDIT_KEEP;
    out->action = keep ? STEP_KEPT : STEP_BLOCKED;
    out->reason = arena_printf(deciding->arena, "%s: %s", edit,
                               keep ? "kept" : "not overwritten (on_edit: fail)");
    return true;
}

static void decide_with_copy(const struct deciding *deciding, const struct resource *want,
                             struct step *out, struct diff *diff)
{
    struct engine *engine = deciding->engine;
    struct arena *arena = deciding->arena;
    const struct pair *pair = deciding->pair;
    const struct verdict *verdict = &deciding->verdict;
    plan_compare(engine, deciding->destination, arena, want, deciding->have, diff);
    diff->value = deciding->value == VALUE_DIFFERS;
    diff->labels = pair->history && pair->history->labels_differ;
    diff->history = pair->history && pair->history->count > 1;
    out->changes = plan_changes(engine->kind, arena, diff);
    out->action = diff_empty(diff) ? STEP_EQUAL : STEP_UPDATE;
    if (verdict->replace) {
        out->replaces = true;
        out->versions = 1;
        out->label_takes = 0;
        out->label_puts = pair->history ? (unsigned)pair->history->puts_anew : 0;
        out->note =
            mapping_note(arena, out->note,
                         arena_printf(arena, "deleted and made again: %s", verdict->replace));
    }
    if (decide_edited(deciding, out))
        return;
    if (verdict->unwritable && !diff_only_tags(diff)) {
        out->action = STEP_BLOCKED;
        out->reason = verdict->unwritable;
        return;
    }
    if (deciding->value == VALUE_UNKNOWN || verdict->depends)
        out->unsure |= UNSURE_VALUE;
    /* The tagging API answers from an index that may lag: a difference is looked at once more
     * before anything is written for it. */
    if (!deciding->tags_sure &&
        (diff->set_tag_count || diff->removed_tag_count || pair->known.unfinished))
        out->unsure |= UNSURE_TAGS;
    const char *loss = verdict->loss ? verdict->loss : pair->history ? pair->history->loss : NULL;
    if (out->action == STEP_EQUAL && !out->unsure && loss) {
        out->action = STEP_BLOCKED;
        out->reason = loss;
    }
    if (out->action == STEP_UPDATE && !out->unsure) {
        const char *over;
        out->reason = two_way_yields(engine, arena, deciding->destination, pair, diff, &over);
        out->action = out->reason ? STEP_KEPT : STEP_UPDATE;
        out->note = mapping_note(arena, out->note, over);
    }
}

void plan_decide(struct engine *engine, struct arena *arena, const struct pair *pair,
                 unsigned destination, enum value_state value, bool tags_sure, struct step *out,
                 struct resource *want, struct diff *diff)
{
    struct deciding deciding = {
        .engine = engine,
        .arena = arena,
        .pair = pair,
        .have = pair->exists ? &pair->have : NULL,
        .destination = destination,
        .value = value,
        .tags_sure = tags_sure,
    };
    judge(&deciding);
    begin_step(&deciding, out);
    *want = deciding.translation.want;
    *diff = (struct diff){0};
    if (out->reason || !deciding.have)
        decide_without_copy(&deciding, out);
    else
        decide_with_copy(&deciding, want, out, diff);
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
    const char *target = NULL;
    bool alone = engine->focus && focus_count(engine->focus) == 1;
    if (!alone && inventory_collision(engine->inventory, &engine->pass, &target, err) != 0)
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
    engine->stopped = false;
    if (!engine->joined)
        engine->joined = plan_list(engine, err) == 0 && select_sides(engine, err) == 0 &&
                         counterparts_plan(engine, err) == 0 && presence_look(engine, err) == 0 &&
                         join_sides(engine, err) == 0 && removal_plan(engine, err) == 0;
    if (engine->joined && plan_look(engine, err) == 0 && presence_note_plan(engine, err) == 0)
        return 0;
    engine->stopped = err->code == ERR_CANCELLED;
    return -1;
}
