/* A key as one Region has it. Sources: shared facts kms.md sections 2, 3 and 11. */
#include "resource/kms_key.h"

#include "base/json.h"
#include "base/text.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TAGS_PAGE = 50, ALIASES_PAGE = 100, PAGES_MOST = 100 };

static const char *keep(struct resource_ctx *ctx, const char *text)
{
    return text ? arena_strdup(ctx->arena, text) : NULL;
}

static void take_regions(struct resource_ctx *ctx, const json_t *metadata, struct kms_key *out)
{
    const json_t *set = json_object_get(metadata, "MultiRegionConfiguration");
    const json_t *primary = json_object_get(set, "PrimaryKey");
    const json_t *replicas = json_object_get(set, "ReplicaKeys");
    const char **regions = arena_calloc(ctx->arena, json_array_size(replicas) + 1, sizeof *regions);
    size_t i, count = 0;
    json_t *row;
    json_array_foreach(replicas, i, row)
    {
        const char *region = json_text(row, "Region");
        if (region)
            regions[count++] = keep(ctx, region);
    }
    out->replica_regions = regions;
    out->primary = strcmp(json_text_or(set, "MultiRegionKeyType", ""), "PRIMARY") == 0;
    out->primary_region = keep(ctx, json_text(primary, "Region"));
    out->primary_arn = keep(ctx, json_text(primary, "Arn"));
}

int kms_key_describe(struct resource_ctx *ctx, const char *key, struct kms_key *out,
                     struct error *err)
{
    json_t *in = json_pack("{s:s}", "KeyId", key), *answer = NULL;
    int result = resource_call(ctx, &operation_kms_describe_key, in, &answer, err);
    json_decref(in);
    if (result != 0)
        return error_context(err, "look at key %s in %s", key, ctx->region);
    const json_t *metadata = json_object_get(answer, "KeyMetadata");
    const char *id = json_text(metadata, "KeyId"), *arn = json_text(metadata, "Arn");
    if (!id || !arn) {
        json_decref(answer);
        return error_set(err, ERR_UNSUPPORTED, "DescribeKey: an answer without KeyId or Arn");
    }
    *out = (struct kms_key){
        .id = keep(ctx, id),
        .arn = keep(ctx, arn),
        .region = keep(ctx, ctx->region),
        .account = keep(ctx, json_text_or(metadata, "AWSAccountId", "")),
        .state = keep(ctx, json_text_or(metadata, "KeyState", "")),
        .spec = keep(ctx, json_text_or(metadata, "KeySpec", "SYMMETRIC_DEFAULT")),
        .usage = keep(ctx, json_text_or(metadata, "KeyUsage", "ENCRYPT_DECRYPT")),
        .origin = keep(ctx, json_text_or(metadata, "Origin", "AWS_KMS")),
        .description = keep(ctx, json_text_or(metadata, "Description", "")),
        .aws_managed = strcmp(json_text_or(metadata, "KeyManager", ""), "AWS") == 0,
        .enabled = json_bool_or(metadata, "Enabled", false),
        .multi_region = json_bool_or(metadata, "MultiRegion", false),
    };
    if (out->multi_region)
        take_regions(ctx, metadata, out);
    json_decref(answer);
    return 0;
}

bool kms_rotates(const char *spec, const char *origin)
{
    return spec && origin && strcmp(spec, "SYMMETRIC_DEFAULT") == 0 &&
           strcmp(origin, "AWS_KMS") == 0;
}

bool kms_key_can_rotate(const struct kms_key *key)
{
    return kms_rotates(key->spec, key->origin);
}

