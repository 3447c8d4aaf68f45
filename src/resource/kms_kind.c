/* AWS::KMS::Key: its fields, reading and selecting. Listing is in kms_list.c, judging and writing
 * are in kms_judge.c and kms_kind_write.c. */
#include "resource/kms_kind.h"
#include "resource/kms_grants.h"

#include "aws/arn.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "resource/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char kms_enabled[] = "enabled";
const char kms_disabled[] = "disabled";
const char kms_pending_deletion[] = "pending deletion";
const char kms_pending_import[] = "pending import";

const struct resource_settings *kms_settings(const struct resource_settings *given)
{
    static const struct resource_settings none;
    return given ? given : &none;
}

/* --- names ------------------------------------------------------------------------------------ */
const char *kms_arn_region(struct arena *arena, const char *arn)
{
    struct arn parts;
    if (!arn || arn_parse(arn, strlen(arn), &parts) != 0)
        return NULL;
    return arena_strndup(arena, parts.region.data, parts.region.len);
}

/* The id of an ARN's key, or "alias/x". */
static const char *key_of(const char *name)
{
    const char *resource = arn_is(name) ? strrchr(name, ':') : NULL;
    const char *tail = resource ? resource + 1 : name;
    return text_starts(tail, "key/") ? tail + strlen("key/") : tail;
}

bool kms_is_multi_region(const char *id)
{
    return text_starts(id, "mrk-");
}

bool kms_reserved(const char *key)
{
    return text_starts(key, "alias/aws/");
}

static bool is_alias(const char *name)
{
    return text_starts(name, "alias/");
}

