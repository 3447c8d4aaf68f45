#include "resource/services.h"

#include <stddef.h>

/* Source: the service models (ssm 2014-11-06, resourcegroupstaggingapi 2017-01-26), their metadata
 * and paginators. */
const struct aws_service service_ssm = {
    .name = "ssm",
    .signing_name = "ssm",
    .host_label = "ssm",
    .target_prefix = "AmazonSSM",
    .api_version = "2014-11-06",
    .protocol = AWS_JSON_1_1,
};

const struct aws_service service_tagging = {
    .name = "resource_groups_tagging_api",
    .signing_name = "tagging",
    .host_label = "tagging",
    .target_prefix = "ResourceGroupsTaggingAPI_20170126",
    .api_version = "2017-01-26",
    .protocol = AWS_JSON_1_1,
};

const struct aws_service service_kms = {
    .name = "kms",
    .signing_name = "kms",
    .host_label = "kms",
    .target_prefix = "TrentService",
    .api_version = "2014-11-01",
    .protocol = AWS_JSON_1_1,
};

#define OPERATION(service_, name_, flags_)                                                         \
    {                                                                                              \
        .service = &(service_), .name = (name_), .flags = (flags_), .method = "POST", .uri = "/"   \
    }

const struct aws_operation operation_ssm_describe_parameters = {
    .service = &service_ssm,
    .name = "DescribeParameters",
    .flags = AWS_READS,
    .method = "POST",
    .uri = "/",
    .page_token = "NextToken",
    .page_items = "Parameters",
};
const struct aws_operation operation_ssm_get_parameters =
    OPERATION(service_ssm, "GetParameters", AWS_READS);
const struct aws_operation operation_ssm_list_tags_for_resource =
    OPERATION(service_ssm, "ListTagsForResource", AWS_READS);
/* Not idempotent: a repeated overwrite makes another version. After a lost answer the copy is
 * compared before it is written again. */
const struct aws_operation operation_ssm_put_parameter = OPERATION(service_ssm, "PutParameter", 0);
/* Not idempotent: what somebody made again in the meantime would go too. */
const struct aws_operation operation_ssm_delete_parameters =
    OPERATION(service_ssm, "DeleteParameters", 0);
/* Setting or removing the same tags again changes nothing. */
const struct aws_operation operation_ssm_add_tags_to_resource =
    OPERATION(service_ssm, "AddTagsToResource", AWS_IDEMPOTENT);
const struct aws_operation operation_ssm_remove_tags_from_resource =
    OPERATION(service_ssm, "RemoveTagsFromResource", AWS_IDEMPOTENT);
const struct aws_operation operation_ssm_get_parameter_history = {
    .service = &service_ssm,
    .name = "GetParameterHistory",
    .flags = AWS_READS,
    .method = "POST",
    .uri = "/",
    .page_token = "NextToken",
    .page_items = "Parameters",
};
const struct aws_operation operation_ssm_label_parameter_version =
    OPERATION(service_ssm, "LabelParameterVersion", AWS_IDEMPOTENT);
const struct aws_operation operation_ssm_unlabel_parameter_version =
    OPERATION(service_ssm, "UnlabelParameterVersion", AWS_IDEMPOTENT);
const struct aws_operation operation_tagging_get_resources = {
    .service = &service_tagging,
    .name = "GetResources",
    .flags = AWS_READS,
    .method = "POST",
    .uri = "/",
    .page_token = "PaginationToken",
    .page_items = "ResourceTagMappingList",
};

const struct aws_operation operation_kms_list_aliases =
    OPERATION(service_kms, "ListAliases", AWS_READS);
const struct aws_operation operation_kms_list_keys = OPERATION(service_kms, "ListKeys", AWS_READS);
const struct aws_operation operation_kms_describe_key =
    OPERATION(service_kms, "DescribeKey", AWS_READS);
const struct aws_operation operation_kms_get_key_policy =
    OPERATION(service_kms, "GetKeyPolicy", AWS_READS);
const struct aws_operation operation_kms_list_resource_tags =
    OPERATION(service_kms, "ListResourceTags", AWS_READS);
const struct aws_operation operation_kms_get_key_rotation_status =
    OPERATION(service_kms, "GetKeyRotationStatus", AWS_READS);
const struct aws_operation operation_kms_list_grants =
    OPERATION(service_kms, "ListGrants", AWS_READS);
/* By a name of ours, which makes it once. */
const struct aws_operation operation_kms_create_grant =
    OPERATION(service_kms, "CreateGrant", AWS_IDEMPOTENT);
