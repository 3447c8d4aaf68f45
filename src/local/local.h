/*
 * local: the local AWS as a whole: what every part of it may use.
 */
#ifndef UNDERSTUDY_LOCAL_LOCAL_H
#define UNDERSTUDY_LOCAL_LOCAL_H

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agenda;
struct arena;
struct event_bus;
struct doorbell;
struct keyring;
struct lambda_async;
struct lambda_places;
struct lambda_pool;
struct quotas;
struct store;

struct local {
    struct clock *clock;
    struct random *random;
    struct keyring *keyring;
    struct store *store;
    struct clock *real_clock;
    /* Signatures are compared with the real time although the clock has been moved. */
    atomic_bool real_signing_time;
    struct agenda *agenda; /* NULL while the server is put together, and in tests */
    struct doorbell *doorbell;
    struct event_bus *_Atomic events; /* NULL while the server is put together */
    struct lambda_pool *lambda_pool;  /* processes of functions (lambda_pool.h); NULL: none run */
    struct lambda_places *lambda_places;
    struct lambda_async *_Atomic invocations; /* asynchronous ones; NULL: as `events` */
    /* --web-identity-keys: JWK sets by issuer; NULL: none. Only read. */
    const struct json_t *web_identity_keys;
    struct quotas *quotas; /* --quotas aws; NULL: none */
    bool trail_reads;      /* --trail-reads */
    int64_t trail_keep;    /* --trail-keep: records */
    bool any_credentials;  /* --any-credentials */
    bool testing;          /* --testing: /_understudy/ controls */
    /* Raised by the writer after each commit that changed anything but parameters (keys, roles,
     * access keys, a reset), before its callers are answered: caches of such things compare it. */
    _Atomic uint64_t version;
};

/*
 * keyring: the master key of the data folder (its own 0600 file, made at first start) and what is
 * sealed under it: key material, access keys' secrets. AES-256-GCM with `purpose` (and what it
 * says, such as a key's id) as additional data. Any thread.
 */
int keyring_open(const char *folder, struct random *random, struct keyring **out,
                 struct error *err);
void keyring_close(struct keyring *keyring); /* wipes; NULL is fine */
/* Sealed bytes (version, nonce, ciphertext, tag) in `arena`. */
void keyring_seal(struct keyring *keyring, struct arena *arena, const char *purpose,
                  const void *data, size_t len, unsigned char **out, size_t *out_len);
/* -1 when it was not sealed here for this purpose. */
int keyring_unseal(struct keyring *keyring, struct arena *arena, const char *purpose,
                   const void *sealed, size_t sealed_len, unsigned char **out, size_t *out_len);
/* A key for HMACs (paging tokens, session tokens), derived from the master key by `purpose`. */
void keyring_derive(struct keyring *keyring, const char *purpose, unsigned char out[32]);

#endif
