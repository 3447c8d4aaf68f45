/*
 * operation: what must be known of an AWS operation to call it. Const tables, one row each.
 */
#ifndef UNDERSTUDY_AWS_OPERATION_H
#define UNDERSTUDY_AWS_OPERATION_H

#include <stdbool.h>

enum aws_protocol { AWS_JSON_1_0, AWS_JSON_1_1, AWS_QUERY, AWS_REST_JSON };

struct aws_service {
    const char *name;          /* service id in endpoints' variables, lower case: "ssm" */
    const char *signing_name;  /* "ssm" */
    const char *host_label;    /* "ssm"; Resource Groups Tagging API: "tagging" */
    const char *target_prefix; /* X-Amz-Target, JSON protocols: "AmazonSSM" */
    const char *api_version;   /* query protocol: "2011-06-15" */
    const char *xml_namespace; /* query protocol */
    enum aws_protocol protocol;
    bool global; /* one endpoint a partition (IAM) */
};

enum {
    AWS_READS = 1,     /* what is not declared a read is a write: read-only clients refuse it */
    AWS_UNSIGNED = 2,  /* AssumeRoleWithWebIdentity */
    AWS_IDEMPOTENT = 4 /* may be sent again although its answer was lost (reads may always) */
};

struct aws_operation {
    const struct aws_service *service;
    const char *name;
    unsigned flags;
    const char *method, *uri;            /* REST only; labels as {Name} */
    const char *page_token, *page_items; /* output members: "NextToken", "Parameters"; or NULL */
    const char *page_input;              /* input member that takes the token; NULL: page_token */
    /* REST only: "Member=query:name", "Member=header:name", NULL-terminated; the rest is the body
     */
    const char *const *bindings;
};

#endif
