/* What a configuration must be to be possible. Reading it is in config.c. */
#include "aws/arn.h"
#include "aws/region.h"
#include "base/text.h"
#include "engine/config.h"
#include "engine/history.h"
#include "engine/identity.h"
#include "engine/replace.h"
#include "engine/rewrite.h"
#include "engine/safety.h"
#include "engine/scope.h"
#include "engine/select.h"
#include "engine/two_way.h"

#include <stdio.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static int check_side(struct arena *arena, struct config_side *side, const char *what,
                      struct error *err)
{
    if (!side->region)
        return error_set(err, ERR_INVALID, "the %s has no region", what);
    if (!region_valid(side->region))
        return error_set(err, ERR_INVALID,
                         "'%s' is not the name of a Region (%s); names look like eu-west-1",
                         side->region, what);
    if (side->account && !account_valid(side->account))
        return error_set(err, ERR_INVALID, "account '%s' of %s is not twelve digits", side->account,
                         side->region);
    return identity_check(arena, side, err);
}

static const char *last_role(const struct config_side *side)
{
    return side->chain_count ? side->chain[side->chain_count - 1].role_arn : NULL;
}

/* Would they be one Region of one account? Accounts that are not named are told apart by what
 * gives the credentials; the engine compares the real accounts once it knows them. */
static bool same_place(const struct config_side *a, const struct config_side *b)
{
    return strcmp(a->region, b->region) == 0 && same_text(a->account, b->account) &&
           same_text(a->profile, b->profile) && same_text(a->endpoint_url, b->endpoint_url) &&
           same_text(last_role(a), last_role(b));
}

static int check_pattern(const char *pattern, const char *what, struct error *err)
{
    size_t len = strlen(pattern);
    if (len == 0)
        return error_set(err, ERR_INVALID, "%s: an empty pattern", what);
    if (text_starts(pattern, "arn:"))
        return error_set(err, ERR_INVALID,
                         "%s '%s': parameters that another account shares are not selected here: "
                         "replicate from the account that owns them (role_arn or profile of the "
                         "source); own parameters are selected by name",
                         what, pattern);
    if (pattern[len - 1] == '/')
        return error_set(err, ERR_INVALID, "%s '%s' ends in '/': write '%s**' for all below it",
                         what, pattern, pattern);
    if (strchr(pattern, '/') && *pattern != '/' && *pattern != '*')
        return error_set(err, ERR_INVALID, "%s '%s': names with levels begin with '/': write '/%s'",
                         what, pattern, pattern);
    if (strstr(pattern, "//"))
        return error_set(err, ERR_INVALID, "%s '%s' has an empty level", what, pattern);
    if (strchr(pattern, ':'))
        return error_set(err, ERR_INVALID,
                         "%s '%s': a version or label (name:3, name:label) cannot be selected: a "
                         "parameter is copied as it is now, and its labels and history by `labels` "
                         "and `history`",
                         what, pattern);
    for (const char *at = pattern; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/*?", *at))
            return error_set(err, ERR_INVALID, "%s '%s': '%c' cannot occur in a parameter's name",
                             what, pattern, *at);
    const char *first = *pattern == '/' ? pattern + 1 : pattern;
    if (text_starts(first, "aws/reference/secretsmanager/"))
        return error_set(err, ERR_INVALID,
                         "%s '%s' is a secret of Secrets Manager seen through Parameter Store: "
                         "replicate the secret itself",
                         what, pattern);
    if (text_starts_nocase(first, "aws") || text_starts_nocase(first, "ssm"))
        return error_set(err, ERR_INVALID,
                         "%s '%s': names beginning with aws or ssm belong to AWS and are never "
                         "copied",
                         what, pattern);
    return 0;
}

/* Selectors of kinds that have their own sort. */
static int check_selectors(struct arena *arena, const struct resource_kind *kind,
                           const char *const *selectors, size_t count, const char *what,
                           struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *problem = kind->selector_problem(arena, selectors[i]);
        if (problem)
            return error_set(err, ERR_INVALID, "%s.%s '%s': %s", kind->section, what, selectors[i],
                             problem);
    }
    return 0;
}

static int check_word(const char *text, const char *name, const char *const *words, size_t *which,
                      struct error *err)
{
    for (*which = 0; words[*which]; ++*which)
        if (!text || strcmp(words[*which], text) == 0) /* the first is the default */
            return 0;
    const char *all = "";
    char list[128] = "";
    for (size_t i = 0; words[i]; i++) {
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", all, words[i]);
        all = ", ";
    }
    return error_set(err, ERR_INVALID, "%s: '%s' is none of: %s", name, text, list);
}

enum { WINDOW_LEAST = 7, WINDOW_MOST = 30 };

static int read_window(const char *text, unsigned *days, struct error *err)
{
    int64_t given;
    size_t len = text ? strspn(text, "0123456789") : 0;
    if (!text)
        return 0;
    if (text_to_int64(text, len, &given) != 0 || (text[len] && strcmp(text + len, "d") != 0) ||
        given < WINDOW_LEAST || given > WINDOW_MOST)
        return error_set(err, ERR_INVALID,
                         "deletion_window: '%s' is no number of days from %d to %d", text,
                         WINDOW_LEAST, WINDOW_MOST);
    *days = (unsigned)given;
    return 0;
}

static int check_counterparts(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->counterpart_count; i++)
        if (!text_starts(config->counterparts[i], "alias/") ||
            text_starts(config->counterparts[i], "alias/aws/") ||
            strpbrk(config->counterparts[i], "*?"))
            return error_set(err, ERR_INVALID,
                             "counterparts '%s': give an alias of a key of yours, without star: a "
                             "key and its counterpart are paired by it",
                             config->counterparts[i]);
    for (size_t i = 0; i < config->region_count; i++) {
        bool known = false;
        for (size_t j = 0; j < config->destination_count; j++)
            known = known || same_text(config->regions[i], config->destinations[j].region);
        if (!known)
            return error_set(err, ERR_INVALID, "regions: '%s' is no destination",
                             config->regions[i]);
    }
    return 0;
}

