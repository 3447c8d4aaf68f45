/*
 * accounts: whose keys this server knows, and what an account has from the start.
 */
#ifndef UNDERSTUDY_LOCAL_ACCOUNTS_H
#define UNDERSTUDY_LOCAL_ACCOUNTS_H

#include "local/local.h"
#include "local/store.h"

struct arena;

/* An access key that the user gave: AKID:SECRET:ACCOUNT. */
struct account_key {
    const char *access_key, *secret, *account;
};

/* Takes "AKID:SECRET:ACCOUNT" apart, in `arena`. The message of an error never quotes it. */
int account_key_parse(struct arena *arena, const char *text, struct account_key *out,
                      struct error *err);

extern const char accounts_schema[];
/* What /_understudy/reset keeps. NULL-terminated. */
extern const char *const accounts_kept_tables[];

/* In a transaction of the writer: stores the given keys. When there are none, and none of an
 * earlier start either, makes accounts 111111111111 and 222222222222 with a key each and writes
 * <folder>/credentials, an AWS credentials file (0600). */
int accounts_bootstrap(struct local *local, struct store_session *store, const char *folder,
                       const struct account_key *keys, size_t count, struct error *err);

/* In a transaction of the writer: gives every account what AWS Organizations gives its members.
 * Does nothing where that exists. */
int accounts_setup(struct local *local, struct store_session *store);

#endif
