/* Roles taken with other credentials: a profile's role_arn with its source_profile or
 * credential_source, and the caller's own role_arn. */
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "client/credentials_source.h"
#include "client/sts.h"

#include <stdlib.h>
#include <string.h>

enum { SHORTEST_S = 900, LONGEST_S = 43200 };

/* --- a role and a source ---------------------------------------------------------------------- */

struct role_provider {
    struct credentials_provider provider;
    struct client_shared *shared;
    struct arena arena;
    struct session_role role;
    struct credentials_provider *source; /* a cache */
    struct aws_client *sts;              /* made at the first fetch */
};

static void add_tags(json_t *input, const struct session_role *role)
{
    json_t *tags = json_array(), *keys = json_array();
    for (size_t i = 0; i < role->tag_count; i++)
        json_array_append_new(tags, json_pack("{s:s,s:s}", "Key", role->tags[i].key, "Value",
                                              role->tags[i].value));
    for (size_t i = 0; i < role->transitive_tag_count; i++)
        json_array_append_new(keys, json_string(role->transitive_tags[i]));
    if (role->tag_count)
        json_object_set(input, "Tags", tags);
    if (role->transitive_tag_count)
        json_object_set(input, "TransitiveTagKeys", keys);
    json_decref(tags);
    json_decref(keys);
}

static json_t *role_input(struct arena *arena, const struct role_provider *self)
{
    const struct session_role *role = &self->role;
    json_t *input = json_object();
    json_object_set_new(input, "RoleArn", json_string(role->arn));
    json_object_set_new(input, "RoleSessionName",
                        json_string(
                            credentials_session_name(arena, self->shared, role->session_name)));
    if (role->external_id)
        json_object_set_new(input, "ExternalId", json_string(role->external_id));
    if (role->duration_s)
        json_object_set_new(input, "DurationSeconds", json_integer(role->duration_s));
    add_tags(input, role);
    return input;
}

static int role_fetch(struct credentials_provider *provider, struct credentials *out,
                      struct error *err)
{
    struct role_provider *self = (struct role_provider *)provider;
    if (!self->sts)
        self->sts = credentials_sts_client(self->shared, self->role.arn, self->source, err);
    if (!self->sts)
        return -1;
    struct arena scratch;
    arena_init(&scratch);
    json_t *input = role_input(&scratch, self), *answer = NULL;
    int result = aws_call(self->sts, &scratch, &sts_assume_role, input, &answer, err);
    if (result == 0)
        result = credentials_from_sts(out, provider->name, answer, err);
    if (result != 0)
        error_context(err, "role %s", self->role.arn);
    json_decref(answer);
    json_decref(input);
    arena_done(&scratch);
    return result;
}

static void role_release(struct credentials_provider *provider)
{
    struct role_provider *self = (struct role_provider *)provider;
    aws_client_free(self->sts);
    credentials_provider_free(self->source);
    arena_done(&self->arena);
    free(self);
}

static const char *keep(struct role_provider *self, const char *text)
{
    return text && *text ? arena_strdup(&self->arena, text) : NULL;
}

static void keep_tags(struct role_provider *self, const struct session_role *role)
{
    struct session_tag *tags = arena_calloc(&self->arena, role->tag_count + 1, sizeof *tags);
    const char **keys = arena_calloc(&self->arena, role->transitive_tag_count + 1, sizeof *keys);
    for (size_t i = 0; i < role->tag_count; i++)
        tags[i] = (struct session_tag){arena_strdup(&self->arena, role->tags[i].key),
                                       arena_strdup(&self->arena, role->tags[i].value)};
    for (size_t i = 0; i < role->transitive_tag_count; i++)
        keys[i] = arena_strdup(&self->arena, role->transitive_tags[i]);
    self->role.tags = tags;
    self->role.tag_count = role->tag_count;
    self->role.transitive_tags = keys;
    self->role.transitive_tag_count = role->transitive_tag_count;
}

struct credentials_provider *credentials_role_new(struct client_shared *shared,
                                                  const struct session_role *role,
                                                  struct credentials_provider *source)
{
    struct role_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){"assumed role", role_fetch, role_release};
    self->shared = shared;
    self->source = source;
    arena_init(&self->arena);
    self->role = (struct session_role){.arn = keep(self, role->arn),
                                       .session_name = keep(self, role->session_name),
                                       .external_id = keep(self, role->external_id),
                                       .duration_s = role->duration_s};
    keep_tags(self, role);
    return &self->provider;
}

/* --- what a profile says ---------------------------------------------------------------------- */

struct profile_provider {
    struct credentials_provider provider;
    struct credentials_context context;
    struct credentials_parent here;      /* for the profiles that this one leads to */
    struct credentials_provider *member; /* the role, once the profile was understood */
};

static const char *key_of(const struct profile_provider *self, const char *key)
{
    return settings_profile_key(self->context.shared->settings, self->context.profile, key);
}

static bool has_keys(const struct settings *settings, const char *profile)
{
    return settings_profile_key(settings, profile, "aws_access_key_id") ||
           settings_profile_key(settings, profile, "aws_secret_access_key");
}