/* What a section that has no parameters says. */
static int take_settings(struct arena *arena, struct config *config, struct error *err)
{
    static const char *const policies[] = {"region", "verbatim", "leave", NULL};
    static const char *const aliases[] = {"add", "exact", "move", "leave", NULL};
    static const char *const grants[] = {"report", "ignore", "copy", NULL};
    static const char *const creates[] = {"false", "true", "own", "show", NULL};
    struct resource_settings *settings = arena_calloc(arena, 1, sizeof *settings);
    const char **named = arena_calloc(arena, config->include_count + 1, sizeof *named);
    size_t policy, alias, grant, create;
    if (check_word(config->policy, "policy", policies, &policy, err) != 0 ||
        check_word(config->aliases, "aliases", aliases, &alias, err) != 0 ||
        check_word(config->grants, "grants", grants, &grant, err) != 0 ||
        check_word(config->create_counterparts, "create_counterparts", creates, &create, err) !=
            0 ||
        read_window(config->deletion_window, &settings->window_days, err) != 0 ||
        check_counterparts(config, err) != 0)
        return -1;
    for (size_t i = 0; i < config->include_count; i++)
        if (!strpbrk(config->include[i], "*?"))
            named[settings->named_count++] = config->kind->key_of(config->include[i]);
    settings->named = named;
    settings->counterparts = (const char *const *)config->counterparts;
    settings->counterpart_count = config->counterpart_count;
    settings->create_counterparts = create == 1 || create == 2;
    settings->own_counterparts = create == 2;
    settings->show_counterparts = create == 3;
    settings->verbatim_policy = policy == 1;
    settings->leave_policy = policy == 2;
    settings->exact_aliases = alias == 1;
    settings->move_aliases = alias == 2;
    settings->leave_aliases = alias == 3;
    static const int grant_modes[] = {GRANTS_REPORTED, GRANTS_IGNORED, GRANTS_COPIED};
    settings->grants = config->grants ? grant_modes[grant] : GRANTS_GLANCED;
    settings->revoke_all_grants = config->deletes && strcmp(config->deletes, "all") == 0;
    settings->revoke_own_grants = config->deletes && strcmp(config->deletes, "owned") == 0;
    config->settings = settings;
    return 0;
}

