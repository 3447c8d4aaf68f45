/*
 * events_parts: what the files of the EventBridge service share. Nobody else includes it.
 *
 *   events.c         the tables of inputs and operations
 *   events_access.c  resources, authorisation and its condition keys
 *   events_bus.c     buses and their policies
 *   events_rule.c    rules
 *   events_target.c  targets of rules
 *   events_put.c     PutEvents, TestEventPattern
 *   events_tags.c    tags of buses and rules
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_EVENTS_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_EVENTS_PARTS_H

#include "local/services/events.h"

enum {
    EVENTS_BUSES_MAX = 100,
    EVENTS_RULES_MAX = 300,
    EVENTS_RULES_FEW_MAX = 100,
    EVENTS_WILDCARD_RULES_MAX = 30,
    EVENTS_TARGETS_MAX = 5,
    EVENTS_PATTERN_MAX = 2048,
    EVENTS_POLICY_MAX = 10240,
    EVENTS_TAGS_MAX = 50,
    EVENTS_PAGE_MAX = 100,
};

/* --- events_access.c -------------------------------------------------------------------------- */
/* The name in an input member that takes a name or an ARN ("default" when it is absent). Buses of
 * other accounts and Regions are refused. */
enum local_result events_bus_input(struct local_call *call, const char *member, const char **name);
char *events_bus_arn(struct local_call *call, const char *name);
const char *const *events_bus_resources(struct local_call *call);        /* Name */
const char *const *events_permission_resources(struct local_call *call); /* EventBusName */
const char *const *events_rule_resources(struct local_call *call);       /* Name in EventBusName */
const char *const *events_target_resources(struct local_call *call);     /* Rule in EventBusName */
const char *const *events_put_resources(struct local_call *call);        /* the entries' buses */
const char *const *events_tagged_resources(struct local_call *call);     /* ResourceARN */
enum local_result events_authorize(struct local_call *call, const char *action,
                                   const char *resource);

/* --- events_bus.c ----------------------------------------------------------------------------- */
/* A text column as a member; NULL leaves it out. */
void events_put_column(struct local_call *call, const char *key, const struct store_rows *rows,
                       int column);
enum local_result events_need_bus(struct local_call *call, const char *name);
enum local_result events_create_bus(struct local_call *call);
enum local_result events_update_bus(struct local_call *call);
enum local_result events_delete_bus(struct local_call *call);
enum local_result events_describe_bus(struct local_call *call);
enum local_result events_list_buses(struct local_call *call);
enum local_result events_put_permission(struct local_call *call);
enum local_result events_remove_permission(struct local_call *call);

/* --- events_rule.c ---------------------------------------------------------------------------- */
/* LOCAL_OK when bus and rule are there. */
enum local_result events_need_rule(struct local_call *call, const char *bus, const char *rule);
enum local_result events_put_rule(struct local_call *call);
enum local_result events_describe_rule(struct local_call *call);
enum local_result events_list_rules(struct local_call *call);
enum local_result events_enable_rule(struct local_call *call);
enum local_result events_disable_rule(struct local_call *call);
enum local_result events_delete_rule(struct local_call *call);

/* One page of a listing: Limit and NextToken. `position` ("" at the start) is what the last page
 * ended with; `last` is what this one will. */
struct events_page {
    const char *position, *last;
    int64_t limit, shown;
    bool more;
};
/* Opens the answer's list `key`. */
enum local_result events_page_open(struct local_call *call, struct events_page *page,
                                   const char *key);
/* The next row, if it is on this page. */
bool events_page_next(struct events_page *page, struct store_rows *rows);
/* Its text in column 0, by which the listing is ordered. */
const char *events_page_name(struct local_call *call, struct events_page *page,
                             const struct store_rows *rows);
void events_page_close(struct local_call *call, struct events_page *page, struct store_rows *rows);

/* --- events_target.c -------------------------------------------------------------------------- */
int64_t events_count_targets(struct local_call *call, const char *bus, const char *rule);
enum local_result events_put_targets(struct local_call *call);
enum local_result events_remove_targets(struct local_call *call);
enum local_result events_list_targets(struct local_call *call);
enum local_result events_list_rules_by_target(struct local_call *call);

/* --- events_put.c ----------------------------------------------------------------------------- */
enum local_result events_put_events(struct local_call *call);
enum local_result events_test_pattern(struct local_call *call);

/* --- events_tags.c ---------------------------------------------------------------------------- */
/* Adds the input's Tags to what `arn` has. */
enum local_result events_add_tags(struct local_call *call, const char *arn);
void events_drop_tags(struct local_call *call, const char *arn);
enum local_result events_tag_resource(struct local_call *call);
enum local_result events_untag_resource(struct local_call *call);
enum local_result events_list_tags(struct local_call *call);

#endif
