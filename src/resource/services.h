/*
 * services: the AWS operations that the kinds of resources call, as tables for the client.
 *
 * What is not marked AWS_READS here is a write, and a read-only client refuses it: the dry run's
 * promise rests on these rows, so a test compares them with AWS's service models.
 */
#ifndef UNDERSTUDY_RESOURCE_SERVICES_H
#define UNDERSTUDY_RESOURCE_SERVICES_H

#include "aws/operation.h"

extern const struct aws_service service_ssm, service_tagging, service_kms;

/* NULL-terminated list of every operation below, for the test. */
extern const struct aws_operation *const resource_operations[];

extern const struct aws_operation operation_ssm_describe_parameters, operation_ssm_get_parameters,
    operation_ssm_list_tags_for_resource, operation_ssm_put_parameter,
    operation_ssm_add_tags_to_resource, operation_ssm_remove_tags_from_resource,
    operation_ssm_delete_parameters;
extern const struct aws_operation operation_ssm_get_parameter_history,
    operation_ssm_label_parameter_version, operation_ssm_unlabel_parameter_version;
extern const struct aws_operation operation_tagging_get_resources, operation_kms_list_aliases;
extern const struct aws_operation operation_kms_list_keys, operation_kms_describe_key,
    operation_kms_get_key_policy, operation_kms_list_resource_tags,
    operation_kms_get_key_rotation_status, operation_kms_list_grants, operation_kms_create_grant,
    operation_kms_revoke_grant, operation_kms_enable_key_rotation,
    operation_kms_disable_key_rotation, operation_kms_create_key, operation_kms_replicate_key,
    operation_kms_put_key_policy, operation_kms_update_key_description, operation_kms_tag_resource,
    operation_kms_untag_resource, operation_kms_create_alias, operation_kms_update_alias,
    operation_kms_delete_alias, operation_kms_enable_key, operation_kms_disable_key,
    operation_kms_schedule_key_deletion, operation_kms_cancel_key_deletion;
extern const struct aws_operation operation_kms_decrypt, operation_kms_encrypt,
    operation_kms_generate_data_key, operation_kms_re_encrypt, operation_kms_update_primary_region;

#endif
