/*
 * kms_grant: grants as kms_*.c share them. The constraint functions are pure.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_GRANT_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_GRANT_H

#include "local/services/kms_parts.h"

/* What a grant token names; in the call's arena. */
struct kms_granted {
    const char *key_id, *region, *grant_id;
};
char *kms_grant_token(struct local_call *call, const struct kms_key *key, const char *grant_id);
/* -1: no token of this server. */
int kms_grant_token_read(struct local_call *call, const char *token, struct kms_granted *out);
/* The request's GrantTokens are tokens of this server, or InvalidGrantTokenException. */
enum local_result kms_check_grant_tokens(struct local_call *call);

/* Does this encryption context satisfy the grant's constraints (NULL: none)? */
bool kms_constraints_hold(const json_t *constraints, const struct kms_context *context);
/* Are the first as strict as the second? */
bool kms_constraints_within(const json_t *inner, const json_t *outer);

/* How a grant of the key names the caller who asks this, as if its policy did; POLICY_MATCH_NONE:
 * no grant allows it. */
enum policy_match kms_grant_match(struct local_call *call, const struct kms_key *key,
                                  const struct kms_question *question);

#endif
