/* What keeping keys equal needs in IAM, where the keys' own policies leave it to IAM.
 *
 * A multi-Region key's id begins with "mrk-" and is the same in every Region; one that was made a
 * moment ago has no alias yet, so aliases cannot narrow. Source: KMS developer guide, "AWS KMS
 * permissions" (which take a resource, and that aliases need the key and the alias) and "Creating
 * replica keys" (kms:ReplicateKey on the primary, kms:CreateKey in the replica's Region). */
#include "resource/kms_kind.h"
#include "resource/services.h"

#include <string.h>

static const char key[] = "key/", alias[] = "alias/";

enum { BOTH = ON_SOURCE | ON_DESTINATION, EVERYWHERE = BOTH | FROM_DESTINATION };

const struct resource_permission kms_permissions[] = {
    {&operation_kms_list_keys, NULL, NULL, BOTH, WHEN_ALWAYS},
    {&operation_kms_list_aliases, NULL, NULL, BOTH, WHEN_ALWAYS},
    {&operation_kms_describe_key, NULL, key, EVERYWHERE, WHEN_ALWAYS},
    {&operation_kms_get_key_policy, NULL, key, BOTH, WHEN_ALWAYS},
    {&operation_kms_list_resource_tags, NULL, key, BOTH, WHEN_ALWAYS},
    {&operation_kms_get_key_rotation_status, NULL, key, BOTH, WHEN_ALWAYS},
    {&operation_kms_list_grants, NULL, key, BOTH, WHEN_GRANTS},
    {&operation_kms_create_grant, NULL, key, ON_DESTINATION, WHEN_GRANTING},
    {&operation_kms_revoke_grant, NULL, key, ON_DESTINATION, WHEN_REVOKING},
    {&operation_kms_enable_key_rotation, NULL, key, ON_DESTINATION, WHEN_COUNTERPARTS},
    {&operation_kms_disable_key_rotation, NULL, key, ON_DESTINATION, WHEN_COUNTERPARTS},
    {&operation_kms_replicate_key, NULL, key, FROM_DESTINATION, WHEN_REPLICAS},
    {&operation_kms_create_key, NULL, NULL, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_tagging_get_resources, NULL, NULL, ON_DESTINATION, WHEN_COUNTERPARTS},
    {&operation_kms_put_key_policy, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_update_key_description, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_tag_resource, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_untag_resource, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_enable_key, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_disable_key, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_create_alias, NULL, key, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_create_alias, NULL, alias, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_kms_update_alias, NULL, key, ON_DESTINATION, WHEN_MOVING},
    {&operation_kms_update_alias, NULL, alias, ON_DESTINATION, WHEN_MOVING},
    {&operation_kms_delete_alias, NULL, key, ON_DESTINATION, WHEN_EXACT},
    {&operation_kms_delete_alias, NULL, alias, ON_DESTINATION, WHEN_EXACT},
    {&operation_kms_cancel_key_deletion, NULL, key, ON_DESTINATION, WHEN_REPLICAS},
    {&operation_kms_schedule_key_deletion, NULL, key, ON_DESTINATION, WHEN_DELETING},
    {0},
};

const char *kms_iam_name(struct arena *arena, const char *on, const char *selector)
{
    const char *bare = selector ? strstr(selector, "key/") : NULL;
    bool named = selector && strncmp(selector, alias, strlen(alias)) == 0;
    if (on == alias || strcmp(on, alias) == 0)
        return named ? arena_strdup(arena, selector + strlen(alias)) : "*";
    if (!selector) /* its id is not known before it is made */
        return "*";
    bare = bare ? bare + strlen("key/") : selector;
    return strncmp(bare, "mrk-", 4) == 0 ? arena_strdup(arena, bare) : "mrk-*";
}
