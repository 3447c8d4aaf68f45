#include "event/custom_properties.h"

#include "aws/region.h"
#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { POLICY_MOST = 32 * 1024, DESCRIPTION_MOST = 8192, WINDOW_LEAST = 7, WINDOW_MOST = 30 };
enum { TAG_KEY_MOST = 128, TAG_VALUE_MOST = 256, ALIAS_MOST = 256, ALIASES_MOST = 50 };

/* Names that published templates use, and ours. */
static const char *const key_names[] = {"KMSKeyID", "KeyId", NULL};
static const char *const region_names[] = {"ReplicationRegions", "Regions", NULL};
static const char *const window_names[] = {"PendingWindowInDays", "DeletionWindowInDays", NULL};
static const char *const removal_names[] = {"OnRemove", "DeletionPolicy", NULL};
static const char *const worker_names[] = {"MAX_WORKERS", "MaxWorkers", NULL};
static const char *const other_names[] = {
    "Policy",          "Description",    "Tags",           "Aliases",
    "RegionOverrides", "MoveAliases",    "VerbatimPolicy", "BypassPolicyLockoutSafetyCheck",
    "ServiceToken",    "ServiceTimeout", "Nonce",          NULL};
/* Of one Region. */
static const char *const override_names[] = {
    "Policy", "Description", "Tags", "Aliases", "PendingWindowInDays", "DeletionWindowInDays",
    NULL};

/* --- parts ------------------------------------------------------------------------------------ */
static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) ||
           (json_is_string(value) && !text_trim(text_of(json_string_value(value))).len);
}

/* By its first name that is given. */
static const json_t *find(const json_t *properties, const char *const *names, const char **name)
{
    for (*name = names[0]; *names; names++)
        if (!is_empty(json_object_get(properties, *names)))
            return json_object_get(properties, *name = *names);
    return NULL;
}

/* A scalar as text; numbers and booleans come when no CloudFormation is between. */
static const char *scalar(struct arena *arena, const json_t *value)
{
    if (json_is_string(value)) {
        struct text text = text_trim(text_of(json_string_value(value)));
        return arena_strndup(arena, text.data, text.len);
    }
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    return NULL;
}

/* A list, or text between commas; items trimmed, empty ones left out. -1: something else in it. */
static int list_of(struct arena *arena, const json_t *value, char ***items, size_t *count)
{
    size_t i, found = 0;
    json_t *item;
    *count = 0;
    *items = arena_calloc(arena, 1, sizeof **items);
    if (is_empty(value))
        return 0;
    if (json_is_string(value)) {
        *items = text_split(arena, json_string_value(value), ',', count);
        return 0;
    }
    if (!json_is_array(value))
        return -1;
    char **list = arena_calloc(arena, json_array_size(value) + 1, sizeof *list);
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            return -1;
        /* A list that was joined too early: ["eu-west-1, us-east-1"]. */
        size_t inner_count;
        char **inner = text_split(arena, json_string_value(item), ',', &inner_count);
        char **longer =
            arena_calloc(arena, found + inner_count + json_array_size(value) + 1, sizeof *longer);
        if (found)
            memcpy(longer, list, found * sizeof *longer);
        if (inner_count)
            memcpy(longer + found, inner, inner_count * sizeof *longer);
        found += inner_count;
        list = longer;
    }
    *items = list;
    *count = found;
    return 0;
}

static int read_flag(struct arena *arena, const json_t *properties, const char *name, bool *out,
                     struct error *err)
{
    const json_t *value = json_object_get(properties, name);
    *out = false;
    if (is_empty(value))
        return 0;
    const char *text = scalar(arena, value);
    if (!text || (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0))
        return error_set(err, ERR_INVALID, "%s must be true or false", name);
    *out = strcasecmp(text, "true") == 0;
    return 0;
}

int custom_workers_read(const char *name, const char *text, unsigned *out, struct error *err)
{
    struct text trimmed = text_trim(text_of(text));
    int64_t number;
    *out = 0;
    if (!trimmed.len)
        return 0;
    if (text_to_int64(trimmed.data, trimmed.len, &number) != 0 || number < 1 ||
        number > CUSTOM_WORKERS_MOST)
        return error_set(err, ERR_INVALID, "%s must be a number from 1 to %d, or empty", name,
                         CUSTOM_WORKERS_MOST);
    *out = (unsigned)number;
    return 0;
}