bool kms_among(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

/* --- fields ----------------------------------------------------------------------------------- */
const char *kms_alias_json(struct arena *arena, const char *const *aliases, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(aliases[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    const char *kept = text && count ? arena_strdup(arena, text) : NULL;
    free(text);
    json_decref(list);
    return kept;
}

const char *const *kms_alias_list(struct arena *arena, const char *json, size_t *count)
{
    json_t *list = json ? json_read(json, strlen(json), NULL) : NULL;
    const char **out = arena_calloc(arena, json_array_size(list) + 1, sizeof *out);
    *count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *alias = json_string_value(json_array_get(list, i));
        if (alias)
            out[(*count)++] = arena_strdup(arena, alias);
    }
    json_decref(list);
    return out;
}

int64_t kms_version(const struct resource *resource)
{
    unsigned char digest[SHA256_SIZE];
    int64_t version = 0;
    struct buf text;
    buf_init(&text, 1024 * 1024);
    for (size_t i = 0; i < KMS_SLOTS; i++)
        if (i != KMS_PRIMARY && i != KMS_REGIONS && i != KMS_ROLE && i != KMS_GRANTS_SHOWN)
            buf_printf(&text, "%zu %s\n", i, resource->fields[i] ? resource->fields[i] : "-");
    tags_write(resource->tags, resource->tag_count, &text);
    digest_sha256(text.data, text.len, digest);
    buf_done(&text);
    for (size_t i = 0; i < 7; i++)
        version = version << 8 | digest[i];
    return version + 1;
}

static const char *state_of(const struct kms_key *key)
{
    if (strcmp(key->state, "PendingDeletion") == 0 ||
        strcmp(key->state, "PendingReplicaDeletion") == 0)
        return kms_pending_deletion;
    if (strcmp(key->state, "PendingImport") == 0)
        return kms_pending_import;
    return key->enabled || strcmp(key->state, "Creating") == 0 ? kms_enabled : kms_disabled;
}

static const char *regions_of(struct arena *arena, const struct kms_key *key)
{
    if (!key->multi_region || !key->primary_region)
        return NULL;
    const char *text = arena_printf(arena, "%s ", key->primary_region);
    for (const char *const *at = key->replica_regions; *at; at++)
        text = arena_printf(arena, "%s%s ", text, *at);
    return text;
}

void kms_take_aliases(struct arena *arena, struct resource *out, const char *const *aliases,
                      size_t count)
{
    out->fields[KMS_ALIASES] = kms_alias_json(arena, aliases, count);
    out->fields[KMS_ALIAS] = count ? aliases[0] : NULL;
}

static void take_key(struct resource_ctx *ctx, const struct kms_key *key, struct resource *out)
{
    const char **fields = out->fields;
    fields[KMS_ID] = key->id;
    fields[KMS_SPEC] = key->spec;
    fields[KMS_USAGE] = key->usage;
    fields[KMS_ORIGIN] = key->origin;
    fields[KMS_STATE] = state_of(key);
    fields[KMS_DESCRIPTION] = *key->description ? key->description : NULL;
    fields[KMS_POLICY] = key->policy;
    fields[KMS_PRIMARY] = key->primary_arn;
    fields[KMS_ROLE] = !key->multi_region ? NULL : key->primary ? "PRIMARY" : "REPLICA";
    fields[KMS_REGIONS] = regions_of(ctx->arena, key);
    fields[KMS_ROTATION] = !key->rotation_read ? NULL
                           : !key->rotates
                               ? KMS_ROTATION_OFF
                               : arena_printf(ctx->arena, "every %d days", key->rotation_days);
    if (!fields[KMS_ALIAS])
        fields[KMS_ALIAS] = key->spec;
    out->tags = key->tags;
    out->tag_count = key->tag_count;
}

/* By default they are told where that costs little and is allowed. */
static int read_grants(struct resource_ctx *ctx, const struct kms_key *key, struct resource *out,
                       struct error *err)
{
    const struct resource_settings *settings = kms_settings(ctx->settings);
    struct kms_grants grants;
    struct error error = {0};
    if (settings->grants == GRANTS_IGNORED)
        return 0;
    if (kms_grants_read(ctx, key, &grants, &error) != 0) {
        if (settings->grants == GRANTS_GLANCED && error.code == ERR_DENIED)
            return 0;
        *err = error;
        return -1;
    }
    out->fields[KMS_GRANTS] = settings->grants == GRANTS_COPIED ? grants.copied : NULL;
    out->fields[KMS_GRANTS_SHOWN] = grants.shown;
    return 0;
}

/* All but aliases. */
static int read_key(struct resource_ctx *ctx, const char *id, struct kms_key *key,
                    struct resource *out, struct error *err)
{
    unsigned what = KMS_READ_POLICY | KMS_READ_TAGS;
    if (kms_key_describe(ctx, id, key, err) != 0)
        return -1;
    /* Of a multi-Region key AWS keeps it equal; of a key and its counterpart we do. */
    if (kms_settings(ctx->settings)->deep || !key->multi_region)
        what |= KMS_READ_ROTATION;
    if (!key->aws_managed && kms_key_read(ctx, key, what, err) != 0)
        return -1;
    take_key(ctx, key, out);
    return key->aws_managed ? 0 : read_grants(ctx, key, out, err);
}

static int fill(struct resource_ctx *ctx, struct resource *inout, struct error *err)
{
    struct kms_key key;
    if (read_key(ctx, inout->fields[KMS_ID] ? inout->fields[KMS_ID] : inout->name, &key, inout,
                 err) != 0)
        return -1;
    inout->version = kms_version(inout);
    return 0;
}

int kms_kind_describe(struct resource_ctx *ctx, const char *name, struct resource *out,
                      struct error *err)
{
    struct kms_key key;
    *out = (struct resource){0};
    /* Of one key nothing but a call of its own tells the aliases. */
    if (read_key(ctx, key_of(name), &key, out, err) != 0 ||
        kms_key_read(ctx, &key, KMS_READ_ALIASES, err) != 0)
        return -1;
    kms_take_aliases(ctx->arena, out, key.aliases, key.alias_count);
    if (!out->fields[KMS_ALIAS])
        out->fields[KMS_ALIAS] = key.spec;
    const char *paired = key.multi_region || !text_starts(key_of(name), "alias/")
                             ? key.id
                             : arena_strdup(ctx->arena, key_of(name));
    out->key = out->name = paired;
    out->version = kms_version(out);
    return 0;
}

static int read_tags(struct resource_ctx *ctx, struct resource *inout, struct error *err)
{
    const char *id = inout->fields[KMS_ID] ? inout->fields[KMS_ID] : inout->name;
    struct kms_key key = {.arn = id};
    if (text_starts(id, "alias/") && kms_key_describe(ctx, id, &key, err) != 0)
        return -1;
    if (kms_key_read(ctx, &key, KMS_READ_TAGS, err) != 0)
        return -1;
    inout->tags = key.tags;
    inout->tag_count = key.tag_count;
    return 0;
}

/* --- selecting -------------------------------------------------------------------------------- */
static bool tag_fits(const struct resource *resource, const char *wanted)
{
    const char *equals = strchr(wanted, '=');
    size_t len = equals ? (size_t)(equals - wanted) : strlen(wanted);
    for (size_t i = 0; i < resource->tag_count; i++) {
        const struct tag *tag = &resource->tags[i];
        if (strlen(tag->key) == len && strncmp(tag->key, wanted, len) == 0 &&
            (!equals || strcmp(tag->value, equals + 1) == 0))
            return true;
    }
    return false;
}

/* An alias may hold slashes, and a star in a selector goes over them. */
static bool wildcard(const char *pattern, const char *text)
{
    return text_wildcard(pattern, strlen(pattern), text, strlen(text));
}

static bool fits(const char *selector, const struct resource *resource)
{
    struct arena arena;
    bool fit = false;
    size_t count;
    if (text_starts(selector, "tag:"))
        return tag_fits(resource, selector + strlen("tag:"));
    const char *key = key_of(selector);
    if (!text_starts(key, "alias/"))
        return wildcard(key, resource->fields[KMS_ID] ? resource->fields[KMS_ID] : resource->key);
    arena_init(&arena);
    const char *const *aliases = kms_alias_list(&arena, resource->fields[KMS_ALIASES], &count);
    for (size_t i = 0; i < count && !fit; i++)
        fit = wildcard(key, aliases[i]);
    arena_done(&arena);
    return fit;
}

static const char *selector_problem(struct arena *arena, const char *selector)
{
    struct arn arn;
    if (text_starts(selector, "tag:"))
        return selector[4] ? NULL : "a tag has a name: 'tag:NAME' or 'tag:NAME=VALUE'";
    if (arn_is(selector) &&
        (arn_parse(selector, strlen(selector), &arn) != 0 || !text_is(arn.service, "kms")))
        return "it is not the ARN of a key or an alias";
    const char *key = key_of(selector);
    if (kms_reserved(key))
        return "keys of AWS's own are in every Region and never replicated";
    if (!text_starts(key, "alias/") && !kms_is_multi_region(key) && !strpbrk(key, "*-"))
        return arena_printf(arena,
                            "it is neither an alias, nor a key's id or ARN, nor a tag: did you "
                            "mean 'alias/%s'?",
                            key);
    return NULL;
}

/* Names of multi-Region keys say nothing. */
static const char *known_as(const char *name, const char *type)
{
    return is_alias(type) ? type : name;
}

static bool gone(const struct resource *resource)
{
    const char *state = resource->fields[KMS_STATE];
    return state && strcmp(state, kms_pending_deletion) == 0;
}

/* Only replicas: a primary is nobody's copy. */
static bool may_be_copy(const struct resource *resource)
{
    const char *role = resource->fields[KMS_ROLE];
    return role && strcmp(role, "REPLICA") == 0;
}

static int usable(struct resource_ctx *ctx, const char *name, const char **state, struct error *err)
{
    struct kms_key key;
    if (kms_key_describe(ctx, name, &key, err) != 0)
        return -1;
    const char *now = state_of(&key);
    *state = strcmp(now, kms_enabled) == 0 ? NULL : now;
    return 0;
}

static const char *const *regions(struct arena *arena, const struct resource *resource)
{
    const char *text = resource->fields[KMS_REGIONS] ? resource->fields[KMS_REGIONS] : "";
    size_t count;
    return (const char *const *)text_split(arena, text, ' ', &count);
}

static bool same(size_t field, const char *a, const char *b)
{
    struct arena arena;
    if (field == KMS_GRANTS)
        return kms_grants_same(a, b);
    if (field != KMS_POLICY)
        return false;
    arena_init(&arena);
    const char *one = kms_policy_meaning(&arena, a, NULL);
    const char *other = kms_policy_meaning(&arena, b, NULL);
    bool equal = one && other && strcmp(one, other) == 0;
    arena_done(&arena);
    return equal;
}

static const struct field fields[] = {
    [KMS_ALIAS] = {.name = "AliasName",
                   .label = "alias",
                   .rule = FIELD_SERVER,
                   .fate = "Shown; what is copied are the aliases below."},
    [KMS_SPEC] = {.name = "KeySpec",
                  .label = "spec",
                  .rule = FIELD_COPY,
                  .fate = "AWS shares it among the Regions of a key. Asymmetric and HMAC keys are "
                          "replicated as symmetric ones are; a counterpart is made with it."},
    [KMS_USAGE] = {.name = "KeyUsage",
                   .label = "usage",
                   .rule = FIELD_COPY,
                   .fate = "As the spec."},
    [KMS_ORIGIN] = {.name = "Origin",
                    .label = "origin",
                    .rule = FIELD_COPY,
                    .fate = "Shared. Imported material is not: a replica of such a key waits until "
                            "the same material is imported into its Region, and the plan says so."},
    [KMS_STATE] = {.name = "KeyState",
                   .label = "enabled",
                   .rule = FIELD_COPY,
                   .fate = "Enabled or disabled as the source. A replica that is pending deletion "
                           "is taken back."},
    [KMS_DESCRIPTION] = {.name = "Description",
                         .label = "description",
                         .rule = FIELD_COPY,
                         .fate = "As the source."},
    [KMS_POLICY] = {.name = "Policy",
                    .label = "policy",
                    .rule = FIELD_COPY,
                    .fate = "Compared by meaning; values of kms:ViaService, aws:RequestedRegion "
                            "and the like, ARNs and service principals that name the source's "
                            "Region name the destination's."},
    [KMS_ALIASES] = {.name = "Aliases",
                     .label = "aliases",
                     .rule = FIELD_COPY,
                     .fate = "Those of the source are made at the destination; others stay there "
                             "unless `aliases: exact`."},
    [KMS_ROTATION] = {.name = "KeyRotationEnabled",
                      .label = "rotation",
                      .rule = FIELD_COPY,
                      .fate = "AWS keeps it, and what was rotated, equal among the Regions of a "
                              "key; `verify --deep` looks. A counterpart is given the source's "
                              "period."},
    [KMS_GRANTS] = {.name = "Grants",
                    .label = "grants",
                    .rule = FIELD_COPY,
                    .fate = "Each Region's own and made by those who use the key: reported with "
                            "who may what under which condition, and copied with `grants: copy`. "
                            "Those of AWS's services are not: each makes its own."},
    [KMS_GRANTS_SHOWN] = {.name = "GrantIds",
                          .label = "allGrants",
                          .rule = FIELD_SHOWN,
                          .fate = "Each Region has its own."},
    [KMS_PRIMARY] = {.name = "PrimaryKey",
                     .label = "primary",
                     .rule = FIELD_SERVER,
                     .fate = "Stays where it is."},
    [KMS_REGIONS] = {.name = "ReplicaKeys",
                     .label = "regions",
                     .rule = FIELD_SERVER,
                     .fate = "Replicas in Regions that are no destination are reported."},
    [KMS_ROLE] = {.name = "MultiRegionKeyType",
                  .label = "role",
                  .rule = FIELD_SERVER,
                  .fate = "What is primary stays primary."},
    [KMS_ID] = {.name = "KeyId",
                .label = "id",
                .rule = FIELD_SERVER,
                .fate = "Shared by the Regions of a multi-Region key; a counterpart has its own."},
    {.name = "Tags",
     .label = "tags",
     .rule = FIELD_TAGS,
     .fate = "Added, changed and removed. Tags beginning with `aws:` are AWS's own and stay."},
    {.name = "Arn", .label = "arn", .rule = FIELD_SERVER, .fate = "Each Region has its own."},
    {.name = "CreationDate",
     .label = "creationDate",
     .rule = FIELD_SERVER,
     .fate = "Each Region has its own."},
    {.name = "KeyMaterial",
     .label = "material",
     .rule = FIELD_SERVER,
     .fate = "Shared among the Regions of a multi-Region key, by AWS: what one encrypts the others "
             "decrypt. A counterpart has its own: it decrypts nothing of the source's."},
    {.name = "CustomKeyStore",
     .label = "keyStore",
     .rule = FIELD_LOST,
     .fate = "Keys of custom key stores cannot be multi-Region keys."},
};

static const struct aws_service *const services[] = {&service_kms, NULL};

const struct resource_kind resource_kms_key = {
    .section = "kms_keys",
    .name = "kms-key",
    .cfn_type = "AWS::KMS::Key",
    .noun = "key",
    .nouns = "keys",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .slot_count = KMS_SLOTS,
    .services = services,
    .read_batch = 4,
    .gaps = "not carried: alarms, key material that was imported; grants unless `grants: copy`",
    .permissions = kms_permissions,
    .iam_name = kms_iam_name,
    .list = kms_kind_list,
    .read_tags = read_tags,
    .describe = kms_kind_describe,
    .fill = fill,
    .write = kms_kind_write,
    .remove = kms_kind_remove,
    .calls = {.read = &operation_kms_describe_key,
              .read_tags = &operation_kms_list_resource_tags,
              .write = &operation_kms_replicate_key,
              .set_tags = &operation_kms_tag_resource,
              .remove_tags = &operation_kms_untag_resource,
              .remove = &operation_kms_schedule_key_deletion,
              .describe = &operation_kms_describe_key},
    .foretell = kms_foretell,
    .judge = kms_judge,
    .key_of = key_of,
    .reserved = kms_reserved,
    .fits = fits,
    .selector_problem = selector_problem,
    .parity = true,
    .known_as = known_as,
    .other_name = is_alias,
    .gone = gone,
    .may_be_copy = may_be_copy,
    .regions = regions,
    .usable = usable,
    .same = same,
};
