/* A saved plan, read again. */
#include "engine/plan_file_intern.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A walk through a saved plan, which fails where the file is not whole. */
struct walk {
    const char *path;
    FILE *file;
    int64_t sections, section; /* how many there are, which one this line is in (from 1) */
    int64_t counterparts;      /* sections beside these, each before the one it was made for */
    int64_t steps;             /* of this section, so far */
    bool every;                /* estimates and summaries are given out too */
    bool inside;               /* a section is open: its summary has not come */
};

static int not_a_plan(const struct walk *walk, struct error *err)
{
    return error_set(err, ERR_INVALID,
                     "%s is not a plan of this version: make it with `understudy plan -o %s`",
                     walk->path, walk->path);
}

static int damaged(const struct walk *walk, struct error *err)
{
    return error_set(err, ERR_INVALID,
                     "%s: the plan is cut short or damaged after %lld steps: make it again",
                     walk->path, (long long)walk->steps);
}

static int walk_header(struct walk *walk, const json_t *line, struct error *err)
{
    if (json_int_or(line, "format", 0) != PLAN_FORMAT)
        return not_a_plan(walk, err);
    int64_t sections = json_int_or(line, "replications", 1);
    bool beside = json_bool_or(line, "counterparts", false);
    walk->section++;
    walk->counterparts += beside;
    int64_t number = walk->section - walk->counterparts + beside;
    if (walk->inside || (walk->sections && walk->sections != sections) ||
        json_int_or(line, "replication", 1) != number || number > sections)
        return damaged(walk, err);
    walk->sections = sections;
    walk->inside = true;
    walk->steps = 0;
    return 0;
}

static int walk_summary(struct walk *walk, const json_t *line, struct error *err)
{
    int64_t expected = json_int_or(line, "create", 0) + json_int_or(line, "update", 0) +
                       json_int_or(line, "delete", 0) + json_int_or(line, "blocked", 0) +
                       json_int_or(line, "unseen", 0) + json_int_or(line, "mark", 0) +
                       json_int_or(line, "extra", 0) + json_int_or(line, "kept", 0);
    if (!walk->inside)
        return damaged(walk, err);
    walk->inside = false;
    if (walk->steps != expected)
        return error_set(err, ERR_INVALID, "%s: the plan has %lld steps and says it has %lld",
                         walk->path, (long long)walk->steps, (long long)expected);
    return 0;
}

static int walk_open(struct walk *walk, const char *path, struct error *err)
{
    *walk = (struct walk){.path = path, .file = fopen(path, "re")};
    return walk->file ? 0 : error_errno(err, errno, "cannot read the plan %s", path);
}

/* The next header or step; NULL at the end, or where the file is wrong: then err->code is set. */
static json_t *walk_next(struct walk *walk, struct error *err)
{
    for (;;) {
        struct error problem = {0};
        json_t *line = json_read_next(walk->file, &problem);
        const char *type = json_text_or(line, "type", "");
        int result = 0;
        if (!line && problem.code == ERR_NOT_FOUND && walk->sections && !walk->inside &&
            walk->section - walk->counterparts == walk->sections)
            return NULL;
        if (strcmp(type, "plan") == 0)
            result = walk_header(walk, line, err);
        else if (!walk->section)
            result = not_a_plan(walk, err);
        else if (strcmp(type, "summary") == 0)
            result = walk_summary(walk, line, err);
        else if (strcmp(type, "step") == 0 && walk->inside)
            walk->steps++;
        else if (strcmp(type, "estimate") != 0 && (strcmp(type, "total") != 0 || walk->inside))
            result = damaged(walk, err);
        if (result == 0 && (strcmp(type, "plan") == 0 || strcmp(type, "step") == 0 ||
                            (walk->every && strcmp(type, "total") != 0)))
            return line;
        json_decref(line);
        if (result != 0)
            return NULL;
    }
}

