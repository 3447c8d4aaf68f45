/*
 * ssm_parameter: what the two files of this kind share. Slots in the order of the field table.
 * Source of all rules: shared facts parameter-store.md (its section numbers in the comments).
 */
#ifndef UNDERSTUDY_RESOURCE_SSM_PARAMETER_H
#define UNDERSTUDY_RESOURCE_SSM_PARAMETER_H

#include "resource/resource.h"

enum ssm_slot {
    SSM_TYPE,
    SSM_TIER,
    SSM_DESCRIPTION,
    SSM_ALLOWED_PATTERN,
    SSM_DATA_TYPE,
    SSM_POLICIES,
    SSM_KEY_ID,
    SSM_SLOTS,
};

extern const struct resource_permission ssm_permissions[];
extern const char ssm_default_key[]; /* "alias/aws/ssm" */
extern const char ssm_intelligent[]; /* a tier that is asked for and never reported */

/* The pairing key of a name: without the one leading slash. */
const char *ssm_key_of(const char *name);
/* DescribeParameters' list of policies as the JSON text PutParameter takes, in a fixed order so
 * that equal sets are equal texts; NULL when there are none. In `arena`. */
const char *ssm_policies_text(struct arena *arena, const json_t *policies);
/* Two spellings of one key of a side: ARN or not. */
bool ssm_key_same(const char *a, const char *b);

void ssm_judge(struct arena *arena, struct resource *want, const struct resource *have,
               const struct judge_options *options, struct verdict *out);
const char *ssm_encrypt(struct resource *want);
bool ssm_reserved(const char *key);
const char *ssm_maker(const char *key);
/* The item that AWS's answer calls `name`; NULL: none. */
struct resource *ssm_find(struct resource *items, size_t count, const char *name);
double ssm_monthly_usd(const struct resource *want, const struct resource *have);
int ssm_remove(struct resource_ctx *ctx, struct resource *items, size_t count, struct error *err);
/* One ParameterMetadata or ParameterHistory. Texts are borrowed from `row`; the rest in `arena`. */
int ssm_from_metadata(struct arena *arena, const json_t *row, struct resource *out,
                      struct error *err);
/* Versions that a page of history holds, and that AWS keeps. */
enum { SSM_HISTORY_PAGE = 50, SSM_KEPT_VERSIONS = 100 };
int ssm_read_history(struct resource_ctx *ctx, const char *name, struct revision **out,
                     size_t *count, struct error *err);
int ssm_put_labels(struct resource_ctx *ctx, const char *name, int64_t version,
                   const char *const *labels, size_t count, struct error *err);
int ssm_take_labels(struct resource_ctx *ctx, const char *name, int64_t version,
                    const char *const *labels, size_t count, struct error *err);
int ssm_write(struct resource_ctx *ctx, const struct resource *want, const struct resource *have,
              const struct diff *diff, int64_t *version, struct error *err);

#endif
