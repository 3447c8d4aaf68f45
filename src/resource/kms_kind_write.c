/* AWS::KMS::Key: making a key in another Region what kms_judge.c says. Sources: shared facts kms.md
 * sections 3 to 5 and 7 to 9. */
#include "aws/arn.h"
#include "base/json.h"
#include "base/text.h"
#include "resource/kms_kind.h"
#include "resource/kms_replica.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>

static bool is(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

static int send(struct resource_ctx *ctx, const struct aws_operation *operation, json_t *in,
                struct error *err)
{
    int result = resource_call(ctx, operation, in, NULL, err);
    json_decref(in);
    return result;
}

static json_t *tag_rows(const struct tag *tags, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s}", "TagKey", tags[i].key, "TagValue",
                                              tags[i].value));
    return rows;
}

/* By the plan's difference, our own tags included. */
static int write_tags(struct resource_ctx *ctx, const char *id, const struct diff *diff,
                      struct error *err)
{
    if (diff->removed_tag_count) {
        json_t *gone = json_array();
        for (size_t i = 0; i < diff->removed_tag_count; i++)
            json_array_append_new(gone, json_string(diff->removed_tags[i]));
        if (send(ctx, &operation_kms_untag_resource,
                 json_pack("{s:s, s:o}", "KeyId", id, "TagKeys", gone), err) != 0)
            return error_context(err, "tags");
    }
    if (diff->set_tag_count && send(ctx, &operation_kms_tag_resource,
                                    json_pack("{s:s, s:o}", "KeyId", id, "Tags",
                                              tag_rows(diff->set_tags, diff->set_tag_count)),
                                    err) != 0)
        return error_context(err, "tags");
    return 0;
}

/* The source as the plan saw it: the wish says all of it, so nothing more is read. */
static int source_of(struct resource_ctx *ctx, const struct resource *want, struct kms_source *out,
                     struct error *err)
{
    const char *primary = want->fields[KMS_PRIMARY];
    struct arn arn;
    if (!primary || arn_parse(primary, strlen(primary), &arn) != 0)
        return error_set(err, ERR_UNSUPPORTED, "%s is not a multi-Region key", want->name);
    *out = (struct kms_source){
        .primary = {
            .id = want->fields[KMS_ID],
            .arn = primary,
            .region = kms_arn_region(ctx->arena, primary),
            .account = arena_strndup(ctx->arena, arn.account.data, arn.account.len),
            .state = "Enabled",
            .enabled = true,
            .description = "",
            .multi_region = true,
            .primary = true,
        }};
    return 0;
}

static const struct tag *own_tag(const struct resource *want)
{
    for (size_t i = 0; i < want->tag_count; i++)
        if (tag_is_ours(want->tags[i].key))
            return &want->tags[i];
    return NULL;
}

/* "every 365 days"; 0: it is off. */
static int rotation_days(const struct resource *want)
{
    enum { AWS_DEFAULT = 365 };
    const char *text = want->fields[KMS_ROTATION];
    size_t begin = text ? strcspn(text, "0123456789") : 0;
    int64_t days = 0;
    if (!text || strcmp(text, KMS_ROTATION_OFF) == 0)
        return 0;
    text_to_int64(text + begin, strspn(text + begin, "0123456789"), &days);
    return days > 0 ? (int)days : AWS_DEFAULT;
}

static void wish_of(struct resource_ctx *ctx, const struct resource *want,
                    const struct resource *have, const struct diff *diff, struct kms_wish *out)
{
    const struct resource_settings *settings = kms_settings(ctx->settings);
    uint32_t differs = have ? diff->fields : UINT32_MAX;
    *out = (struct kms_wish){
        .policy = want->fields[KMS_POLICY],
        .description = want->fields[KMS_DESCRIPTION] ? want->fields[KMS_DESCRIPTION] : "",
        .tags_given = true,
        .tags = want->tags,
        .tag_count = want->tag_count,
        .aliases_given = true,
        .keep_policy = !(differs & 1u << KMS_POLICY),
        .keep_tags = have != NULL,
        .keep_description = !(differs & 1u << KMS_DESCRIPTION),
        .keep_aliases = !(differs & 1u << KMS_ALIASES),
        .keep_enabled = !(differs & 1u << KMS_STATE),
        .disabled = is(want->fields[KMS_STATE], kms_disabled),
        .remove_other_aliases = settings->exact_aliases,
        .move_aliases = settings->move_aliases,
        .grants_given = settings->grants == GRANTS_COPIED && differs & 1u << KMS_GRANTS,
        .grants = want->fields[KMS_GRANTS],
        .grants_before = have ? have->fields[KMS_GRANTS] : NULL,
        .revoke_others = settings->revoke_all_grants,
        .rotation_given = !want->fields[KMS_PRIMARY] && differs & 1u << KMS_ROTATION,
        .rotation_days = rotation_days(want),
        .mark = own_tag(want),
    };
    out->aliases = kms_alias_list(ctx->arena, want->fields[KMS_ALIASES], &out->alias_count);
}

/* Of what failed, and what was set all the same. */
static int tell(const struct kms_outcome *outcome, int result, struct error *err)
{
    if (result != 0 && outcome->problem_count)
        error_set(err, outcome->error.code == ERR_CONFLICT ? ERR_INVALID : outcome->error.code,
                  "%s", outcome->text);
    return result;
}

