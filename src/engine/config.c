#include "engine/config.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* Why libyaml's document and not libcyaml's schema: docs/decisions/0011-config-reader.md. */

/* SETTING_WORDING may be empty. */
enum setting_kind {
    SETTING_TEXT,
    SETTING_WORDING,
    SETTING_TEXTS,
    SETTING_KEYS,
    SETTING_OBJECT,
    SETTING_OBJECTS
};

struct setting {
    const char *key;
    enum setting_kind kind;
    size_t offset, count_offset; /* the count is there for lists */
    size_t item_size;            /* SETTING_OBJECTS */
    const struct setting *inside;
    size_t given_offset; /* SETTING_OBJECT: of a bool that says that it is there; 0: none */
};

#define TEXT(key_, struct_, member_)                                                               \
    {                                                                                              \
        .key = key_, SETTING_TEXT, offsetof(struct struct_, member_)                               \
    }
#define LIST(key_, kind_, struct_, member_, count_)                                                \
    .key = key_, .kind = kind_, .offset = offsetof(struct struct_, member_),                       \
    .count_offset = offsetof(struct struct_, count_)

/* How to take a role: of a side itself, and of each entry of its `roles`. */
#define ROLE_SETTINGS(struct_, in_)                                                                \
    TEXT("role_arn", struct_, in_ role_arn), TEXT("external_id", struct_, in_ external_id),        \
        TEXT("session_name", struct_, in_ session_name),                                           \
        TEXT("duration_seconds", struct_, in_ duration_seconds),                                   \
        {LIST("session_tags", SETTING_KEYS, struct_, in_ session_tags, in_ session_tag_count)},    \
    {                                                                                              \
        LIST("transitive_tags", SETTING_TEXTS, struct_, in_ transitive_tags,                       \
             in_ transitive_tag_count)                                                             \
    }

static const struct setting role_settings[] = {
    ROLE_SETTINGS(config_role, ),
    {0},
};

#define SIDE_SETTINGS                                                                              \
    TEXT("region", config_side, region), TEXT("account", config_side, account),                    \
        TEXT("profile", config_side, profile), ROLE_SETTINGS(config_side, role.),                  \
        {LIST("roles", SETTING_OBJECTS, config_side, roles, role_count),                           \
         .item_size = sizeof(struct config_role), .inside = role_settings},                        \
        {LIST("quotas", SETTING_KEYS, config_side, quotas, quota_count)},                          \
        TEXT("endpoint_url", config_side, endpoint_url)

static const struct setting source_settings[] = {
    SIDE_SETTINGS,
    {0},
};

static const struct setting rewrite_settings[] = {
    TEXT("match", config_rewrite, match),
    {.key = "with", SETTING_WORDING, offsetof(struct config_rewrite, with)},
    TEXT("json_path", config_rewrite, json_path),
    {LIST("names", SETTING_TEXTS, config_rewrite, names, name_count)},
    {LIST("types", SETTING_TEXTS, config_rewrite, types, type_count)},
    TEXT("descriptions", config_rewrite, descriptions),
    {0},
};

static const struct setting destination_settings[] = {
    SIDE_SETTINGS,
    {LIST("keys", SETTING_KEYS, config_side, keys, key_count)},
    TEXT("tier", config_side, tier),
    {LIST("rewrite", SETTING_OBJECTS, config_side, rewrite, rewrite_count),
     .item_size = sizeof(struct config_rewrite), .inside = rewrite_settings},
    {0},
};

static const struct setting rename_settings[] = {
    TEXT("from", config_rename, from),
    TEXT("to", config_rename, to),
    {0},
};

static const struct setting select_settings[] = {
    {LIST("types", SETTING_TEXTS, config_select, types, types_count)},
    {LIST("tiers", SETTING_TEXTS, config_select, tiers, tiers_count)},
    {LIST("keys", SETTING_TEXTS, config_select, keys, keys_count)},
    {LIST("tags", SETTING_TEXTS, config_select, tags, tags_count)},
    {0},
};

