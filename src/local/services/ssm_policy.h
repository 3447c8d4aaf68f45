/*
 * ssm_policy: parameter policies (Expiration, ExpirationNotification, NoChangeNotification). Pure.
 *
 * Source: shared facts, parameter-store.md section 8; the texts are the service model's words for
 * each exception. Written as a JSON array of policies, read back as a list of PolicyText,
 * PolicyType and PolicyStatus.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_POLICY_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_POLICY_H

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"

#include <stdint.h>

enum { SSM_POLICIES_MAX = 10 };

struct ssm_policies {
    const char *json;   /* as stored: compact array in the arena, NULL when there are none */
    int64_t expires_ms; /* of the Expiration policy; 0: never */
};

struct ssm_policy_fault {
    const char *code, *message;
};

/* 0, or -1 with *fault. `[{}]` gives no policies: that is how they are taken away. */
int ssm_policies_read(struct arena *arena, const char *text, size_t len, int64_t now_ms,
                      struct ssm_policies *out, struct ssm_policy_fault *fault);

/* When a stored policy acts: INT64_MAX for a notice before an expiration that there is not. */
int64_t ssm_policy_due_ms(const json_t *policy, int64_t expires_ms, int64_t modified_ms);

/* The list of the answer's Policies member; `stored` may be empty. */
void ssm_policies_write(struct json_writer *out, struct text stored, int64_t expires_ms,
                        int64_t modified_ms, int64_t now_ms);

#endif