static int check_patterns(const char *const *patterns, size_t count, const char *what,
                          struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (check_pattern(patterns[i], what, err) != 0)
            return -1;
    return 0;
}

static int check_renames(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->rename_count; i++) {
        const struct config_rename *rename = &config->rename[i];
        if (!rename->from || !rename->to)
            return error_set(err, ERR_INVALID, "rename needs both 'from' and 'to'");
        const char *both[] = {rename->from, rename->to};
        for (size_t j = 0; j < 2; j++) {
            if (both[j][0] != '/' || strpbrk(both[j], "*?"))
                return error_set(err, ERR_INVALID,
                                 "rename '%s': give a path that begins with '/', without stars",
                                 both[j]);
            if (strcmp(both[j], "/") != 0 && check_pattern(both[j], "rename", err) != 0)
                return -1;
        }
    }
    return 0;
}

static int check_allow(const struct config *config, struct error *err)
{
    static const char *const words[] = {"aws:ec2:image", "plain-text", "default-key", "replace"};
    for (size_t i = 0; i < config->allow_count; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof words / sizeof *words; j++)
            known = known || strcmp(config->allow[i], words[j]) == 0;
        if (!known)
            return error_set(err, ERR_INVALID,
                             "allow '%s' is not known: aws:ec2:image, plain-text, default-key or "
                             "replace",
                             config->allow[i]);
    }
    return 0;
}

static int check_rewrites(const struct config_rewrite *rules, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (check_patterns(rules[i].names, rules[i].name_count, "rewrite.names", err) != 0)
            return -1;
    return rewrite_check(rules, count, err);
}

static int check_tier(const char *tier, struct error *err)
{
    if (!tier || strcmp(tier, "source") == 0 || strcmp(tier, "intelligent") == 0 ||
        strcmp(tier, "advanced") == 0)
        return 0;
    return error_set(err, ERR_INVALID, "tier: '%s' is not source, intelligent or advanced", tier);
}

static int check_type(const char *type, struct error *err)
{
    if (!type || strcmp(type, "source") == 0 || strcmp(type, "SecureString") == 0)
        return 0;
    return error_set(err, ERR_INVALID, "type: '%s' is not source or SecureString", type);
}

/* A slip such as 'prod-key' would be found only when the first copy is refused. */
static int check_keys(const struct config_side *side, struct error *err)
{
    for (size_t i = 0; i < side->key_count; i++) {
        const char *key = side->keys[i].destination;
        const char *id = text_starts(key, "mrk-") ? key + strlen("mrk-") : key;
        bool is_id = *id && strspn(id, "0123456789abcdefABCDEF-") == strlen(id);
        if (!is_id && !arn_is(key) && !text_starts(key, "alias/"))
            return error_set(err, ERR_INVALID,
                             "'%s' is no key for %s: give an alias (alias/...), a key's id or an "
                             "ARN",
                             key, side->region);
    }
    return 0;
}