static const struct setting parameter_settings[] = {
    {LIST("include", SETTING_TEXTS, config, include, include_count)},
    {LIST("exclude", SETTING_TEXTS, config, exclude, exclude_count)},
    {.key = "select", SETTING_OBJECT, offsetof(struct config, select), .inside = select_settings},
    {LIST("rename", SETTING_OBJECTS, config, rename, rename_count),
     .item_size = sizeof(struct config_rename), .inside = rename_settings},
    {LIST("rewrite", SETTING_OBJECTS, config, rewrite, rewrite_count),
     .item_size = sizeof(struct config_rewrite), .inside = rewrite_settings},
    {LIST("allow", SETTING_TEXTS, config, allow, allow_count)},
    {LIST("allow_replace", SETTING_TEXTS, config, allow_replace, allow_replace_count)},
    TEXT("replace_wait", config, replace_wait),
    TEXT("type", config, type),
    TEXT("tier", config, tier),
    TEXT("create_counterparts", config, create_counterparts),
    TEXT("labels", config, labels),
    TEXT("history", config, history),
    TEXT("ownership", config, ownership),
    TEXT("adopt", config, adopt),
    TEXT("deletes", config, deletes),
    TEXT("max_delete", config, max_delete),
    TEXT("delete_grace", config, delete_grace),
    TEXT("keep_undo", config, keep_undo),
    TEXT("on_edit", config, on_edit),
    TEXT("two_way", config, two_way),
    {LIST("owners", SETTING_KEYS, config, owners, owner_count)},
    {LIST("writers", SETTING_TEXTS, config, writers, writer_count)},
    {0},
};

static const struct setting key_settings[] = {
    {LIST("include", SETTING_TEXTS, config, include, include_count)},
    {LIST("exclude", SETTING_TEXTS, config, exclude, exclude_count)},
    {LIST("regions", SETTING_TEXTS, config, regions, region_count)},
    {LIST("counterparts", SETTING_TEXTS, config, counterparts, counterpart_count)},
    TEXT("create_counterparts", config, create_counterparts),
    TEXT("policy", config, policy),
    TEXT("aliases", config, aliases),
    TEXT("grants", config, grants),
    TEXT("ownership", config, ownership),
    TEXT("adopt", config, adopt),
    TEXT("deletes", config, deletes),
    TEXT("deletion_window", config, deletion_window),
    TEXT("max_delete", config, max_delete),
    TEXT("delete_grace", config, delete_grace),
    TEXT("keep_undo", config, keep_undo),
    {0},
};

/* What a file says of one replication: a section for each kind. */
struct replication {
    struct config config; /* first: the names and places, and the parameters */
    struct config keys;   /* the section of keys alone */
    bool says_parameters, says_keys;
};
_Static_assert(offsetof(struct replication, config) == 0, "settings of `config` are at its places");

#define PLACE_SETTINGS                                                                             \
    TEXT("name", config, name),                                                                    \
        {.key = "source",                                                                          \
         SETTING_OBJECT,                                                                           \
         offsetof(struct config, source),                                                          \
         .inside = source_settings},                                                               \
    {                                                                                              \
        LIST("destinations", SETTING_OBJECTS, config, destinations, destination_count),            \
            .item_size = sizeof(struct config_side), .inside = destination_settings                \
    }
#define REPLICATION_SETTINGS                                                                       \
    PLACE_SETTINGS,                                                                                \
        {.key = "parameters",                                                                      \
         SETTING_OBJECT,                                                                           \
         0,                                                                                        \
         .inside = parameter_settings,                                                             \
         .given_offset = offsetof(struct replication, says_parameters)},                           \
    {                                                                                              \
        .key = "kms_keys", SETTING_OBJECT, offsetof(struct replication, keys),                     \
        .inside = key_settings, .given_offset = offsetof(struct replication, says_keys)            \
    }

static const struct setting replication_settings[] = {REPLICATION_SETTINGS, {0}};

/* As a configuration of one kind is written: its own section alone. */
static const struct setting written_parameters[] = {
    PLACE_SETTINGS,
    {.key = "parameters", SETTING_OBJECT, 0, .inside = parameter_settings},
    {0},
};
static const struct setting written_keys[] = {
    PLACE_SETTINGS,
    {.key = "kms_keys", SETTING_OBJECT, 0, .inside = key_settings},
    {0},
};

struct config_file {
    struct replication only; /* first: its settings are at the same places; or the defaults */
    struct replication *replications;
    size_t replication_count;
};
_Static_assert(offsetof(struct config_file, only) == 0, "the settings of `only` are the file's");

