/* The properties of a replica that AWS leaves to each Region: policy, tags, description, aliases,
 * enabled or not. Source: shared facts kms.md sections 2, 4, 5 and 9. */
#include "base/json.h"
#include "base/text.h"
#include "resource/kms_grants.h"
#include "resource/services.h"

#include <string.h>

const char *kms_wanted_policy(const struct kms_work *work, struct error *err)
{
    const struct kms_key *primary = &work->source->primary;
    if (work->wish->policy)
        return work->wish->policy;
    if (work->wish->verbatim_policy)
        return primary->policy;
    return kms_policy_for_region(work->ctx->arena, primary->policy, primary->region,
                                 work->ctx->region, err);
}

const char *kms_wanted_description(const struct kms_work *work)
{
    const char *given = work->wish->description;
    return given ? given : work->source->primary.description;
}

/* Those that are not ours, in the order given. */
static const struct tag *without_ours(struct arena *arena, const struct tag *tags, size_t given,
                                      size_t *count)
{
    struct tag *kept = arena_calloc(arena, given + 1, sizeof *kept);
    *count = 0;
    for (size_t i = 0; i < given; i++)
        if (!tag_is_ours(tags[i].key) && !text_starts_nocase(tags[i].key, "aws:"))
            kept[(*count)++] = tags[i];
    return kept;
}

const struct tag *kms_wanted_tags(const struct kms_work *work, size_t *count)
{
    const struct kms_wish *wish = work->wish;
    const struct kms_key *primary = &work->source->primary;
    return wish->tags_given
               ? without_ours(work->ctx->arena, wish->tags, wish->tag_count, count)
               : without_ours(work->ctx->arena, primary->tags, primary->tag_count, count);
}

int kms_write(struct kms_work *work, const struct aws_operation *operation, json_t *in,
              struct error *err)
{
    int result = resource_call(work->ctx, operation, in, NULL, err);
    json_decref(in);
    work->out->writes += result == 0;
    return result;
}

static void problem(struct kms_work *work, const char *property, const struct error *error)
{
    struct kms_outcome *out = work->out;
    if (!out->error.code) {
        out->error = *error;
        error_prefix(&out->error, "%s", property);
    }
    if (out->problem_count < KMS_PROBLEMS_MAX)
        out->problems[out->problem_count++] =
            arena_printf(work->ctx->arena, "%s: %s", property, error->message);
}

static void changed(struct kms_work *work, const char *property)
{
    struct kms_outcome *out = work->out;
    for (size_t i = 0; i < out->changed_count; i++)
        if (strcmp(out->changed[i], property) == 0)
            return;
    if (out->changed_count < KMS_PROBLEMS_MAX)
        out->changed[out->changed_count++] = property;
}

void kms_done(struct kms_work *work, const char *property, int result, const struct error *error)
{
    if (result == 0)
        changed(work, property);
    else
        problem(work, property, error);
}

static json_t *of_key(const struct kms_work *work)
{
    return json_pack("{s:s}", "KeyId", work->key.id);
}

static int put_policy(struct kms_work *work, const char *policy, struct error *err)
{
    json_t *in = of_key(work);
    json_object_set_new(in, "PolicyName", json_string("default"));
    json_object_set_new(in, "Policy", json_string(policy));
    if (work->wish->bypass_lockout_check)
        json_object_set_new(in, "BypassPolicyLockoutSafetyCheck", json_true());
    if (kms_write(work, &operation_kms_put_key_policy, in, err) == 0)
        return 0;
    if (strcmp(err->aws_code, "MalformedPolicyDocumentException") == 0)
        error_context(err, "AWS refuses the policy: it names a principal that does not exist, or "
                           "would keep its writer from changing it again");
    return -1;
}

static void converge_policy(struct kms_work *work)
{
    struct arena *arena = work->ctx->arena;
    struct error error = {0};
    const char *policy = kms_wanted_policy(work, &error);
    const char *want = policy ? kms_policy_meaning(arena, policy, &error) : NULL;
    if (!want || kms_key_read(work->ctx, &work->key, KMS_READ_POLICY, &error) != 0) {
        problem(work, "policy", &error);
        return;
    }
    const char *have = kms_policy_meaning(arena, work->key.policy, NULL);
    if (!have || strcmp(have, want) != 0)
        kms_done(work, "policy", put_policy(work, policy, &error), &error);
}

static void converge_description(struct kms_work *work)
{
    struct error error = {0};
    const char *want = kms_wanted_description(work);
    if (strcmp(want, work->key.description) == 0)
        return;
    json_t *in = of_key(work);
    json_object_set_new(in, "Description", json_string(want));
    kms_done(work, "description",
             kms_write(work, &operation_kms_update_key_description, in, &error), &error);
}

static void set_tags(struct kms_work *work, const struct tag *want, size_t count)
{
    struct error error = {0};
    json_t *set = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *have = tag_value(work->key.tags, work->key.tag_count, want[i].key);
        if (!have || strcmp(have, want[i].value) != 0)
            json_array_append_new(set, json_pack("{s:s, s:s}", "TagKey", want[i].key, "TagValue",
                                                 want[i].value));
    }
    if (json_array_size(set) == 0) {
        json_decref(set);
        return;
    }
    json_t *in = of_key(work);
    json_object_set_new(in, "Tags", set);
    kms_done(work, "tags", kms_write(work, &operation_kms_tag_resource, in, &error), &error);
}

