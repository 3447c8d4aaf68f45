/*
 * logs_parts: what the files of the service logs share. Nobody else includes it.
 *
 *   logs.c         the tables
 *   logs_store.c   groups, streams and events in the store; what is kept of them
 *   logs_group.c   groups, retention        logs_stream.c  streams
 *   logs_event.c   PutLogEvents, GetLogEvents
 *   logs_filter.c  FilterLogEvents          logs_pattern.c filter patterns (logs_pattern.h)
 *   logs_policy.c  resource policies        logs_tags.c    tags
 *
 * Events of all groups together are kept up to LOGS_KEEP_BYTES, as AWS counts them; then the oldest
 * go, whatever their group. A group's retention is acted upon (local/agenda.h).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LOGS_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_LOGS_PARTS_H

#include "local/services/logs.h"

enum {
    LOGS_EVENT_OVERHEAD = 26, /* AWS counts these for each event */
    LOGS_LARGEST_EVENT = 262144,
    LOGS_LARGEST_BATCH = 1048576,
    LOGS_MOST_TAGS = 50,
};
#define LOGS_KEEP_BYTES INT64_C(268435456)
#define LOGS_DAY_MS     INT64_C(86400000)

/* --- logs_store.c ----------------------------------------------------------------------------- */
extern const char logs_schema[];

struct logs_group {
    int64_t id, created_ms, retention_days /* 0: for ever */, stored;
    const char *name, *class_name, *kms_key; /* kms_key: NULL, none */
    const char *tags;                        /* JSON object */
    bool is_protected;
};
/* Reads one of a query whose columns are LOGS_GROUP_COLUMNS; text in `arena`. */
#define LOGS_GROUP_COLUMNS                                                                         \
    " id, name, created_ms, retention_days, class, kms_key, tags, protection, stored "
void logs_read_group(struct arena *arena, const struct store_rows *rows, struct logs_group *out);
bool logs_find_group(struct store_session *store, struct arena *arena, const char *account,
                     const char *region, const char *name, struct logs_group *out);
int64_t logs_make_group(struct store_session *store, const char *account, const char *region,
                        const struct logs_group *group); /* its id */
void logs_remove_group(struct store_session *store, int64_t id);

struct logs_stream {
    int64_t id, created_ms, first_ms, last_ms, ingested_ms, stored; /* -1: it has no event yet */
    const char *name;
};
#define LOGS_STREAM_COLUMNS " id, name, created_ms, first_ms, last_ms, ingested_ms, stored "
void logs_read_stream(struct arena *arena, const struct store_rows *rows, struct logs_stream *out);
bool logs_find_stream(struct store_session *store, struct arena *arena, int64_t group,
                      const char *name, struct logs_stream *out);
int64_t logs_make_stream(struct store_session *store, int64_t group, const char *name,
                         int64_t now_ms);
void logs_remove_stream(struct store_session *store, int64_t group, int64_t id);

/* In order of time. */
void logs_add_events(struct local *local, struct store_session *store,
                     const struct logs_group *group, int64_t stream, const struct logs_line *lines,
                     size_t count);
int64_t logs_act(struct local *local, struct store_session *store, int64_t now_ms);

/* --- what handlers begin with ----------------------------------------------------------------- */
/* LOCAL_FAILED with ResourceNotFoundException. */
enum local_result logs_need_group(struct local_call *call, const char *name,
                                  struct logs_group *out);
enum local_result logs_need_stream(struct local_call *call, const struct logs_group *group,
                                   const char *name, struct logs_stream *out);
/* logGroupName or logGroupIdentifier (a name or an ARN of this account and Region). */
enum local_result logs_named_group(struct local_call *call, const char **name);
char *logs_group_arn(struct local_call *call, const char *name); /* without ":*" */
enum local_result logs_bad_parameter(struct local_call *call, const char *message);
enum local_result logs_bad_token(struct local_call *call);

/* Resources as IAM is asked about them. */
const char *const *
logs_group_resources(struct local_call *call); /* ...:log-group:NAME:log-stream: */
const char *const *logs_stream_resources(struct local_call *call); /* ... log-stream:STREAM */
const char *const *logs_any_resources(struct local_call *call);    /* log-group::log-stream: */
const char *const *logs_tagged_resources(struct local_call *call); /* the ARN as it was given */
enum local_result logs_authorize(struct local_call *call, const char *action, const char *resource);

/* --- handlers --------------------------------------------------------------------------------- */
#define HANDLER(name) enum local_result logs_##name(struct local_call *call)
HANDLER(create_group);
HANDLER(delete_group);
HANDLER(describe_groups);
HANDLER(put_retention);
HANDLER(delete_retention);
HANDLER(create_stream);
HANDLER(delete_stream);
HANDLER(describe_streams);
HANDLER(put_events);
HANDLER(get_events);
HANDLER(filter_events);
HANDLER(put_policy);
HANDLER(describe_policies);
HANDLER(delete_policy);
HANDLER(tag_resource);
HANDLER(untag_resource);
HANDLER(list_tags);
HANDLER(tag_group);
HANDLER(untag_group);
HANDLER(list_group_tags);
#undef HANDLER

#endif