static int take_config(struct arena *arena, const struct walk *walk, const json_t *header,
                       struct config_set *out, struct error *err)
{
    struct config_set one;
    char *text = json_dumps(json_object_get(header, "config"), JSON_COMPACT);
    int result = text
                     ? config_parse(arena, walk->path, text, strlen(text), &one, err)
                     : error_set(err, ERR_INVALID, "%s: the plan has no configuration", walk->path);
    free(text);
    if (result != 0)
        return -1;
    struct config *items = arena_calloc(arena, out->count + 1, sizeof *items);
    if (out->count)
        memcpy(items, out->items, out->count * sizeof *items);
    items[out->count++] = one.items[0];
    out->items = items;
    return 0;
}

int plan_read_config(struct arena *arena, const char *path, struct config_set *out,
                     struct error *err)
{
    struct walk walk;
    struct error problem = {0};
    json_t *line;
    *out = (struct config_set){0};
    if (walk_open(&walk, path, err) != 0)
        return -1;
    while (!problem.code && (line = walk_next(&walk, &problem))) {
        if (walk.section > REPLICATIONS_MAX)
            damaged(&walk, &problem);
        else if (walk.steps == 0)
            take_config(arena, &walk, line, out, &problem);
        json_decref(line);
    }
    fclose(walk.file);
    if (!problem.code)
        return 0;
    *err = problem;
    return -1;
}

static void read_version(const json_t *side, int64_t *version, int64_t *modified_ms)
{
    const char *time = json_text_or(side, "modified", "");
    *version = json_int_or(side, "version", 0);
    if (clock_parse_iso(time, strlen(time), modified_ms) != 0)
        *modified_ms = 0;
}

static int approve(struct engine *engine, const char *path, const json_t *step, bool same_key,
                   struct error *err)
{
    const char *name = json_text(step, "name"), *print = json_text(step, "fingerprint");
    int64_t destination = json_int_or(step, "destination_index", -1);
    if (!name || !print || destination < 0 || destination + 1 >= engine->side_room)
        return error_set(err, ERR_INVALID, "%s: a step without name, destination or fingerprint",
                         path);
    const char *action = json_text_or(step, "action", "");
    bool removal = strcmp(action, "delete") == 0 || strcmp(action, "mark") == 0;
    if (!removal && strcmp(action, "create") != 0 && strcmp(action, "update") != 0 &&
        strcmp(action, PLAN_REPLACE) != 0)
        return 0;
    struct approval approval = {
        .key = engine->kind->key_of(name),
        .name = name,
        .destination = (unsigned)destination,
        .fingerprint = same_key ? print : NULL,
        .removal = removal,
    };
    read_version(json_object_get(step, "source"), &approval.source_version,
                 &approval.source_modified_ms);
    read_version(json_object_get(step, "copy"), &approval.copy_version, &approval.copy_modified_ms);
    return inventory_approve(engine->inventory, &approval, err);
}

int plan_each(const char *path, int (*each)(const json_t *line, void *arg, struct error *err),
              void *arg, struct error *err)
{
    struct walk walk;
    struct error problem = {0};
    json_t *line;
    if (walk_open(&walk, path, err) != 0)
        return -1;
    walk.every = true;
    while (!problem.code && (line = walk_next(&walk, &problem))) {
        each(line, arg, &problem);
        json_decref(line);
    }
    fclose(walk.file);
    if (!problem.code)
        return 0;
    *err = problem;
    return -1;
}

int plan_read_steps(struct engine *engine, const char *path, struct error *err)
{
    struct walk walk;
    struct error problem = {0};
    json_t *line;
    const int64_t wanted = engine->options.number ? engine->options.number : 1;
    char key[PLAN_KEY_ID_SIZE];
    bool same_key = false;
    plan_key_id(engine, key);
    if (walk_open(&walk, path, err) != 0)
        return -1;
    while (!problem.code && (line = walk_next(&walk, &problem))) {
        if (walk.section == wanted && walk.steps > 0)
            approve(engine, path, line, same_key, &problem);
        else if (walk.section == wanted)
            same_key = strcmp(json_text_or(line, "key", ""), key) == 0;
        json_decref(line);
    }
    fclose(walk.file);
    if (!problem.code)
        return 0;
    *err = problem;
    return -1;
}
