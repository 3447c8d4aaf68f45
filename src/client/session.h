/*
 * session: one identity (a profile, a role) and everything needed to make clients with it.
 *
 * It reads the environment and ~/.aws/config and ~/.aws/credentials once, holds the credentials
 * chain with its cache, the shared rate limiter and the endpoint settings. Clients made from it
 * share these and may be used by many threads at once; it outlives them.
 */
#ifndef UNDERSTUDY_CLIENT_SESSION_H
#define UNDERSTUDY_CLIENT_SESSION_H

#include "aws/operation.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/stop.h"
#include "client/client.h"
#include "net/transport.h"

#include <stdbool.h>

struct rate_limiter;
struct session;

/* Whether calls start out paced at AWS's default quotas. Throttling answers slow calls down
 * whatever this says. */
enum session_quotas {
    SESSION_QUOTAS_AUTO, /* where the endpoint is AWS's own; a configured endpoint_url: not */
    SESSION_QUOTAS_ON,
    SESSION_QUOTAS_OFF
};

struct session_tag {
    const char *key, *value;
};
/* A role to take; only `arn` must be given. */
struct session_role {
    const char *arn, *session_name, *external_id;
    const struct session_tag *tags; /* session tags: conditions of policies may ask for them */
    size_t tag_count;
    const char *const *transitive_tags; /* keys of tags that roles taken from this one inherit */
    size_t transitive_tag_count;
    int64_t duration_s; /* 0: STS's default, an hour */
};

/* A quota of this account that is not AWS's default. */
struct session_quota {
    const char *operation; /* "PutParameter" */
    double per_second;
};

/* All may be NULL or 0: then the environment and the profile decide. Borrowed during session_new.
 */
struct session_options {
    const char *profile;
    const char *region;       /* default Region */
    const char *endpoint_url; /* for every service, as --endpoint-url */
    const char *ca_bundle;    /* PEM file */
    /* Taken one after another, the first with what the chain gives. */
    const struct session_role *roles;
    size_t role_count;
    bool ignore_configured_endpoints; /* AWS_ENDPOINT_URL... and the profile's do not count */
    enum session_quotas quotas;
    const struct session_quota *quotas_given; /* these win; they must outlive the session */
    size_t quotas_given_count;
    bool no_wait; /* never sleep for the rate limiter (tests) */
    /* To be shared with other sessions that may act in the same account; NULL: one of its own. It
     * must outlive the session. */
    struct rate_limiter *limiter;
    /* Seams; NULL: the real ones. They must outlive the session. */
    struct stop *stop; /* calls end when it is due; its clock is the session's */
    struct transport *transport;
    struct clock *clock;
    struct random *random;
    /* "NAME=value", NULL-terminated; NULL: environ. */
    const char *const *environment;
};

struct session *session_new(const struct session_options *options, struct error *err);
void session_free(struct session *session); /* NULL is fine */

/* The configured default Region or NULL. Owned by the session. */
const char *session_region(const struct session *session);
/* The account the credentials belong to: asked of STS once (GetCallerIdentity), then remembered. */
int session_account(struct session *session, const char *region, char account[13],
                    struct error *err);

/* The ARN that STS gave with it; "" before, or when it told none. */
const char *session_caller(const struct session *session);

/* What it sleeps on and tells the time by. */
struct clock *session_clock(const struct session *session);

/* What was done so far, to get credentials too. */
void session_counts(struct session *session, struct aws_call_counts *out);

/* A client of `service` in `region`; the session owns and keeps it (one a pair). Thread-safe.
 * A read-only client refuses, before any I/O, every operation not declared AWS_READS. */
struct aws_client *session_client(struct session *session, const struct aws_service *service,
                                  const char *region, bool read_only, struct error *err);

#endif
