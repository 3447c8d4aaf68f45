#include "engine/legacy.h"

#include "aws/arn.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

struct reading_legacy {
    struct arena *arena;
    legacy_get_fn *get;
    struct legacy *out;
    struct config *config; /* the one replication */
};

static void start(struct reading_legacy *r, struct arena *arena, legacy_get_fn *get,
                  struct legacy *out)
{
    *out = (struct legacy){.set = {arena_calloc(arena, 1, sizeof(struct config)), 1}};
    *r = (struct reading_legacy){arena, get, out, &out->set.items[0]};
}

__attribute__((format(printf, 2, 3))) static void note(struct reading_legacy *r, const char *format,
                                                       ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(r->arena, format, args);
    va_end(args);
    if (r->out->note_count < LEGACY_NOTES_MAX)
        r->out->notes[r->out->note_count++] = text;
}

/* An empty variable is one that is not set, as in all these tools. */
static const char *variable(const struct reading_legacy *r, const char *name)
{
    const char *text = r->get(name);
    return text && *text ? text : NULL;
}

static const char *ambient_region(const struct reading_legacy *r)
{
    const char *region = variable(r, "AWS_REGION");
    return region ? region : variable(r, "AWS_DEFAULT_REGION");
}

static void include(struct reading_legacy *r, const char *pattern)
{
    r->config->include[r->config->include_count++] = pattern;
}

static void room_for(struct reading_legacy *r, size_t patterns)
{
    r->config->include = arena_calloc(r->arena, patterns + 1, sizeof *r->config->include);
}

static void map_key(struct reading_legacy *r, struct config_side *side, const char *source,
                    const char *destination)
{
    if (!side->keys)
        side->keys = arena_calloc(r->arena, 2, sizeof *side->keys);
    side->keys[side->key_count++] = (struct config_key){source, destination};
}

/* A name or a path is taken as it is: stars would select what it did not. */
static int check_literal(const char *text, const char *what, struct error *err)
{
    if (strpbrk(text, "*?"))
        return error_set(err, ERR_INVALID, "%s '%s': names have no stars and question marks", what,
                         text);
    return 0;
}

/* --- params.json ------------------------------------------------------------------------------ */

static int check_member(const json_t *object, const char *name, bool list, struct error *err)
{
    const json_t *member = json_object_get(object, name);
    if (!member)
        return error_set(err, ERR_INVALID, "%s is missing: it may be empty", name);
    if (!list && !json_is_string(member) && !json_is_null(member))
        return error_set(err, ERR_INVALID, "%s must be a text", name);
    if (list && !json_is_array(member) && !json_is_null(member) &&
        !(json_is_string(member) && !json_string_length(member)))
        return error_set(err, ERR_INVALID, "%s must be a list of texts", name);
    for (size_t i = 0; list && i < json_array_size(member); i++)
        if (!json_string_length(json_array_get(member, i)))
            return error_set(err, ERR_INVALID, "%s must hold texts that are not empty", name);
    return 0;
}

static const char *member_text(const struct reading_legacy *r, const json_t *object,
                               const char *name)
{
    const char *text = json_text(object, name);
    return text && *text ? arena_strdup(r->arena, text) : NULL;
}

static int check_members(const json_t *object, struct error *err)
{
    static const struct {
        const char *name;
        bool list;
    } members[] = {
        {"Parameters", true},
        {"path", true},
        {"destination_region", false},
        {"destination_account", false},
        {"cross_account_role_arn", false},
        {"destination_kms_key_id", false},
    };
    size_t known = sizeof members / sizeof *members;
    const char *key;
    json_t *value;
    for (size_t i = 0; i < known; i++)
        if (check_member(object, members[i].name, members[i].list, err) != 0)
            return -1;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (i < known && strcmp(members[i].name, key) != 0)
            i++;
        if (i == known)
            return error_set(err, ERR_INVALID, "'%s' is no member that is known", key);
    }
    return 0;
}

static int take_names(struct reading_legacy *r, const json_t *names, struct error *err)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (check_literal(name, "Parameters", err) != 0)
            return -1;
        if (arn_is(name) || strchr(name, ':'))
            return error_set(err, ERR_INVALID,
                             "Parameters '%s': an ARN, a version or a label cannot be copied (the "
                             "earlier tool failed on it too): give the name",
                             name);
        include(r, arena_strdup(r->arena, name));
    }
    return 0;
}

static int take_paths(struct reading_legacy *r, const json_t *paths, struct error *err)
{
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        if (check_literal(path, "path", err) != 0)
            return -1;
        if (*path != '/')
            return error_set(err, ERR_INVALID, "path '%s' must begin with '/'", path);
        size_t len = strlen(path);
        while (len && path[len - 1] == '/')
            len--;
        include(r, len ? arena_printf(r->arena, "%.*s/**", (int)len, path) : "**");
    }
    return 0;
}

