/*
 * error_codes: AWS's error strings, mapped once to what a caller can do. The only place that
 * decides "retry?". Pure; any thread. Source: shared facts sts-iam-sigv4.md sections 2, 4 and 7.
 */
#ifndef UNDERSTUDY_AWS_ERROR_CODES_H
#define UNDERSTUDY_AWS_ERROR_CODES_H

#include "base/error.h"

#include <stdbool.h>

enum aws_retry { AWS_RETRY_NEVER, AWS_RETRY_TRANSIENT, AWS_RETRY_THROTTLED, AWS_RETRY_CLOCK };

/* `service` matters: LimitExceededException is throttling for most, a resource quota for kms and
 * secretsmanager. `code` may be NULL (no parsable body): then the HTTP status decides. */
enum error_code aws_error_class(const char *service, const char *code, int http_status);
enum aws_retry aws_error_retry(const char *service, const char *code, int http_status);

#endif
