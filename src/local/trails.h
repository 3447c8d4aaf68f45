/*
 * trails: which trails an account has, and whether one of them tells EventBridge of a call.
 *
 * CloudTrail's history (local/trail.h) is kept without any trail; "AWS API Call via CloudTrail"
 * events are sent only where a trail logs: its home Region, or every Region for one of all Regions,
 * while it is started, as its event selectors say. What the selectors mean for management events is
 * worked out when they are put, so that a call costs one look-up. On any thread with a session.
 * Source: shared facts, events.md sections 1 and 11; CloudTrail's user guide, "Creating a trail",
 * "Logging management events".
 */
#ifndef UNDERSTUDY_LOCAL_TRAILS_H
#define UNDERSTUDY_LOCAL_TRAILS_H

#include "local/store.h"

extern const char trails_schema[];

struct trails_question {
    const char *account, *region;
    const char *source; /* "kms.amazonaws.com" */
    bool read_only;
    bool global; /* of a service that is one for all Regions */
};
bool trails_log(struct store_session *store, const struct trails_question *question);

#endif
