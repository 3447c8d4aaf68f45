/*
 * kms_intern: what the files about replicas of a key share. Memory: the arena of the work's ctx.
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_INTERN_H
#define UNDERSTUDY_RESOURCE_KMS_INTERN_H

#include "resource/kms_replica.h"

/* One Region that is being worked on. */
struct kms_work {
    struct resource_ctx *ctx;
    const struct kms_source *source;
    const struct kms_wish *wish;
    struct clock *clock;
    struct stop *stop;
    int64_t deadline_ms;
    struct kms_key key; /* what is there */
    bool created, restored;
    struct kms_outcome *out;
};

/* What the replica is to be, by the wish or its primary. NULL with err: the policy is none. */
const char *kms_wanted_policy(const struct kms_work *work, struct error *err);
const char *kms_wanted_description(const struct kms_work *work);
/* Without those of ours. */
const struct tag *kms_wanted_tags(const struct kms_work *work, size_t *count);

/* Sets what differs; each thing that fails is a problem of the outcome, and the others go on. */
void kms_converge(struct kms_work *work);

/* Counts what one property came to. */
void kms_done(struct kms_work *work, const char *property, int result, const struct error *error);

/* A call that answers nothing of use and, when it succeeds, is counted as a write. Takes `in`. */
int kms_write(struct kms_work *work, const struct aws_operation *operation, json_t *in,
              struct error *err);

#endif
