/*
 * custom_resource: answers CloudFormation when it creates, updates or deletes a custom resource.
 *
 * One request is one call: the work is done, and exactly one answer is put to the request's
 * ResponseURL, on every path: also when the request cannot be read, when nothing could be done, and
 * shortly before the function's deadline, with what is known until then. The URL is a credential:
 * it stands in no log and no error text. The same request again, and requests that come late, do
 * no harm. Who acts is the environment's identity: the function's role. Blocks; any thread, one
 * request at a time for each stack's resource. Memory: `arena`. Source: AWS CloudFormation user
 * guide, "Custom resource request objects" and "Custom resource response objects" (shared facts,
 * lambda-and-cloudformation.md part B).
 */
#ifndef UNDERSTUDY_EVENT_CUSTOM_RESOURCE_H
#define UNDERSTUDY_EVENT_CUSTOM_RESOURCE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "net/transport.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct custom_resource_options {
    /* Seams, and the environment ("NAME=value", NULL-terminated); NULL: the real ones. */
    struct transport *transport;
    struct clock *clock;
    struct random *random;
    const char *const *environment;
    /* When the function is killed, in epoch milliseconds (Lambda-Runtime-Deadline-Ms); 0: never. */
    int64_t deadline_ms;
};

/* The request within an event that a function received: the event itself, or the message of SNS
 * that holds it. A new reference; NULL: the event is something else. */
json_t *custom_resource_find(const json_t *event);

/* 0: the answer, SUCCESS or FAILED, was taken. -1: it could not be delivered; the invocation is to
 * fail, so that Lambda sends the request again. */
int custom_resource_handle(struct arena *arena, const json_t *request,
                           const struct custom_resource_options *options, struct error *err);

#endif
