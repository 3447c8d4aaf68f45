/*
 * credentials_source: what a source of credentials is made of, and the list of them. Only the
 * files credentials_*.c and session.c include this.
 *
 * To add a source: one file with its `const struct credentials_source`, one line in the array of
 * credentials_chain.c.
 */
#ifndef UNDERSTUDY_CLIENT_CREDENTIALS_SOURCE_H
#define UNDERSTUDY_CLIENT_CREDENTIALS_SOURCE_H

#include "client/client_intern.h"
#include "client/credentials.h"
#include "client/settings.h"

#include <jansson.h>

struct arena;
struct http_response;

/* What a source may look at. Borrowed; outlives the providers made with it. */
struct credentials_context {
    struct client_shared *shared;
    const char *profile;  /* the profile to look at: the chosen one, or one that it names */
    bool use_environment; /* the AWS_ variables that hold credentials count */
    /* The role profiles on the way to this one, the nearest first; NULL: none. For loops. */
    const struct credentials_parent *parent;
};
struct credentials_parent {
    const char *profile;
    const struct credentials_parent *parent;
};

enum { CREDENTIALS_OF_PROFILE = 1 /* asked for a source_profile as well */ };

struct credentials_source {
    const char *name;
    unsigned flags;
    struct credentials_provider *(*make)(const struct credentials_context *context);
};

extern const struct credentials_source credentials_env, credentials_assume_role,
    credentials_web_identity, credentials_sso, credentials_shared_file, credentials_login,
    credentials_process, credentials_config_file, credentials_container, credentials_imds;

/* The sources in order; the one that answered first is asked again for a refresh. With `flags`
 * only those that have all of them. The context is copied, what it points to is not. */
struct credentials_provider *credentials_chain_new(const struct credentials_context *context,
                                                   unsigned flags);

/* A role taken with what `source` (owned from here) gives. The role is copied. */
struct credentials_provider *credentials_role_new(struct client_shared *shared,
                                                  const struct session_role *role,
                                                  struct credentials_provider *source);

/* --- what several sources need ---------------------------------------------------------------- */

/* ERR_INVALID for an empty key or secret and for bytes that do not belong into a header. `token`
 * may be NULL. */
int credentials_set(struct credentials *out, const char *source, const char *access_key,
                    const char *secret, const char *token, struct error *err);
/* {"AccessKeyId", "SecretAccessKey", `token_name`, "Expiration", "AccountId"}. */
int credentials_from_json(struct credentials *out, const char *source, const json_t *object,
                          const char *token_name, struct error *err);
int credentials_parse_json(struct credentials *out, const char *source, const char *data,
                           size_t len, const char *token_name, struct error *err);
/* An ISO 8601 instant that is not past. */
int credentials_set_expiry(struct credentials *out, const char *source, const char *text,
                           struct clock *clock, struct error *err);
/* The answer of AssumeRole and AssumeRoleWithWebIdentity. */
int credentials_from_sts(struct credentials *out, const char *source, const json_t *answer,
                         struct error *err);
/* The client to ask STS with; the Region is the session's, else the home of the role's partition.
 */
struct aws_client *credentials_sts_client(struct client_shared *shared, const char *role_arn,
                                          struct credentials_provider *credentials,
                                          struct error *err);
/* "understudy-<epoch seconds>" when `name` is NULL. */
const char *credentials_session_name(struct arena *arena, struct client_shared *shared,
                                     const char *name);

#endif
