/* What a run kept, read again. */
#include "engine/undo_log_intern.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/seal.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/plan_file.h"

#include <dirent.h>
#include <stdlib.h>

static int newest_first(const void *a, const void *b)
{
    return strcmp(*(const char *const *)b, *(const char *const *)a);
}

const char **undo_log_runs(struct arena *arena, const char *state_folder)
{
    DIR *dir = opendir(arena_printf(arena, "%s/undo", state_folder));
    const struct dirent *entry;
    size_t count = 0, room = 0;
    const char **runs = NULL;
    while (dir && (entry = readdir(dir))) {
        if (!text_ends(entry->d_name, UNDO_SUFFIX))
            continue;
        if (count == room) {
            room = room ? 2 * room : 64;
            runs = memory_realloc((void *)runs, room * sizeof *runs);
        }
        runs[count++] =
            arena_strndup(arena, entry->d_name, strlen(entry->d_name) - (sizeof UNDO_SUFFIX - 1));
    }
    if (dir)
        closedir(dir);
    const char **result = arena_calloc(arena, count + 1, sizeof *result);
    for (size_t i = 0; i < count; i++)
        result[i] = runs[i];
    free((void *)runs);
    qsort(result, count, sizeof *result, newest_first);
    return result;
}

/* A walk through a file, line by line. */
struct walk {
    const char *path;
    FILE *file;
    char *line;
    size_t room;
};

static int walk_open(struct walk *walk, struct arena *arena, const char *state_folder,
                     const char *run, struct error *err)
{
    *walk = (struct walk){.path = undo_log_file(arena, state_folder, run)};
    if (strchr(run, '/') || !(walk->file = fopen(walk->path, "re")))
        return error_set(err, ERR_NOT_FOUND,
                         "nothing is kept of run %s: `understudy undo` lists what can be undone",
                         run);
    return 0;
}

static void walk_close(struct walk *walk)
{
    if (walk->line)
        explicit_bzero(walk->line, walk->room);
    free(walk->line);
    if (walk->file)
        fclose(walk->file);
}

/* The next line; NULL at the end, or where the file is wrong: then err->code is set. A last line
 * without its end was being written when the run was killed: what it announced was never sent. */
static json_t *walk_next(struct walk *walk, struct error *err)
{
    ssize_t len = getline(&walk->line, &walk->room, walk->file);
    if (len <= 0 || walk->line[len - 1] != '\n')
        return NULL;
    json_t *line = json_read(walk->line, (size_t)len, NULL);
    if (!line)
        error_set(err, ERR_INVALID, "%s is damaged", walk->path);
    return line;
}

static json_t *walk_header(struct walk *walk, struct error *err)
{
    struct error problem = {0};
    json_t *header = walk_next(walk, &problem);
    if (header && strcmp(json_text_or(header, "type", ""), "undo") == 0 &&
        json_int_or(header, "format", 0) == UNDO_FORMAT)
        return header;
    json_decref(header);
    error_set(err, ERR_INVALID, "%s was not written by this version of undo", walk->path);
    return NULL;
}

int undo_log_config(struct arena *arena, const char *state_folder, const char *run,
                    struct config_set *out, struct error *err)
{
    struct walk walk;
    int result = -1;
    if (walk_open(&walk, arena, state_folder, run, err) != 0)
        return -1;
    json_t *header = walk_header(&walk, err);
    char *text = header ? json_dumps(json_object_get(header, "config"), JSON_COMPACT) : NULL;
    if (text)
        result = config_parse(arena, walk.path, text, strlen(text), out, err);
    else if (header)
        error_set(err, ERR_INVALID, "%s is damaged", walk.path);
    free(text);
    json_decref(header);
    walk_close(&walk);
    return result;
}

struct left {
    struct left *next;
    unsigned destination;
    const char *name;
    int64_t version;    /* 0: not told */
    const char *labels; /* a digest as hex; NULL: likewise */
};

/* What came out otherwise than foretold, or could not be foretold. */
static int read_left(struct arena *arena, const char *state_folder, const char *run,
                     struct left **out, struct error *err)
{
    struct walk walk;
    struct error problem = {0};
    json_t *line;
    *out = NULL;
    if (walk_open(&walk, arena, state_folder, run, err) != 0)
        return -1;
    while ((line = walk_next(&walk, &problem))) {
        const char *name = json_text(line, "name");
        if (name && strcmp(json_text_or(line, "type", ""), "left") == 0) {
            struct left *left = arena_alloc(arena, sizeof *left);
            const char *labels = json_text(line, "labels");
            *left = (struct left){*out, (unsigned)json_int_or(line, "destination", 0),
                                  arena_strdup(arena, name), json_int_or(line, "version", 0),
                                  labels ? arena_strdup(arena, labels) : NULL};
            *out = left;
        }
        json_decref(line);
    }
    walk_close(&walk);
    if (problem.code)
        *err = problem;
    return problem.code ? -1 : 0;
}

static int read_tag_object(struct arena *arena, const json_t *object, const struct tag **tags,
                           size_t *count)
{
    char *text = json_dumps(object, JSON_COMPACT);
    int result = text ? tags_read(arena, text, tags, count, NULL) : -1;
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return result;
}

