/*
 * ssm_policy_action: parameter policies act when their time comes.
 *
 * Each policy of a parameter is a row of ssm_policy_due: Expiration deletes the parameter,
 * ExpirationNotification and NoChangeNotification only tell; all three send `Parameter Store Policy
 * Action` (shared facts, events.md section 3.2: seen second-hand; the reasons of the notifications
 * are our words). What is due already when it is put acts at once. An overwrite starts
 * NoChangeNotification anew. On the writer's thread.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_POLICY_ACTION_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_POLICY_ACTION_H

#include "local/services/ssm_parameter.h"

/* The parameter was written: its policies are due from now on as `version` says. */
void ssm_policies_expect(struct local_call *call, struct text key,
                         const struct ssm_version *version);
/* The key's Expiration acts now, if its time has come and the agenda was not there yet. */
void ssm_policies_act_on(struct local_call *call, struct text key);
/* struct local_service: act */
int64_t ssm_policies_act(struct local *local, struct store_session *store, int64_t now_ms);

#endif
