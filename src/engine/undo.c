#include "engine/undo.h"

#include "engine/ownership.h"
#include "engine/undo_labels.h"

#include <stdio.h>
#include <string.h>

struct undoing {
    struct engine *engine;
    const struct undo_request *request;
    struct arena arena;  /* of one record */
    struct arena values; /* likewise */
};

/* What stands at the destination now. */
struct present {
    bool exists;
    struct resource resource;      /* with its value */
    unsigned char digest[32];      /* as undo_log_digest */
    struct version_view *versions; /* when runs carry labels or versions */
    size_t version_count;
};

/* What is to be done with one copy. */
struct deed {
    struct resource want;
    struct diff diff;
    struct undo_labels labels;
};

bool undo_wants(const struct engine *engine, const struct undo_request *request,
                const struct undo_record *record)
{
    bool named = request->name_count == 0;
    const char *key = engine->kind->key_of(record->name);
    for (size_t i = 0; i < request->name_count; i++)
        named = named || strcmp(engine->kind->key_of(request->names[i]), key) == 0;
    return named &&
           (!request->deletes_only || record->action == STEP_DELETE || record->action == STEP_MARK);
}

static int look(struct undoing *undoing, const struct undo_record *record, struct present *out,
                struct error *err)
{
    struct engine *engine = undoing->engine;
    unsigned side = record->destination + 1;
    struct resource_ctx ctx = engine_ctx(engine, side, true, &undoing->arena);
    struct error problem = {0};
    *out = (struct present){0};
    if (engine->kind->describe(&ctx, record->name, &out->resource, &problem) != 0) {
        if (problem.code == ERR_NOT_FOUND)
            return 0;
        *err = problem;
        return -1;
    }
    struct reading reading = {.resource = {.key = out->resource.key, .name = out->resource.name}};
    engine_read(engine, side, true, &undoing->values, &reading, 1);
    if (reading.error.code) {
        *err = reading.error;
        return -1;
    }
    if (reading.resource.missing)
        return 0;
    if (reading.resource.version != out->resource.version)
        return error_set(err, ERR_CONFLICT, "somebody writes it at this moment");
    out->exists = true;
    out->resource.value = reading.resource.value;
    out->resource.value_len = reading.resource.value_len;
    return history_wanted(engine) ? history_versions(engine, side, &undoing->values, record->name,
                                                     &out->versions, &out->version_count, err)
                                  : 0;
}

static bool same_value(const struct resource *a, const struct resource *b)
{
    return a->value_len == b->value_len && memcmp(a->value, b->value, a->value_len) == 0;
}

/* Our own tags: a mark of absence is not put back (the grace begins anew), and what is undeleted
 * is disowned. */
static bool tag_returns(const struct undo_request *request, const struct tag *tag)
{
    return strcmp(tag->key, ABSENT_TAG) != 0 &&
           !(request->deletes_only && strcmp(tag->key, OWNER_TAG) == 0);
}

static void want_of(struct undoing *undoing, const struct undo_record *record,
                    struct resource *want)
{
    struct tag *tags = arena_calloc(&undoing->arena, record->before.tag_count + 1, sizeof *tags);
    size_t count = 0;
    for (size_t i = 0; i < record->before.tag_count; i++)
        if (tag_returns(undoing->request, &record->before.tags[i]))
            tags[count++] = record->before.tags[i];
    *want = record->before;
    want->tags = tags;
    want->tag_count = count;
}

/* What `now` lacks of `want`, our own tags and the value too. */
static void compare(struct undoing *undoing, const struct resource *want,
                    const struct resource *now, struct diff *diff)
{
    struct arena *arena = &undoing->arena;
    resource_compare(undoing->engine->kind, arena, want, now, diff);
    diff->value = want->value && !same_value(want, now);
    struct tag *set = arena_calloc(arena, diff->set_tag_count + want->tag_count + 1, sizeof *set);
    const char **removed =
        arena_calloc(arena, diff->removed_tag_count + now->tag_count + 1, sizeof *removed);
    size_t sets = 0, removes = 0;
    for (size_t i = 0; i < diff->set_tag_count; i++)
        set[sets++] = diff->set_tags[i];
    for (size_t i = 0; i < diff->removed_tag_count; i++)
        removed[removes++] = diff->removed_tags[i];
    for (size_t i = 0; i < want->tag_count; i++)
        if (tag_is_ours(want->tags[i].key) &&
            !tag_value(now->tags, now->tag_count, want->tags[i].key))
            set[sets++] = want->tags[i];
    for (size_t i = 0; i < now->tag_count; i++)
        if (tag_is_ours(now->tags[i].key) &&
            !tag_value(want->tags, want->tag_count, now->tags[i].key))
            removed[removes++] = now->tags[i].key;
    diff->set_tags = set;
    diff->set_tag_count = sets;
    diff->removed_tags = removed;
    diff->removed_tag_count = removes;
}

