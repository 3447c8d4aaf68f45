#include "local/services/ssm.h"

#include "local/services/ssm_operations.h"
#include "local/services/ssm_policy_action.h"
#include "local/services/ssm_resource_policy.h"
#include "local/services/ssm_schema.h"

#include <string.h>

/* Inputs, from the service model (botocore 1.43.67). */

static const char *const types[] = {"String", "StringList", "SecureString", NULL};
static const char *const tiers[] = {"Standard", "Advanced", "Intelligent-Tiering", NULL};
static const char *const tagged_types[] = {
    "Document", "ManagedInstance", "MaintenanceWindow", "Parameter",   "PatchBaseline",
    "OpsItem",  "OpsMetadata",     "Automation",        "Association", "CloudConnector",
    NULL};
static const char *const old_filter_keys[] = {"Name", "Type", "KeyId", NULL};

#define TAG_PATTERN "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$"
#define NAME(member)                                                                               \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 2048       \
    }
#define TEXT(member)                                                                               \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING                                                       \
    }
#define REQUIRED_TEXT(member)                                                                      \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = LOCAL_REQUIRED                              \
    }
#define BOOLEAN(member)                                                                            \
    {                                                                                              \
        .name = member, .type = LOCAL_BOOLEAN                                                      \
    }
#define MAX_RESULTS(most)                                                                          \
    {                                                                                              \
        .name = "MaxResults", .type = LOCAL_INTEGER, .min = 1, .max = most                         \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct local_member name_element = {.type = LOCAL_STRING, .min = 1, .max = 2048};
static const struct local_member tag_key_element = {.type = LOCAL_STRING,
                                                    .min = 1,
                                                    .max = 128,
                                                    .pattern = TAG_PATTERN};
static const struct local_member label_element = {.type = LOCAL_STRING, .min = 1, .max = 100};
static const struct local_member filter_value_element = {.type = LOCAL_STRING,
                                                         .min = 1,
                                                         .max = 1024};

static const struct local_member tag_members[] = {{.name = "Key",
                                                   .type = LOCAL_STRING,
                                                   .flags = LOCAL_REQUIRED,
                                                   .min = 1,
                                                   .max = 128,
                                                   .pattern = TAG_PATTERN},
                                                  {.name = "Value",
                                                   .type = LOCAL_STRING,
                                                   .flags = LOCAL_REQUIRED,
                                                   .max = 256,
                                                   .pattern = TAG_PATTERN},
                                                  END};
static const struct local_member tag_element = {.type = LOCAL_STRUCTURE, .members = tag_members};

static const struct local_member filter_members[] = {
    {.name = "Key",
     .type = LOCAL_STRING,
     .flags = LOCAL_REQUIRED,
     .min = 1,
     .max = 132,
     .pattern = "tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType"},
    {.name = "Option", .type = LOCAL_STRING, .min = 1, .max = 10},
    {.name = "Values", .type = LOCAL_LIST, .min = 1, .max = 50, .element = &filter_value_element},
    END};
static const struct local_member filter_element = {.type = LOCAL_STRUCTURE,
                                                   .members = filter_members};

static const struct local_member old_filter_members[] = {
    {.name = "Key", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .values = old_filter_keys},
    {.name = "Values",
     .type = LOCAL_LIST,
     .flags = LOCAL_REQUIRED,
     .min = 1,
     .max = 50,
     .element = &filter_value_element},
    END};
static const struct local_member old_filter_element = {.type = LOCAL_STRUCTURE,
                                                       .members = old_filter_members};

#define FILTERS                                                                                    \
    {                                                                                              \
        .name = "ParameterFilters", .type = LOCAL_LIST, .element = &filter_element                 \
    }
#define NAMES                                                                                      \
    {                                                                                              \
        .name = "Names", .type = LOCAL_LIST, .flags = LOCAL_REQUIRED, .min = 1, .max = 10,         \
        .element = &name_element                                                                   \
    }
#define LABELS                                                                                     \
    {                                                                                              \
        .name = "Labels", .type = LOCAL_LIST, .flags = LOCAL_REQUIRED, .min = 1, .max = 10,        \
        .element = &label_element                                                                  \
    }
#define RESOURCE_TYPE                                                                              \
    {                                                                                              \
        .name = "ResourceType", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED,                     \
        .values = tagged_types                                                                     \
    }
#define RESOURCE_ARN                                                                               \
    {                                                                                              \
        .name = "ResourceArn", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 20,           \
        .max = 2048                                                                                \
    }
#define SETTING_ID                                                                                 \
    {                                                                                              \
        .name = "SettingId", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 1000  \
    }

/* The service checks the length of Value, which the model does not (observed texts: at least 1, at
 * most 32768, value not quoted). */
static const struct local_member put_input[] = {
    NAME("Name"),
    {.name = "Description", .type = LOCAL_STRING, .max = 1024},
    {.name = "Value",
     .type = LOCAL_STRING,
     .flags = LOCAL_REQUIRED | LOCAL_SENSITIVE,
     .min = 1,
     .max = 32768},
    {.name = "Type", .type = LOCAL_STRING, .values = types},
    {.name = "KeyId",
     .type = LOCAL_STRING,
     .min = 1,
     .max = 256,
     .pattern = "^([a-zA-Z0-9:/_-]+)$"},
    BOOLEAN("Overwrite"),
    {.name = "AllowedPattern", .type = LOCAL_STRING, .max = 1024},
    {.name = "Tags", .type = LOCAL_LIST, .max = 1000, .element = &tag_element},
    {.name = "Tier", .type = LOCAL_STRING, .values = tiers},
    {.name = "Policies", .type = LOCAL_STRING, .min = 1, .max = 4096},
    {.name = "DataType", .type = LOCAL_STRING, .max = 128},
    END};
static const struct local_member get_input[] = {NAME("Name"), BOOLEAN("WithDecryption"), END};
static const struct local_member get_many_input[] = {NAMES, BOOLEAN("WithDecryption"), END};
static const struct local_member by_path_input[] = {
    NAME("Path"),    BOOLEAN("Recursive"), FILTERS, BOOLEAN("WithDecryption"),
    MAX_RESULTS(10), TEXT("NextToken"),    END};
static const struct local_member history_input[] = {NAME("Name"), BOOLEAN("WithDecryption"),
                                                    MAX_RESULTS(50), TEXT("NextToken"), END};
static const struct local_member describe_input[] = {{.name = "Filters",
                                                      .type = LOCAL_LIST,
                                                      .element = &old_filter_element},
                                                     FILTERS,
                                                     MAX_RESULTS(50),
                                                     TEXT("NextToken"),
                                                     BOOLEAN("Shared"),
                                                     END};
static const struct local_member delete_input[] = {NAME("Name"), END};
static const struct local_member delete_many_input[] = {NAMES, END};
static const struct local_member label_input[] = {
    NAME("Name"), {.name = "ParameterVersion", .type = LOCAL_INTEGER}, LABELS, END};
static const struct local_member unlabel_input[] = {NAME("Name"),
                                                    {.name = "ParameterVersion",
                                                     .type = LOCAL_INTEGER,
                                                     .flags = LOCAL_REQUIRED},
                                                    LABELS,
                                                    END};
static const struct local_member add_tags_input[] = {RESOURCE_TYPE,
                                                     REQUIRED_TEXT("ResourceId"),
                                                     {.name = "Tags",
                                                      .type = LOCAL_LIST,
                                                      .flags = LOCAL_REQUIRED,
                                                      .max = 1000,
                                                      .element = &tag_element},
                                                     END};
static const struct local_member remove_tags_input[] = {
    RESOURCE_TYPE,
    REQUIRED_TEXT("ResourceId"),
    {.name = "TagKeys", .type = LOCAL_LIST, .flags = LOCAL_REQUIRED, .element = &tag_key_element},
    END};
static const struct local_member list_tags_input[] = {RESOURCE_TYPE, REQUIRED_TEXT("ResourceId"),
                                                      END};
static const struct local_member put_policy_input[] = {
    RESOURCE_ARN,
    {.name = "Policy", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .pattern = "^(?!\\s*$).+"},
    TEXT("PolicyId"),
    TEXT("PolicyHash"),
    END};
static const struct local_member get_policies_input[] = {RESOURCE_ARN, TEXT("NextToken"),
                                                         MAX_RESULTS(50), END};
static const struct local_member delete_policy_input[] = {RESOURCE_ARN, REQUIRED_TEXT("PolicyId"),
                                                          REQUIRED_TEXT("PolicyHash"), END};
static const struct local_member setting_input[] = {SETTING_ID, END};
static const struct local_member update_setting_input[] = {
    SETTING_ID,
    {.name = "SettingValue", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 4096},
    END};

/* Resources that policies are asked about. Names that are no names make odd ARNs; the handler
 * refuses them afterwards. */

static const char *const *one(struct local_call *call, const char *arn)
{
    const char **list = arena_calloc(call->arena, 2, sizeof *list);
    list[0] = arn;
    return list;
}

static const char *arn_of_name(struct local_call *call, struct text name, enum ssm_name_form form)
{
    struct ssm_name read;
    if (ssm_name_read(name, form, &read) != SSM_NAME_GOOD) {
        bool slash = name.len && name.data[0] == '/';
        return ssm_arn(call, call->account, (struct text){name.data + slash, name.len - slash});
    }
    return ssm_arn(call, read.account.len ? ssm_copy(call, read.account) : call->account, read.key);
}

static struct text name_input(struct local_call *call)
{
    return (struct text){local_text(call, "Name"), local_text_len(call, "Name")};
}

static const char *const *own_name(struct local_call *call)
{
    return one(call, arn_of_name(call, name_input(call), SSM_NAME_ONLY));
}

static const char *const *name_or_arn(struct local_call *call)
{
    return one(call, arn_of_name(call, name_input(call), SSM_NAME_OR_ARN));
}

static const char *const *name_with_selector(struct local_call *call)
{
    return one(call, arn_of_name(call, name_input(call), SSM_NAME_WITH_SELECTOR));
}

static const char *const *names(struct local_call *call, enum ssm_name_form form)
{
    const json_t *list = local_value(call, "Names");
    size_t count = json_array_size(list);
    const char **arns = arena_calloc(call->arena, count + 1, sizeof *arns);
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(list, i);
        arns[i] =
            arn_of_name(call, (struct text){json_string_value(name), json_string_length(name)},
                        form);
    }
    return arns;
}