static int read_window(struct arena *arena, const json_t *properties, unsigned *out,
                       struct error *err)
{
    const char *name;
    const json_t *value = find(properties, window_names, &name);
    const char *text = value ? scalar(arena, value) : NULL;
    int64_t days;
    if (!value)
        return 0;
    if (!text || text_to_int64(text, strlen(text), &days) != 0 || days < WINDOW_LEAST ||
        days > WINDOW_MOST)
        return error_set(err, ERR_INVALID, "%s must be a number of days from %d to %d", name,
                         WINDOW_LEAST, WINDOW_MOST);
    *out = (unsigned)days;
    return 0;
}

static int read_removal(struct arena *arena, const json_t *properties, enum custom_removal *out,
                        struct error *err)
{
    static const struct {
        const char *word;
        enum custom_removal removal;
    } words[] = {{"Retain", CUSTOM_RETAIN},
                 {"Disable", CUSTOM_DISABLE},
                 {"ScheduleDeletion", CUSTOM_SCHEDULE},
                 {"Delete", CUSTOM_SCHEDULE}};
    const char *name;
    const json_t *value = find(properties, removal_names, &name);
    const char *text = value ? scalar(arena, value) : NULL;
    *out = CUSTOM_RETAIN;
    if (!value)
        return 0;
    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i].word, text) == 0) {
            *out = words[i].removal;
            return 0;
        }
    return error_set(err, ERR_INVALID, "%s must be Retain, Disable or ScheduleDeletion", name);
}

/* --- what a replica is to be ------------------------------------------------------------------ */
static int read_policy(struct arena *arena, const json_t *value, const char **out,
                       struct error *err)
{
    char *text = NULL;
    if (is_empty(value))
        return 0;
    if (json_is_string(value))
        text = arena_strdup(arena, json_string_value(value));
    else if (json_is_object(value)) {
        char *dumped = json_dumps(value, JSON_COMPACT);
        text = dumped ? arena_strdup(arena, dumped) : NULL;
        free(dumped);
    }
    if (!text || strlen(text) > POLICY_MOST || !kms_policy_meaning(arena, text, NULL))
        return error_set(err, ERR_INVALID,
                         "Policy must be a key policy: a JSON object, or its text, of at most %d "
                         "bytes",
                         POLICY_MOST);
    *out = text;
    return 0;
}

static int add_tag(struct arena *arena, const json_t *key, const json_t *value, struct tag *out,
                   struct error *err)
{
    const char *name = key ? scalar(arena, key) : NULL;
    const char *text = json_is_string(value) ? arena_strdup(arena, json_string_value(value))
                       : value               ? scalar(arena, value)
                                             : "";
    if (!name || !*name || !text)
        return error_set(err, ERR_INVALID,
                         "Tags must be a list of {\"Key\": ..., \"Value\": ...}, or an object");
    if (text_starts_nocase(name, "aws:") || tag_is_ours(name))
        return error_set(err, ERR_INVALID,
                         "Tags: keys that begin with aws: or understudy: are "
                         "not for templates");
    if (text_utf8_count(name, strlen(name)) > TAG_KEY_MOST ||
        text_utf8_count(text, strlen(text)) > TAG_VALUE_MOST)
        return error_set(err, ERR_INVALID, "Tags: a key has at most %d characters, a value %d",
                         TAG_KEY_MOST, TAG_VALUE_MOST);
    *out = (struct tag){name, text};
    return 0;
}

static int read_tags(struct arena *arena, const json_t *value, struct kms_wish *wish,
                     struct error *err)
{
    size_t i, count = 0;
    const char *key;
    json_t *item;
    if (is_empty(value))
        return 0;
    size_t most = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (most > CUSTOM_TAGS_MOST)
        return error_set(err, ERR_INVALID, "Tags: at most %d, because two are ours",
                         CUSTOM_TAGS_MOST);
    struct tag *tags = arena_calloc(arena, most + 1, sizeof *tags);
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            if (add_tag(arena, json_object_get(item, "Key"), json_object_get(item, "Value"),
                        &tags[count++], err) != 0)
                return -1;
        }
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, item)
        {
            json_t *name = json_string(key);
            int result = add_tag(arena, name, item, &tags[count++], err);
            json_decref(name);
            if (result != 0)
                return -1;
        }
    } else {
        return add_tag(arena, NULL, NULL, tags, err);
    }
    tags_sort(tags, count);
    for (i = 1; i < count; i++)
        if (strcmp(tags[i].key, tags[i - 1].key) == 0)
            return error_set(err, ERR_INVALID, "Tags: the key %s is there twice", tags[i].key);
    wish->tags_given = true;
    wish->tags = tags;
    wish->tag_count = count;
    return 0;
}

