/*
 * role_call: calls of this server's services that one of them makes by a role that was handed to
 * it: Lambda reads a queue, sends to a destination, by the execution role of a function.
 *
 * The role must trust the service, and both sides' policies are asked as for any other caller. What
 * such calls do to queues and buses is what a client's calls do: the same handlers run.
 */
#ifndef UNDERSTUDY_LOCAL_ROLE_CALL_H
#define UNDERSTUDY_LOCAL_ROLE_CALL_H

#include "local/service.h"

struct faults;

/* A session of a role, as STS would make it. Its policies are those of the moment it was taken:
 * keep it no longer than local->version stays. */
struct role_session {
    struct principal who;
};

/* 0, or -1: there is no such role, or it does not trust `service` ("lambda.amazonaws.com"). Text in
 * the arena, which must live as long as the session; ended by role_session_done. */
int role_session_open(struct local *local, struct store_session *store, struct arena *arena,
                      const char *role_arn, const char *service, const char *name,
                      struct role_session *out);
void role_session_done(struct role_session *session);

struct role_call {
    struct local *local;
    struct store_session *store;
    struct arena *arena;   /* the answer's, too */
    struct faults *faults; /* rehearsed ones; NULL: none */
    const struct role_session *session;
    const char *region;
    bool writing; /* on the writer's thread, inside a savepoint; what fails is undone */
    /* Filled in: */
    json_t *answer; /* LOCAL_OK: an object, to be released */
    struct local_failure failure;
    struct local_wait wait; /* LOCAL_WAITS */
    bool broken;            /* the store failed: the writer's job is to be given up */
};

/* `input` is as a client would send it, and right by the model. LOCAL_FAILED: call->failure. */
enum local_result role_call(struct role_call *call, const char *service, const char *operation,
                            const json_t *input);

/* Only asks whether the role may call that operation on `resource`, as the service would decide. */
enum local_result role_call_may(struct role_call *call, const char *service, const char *operation,
                                const json_t *input, const char *resource);

#endif
