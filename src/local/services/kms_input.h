/*
 * kms_input: the members that KMS's operations take (model kms 2014-11-01). Const tables for
 * kms.c.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_INPUT_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_INPUT_H

#include "local/service.h"

extern const struct local_member kms_create_key_members[];
extern const struct local_member kms_key_members[];
extern const struct local_member kms_describe_members[];
extern const struct local_member kms_list_keys_members[];
extern const struct local_member kms_alias_target_members[];
extern const struct local_member kms_alias_members[];
extern const struct local_member kms_list_aliases_members[];
extern const struct local_member kms_encrypt_members[];
extern const struct local_member kms_decrypt_members[];
extern const struct local_member kms_re_encrypt_members[];
extern const struct local_member kms_data_key_members[];
extern const struct local_member kms_random_members[];
extern const struct local_member kms_description_members[];
extern const struct local_member kms_tag_resource_members[];
extern const struct local_member kms_untag_resource_members[];
extern const struct local_member kms_list_tags_members[];
extern const struct local_member kms_get_policy_members[];
extern const struct local_member kms_put_policy_members[];
extern const struct local_member kms_list_policies_members[];
extern const struct local_member kms_schedule_members[];
extern const struct local_member kms_replicate_members[];
extern const struct local_member kms_primary_members[];
extern const struct local_member kms_enable_rotation_members[];
extern const struct local_member kms_list_rotations_members[];
extern const struct local_member kms_wrapping_members[];
extern const struct local_member kms_import_members[];
extern const struct local_member kms_delete_import_members[];
extern const struct local_member kms_sign_members[];
extern const struct local_member kms_verify_members[];
extern const struct local_member kms_mac_members[];
extern const struct local_member kms_verify_mac_members[];
extern const struct local_member kms_derive_members[];
extern const struct local_member kms_pair_members[];
extern const struct local_member kms_create_grant_members[];
extern const struct local_member kms_list_grants_members[];
extern const struct local_member kms_list_retirable_members[];
extern const struct local_member kms_retire_grant_members[];
extern const struct local_member kms_revoke_grant_members[];
extern const struct local_member kms_create_store_members[];
extern const struct local_member kms_update_store_members[];
extern const struct local_member kms_store_members[];
extern const struct local_member kms_describe_stores_members[];

#endif
