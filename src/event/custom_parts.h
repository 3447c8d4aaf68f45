/*
 * custom_parts: what the files about CloudFormation's custom resources share.
 *
 * A request is read once and then only looked at. A type of resource does the work on a thread of
 * its own and keeps what it has to tell in a custom_result, under its mutex: when time is over the
 * answer is made of what stands there. Memory: the request's is in the caller's arena.
 */
#ifndef UNDERSTUDY_EVENT_CUSTOM_PARTS_H
#define UNDERSTUDY_EVENT_CUSTOM_PARTS_H

#include "base/buf.h"
#include "base/stop.h"
#include "client/session.h"
#include "event/custom_resource.h"

#include <pthread.h>

enum { CUSTOM_ANSWER_MOST = 4096, CUSTOM_ID_MOST = 1024, CUSTOM_ROWS_MOST = 64 };
enum { CUSTOM_LINE_MOST = 512 };

enum custom_action { CUSTOM_CREATE, CUSTOM_UPDATE, CUSTOM_DELETE };

struct custom_request {
    enum custom_action action;
    const char *url; /* a credential: in no text that is shown */
    const char *request_id, *stack_id, *logical_id, *resource_type;
    const char *physical_id; /* NULL: a Create */
    const char *stack_region, *stack_account;
    const json_t *properties, *old; /* objects or NULL */
};

/* One line of what is told, in the order of the rows: a Region. */
struct custom_row {
    char name[40], arn[256], text[CUSTOM_LINE_MOST];
    bool done, failed;
};

struct custom_result {
    pthread_mutex_t mutex; /* of all that follows */
    char physical_id[CUSTOM_ID_MOST + 1];
    bool failed;
    char reason[CUSTOM_ANSWER_MOST]; /* of the whole; "" when the rows say it */
    struct custom_row rows[CUSTOM_ROWS_MOST];
    size_t row_count;
    /* Fn::GetAtt: Name, Arn ... beside those made of the rows. */
    char key_id[64], primary_arn[256], primary_region[40];
};

struct custom_work {
    const struct custom_request *request;
    const struct custom_resource_options *options;
    struct session *session; /* its calls end with the stop */
    struct stop *stop;
    struct arena arena; /* of the work's thread */
    struct custom_result *result;
};

struct custom_type {
    const char *name; /* for messages */
    bool (*takes)(const struct custom_request *request);
    void (*run)(struct custom_work *work);
};
extern const struct custom_type custom_kms_replicas;

/* custom_answer.c: the whole body in `out`, at most CUSTOM_ANSWER_MOST bytes: Data and Reason are
 * cut to fit. The mutex must be held, or nobody else be there. */
void custom_answer_write(const struct custom_request *request, const struct custom_result *result,
                         struct buf *out);
/* Puts it to the URL until it is taken, or `give_up_ms` of the monotonic clock. */
int custom_answer_send(struct arena *arena, struct transport *transport, struct clock *clock,
                       const char *url, const struct buf *body, int64_t give_up_ms,
                       struct error *err);
/* When the URL's own signature says that nobody takes an answer there any more. */
bool custom_answer_expired(struct arena *arena, const char *url, int64_t now_ms);

void custom_fail(struct custom_result *result, const char *reason); /* keeps the first */
void custom_set_id(struct custom_result *result, const char *id);

#endif
