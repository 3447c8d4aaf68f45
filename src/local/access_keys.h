/*
 * access_keys: reading them back (authenticate.c's half of what authenticate.h declares).
 */
#ifndef UNDERSTUDY_LOCAL_ACCESS_KEYS_H
#define UNDERSTUDY_LOCAL_ACCESS_KEYS_H

#include "base/digest.h"
#include "local/service.h"

/* All in `arena`, which is wiped: it holds the secret. */
struct access_key {
    struct principal who;
    const char *secret;
    size_t secret_len;
    unsigned char token_digest[SHA256_SIZE]; /* temporary keys: of the session token */
};
/* 0, or -1 when there is no such key. */
int access_key_find(struct local *local, struct store_session *store, struct arena *arena,
                    const char *id, struct access_key *out);

/* A lasting key of a user, active, in a transaction of the writer. */
void access_key_store(struct local *local, struct store_session *store, struct arena *arena,
                      const char *id, const char *secret, const char *account, const char *user_id,
                      int64_t now_ms);

/* The IAM user to whom the keys belong that the server is started with: "administrator". */
extern const char *const access_key_administrator_name;

#endif