static int take_account(struct reading_legacy *r, const json_t *object, struct config_side *side,
                        struct error *err)
{
    const char *account = member_text(r, object, "destination_account");
    const char *role = member_text(r, object, "cross_account_role_arn");
    if (!account) {
        if (role)
            note(r, "cross_account_role_arn is not used: destination_account is empty, as for the "
                    "earlier tool");
        return 0;
    }
    if (!role)
        return error_set(err, ERR_INVALID,
                         "destination_account is given: cross_account_role_arn must be, too");
    side->account = account;
    side->role = (struct config_role){.role_arn = role, .session_name = "cross_acct_lambda"};
    return 0;
}

static void note_losses(struct reading_legacy *r, bool paths, bool key)
{
    if (paths)
        note(r, "below the first level of a path the earlier tool lost description, tier, policies "
                "and customer key: they are copied");
    note(r, "tags and allowed patterns were never copied by the earlier tool: they are");
    if (!key)
        note(r, "destination_kms_key_id is empty: the earlier tool put what is under a customer "
                "key under alias/aws/ssm, which every principal of the account may use; here it is "
                "blocked unless a key is given (--key) or that is allowed (--allow default-key)");
}

static int take_params(struct reading_legacy *r, const json_t *object, struct error *err)
{
    const json_t *names = json_object_get(object, "Parameters");
    const json_t *paths = json_object_get(object, "path");
    struct config_side *side = arena_calloc(r->arena, 1, sizeof *side);
    r->config->destinations = side;
    r->config->destination_count = 1;
    r->config->source.region = ambient_region(r);
    side->region = member_text(r, object, "destination_region");
    if (!side->region)
        return error_set(err, ERR_INVALID, "destination_region is empty");
    room_for(r, json_array_size(names) + json_array_size(paths));
    if (take_names(r, names, err) != 0 || take_paths(r, paths, err) != 0 ||
        take_account(r, object, side, err) != 0)
        return -1;
    if (!r->config->include_count)
        return error_set(err, ERR_INVALID, "neither Parameters nor path names anything");
    const char *key = member_text(r, object, "destination_kms_key_id");
    if (key)
        map_key(r, side, "*", key);
    note_losses(r, json_array_size(paths) > 0, key != NULL);
    return 0;
}

int legacy_params(struct arena *arena, const char *name, const char *data, size_t len,
                  legacy_get_fn *get, struct legacy *out, struct error *err)
{
    struct reading_legacy r;
    start(&r, arena, get, out);
    json_t *object = json_read(data, len, err);
    int result = -1;
    if (object && !json_is_object(object))
        error_set(err, ERR_INVALID, "it must be a JSON object");
    else if (object && check_members(object, err) == 0)
        result = take_params(&r, object, err);
    json_decref(object);
    return result == 0 ? 0 : error_context(err, "%s", name);
}

/* --- the environment -------------------------------------------------------------------------- */

static bool any_set(const struct reading_legacy *r, const char *const *names)
{
    for (; *names; names++)
        if (variable(r, *names))
            return true;
    return false;
}

static int check_set(const struct reading_legacy *r, const char *const *names, struct error *err)
{
    for (; *names; names++)
        if (!variable(r, *names))
            return error_set(err, ERR_INVALID, "%s is not set", *names);
    return 0;
}

static int take_prefixes(struct reading_legacy *r, const char *name, struct error *err)
{
    size_t count;
    char **prefixes = text_split(r->arena, variable(r, name), ',', &count);
    room_for(r, 2 * count);
    for (size_t i = 0; i < count; i++) {
        const char *prefix = prefixes[i];
        size_t len = strlen(prefix);
        if (check_literal(prefix, name, err) != 0)
            return -1;
        if (*prefix != '/')
            return error_set(err, ERR_INVALID, "%s '%s' must begin with '/'", name, prefix);
        if (prefix[len - 1] == '/')
            note(r,
                 "%s '%s' ends in '/': the replicator matched nothing with it; here it means "
                 "all below it",
                 name, prefix);
        while (len && prefix[len - 1] == '/')
            len--;
        if (!len) {
            include(r, "**");
            continue;
        }
        include(r, arena_strndup(r->arena, prefix, len));
        include(r, arena_printf(r->arena, "%.*s/**", (int)len, prefix));
    }
    return count ? 0 : error_set(err, ERR_INVALID, "%s names nothing", name);
}

static int take_regions(struct reading_legacy *r, const char *name, struct error *err)
{
    size_t count;
    char **regions = text_split(r->arena, variable(r, name), ',', &count);
    struct config *config = r->config;
    if (count > DESTINATIONS_MAX)
        return error_set(err, ERR_INVALID, "%s: at most %d Regions are possible", name,
                         DESTINATIONS_MAX);
    config->destinations = arena_calloc(r->arena, count + 1, sizeof *config->destinations);
    for (size_t i = 0; i < count; i++)
        if (config->source.region && strcmp(regions[i], config->source.region) == 0)
            note(r, "%s names %s, the source itself: left out", name, regions[i]);
        else
            config->destinations[config->destination_count++].region = regions[i];
    if (config->destination_count)
        return 0;
    return count ? error_set(err, ERR_INVALID, "%s names only %s, the source itself", name,
                             config->source.region)
                 : error_set(err, ERR_INVALID, "%s names no Region", name);
}

