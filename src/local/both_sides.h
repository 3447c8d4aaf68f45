/*
 * both_sides: what a resource's own policy and the caller's policies say together (shared facts,
 * sts-iam-sigv4.md section 8), for services whose resources have policies: KMS keys, roles. In
 * these the resource's policy is the root of trust: without its word nothing is allowed. Pure.
 */
#ifndef UNDERSTUDY_LOCAL_BOTH_SIDES_H
#define UNDERSTUDY_LOCAL_BOTH_SIDES_H

#include "local/service.h"

struct both_sides {
    const char *action;
    bool same_account; /* caller and resource */
    struct local_answers caller;
    enum policy_answer resource;
    enum policy_match match; /* how the resource's policy allowed */
};

/* NULL: allowed. Else why not, as AWS says it behind the resource (" because no ..."; "" to another
 * account, which AWS tells no reason). In `arena`. */
const char *both_sides_refusal(struct arena *arena, const struct both_sides *asked);

#endif