static const struct setting file_settings[] = {
    REPLICATION_SETTINGS,
    {LIST("replications", SETTING_OBJECTS, config_file, replications, replication_count),
     .item_size = sizeof(struct replication), .inside = replication_settings},
    {0},
};

/* YAML's aliases could make little text a great many settings. */
enum { TEXTS_MAX = 200 * 1000 };

struct reader {
    struct arena *arena;
    size_t texts;
    const char *name;
    yaml_document_t document;
    struct error *err;
};

/* As error_set, and likewise a macro: the place in the file comes first. */
#define wrong(...) (say_wrong(__VA_ARGS__), error_failed())
__attribute__((format(printf, 3, 4))) static void
say_wrong(const struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(reader->arena, format, args);
    va_end(args);
    error_set(reader->err, ERR_INVALID, "%s:%zu:%zu: %s", reader->name, node->start_mark.line + 1,
              node->start_mark.column + 1, message);
}

static yaml_node_t *node_at(struct reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

static int read_wording(struct reader *reader, const yaml_node_t *node, const char *path,
                        bool may_be_empty, const char **out)
{
    if (node->type != YAML_SCALAR_NODE)
        return wrong(reader, node, "%s must be a text", path);
    if (++reader->texts > TEXTS_MAX)
        return wrong(reader, node, "more than %d settings", TEXTS_MAX);
    const char *text = (const char *)node->data.scalar.value;
    size_t len = node->data.scalar.length;
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if ((len == 0 && (plain || !may_be_empty)) ||
        (plain && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0)))
        return wrong(reader, node, "%s has no value", path);
    if (strlen(text) != len)
        return wrong(reader, node, "%s holds a NUL", path);
    /* YAML ends a line at these, JSON does not: a plan that carries them could not be read again.
     */
    if (strstr(text, "\xc2\x85") || strstr(text, "\xe2\x80\xa8") || strstr(text, "\xe2\x80\xa9"))
        return wrong(reader, node, "%s holds a line separator", path);
    *out = arena_strdup(reader->arena, text);
    return 0;
}

static int read_text(struct reader *reader, const yaml_node_t *node, const char *path,
                     const char **out)
{
    return read_wording(reader, node, path, false, out);
}

static int read_texts(struct reader *reader, const yaml_node_t *node, const char *path,
                      const char ***out, size_t *count)
{
    size_t most = 1;
    if (node->type == YAML_SEQUENCE_NODE)
        most = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    *out = arena_calloc(reader->arena, most + 1, sizeof **out);
    *count = most;
    if (node->type != YAML_SEQUENCE_NODE)
        return read_text(reader, node, path, *out); /* one text stands for a list of one */
    for (size_t i = 0; i < most; i++)
        if (read_text(reader, node_at(reader, node->data.sequence.items.start[i]), path,
                      *out + i) != 0)
            return -1;
    return 0;
}

/* The key of a pair as text, refused when it came before. */
static const char *pair_key(struct reader *reader, const yaml_node_t *map,
                            const yaml_node_pair_t *pair, const char *path)
{
    const yaml_node_t *key = node_at(reader, pair->key);
    const char *text = NULL;
    if (key->type != YAML_SCALAR_NODE || read_text(reader, key, "a key", &text) != 0) {
        wrong(reader, key, "a key of %s is not a text", path);
        return NULL;
    }
    for (const yaml_node_pair_t *at = map->data.mapping.pairs.start; at < pair; at++)
        if (strcmp((const char *)node_at(reader, at->key)->data.scalar.value, text) == 0) {
            wrong(reader, key, "key '%s' occurs twice", text);
            return NULL;
        }
    return text;
}

static int read_keys(struct reader *reader, const yaml_node_t *node, const char *path,
                     struct config_key **out, size_t *count)
{
    if (node->type != YAML_MAPPING_NODE)
        return wrong(reader, node, "%s must be pairs \"source key\": destination key", path);
    size_t most = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    *out = arena_calloc(reader->arena, most + 1, sizeof **out);
    *count = most;
    for (size_t i = 0; i < most; i++) {
        const yaml_node_pair_t *pair = node->data.mapping.pairs.start + i;
        (*out)[i].source = pair_key(reader, node, pair, path);
        if (!(*out)[i].source ||
            read_text(reader, node_at(reader, pair->value),
                      arena_printf(reader->arena, "%s.%s", path, (*out)[i].source),
                      &(*out)[i].destination) != 0)
            return -1;
    }
    return 0;
}

