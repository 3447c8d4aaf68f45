/*
 * event_target_parts: the kinds of targets, a function each; private to event_target*.c.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_TARGET_PARTS_H
#define UNDERSTUDY_LOCAL_EVENT_TARGET_PARTS_H

#include "local/event_target.h"

static inline enum event_outcome event_target_fail(struct event_delivery *delivery,
                                                   const char *code, const char *message)
{
    delivery->code = code;
    delivery->message = message;
    return EVENT_REFUSED;
}

enum event_outcome event_target_function(struct event_delivery *delivery);
enum event_outcome event_target_log_group(struct event_delivery *delivery);

#endif
