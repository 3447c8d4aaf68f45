/*
 * sigv4: AWS Signature Version 4, both sides of it. Pure: no I/O, no clock; any thread.
 *
 * The client signs with sigv4_sign; the local AWS takes a received request apart with sigv4_parse
 * and recomputes with sigv4_verify. Both go through the same canonicaliser, which AWS's 76 vectors
 * hold in place. Rules: shared facts sts-iam-sigv4.md section 3.
 */
#ifndef UNDERSTUDY_AWS_SIGV4_H
#define UNDERSTUDY_AWS_SIGV4_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/text.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;

struct sigv4_field {
    struct text name, value; /* the name in any case, the value raw */
};

/* A request as it goes on the wire. */
struct sigv4_request {
    struct text method;
    struct text path;  /* as on the wire, "" means "/" */
    struct text query; /* as on the wire, without '?'; '+' means a blank */
    const struct sigv4_field *fields;
    size_t field_count;
    /* Lower-case hex of the body's SHA-256. A signer may leave it NULL for an empty body. A server
     * gives the hash of the bytes it received, never what X-Amz-Content-Sha256 says. */
    const char *payload_hash;
    bool path_is_raw; /* the path holds raw bytes: it is encoded once (AWS's vectors) */
    bool keep_path;   /* neither remove dot segments nor encode again (S3) */
};

struct sigv4_scope {
    struct text access_key, date, region, service; /* date: YYYYMMDD */
};

/* The signing key of (secret, date, Region, service): derive once, use for a day. One thread at a
 * time. Wiped when freed. */
struct hmac_key *sigv4_key_new(const char *secret, size_t secret_len, struct text date,
                               struct text region, struct text service);

/* The canonical request for `signed_names` (lower-case, sorted, ';' between), in place of what
 * `out` held. X-Amz-Signature is left out of the canonical query. ERR_INVALID for names that are
 * not sorted or not in the request and for broken escapes, ERR_LIMIT at the limit of `out`. */
int sigv4_canonical(struct buf *out, const struct sigv4_request *request, struct text signed_names,
                    struct error *err);
/* In place of what `out` held; `timestamp` is YYYYMMDDTHHMMSSZ. */
void sigv4_string_to_sign(struct buf *out, const char *timestamp, const struct sigv4_scope *scope,
                          const struct buf *canonical);
void sigv4_signature(struct hmac_key *key, const struct buf *string_to_sign,
                     char hex[SHA256_HEX_SIZE]);

/* --- the client's side ------------------------------------------------------------------------ */
struct sigv4_credentials {
    const char *access_key, *secret, *token; /* token NULL: none */
};
/* The signing key of one Region and service, derived once for a day and a secret: deriving it costs
 * more than all the rest of a signature. Any thread. Wiped by sigv4_key_cache_done. */
struct sigv4_key_cache {
    pthread_mutex_t mutex;
    bool known;
    unsigned char secret_digest[SHA256_SIZE], key[SHA256_SIZE];
    char date[8]; /* YYYYMMDD */
};
void sigv4_key_cache_init(struct sigv4_key_cache *cache);
void sigv4_key_cache_done(struct sigv4_key_cache *cache);

struct sigv4_signing {
    struct sigv4_key_cache *keys; /* NULL: derive the key for this signature alone */
    struct sigv4_credentials credentials;
    const char *region, *service;
    int64_t time_ms;       /* UTC, taken when this attempt is signed */
    bool omit_token;       /* send the token but leave it out of the signature */
    bool add_payload_hash; /* add and sign X-Amz-Content-Sha256 */
    int expires_s;         /* > 0: query mode (presigned URL) */
};
/* Header mode: the fields to add to the request (X-Amz-Date, X-Amz-Security-Token,
 * X-Amz-Content-Sha256, Authorization) in `arena`. Query mode: *presigned_query is the whole new
 * query. Signs every field of the request that AWS's signers do not skip; "host" must be one.
 * ERR_INVALID when it is missing or the request carries a signature already: a retry signs the
 * bare request again. */
int sigv4_sign(struct arena *arena, const struct sigv4_request *request,
               const struct sigv4_signing *signing, struct sigv4_field **added, size_t *added_count,
               char **presigned_query, struct error *err);

/* --- the server's side ------------------------------------------------------------------------ */
enum sigv4_problem {
    SIGV4_OK,
    SIGV4_BOTH,       /* Authorization and X-Amz-Algorithm in the query */
    SIGV4_MISSING,    /* neither */
    SIGV4_INCOMPLETE, /* text in `message`: IncompleteSignatureException */
    SIGV4_INVALID,    /* text in `message`: InvalidSignatureException */
};
struct sigv4_presented {
    bool in_query;
    struct sigv4_scope scope;
    struct text terminator;   /* the scope's last part, "aws4_request" */
    struct text signed_names; /* as sent, must be sorted and lower-case to verify */
    struct text signature;
    struct text token;  /* data NULL: none */
    char timestamp[20]; /* YYYYMMDDTHHMMSSZ */
    int64_t time_ms;    /* valid when timestamp is not "" */
    int64_t expires_s;  /* query mode; 0: not said, the window of header mode holds */
};
/* Takes the Authorization header or the query apart, in the order and with the texts of the shared
 * facts, section 2 rows 5-14 (without the service). Views point into the request or into `arena`.
 * `message` gets the text for the caller.
 *
 * AWS looks at the clock (row 10) before the rows 11-14: a caller that wants its order asks
 * sigv4_clock_fits first whenever `timestamp` is filled, whatever this returned. */
enum sigv4_problem sigv4_parse(struct arena *arena, const struct sigv4_request *request,
                               struct sigv4_presented *out, struct buf *message);
/* Row 10: false with the text when the request is older or younger than `skew_s` allows, or a
 * presigned one has expired. */
bool sigv4_clock_fits(const struct sigv4_presented *presented, int64_t now_ms, int64_t skew_s,
                      struct buf *message);
/* Row 14: false with all its sentences; `service` NULL leaves the service unchecked. Any well
 * formed Region is one. */
bool sigv4_scope_fits(const struct sigv4_presented *presented, const char *service,
                      struct buf *message);
/* Does the presented signature fit? Constant time. False too when a signed header is missing, the
 * names are not sorted or a scratch buffer is too small. `canonical` and `string_to_sign` are
 * scratch that the caller may show (they are what AWS prints on a mismatch). */
bool sigv4_verify(const struct sigv4_request *request, const struct sigv4_presented *presented,
                  struct hmac_key *key, struct buf *canonical, struct buf *string_to_sign);

#endif
