#include "engine/select.h"

#include "engine/idle.h"

#include <string.h>

struct list {
    const char *word;
    size_t offset, count_offset;
};
#define LIST(member_)                                                                              \
    {                                                                                              \
#member_, offsetof(struct config_select, member_),                                         \
            offsetof(struct config_select, member_##_count)                                        \
    }
/* By the word that a kind's field table has for a field. */
static const struct list lists[] = {LIST(types), LIST(tiers), LIST(keys), LIST(tags)};
enum { LISTS = sizeof lists / sizeof *lists, TAGS = LISTS - 1 };

static const char *const *texts_of(const struct config_select *select, const struct list *list,
                                   size_t *count)
{
    const char *object = (const char *)select;
    *count = *(const size_t *)(const void *)(object + list->count_offset);
    return *(const char *const *const *)(const void *)(object + list->offset);
}

static bool tag_fits(const struct resource *resource, const char *wanted)
{
    const char *equals = strchr(wanted, '=');
    size_t len = equals ? (size_t)(equals - wanted) : strlen(wanted);
    for (size_t i = 0; i < resource->tag_count; i++) {
        const struct tag *tag = &resource->tags[i];
        if (strncmp(tag->key, wanted, len) == 0 && !tag->key[len] &&
            (!equals || strcmp(tag->value, equals + 1) == 0))
            return true;
    }
    return false;
}

static bool fits(const struct engine *engine, const struct resource *resource, size_t list,
                 const char *wanted)
{
    const struct resource_kind *kind = engine->kind;
    if (list == TAGS)
        return tag_fits(resource, wanted);
    for (size_t i = 0; i < kind->slot_count; i++) {
        const struct field *field = &kind->fields[i];
        const char *is = resource->fields[i];
        if (!field->select || strcmp(field->select, lists[list].word) != 0 || !is)
            continue;
        if (field->rule == FIELD_KEY ? key_names_same(engine->scope.source_keys, wanted, is)
                                     : strcmp(wanted, is) == 0)
            return true;
    }
    return false;
}

static int choose(const struct pair *pair, void *arg, struct error *err)
{
    struct engine *engine = arg;
    bool chosen = true;
    bool *hit = engine->scope.select_hit;
    for (size_t i = 0; i < LISTS; i++) {
        size_t count;
        const char *const *texts = texts_of(&engine->config->select, &lists[i], &count);
        bool any = count == 0;
        for (size_t j = 0; j < count; j++)
            if (fits(engine, &pair->source, i, texts[j]))
                any = hit[j] = true;
        hit += count;
        chosen = chosen && any;
    }
    return chosen ? 0 : inventory_drop(engine->inventory, pair->source.key, err);
}

static size_t selectors(const struct config *config)
{
    size_t sum = 0, count;
    for (size_t i = 0; i < LISTS; i++) {
        texts_of(&config->select, &lists[i], &count);
        sum += count;
    }
    return sum;
}

int select_sides(struct engine *engine, struct error *err)
{
    struct arena scratch;
    size_t count = selectors(engine->config);
    if (!count)
        return 0;
    engine->scope.select_hit = arena_calloc(&engine->pass, count, sizeof *engine->scope.select_hit);
    arena_init(&scratch);
    int result = inventory_join(engine->inventory, &scratch, 0, choose, engine, err);
    arena_done(&scratch);
    return result;
}

void select_unmatched(const struct engine *engine,
                      void (*each)(const char *selector, const char *text, void *arg), void *arg)
{
    const struct config *config = engine->config;
    const struct scope *scope = &engine->scope;
    const bool *hit = scope->select_hit;
    for (size_t i = 0; i < config->include_count; i++)
        if (scope_missed(scope, i))
            each("include", config->include[i], arg);
    for (size_t i = 0; i < config->exclude_count; i++)
        if (!scope->exclude_hit[i])
            each("exclude", config->exclude[i], arg);
    for (size_t i = 0; i < config->rename_count; i++)
        if (!scope->rename_hit[i])
            each("rename", config->rename[i].from, arg);
    for (size_t i = 0; i < LISTS && hit; i++) {
        size_t count;
        const char *const *texts = texts_of(&config->select, &lists[i], &count);
        for (size_t j = 0; j < count; j++)
            if (!hit[j])
                each(lists[i].word, texts[j], arg);
        hit += count;
    }
    idle_each(engine, each, arg);
}

int select_check(const struct resource_kind *kind, const struct config_select *select,
                 struct error *err)
{
    for (size_t i = 0; i < kind->slot_count; i++) {
        const struct field *field = &kind->fields[i];
        for (size_t l = 0; field->select && field->choices && l < TAGS; l++) {
            size_t count;
            const char *const *texts = texts_of(select, &lists[l], &count);
            if (strcmp(field->select, lists[l].word) != 0)
                continue;
            for (size_t j = 0; j < count; j++) {
                const char *const *choice = field->choices;
                while (*choice && strcmp(*choice, texts[j]) != 0)
                    choice++;
                if (!*choice)
                    return error_set(err, ERR_INVALID, "select.%s: '%s' is none of the %s of a %s",
                                     field->select, texts[j], field->select, kind->noun);
            }
        }
    }
    return 0;
}
