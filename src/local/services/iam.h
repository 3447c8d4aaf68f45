/*
 * iam: what the rest of the local AWS asks about roles.
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
    const char *boundary; /* JSON document of the permissions boundary, or NULL */
    const char *const
        *policies; /* JSON documents of inline and attached policies, NULL-terminated */
};

/* By ARN (any path). Text in `arena`. LOCAL_OK, or LOCAL_FAILED when there is no such role (no
 * failure is filled in: the caller knows what that means). */
enum local_result iam_role_find(struct store_session *store, struct arena *arena,
                                const char *role_arn, struct iam_role *out);

/* May a policy name this principal ("*", account, ARN)? Accounts and sessions always, users and
 * roles when they exist: AWS refuses policies that name others. */
bool iam_principal_exists(struct local_call *call, const char *principal);

/* The document of an AWS managed policy by its ARN (of any partition); NULL: there is none. */
const char *iam_policy_document(const char *policy_arn);

/* Gives a new account what AWS Organizations gives its members: the role
 * OrganizationAccountAccessRole (AdministratorAccess), trusting the accounts of this server. Called
 * by local/main for each account, in a transaction of the writer; does nothing when it exists. */
int iam_account_setup(struct store_session *store, struct arena *arena, const char *account,
                      int64_t now_ms);

#endif