static int unknown_key(struct reader *reader, const yaml_node_t *node, const char *key,
                       const char *path, const struct setting *settings)
{
    const char *nearest = NULL;
    size_t best = 4;
    for (; settings->key; settings++) {
        size_t distance = text_distance(key, settings->key);
        if (distance < best) {
            best = distance;
            nearest = settings->key;
        }
    }
    const char *place = *path ? arena_printf(reader->arena, " in %s", path) : "";
    if (nearest)
        return wrong(reader, node, "unknown key '%s'%s: did you mean '%s'?", key, place, nearest);
    return wrong(reader, node, "unknown key '%s'%s: understudy.yaml(5) lists the keys", key, place);
}

static int read_object(struct reader *reader, const yaml_node_t *node, const char *path,
                       const struct setting *settings, void *out);

static int read_objects(struct reader *reader, const yaml_node_t *node, const char *path,
                        const struct setting *setting, void **out, size_t *count)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return wrong(reader, node, "%s must be a list", path);
    size_t most = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (most > DESTINATIONS_MAX)
        return wrong(reader, node, "%s has %zu entries, at most %d are possible", path, most,
                     DESTINATIONS_MAX);
    char *items = arena_calloc(reader->arena, most + 1, setting->item_size);
    *out = items;
    *count = most;
    for (size_t i = 0; i < most; i++)
        if (read_object(reader, node_at(reader, node->data.sequence.items.start[i]), path,
                        setting->inside, items + i * setting->item_size) != 0)
            return -1;
    return 0;
}

static int read_setting(struct reader *reader, const yaml_node_t *node, const char *path,
                        const struct setting *setting, char *out)
{
    void *place = out + setting->offset;
    size_t *count = (size_t *)(void *)(out + setting->count_offset);
    switch (setting->kind) {
    case SETTING_TEXT:
        return read_text(reader, node, path, place);
    case SETTING_WORDING:
        return read_wording(reader, node, path, true, place);
    case SETTING_TEXTS:
        return read_texts(reader, node, path, place, count);
    case SETTING_KEYS:
        return read_keys(reader, node, path, place, count);
    case SETTING_OBJECT:
        if (setting->given_offset)
            *(bool *)(void *)(out + setting->given_offset) = true;
        return read_object(reader, node, path, setting->inside, place);
    case SETTING_OBJECTS:
        return read_objects(reader, node, path, setting, place, count);
    }
    return -1;
}

static int read_object(struct reader *reader, const yaml_node_t *node, const char *path,
                       const struct setting *settings, void *out)
{
    if (node->type != YAML_MAPPING_NODE)
        return wrong(reader, node, "%s must have keys, such as '%s:'",
                     *path ? path : "the configuration", settings->key);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *key = pair_key(reader, node, pair, *path ? path : "the configuration");
        if (!key)
            return -1;
        const struct setting *setting = settings;
        while (setting->key && strcmp(setting->key, key) != 0)
            setting++;
        if (!setting->key)
            return unknown_key(reader, node_at(reader, pair->key), key, path, settings);
        const char *inner = *path ? arena_printf(reader->arena, "%s.%s", path, key) : key;
        if (read_setting(reader, node_at(reader, pair->value), inner, setting, out) != 0)
            return -1;
    }
    return 0;
}

static int broken(const yaml_parser_t *parser, const char *name, struct error *err)
{
    return error_set(err, ERR_INVALID, "%s:%zu:%zu: not valid YAML: %s", name,
                     parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                     parser->problem ? parser->problem : "unreadable");
}

/* Nothing may follow the one document. */
static int check_end(yaml_parser_t *parser, const char *name, struct error *err)
{
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more))
        return broken(parser, name, err);
    bool another = yaml_document_get_root_node(&more) != NULL;
    yaml_document_delete(&more);
    return another ? error_set(err, ERR_INVALID, "%s: more than one YAML document", name) : 0;
}

static bool is_text(const struct setting *setting)
{
    return setting->kind == SETTING_TEXT || setting->kind == SETTING_WORDING;
}

static bool is_absent(const struct setting *setting, const char *object)
{
    if (is_text(setting))
        return !*(const char *const *)(const void *)(object + setting->offset);
    return !*(const size_t *)(const void *)(object + setting->count_offset);
}

