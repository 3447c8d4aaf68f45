/*
 * kms_key: a KMS key as one Region has it, and its policy as a meaning.
 *
 * AWS shares the material of a multi-Region key and a few facts about it; policy, aliases, tags,
 * description, grants and the enabled state are each Region's own. kms_key_describe is one call and
 * fills the first part; kms_key_read fills what it is asked for. Memory: ctx->arena. Threads: a ctx
 * belongs to one. Errors: ERR_NOT_FOUND when there is no such key in the Region. Sources: shared
 * facts kms.md sections 2 to 4 and 9; the service model of 2014-11-01.
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_KEY_H
#define UNDERSTUDY_RESOURCE_KMS_KEY_H

#include "resource/resource.h"

struct kms_key {
    const char *id, *arn, *region, *account;
    const char *state; /* "Enabled", "PendingDeletion", ... */
    const char *spec, *usage, *origin;
    const char *description; /* "" when there is none */
    bool aws_managed;        /* nobody but AWS changes, shares or replicates it */
    bool enabled;
    bool multi_region, primary;               /* a single-Region key is not primary */
    const char *primary_region, *primary_arn; /* NULL: a single-Region key */
    const char *const *replica_regions;       /* NULL-terminated; as its DescribeKey says */

    const char *policy; /* as AWS gave it; NULL: not read */
    bool tags_read, aliases_read, rotation_read;
    const struct tag *tags; /* sorted; without those of AWS's own ("aws:...") */
    size_t tag_count;
    const char *const *aliases; /* sorted; without alias/aws/... */
    size_t alias_count;
    bool rotates;
    int rotation_days;
};

enum { KMS_READ_POLICY = 1, KMS_READ_TAGS = 2, KMS_READ_ALIASES = 4, KMS_READ_ROTATION = 8 };

/* `key`: id, ARN, alias or alias ARN, of ctx's Region and account. */
int kms_key_describe(struct resource_ctx *ctx, const char *key, struct kms_key *out,
                     struct error *err);
/* `what`: KMS_READ_...; a call each (and one a page). */
int kms_key_read(struct resource_ctx *ctx, struct kms_key *inout, unsigned what, struct error *err);
/* Does AWS's rotation apply to keys of this sort? */
bool kms_rotates(const char *spec, const char *origin);
bool kms_key_can_rotate(const struct kms_key *key);

/* kms_policy: the meaning of a key policy, so that equal meanings are equal texts: statements, and
 * lists in them, are sets; names of actions, operators and condition keys have no case; an account
 * and its root are one; Id and Sid say nothing. NULL with ERR_INVALID: it is no policy. In `arena`.
 */
const char *kms_policy_meaning(struct arena *arena, const char *policy, struct error *err);
/* The policy for another Region: values of kms:ViaService, aws:RequestedRegion and the like, ARNs
 * and service principals that name `from` name `to`. A list that names both already stays as it is;
 * kms:PrimaryRegion and kms:ReplicaRegion, which say where replicas may be, always do. The text
 * itself when nothing is to be changed; NULL with ERR_INVALID: it is no policy. In `arena`. */
const char *kms_policy_for_region(struct arena *arena, const char *policy, const char *from,
                                  const char *to, struct error *err);

/* One text of a policy or a grant, likewise: an ARN, or a service's name. */
const char *kms_text_for_region(struct arena *arena, const char *text, const char *from,
                                const char *to);

#endif
