/*
 * lambda: the service AWS Lambda: functions, their versions, aliases, policies and settings, and
 * the operation Invoke. What it does and does not: docs/local-lambda.md.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LAMBDA_H
#define UNDERSTUDY_LOCAL_SERVICES_LAMBDA_H

#include "local/service.h"

extern const struct local_service lambda_service; /* for services.c */

#endif
