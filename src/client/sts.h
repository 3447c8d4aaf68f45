/*
 * sts: the operations of AWS STS that this folder calls itself. Source: service model
 * sts 2011-06-15.
 */
#ifndef UNDERSTUDY_CLIENT_STS_H
#define UNDERSTUDY_CLIENT_STS_H

#include "aws/operation.h"

extern const struct aws_service sts_service;
extern const struct aws_operation sts_get_caller_identity;
/* They write nothing, but hand out rights: IDEMPOTENT, because a second session does no harm. */
extern const struct aws_operation sts_assume_role;
extern const struct aws_operation sts_assume_role_with_web_identity;

#endif
