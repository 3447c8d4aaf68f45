#include "engine/scope.h"

#include "base/text.h"

#include <string.h>

void scope_init(struct scope *scope, struct arena *arena, const struct config *config)
{
    *scope = (struct scope){
        .config = config,
        .hit = arena_calloc(arena, config->include_count + 1, sizeof(bool)),
        .exclude_hit = arena_calloc(arena, config->exclude_count + 1, sizeof(bool)),
        .rename_hit = arena_calloc(arena, config->rename_count + 1, sizeof(bool)),
    };
}

void scope_forget(struct scope *scope)
{
    memset(scope->hit, 0, scope->config->include_count * sizeof(bool));
    memset(scope->exclude_hit, 0, scope->config->exclude_count * sizeof(bool));
    memset(scope->rename_hit, 0, scope->config->rename_count * sizeof(bool));
}

/* Do selectors ask for more than the name? Then no name is translated, and a listing asks for all.
 */
static bool beyond_names(const struct scope *scope)
{
    return scope->config->kind && scope->config->kind->fits;
}

static const char *bare(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

/* A pattern that begins with a star may stand for names of any depth: try it with the slash that
 * all names but those of the root have. */
bool scope_matches(const char *pattern, const char *key)
{
    char with_slash[2050];
    if (text_glob(bare(pattern), key))
        return true;
    if (*pattern != '*' || strlen(key) + 2 > sizeof with_slash)
        return false;
    with_slash[0] = '/';
    memcpy(with_slash + 1, key, strlen(key) + 1);
    return text_glob(pattern, with_slash);
}

static bool excluded(const struct config *config, const char *key)
{
    for (size_t i = 0; i < config->exclude_count; i++)
        if (scope_matches(config->exclude[i], key))
            return true;
    return false;
}

bool scope_names_level(const struct scope *scope, const char *key)
{
    size_t len = strcspn(key, "/");
    for (size_t i = 0; i < scope->config->include_count; i++)
        if (strncmp(bare(scope->config->include[i]), key, len) == 0)
            return true;
    return false;
}

bool scope_selects_resource(struct scope *scope, const struct resource *resource)
{
    const struct config *config = scope->config;
    bool included = config->include_count == 0, out = false;
    if (!beyond_names(scope))
        return scope_selects(scope, resource->key);
    for (size_t i = 0; i < config->include_count; i++)
        if (config->kind->fits(config->include[i], resource))
            included = scope->hit[i] = true;
    for (size_t i = 0; i < config->counterpart_count; i++)
        included = included || config->kind->fits(config->counterparts[i], resource);
    for (size_t i = 0; i < config->exclude_count; i++)
        if (config->kind->fits(config->exclude[i], resource))
            out = scope->exclude_hit[i] = true;
    return included && !out;
}

bool scope_missed(const struct scope *scope, size_t i)
{
    const struct config *config = scope->config;
    const char *path = config->include[i];
    size_t len = strlen(path);
    if (scope->hit[i])
        return false;
    for (size_t j = 0; j < config->include_count; j++)
        if (strncmp(config->include[j], path, len) == 0 &&
            strcmp(config->include[j] + len, "/**") == 0)
            return false;
    return true;
}

/* `text` after `path` when it is that path or below it. */
static const char *below(const char *text, const char *path)
{
    size_t len = strlen(path);
    if (strncmp(text, path, len) != 0 || (len > 0 && text[len] && text[len] != '/'))
        return NULL;
    return text + len;
}

static const char *join(struct arena *arena, const char *path, const char *rest)
{
    return arena_printf(arena, "%s%s", path, *path == '\0' && *rest == '/' ? rest + 1 : rest);
}

/* The rename that is for the key, by index; rename_count: none. `rest` is what follows the path. */
static size_t rename_of(const struct config *config, const char *key, const char **rest)
{
    size_t i;
    for (i = 0; i < config->rename_count; i++) {
        const char *from = bare(config->rename[i].from);
        *rest = below(key, from);
        if (*rest && (**rest || !*from))
            break;
    }
    return i;
}

bool scope_selects(struct scope *scope, const char *key)
{
    const struct config *config = scope->config;
    bool included = config->include_count == 0, out = false;
    const char *rest;
    if (beyond_names(scope))
        return true; /* the rest of it tells */
    for (size_t i = 0; i < config->include_count; i++)
        if (scope_matches(config->include[i], key))
            included = scope->hit[i] = true;
    for (size_t i = 0; i < config->exclude_count; i++)
        if (scope_matches(config->exclude[i], key))
            out = scope->exclude_hit[i] = true;
    if (!included || out)
        return false;
    size_t rename = rename_of(config, key, &rest);
    if (rename < config->rename_count)
        scope->rename_hit[rename] = true;
    return true;
}

const char *scope_target(const struct scope *scope, struct arena *arena, const char *name)
{
    const struct config *config = scope->config;
    const char *rest;
    if (!config->rename_count)
        return name;
    size_t i = rename_of(config, bare(name), &rest);
    if (i == config->rename_count)
        return name;
    const char *from = bare(config->rename[i].from), *to = bare(config->rename[i].to);
    if (*from == '\0' && *rest != '/')
        rest = arena_printf(arena, "/%s", rest);
    return arena_printf(arena, "/%s", join(arena, to, rest));
}

static void add(const char **list, size_t *count, const char *text)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(list[i], text) == 0)
            return;
    list[(*count)++] = text;
}