static bool alias_valid(const char *alias)
{
    size_t len = strlen(alias);
    if (!text_starts(alias, "alias/") || len <= strlen("alias/") || len > ALIAS_MOST ||
        text_starts(alias, "alias/aws/"))
        return false;
    for (const char *at = alias; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
              (*at >= '0' && *at <= '9') || strchr(":/_-", *at)))
            return false;
    return true;
}

static int read_aliases(struct arena *arena, const json_t *value, struct kms_wish *wish,
                        struct error *err)
{
    char **items;
    size_t count;
    if (!value || (is_empty(value) && !json_is_array(value)))
        return 0;
    if (list_of(arena, value, &items, &count) != 0 || count > ALIASES_MOST)
        return error_set(err, ERR_INVALID, "Aliases must be a list of at most %d names",
                         ALIASES_MOST);
    for (size_t i = 0; i < count; i++)
        if (!alias_valid(items[i]))
            return error_set(
                err, ERR_INVALID,
                "Aliases: '%.80s' is no name such as alias/app (and not alias/aws/...)", items[i]);
    wish->aliases_given = true;
    wish->aliases = (const char *const *)items;
    wish->alias_count = count;
    return 0;
}

static int read_wish(struct arena *arena, const json_t *properties, struct custom_region *out,
                     struct error *err)
{
    const json_t *description = json_object_get(properties, "Description");
    if (read_policy(arena, json_object_get(properties, "Policy"), &out->wish.policy, err) != 0 ||
        read_tags(arena, json_object_get(properties, "Tags"), &out->wish, err) != 0 ||
        read_aliases(arena, json_object_get(properties, "Aliases"), &out->wish, err) != 0 ||
        read_window(arena, properties, &out->window_days, err) != 0)
        return -1;
    if (is_empty(description))
        return 0;
    if (!json_is_string(description) ||
        text_utf8_count(json_string_value(description), json_string_length(description)) >
            DESCRIPTION_MOST)
        return error_set(err, ERR_INVALID, "Description must be text of at most %d characters",
                         DESCRIPTION_MOST);
    out->wish.description = arena_strdup(arena, json_string_value(description));
    return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */
static bool listed(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

static const char *nearest(const char *name, const char *const *const *lists)
{
    const char *best = NULL;
    size_t least = 4;
    for (; *lists; lists++)
        for (const char *const *at = *lists; *at; at++)
            if (text_distance(*at, name) < least) {
                least = text_distance(*at, name);
                best = *at;
            }
    return best;
}

static int check_names(const json_t *properties, const char *const *const *lists, const char *where,
                       struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)properties, name, value)
    {
        bool known = false;
        for (size_t i = 0; lists[i]; i++)
            known = known || listed(lists[i], name);
        if (known)
            continue;
        const char *meant = nearest(name, lists);
        return error_set(err, ERR_INVALID, "%s has no property '%.60s'%s%s%s", where, name,
                         meant ? ": is it " : "", meant ? meant : "", meant ? "?" : "");
    }
    return 0;
}

static struct custom_region *region_named(struct custom_properties *out, const char *name)
{
    for (size_t i = 0; i < out->region_count; i++)
        if (strcmp(out->regions[i].name, name) == 0)
            return &out->regions[i];
    return NULL;
}

/* Each once: the list may name a Region twice. */
static int read_regions(struct arena *arena, const json_t *properties,
                        const struct custom_region *usual, struct custom_properties *out,
                        struct error *err)
{
    const char *name;
    const json_t *value = find(properties, region_names, &name);
    char **items;
    size_t count;
    if (list_of(arena, value, &items, &count) != 0)
        return error_set(err, ERR_INVALID, "%s must be a list of Regions", name);
    if (count > CUSTOM_REGIONS_MOST)
        return error_set(err, ERR_INVALID, "%s names more than %d Regions", name,
                         CUSTOM_REGIONS_MOST);
    out->regions = arena_calloc(arena, count + 1, sizeof *out->regions);
    for (size_t i = 0; i < count; i++) {
        if (region_named(out, items[i]))
            continue;
        out->regions[out->region_count] = *usual;
        out->regions[out->region_count++].name = items[i];
    }
    return 0;
}

