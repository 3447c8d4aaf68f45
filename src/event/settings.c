#include "event/settings.h"

#include "base/file.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Beside the program; params.json is what the cross-account sample carries in its package. */
static const char *const package_files[] = {"understudy.yaml", "understudy.yml", "understudy.json",
                                            "params.json"};

/* Those that say that one of the earlier tools was configured. */
static const char *const tool_variables[] = {"DEST_REGIONS", "PARAM_PATHS", "SOURCE_REGION",
                                             "DESTINATION_REGION", "PARAMETER_PREFIXES"};

struct found {
    const char *origin; /* the first source that is there */
    const char *file;   /* its path, when it is a file */
};

static const char *variable(legacy_get_fn *get, const char *name)
{
    const char *text = get(name);
    return text && *text ? text : NULL;
}

static int found_one(struct found *found, const char *origin, struct error *err)
{
    if (found->origin)
        return error_set(err, ERR_INVALID,
                         "two configurations are given, %s and %s: keep one of them", found->origin,
                         origin);
    found->origin = origin;
    return 0;
}

static int find(struct arena *arena, legacy_get_fn *get, const char *folder, struct found *found,
                struct error *err)
{
    static const char *const own[] = {"UNDERSTUDY_CONFIG", "UNDERSTUDY_CONFIG_PARAMETER"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (variable(get, own[i]) && found_one(found, own[i], err) != 0)
            return -1;
    for (size_t i = 0; folder && i < sizeof package_files / sizeof *package_files; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, package_files[i]);
        if (access(path, F_OK) != 0)
            continue;
        if (found_one(found, package_files[i], err) != 0)
            return -1;
        found->file = path;
    }
    for (size_t i = 0; i < sizeof tool_variables / sizeof *tool_variables; i++)
        if (variable(get, tool_variables[i]))
            return found_one(found, tool_variables[i], err);
    if (!found->origin)
        return error_set(err, ERR_NOT_FOUND,
                         "there is no configuration: set DEST_REGIONS and PARAM_PATHS, or "
                         "UNDERSTUDY_CONFIG, or UNDERSTUDY_CONFIG_PARAMETER, or put an "
                         "understudy.yaml beside bootstrap");
    return 0;
}

/* "true" and "false" as the replicator read them; anything else was false there, which is no way
 * to ask for safety. */
static int read_dry_run(legacy_get_fn *get, bool *dry_run, struct error *err)
{
    const char *text = variable(get, "DRY_RUN");
    *dry_run = text && strcasecmp(text, "true") == 0;
    if (text && !*dry_run && strcasecmp(text, "false") != 0)
        return error_set(err, ERR_INVALID, "DRY_RUN must be true or false");
    return 0;
}

static int take_legacy(struct arena *arena, const struct legacy *legacy, struct event_settings *out,
                       struct error *err)
{
    out->set = legacy->set;
    out->note_count = legacy->note_count;
    for (size_t i = 0; i < legacy->note_count; i++)
        out->notes[i] = legacy->notes[i];
    return config_check_set(arena, &out->set, err);
}

/* A source without a Region is where the function runs. */
static int take_text(struct arena *arena, legacy_get_fn *get, const char *origin, const char *data,
                     size_t len, struct config_set *set, struct error *err)
{
    if (config_parse(arena, origin, data, len, set, err) != 0)
        return -1;
    const char *here = variable(get, "AWS_REGION");
    if (!here)
        here = variable(get, "AWS_DEFAULT_REGION");
    for (size_t i = 0; i < set->count; i++)
        if (!set->items[i].source.region)
            set->items[i].source.region = here;
    return config_check_set(arena, set, err) == 0 ? 0 : error_context(err, "%s", origin);
}

static int take_file(struct arena *arena, legacy_get_fn *get, const char *path,
                     struct event_settings *out, struct error *err)
{
    char *data;
    size_t len;
    if (file_read(arena, path, CONFIG_FILE_LIMIT, false, &data, &len, err) != 0)
        return -1;
    if (text_ends(path, "/params.json"))
        return event_settings_params(arena, get, data, len, out, err);
    return take_text(arena, get, out->origin, data, len, &out->set, err);
}

int event_settings_params(struct arena *arena, legacy_get_fn *get, const char *data, size_t len,
                          struct event_settings *out, struct error *err)
{
    struct legacy legacy;
    *out = (struct event_settings){.origin = "params.json"};
    if (read_dry_run(get, &out->dry_run, err) != 0 ||
        legacy_params(arena, out->origin, data, len, get, &legacy, err) != 0)
        return -1;
    return take_legacy(arena, &legacy, out, err) == 0 ? 0 : error_context(err, "%s", out->origin);
}

static int take_environment(struct arena *arena, legacy_get_fn *get, struct event_settings *out,
                            struct error *err)
{
    struct legacy legacy;
    if (legacy_environment(arena, get, &legacy, err) != 0)
        return -1;
    return take_legacy(arena, &legacy, out, err);
}

int event_settings_read(struct arena *arena, legacy_get_fn *get, const char *folder,
                        struct event_settings *out, struct error *err)
{
    struct found found = {0};
    *out = (struct event_settings){0};
    if (find(arena, get, folder, &found, err) != 0 || read_dry_run(get, &out->dry_run, err) != 0)
        return -1;
    const char *canary = variable(get, "UNDERSTUDY_CANARY");
    if (canary)
        canary = arena_strdup(arena, canary);
    out->origin = found.origin;
    out->canary = canary;
    if (found.file) {
        bool dry_run = out->dry_run;
        int result = take_file(arena, get, found.file, out, err);
        out->dry_run = dry_run;
        out->canary = canary;
        return result;
    }
    if (strcmp(found.origin, "UNDERSTUDY_CONFIG_PARAMETER") == 0) {
        out->parameter = arena_strdup(arena, variable(get, found.origin));
        return 0;
    }
    if (strcmp(found.origin, "UNDERSTUDY_CONFIG") == 0) {
        const char *text = variable(get, found.origin);
        return take_text(arena, get, found.origin, text, strlen(text), &out->set, err);
    }
    return take_environment(arena, get, out, err);
}

int event_settings_take(struct arena *arena, legacy_get_fn *get, const char *data, size_t len,
                        struct event_settings *out, struct error *err)
{
    struct config_set set = {0};
    const char *origin = arena_printf(arena, "parameter %s", out->parameter);
    if (take_text(arena, get, origin, data, len, &set, err) != 0)
        return -1;
    out->set = set;
    return 0;
}