/* One key for all Regions and for every SecureString, whatever it is under at the source. */
static void take_key(struct reading_legacy *r)
{
    const char *key = variable(r, "DEST_KMS_KEY_ID");
    struct arn arn;
    bool fixed = key && arn_parse(key, strlen(key), &arn) == 0 && arn.region.len;
    if (!key)
        note(r, "no DEST_KMS_KEY_ID: the earlier tool put what is under a customer key under "
                "alias/aws/ssm, which every principal of the account may use; here it is blocked "
                "unless a key is given (--key) or that is allowed (--allow default-key)");
    for (size_t i = 0; key && i < r->config->destination_count; i++) {
        struct config_side *side = &r->config->destinations[i];
        map_key(r, side, "*", key);
        map_key(r, side, "alias/aws/ssm", key);
        if (fixed && !text_is(arn.region, side->region))
            note(r,
                 "DEST_KMS_KEY_ID is a key of %.*s: it cannot encrypt in %s; use an alias, or "
                 "`keys` of each destination",
                 (int)arn.region.len, arn.region.data, side->region);
    }
}

static int take_type(struct reading_legacy *r, struct error *err)
{
    const char *type = variable(r, "DEST_PARAM_TYPE");
    if (!type)
        return 0;
    if (strcmp(type, "String") != 0 && strcmp(type, "StringList") != 0 &&
        strcmp(type, "SecureString") != 0)
        return error_set(err, ERR_INVALID,
                         "DEST_PARAM_TYPE '%s' is none of String, StringList and SecureString",
                         type);
    if (strcmp(type, "SecureString") == 0)
        r->config->type = "SecureString";
    else
        note(r,
             "DEST_PARAM_TYPE=%s is not followed: the earlier tool wrote secrets in clear with "
             "it; each copy has its source's type",
             type);
    return 0;
}

/* The replicator deleted each copy at once and knew no bounds. Here that is asked for, in words of
 * ours beside its own; what bounds it is the configuration's. */
static int take_deletes(struct reading_legacy *r, struct error *err)
{
    struct config *config = r->config;
    config->deletes = variable(r, "DEST_DELETES");
    config->max_delete = variable(r, "DEST_MAX_DELETE");
    config->delete_grace = variable(r, "DEST_DELETE_GRACE");
    if (!config->deletes) {
        if (config->max_delete || config->delete_grace)
            return error_set(err, ERR_INVALID, "%s is set and DEST_DELETES is not",
                             config->max_delete ? "DEST_MAX_DELETE" : "DEST_DELETE_GRACE");
        note(r, "the replicator deleted copies, also those it had not made: deletes are off here; "
                "DEST_DELETES=owned, or `deletes: owned` in a configuration, turns them on");
        return 0;
    }
    if (!config->delete_grace)
        config->delete_grace = "0";
    return 0;
}

static const char *const bulk[] = {"SOURCE_REGION", "DESTINATION_REGION", "PARAMETER_PREFIXES",
                                   NULL};
static const char *const replicator[] = {"DEST_REGIONS", "PARAM_PATHS", NULL};

int legacy_environment(struct arena *arena, legacy_get_fn *get, struct legacy *out,
                       struct error *err)
{
    struct reading_legacy r;
    start(&r, arena, get, out);
    bool is_bulk = any_set(&r, bulk), is_replicator = any_set(&r, replicator);
    if (is_bulk && is_replicator)
        return error_set(err, ERR_INVALID,
                         "the variables of both earlier tools are set: unset those of the bulk "
                         "script (SOURCE_REGION, DESTINATION_REGION, PARAMETER_PREFIXES) or of the "
                         "replicator (DEST_REGIONS, PARAM_PATHS)");
    if (check_set(&r, is_replicator ? replicator : bulk, err) != 0)
        return -1;
    r.config->source.region = is_replicator ? ambient_region(&r) : variable(&r, "SOURCE_REGION");
    const char *dry_run = variable(&r, "DRY_RUN");
    out->dry_run = dry_run && strcasecmp(dry_run, "true") == 0;
    if (take_regions(&r, is_replicator ? "DEST_REGIONS" : "DESTINATION_REGION", err) != 0 ||
        take_prefixes(&r, is_replicator ? "PARAM_PATHS" : "PARAMETER_PREFIXES", err) != 0)
        return -1;
    if (is_replicator) {
        if (take_type(&r, err) != 0)
            return -1;
        note(&r,
             "the replicator overwrote descriptions with a text of its own, forced the standard "
             "tier, and lost policies, allowed patterns and removed tags: they are copied");
        if (take_deletes(&r, err) != 0)
            return -1;
    }
    take_key(&r);
    return 0;
}
