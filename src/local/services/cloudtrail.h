/*
 * cloudtrail: CloudTrail: LookupEvents reads what local/trail.h records; trails, without which no
 * call reaches EventBridge (local/trails.h).
 *
 * Source: service model cloudtrail 2013-11-01; shared facts, events.md section 11.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_CLOUDTRAIL_H
#define UNDERSTUDY_LOCAL_SERVICES_CLOUDTRAIL_H

#include "local/service.h"

extern const struct local_service cloudtrail_service;

#endif
