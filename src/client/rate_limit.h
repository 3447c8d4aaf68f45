/*
 * rate_limit: calls are spaced before AWS complains.
 *
 * A token bucket for each (account, Region, operation); operations that share a quota share a
 * bucket (GetParameter, GetParameters and GetParametersByPath). A bucket starts at AWS's default
 * quota where one is published and wanted, else unlimited. A throttling answer cuts its rate to
 * 0.7 of what was really sent; success lets it grow along a cubic curve, at most to the quota.
 * Source: shared facts sts-iam-sigv4.md section 7 (botocore's adaptive mode), the services' quotas.
 *
 * Shared by all clients of a session, or of several sessions; any thread. A caller reserves its
 * place under the lock and sleeps outside it.
 */
#ifndef UNDERSTUDY_CLIENT_RATE_LIMIT_H
#define UNDERSTUDY_CLIENT_RATE_LIMIT_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct rate_limiter;

/* `no_wait`: keeps the books but never sleeps (tests). `clock` must outlive it. */
struct rate_limiter *rate_limiter_new(struct clock *clock, bool no_wait);
void rate_limiter_free(struct rate_limiter *limiter); /* NULL is fine */

struct rate_key {
    const char *account; /* or, while that is unknown, whatever names the caller */
    const char *region;
    const char *service; /* signing name */
    const char *operation;
    bool quotas;  /* start at AWS's published default */
    double given; /* calls per second of this account, whatever the default is; 0: not said */
};

/* Sleeps until it is this call's turn; returns the milliseconds slept. */
int64_t rate_limiter_wait(struct rate_limiter *limiter, const struct rate_key *key);
/* What the service answered to that call. */
void rate_limiter_answered(struct rate_limiter *limiter, const struct rate_key *key,
                           bool throttled);
/* Calls per second at this moment; 0: unlimited. */
double rate_limiter_rate(struct rate_limiter *limiter, const struct rate_key *key);

/* AWS's default quota in calls per second; 0: none published. For plans that say how long. */
double rate_quota(const char *service, const char *operation);
/* Do two operations share one? */
bool rate_quota_shared(const char *service, const char *a, const char *b);

#endif
