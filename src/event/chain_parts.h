/*
 * chain_parts: what the files of chain share.
 */
#ifndef UNDERSTUDY_EVENT_CHAIN_PARTS_H
#define UNDERSTUDY_EVENT_CHAIN_PARTS_H

#include "base/json.h"
#include "event/chain.h"

#include <stdbool.h>

enum { CHAIN_ROLES_MAX = 16 };

struct chain {
    struct arena *arena;
    const struct config_set *set;
    struct sessions *sessions;
    const struct session_options *seams;
    struct findings *out;
    json_t *kept; /* answers: what was found points into them */
    /* Of the source that is being looked at. */
    struct session *session;
    const char *region;
    const char *seen[CHAIN_ROLES_MAX]; /* ARNs of targets that were looked at */
    size_t seen_count;
    /* Roles that functions found have, and who may look at them. */
    struct chain_role {
        const char *arn;
        struct session *session;
        const char *region;
    } roles[CHAIN_ROLES_MAX];
    size_t role_count;
};

extern const struct aws_operation chain_describe_trails, chain_trail_status, chain_selectors,
    chain_list_rules, chain_list_targets, chain_function, chain_function_policy, chain_concurrency,
    chain_invoke_config, chain_mappings, chain_queue_url, chain_queue_attributes, chain_simulate;

/* Calls with the session of the source, or with `session`; takes over `in`. The answer is the
 * chain's; NULL: `err` says why not. */
const json_t *chain_ask(struct chain *chain, struct session *session, const char *region,
                        const struct aws_operation *operation, json_t *in, struct error *err);
/* All pages' items as one list. */
const json_t *chain_list(struct chain *chain, const char *region,
                         const struct aws_operation *operation, json_t *in, struct error *err);

/* The target of a rule, the rule's ARN in `rule`. True: it is there and the rule may reach it. */
bool chain_target(struct chain *chain, const char *rule, const json_t *target);
/* Of the source's Region: trails, rules with what they lead to, a schedule. */
void chain_source(struct chain *chain, const struct config *const *configs, size_t count);
/* Sides: credentials and keys. Sets *usable for the sides' sessions. */
void chain_sides(struct chain *chain);
void chain_permissions(struct chain *chain);

#endif
