/*
 * ssm_settings: the account's service settings of Parameter Store.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_SETTINGS_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_SETTINGS_H

#include "local/services/ssm_parameter.h"

/* /ssm/parameter-store/default-parameter-tier of the caller's account and Region. */
enum ssm_tier ssm_default_tier(struct local_call *call);
/* /ssm/parameter-store/high-throughput-enabled, likewise. */
bool ssm_high_throughput(struct local_call *call);

#endif
