/*
 * service_role: what an AWS service may do with a role that it was handed: the role's trust policy
 * for the service as principal, then its identity policies and boundary. On any thread, with a
 * session of its own.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICE_ROLE_H
#define UNDERSTUDY_LOCAL_SERVICE_ROLE_H

#include "local/services/iam.h"
#include "local/store.h"

#include <stdbool.h>

/* May `service` ("lambda.amazonaws.com") assume it? No condition keys are given: strict, because
 * AWS's pages do not say which there are. */
bool service_role_trusts(struct arena *arena, const struct iam_role *role, const char *service);
/* Do its policies allow that? */
bool service_role_allows(struct store_session *store, struct arena *arena,
                         const struct iam_role *role, const char *action, const char *resource);

#endif
