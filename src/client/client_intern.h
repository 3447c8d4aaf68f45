/*
 * client_intern: what session.c and the credential sources know of clients and others do not.
 */
#ifndef UNDERSTUDY_CLIENT_CLIENT_INTERN_H
#define UNDERSTUDY_CLIENT_CLIENT_INTERN_H

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/random.h"
#include "client/client.h"
#include "client/endpoint.h"
#include "client/retry.h"
#include "client/session.h"
#include "net/transport.h"

#include <stdatomic.h>

struct credentials_provider;
struct rate_limiter;
struct settings;

/* What was done so far. */
struct client_counters {
    _Atomic uint64_t calls, retries, throttled;
    _Atomic int64_t paced_ms;
};

/* What the clients of one session share. Immutable but for the skew and the counters. */
struct client_shared {
    const struct settings *settings;
    const char *endpoint_url; /* the caller's, for every service; NULL: none */
    bool ignore_configured_endpoints;
    const char *region; /* the default; NULL: none */
    struct transport *transport;
    struct stop *stop; /* NULL: none */
    struct clock *clock;
    struct random *random;
    struct rate_limiter *limiter;
    enum session_quotas quotas;
    const struct session_quota *quotas_given;
    size_t quotas_given_count;
    struct retry_policy retry;
    struct client_counters counters; /* of them all, those that get credentials too */
    _Atomic int64_t skew_ms;         /* AWS's time minus ours, once an answer has shown it */
};

struct aws_client {
    struct client_shared *shared;
    const struct aws_service *service;
    struct arena arena; /* of the strings below */
    const char *region;
    struct endpoint endpoint;
    const char *authority; /* for the Host header */
    const char *base_path; /* of a configured URL, without the '/' at its end */
    const char *origin;    /* that URL in front of base_path */
    struct credentials_provider *credentials;
    struct sigv4_key_cache keys;
    bool read_only;
    bool quotas;
    struct retry_bucket bucket;
    struct client_counters counters;
};

/* `credentials` is borrowed and must be a cache (any thread asks it); NULL: unsigned operations
 * only. `shared` outlives the client. */
struct aws_client *aws_client_new(struct client_shared *shared, const struct aws_service *service,
                                  const char *region, struct credentials_provider *credentials,
                                  bool read_only, struct error *err);
void aws_client_free(struct aws_client *client); /* NULL is fine */
void client_counters_read(const struct client_counters *counters, struct aws_call_counts *out);

#endif