/* A key that is there: whether it is a replica, the primary itself or a counterpart. */
static int change(struct resource_ctx *ctx, const char *id, const struct resource *want,
                  const struct resource *have, const struct diff *diff, struct error *err)
{
    struct kms_wish wish;
    struct kms_outcome outcome = {0};
    wish_of(ctx, want, have, diff, &wish);
    return tell(&outcome, kms_key_converge(ctx, id, &wish, NULL, &outcome, err), err);
}

static int make_replica(struct resource_ctx *ctx, const struct resource *want,
                        const struct diff *diff, struct error *err)
{
    struct kms_source source;
    struct kms_wish wish;
    struct kms_outcome outcome = {0};
    if (source_of(ctx, want, &source, err) != 0)
        return -1;
    wish_of(ctx, want, NULL, diff, &wish);
    return tell(&outcome, kms_replica_ensure(ctx, &source, &wish, NULL, &outcome, err), err);
}

/* A counterpart that a run made, and did not come to give its alias; NULL: none. */
static const char *unfinished_counterpart(struct resource_ctx *ctx, const char *source_arn,
                                          struct error *err)
{
    json_t *in = json_pack("{s:[s], s:[{s:s, s:[s]}]}", "ResourceTypeFilters", "kms:key",
                           "TagFilters", "Key", COUNTERPART_TAG, "Values", source_arn);
    json_t *out = NULL;
    const char *found = NULL;
    if (resource_call(ctx, &operation_tagging_get_resources, in, &out, err) == 0) {
        const json_t *rows = json_object_get(out, "ResourceTagMappingList");
        for (size_t i = 0; i < json_array_size(rows) && !found; i++) {
            const char *arn = json_text(json_array_get(rows, i), "ResourceARN");
            struct kms_key key;
            if (arn && kms_key_describe(ctx, arn, &key, NULL) == 0 && key.enabled)
                found = key.id;
        }
    }
    json_decref(in);
    json_decref(out);
    return found;
}

static json_t *create_input(const struct resource *want, const char *source_arn)
{
    json_t *tags = tag_rows(want->tags, want->tag_count);
    json_array_append_new(tags, json_pack("{s:s, s:s}", "TagKey", COUNTERPART_TAG, "TagValue",
                                          source_arn));
    json_t *in = json_pack("{s:s, s:s, s:o}", "KeySpec", want->fields[KMS_SPEC], "KeyUsage",
                           want->fields[KMS_USAGE], "Tags", tags);
    if (want->fields[KMS_POLICY])
        json_object_set_new(in, "Policy", json_string(want->fields[KMS_POLICY]));
    if (want->fields[KMS_DESCRIPTION])
        json_object_set_new(in, "Description", json_string(want->fields[KMS_DESCRIPTION]));
    return in;
}

/* CreateKey is not repeated blindly: what a run that was killed left is found by its tag. */
static const char *make_counterpart(struct resource_ctx *ctx, const struct resource *want,
                                    struct error *err)
{
    const char *source = want->fields[KMS_ID];
    const char *id = unfinished_counterpart(ctx, source, err);
    json_t *out = NULL;
    if (id || err->code)
        return id;
    json_t *in = create_input(want, source);
    if (resource_call(ctx, &operation_kms_create_key, in, &out, err) == 0) {
        const char *made = json_text(json_object_get(out, "KeyMetadata"), "KeyId");
        id = made ? arena_strdup(ctx->arena, made) : NULL;
    } else {
        error_context(err, "make a counterpart of %s in %s", want->name, ctx->region);
    }
    json_decref(in);
    json_decref(out);
    return id;
}

static int new_counterpart(struct resource_ctx *ctx, const struct resource *want, struct error *err)
{
    /* All else it was made with. */
    struct diff left = {.fields = 1u << KMS_ALIASES};
    left.fields |= want->fields[KMS_GRANTS] ? 1u << KMS_GRANTS : 0;
    left.fields |= rotation_days(want) ? 1u << KMS_ROTATION : 0;
    struct error error = {0};
    const char *id = make_counterpart(ctx, want, &error);
    if (id)
        return change(ctx, id, want, want, &left, err);
    *err = error;
    return -1;
}

int kms_kind_write(struct resource_ctx *ctx, const struct resource *want,
                   const struct resource *have, const struct diff *diff, int64_t *version,
                   struct error *err)
{
    bool multi_region = want->fields[KMS_PRIMARY] != NULL;
    struct resource now;
    int result = 0;
    if (!have || diff->fields)
        result = have           ? change(ctx, have->fields[KMS_ID], want, have, diff, err)
                 : multi_region ? make_replica(ctx, want, diff, err)
                                : new_counterpart(ctx, want, err);
    const char *id = have ? have->fields[KMS_ID] : NULL;
    struct error error = {0};
    if (id && write_tags(ctx, id, diff, &error) != 0) {
        /* Of two failures the first is told. */
        if (result == 0)
            *err = error;
        result = -1;
    }
    if (result == 0 && kms_kind_describe(ctx, want->name, &now, &error) == 0)
        *version = now.version;
    return result;
}

int kms_kind_remove(struct resource_ctx *ctx, struct resource *items, size_t count,
                    struct error *err)
{
    const struct resource_settings *settings = kms_settings(ctx->settings);
    for (size_t i = 0; i < count; i++) {
        struct kms_outcome outcome = {0};
        items[i].missing = false;
        if (kms_replica_remove(ctx, items[i].name, settings->window_days, NULL, &outcome, err) != 0)
            return -1;
        items[i].missing = outcome.end == KMS_END_GONE;
    }
    return 0;
}