static void inherit_settings(const struct setting *settings, const char *from, char *to)
{
    for (const struct setting *at = settings; at->key; at++) {
        if (at->kind == SETTING_OBJECT) {
            inherit_settings(at->inside, from + at->offset, to + at->offset);
            continue;
        }
        if (!is_absent(at, to))
            continue;
        *(const void **)(void *)(to + at->offset) =
            *(const void *const *)(const void *)(from + at->offset);
        if (!is_text(at))
            memcpy(to + at->count_offset, from + at->count_offset, sizeof(size_t));
    }
}

/* What a replication does not say is as the file says beside the list. */
static void inherit(const struct replication *defaults, struct replication *own)
{
    struct config *config = &own->config;
    if (!config->source.region)
        config->source = defaults->config.source;
    if (!config->destination_count) {
        config->destinations = defaults->config.destinations;
        config->destination_count = defaults->config.destination_count;
    }
    inherit_settings(parameter_settings, (const char *)&defaults->config, (char *)config);
    inherit_settings(key_settings, (const char *)&defaults->keys, (char *)&own->keys);
    own->says_parameters = own->says_parameters || defaults->says_parameters;
    own->says_keys = own->says_keys || defaults->says_keys;
}

struct config_side config_place(const struct config_side *side)
{
    struct config_side place = *side;
    place.keys = NULL;
    place.rewrite = NULL;
    place.key_count = place.rewrite_count = 0;
    place.tier = NULL;
    return place;
}

void config_map_key(struct arena *arena, struct config_side *side, const char *alias)
{
    struct config_key *keys = arena_calloc(arena, side->key_count + 1, sizeof *keys);
    if (side->key_count)
        memcpy(keys, side->keys, side->key_count * sizeof *keys);
    keys[side->key_count++] = (struct config_key){alias, alias};
    side->keys = keys;
}

static void take_places(struct arena *arena, const struct config *from, struct config *to)
{
    to->name = from->name;
    to->source = from->source;
    to->destination_count = 0;
    to->destinations = arena_calloc(arena, from->destination_count + 1, sizeof *to->destinations);
    for (size_t i = 0; i < from->destination_count; i++) {
        struct config_side side = config_place(&from->destinations[i]);
        bool wanted = to->region_count == 0;
        for (size_t j = 0; j < to->region_count && side.region; j++)
            wanted = wanted || strcmp(to->regions[j], side.region) == 0;
        if (wanted)
            to->destinations[to->destination_count++] = side;
    }
}

static bool says_key(const struct config_side *side, const char *alias)
{
    for (size_t i = 0; i < side->key_count; i++)
        if (strcmp(side->keys[i].source, alias) == 0 || strcmp(side->keys[i].source, "*") == 0)
            return true;
    return false;
}

/* Counterparts that the file has made are mapped for its parameters. */
static void map_counterparts(struct arena *arena, const struct config *keys, struct config *config)
{
    if (!keys->create_counterparts || strcmp(keys->create_counterparts, "true") != 0)
        return;
    /* Other replications may be about the same list of destinations. */
    struct config_side *own = arena_calloc(arena, config->destination_count + 1, sizeof *own);
    if (config->destination_count)
        memcpy(own, config->destinations, config->destination_count * sizeof *own);
    config->destinations = own;
    for (size_t i = 0; i < config->destination_count; i++) {
        struct config_side *side = &config->destinations[i];
        bool there = false;
        for (size_t j = 0; j < keys->destination_count && side->region; j++)
            there = there || (keys->destinations[j].region &&
                              strcmp(keys->destinations[j].region, side->region) == 0);
        for (size_t j = 0; there && j < keys->counterpart_count; j++)
            if (!says_key(side, keys->counterparts[j]))
                config_map_key(arena, side, keys->counterparts[j]);
    }
}

/* One configuration for each kind that the replication says. */
static void take_replication(struct arena *arena, struct replication *replication, unsigned number,
                             struct config_set *out)
{
    if (replication->says_keys) {
        take_places(arena, &replication->config, &replication->keys);
        replication->keys.kind = &resource_kms_key;
        replication->keys.replication = number;
        out->items[out->count++] = replication->keys;
        map_counterparts(arena, &replication->keys, &replication->config);
    }
    if (!replication->says_keys || replication->says_parameters) {
        replication->config.kind = &resource_ssm_parameter;
        replication->config.replication = number;
        out->items[out->count++] = replication->config;
    }
}

