/*
 * authenticate: from the signature of a request to the principal that made it; and the access keys
 * of all accounts, with their secrets sealed in the store.
 */
#ifndef UNDERSTUDY_LOCAL_AUTHENTICATE_H
#define UNDERSTUDY_LOCAL_AUTHENTICATE_H

#include "local/service.h"

/* Temporary credentials just made; text in the call's arena. */
struct issued_credentials {
    const char *access_key, *secret, *token;
    int64_t expires_ms;
};

/* Makes an ASIA access key for `who` (kind, account, arn, user_id, role_arn, session_policy,
 * session_tags, transitive, source_identity, administrator; the rest is filled in here), good until
 * `expires_ms`. Writer only. */
enum local_result authenticate_issue(struct local_call *call, const struct principal *who,
                                     int64_t expires_ms, struct issued_credentials *out);

#endif
