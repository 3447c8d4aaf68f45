/* AWS::KMS::Key: what can be made of a key in another Region, and making it so. Sources: shared
 * facts kms.md sections 3 to 5, 8 and 9. */
#include "aws/arn.h"
#include "base/json.h"
#include "base/text.h"
#include "resource/kms_kind.h"
#include "resource/kms_replica.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>

static const struct resource_settings no_settings;

static bool is(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

/* --- judging ---------------------------------------------------------------------------------- */
static bool is_counterpart(const struct resource_settings *settings, const struct resource *want)
{
    for (size_t i = 0; i < settings->counterpart_count; i++)
        if (strcmp(settings->counterparts[i], want->key) == 0)
            return true;
    return false;
}

static void judge_policy(struct arena *arena, struct resource *want, const struct resource *have,
                         const struct judge_options *options,
                         const struct resource_settings *settings, struct verdict *out)
{
    struct error error = {0};
    const char *policy = want->fields[KMS_POLICY];
    if (settings->leave_policy && have)
        policy = have->fields[KMS_POLICY];
    else if (!settings->verbatim_policy && policy)
        policy =
            kms_policy_for_region(arena, policy, options->source_region, options->region, &error);
    if (policy)
        want->fields[KMS_POLICY] = policy;
    else if (want->fields[KMS_POLICY])
        out->blocked = arena_printf(arena, "its policy cannot be read: %s", error.message);
}

/* Unless they are to be the same, those that are there stay. */
static void judge_aliases(struct arena *arena, struct resource *want, const struct resource *have,
                          const struct resource_settings *settings)
{
    size_t count, had;
    if (settings->leave_aliases) {
        want->fields[KMS_ALIASES] = have ? have->fields[KMS_ALIASES] : NULL;
        return;
    }
    if (settings->exact_aliases || !have || !have->fields[KMS_ALIASES])
        return;
    const char *const *wanted = kms_alias_list(arena, want->fields[KMS_ALIASES], &count);
    const char *const *there = kms_alias_list(arena, have->fields[KMS_ALIASES], &had);
    struct tag *all = arena_calloc(arena, count + had + 1, sizeof *all);
    size_t sum = 0;
    for (size_t i = 0; i < count + had; i++) {
        const char *alias = i < count ? wanted[i] : there[i - count];
        if (!tag_value(all, sum, alias))
            all[sum++] = (struct tag){alias, ""};
    }
    tags_sort(all, sum);
    const char **texts = arena_calloc(arena, sum + 1, sizeof *texts);
    for (size_t i = 0; i < sum; i++)
        texts[i] = all[i].key;
    want->fields[KMS_ALIASES] = kms_alias_json(arena, texts, sum);
}

/* AWS brings what is rotated from the primary; nobody else can. */
static void judge_rotation(struct arena *arena, struct resource *want, const struct resource *have,
                           struct verdict *out)
{
    const char *here = want->fields[KMS_ROTATION];
    const char *there = have ? have->fields[KMS_ROTATION] : NULL;
    if (have)
        want->fields[KMS_ROTATION] = there;
    if (have && here && there && strcmp(here, there) != 0)
        out->loss =
            arena_printf(arena, "rotated %s, and %s at the source: AWS brings it from the primary",
                         there, here);
}

static void judge_state(struct arena *arena, struct resource *want, const struct resource *have,
                        const struct judge_options *options, struct verdict *out)
{
    const char *there = have ? have->fields[KMS_STATE] : NULL;
    bool imported = is(want->fields[KMS_ORIGIN], "EXTERNAL");
    if (is(want->fields[KMS_STATE], kms_pending_import)) {
        out->blocked = "it has no key material yet: import it first";
    } else if (is(there, kms_pending_import)) {
        want->fields[KMS_STATE] = there;
        out->loss = arena_printf(arena,
                                 "of no use until its key material is imported: import the same "
                                 "material into %s too",
                                 options->region);
    } else if (is(there, kms_pending_deletion)) {
        out->note = "its deletion is cancelled";
    } else if (!have && imported) {
        out->loss = arena_printf(arena,
                                 "its key material was imported, which AWS does not replicate: "
                                 "import the same material into %s too",
                                 options->region);
        want->fields[KMS_STATE] = kms_pending_import;
    } else if (!have && is(want->fields[KMS_STATE], kms_disabled)) {
        out->unwritable = "it is disabled, and AWS replicates enabled keys only";
    }
}

static const char *mapping_line(struct arena *arena, const char *alias)
{
    return arena_printf(arena, "keys: { \"%s\": %s }", alias, alias);
}

/* What would be made, in words. */
static const char *equal_key(struct arena *arena, const struct resource *want)
{
    size_t tags = 0;
    const char *description = want->fields[KMS_DESCRIPTION];
    for (size_t i = 0; i < want->tag_count; i++)
        tags += !tag_is_ours(want->tags[i].key);
    return arena_printf(arena, "%s, %s, its policy, %zu tag%s, %s%s%s, %s",
                        want->fields[KMS_SPEC] ? want->fields[KMS_SPEC] : "its spec",
                        want->fields[KMS_USAGE] ? want->fields[KMS_USAGE] : "its usage", tags,
                        tags == 1 ? "" : "s", description ? "description '" : "no description",
                        description ? description : "", description ? "'" : "", want->key);
}

/* A key of its own in each Region, that only looks the same. */
static void judge_counterpart(struct arena *arena, struct resource *want,
                              const struct resource *have, const struct judge_options *options,
                              const struct resource_settings *settings, struct verdict *out)
{
    static const enum kms_slot fixed[] = {KMS_SPEC, KMS_USAGE};
    for (size_t i = 0; have && i < 2; i++)
        if (!is(have->fields[fixed[i]], want->fields[fixed[i]] ? want->fields[fixed[i]] : ""))
            out->blocked = arena_printf(
                arena, "%s in %s is another sort of key (%s, not %s): it cannot be its counterpart",
                have->name, options->region, have->fields[fixed[i]], want->fields[fixed[i]]);
    const char *of = have ? tag_value(have->tags, have->tag_count, COUNTERPART_TAG) : NULL;
    bool own = of && is(of, want->fields[KMS_ID]);
    bool only_own = settings->own_counterparts || settings->show_counterparts;
    if (have && only_own && (!own || settings->show_counterparts)) {
        if (!out->blocked)
            out->blocked = arena_printf(arena, "%s there %s: %s uses it", want->key,
                                        own ? "is its counterpart"
                                            : "is another key, which no run made for it",
                                        mapping_line(arena, want->key));
        return;
    }
    if (have) {
        /* Where its material comes from is its own affair, and so is its rotation. */
        want->fields[KMS_ORIGIN] = have->fields[KMS_ORIGIN];
        want->fields[KMS_ROTATION] = have->fields[KMS_ROTATION];
        return;
    }
    if (!settings->create_counterparts)
        out->blocked = arena_printf(arena,
                                    "a single-Region key without counterpart: create_counterparts "
                                    "makes an equal key (%s), for %s; it would decrypt nothing "
                                    "that the source's encrypted",
                                    equal_key(arena, want), mapping_line(arena, want->key));
    else if (!is(want->fields[KMS_ORIGIN], "AWS_KMS"))
        out->blocked = "its key material was imported or lies in a key store: make the counterpart "
                       "by hand";
    else if (is(want->fields[KMS_STATE], kms_disabled))
        out->unwritable = "it is disabled: a counterpart is made of an enabled key";
    out->note =
        arena_printf(arena, "%s: %s", equal_key(arena, want), mapping_line(arena, want->key));
    out->loss = "a key of its own: it decrypts nothing that the source's encrypted";
}

void kms_judge(struct arena *arena, struct resource *want, const struct resource *have,
               const struct judge_options *options, struct verdict *out)
{
    const struct resource_settings *settings = options->settings ? options->settings : &no_settings;
    bool multi_region = want->fields[KMS_PRIMARY] != NULL;
    *out = (struct verdict){0};
    judge_policy(arena, want, have, options, settings, out);
    judge_aliases(arena, want, have, settings);
    judge_rotation(arena, want, have, out);
    judge_state(arena, want, have, options, out);
    if (want->fields[KMS_GRANTS] && !out->note)
        out->note = arena_printf(arena, "%s grants not carried", want->fields[KMS_GRANTS]);
    if (options->account && options->source_account && *options->account &&
        *options->source_account && strcmp(options->account, options->source_account) != 0)
        out->blocked = arena_printf(arena,
                                    "%s is another account, and AWS replicates a key only within "
                                    "its account: make a key of its own there and map it, or let "
                                    "the key's policy admit %s",
                                    options->account, options->account);
    else if (!multi_region && is_counterpart(settings, want))
        judge_counterpart(arena, want, have, options, settings, out);
    else if (!multi_region)
        out->blocked = "a single-Region key, which AWS makes no multi-Region key later: "
                       "kms_keys.counterparts gives it an equal key in each Region, or make a "
                       "multi-Region key and encrypt anew under it";
}

/* --- writing ---------------------------------------------------------------------------------- */
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

static void wish_of(struct resource_ctx *ctx, const struct resource *want,
                    const struct resource *have, const struct diff *diff, struct kms_wish *out)
{
    const struct resource_settings *settings = ctx->settings ? ctx->settings : &no_settings;
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
    const struct diff only_aliases = {.fields = 1u << KMS_ALIASES};
    struct error error = {0};
    const char *id = make_counterpart(ctx, want, &error);
    if (id)
        return change(ctx, id, want, want, &only_aliases, err);
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
    const struct resource_settings *settings = ctx->settings ? ctx->settings : &no_settings;
    for (size_t i = 0; i < count; i++) {
        struct kms_outcome outcome = {0};
        items[i].missing = false;
        if (kms_replica_remove(ctx, items[i].name, settings->window_days, NULL, &outcome, err) != 0)
            return -1;
        items[i].missing = outcome.end == KMS_END_GONE;
    }
    return 0;
}
