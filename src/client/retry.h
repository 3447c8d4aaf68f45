/*
 * retry: how often, and after what wait, a failed attempt is made again.
 *
 * AWS's standard mode (shared facts sts-iam-sigv4.md section 7): 3 attempts in all; before retry n
 * a wait of rand(0,1) * min(2^(n-1), 20) seconds; a bucket of 500 tokens a client, from which a
 * retry takes 5 (10 after a timeout) and gets none when it is empty, so that a service that is down
 * is not beaten by all who wait for it. `adaptive` is the same here: pacing is always on
 * (client/rate_limit). `legacy`: 5 attempts, no cap on the wait, no bucket.
 *
 * Together with client/rate_limit the only place that sleeps.
 */
#ifndef UNDERSTUDY_CLIENT_RETRY_H
#define UNDERSTUDY_CLIENT_RETRY_H

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "net/http_message.h"

#include <stdatomic.h>
#include <stdbool.h>

struct settings;

enum retry_mode { RETRY_STANDARD, RETRY_ADAPTIVE, RETRY_LEGACY };

struct retry_policy {
    enum retry_mode mode;
    unsigned max_attempts; /* the first included */
};

/* AWS_RETRY_MODE, AWS_MAX_ATTEMPTS, retry_mode, max_attempts. ERR_INVALID. */
int retry_policy_read(const struct settings *settings, struct retry_policy *out, struct error *err);

enum { RETRY_BUCKET_TOKENS = 500 };

/* Shared by the calls of one client, any thread. */
struct retry_bucket {
    atomic_int tokens;
};
void retry_bucket_init(struct retry_bucket *bucket);

/* The attempts of one call. On its caller's stack. */
struct retry {
    const struct retry_policy *policy;
    struct retry_bucket *bucket;
    struct clock *clock;
    struct random *random;
    unsigned retries; /* made so far */
    int cost;         /* of the last one */
};

enum retry_cause { RETRY_TRANSIENT, RETRY_TIMEOUT, RETRY_THROTTLED };

/* After a failed attempt: false when there is no attempt left; else true after having slept.
 * `response` (may be NULL) is searched for x-amz-retry-after and Retry-After. */
bool retry_again(struct retry *retry, enum retry_cause cause, const struct http_response *response);
/* After a call that succeeded, or failed in a way that says that the service is well. */
void retry_done(struct retry *retry);

/* A fixed wait between questions to a metadata service. */
void retry_pause(struct clock *clock, int64_t duration_ms);

#endif
