/*
 * sts_parts: what the files of the STS service share. Nobody else includes it.
 *
 *   sts.c         the tables and the small operations
 *   sts_assume.c  AssumeRole
 *   sts_web_identity.c AssumeRoleWithWebIdentity
 *   sts_session.c what sessions carry: policies, tags, durations; their answers
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_STS_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_STS_PARTS_H

#include "local/authenticate.h"
#include "local/services/iam.h"
#include "local/services/sts.h"

enum { STS_DEFAULT_DURATION_S = 3600 };

/* --- sts_session.c ---------------------------------------------------------------------------- */
/* The session policies of the request (Policy and PolicyArns, which are of `account`) as
 * principal.h keeps them: a JSON array; NULL when there are none. Refused with
 * MalformedPolicyDocument. */
enum local_result sts_session_policy(struct local_call *call, const char *account, char **out);
struct sts_tags {
    json_t *tags;       /* object; owned: sts_tags_done */
    json_t *transitive; /* array */
};
/* The request's tags and transitive keys, with what the calling session hands on and, below them,
 * `role_tags` (JSON object or NULL). */
enum local_result sts_session_tags(struct local_call *call, const char *role_tags,
                                   struct sts_tags *out);
void sts_tags_done(struct sts_tags *tags);
char *sts_json_text(struct local_call *call, const json_t *value);
/* Percent of what AWS would pack; -1 when nothing was passed. */
int sts_packed_size(struct local_call *call);
/* Issues a key for `who` and writes the Credentials member. */
enum local_result sts_put_credentials(struct local_call *call, const struct principal *who,
                                      int64_t duration_s);

/* --- sts_assume.c ----------------------------------------------------------------------------- */
const char *const *sts_assume_resources(struct local_call *call);
enum local_result sts_authorize(struct local_call *call, const char *action, const char *resource);
enum local_result sts_assume_role(struct local_call *call);
/* ValidationError for what is no ARN of a role. */
enum local_result sts_check_role_arn(struct local_call *call, const char *text);
/* No longer than the role allows. */
enum local_result sts_check_duration(struct local_call *call, const struct iam_role *role,
                                     int64_t duration_s);
/* The principal of the role's session that the request asks for, with its policies and tags; ARNs
 * are kept in partition "aws". */
enum local_result sts_be_session(struct local_call *call, const struct iam_role *role,
                                 struct principal *who);
void sts_put_assumed(struct local_call *call, const struct principal *who);

/* --- sts_web_identity.c ----------------------------------------------------------------------- */
enum local_result sts_assume_role_with_web_identity(struct local_call *call);

#endif
