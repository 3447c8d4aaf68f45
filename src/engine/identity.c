#include "engine/identity.h"

#include "aws/arn.h"
#include "aws/region.h"
#include "base/text.h"
#include "client/rate_limit.h"
#include "resource/resource.h"

#include <string.h>

enum {
    ROLES_MAX = 10,
    TAGS_MAX = 50,
    SHORTEST_S = 900,
    LONGEST_S = 43200,
    LONGEST_CHAINED_S = 3600,
    QUOTA_MAX = 100000
};

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-"

static bool made_of(const char *text, const char *bytes, size_t least, size_t most)
{
    size_t len = strlen(text);
    return len >= least && len <= most && strspn(text, bytes) == len;
}

static int check_arn(const struct config_side *side, const char *text, struct error *err)
{
    struct arn arn;
    if (arn_parse(text, strlen(text), &arn) != 0 || !text_is(arn.service, "iam") ||
        arn.resource.len < 6 || memcmp(arn.resource.data, "role/", 5) != 0)
        return error_set(err, ERR_INVALID,
                         "role_arn '%s' of %s is not the ARN of a role "
                         "(arn:aws:iam::123456789012:role/name)",
                         text, side->region);
    const char *partition = partition_of(side->region)->name;
    if (!text_is(arn.partition, partition))
        return error_set(err, ERR_INVALID,
                         "role_arn '%s': %s is in the partition %s, and no role reaches across "
                         "partitions: give a profile of that partition, and a role there if one "
                         "is needed",
                         text, side->region, partition);
    return 0;
}

static int check_duration(const struct config_side *side, const char *text, bool chained,
                          struct error *err)
{
    int64_t seconds, most = chained ? LONGEST_CHAINED_S : LONGEST_S;
    if (!text || (text_to_int64(text, strlen(text), &seconds) == 0 && seconds >= SHORTEST_S &&
                  seconds <= most))
        return 0;
    return error_set(err, ERR_INVALID, "duration_seconds '%s' of %s must be from %d to %lld%s",
                     text, side->region, SHORTEST_S, (long long)most,
                     chained ? " for a role that is taken from a role" : "");
}

static int check_tags(const struct config_side *side, const struct config_role *role,
                      struct error *err)
{
    if (role->session_tag_count > TAGS_MAX)
        return error_set(err, ERR_INVALID, "session_tags of %s: at most %d are possible",
                         side->region, TAGS_MAX);
    for (size_t i = 0; i < role->session_tag_count; i++) {
        const struct config_key *tag = &role->session_tags[i];
        if (strlen(tag->source) > 128 || strlen(tag->destination) > 256)
            return error_set(err, ERR_INVALID,
                             "session_tags of %s: '%.40s' is too long (keys to 128, values to 256 "
                             "characters)",
                             side->region, tag->source);
    }
    return 0;
}

static int check_role(const struct config_side *side, const struct config_role *role, bool chained,
                      struct error *err)
{
    if (!role->role_arn)
        return error_set(err, ERR_INVALID, "roles of %s: each needs role_arn", side->region);
    if (check_arn(side, role->role_arn, err) != 0 ||
        check_duration(side, role->duration_seconds, chained, err) != 0 ||
        check_tags(side, role, err) != 0)
        return -1;
    if (role->external_id && !made_of(role->external_id, NAME_BYTES ":/", 2, 1224))
        return error_set(err, ERR_INVALID,
                         "external_id of %s: 2 to 1224 letters, digits and _+=,.@:/- are possible",
                         side->region);
    if (role->session_name && !made_of(role->session_name, NAME_BYTES, 2, 64))
        return error_set(err, ERR_INVALID,
                         "session_name '%s' of %s: 2 to 64 letters, digits and _+=,.@- are "
                         "possible",
                         role->session_name, side->region);
    return 0;
}

static const char *role_word(const struct config_role *role)
{
    return role->external_id            ? "external_id"
           : role->session_name         ? "session_name"
           : role->duration_seconds     ? "duration_seconds"
           : role->session_tag_count    ? "session_tags"
           : role->transitive_tag_count ? "transitive_tags"
                                        : NULL;
}

static bool quota_known(const char *operation)
{
    for (size_t i = 0; resource_kinds[i]; i++)
        for (size_t j = 0; resource_kinds[i]->services[j]; j++)
            if (rate_quota(resource_kinds[i]->services[j]->signing_name, operation) > 0)
                return true;
    return false;
}

