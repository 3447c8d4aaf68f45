/* The calls that writing or removing one key takes, as kms_kind_write.c makes them. */
#include "resource/kms_grants.h"
#include "resource/kms_kind.h"
#include "resource/services.h"

#include <string.h>

struct telling {
    const struct resource_settings *settings;
    resource_count_fn *count;
    void *arg;
};

static void tell(const struct telling *telling, bool at_source,
                 const struct aws_operation *operation, uint64_t count)
{
    if (count)
        telling->count(telling->arg, at_source, operation, count);
}

static bool rotation_is_read(const struct telling *telling, const struct resource *of)
{
    return of && kms_rotates(of->fields[KMS_SPEC], of->fields[KMS_ORIGIN]) &&
           (telling->settings->deep || !of->fields[KMS_PRIMARY]);
}

static bool looks_at_grants(const struct telling *telling)
{
    return telling->settings->grants == GRANTS_REPORTED ||
           telling->settings->grants == GRANTS_COPIED;
}

/* kms_kind_describe */
static void tell_describe(const struct telling *telling, bool at_source, const struct resource *of)
{
    tell(telling, at_source, &operation_kms_describe_key, 1);
    tell(telling, at_source, &operation_kms_get_key_policy, 1);
    tell(telling, at_source, &operation_kms_list_resource_tags, 1);
    tell(telling, at_source, &operation_kms_list_aliases, 1);
    tell(telling, at_source, &operation_kms_get_key_rotation_status, rotation_is_read(telling, of));
    /* A page; of the default, which is for plans, nothing is asked again. */
    tell(telling, at_source, &operation_kms_list_grants, looks_at_grants(telling));
}

/* How many aliases of one list the other lacks. */
static uint64_t lacking(struct arena *arena, const char *these, const char *those)
{
    size_t count, had;
    uint64_t lacking = 0;
    const char *const *wanted = kms_alias_list(arena, these, &count);
    const char *const *there = kms_alias_list(arena, those, &had);
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < had; j++)
            found = found || strcmp(wanted[i], there[j]) == 0;
        lacking += !found;
    }
    return lacking;
}

static void tell_grants(const struct telling *telling, const struct resource *want,
                        const struct resource *have)
{
    const char *wanted = want->fields[KMS_GRANTS], *there = have ? have->fields[KMS_GRANTS] : NULL;
    tell(telling, false, &operation_kms_create_grant, kms_grants_lacking(wanted, there));
    tell(telling, false, &operation_kms_revoke_grant, kms_grants_lacking(there, wanted));
}

static void tell_rotation(const struct telling *telling, const struct resource *want)
{
    const char *rotation = want->fields[KMS_ROTATION];
    bool off = !rotation || strcmp(rotation, KMS_ROTATION_OFF) == 0;
    tell(telling, false,
         off ? &operation_kms_disable_key_rotation : &operation_kms_enable_key_rotation, 1);
}

static void tell_change(const struct telling *telling, const struct resource *want,
                        const struct resource *have, const struct diff *diff)
{
    struct arena arena;
    uint32_t fields = diff->fields;
    const char *state = have->fields[KMS_STATE], *wanted = want->fields[KMS_STATE];
    bool restored = state && strcmp(state, kms_pending_deletion) == 0;
    bool enables = wanted && strcmp(wanted, kms_enabled) == 0;
    tell(telling, false, &operation_kms_untag_resource, diff->removed_tag_count > 0);
    tell(telling, false, &operation_kms_tag_resource, diff->set_tag_count > 0);
    if (!fields)
        return;
    arena_init(&arena);
    tell_describe(telling, false, have); /* does it stand as the plan saw it? */
    tell(telling, false, &operation_kms_describe_key, restored ? 2u : 1u);
    tell(telling, false, &operation_kms_cancel_key_deletion, restored);
    if (fields & 1u << KMS_POLICY) {
        tell(telling, false, &operation_kms_get_key_policy, 1);
        tell(telling, false, &operation_kms_put_key_policy, 1);
    }
    tell(telling, false, &operation_kms_update_key_description,
         (fields & 1u << KMS_DESCRIPTION) != 0);
    if (fields & 1u << KMS_ALIASES) {
        tell(telling, false, &operation_kms_list_aliases, 1);
        tell(telling, false, &operation_kms_create_alias,
             lacking(&arena, want->fields[KMS_ALIASES], have->fields[KMS_ALIASES]));
        if (telling->settings->exact_aliases)
            tell(telling, false, &operation_kms_delete_alias,
                 lacking(&arena, have->fields[KMS_ALIASES], want->fields[KMS_ALIASES]));
    }
    if (fields & 1u << KMS_GRANTS) {
        tell(telling, false, &operation_kms_list_grants, 1);
        tell_grants(telling, want, have);
    }
    if (fields & 1u << KMS_ROTATION)
        tell_rotation(telling, want);
    if (fields & 1u << KMS_STATE)
        tell(telling, false, enables ? &operation_kms_enable_key : &operation_kms_disable_key,
             restored ? enables : 1u); /* what comes back from deletion is disabled */
    arena_done(&arena);
}

static void tell_create(const struct telling *telling, const struct resource *want)
{
    struct arena arena;
    arena_init(&arena);
    if (want->fields[KMS_PRIMARY]) {
        tell(telling, true, &operation_kms_replicate_key, 1);
        /* It is not there, and then it is; for as long as it is being made, it is asked again. */
        tell(telling, false, &operation_kms_describe_key, 2);
    } else {
        tell(telling, false, &operation_tagging_get_resources, 1);
        tell(telling, false, &operation_kms_create_key, 1);
        tell(telling, false, &operation_kms_describe_key, 1);
        tell(telling, false, &operation_kms_list_aliases, 1);
    }
    tell(telling, false, &operation_kms_create_alias,
         lacking(&arena, want->fields[KMS_ALIASES], NULL));
    if (!want->fields[KMS_PRIMARY])
        tell(telling, false, &operation_kms_list_grants, want->fields[KMS_GRANTS] != NULL);
    tell_grants(telling, want, NULL);
    const char *rotation = want->fields[KMS_ROTATION];
    if (!want->fields[KMS_PRIMARY] && rotation && strcmp(rotation, KMS_ROTATION_OFF) != 0)
        tell_rotation(telling, want);
    arena_done(&arena);
}

void kms_foretell(const struct resource *want, const struct resource *have, const struct diff *diff,
                  const struct resource_settings *settings, resource_count_fn *count, void *arg)
{
    const struct telling telling = {kms_settings(settings), count, arg};
    if (!want) { /* the source's copy of the name, our tag on the copy, what it is now */
        tell(&telling, true, &operation_kms_describe_key, 1);
        tell(&telling, false, &operation_kms_describe_key, 1);
        tell(&telling, false, &operation_kms_list_resource_tags, 1);
        tell_describe(&telling, false, have);
        tell(&telling, false, &operation_kms_schedule_key_deletion, 1);
        return;
    }
    if (!have || diff->fields) /* tags are set as they were planned */
        tell_describe(&telling, true, want);
    if (have)
        tell_change(&telling, want, have, diff);
    else
        tell_create(&telling, want);
    tell_describe(&telling, false, want); /* what it has become */
}
