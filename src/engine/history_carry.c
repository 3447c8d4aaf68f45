/* Reading and writing histories. How they are lined up is in history.c. */
#include "base/buf.h"
#include "base/digest.h"
#include "engine/history.h"
#include "engine/mapping.h"
#include "engine/rewrite.h"

#include <string.h>

/* One side's versions. */
struct versions {
    struct revision *rows;
    struct version_view *views;
    size_t count;
};

/* Of what one version is: not of what only the present has, nor of how it is encrypted. */
static void digest_content(struct engine *engine, const struct resource *resource,
                           unsigned char out[SHA256_SIZE])
{
    const struct resource_kind *kind = engine->kind;
    struct buf text;
    buf_init(&text, 256 * 1024);
    for (size_t i = 0; i < kind->slot_count; i++) {
        const struct field *field = &kind->fields[i];
        if (field->of_present || field->rule == FIELD_KEY)
            continue;
        buf_printf(&text, "%zu=%s\n", i, resource->fields[i] ? resource->fields[i] : "");
    }
    buf_append(&text, resource->value, resource->value_len);
    digest_hmac_sha256(engine->digest_key, sizeof engine->digest_key, buf_text(&text), text.len,
                       out);
    buf_done(&text);
}

static int read_versions(struct engine *engine, unsigned side, struct arena *values,
                         const char *name, struct versions *out, struct error *err)
{
    struct resource_ctx ctx = engine_ctx(engine, side, true, values);
    struct error problem = {0};
    if (engine->kind->read_history(&ctx, name, &out->rows, &out->count, &problem) != 0) {
        if (side != SIDE_SOURCE && problem.code == ERR_NOT_FOUND)
            return 0; /* there is no copy yet */
        *err = problem;
        return -1;
    }
    out->views = arena_calloc(values, out->count + 1, sizeof *out->views);
    for (size_t i = 0; i < out->count; i++)
        out->views[i] = (struct version_view){
            .version = out->rows[i].resource.version,
            .modified_ms = out->rows[i].resource.modified_ms,
            .labels = out->rows[i].labels,
            .label_count = out->rows[i].label_count,
        };
    return 0;
}

/* The source's versions as they would be at the destination. */
static int aim_versions(struct engine *engine, unsigned destination, struct arena *values,
                        struct versions *versions, struct error *err)
{
    const struct config_side *side = &engine->config->destinations[destination];
    for (size_t i = 0; i < versions->count; i++) {
        struct resource *row = &versions->rows[i].resource;
        struct rewritten rewritten;
        struct translation translation;
        if (rewrite_value(engine->config, side, values, row, row->value, row->value_len, &rewritten,
                          err) != 0)
            return -1;
        mapping_translate(engine->kind, &engine->scope, side, values, row, &translation);
        translation.want.value = rewritten.value;
        translation.want.value_len = rewritten.len;
        *row = translation.want;
        digest_content(engine, row, versions->views[i].digest);
    }
    return 0;
}

struct both {
    struct versions source, copy;
    struct history_plan plan;
};

static int read_both(struct engine *engine, unsigned destination, struct arena *values,
                     const struct pair *pair, const char *copy_name, struct both *out,
                     struct error *err)
{
    *out = (struct both){0};
    if (read_versions(engine, SIDE_SOURCE, values, pair->source.name, &out->source, err) != 0 ||
        aim_versions(engine, destination, values, &out->source, err) != 0 ||
        (copy_name &&
         read_versions(engine, destination + 1, values, copy_name, &out->copy, err) != 0))
        return -1;
    for (size_t i = 0; i < out->copy.count; i++)
        digest_content(engine, &out->copy.rows[i].resource, out->copy.views[i].digest);
    const struct versions *source = &out->source;
    if (!source->count || source->views[source->count - 1].version != pair->source.version)
        return error_set(err, ERR_CONFLICT, "the source changed since it was listed: plan again");
    history_decide(values, source->views, source->count, out->copy.views, out->copy.count,
                   engine->history, pair->known.unfinished, engine->labels, &out->plan);
    return 0;
}

