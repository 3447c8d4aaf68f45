/*
 * ssm_condition: the condition keys of Parameter Store (service authorization reference, "Condition
 * keys for AWS Systems Manager").
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_CONDITION_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_CONDITION_H

#include "local/condition_keys.h"

/* For local_question's `supply`: ssm:Overwrite, ssm:Recursive, ssm:Policies, tags of the request
 * and of the parameter (aws:ResourceTag/, ssm:resourceTag/). */
void ssm_condition_keys(const struct local_question *question, struct condition_keys *keys);

#endif
