/*
 * ssm_secure: values of SecureStrings, sealed by KMS on the caller's behalf.
 *
 * Standard tier: kms:Encrypt of the value. Advanced: an AWS Encryption SDK message whose data key
 * comes from kms:GenerateDataKey. The encryption context is PARAMETER_ARN in both, so a sealed
 * value belongs to one Region, account and name (shared facts, parameter-store.md section 9). KMS's
 * errors are told in SSM's words.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_SECURE_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_SECURE_H

#include "local/services/ssm_parameter.h"

#define SSM_DEFAULT_KEY "alias/aws/ssm"

enum local_result ssm_secure_seal(struct local_call *call, const char *parameter_arn,
                                  const char *key_id, enum ssm_tier tier, struct text value,
                                  struct text *sealed);
/* *value is in the call's arena. */
enum local_result ssm_secure_open(struct local_call *call, const char *parameter_arn,
                                  enum ssm_tier tier, struct text sealed, struct text *value);

#endif