/* Before new ones come: a key has room for fifty. */
static void remove_tags(struct kms_work *work, const struct tag *want, size_t count)
{
    struct error error = {0};
    json_t *gone = json_array();
    for (size_t i = 0; i < work->key.tag_count; i++) {
        const char *key = work->key.tags[i].key;
        if (!tag_is_ours(key) && !tag_value(want, count, key))
            json_array_append_new(gone, json_string(key));
    }
    if (json_array_size(gone) == 0) {
        json_decref(gone);
        return;
    }
    json_t *in = of_key(work);
    json_object_set_new(in, "TagKeys", gone);
    kms_done(work, "tags", kms_write(work, &operation_kms_untag_resource, in, &error), &error);
}

static void converge_tags(struct kms_work *work)
{
    struct error error = {0};
    size_t count;
    const struct tag *want = kms_wanted_tags(work, &count);
    if (kms_key_read(work->ctx, &work->key, KMS_READ_TAGS, &error) != 0) {
        problem(work, "tags", &error);
        return;
    }
    remove_tags(work, want, count);
    set_tags(work, want, count);
}

static bool among(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

/* The alias is taken in this Region: by whom? */
static int take_alias(struct kms_work *work, const char *alias, struct error *err)
{
    struct kms_key other;
    struct error error = {0};
    if (kms_key_describe(work->ctx, alias, &other, &error) != 0) {
        *err = error;
        return -1;
    }
    if (strcmp(other.id, work->key.id) == 0)
        return 1; /* it is there already */
    if (!work->wish->move_aliases)
        return error_set(
            err, ERR_CONFLICT,
            "%s stands for key %s in %s: delete it there, or allow aliases to be moved", alias,
            other.id, work->ctx->region);
    json_t *in = json_pack("{s:s, s:s}", "AliasName", alias, "TargetKeyId", work->key.id);
    return kms_write(work, &operation_kms_update_alias, in, err);
}

static void add_alias(struct kms_work *work, const char *alias)
{
    struct error error = {0};
    json_t *in = json_pack("{s:s, s:s}", "AliasName", alias, "TargetKeyId", work->key.id);
    int result = kms_write(work, &operation_kms_create_alias, in, &error);
    if (result != 0 && strcmp(error.aws_code, "AlreadyExistsException") == 0) {
        error = (struct error){0};
        result = take_alias(work, alias, &error);
    }
    if (result <= 0)
        kms_done(work, "aliases", result, &error);
}

static void converge_aliases(struct kms_work *work)
{
    const struct kms_wish *wish = work->wish;
    const struct kms_key *primary = &work->source->primary;
    const char *const *want = wish->aliases_given ? wish->aliases : primary->aliases;
    size_t count = wish->aliases_given ? wish->alias_count : primary->alias_count;
    struct error error = {0};
    if (!work->created && kms_key_read(work->ctx, &work->key, KMS_READ_ALIASES, &error) != 0) {
        problem(work, "aliases", &error);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!among(work->key.aliases, work->key.alias_count, want[i]))
            add_alias(work, want[i]);
    for (size_t i = 0; i < work->key.alias_count && wish->remove_other_aliases; i++) {
        const char *alias = work->key.aliases[i];
        if (among(want, count, alias))
            continue;
        error = (struct error){0};
        int result = kms_write(work, &operation_kms_delete_alias,
                               json_pack("{s:s}", "AliasName", alias), &error);
        kms_done(work, "aliases", error.code == ERR_NOT_FOUND ? 0 : result, &error);
    }
}

/* AWS rotates keys of its own material only. */
static void converge_rotation(struct kms_work *work)
{
    struct error error = {0};
    const int days = work->wish->rotation_days;
    json_t *in = of_key(work);
    if (days)
        json_object_set_new(in, "RotationPeriodInDays", json_integer(days));
    int result =
        kms_write(work,
                  days ? &operation_kms_enable_key_rotation : &operation_kms_disable_key_rotation,
                  in, &error);
    kms_done(work, "rotation", result, &error);
}

static void converge_enabled(struct kms_work *work)
{
    struct error error = {0};
    bool want = work->source->primary.enabled && !work->wish->disabled;
    bool can = strcmp(work->key.state, "Enabled") == 0 || strcmp(work->key.state, "Disabled") == 0;
    if (!can || work->key.enabled == want)
        return;
    int result = kms_write(work, want ? &operation_kms_enable_key : &operation_kms_disable_key,
                           of_key(work), &error);
    kms_done(work, "enabled", result, &error);
    if (result == 0)
        work->key.enabled = want;
}

void kms_converge(struct kms_work *work)
{
    const struct kms_wish *wish = work->wish;
    /* What was made here has what it was made with. */
    bool there = !work->created;
    if (there && !wish->keep_policy)
        converge_policy(work);
    if (there && !wish->keep_tags)
        converge_tags(work);
    if (there && !wish->keep_description)
        converge_description(work);
    if (!there || !wish->keep_aliases)
        converge_aliases(work);
    /* A disabled key is given neither grants nor another rotation. */
    bool enabled = work->source->primary.enabled && !wish->disabled;
    bool set_enabled = !there || !wish->keep_enabled || work->restored;
    if (set_enabled && enabled)
        converge_enabled(work);
    if (wish->grants_given)
        kms_grants_converge(work);
    if (wish->rotation_given)
        converge_rotation(work);
    if (set_enabled && !enabled)
        converge_enabled(work);
}
