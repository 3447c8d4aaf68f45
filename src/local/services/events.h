/*
 * events: Amazon EventBridge: buses with their policies, rules, targets, PutEvents.
 *
 * Archives, replays, connections, API destinations, endpoints and pipes are left out. What happens
 * to events is local/event_bus.h's. Source: service model events 2015-10-07; shared facts,
 * events.md section 8. Texts of refusals are AWS's as observed; those that nobody has published are
 * marked (K).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_EVENTS_H
#define UNDERSTUDY_LOCAL_SERVICES_EVENTS_H

#include "local/service.h"

extern const struct local_service events_service;

#endif