/* Tags but our own. */
static bool same_tags(struct undoing *undoing, const struct resource *now,
                      const struct undo_record *record)
{
    const struct resource left = {.tags = record->after_tags, .tag_count = record->after_tag_count};
    struct resource tags = {.tags = now->tags, .tag_count = now->tag_count};
    struct diff diff;
    resource_compare(undoing->engine->kind, &undoing->arena, &left, &tags, &diff);
    return diff_empty(&diff);
}

static bool same_labels(struct undoing *undoing, const struct present *now,
                        const struct undo_record *record)
{
    struct label_map labels;
    unsigned char digest[32];
    labels_of(&undoing->arena, now->versions, now->version_count, &labels);
    labels_digest(undoing->engine, &labels, digest);
    return memcmp(digest, record->after_labels, sizeof digest) == 0;
}

/* Is the copy still as the run left it? */
static bool as_left(struct undoing *undoing, const struct undo_record *record,
                    const struct present *now)
{
    if (!record->after_version || !now->exists)
        return !record->after_version && !now->exists;
    return now->resource.version == record->after_version &&
           same_tags(undoing, &now->resource, record) &&
           (!record->labels_left || !history_wanted(undoing->engine) ||
            same_labels(undoing, now, record)) &&
           (!record->value_written ||
            memcmp(now->digest, record->after_digest, sizeof now->digest) == 0);
}

/* Keeps what is about to be overwritten. */
static int keep(struct undoing *undoing, const struct undo_record *record,
                const struct present *now, const struct deed *deed, const struct step *step,
                struct error *err)
{
    struct engine *engine = undoing->engine;
    bool whole = !diff_only_tags(&deed->diff);
    struct undo_record own = {
        .destination = record->destination,
        .name = record->name,
        .action = step->action,
        .existed = now->exists,
        .before = now->resource,
        .after_version = step->action == STEP_DELETE ? 0
                         : !now->exists              ? 1
                                                     : now->resource.version + whole,
        .after_tags = deed->want.tags,
        .after_tag_count = deed->want.tag_count,
        .value_written = step->action != STEP_DELETE && (whole || !now->exists),
        .labels_kept = now->exists && history_wanted(engine),
    };
    if (own.value_written)
        undo_log_digest(engine, &deed->want, own.after_digest);
    labels_of(&undoing->arena, now->versions, now->version_count, &own.labels);
    return undo_log_append(engine->undo, &own, err) == 0 ? undo_log_sync(engine->undo, err) : -1;
}

static int write_back(struct undoing *undoing, const struct undo_record *record,
                      const struct present *now, struct deed *deed, const struct step *step,
                      struct error *err)
{
    struct engine *engine = undoing->engine;
    struct resource_ctx ctx = engine_ctx(engine, record->destination + 1, false, &undoing->arena);
    int64_t version = now->resource.version;
    if (keep(undoing, record, now, deed, step, err) != 0)
        return -1;
    if (step->action == STEP_DELETE) {
        struct resource gone = now->resource;
        return engine->kind->remove(&ctx, &gone, 1, err);
    }
    if (engine->kind->write(&ctx, &deed->want, now->exists ? &now->resource : NULL, &deed->diff,
                            &version, err) != 0)
        return -1;
    if (!deed->labels.differ)
        return 0;
    if (undo_labels_put(engine, record->destination, &undoing->values, record->name, now->versions,
                        now->version_count, &deed->labels, version, err) != 0)
        return -1;
    undo_log_labels_left(engine->undo, record->destination, record->name, &deed->labels.wanted);
    return 0;
}

static const char *conflict_of(const struct undo_record *record, const struct present *now)
{
    if (!now->exists)
        return "somebody deleted it since that run: left as it is (--force puts it back)";
    if (!record->after_version)
        return "somebody made it anew since that run: left as it is (--force writes over it)";
    return record->existed
               ? "somebody changed it since that run: left as it is (--force writes over it)"
               : "somebody changed it since that run: left as it is (--force deletes it)";
}

/* A run that carries versions without labels moves no label, unless it makes a copy again. */
static void decide_labels(struct undoing *undoing, const struct undo_record *record,
                          const struct present *now, struct deed *deed)
{
    if (!record->labels_kept || !history_wanted(undoing->engine) ||
        (!undoing->engine->labels && !undo_versions_gone(record, now->exists)))
        return;
    undo_labels_plan(&undoing->arena, record, now->versions, now->version_count,
                     !now->exists || !diff_only_tags(&deed->diff), &deed->labels);
    deed->diff.labels = now->exists && deed->labels.differ;
}

static const char *add_loss(struct arena *arena, const char *loss, const char *more)
{
    return loss && more ? arena_printf(arena, "%s; %s", loss, more) : loss ? loss : more;
}