int history_look(struct engine *engine, unsigned destination, struct arena *arena,
                 struct arena *values, const struct pair *pair, struct history_plan *out,
                 struct error *err)
{
    struct both both;
    if (read_both(engine, destination, values, pair, pair->exists ? pair->have.name : NULL, &both,
                  err) != 0)
        return -1;
    *out = both.plan;
    if (out->loss)
        out->loss = arena_strdup(arena, out->loss);
    return 0;
}

int history_replay(struct engine *engine, unsigned destination, struct arena *arena,
                   struct arena *values, const struct pair *pair, const struct resource *want,
                   struct resource *have, bool *exists, bool *due, struct error *err)
{
    struct both both;
    const char *copy = *exists ? have->name : pair->known.unfinished ? want->name : NULL;
    if (read_both(engine, destination, values, pair, copy, &both, err) != 0)
        return -1;
    if (!*exists && both.copy.count) {
        resource_copy(engine->kind, arena, &both.copy.rows[both.copy.count - 1].resource, have);
        *exists = true;
    }
    const struct diff changed = {.value = true};
    *due = both.plan.first < both.source.count;
    for (size_t i = both.plan.first; i + 1 < both.source.count; i++) {
        struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, values);
        struct resource row = both.source.rows[i].resource;
        int64_t version = 0;
        /* Tier, policies and tags are the present's; a tier could not be lowered again. */
        for (size_t f = 0; f < engine->kind->slot_count; f++)
            if (engine->kind->fields[f].of_present)
                row.fields[f] = engine->kind->fields[f].deferred ? NULL : want->fields[f];
        row.tags = want->tags;
        row.tag_count = want->tag_count;
        if (engine->kind->write(&ctx, &row, *exists ? have : NULL, &changed, &version, err) != 0)
            return error_context(err, "version %lld of the source",
                                 (long long)both.source.views[i].version);
        resource_copy(engine->kind, arena, &row, have);
        have->version = version;
        *exists = true;
    }
    return 0;
}

int history_versions(struct engine *engine, unsigned side, struct arena *values, const char *name,
                     struct version_view **out, size_t *count, struct error *err)
{
    struct versions versions = {0};
    if (read_versions(engine, side, values, name, &versions, err) != 0)
        return -1;
    *out = versions.views;
    *count = versions.count;
    return 0;
}

int history_keep_labels(struct engine *engine, unsigned destination, struct arena *values,
                        const char *name, struct undo_record *record, struct error *err)
{
    struct version_view *versions;
    size_t count;
    if (!history_wanted(engine))
        return 0;
    if (history_versions(engine, destination + 1, values, name, &versions, &count, err) != 0)
        return -1;
    record->labels_kept = true;
    labels_of(values, versions, count, &record->labels);
    return 0;
}

int history_label(struct engine *engine, unsigned destination, struct arena *values,
                  const struct pair *pair, const struct resource *want, struct error *err)
{
    struct both both;
    struct label_map wanted;
    const char *name = pair->exists ? pair->have.name : want->name;
    if (read_both(engine, destination, values, pair, name, &both, err) != 0)
        return -1;
    history_labels(values, both.source.views, both.source.count, both.copy.views, both.copy.count,
                   &wanted);
    if (labels_put(engine, destination, values, name, both.copy.views, both.copy.count, &wanted,
                   err) != 0)
        return -1;
    undo_log_labels_left(engine->undo, destination, name, &wanted);
    return 0;
}

bool history_make_room(struct engine *engine, unsigned destination, struct arena *values,
                       const char *name)
{
    struct resource_ctx ctx = engine_ctx(engine, destination + 1, false, values);
    struct versions copy = {0};
    struct error problem = {0};
    if (!engine->labels || !engine->kind->read_history ||
        read_versions(engine, destination + 1, values, name, &copy, &problem) != 0 ||
        copy.count < 2 || !copy.views[0].label_count)
        return false;
    return engine->kind->put_labels(&ctx, name, copy.views[copy.count - 1].version,
                                    copy.views[0].labels, copy.views[0].label_count, &problem) == 0;
}
