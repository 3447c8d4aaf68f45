/*
 * sts: the Security Token Service of the local AWS. Rules: shared facts, sts-iam-sigv4.md section
 * 4; model sts 2011-06-15.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_STS_H
#define UNDERSTUDY_LOCAL_SERVICES_STS_H

#include "local/service.h"

extern const struct local_service sts_service; /* for services.c */

#endif
