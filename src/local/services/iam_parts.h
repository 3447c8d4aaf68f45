/*
 * iam_parts: what the files of the IAM service share. Nobody else includes it.
 *
 *   iam.c         the tables; answers and refusals that all kinds of entities share
 *   iam_role.c    roles; services/iam.h
 *   iam_trust.c   trust policies: who may be named in them and what they must look like
 *   iam_policy.c  policies of roles: inline and attached
 *   iam_managed.c AWS managed policies, as data
 *
 * Facts: shared facts sts-iam-sigv4.md sections 4 and 8, model iam 2010-05-08. Texts of refusals
 * are general knowledge of IAM's answers (K) where the facts give none.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_IAM_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_IAM_PARTS_H

#include "local/services/iam.h"

/* --- iam.c ------------------------------------------------------------------------------------ */
/* The position that the request's Marker holds, "" without one; refused with ValidationError. */
enum local_result iam_marker(struct local_call *call, const char **position);
/* IsTruncated and Marker of an answer; NULL: that was all. */
void iam_put_marker(struct local_call *call, const char *position);
/* A policy document as IAM answers it: percent-encoded. */
void iam_put_document(struct local_call *call, const char *key, const char *document);
char *iam_arn(struct local_call *call, const char *resource);
/* prefix ("AROA") and 17 characters. */
char *iam_new_id(struct local_call *call, const char *prefix);

/* --- iam_managed.c ---------------------------------------------------------------------------- */
struct iam_managed_policy {
    const char *name;
    const char *path; /* "/", "/service-role/" */
    const char *document;
};
extern const struct iam_managed_policy iam_managed_policies[]; /* ended by a NULL name */
/* By ARN, of any partition; NULL: no such policy. */
const struct iam_managed_policy *iam_managed_find(const char *policy_arn);

/* --- iam_role.c ------------------------------------------------------------------------------- */
struct iam_role_row {
    const char *name, *path, *id, *trust_policy, *description;
    const char *boundary_arn; /* NULL: none */
    const char *tags;         /* JSON object */
    int64_t max_session_s, created_ms;
};
/* A role of the caller's account, or NoSuchEntity. Text in the call's arena. */
enum local_result iam_role_named(struct local_call *call, const char *name,
                                 struct iam_role_row *out);
const char *const *iam_role_resources(struct local_call *call);

enum local_result iam_create_role(struct local_call *call);
enum local_result iam_get_role(struct local_call *call);
enum local_result iam_list_roles(struct local_call *call);
enum local_result iam_delete_role(struct local_call *call);
enum local_result iam_update_assume_role_policy(struct local_call *call);

/* --- iam_trust.c ------------------------------------------------------------------------------ */
/* Refuses a trust policy that AWS would: MalformedPolicyDocument, LimitExceeded. */
enum local_result iam_check_trust(struct local_call *call, const char *text);

/* --- iam_policy.c ----------------------------------------------------------------------------- */
/* Documents of the role's inline and attached policies, NULL-terminated. */
const char *const *iam_role_documents(struct store_session *store, struct arena *arena,
                                      const char *account, const char *role);
/* Has it inline policies / attached ones? */
bool iam_role_has_inline(struct local_call *call, const char *role);
bool iam_role_has_attached(struct local_call *call, const char *role);

enum local_result iam_put_role_policy(struct local_call *call);
enum local_result iam_get_role_policy(struct local_call *call);
enum local_result iam_delete_role_policy(struct local_call *call);
enum local_result iam_list_role_policies(struct local_call *call);
enum local_result iam_attach_role_policy(struct local_call *call);
enum local_result iam_detach_role_policy(struct local_call *call);
enum local_result iam_list_attached_role_policies(struct local_call *call);

#endif
