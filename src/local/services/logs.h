/*
 * logs: Amazon CloudWatch Logs: groups, streams, events; and the ways by which other parts of the
 * local AWS (functions, EventBridge's targets) write into it.
 *
 * Rules: the service model logs-2014-03-28 and AWS's pages; texts that nobody has published are
 * marked (K). What is kept is bounded: local/services/logs_parts.h.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LOGS_H
#define UNDERSTUDY_LOCAL_SERVICES_LOGS_H

#include "local/service.h"

extern const struct local_service logs_service; /* for services.c */

struct logs_line {
    int64_t time_ms;
    struct text text; /* bytes that are not UTF-8 are kept as U+FFFD */
};

/* Appends, making the group and the stream where they are missing; asks nobody for permission. On
 * the writer's thread, inside the caller's savepoint. A failing store shows in store_failed. */
void logs_append(struct local *local, struct store_session *store, const char *account,
                 const char *region, const char *group, const char *stream,
                 const struct logs_line *lines, size_t count);

enum logs_outcome {
    LOGS_DELIVERED,
    LOGS_NO_GROUP,
    LOGS_DENIED, /* no resource policy of the account lets `service` write there */
};
/* One event from an AWS service, as EventBridge's targets give it: the account's resource policies
 * are asked for logs:CreateLogStream and logs:PutLogEvents, with the service as principal. */
struct logs_delivery {
    const char *group_arn;  /* "arn:aws:logs:REGION:ACCOUNT:log-group:NAME", or with ":*" */
    const char *service;    /* "events.amazonaws.com" */
    const char *source_arn; /* aws:SourceArn and, from it, aws:SourceAccount */
    const char *stream;
    struct text body;
};
enum logs_outcome logs_deliver(struct local *local, struct store_session *store,
                               struct arena *arena, const struct logs_delivery *delivery);

#endif
