/*
 * event_rules: the rules of buses, their patterns compiled, read from the store once for each state
 * of it (local->version). One thread.
 */
#ifndef UNDERSTUDY_LOCAL_EVENT_RULES_H
#define UNDERSTUDY_LOCAL_EVENT_RULES_H

#include "aws/arn.h"
#include "aws/event_pattern.h"
#include "local/event_bus.h"

/* events_rule.state */
enum event_rule_state { RULE_DISABLED, RULE_ENABLED, RULE_ENABLED_WITH_READS };

struct event_rule_target {
    const char *id, *arn;
    struct arn parts;   /* of `arn` */
    json_t *definition; /* as PutTargets took it */
};
struct event_rule {
    const char *name, *arn;
    enum event_rule_state state;
    const struct event_pattern *pattern; /* NULL: scheduled only */
    struct event_rule_target *targets;
    size_t target_count;
};
struct event_rule_list {
    struct event_rule_list *next;
    const char *account, *region, *bus;
    struct event_rule *rules;
    size_t count;
};

struct event_rules;
struct event_rules *event_rules_new(void);
void event_rules_free(struct event_rules *rules);
/* Forgets what was read of another version. What was handed out is gone then. */
void event_rules_at(struct event_rules *rules, uint64_t version);
const struct event_rule_list *event_rules_of(struct event_rules *rules, struct store_session *store,
                                             const char *account, const char *region,
                                             const char *bus);
/* By name; NULL when there is none. */
const struct event_rule *event_rule_named(const struct event_rule_list *list, const char *name);
const struct event_rule_target *event_rule_target(const struct event_rule *rule, const char *id);

/* "arn:aws:events:R:A:rule/name" on the default bus, "...:rule/bus/name" on others. */
char *event_rule_arn(struct arena *arena, const char *account, const char *region, const char *bus,
                     const char *name);

#endif