static int check_regions(const struct custom_properties *out, struct error *err)
{
    if (!out->region_count)
        return error_set(err, ERR_INVALID,
                         "ReplicationRegions is missing: the Regions that are to "
                         "have a replica");
    for (size_t i = 0; i < out->region_count; i++)
        if (!region_valid(out->regions[i].name))
            return error_set(err, ERR_INVALID,
                             "ReplicationRegions: '%.40s' is no Region; names look like eu-west-1",
                             out->regions[i].name);
    return 0;
}

static int read_overrides(struct arena *arena, const json_t *overrides,
                          struct custom_properties *out, struct error *err)
{
    static const char *const *const known[] = {override_names, NULL};
    const char *name;
    json_t *value;
    if (is_empty(overrides))
        return 0;
    if (!json_is_object(overrides))
        return error_set(err, ERR_INVALID, "RegionOverrides must be an object of Regions");
    json_object_foreach((json_t *)overrides, name, value)
    {
        struct custom_region *region = region_named(out, name);
        if (!region)
            return error_set(err, ERR_INVALID,
                             "RegionOverrides: '%.40s' is not in ReplicationRegions", name);
        if (!json_is_object(value) || check_names(value, known, "RegionOverrides", err) != 0)
            return json_is_object(value)
                       ? -1
                       : error_set(err, ERR_INVALID, "RegionOverrides: %s must be an object", name);
        if (read_wish(arena, value, region, err) != 0)
            return error_context(err, "RegionOverrides: %s", name);
    }
    return 0;
}

static const char *read_key(struct arena *arena, const json_t *properties)
{
    const char *name;
    const json_t *value = find(properties, key_names, &name);
    return json_is_string(value) ? scalar(arena, value) : NULL;
}

int custom_properties_read(struct arena *arena, const json_t *properties,
                           struct custom_properties *out, struct error *err)
{
    static const char *const *const known[] = {key_names,     region_names, window_names,
                                               removal_names, worker_names, other_names,
                                               NULL};
    struct custom_region usual = {0};
    const char *name;
    *out = (struct custom_properties){0};
    out->key = read_key(arena, properties);
    if (!out->key)
        return error_set(err, ERR_INVALID,
                         "KMSKeyID is missing: the id, ARN or alias of a multi-Region key");
    if (check_names(properties, known, "the resource", err) != 0 ||
        read_flag(arena, properties, "MoveAliases", &usual.wish.move_aliases, err) != 0 ||
        read_flag(arena, properties, "VerbatimPolicy", &usual.wish.verbatim_policy, err) != 0 ||
        read_flag(arena, properties, "BypassPolicyLockoutSafetyCheck",
                  &usual.wish.bypass_lockout_check, err) != 0 ||
        read_wish(arena, properties, &usual, err) != 0 ||
        read_regions(arena, properties, &usual, out, err) != 0 || check_regions(out, err) != 0 ||
        read_overrides(arena, json_object_get(properties, "RegionOverrides"), out, err) != 0 ||
        read_removal(arena, properties, &out->removal, err) != 0)
        return -1;
    const json_t *workers = find(properties, worker_names, &name);
    return custom_workers_read(name, workers ? scalar(arena, workers) : "", &out->workers, err);
}

void custom_properties_skim(struct arena *arena, const json_t *properties,
                            struct custom_properties *out)
{
    struct custom_region usual = {0};
    const char *name;
    json_t *value;
    *out = (struct custom_properties){0};
    out->key = read_key(arena, properties);
    read_window(arena, properties, &usual.window_days, NULL);
    read_removal(arena, properties, &out->removal, NULL);
    if (read_regions(arena, properties, &usual, out, NULL) != 0)
        out->region_count = 0;
    json_object_foreach(json_object_get(properties, "RegionOverrides"), name, value)
    {
        struct custom_region *region = region_named(out, name);
        if (region)
            read_window(arena, value, &region->window_days, NULL);
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->region_count; i++)
        if (region_valid(out->regions[i].name))
            out->regions[kept++] = out->regions[i];
    out->region_count = kept;
}
