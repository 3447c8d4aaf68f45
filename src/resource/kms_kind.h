/*
 * kms_kind: what the files of the kind kms-key share. Slots in the order of the field table.
 *
 * A multi-Region key is paired by its id, which is the same in every Region; a single-Region key
 * and its counterpart by the alias that both bear. Sources: shared facts kms.md.
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_KIND_H
#define UNDERSTUDY_RESOURCE_KMS_KIND_H

#include "resource/kms_key.h"

enum kms_slot {
    KMS_ALIAS, /* the first, or the spec: for people */
    KMS_SPEC,
    KMS_USAGE,
    KMS_ORIGIN,
    KMS_STATE,
    KMS_DESCRIPTION,
    KMS_POLICY,
    KMS_ALIASES, /* JSON list, sorted */
    KMS_ROTATION,
    KMS_GRANTS,       /* kms_grants.copied, when they are copied */
    KMS_GRANTS_SHOWN, /* kms_grants.shown */
    KMS_PRIMARY,      /* "ARN", of the set; NULL: a single-Region key */
    KMS_REGIONS,      /* of the set, each followed by a blank */
    KMS_ROLE,         /* "PRIMARY", "REPLICA"; NULL: a single-Region key */
    KMS_ID,
    KMS_SLOTS,
};

extern const char kms_enabled[], kms_disabled[], kms_pending_deletion[], kms_pending_import[];
#define KMS_ROTATION_OFF "off" /* else "every N days" */
#define COUNTERPART_TAG  "understudy:counterpart-of"

const struct resource_settings *kms_settings(const struct resource_settings *given); /* or none */
bool kms_is_multi_region(const char *id);
bool kms_reserved(const char *key);
bool kms_among(const char *const *texts, size_t count, const char *text);
void kms_take_aliases(struct arena *arena, struct resource *out, const char *const *aliases,
                      size_t count);

extern const struct resource_permission kms_permissions[];
const char *kms_iam_name(struct arena *arena, const char *on, const char *selector);
/* The Region of an ARN. In `arena`. */
const char *kms_arn_region(struct arena *arena, const char *arn);
/* The aliases of a field's JSON list. In `arena`. */
const char *const *kms_alias_list(struct arena *arena, const char *json, size_t *count);
const char *kms_alias_json(struct arena *arena, const char *const *aliases, size_t count);
/* Of all that is known of it but its Region: greater than 0. */
int64_t kms_version(const struct resource *resource);

/* Two notes as one; NULL is none. In `arena`. */
const char *kms_note(struct arena *arena, const char *first, const char *second);
void kms_judge(struct arena *arena, struct resource *want, const struct resource *have,
               const struct judge_options *options, struct verdict *out);
void kms_foretell(const struct resource *want, const struct resource *have, const struct diff *diff,
                  const struct resource_settings *settings, resource_count_fn *count, void *arg);
int kms_kind_list(struct resource_ctx *ctx, const struct resource_filter *filter,
                  resource_each_fn *each, void *arg, struct error *err);
int kms_kind_describe(struct resource_ctx *ctx, const char *name, struct resource *out,
                      struct error *err);
int kms_kind_write(struct resource_ctx *ctx, const struct resource *want,
                   const struct resource *have, const struct diff *diff, int64_t *version,
                   struct error *err);
int kms_kind_remove(struct resource_ctx *ctx, struct resource *items, size_t count,
                    struct error *err);

#endif
