#include "local/services/events_parts.h"

/* Inputs, from the service model (botocore 1.43.67). */

#define BUS_NAME_PATTERN "[/\\.\\-_A-Za-z0-9]+"
#define BUS_PATTERN                                                                                \
    "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?" BUS_NAME_PATTERN
#define PLAIN_BUS_PATTERN                                                                          \
    "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[\\.\\-_A-Za-z0-9]+"
#define RULE_PATTERN "[\\.\\-_A-Za-z0-9]+"

#define TEXT(member, least, most)                                                                  \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .min = least, .max = most                            \
    }
#define BOOLEAN(member)                                                                            \
    {                                                                                              \
        .name = member, .type = LOCAL_BOOLEAN                                                      \
    }
#define BUS_NAME(member, more)                                                                     \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = more, .min = 1, .max = 256,                 \
        .pattern = BUS_NAME_PATTERN                                                                \
    }
#define BUS(member)                                                                                \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .min = 1, .max = 1600, .pattern = BUS_PATTERN        \
    }
#define RULE(member, more)                                                                         \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = more, .min = 1, .max = 64,                  \
        .pattern = RULE_PATTERN                                                                    \
    }
#define ARN(member)                                                                                \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 1600       \
    }
#define LIST(member, more, least, most, items)                                                     \
    {                                                                                              \
        .name = member, .type = LOCAL_LIST, .flags = more, .min = least, .max = most,              \
        .element = &(items)                                                                        \
    }
#define STRUCTURE(name_, items)                                                                    \
    {                                                                                              \
        .name = name_, .type = LOCAL_STRUCTURE, .members = items                                   \
    }
