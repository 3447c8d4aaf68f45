/* What replicating parameters needs in IAM.
 *
 * Source: Service Authorization Reference, "AWS Systems Manager" (DescribeParameters takes no
 * resource), "Amazon Resource Group Tagging API", "AWS KMS" (ListAliases takes none); Systems
 * Manager user guide, "How Parameter Store uses AWS KMS": Standard needs kms:Encrypt, Advanced
 * kms:GenerateDataKey, reading kms:Decrypt, all in the caller's name and with the parameter's ARN
 * in the encryption context. */
#include "resource/services.h"
#include "resource/ssm_parameter.h"

static const char parameter[] = "parameter/", key[] = "key";

enum { BOTH = ON_SOURCE | ON_DESTINATION };

const struct resource_permission ssm_permissions[] = {
    {&operation_ssm_describe_parameters, NULL, NULL, BOTH, WHEN_ALWAYS},
    {&operation_tagging_get_resources, NULL, NULL, BOTH, WHEN_ALWAYS},
    {&operation_kms_list_aliases, NULL, NULL, BOTH, WHEN_ENCRYPTED},
    {&operation_kms_describe_key, NULL, NULL, ON_DESTINATION, WHEN_ENCRYPTED},
    {&operation_ssm_get_parameters, NULL, parameter, BOTH, WHEN_ALWAYS},
    {&operation_ssm_list_tags_for_resource, NULL, parameter, BOTH, WHEN_ALWAYS},
    {&operation_ssm_get_parameter_history, NULL, parameter, BOTH, WHEN_REMEMBERING},
    {&operation_ssm_put_parameter, NULL, parameter, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_ssm_add_tags_to_resource, NULL, parameter, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_ssm_remove_tags_from_resource, NULL, parameter, ON_DESTINATION, WHEN_ALWAYS},
    {&operation_ssm_delete_parameters, NULL, parameter, ON_DESTINATION, WHEN_DELETING},
    {&operation_ssm_label_parameter_version, NULL, parameter, ON_DESTINATION, WHEN_LABELLING},
    {&operation_ssm_unlabel_parameter_version, NULL, parameter, ON_DESTINATION, WHEN_LABELLING},
    {NULL, "kms:Decrypt", key, BOTH, WHEN_ENCRYPTED},
    {NULL, "kms:Encrypt", key, ON_DESTINATION, WHEN_SMALL},
    {NULL, "kms:GenerateDataKey", key, ON_DESTINATION, WHEN_LARGE},
    {0},
};