static const char *const *own_names(struct local_call *call)
{
    return names(call, SSM_NAME_ONLY);
}

static const char *const *names_with_selector(struct local_call *call)
{
    return names(call, SSM_NAME_WITH_SELECTOR);
}

/* A right on the path is enough for everything below it. */
static const char *const *path(struct local_call *call)
{
    struct text asked = text_of(local_text(call, "Path"));
    bool slash = asked.len && asked.data[0] == '/';
    return one(call,
               ssm_arn(call, call->account, (struct text){asked.data + slash, asked.len - slash}));
}

static const char *const *everything(struct local_call *call)
{
    return one(call, local_arn(call, "ssm", "*"));
}

static const char *const *tagged(struct local_call *call)
{
    struct text id = text_of(local_text(call, "ResourceId"));
    if (strcmp(local_text(call, "ResourceType"), "Parameter") == 0)
        return one(call, arn_of_name(call, id, SSM_NAME_ONLY));
    return everything(call);
}

static const char *const *resource_arn(struct local_call *call)
{
    return one(call, local_text(call, "ResourceArn"));
}

static const char *const *setting(struct local_call *call)
{
    const char *id = local_text(call, "SettingId");
    if (text_starts(id, "arn:"))
        return one(call, id);
    return one(call, local_arn(call, "ssm", arena_printf(call->arena, "servicesetting%s", id)));
}