static void decide(struct undoing *undoing, const struct undo_record *record,
                   const struct present *now, struct deed *deed, struct step *step)
{
    static const char *const everything[] = {"plain-text", "default-key", "aws:ec2:image", NULL};
    struct engine *engine = undoing->engine;
    const struct judge_options options = {
        .allowed = everything,
        .source_region = engine->config->source.region,
        .region = engine->sides[record->destination + 1].config->region,
    };
    struct verdict verdict = {0};
    struct resource *want = &deed->want;
    struct diff *diff = &deed->diff;
    *deed = (struct deed){0};
    if (record->existed) {
        want_of(undoing, record, want);
        want->value = want->value ? want->value : now->resource.value;
        want->value_len = record->before.value ? want->value_len : now->resource.value_len;
        engine->kind->judge(&undoing->arena, want, now->exists ? &now->resource : NULL, &options,
                            &verdict);
        if (now->exists)
            compare(undoing, want, &now->resource, diff);
        decide_labels(undoing, record, now, deed);
        step->loss = add_loss(&undoing->arena, verdict.loss,
                              undo_labels_loss(&undoing->arena, record, now->versions,
                                               now->version_count, now->exists));
        step->changes = plan_changes(engine->kind, &undoing->arena, diff);
    }
    step->action = !record->existed   ? (now->exists ? STEP_DELETE : STEP_EQUAL)
                   : !now->exists     ? STEP_CREATE
                   : diff_empty(diff) ? STEP_EQUAL
                                      : STEP_UPDATE;
    if (step->action == STEP_CREATE && !record->before.value) {
        step->action = STEP_BLOCKED;
        step->reason = "it is gone, and its value was not kept: that run had changed its tags only";
    } else if (step->action != STEP_EQUAL && !undoing->request->force &&
               !as_left(undoing, record, now)) {
        step->status = STATUS_CONFLICT;
        step->reason = conflict_of(record, now);
    }
}

static void undo_one(struct undoing *undoing, const struct undo_record *record, struct step *step)
{
    struct engine *engine = undoing->engine;
    const struct side *side = &engine->sides[record->destination + 1];
    struct present now;
    struct deed deed;
    struct error error = {0};
    const char *place = arena_printf(&undoing->arena, "%s/%s", *side->account ? side->account : "-",
                                     side->config->region);
    if (side->failed)
        error = side->error;
    else if (strcmp(place, record->place) != 0)
        error_set(&error, ERR_DENIED, "that run wrote to %s, these credentials lead to %s",
                  record->place, place);
    else if (look(undoing, record, &now, &error) == 0) {
        if (now.exists)
            undo_log_digest(engine, &now.resource, now.digest);
        step->copy_version = now.resource.version;
        step->copy_modified_ms = now.resource.modified_ms;
        step->type = record->existed ? record->before.fields[0] : now.resource.fields[0];
        decide(undoing, record, &now, &deed, step);
        if (step->action == STEP_EQUAL || step->action == STEP_BLOCKED || step->status ||
            undoing->request->dry_run)
            return;
        if (write_back(undoing, record, &now, &deed, step, &error) == 0) {
            step->status = STATUS_APPLIED;
            return;
        }
        step->status = STATUS_FAILED;
        step->reason = arena_strdup(&undoing->arena, error.message);
        return;
    }
    step->action = STEP_FAILED;
    step->reason = arena_strdup(&undoing->arena, error.message);
}

static int each_record(const struct undo_record *record, void *arg, struct error *err)
{
    struct undoing *undoing = arg;
    struct engine *engine = undoing->engine;
    struct step step = {
        .key = engine->kind->key_of(record->name),
        .name = record->name,
        .target = record->name,
        .changes = "[]",
        .destination = record->destination,
    };
    int result = 0;
    if (stop_wanted(engine->options.stop))
        return error_set(err, ERR_CANCELLED, "stopped: the same command goes on from here");
    if (undo_wants(engine, undoing->request, record)) {
        undo_one(undoing, record, &step);
        result = inventory_put_step(engine->inventory, &step, err);
        engine_advance(engine, 1);
    }
    arena_reset(&undoing->arena);
    arena_reset(&undoing->values);
    return result;
}

/* The whole file is read before anything is written: what is damaged is left as it stands. */
static int check_record(const struct undo_record *record, void *arg, struct error *err)
{
    const struct undoing *undoing = arg;
    return record->destination + 1 < undoing->engine->side_count
               ? 0
               : error_set(err, ERR_INVALID,
                           "what was kept of %s names a destination that is not "
                           "there",
                           record->name);
}

int undo_run(struct engine *engine, const struct undo_request *request, struct error *err)
{
    struct undoing undoing = {.engine = engine, .request = request};
    if (!engine->state)
        return error_set(err, ERR_INVALID,
                         "undo works from the state folder, and there is none: give --state");
    engine_phase(engine, "undoing", 0);
    arena_init(&undoing.arena);
    arena_init(&undoing.values);
    const char *folder = state_folder(engine->state);
    int result = undo_log_each(engine, folder, request->run, check_record, &undoing, err);
    if (result == 0)
        result = undo_log_each(engine, folder, request->run, each_record, &undoing, err);
    arena_done(&undoing.values);
    arena_done(&undoing.arena);
    return result;
}