/* A profile may be its own source when it has keys; any other way back is a loop. */
static int check_loop(const struct profile_provider *self, const char *source, struct error *err)
{
    const char *profile = self->context.profile;
    if (strcmp(source, profile) == 0) {
        if (has_keys(self->context.shared->settings, profile))
            return 0;
        return error_set(err, ERR_INVALID,
                         "profile %s names itself as source_profile but has no keys", profile);
    }
    for (const struct credentials_parent *at = self->context.parent; at; at = at->parent)
        if (strcmp(at->profile, source) == 0)
            return error_set(err, ERR_INVALID, "profiles %s and %s lead to each other", profile,
                             source);
    return 0;
}

static int source_of_profile(struct profile_provider *self, const char *source,
                             struct credentials_provider **out, struct error *err)
{
    if (!settings_has_profile(self->context.shared->settings, source))
        return error_set(err, ERR_INVALID,
                         "profile %s names source_profile = %s, which is not "
                         "there",
                         self->context.profile, source);
    if (check_loop(self, source, err) != 0)
        return -1;
    const struct credentials_context context = {.shared = self->context.shared,
                                                .profile = source,
                                                .parent = &self->here};
    *out = credentials_chain_new(&context, CREDENTIALS_OF_PROFILE);
    return 0;
}

static int source_named(struct profile_provider *self, const char *name,
                        struct credentials_provider **out, struct error *err)
{
    static const struct {
        const char *name;
        const struct credentials_source *source;
    } known[] = {
        {"Environment", &credentials_env},
        {"Ec2InstanceMetadata", &credentials_imds},
        {"EcsContainer", &credentials_container},
    };
    struct credentials_context context = self->context;
    context.use_environment = true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0) {
            *out = known[i].source->make(&context);
            return 0;
        }
    return error_set(err, ERR_INVALID,
                     "profile %s: credential_source must be Environment, Ec2InstanceMetadata or "
                     "EcsContainer",
                     self->context.profile);
}

static int read_duration(const struct profile_provider *self, int64_t *duration_s,
                         struct error *err)
{
    const char *text = key_of(self, "duration_seconds");
    *duration_s = 0;
    if (!text || (text_to_int64(text, strlen(text), duration_s) == 0 && *duration_s >= SHORTEST_S &&
                  *duration_s <= LONGEST_S))
        return 0;
    return error_set(err, ERR_INVALID, "profile %s: duration_seconds must be from %d to %d",
                     self->context.profile, SHORTEST_S, LONGEST_S);
}

static int understand(struct profile_provider *self, struct error *err)
{
    const char *profile = self->context.profile, *source_profile = key_of(self, "source_profile");
    const char *named = key_of(self, "credential_source");
    struct session_role role = {.arn = key_of(self, "role_arn"),
                                .session_name = key_of(self, "role_session_name"),
                                .external_id = key_of(self, "external_id")};
    struct credentials_provider *source = NULL;
    if (!source_profile == !named)
        return error_set(err, ERR_INVALID,
                         "profile %s has role_arn: it needs source_profile or credential_source, "
                         "and not both",
                         profile);
    if (key_of(self, "mfa_serial"))
        return error_set(err, ERR_UNSUPPORTED,
                         "profile %s wants a code of an MFA device (mfa_serial), and nobody can be "
                         "asked for it here: get temporary credentials with \"aws sts "
                         "get-session-token\" first",
                         profile);
    if (read_duration(self, &role.duration_s, err) != 0 ||
        (named ? source_named(self, named, &source, err)
               : source_of_profile(self, source_profile, &source, err)) != 0)
        return -1;
    struct client_shared *shared = self->context.shared;
    self->member =
        credentials_role_new(shared, &role, credentials_cache_new(source, shared->clock));
    return 0;
}

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct profile_provider *self = (struct profile_provider *)provider;
    /* A profile on the way, with keys of its own, is used for its keys. */
    bool has_role =
        key_of(self, "role_arn") && !key_of(self, "web_identity_token_file") &&
        !(self->context.parent && has_keys(self->context.shared->settings, self->context.profile));
    if (!has_role)
        return error_set(err, ERR_NOT_FOUND, "profile %s has no role_arn", self->context.profile);
    if (!self->member && understand(self, err) != 0)
        return -1;
    if (self->member->fetch(self->member, out, err) == 0)
        return 0;
    /* Not "nothing here": the profile asked for this role. */
    if (err && err->code == ERR_NOT_FOUND)
        err->code = ERR_INVALID;
    return error_context(err, "profile %s", self->context.profile);
}

static void release(struct credentials_provider *provider)
{
    credentials_provider_free(((struct profile_provider *)provider)->member);
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context)
{
    struct profile_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){credentials_assume_role.name, fetch, release};
    self->context = *context;
    self->here = (struct credentials_parent){self->context.profile, context->parent};
    return &self->provider;
}

const struct credentials_source credentials_assume_role = {.name = "assumed role",
                                                           .flags = CREDENTIALS_OF_PROFILE,
                                                           .make = make};
