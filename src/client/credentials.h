/*
 * credentials: where keys come from.
 *
 * A provider is one source: environment, profile, assumed role, web identity, process, container,
 * instance metadata; chain and cache are providers too. One file per source, one line each in the
 * chain's array. The cache refreshes: from 15 minutes before expiry it tries (others go on with the
 * old ones, failure is tolerated), from 10 minutes before it must (callers wait, failure is an
 * error). Source: shared facts sts-iam-sigv4.md section 5 (botocore's order and numbers).
 */
#ifndef UNDERSTUDY_CLIENT_CREDENTIALS_H
#define UNDERSTUDY_CLIENT_CREDENTIALS_H

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials {
    char access_key[129];
    struct secret secret;
    struct secret token; /* data NULL: none */
    int64_t expires_ms;  /* UTC; 0: never */
    char account[13];    /* "" when the source does not say */
    const char *source;  /* static text for `understudy doctor` and errors: "environment", ... */
};

void credentials_done(struct credentials *credentials); /* wipes */
/* Frees what *to held. */
void credentials_copy(struct credentials *to, const struct credentials *from);

/* First members of every provider's own struct. fetch may block and is called by one thread at a
 * time (the cache sees to it); ERR_NOT_FOUND means "this source has nothing: try the next one", any
 * other error ends the chain. `out` is the caller's to credentials_done. */
struct credentials_provider {
    const char *name;
    int (*fetch)(struct credentials_provider *, struct credentials *out, struct error *);
    void (*free)(struct credentials_provider *);
};

void credentials_provider_free(struct credentials_provider *provider); /* NULL is fine */

/* A provider that any number of threads may call: it keeps what `inner` (owned from here) gave and
 * asks again in time; threads that ask meanwhile join the one question under way. What lives less
 * than 30 minutes is refreshed after a half (must: two thirds) of its life. */
struct credentials_provider *credentials_cache_new(struct credentials_provider *inner,
                                                   struct clock *clock);
/* The service called these expired: the next fetch asks the source, unless that happened already.
 */
void credentials_cache_expire(struct credentials_provider *cache, const struct credentials *used);

#endif
