/*
 * policy: IAM policy documents, parsed and evaluated. Pure: the context is given; any thread.
 * Rules: shared facts sts-iam-sigv4.md section 8.
 */
#ifndef UNDERSTUDY_AWS_POLICY_H
#define UNDERSTUDY_AWS_POLICY_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct policy; /* parsed, immutable: may be shared by threads */

enum policy_kind {
    POLICY_IDENTITY, /* also permissions boundaries and session policies: no Principal */
    POLICY_RESOURCE, /* has Principal; Resource may be left out */
    POLICY_TRUST,    /* of a role: has Principal, no Resource */
};

/* Parses and checks a document: ERR_INVALID with AWS's word for it ("MalformedPolicyDocument" is
 * the caller's code). Everything is in `arena`, nothing points into `json`. Sizes are the caller's
 * to check. */
struct policy *policy_parse(struct arena *arena, const char *json, size_t len,
                            enum policy_kind kind, struct error *err);

/* One value or many for a key such as "aws:RequestedRegion"; names compare without case. */
struct policy_value {
    const char *key;
    const char *const *values; /* NULL-terminated */
};
struct policy_principal {
    const char *arn;         /* of the user, root, federated user, or (for a session too) role */
    const char *session_arn; /* arn:aws:sts::A:assumed-role/r/s of a role session; NULL otherwise */
    const char *account;     /* NULL for a service or a web identity */
    const char *service;     /* an AWS service principal; NULL otherwise */
    const char *federated;   /* a web identity provider; NULL otherwise */
};
/* Condition keys that are put together only when a policy asks for one: `fill` sets `values`. */
struct policy_context {
    const struct policy_value *values; /* NULL: not yet */
    size_t count;
    void (*fill)(struct policy_context *);
};
struct policy_question {
    const char *action;                       /* "ssm:GetParameter"; shorter than 128 */
    const char *resource;                     /* ARN or "*"; not asked of trust policies */
    const struct policy_principal *principal; /* NULL is fine for identity policies */
    /* Every condition key there is, aws:PrincipalArn and its like included: nothing is added. A key
     * without values counts as missing. */
    const struct policy_value *context;
    size_t context_count;
    struct policy_context *lazy; /* in place of `context`; NULL: there is none */
};

enum policy_answer { POLICY_NO_MATCH, POLICY_ALLOW, POLICY_DENY };
/* How the Principal element matched, for the rules that differ by it; the weakest first. */
enum policy_match {
    POLICY_MATCH_NONE,
    POLICY_MATCH_ACCOUNT,
    POLICY_MATCH_ANYONE,
    POLICY_MATCH_ROLE,
    POLICY_MATCH_USER,
    POLICY_MATCH_SESSION,
    POLICY_MATCH_SERVICE,
    POLICY_MATCH_FEDERATED
};

/* Deny wins. Allocates only for patterns with variables that grow beyond some KB; bounded by
 * (length of the policy) x (length of the question). For resource policies *match (may be NULL)
 * tells the strongest match of the allows. */
enum policy_answer policy_evaluate(const struct policy *policy,
                                   const struct policy_question *question,
                                   enum policy_match *match);

/* Many identity policies narrowed to what can be about one action, for whoever asks of it again and
 * again. In `arena`, immutable, points into the policies. */
struct policy_set;
const struct policy_set *policy_set_about(struct arena *arena, const struct policy *const *policies,
                                          size_t count, const char *action);
/* As policy_evaluate of all of them; the question's action is the set's. */
enum policy_answer policy_set_evaluate(const struct policy_set *set,
                                       const struct policy_question *question);

/* The same answer, with what led to it, for simulations. In `arena`. */
struct policy_trace {
    size_t *matched; /* positions of the statements that decided: those that deny, or that allow */
    size_t matched_count;
    const char **missing; /* condition keys that statements about this action and resource ask for
                             and the question does not have */
    size_t missing_count;
    enum policy_match match;
};
enum policy_answer policy_trace(struct arena *arena, const struct policy *policy,
                                const struct policy_question *question, struct policy_trace *out);
/* The condition keys and variables that the policy names, each once, NULL-terminated. */
const char *const *policy_keys(struct arena *arena, const struct policy *policy);

/* A statement allows every action on every resource, without conditions, to whom it is attached. */
bool policy_allows_all(const struct policy *policy);
/* It has a statement that denies. */
bool policy_denies(const struct policy *policy);

#endif
