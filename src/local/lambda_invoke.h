/*
 * lambda_invoke: begins one invocation of a function, for whoever asks: the operation Invoke, the
 * queue of asynchronous invocations, event source mappings.
 *
 * Concurrency is limited as AWS limits it: what a function has reserved, or what the account has
 * left in the Region (1,000 less all that is reserved). A place is taken here and given back when
 * the invocation has ended. Any thread. Sources: Lambda Developer Guide, "Lambda function scaling",
 * "Invoke" API reference.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_INVOKE_H
#define UNDERSTUDY_LOCAL_LAMBDA_INVOKE_H

#include "local/lambda_function.h"
#include "local/service.h"

struct lambda_answer; /* local/lambda_pool.h */

/* Bytes of a payload, either way, and of an event for an asynchronous invocation. */
enum { LAMBDA_PAYLOAD_MAX = 6 * 1024 * 1024, LAMBDA_EVENT_MAX = 1024 * 1024 };
enum { LAMBDA_CONCURRENCY = 1000 }; /* of an account in a Region */

/* Counts what runs. One for the server, in local->lambda_places. */
struct lambda_places;
struct lambda_places *lambda_places_new(void);
void lambda_places_free(struct lambda_places *places); /* when nothing runs; NULL is fine */

/* What the functions of an account have reserved in a Region. */
int64_t lambda_reserved(struct store_session *store, const char *account, const char *region);

/* The payload is copied. 0: `done` will be called once, on another thread, perhaps before this
 * returns. -1: it will not, and *failure is what AWS would answer: TooManyRequestsException (429),
 * ResourceConflictException (409: the function is not active yet), ServiceException (500). Texts in
 * the arena. */
int lambda_invoke_begin(struct local *local, struct store_session *store, struct arena *arena,
                        const struct lambda_function *function, const char *request_id,
                        struct text payload,
                        void (*done)(void *arg, const struct lambda_answer *answer), void *arg,
                        struct local_failure *failure);

#endif