static int take_file(struct arena *arena, const char *name, struct config_file *file,
                     struct config_set *out, struct error *err)
{
    *out = (struct config_set){
        .items = arena_calloc(arena, 2 * (file->replication_count + 1), sizeof *out->items)};
    if (!file->replications) {
        take_replication(arena, &file->only, 0, out);
        return 0;
    }
    if (!file->replication_count)
        return error_set(err, ERR_INVALID, "%s: `replications` is empty", name);
    if (file->only.config.name)
        return error_set(err, ERR_INVALID, "%s: `name` stands in the entries of `replications`",
                         name);
    for (size_t i = 0; i < file->replication_count; i++) {
        inherit(&file->only, &file->replications[i]);
        take_replication(arena, &file->replications[i], (unsigned)i, out);
    }
    return 0;
}

int config_parse(struct arena *arena, const char *name, const char *data, size_t len,
                 struct config_set *out, struct error *err)
{
    struct reader reader = {.arena = arena, .name = name, .err = err};
    struct config_file file = {0};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        memory_exhausted(sizeof parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)data, len);
    int result = -1;
    if (!yaml_parser_load(&parser, &reader.document)) {
        broken(&parser, name, err);
        goto done;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reader.document);
    if (root)
        result = read_object(&reader, root, "", file_settings, &file);
    else
        error_set(err, ERR_INVALID, "%s is empty", name);
    yaml_document_delete(&reader.document);
    if (result == 0)
        result = check_end(&parser, name, err);
    if (result == 0)
        result = take_file(arena, name, &file, out, err);
done:
    yaml_parser_delete(&parser);
    return result;
}

int config_read(struct arena *arena, const char *path, struct config_set *out, struct error *err)
{
    char *data;
    size_t len;
    if (file_read(arena, path, CONFIG_FILE_LIMIT, true, &data, &len, err) != 0)
        return -1;
    return config_parse(arena, path, data, len, out, err);
}

static void write_object(struct json_writer *w, const struct setting *settings, const char *object);

static void write_list(struct json_writer *w, const struct setting *setting, const char *items,
                       size_t count)
{
    json_open_list(w);
    for (size_t i = 0; i < count; i++)
        if (setting->kind == SETTING_TEXTS)
            json_write_text(w, ((const char *const *)(const void *)items)[i]);
        else
            write_object(w, setting->inside, items + i * setting->item_size);
    json_close_list(w);
}

static void write_keys(struct json_writer *w, const struct config_key *keys, size_t count)
{
    json_open(w);
    for (size_t i = 0; i < count; i++)
        json_put_text(w, keys[i].source, keys[i].destination);
    json_close(w);
}

static void write_setting(struct json_writer *w, const struct setting *setting, const char *object)
{
    const char *place = object + setting->offset;
    const void *pointer = *(const void *const *)(const void *)place;
    if (setting->kind == SETTING_OBJECT) {
        json_key(w, setting->key);
        write_object(w, setting->inside, place);
        return;
    }
    if (is_absent(setting, object))
        return;
    json_key(w, setting->key);
    if (is_text(setting)) {
        json_write_text(w, pointer);
        return;
    }
    size_t count = *(const size_t *)(const void *)(object + setting->count_offset);
    if (setting->kind == SETTING_KEYS)
        write_keys(w, pointer, count);
    else
        write_list(w, setting, pointer, count);
}

static void write_object(struct json_writer *w, const struct setting *settings, const char *object)
{
    json_open(w);
    for (; settings->key; settings++)
        write_setting(w, settings, object);
    json_close(w);
}

void config_write(const struct config *config, struct json_writer *w)
{
    bool keys = config->kind == &resource_kms_key;
    write_object(w, keys ? written_keys : written_parameters, (const char *)config);
}

static void each_key(const struct setting *settings, const char *prefix,
                     void (*each)(const char *path, void *arg), void *arg)
{
    for (; settings->key; settings++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", settings->key);
        each(path, arg);
        if (settings->inside)
            each_key(settings->inside, path, each, arg);
    }
}

void config_keys(void (*each)(const char *path, void *arg), void *arg)
{
    each_key(file_settings, "", each, arg);
}