/* Not idempotent: asked twice, it makes two keys. */
const struct aws_operation operation_kms_create_key = OPERATION(service_kms, "CreateKey", 0);
/* Sent again after a lost answer, these change nothing or are refused with a code (the replica or
 * the alias exists already, the key is or is not pending deletion) that makes the caller look. */
#define KMS_WRITE(name_) OPERATION(service_kms, name_, AWS_IDEMPOTENT)
const struct aws_operation operation_kms_replicate_key = KMS_WRITE("ReplicateKey");
const struct aws_operation operation_kms_put_key_policy = KMS_WRITE("PutKeyPolicy");
const struct aws_operation operation_kms_update_key_description = KMS_WRITE("UpdateKeyDescription");
const struct aws_operation operation_kms_tag_resource = KMS_WRITE("TagResource");
const struct aws_operation operation_kms_untag_resource = KMS_WRITE("UntagResource");
const struct aws_operation operation_kms_create_alias = KMS_WRITE("CreateAlias");
const struct aws_operation operation_kms_update_alias = KMS_WRITE("UpdateAlias");
const struct aws_operation operation_kms_delete_alias = KMS_WRITE("DeleteAlias");
const struct aws_operation operation_kms_enable_key = KMS_WRITE("EnableKey");
const struct aws_operation operation_kms_disable_key = KMS_WRITE("DisableKey");
const struct aws_operation operation_kms_revoke_grant = KMS_WRITE("RevokeGrant");
const struct aws_operation operation_kms_enable_key_rotation = KMS_WRITE("EnableKeyRotation");
const struct aws_operation operation_kms_disable_key_rotation = KMS_WRITE("DisableKeyRotation");
const struct aws_operation operation_kms_schedule_key_deletion = KMS_WRITE("ScheduleKeyDeletion");
const struct aws_operation operation_kms_cancel_key_deletion = KMS_WRITE("CancelKeyDeletion");

/* They change nothing at AWS, but hand out or take in what is secret: no plan needs them. */
const struct aws_operation operation_kms_decrypt =
    OPERATION(service_kms, "Decrypt", AWS_IDEMPOTENT);
const struct aws_operation operation_kms_encrypt =
    OPERATION(service_kms, "Encrypt", AWS_IDEMPOTENT);
/* Sent again after a lost answer it makes another key, which is as good. */
const struct aws_operation operation_kms_generate_data_key =
    OPERATION(service_kms, "GenerateDataKey", AWS_IDEMPOTENT);
const struct aws_operation operation_kms_re_encrypt =
    OPERATION(service_kms, "ReEncrypt", AWS_IDEMPOTENT);

/* Not idempotent: sent again it is refused, because the key is no primary there any more. */
const struct aws_operation operation_kms_update_primary_region =
    OPERATION(service_kms, "UpdatePrimaryRegion", 0);

const struct aws_operation *const resource_operations[] = {
    &operation_ssm_describe_parameters,
    &operation_ssm_get_parameters,
    &operation_ssm_list_tags_for_resource,
    &operation_ssm_put_parameter,
    &operation_ssm_add_tags_to_resource,
    &operation_ssm_remove_tags_from_resource,
    &operation_ssm_delete_parameters,
    &operation_ssm_get_parameter_history,
    &operation_ssm_label_parameter_version,
    &operation_ssm_unlabel_parameter_version,
    &operation_tagging_get_resources,
    &operation_kms_list_aliases,
    &operation_kms_list_keys,
    &operation_kms_describe_key,
    &operation_kms_get_key_policy,
    &operation_kms_list_resource_tags,
    &operation_kms_get_key_rotation_status,
    &operation_kms_list_grants,
    &operation_kms_create_grant,
    &operation_kms_revoke_grant,
    &operation_kms_enable_key_rotation,
    &operation_kms_disable_key_rotation,
    &operation_kms_create_key,
    &operation_kms_replicate_key,
    &operation_kms_put_key_policy,
    &operation_kms_update_key_description,
    &operation_kms_tag_resource,
    &operation_kms_untag_resource,
    &operation_kms_create_alias,
    &operation_kms_update_alias,
    &operation_kms_delete_alias,
    &operation_kms_enable_key,
    &operation_kms_disable_key,
    &operation_kms_schedule_key_deletion,
    &operation_kms_cancel_key_deletion,
    &operation_kms_decrypt,
    &operation_kms_encrypt,
    &operation_kms_generate_data_key,
    &operation_kms_re_encrypt,
    &operation_kms_update_primary_region,
    NULL,
};
