/*
 * authorize: may this caller do that? The caller's side: identity policies, permissions boundary,
 * session policies (shared facts, sts-iam-sigv4.md section 8). Questions are asked through
 * local_authorize, local_ask and local_policy_question of service.h.
 */
#ifndef UNDERSTUDY_LOCAL_AUTHORIZE_H
#define UNDERSTUDY_LOCAL_AUTHORIZE_H

#include "local/service.h"

/* The policies of a principal, read from the store and parsed once, and the condition keys it
 * brings along. In `arena`, immutable. A document that does not parse grants nothing and, being
 * unreadable, denies everything. Finds out whether `who` is an administrator. */
struct grants *grants_load(struct store_session *store, struct arena *arena, struct principal *who);
/* Frees what it has learned beside its arena. NULL is fine. */
void grants_done(struct grants *grants);

/* What the pipeline asks before a handler runs: the row's action on each of its resources. */
enum local_result authorize_operation(struct local_call *call);

#endif
