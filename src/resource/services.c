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
    NULL,
};
