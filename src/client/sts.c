#include "client/sts.h"

const struct aws_service sts_service = {
    .name = "sts",
    .signing_name = "sts",
    .host_label = "sts",
    .api_version = "2011-06-15",
    .xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
    .protocol = AWS_QUERY,
};

const struct aws_operation sts_get_caller_identity = {.service = &sts_service,
                                                      .name = "GetCallerIdentity",
                                                      .flags = AWS_READS};
const struct aws_operation sts_assume_role = {.service = &sts_service,
                                              .name = "AssumeRole",
                                              .flags = AWS_IDEMPOTENT};
const struct aws_operation sts_assume_role_with_web_identity = {.service = &sts_service,
                                                                .name = "AssumeRoleWithWebIdentity",
                                                                .flags =
                                                                    AWS_IDEMPOTENT | AWS_UNSIGNED};
