/*
 * authenticate: from the signature of a request to the principal that made it; and the access keys
 * of all accounts, with their secrets sealed in the store.
 *
 * Order of checks and texts: shared facts sts-iam-sigv4.md section 2.
 */
#ifndef UNDERSTUDY_LOCAL_AUTHENTICATE_H
#define UNDERSTUDY_LOCAL_AUTHENTICATE_H

#include "aws/sigv4.h"
#include "local/service.h"
#include "net/http_server.h"

/* --- a principal that is shared ------------------------------------------------------------- */

/* Immutable but for its count of owners; any thread. */
struct caller;
const struct principal *caller_principal(const struct caller *caller);
struct caller *caller_ref(struct caller *caller);
void caller_unref(struct caller *caller); /* NULL is fine */

/* --- a request's signature -------------------------------------------------------------------- */

/* What is wrong with a signature; each protocol has its own code for it. */
enum authenticate_problem {
    AUTHENTICATE_OK,
    AUTHENTICATE_MISSING,    /* MissingAuthenticationToken */
    AUTHENTICATE_INCOMPLETE, /* IncompleteSignature */
    AUTHENTICATE_INVALID,    /* InvalidSignature: shape, scope, clock, or it does not match */
    AUTHENTICATE_UNKNOWN,    /* UnrecognizedClient: key or token not known */
    AUTHENTICATE_EXPIRED,    /* ExpiredToken */
};

/* A loop's: its signing keys and principals of late, by (access key, date, Region, service). */
struct authenticator;
struct authenticator *authenticator_new(struct local *local);
void authenticator_free(struct authenticator *authenticator); /* NULL is fine */

/* A request whose signature was taken apart, but not yet checked. */
struct signed_request {
    struct sigv4_request request;
    struct sigv4_presented presented;
    enum sigv4_problem problem;
    const char *message; /* of `problem` */
};
void authenticate_parse(struct arena *arena, const struct http_incoming *in,
                        struct signed_request *out);

struct authenticated {
    struct caller *caller; /* a reference for the asker */
    const char *region;    /* in the arena */
    const char *message;   /* when refused: the text */
    bool note_use;         /* a lasting key, whose last use was noted a minute ago or never */
};
/* Who made the request for this operation of this service. `version` is that of the store's
 * snapshot. */
enum authenticate_problem
authenticate_request(struct authenticator *authenticator, struct store_session *store,
                     uint64_t version, struct arena *arena, struct signed_request *signed_request,
                     const struct local_service *service, const struct local_operation *operation,
                     struct authenticated *out);

/* --- access keys ------------------------------------------------------------------------------ */

extern const char authenticate_schema[];

/* A key that outlives restarts: its holder is the account's administrator, the IAM user
 * arn:aws:iam::ACCOUNT:user/administrator (a user, because root may not assume roles). In a
 * transaction of the writer; an existing key of that name is replaced when it differs. */
int authenticate_add_key(struct local *local, struct store_session *store, struct arena *arena,
                         const char *access_key, const char *secret, const char *account);

/* A secret access key as AWS makes them: 40 letters of base64. */
enum { ACCESS_KEY_SIZE = 21, SECRET_KEY_SIZE = 41 };
void authenticate_make_key(struct random *random, const char prefix[static 4],
                           char access_key[static ACCESS_KEY_SIZE],
                           char secret[static SECRET_KEY_SIZE]);

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