#define PAGE                                                                                       \
    TEXT("NextToken", 1, 2048),                                                                    \
    {                                                                                              \
        .name = "Limit", .type = LOCAL_INTEGER, .min = 1, .max = 100                               \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const char *const rule_states[] = {"ENABLED", "DISABLED",
                                          "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", NULL};
static const char *const log_details[] = {"NONE", "FULL", NULL};
static const char *const log_levels[] = {"OFF", "ERROR", "INFO", "TRACE", NULL};

static const struct local_member tag_members[] = {
    {.name = "Key", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 128},
    {.name = "Value", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .max = 256},
    END};
static const struct local_member tag = STRUCTURE(NULL, tag_members);
static const struct local_member tag_key = TEXT(NULL, 1, 128);
static const struct local_member dead_letter[] = {TEXT("Arn", 1, 1600), END};
static const struct local_member log_config[] = {
    {.name = "IncludeDetail", .type = LOCAL_STRING, .values = log_details},
    {.name = "Level", .type = LOCAL_STRING, .values = log_levels},
    END};
#define TAGS LIST("Tags", 0, 0, 0, tag)
#define BUS_SETTINGS                                                                               \
    TEXT("Description", 0, 512),                                                                   \
        {.name = "KmsKeyIdentifier",                                                               \
         .type = LOCAL_STRING,                                                                     \
         .max = 2048,                                                                              \
         .pattern = "^[a-zA-Z0-9_\\-/:]*$"},                                                       \
        STRUCTURE("DeadLetterConfig", dead_letter), STRUCTURE("LogConfig", log_config)

static const struct local_member create_bus[] = {BUS_NAME("Name", LOCAL_REQUIRED),
                                                 {.name = "EventSourceName",
                                                  .type = LOCAL_STRING,
                                                  .min = 1,
                                                  .max = 256,
                                                  .pattern =
                                                      "aws\\.partner(/[\\.\\-_A-Za-z0-9]+){2,}"},
                                                 BUS_SETTINGS,
                                                 TAGS,
                                                 END};
static const struct local_member update_bus[] = {BUS_NAME("Name", 0), BUS_SETTINGS, END};
static const struct local_member delete_bus[] = {BUS_NAME("Name", LOCAL_REQUIRED), END};
static const struct local_member describe_bus[] = {BUS("Name"), END};
static const struct local_member list_buses[] = {BUS_NAME("NamePrefix", 0), PAGE, END};

static const struct local_member condition[] = {
    {.name = "Type", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED},
    {.name = "Key", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED},
    {.name = "Value", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED},
    END};
static const struct local_member put_permission[] = {
    RULE("EventBusName", 0),
    {.name = "Action", .type = LOCAL_STRING, .min = 1, .max = 64, .pattern = "events:[a-zA-Z]+"},
    {.name = "Principal", .type = LOCAL_STRING, .min = 1, .max = 12, .pattern = "(\\d{12}|\\*)"},
    {.name = "StatementId", .type = LOCAL_STRING, .min = 1, .max = 64, .pattern = "[a-zA-Z0-9-_]+"},
    STRUCTURE("Condition", condition),
    {.name = "Policy", .type = LOCAL_STRING},
    END};
static const struct local_member remove_permission[] = {
    {.name = "StatementId", .type = LOCAL_STRING, .min = 1, .max = 64, .pattern = "[a-zA-Z0-9-_]+"},
    BOOLEAN("RemoveAllPermissions"),
    RULE("EventBusName", 0),
    END};

static const struct local_member put_rule[] = {RULE("Name", LOCAL_REQUIRED),
                                               TEXT("ScheduleExpression", 0, 256),
                                               TEXT("EventPattern", 0, 4096),
                                               {.name = "State",
                                                .type = LOCAL_STRING,
                                                .values = rule_states},
                                               TEXT("Description", 0, 512),
                                               TEXT("RoleArn", 1, 1600),
                                               TAGS,
                                               BUS("EventBusName"),
                                               END};
static const struct local_member one_rule[] = {RULE("Name", LOCAL_REQUIRED), BUS("EventBusName"),
                                               END};
static const struct local_member delete_rule[] = {RULE("Name", LOCAL_REQUIRED), BUS("EventBusName"),
                                                  BOOLEAN("Force"), END};
static const struct local_member list_rules[] = {RULE("NamePrefix", 0), BUS("EventBusName"), PAGE,
                                                 END};

/* What targets of services need that this server does not have is kept and given back unread. */
static const struct local_member path = TEXT(NULL, 0, 256);
static const struct local_member transformer[] = {
    {.name = "InputPathsMap", .type = LOCAL_MAP, .max = 100, .element = &path},
    {.name = "InputTemplate", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 8192},
    END};
static const struct local_member sqs_parameters[] = {TEXT("MessageGroupId", 0, 100), END};
static const struct local_member retry_policy[] = {
    {.name = "MaximumRetryAttempts", .type = LOCAL_INTEGER, .max = 185},
    {.name = "MaximumEventAgeInSeconds", .type = LOCAL_INTEGER, .min = 60, .max = 86400},
    END};
static const struct local_member target_members[] = {RULE("Id", LOCAL_REQUIRED),
                                                     ARN("Arn"),
                                                     TEXT("RoleArn", 1, 1600),
                                                     TEXT("Input", 0, 8192),
                                                     TEXT("InputPath", 0, 256),
                                                     STRUCTURE("InputTransformer", transformer),
                                                     STRUCTURE("SqsParameters", sqs_parameters),
                                                     STRUCTURE("DeadLetterConfig", dead_letter),
                                                     STRUCTURE("RetryPolicy", retry_policy),
                                                     END};
static const struct local_member target = STRUCTURE(NULL, target_members);
static const struct local_member target_id = RULE(NULL, 0);
static const struct local_member put_targets[] = {RULE("Rule", LOCAL_REQUIRED), BUS("EventBusName"),
                                                  LIST("Targets", LOCAL_REQUIRED, 1, 100, target),
                                                  END};
static const struct local_member remove_targets[] = {RULE("Rule", LOCAL_REQUIRED),
                                                     BUS("EventBusName"),
                                                     LIST("Ids", LOCAL_REQUIRED, 1, 100, target_id),
                                                     BOOLEAN("Force"), END};
static const struct local_member list_targets[] = {RULE("Rule", LOCAL_REQUIRED),
                                                   BUS("EventBusName"), PAGE, END};
static const struct local_member list_by_target[] = {ARN("TargetArn"), BUS("EventBusName"), PAGE,
                                                     END};

static const struct local_member resource = TEXT(NULL, 0, 2048);
static const struct local_member entry_members[] = {
    {.name = "Time", .type = LOCAL_TIMESTAMP},
    {.name = "Source", .type = LOCAL_STRING},
    {.name = "Resources", .type = LOCAL_LIST, .element = &resource},
    {.name = "DetailType", .type = LOCAL_STRING},
    {.name = "Detail", .type = LOCAL_STRING, .flags = LOCAL_SENSITIVE},
    {.name = "EventBusName",
     .type = LOCAL_STRING,
     .min = 1,
     .max = 1600,
     .pattern = PLAIN_BUS_PATTERN},
    TEXT("TraceHeader", 1, 500),
    END};
static const struct local_member entry = STRUCTURE(NULL, entry_members);
static const struct local_member put_events[] = {LIST("Entries", LOCAL_REQUIRED, 1, 10, entry),
                                                 END};
static const struct local_member test_pattern[] = {
    {.name = "EventPattern", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .max = 4096},
    {.name = "Event", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED},
    END};
static const struct local_member tag_resource[] = {ARN("ResourceARN"),
                                                   LIST("Tags", LOCAL_REQUIRED, 0, 0, tag), END};
static const struct local_member untag_resource[] = {ARN("ResourceARN"),
                                                     LIST("TagKeys", LOCAL_REQUIRED, 0, 0, tag_key),
                                                     END};
static const struct local_member list_tags[] = {ARN("ResourceARN"), END};

static const struct local_operation operations[] = {
    {"CreateEventBus", "events:CreateEventBus", LOCAL_WRITES, create_bus, events_bus_resources,
     events_create_bus},
    {"DeleteEventBus", "events:DeleteEventBus", LOCAL_WRITES, delete_bus, events_bus_resources,
     events_delete_bus},
    {"DeleteRule", "events:DeleteRule", LOCAL_WRITES, delete_rule, events_rule_resources,
     events_delete_rule},
    {"DescribeEventBus", "events:DescribeEventBus", 0, describe_bus, events_bus_resources,
     events_describe_bus},
    {"DescribeRule", "events:DescribeRule", 0, one_rule, events_rule_resources,
     events_describe_rule},
    {"DisableRule", "events:DisableRule", LOCAL_WRITES, one_rule, events_rule_resources,
     events_disable_rule},
    {"EnableRule", "events:EnableRule", LOCAL_WRITES, one_rule, events_rule_resources,
     events_enable_rule},
    {"ListEventBuses", "events:ListEventBuses", 0, list_buses, NULL, events_list_buses},
    {"ListRuleNamesByTarget", "events:ListRuleNamesByTarget", 0, list_by_target, NULL,
     events_list_rules_by_target},
    {"ListRules", "events:ListRules", 0, list_rules, NULL, events_list_rules},
    {"ListTagsForResource", "events:ListTagsForResource", 0, list_tags, events_tagged_resources,
     events_list_tags},
    {"ListTargetsByRule", "events:ListTargetsByRule", 0, list_targets, events_target_resources,
     events_list_targets},
    {"PutEvents", "events:PutEvents", LOCAL_WRITES, put_events, events_put_resources,
     events_put_events},
    {"PutPermission", "events:PutPermission", LOCAL_WRITES, put_permission,
     events_permission_resources, events_put_permission},
    {"PutRule", "events:PutRule", LOCAL_WRITES, put_rule, events_rule_resources, events_put_rule},
    {"PutTargets", "events:PutTargets", LOCAL_WRITES, put_targets, events_target_resources,
     events_put_targets},
    {"RemovePermission", "events:RemovePermission", LOCAL_WRITES, remove_permission,
     events_permission_resources, events_remove_permission},
    {"RemoveTargets", "events:RemoveTargets", LOCAL_WRITES, remove_targets, events_target_resources,
     events_remove_targets},
    {"TagResource", "events:TagResource", LOCAL_WRITES, tag_resource, events_tagged_resources,
     events_tag_resource},
    {"TestEventPattern", "events:TestEventPattern", 0, test_pattern, NULL, events_test_pattern},
    {"UntagResource", "events:UntagResource", LOCAL_WRITES, untag_resource, events_tagged_resources,
     events_untag_resource},
    {"UpdateEventBus", "events:UpdateEventBus", LOCAL_WRITES, update_bus, events_bus_resources,
     events_update_bus},
    {.name = NULL},
};

/* PutEvents is no management event. */
static const struct local_trail trail[] = {{.operation = "PutEvents", .flags = TRAIL_DATA},
                                           {.operation = NULL}};

const struct local_service events_service = {
    .name = "events",
    .target_prefix = "AWSEvents",
    .protocol = AWS_JSON_1_1,
    .clock_skew_ms = 5 * 60 * 1000,
    .largest_body_bytes = (size_t)1024 * 1024,
    .internal_error = "InternalException",
    .authorize = events_authorize,
    .trail = trail,
    .operations = operations,
};