static int check_destinations(struct arena *arena, struct config *config, struct error *err)
{
    if (!config->destination_count)
        return error_set(err, ERR_INVALID,
                         "no destination: give --destination-region, or destinations in the "
                         "configuration");
    for (size_t i = 0; i < config->destination_count; i++) {
        struct config_side *side = &config->destinations[i];
        if (check_side(arena, side, "destination", err) != 0 || check_tier(side->tier, err) != 0 ||
            check_keys(side, err) != 0 ||
            check_rewrites(side->rewrite, side->rewrite_count, err) != 0)
            return -1;
        const char *there = partition_of(side->region)->name;
        const char *here = partition_of(config->source.region)->name;
        if (strcmp(there, here) != 0 && identity_same(side, &config->source))
            return error_set(err, ERR_INVALID,
                             "%s is in the partition %s, %s in %s, and they share no credentials: "
                             "give each side a profile of its partition",
                             side->region, there, config->source.region, here);
        if (same_place(side, &config->source))
            return error_set(err, ERR_INVALID,
                             "%s is both source and destination: a copy needs another Region or "
                             "account",
                             side->region);
        for (size_t j = 0; j < i; j++)
            if (same_place(side, &config->destinations[j]))
                return error_set(err, ERR_INVALID, "destination %s is given twice", side->region);
    }
    return 0;
}

static int check_owners(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->owner_count; i++)
        if (check_pattern(config->owners[i].source, "owners", err) != 0)
            return -1;
    return 0;
}

/* What is said of parameters. */
static int check_parameters(struct config *config, struct error *err)
{
    static const char *const flags[] = {"false", "true", NULL};
    size_t create;
    return check_word(config->create_counterparts, "create_counterparts", flags, &create, err) !=
                       0 ||
                   check_renames(config, err) != 0 || check_allow(config, err) != 0 ||
                   check_rewrites(config->rewrite, config->rewrite_count, err) != 0 ||
                   select_check(config->kind, &config->select, err) != 0 ||
                   check_type(config->type, err) != 0 || check_tier(config->tier, err) != 0 ||
                   replace_check(config, err) != 0 || history_check(config, err) != 0 ||
                   two_way_check(config, err) != 0 || check_owners(config, err) != 0 ||
                   check_patterns(config->allow_replace, config->allow_replace_count,
                                  "allow_replace", err) != 0 ||
                   check_patterns(config->include, config->include_count, "include", err) != 0 ||
                   check_patterns(config->exclude, config->exclude_count, "exclude", err) != 0
               ? -1
               : 0;
}

int config_check(struct arena *arena, struct config *config, struct error *err)
{
    static const char *const nothing[] = {NULL};
    if (!config->kind)
        config->kind = &resource_ssm_parameter;
    const struct resource_kind *kind = config->kind;
    if (!config->source.region)
        return error_set(err, ERR_INVALID,
                         "no source: give --source-region, or source: { region: ... } in the "
                         "configuration");
    if (check_side(arena, &config->source, "source", err) != 0 ||
        check_destinations(arena, config, err) != 0)
        return -1;
    if (!kind->selector_problem) {
        if (check_parameters(config, err) != 0)
            return -1;
    } else if (check_selectors(arena, kind, (const char *const *)config->include,
                               config->include_count, "include", err) != 0 ||
               check_selectors(arena, kind, (const char *const *)config->exclude,
                               config->exclude_count, "exclude", err) != 0 ||
               take_settings(arena, config, err) != 0) {
        return -1;
    }
    struct safety safety;
    if (safety_read(config, &safety, err) != 0)
        return -1;
    if (!config->include)
        config->include = (const char **)nothing;
    if (!config->exclude)
        config->exclude = (const char **)nothing;
    if (!config->allow)
        config->allow = (const char **)nothing;
    return 0;
}

int config_check_set(struct arena *arena, struct config_set *set, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        struct config *config = &set->items[i];
        for (size_t j = 0; j < i; j++)
            if (config->name && config->replication != set->items[j].replication &&
                same_text(config->name, set->items[j].name))
                return error_set(err, ERR_INVALID, "two replications are called '%s'",
                                 config->name);
        if (config_check(arena, config, err) == 0)
            continue;
        if (set->count == 1)
            return -1;
        return config->name ? error_context(err, "replication '%s'", config->name)
                            : error_context(err, "replication %zu", i + 1);
    }
    two_way_expand(arena, set);
    return 0;
}