static const struct local_operation operations[] = {
    {"GetParameter", "ssm:GetParameter", 0, get_input, name_with_selector, ssm_get_parameter},
    {"GetParameters", "ssm:GetParameters", 0, get_many_input, names_with_selector,
     ssm_get_parameters},
    {"PutParameter", "ssm:PutParameter", LOCAL_WRITES, put_input, own_name, ssm_put_parameter},
    {"GetParametersByPath", "ssm:GetParametersByPath", 0, by_path_input, path,
     ssm_get_parameters_by_path},
    {"GetParameterHistory", "ssm:GetParameterHistory", 0, history_input, name_or_arn,
     ssm_get_parameter_history},
    {"DescribeParameters", "ssm:DescribeParameters", 0, describe_input, everything,
     ssm_describe_parameters},
    {"DeleteParameter", "ssm:DeleteParameter", LOCAL_WRITES, delete_input, own_name,
     ssm_delete_parameter},
    {"DeleteParameters", "ssm:DeleteParameters", LOCAL_WRITES, delete_many_input, own_names,
     ssm_delete_parameters},
    {"LabelParameterVersion", "ssm:LabelParameterVersion", LOCAL_WRITES, label_input, own_name,
     ssm_label_parameter_version},
    {"UnlabelParameterVersion", "ssm:UnlabelParameterVersion", LOCAL_WRITES, unlabel_input,
     own_name, ssm_unlabel_parameter_version},
    {"AddTagsToResource", "ssm:AddTagsToResource", LOCAL_WRITES, add_tags_input, tagged,
     ssm_add_tags_to_resource},
    {"RemoveTagsFromResource", "ssm:RemoveTagsFromResource", LOCAL_WRITES, remove_tags_input,
     tagged, ssm_remove_tags_from_resource},
    {"ListTagsForResource", "ssm:ListTagsForResource", 0, list_tags_input, tagged,
     ssm_list_tags_for_resource},
    {"PutResourcePolicy", "ssm:PutResourcePolicy", LOCAL_WRITES, put_policy_input, resource_arn,
     ssm_put_resource_policy},
    {"GetResourcePolicies", "ssm:GetResourcePolicies", 0, get_policies_input, resource_arn,
     ssm_get_resource_policies},
    {"DeleteResourcePolicy", "ssm:DeleteResourcePolicy", LOCAL_WRITES, delete_policy_input,
     resource_arn, ssm_delete_resource_policy},
    {"GetServiceSetting", "ssm:GetServiceSetting", 0, setting_input, setting,
     ssm_get_service_setting},
    {"UpdateServiceSetting", "ssm:UpdateServiceSetting", LOCAL_WRITES, update_setting_input,
     setting, ssm_update_service_setting},
    {"ResetServiceSetting", "ssm:ResetServiceSetting", LOCAL_WRITES, setting_input, setting,
     ssm_reset_service_setting},
    {.name = NULL},
};

/* The model: a DeleteParameter that finds nothing is not recorded, nor is such a GetParameter. */
static const struct local_trail trail[] = {
    {.operation = "DeleteParameter", .untold = "ParameterNotFound", .flags = TRAIL_NO_ANSWER},
    {.operation = "GetParameter", .untold = "ParameterNotFound"},
    {.operation = NULL},
};
static const struct local_trail_resource trail_resources[] = {{"Name", "AWS::SSM::Parameter"},
                                                              {"ResourceId", "AWS::SSM::Parameter"},
                                                              {NULL, NULL}};

const struct local_service ssm_service = {
    .name = "ssm",
    .target_prefix = "AmazonSSM",
    .protocol = AWS_JSON_1_1,
    .clock_skew_ms = 5 * 60 * 1000,
    .internal_error = "InternalServerError",
    .internal_message_key = "Message",
    .schema = SSM_SCHEMA,
    .trail = trail,
    .trail_resources = trail_resources,
    .authorize = ssm_authorize,
    .act = ssm_policies_act,
    .operations = operations,
};
