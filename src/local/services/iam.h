/*
 * iam: what the rest of the local AWS asks about users, roles and policies.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_IAM_H
#define UNDERSTUDY_LOCAL_SERVICES_IAM_H

#include "local/service.h"

extern const struct local_service iam_service; /* for services.c */

struct iam_role {
    const char *arn, *name, *path, *id; /* id: "AROA..." */
    const char *account;
    const char *trust_policy; /* JSON */
    const char *tags;         /* JSON object */
    int64_t max_session_s;
};

/* By ARN (any path, any partition). Text in `arena`. LOCAL_OK, or LOCAL_FAILED when there is no
 * such role (no failure is filled in: the caller knows what that means). */
enum local_result iam_role_find(struct store_session *store, struct arena *arena,
                                const char *role_arn, struct iam_role *out);

/* A policy document with what SimulatePrincipalPolicy calls it. */
struct iam_document {
    const char *text;
    const char *source; /* "AdministratorAccess", "user_bob_inline" */
};
/* All that IAM says about what a user or role may do; a group has neither tags nor boundary. */
struct iam_identity {
    const struct iam_document *documents; /* inline, attached, and of a user's groups */
    size_t count;
    const struct iam_document *boundary; /* NULL: none. A policy that is gone denies everything */
    const char *tags;                    /* JSON object */
};
/* By its unique id ("AIDA...", "AROA...", "AGPA..."); without documents when it is gone. */
void iam_identity_load(struct store_session *store, struct arena *arena, const char *id,
                       struct iam_identity *out);

/* The ARN of a user by its unique id, in partition "aws"; NULL when there is none. */
char *iam_user_arn(struct store_session *store, struct arena *arena, const char *id);

/* May a policy name this principal ("*", account, ARN)? Accounts and sessions always, users and
 * roles when they exist: AWS refuses policies that name others. */
bool iam_principal_exists(struct local_call *call, const char *principal);

/* The document of a managed policy by its ARN (of any partition): AWS's, or the default version of
 * the account's own; NULL: there is none. */
const char *iam_policy_document(struct store_session *store, struct arena *arena,
                                const char *account, const char *policy_arn);

/* The caller hands a role to a service ("events.amazonaws.com"): iam:PassRole with
 * iam:PassedToService. LOCAL_OK or LOCAL_FAILED with AWS's text. */
enum local_result iam_pass_role(struct local_call *call, const char *role_arn, const char *service);

/* An OpenID Connect provider of an account, by its URL without "https://". Documents are JSON. */
struct iam_provider {
    const char *arn;
    const json_t *clients; /* audiences; owned by `document` */
    json_t *document;      /* json_decref it */
};
bool iam_provider_find(struct store_session *store, struct arena *arena, const char *account,
                       const char *url, struct iam_provider *out);

/* Gives a new account what AWS Organizations gives its members: the role
 * OrganizationAccountAccessRole (AdministratorAccess), trusting the accounts of this server; and
 * the user "administrator", to whom the access keys given at the start belong. In a transaction of
 * the writer; does nothing where they exist. */
int iam_account_setup(struct store_session *store, struct arena *arena, const char *account,
                      int64_t now_ms);

#endif