static bool included(const struct config *config, const char *key)
{
    for (size_t i = 0; i < config->include_count; i++)
        if (scope_matches(config->include[i], key))
            return true;
    return config->include_count == 0;
}

const char *const *scope_sources(const struct scope *scope, struct arena *arena, const char *key,
                                 size_t *count)
{
    const struct config *config = scope->config;
    const char **keys = arena_calloc(arena, config->rename_count + 2, sizeof *keys);
    *count = 0;
    if (beyond_names(scope)) {
        add(keys, count, key);
        return keys;
    }
    for (size_t i = 0; i <= config->rename_count; i++) {
        const char *source = key;
        if (i < config->rename_count) {
            const char *from = bare(config->rename[i].from), *to = bare(config->rename[i].to);
            const char *rest = below(key, to);
            if (!rest || (*rest == '\0' && *to))
                continue;
            source = join(arena, from, *to ? rest : arena_printf(arena, "/%s", rest));
        }
        if (strcmp(bare(scope_target(scope, arena, source)), key) != 0 ||
            !included(config, source) || excluded(config, source))
            continue;
        add(keys, count, source);
    }
    return keys;
}

bool scope_believes_absence(const struct scope *scope, const char *key)
{
    const struct config *config = scope->config;
    if (beyond_names(scope)) {
        /* Nobody can tell which pattern had selected it. */
        for (size_t i = 0; i < config->include_count; i++)
            if (!scope->hit[i])
                return false;
        return true;
    }
    for (size_t i = 0; i < config->include_count; i++)
        if (scope_matches(config->include[i], key) &&
            (scope->hit[i] || !strpbrk(config->include[i], "*?")))
            return true;
    return config->include_count == 0;
}

static const char *literal(struct arena *arena, const char *pattern)
{
    return arena_strndup(arena, pattern, strcspn(pattern, "*?"));
}

/* Takes out what another prefix covers. */
static size_t without_covered(const char **prefixes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool covered = false;
        for (size_t j = 0; j < count && !covered; j++)
            covered = i != j && text_starts(prefixes[i], prefixes[j]);
        if (!covered)
            prefixes[kept++] = prefixes[i];
    }
    return kept;
}

void scope_filter(const struct scope *scope, struct arena *arena, bool at_destination,
                  struct resource_filter *out)
{
    const struct config *config = scope->config;
    *out = (struct resource_filter){0};
    if (config->include_count == 0 || beyond_names(scope))
        return;
    size_t most = config->include_count;
    const char **prefixes = arena_calloc(arena, most + 1, sizeof *prefixes);
    const char **names = arena_calloc(arena, most + 1, sizeof *names);
    for (size_t i = 0; i < most; i++) {
        const char *pattern = config->include[i];
        bool exact = !strpbrk(pattern, "*?");
        const char *text = literal(arena, bare(pattern));
        if (at_destination && config->rename_count) {
            /* A prefix that ends inside a renamed path stands for two places: ask for all. */
            if (!exact)
                return;
            text = bare(scope_target(scope, arena, text));
        }
        if (exact)
            add(names, &out->name_count, text);
        else if (*text)
            add(prefixes, &out->prefix_count, text);
        else {
            *out = (struct resource_filter){0};
            return;
        }
    }
    out->prefix_count = without_covered(prefixes, out->prefix_count);
    out->prefixes = prefixes;
    out->names = names;
}