static int check_quotas(const struct config_side *side, struct error *err)
{
    for (size_t i = 0; i < side->quota_count; i++) {
        const struct config_key *quota = &side->quotas[i];
        int64_t number;
        if (!quota_known(quota->source))
            return error_set(err, ERR_INVALID,
                             "quotas of %s: '%s' is no operation with a quota that is known, such "
                             "as PutParameter",
                             side->region, quota->source);
        if (text_to_int64(quota->destination, strlen(quota->destination), &number) != 0 ||
            number < 1 || number > QUOTA_MAX)
            return error_set(err, ERR_INVALID,
                             "quotas of %s: %s takes calls per second, a whole number from 1 to %d",
                             side->region, quota->source, QUOTA_MAX);
    }
    return 0;
}

int identity_check(struct arena *arena, struct config_side *side, struct error *err)
{
    const char *word = role_word(&side->role);
    if (!side->role.role_arn && word)
        return error_set(err, ERR_INVALID, "%s of %s is used with a role: give role_arn too", word,
                         side->region);
    if (side->role.role_arn && side->roles)
        return error_set(err, ERR_INVALID, "%s has both role_arn and roles: put it into the list",
                         side->region);
    if (side->role_count > ROLES_MAX)
        return error_set(err, ERR_INVALID, "roles of %s: at most %d are possible", side->region,
                         ROLES_MAX);
    side->chain = side->roles;
    side->chain_count = side->role_count;
    if (side->role.role_arn) {
        struct config_role *only = arena_calloc(arena, 1, sizeof *only);
        *only = side->role;
        side->chain = only;
        side->chain_count = 1;
    }
    for (size_t i = 0; i < side->chain_count; i++)
        if (check_role(side, &side->chain[i], i > 0, err) != 0)
            return -1;
    return check_quotas(side, err);
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_keys(const struct config_key *a, size_t a_count, const struct config_key *b,
                      size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = strcmp(a[i].source, b[i].source) == 0 &&
               strcmp(a[i].destination, b[i].destination) == 0;
    return same;
}

static bool same_role(const struct config_role *a, const struct config_role *b)
{
    bool same =
        same_text(a->role_arn, b->role_arn) && same_text(a->external_id, b->external_id) &&
        same_text(a->session_name, b->session_name) &&
        same_text(a->duration_seconds, b->duration_seconds) &&
        same_keys(a->session_tags, a->session_tag_count, b->session_tags, b->session_tag_count) &&
        a->transitive_tag_count == b->transitive_tag_count;
    for (size_t i = 0; same && i < a->transitive_tag_count; i++)
        same = strcmp(a->transitive_tags[i], b->transitive_tags[i]) == 0;
    return same;
}

bool identity_same(const struct config_side *a, const struct config_side *b)
{
    bool same = same_text(a->profile, b->profile) && same_text(a->endpoint_url, b->endpoint_url) &&
                a->chain_count == b->chain_count &&
                same_keys(a->quotas, a->quota_count, b->quotas, b->quota_count);
    for (size_t i = 0; same && i < a->chain_count; i++)
        same = same_role(&a->chain[i], &b->chain[i]);
    return same;
}

static const struct session_tag *tags_of(struct arena *arena, const struct config_role *role)
{
    struct session_tag *tags = arena_calloc(arena, role->session_tag_count + 1, sizeof *tags);
    for (size_t i = 0; i < role->session_tag_count; i++)
        tags[i] =
            (struct session_tag){role->session_tags[i].source, role->session_tags[i].destination};
    return tags;
}

/* After identity_check, so it is a number, or absent. */
static int64_t number_of(const char *text)
{
    int64_t number = 0;
    if (text)
        text_to_int64(text, strlen(text), &number);
    return number;
}

void identity_options(struct arena *arena, const struct config_side *side,
                      struct session_options *options)
{
    struct session_role *roles = arena_calloc(arena, side->chain_count + 1, sizeof *roles);
    struct session_quota *quotas = arena_calloc(arena, side->quota_count + 1, sizeof *quotas);
    for (size_t i = 0; i < side->chain_count; i++) {
        const struct config_role *role = &side->chain[i];
        roles[i] = (struct session_role){
            .arn = role->role_arn,
            .session_name = role->session_name,
            .external_id = role->external_id,
            .tags = tags_of(arena, role),
            .tag_count = role->session_tag_count,
            .transitive_tags = role->transitive_tags,
            .transitive_tag_count = role->transitive_tag_count,
            .duration_s = number_of(role->duration_seconds),
        };
    }
    for (size_t i = 0; i < side->quota_count; i++)
        quotas[i] = (struct session_quota){side->quotas[i].source,
                                           (double)number_of(side->quotas[i].destination)};
    options->profile = side->profile;
    options->roles = roles;
    options->role_count = side->chain_count;
    options->quotas_given = quotas;
    options->quotas_given_count = side->quota_count;
}
