/*
 * ssm_resource_policy: policies attached to parameters, by which another account may read them.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_RESOURCE_POLICY_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_RESOURCE_POLICY_H

#include "local/services/ssm_parameter.h"

/* The service's authorize: in the caller's account the caller's policies decide; a parameter of
 * another account needs both them and a resource policy of that parameter. */
enum local_result ssm_authorize(struct local_call *call, const char *action, const char *resource);

#endif