/* Calls `operation` for the key, page by page; `each` gets the whole answer. */
static int pages(struct resource_ctx *ctx, const struct aws_operation *operation, const char *key,
                 int limit, void (*each)(struct resource_ctx *, const json_t *page, void *arg),
                 void *arg, struct error *err)
{
    json_t *out = NULL;
    for (int page = 0; page < PAGES_MOST; page++) {
        json_t *in = json_pack("{s:s}", "KeyId", key);
        const char *marker = json_text(out, "NextMarker");
        if (operation == &operation_kms_get_key_policy) /* there is no other; models before 2023
                                                           want it named */
            json_object_set_new(in, "PolicyName", json_string("default"));
        if (limit)
            json_object_set_new(in, "Limit", json_integer(limit));
        if (marker)
            json_object_set_new(in, "Marker", json_string(marker));
        json_decref(out);
        out = NULL;
        int result = resource_call(ctx, operation, in, &out, err);
        json_decref(in);
        if (result != 0)
            return error_context(err, "read key %s in %s", key, ctx->region);
        each(ctx, out, arg);
        if (!json_bool_or(out, "Truncated", false)) {
            json_decref(out);
            return 0;
        }
    }
    json_decref(out);
    return error_set(err, ERR_LIMIT, "key %s in %s: %s has no end", key, ctx->region,
                     operation->name);
}

static void policy_page(struct resource_ctx *ctx, const json_t *page, void *arg)
{
    struct kms_key *key = arg;
    key->policy = keep(ctx, json_text_or(page, "Policy", ""));
}

static void tags_page(struct resource_ctx *ctx, const json_t *page, void *arg)
{
    struct kms_key *key = arg;
    const json_t *rows = json_object_get(page, "Tags");
    struct tag *tags =
        arena_calloc(ctx->arena, key->tag_count + json_array_size(rows) + 1, sizeof *tags);
    size_t i, count = key->tag_count;
    json_t *row;
    if (count)
        memcpy(tags, key->tags, count * sizeof *tags);
    json_array_foreach(rows, i, row)
    {
        const char *name = json_text(row, "TagKey");
        /* Tags of AWS's own can be neither set nor removed by anybody else. */
        if (name && !text_starts_nocase(name, "aws:"))
            tags[count++] =
                (struct tag){keep(ctx, name), keep(ctx, json_text_or(row, "TagValue", ""))};
    }
    tags_sort(tags, count);
    key->tags = tags;
    key->tag_count = count;
}

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void aliases_page(struct resource_ctx *ctx, const json_t *page, void *arg)
{
    struct kms_key *key = arg;
    const json_t *rows = json_object_get(page, "Aliases");
    const char **aliases =
        arena_calloc(ctx->arena, key->alias_count + json_array_size(rows) + 1, sizeof *aliases);
    size_t i, count = key->alias_count;
    json_t *row;
    if (count)
        memcpy(aliases, key->aliases, count * sizeof *aliases);
    json_array_foreach(rows, i, row)
    {
        const char *alias = json_text(row, "AliasName");
        if (alias && !text_starts(alias, "alias/aws/"))
            aliases[count++] = keep(ctx, alias);
    }
    if (count)
        qsort(aliases, count, sizeof *aliases, order_texts);
    key->aliases = aliases;
    key->alias_count = count;
}

static void rotation_page(struct resource_ctx *ctx, const json_t *page, void *arg)
{
    (void)ctx;
    struct kms_key *key = arg;
    key->rotates = json_bool_or(page, "KeyRotationEnabled", false);
    key->rotation_days = (int)json_int_or(page, "RotationPeriodInDays", 0);
}

int kms_key_read(struct resource_ctx *ctx, struct kms_key *inout, unsigned what, struct error *err)
{
    const char *arn = inout->arn;
    if (what & KMS_READ_POLICY &&
        pages(ctx, &operation_kms_get_key_policy, arn, 0, policy_page, inout, err) != 0)
        return -1;
    if (what & KMS_READ_TAGS) {
        inout->tag_count = 0;
        if (pages(ctx, &operation_kms_list_resource_tags, arn, TAGS_PAGE, tags_page, inout, err) !=
            0)
            return -1;
        inout->tags_read = true;
    }
    if (what & KMS_READ_ALIASES) {
        inout->alias_count = 0;
        if (pages(ctx, &operation_kms_list_aliases, arn, ALIASES_PAGE, aliases_page, inout, err) !=
            0)
            return -1;
        inout->aliases_read = true;
    }
    if (what & KMS_READ_ROTATION && kms_key_can_rotate(inout)) {
        if (pages(ctx, &operation_kms_get_key_rotation_status, arn, 0, rotation_page, inout, err) !=
            0)
            return -1;
        inout->rotation_read = true;
    }
    return 0;
}
