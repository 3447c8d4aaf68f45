/*
 * quotas: how many calls AWS lets an account make in a Region, as token buckets (--quotas aws).
 *
 * A bucket belongs to the caller's account, the Region called and an operation, or the group that
 * shares it. It holds one second's worth of calls (at least one) and fills at the published default
 * rate. What one service asks of another for a caller (SSM of KMS) counts as the caller's own, as
 * AWS's pages on KMS's quotas say. Which of KMS's shared buckets a call takes from is told by the
 * algorithm that it names: a key of another kind refuses it. Sources: shared facts
 * parameter-store.md section 13, kms.md section 11, events.md section 6; AWS's pages on Tag
 * Editor's, STS's and CloudTrail's quotas. Rates that AWS does not publish, and every burst, are
 * the strict reading; they are marked in the table.
 *
 * Time is the server's clock: one that stands still lets nothing through once a bucket is empty.
 * Any thread.
 */
#ifndef UNDERSTUDY_LOCAL_QUOTAS_H
#define UNDERSTUDY_LOCAL_QUOTAS_H

#include "local/service.h"

struct quotas;

struct quotas *quotas_new(void);
void quotas_free(struct quotas *quotas);  /* NULL is fine */
void quotas_reset(struct quotas *quotas); /* all buckets full; NULL is fine */
/* Takes a token for the call, whose input need not be checked yet; false: too fast. Always true
 * without call->local->quotas. */
bool quotas_take(struct local_call *call);
/* The same for what `service` does inside the call: LOCAL_FAILED with its failure, throttled. */
enum local_result quotas_take_behind(struct local_call *call, const struct local_service *service,
                                     const char *operation);

#endif
