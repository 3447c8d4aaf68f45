/*
 * quotas: how many calls AWS lets an account make in a Region, as token buckets (--quotas aws).
 *
 * A bucket belongs to the caller's account, the Region called and an operation, or the group that
 * shares it. It holds one second's worth of calls (at least one) and fills at the published default
 * rate. Sources: shared facts parameter-store.md section 13, kms.md section 11, events.md section
 * 6; AWS's pages on Tag Editor's, STS's and CloudTrail's quotas. Rates that AWS does not publish,
 * and every burst, are the strict reading; they are marked in the table.
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
/* Takes a token for the call; false: too fast. NULL: no quotas. */
bool quotas_take(struct quotas *quotas, struct local_call *call);

#endif
