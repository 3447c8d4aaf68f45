/*
 * ssm: Parameter Store of the local AWS, as the rest of the server sees it.
 *
 * Rules: shared facts, parameter-store.md; the service model of botocore 1.43.67. Tables are named
 * ssm_...; the current version of a parameter is one row, so that GetParameter is one point read.
 * Tags reach the tagging API by `ssm_tagging` (services/tagging.h).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_H

#include "local/service.h"

extern const struct local_service ssm_service;

#endif
