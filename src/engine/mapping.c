#include "engine/mapping.h"

#include "aws/arn.h"
#include "base/text.h"
#include "engine/rewrite.h"

#include <string.h>

struct text mapping_short_key(const char *key)
{
    struct arn arn;
    struct text name = text_of(key);
    if (arn_parse(key, strlen(key), &arn) == 0)
        name = arn.resource;
    if (name.len > 4 && memcmp(name.data, "key/", 4) == 0)
        return (struct text){name.data + 4, name.len - 4};
    return name;
}

bool mapping_same_key(const char *entry, const char *source_key)
{
    if (arn_is(entry) && arn_is(source_key))
        return strcmp(entry, source_key) == 0;
    struct text a = mapping_short_key(entry), b = mapping_short_key(source_key);
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

bool mapping_needs_names(const struct config *config, unsigned side, const char *key)
{
    if (side) { /* the key of a copy: is it the one that is wanted there? */
        const struct config_side *destination = &config->destinations[side - 1];
        for (size_t i = 0; i < destination->key_count; i++)
            if (strcmp(destination->keys[i].destination, key) == 0)
                return false;
        return true;
    }
    if (config->select.keys_count)
        return true;
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct config_side *destination = &config->destinations[i];
        bool named = false, others = false;
        for (size_t j = 0; j < destination->key_count; j++) {
            const char *source = destination->keys[j].source;
            named = named || mapping_same_key(source, key);
            others = others || strcmp(source, "*") == 0;
        }
        if (!named && !(others && destination->key_count == 1))
            return true;
    }
    return false;
}

const char *mapping_key(const struct config_side *destination, const struct key_names *names,
                        struct arena *arena, const char *source_key, const char *default_key)
{
    const char *others = NULL;
    for (size_t i = 0; i < destination->key_count; i++) {
        if (strcmp(destination->keys[i].source, "*") == 0)
            others = destination->keys[i].destination;
        else if (key_names_same(names, destination->keys[i].source, source_key))
            return destination->keys[i].destination;
    }
    if (key_names_same(names, default_key, source_key))
        return default_key;
    return others ? others : key_names_multi_region(names, arena, source_key);
}

bool mapping_default_key_allowed(const struct config *config)
{
    for (size_t i = 0; i < config->allow_count; i++)
        if (strcmp(config->allow[i], "default-key") == 0)
            return true;
    return false;
}

static void translate_key(const struct resource_kind *kind, const struct scope *scope,
                          const struct config_side *destination, struct arena *arena, size_t slot,
                          struct translation *out)
{
    const char *source_key = out->want.fields[slot];
    if (!source_key)
        return;
    const char *key =
        mapping_key(destination, scope->source_keys, arena, source_key, kind->default_key);
    if (!key && mapping_default_key_allowed(scope->config)) {
        key = kind->default_key;
        out->loss =
            arena_printf(arena, "encrypted by %s instead of the customer key %s", key, source_key);
    }
    if (!key) {
        const char *alias = key_names_alias(scope->source_keys, arena, source_key);
        out->blocked = arena_printf(
            arena,
            "the customer key %s is not mapped: name its counterpart in `keys` of the destination, "
            "or %shave one made (create_counterparts)",
            source_key, alias ? "" : "give it an alias and ");
        return;
    }
    if (strcmp(key, source_key) != 0)
        out->note =
            mapping_note(arena, out->note, arena_printf(arena, "key %s → %s", source_key, key));
    out->want.fields[slot] = key;
}

const char *mapping_note(struct arena *arena, const char *first, const char *second)
{
    if (!first || !second)
        return first ? first : second;
    return arena_printf(arena, "%s, %s", first, second);
}

static void translate_words(const struct scope *scope, const struct config_side *destination,
                            struct arena *arena, size_t slot, const struct resource *source,
                            struct translation *out)
{
    const char *words = source->fields[slot];
    out->want.fields[slot] = rewrite_description(scope->config, destination, arena, source, words);
    if (out->want.fields[slot] != words)
        out->note = mapping_note(arena, out->note, "description rewritten");
}

/* `type: SecureString`: before keys are mapped, so that the copy's is found by the same rules. */
static void translate_type(const struct resource_kind *kind, const struct config *config,
                           struct arena *arena, struct translation *out)
{
    if (!config->type || strcmp(config->type, "source") == 0 || !kind->encrypt)
        return;
    const char *was = out->want.fields[0];
    const char *cannot = kind->encrypt(&out->want);
    if (cannot)
        out->note = mapping_note(arena, out->note, cannot);
    else if (strcmp(was, out->want.fields[0]) != 0)
        out->note = mapping_note(arena, out->note,
                                 arena_printf(arena, "type %s → %s", was, out->want.fields[0]));
}

void mapping_translate(const struct resource_kind *kind, const struct scope *scope,
                       const struct config_side *destination, struct arena *arena,
                       const struct resource *source, struct translation *out)
{
    *out = (struct translation){.want = *source};
    out->want.value = NULL;
    out->want.value_len = 0;
    out->want.name = scope_target(scope, arena, source->name);
    out->want.key = kind->key_of(out->want.name);
    translate_type(kind, scope->config, arena, out);
    for (size_t i = 0; i < kind->slot_count; i++)
        if (kind->fields[i].rule == FIELD_KEY)
            translate_key(kind, scope, destination, arena, i, out);
        else if (kind->fields[i].rule == FIELD_WORDS)
            translate_words(scope, destination, arena, i, source, out);
}

void mapping_value_rules(const struct config *config, const struct config_side *destination,
                         struct buf *out)
{
    rewrite_write(config, destination, out);
}