static void read_labels(struct arena *arena, const json_t *object, struct undo_record *out)
{
    const char *label;
    json_t *place;
    size_t count = json_object_size(object);
    out->labels_kept = object != NULL;
    out->labels.places = arena_calloc(arena, count + 1, sizeof *out->labels.places);
    json_object_foreach((json_t *)object, label, place)
    {
        out->labels.places[out->labels.count++] =
            (struct label_place){arena_strdup(arena, label), json_int_or(place, "version", 0),
                                 json_int_or(place, "modified", 0)};
    }
    labels_sort(&out->labels);
}

/* Where a line says that it belongs; -1: nowhere. */
static int64_t destination_of(const json_t *line)
{
    int64_t destination = json_int_or(line, "destination", -1);
    return destination < DESTINATIONS_MAX ? destination : -1;
}

static int take_secret(struct engine *engine, struct arena *arena, const json_t *secret,
                       struct undo_record *out)
{
    const json_t *before = json_object_get(secret, "before");
    const json_t *after = json_object_get(secret, "after");
    const char *digest = json_text(after, "digest");
    out->existed = before != NULL;
    if (before) {
        const json_t *value = json_object_get(before, "value");
        struct resource *resource = &out->before;
        resource->name = out->name;
        resource->key = engine->kind->key_of(out->name);
        resource->version = json_int_or(before, "version", 0);
        fields_read(engine->kind, arena, json_object_get(before, "fields"), resource);
        read_labels(arena, json_object_get(before, "labels"), out);
        if (value) {
            resource->value_len = json_string_length(value);
            resource->value = arena_strndup(arena, json_string_value(value), resource->value_len);
        }
        if (read_tag_object(arena, json_object_get(before, "tags"), &resource->tags,
                            &resource->tag_count) != 0)
            return -1;
    }
    out->after_version = json_int_or(after, "version", 0);
    out->value_written = digest != NULL;
    if (digest &&
        digest_unhex(digest, strlen(digest), out->after_digest, sizeof out->after_digest) != 0)
        return -1;
    return read_tag_object(arena, json_object_get(after, "tags"), &out->after_tags,
                           &out->after_tag_count);
}

static int unseal(struct engine *engine, const struct seal *seal, struct arena *arena,
                  const char *run, const char *sealed, struct undo_record *out, struct error *err)
{
    unsigned char *bytes;
    size_t len;
    json_t *secret = NULL;
    if (sealed && base64_decode(arena, sealed, strlen(sealed), &bytes, &len) == 0 &&
        len >= SEAL_OVERHEAD) {
        unsigned char *plain = arena_alloc(arena, len);
        if (seal_open(seal, undo_log_label(arena, run, out->place, out->name), bytes, len, plain) !=
            0)
            return error_set(err, ERR_DENIED,
                             "what run %s kept of %s cannot be opened: state.key is not the one it "
                             "was sealed with (was it lost or replaced?), or the file was changed",
                             run, out->name);
        secret = json_read((const char *)plain, len - SEAL_OVERHEAD, NULL);
    }
    int result = secret ? take_secret(engine, arena, secret, out) : -1;
    json_decref(secret);
    return result == 0
               ? 0
               : error_set(err, ERR_INVALID, "what run %s kept of %s is damaged", run, out->name);
}

static void take_left(const struct left *left, struct undo_record *record)
{
    for (; left; left = left->next) {
        if (left->destination != record->destination || strcmp(left->name, record->name) != 0)
            continue;
        if (left->version)
            record->after_version = left->version;
        if (left->labels)
            record->labels_left =
                digest_unhex(left->labels, strlen(left->labels), record->after_labels,
                             sizeof record->after_labels) == 0;
    }
}

static enum step_action action_of(const char *name)
{
    for (int action = 0; action < STEP_ACTIONS; action++)
        if (strcmp(step_action_name((enum step_action)action), name) == 0)
            return (enum step_action)action;
    return STEP_EQUAL;
}

int undo_log_each(struct engine *engine, const char *state_folder, const char *run,
                  undo_record_fn *each, void *arg, struct error *err)
{
    struct walk walk;
    struct arena all, one;
    struct left *lefts;
    struct seal *seal = NULL;
    struct error problem = {0};
    arena_init(&all);
    arena_init(&one);
    int result = read_left(&all, state_folder, run, &lefts, err);
    if (result == 0 && (result = walk_open(&walk, &all, state_folder, run, err)) == 0) {
        json_t *line = walk_header(&walk, &problem);
        if (engine)
            undo_log_seal(engine, &seal);
        while (line && result == 0) {
            struct undo_record record = {
                .destination = (unsigned)json_int_or(line, "destination", 0),
                .place = json_text_or(line, "place", ""),
                .name = json_text(line, "name"),
                .action = action_of(json_text_or(line, "action", "")),
            };
            if (record.name && strcmp(json_text_or(line, "type", ""), "before") == 0) {
                if (destination_of(line) < 0)
                    result = error_set(&problem, ERR_INVALID, "what run %s kept of %s is damaged",
                                       run, record.name);
                if (engine && result == 0)
                    result = unseal(engine, seal, &one, run, json_text(line, "sealed"), &record,
                                    &problem);
                take_left(lefts, &record);
                if (result == 0)
                    result = each(&record, arg, &problem);
            }
            arena_reset(&one);
            json_decref(line);
            line = result == 0 ? walk_next(&walk, &problem) : NULL;
        }
        walk_close(&walk);
        seal_free(seal);
        if (problem.code) {
            *err = problem;
            result = -1;
        }
    }
    arena_done(&one);
    arena_done(&all);
    return result;
}
