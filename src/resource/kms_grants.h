/*
 * kms_grants: the grants of a key in one Region, and their copies in another.
 *
 * A list is JSON text, sorted by meaning: each grant with Name (for people), GranteePrincipal,
 * RetiringPrincipal, Operations (sorted) and Constraints. What a grant means is all of it but its
 * name. Grants that AWS's services made, or that are for them, are shown and never copied: each
 * service makes its own in each Region. Grants are seen everywhere within minutes only, so a copy's
 * name is made of what it means: to ask for it twice makes it once (CreateGrant's rule of names).
 *
 * Memory: the arena of the ctx, or the one given. Threads: a ctx belongs to one. Sources: shared
 * facts kms.md section 7; KMS API reference, GrantListEntry (a service as grantee), CreateGrant
 * (Name).
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_GRANTS_H
#define UNDERSTUDY_RESOURCE_KMS_GRANTS_H

#include "resource/kms_intern.h"

/* The name of a copy begins with it: whose it is. */
#define GRANT_MARK "understudy:"

struct kms_grants {
    const char *copied; /* the list of those that a copy can have; NULL: none */
    const char *shown;  /* {"grants": [all], "more": how many were left out}; NULL: none */
};

/* In pages. Of very many the first are kept, and `copied` is NULL then: nobody can tell what lacks.
 */
int kms_grants_read(struct resource_ctx *ctx, const struct kms_key *key, struct kms_grants *out,
                    struct error *err);

/* Do two lists (NULL: none) allow the same? */
bool kms_grants_same(const char *one, const char *other);
/* How many of `these` the other list lacks. */
size_t kms_grants_lacking(const char *these, const char *those);

/* What a copy has of the source's list: ARNs and service names in constraints name its Region, and
 * what is at the destination stays unless the rule of deletions takes it. Sets the verdict's words
 * about grants. Pure. */
void kms_grants_judge(struct arena *arena, struct resource *want, const struct resource *have,
                      const struct judge_options *options, struct verdict *out);

/* Makes those of the wish that lack, and revokes those that it does not have any more. */
void kms_grants_converge(struct kms_work *work);

#endif
