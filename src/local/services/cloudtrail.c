#include "local/services/cloudtrail.h"

#include "local/services/cloudtrail_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_MAX = 50,
    LOOKED_AT_MAX = 5000, /* records one call may cost; its page may then be short, or empty */
};

static const char *const keys[] = {"EventId",     "EventName",    "ReadOnly",
                                   "Username",    "ResourceType", "ResourceName",
                                   "EventSource", "AccessKeyId",  NULL};
static const char *const categories[] = {"insight", NULL};
static const struct local_member attribute_members[] = {
    {.name = "AttributeKey", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .values = keys},
    {.name = "AttributeValue",
     .type = LOCAL_STRING,
     .flags = LOCAL_REQUIRED,
     .min = 1,
     .max = 2000},
    {.name = NULL}};
static const struct local_member attribute = {.type = LOCAL_STRUCTURE,
                                              .members = attribute_members};
/* MaxResults and EventCategory are checked by the operation: it has exceptions for them. */
static const struct local_member lookup_input[] = {{.name = "LookupAttributes",
                                                    .type = LOCAL_LIST,
                                                    .element = &attribute},
                                                   {.name = "StartTime", .type = LOCAL_TIMESTAMP},
                                                   {.name = "EndTime", .type = LOCAL_TIMESTAMP},
                                                   {.name = "EventCategory", .type = LOCAL_STRING},
                                                   {.name = "MaxResults", .type = LOCAL_INTEGER},
                                                   {.name = "NextToken", .type = LOCAL_STRING},
                                                   {.name = NULL}};

struct lookup {
    struct local_call *call;
    const char *key, *value; /* NULL: all */
    int64_t start_ms, end_ms, most;
    int64_t before; /* seq; a page begins below it */
};

enum column { SEQ, TIME, ID, NAME, SOURCE, USER, ACCESS_KEY, READ_ONLY, RESOURCES, RECORD };

static bool resource_is(const struct store_rows *rows, const char *member, const char *value)
{
    struct text text = store_text(rows, RESOURCES);
    json_t *list = text.data ? json_read(text.data, text.len, NULL) : NULL, *resource;
    size_t index;
    bool found = false;
    json_array_foreach(list, index, resource)
    {
        const char *has = json_text(resource, member);
        found = found || (has && strcmp(has, value) == 0);
    }
    json_decref(list);
    return found;
}

static bool is_match(const struct lookup *lookup, const struct store_rows *rows)
{
    static const struct {
        const char *key;
        enum column column;
    } columns[] = {{"EventId", ID},
                   {"EventName", NAME},
                   {"Username", USER},
                   {"EventSource", SOURCE},
                   {"AccessKeyId", ACCESS_KEY}};
    int64_t time_ms = store_int(rows, TIME);
    if (time_ms < lookup->start_ms || time_ms > lookup->end_ms)
        return false;
    if (!lookup->key)
        return true;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcmp(lookup->key, columns[i].key) == 0)
            return text_is(store_text(rows, columns[i].column), lookup->value);
    if (strcmp(lookup->key, "ReadOnly") == 0)
        return strcmp(lookup->value, store_int(rows, READ_ONLY) ? "true" : "false") == 0;
    return resource_is(rows, lookup->key, lookup->value);
}

static void put_column(struct json_writer *w, const char *key, const struct store_rows *rows,
                       enum column column)
{
    struct text text = store_text(rows, column);
    if (!text.data || (column == ACCESS_KEY && !text.len))
        return;
    json_key(w, key);
    json_write_text_n(w, text.data, text.len);
}

static void write_event(struct lookup *lookup, const struct store_rows *rows)
{
    struct json_writer *w = lookup->call->out;
    struct text resources = store_text(rows, RESOURCES);
    json_open(w);
    put_column(w, "EventId", rows, ID);
    put_column(w, "EventName", rows, NAME);
    json_put_text(w, "ReadOnly", store_int(rows, READ_ONLY) ? "true" : "false");
    put_column(w, "AccessKeyId", rows, ACCESS_KEY);
    local_put_time(lookup->call, "EventTime", store_int(rows, TIME) / 1000 * 1000);
    put_column(w, "EventSource", rows, SOURCE);
    put_column(w, "Username", rows, USER);
    json_key(w, "Resources");
    if (resources.data)
        json_write_raw(w, resources.data, resources.len);
    else
        json_write_raw(w, "[]", 2);
    put_column(w, "CloudTrailEvent", rows, RECORD);
    json_close(w);
}

/* Newest first. *before becomes where the next page begins; 0: there is none. */
static void write_page(struct lookup *lookup, int64_t *next)
{
    struct local_call *call = lookup->call;
    struct store_rows rows;
    int64_t shown = 0, seen = 0, last = 0;
    *next = 0;
    store_query(call->store, &rows,
                "SELECT seq, time_ms, event_id, name, source, user_name, access_key, read_only,"
                " resources, record FROM trail_record"
                " WHERE account = $1 AND region = $2 AND seq < $3 ORDER BY seq DESC",
                "tti", call->account, call->region, lookup->before);
    while (store_next(&rows)) {
        bool match = is_match(lookup, &rows);
        if ((match && shown == lookup->most) || seen++ == LOOKED_AT_MAX) {
            *next = last;
            break;
        }
        if (match) {
            write_event(lookup, &rows);
            shown++;
        }
        last = store_int(&rows, SEQ);
    }
    store_end(&rows);
}

/* AWS's words for these refusals are not published. */
static enum local_result read_lookup(struct lookup *lookup)
{
    struct local_call *call = lookup->call;
    const json_t *attributes = local_value(call, "LookupAttributes");
    if (json_array_size(attributes) > 1)
        return local_fail(call, "InvalidLookupAttributesException",
                          "You can specify only one lookup attribute.");
    const json_t *only = json_array_get(attributes, 0);
    lookup->key = json_text(only, "AttributeKey");
    lookup->value = json_text(only, "AttributeValue");
    lookup->most = local_int(call, "MaxResults", PAGE_MAX);
    if (lookup->most < 1 || lookup->most > PAGE_MAX)
        return local_fail(call, "InvalidMaxResultsException",
                          "A value for MaxResults must be between 1 and 50.");
    const json_t *start = local_value(call, "StartTime"), *end = local_value(call, "EndTime");
    lookup->start_ms = start ? (int64_t)(json_number_value(start) * 1000) : INT64_MIN;
    lookup->end_ms = end ? (int64_t)(json_number_value(end) * 1000) : INT64_MAX;
    if (lookup->start_ms > lookup->end_ms)
        return local_fail(call, "InvalidTimeRangeException",
                          "The start time must be before the end time.");
    const char *category = local_text(call, "EventCategory");
    if (category && strcmp(category, categories[0]) != 0)
        return local_fail(call, "InvalidEventCategoryException",
                          "The event category %s is not valid. Valid value: insight.", category);
    return LOCAL_OK;
}

/* A token is good for the call it came from, repeated: it says which filter it belongs to. */
static char *filter_of(struct lookup *lookup)
{
    return arena_printf(lookup->call->arena, "%lld/%lld/%s/%s", (long long)lookup->start_ms,
                        (long long)lookup->end_ms, lookup->key ? lookup->key : "",
                        lookup->value ? lookup->value : "");
}

static int read_token(struct lookup *lookup, const char *token)
{
    char *position, *rest;
    if (local_token_decode(lookup->call, token, &position) != 0)
        return -1;
    lookup->before = strtoll(position, &rest, 10);
    return *rest == ' ' && strcmp(rest + 1, filter_of(lookup)) == 0 ? 0 : -1;
}

static enum local_result lookup_events(struct local_call *call)
{
    struct lookup lookup = {.call = call, .before = INT64_MAX};
    if (read_lookup(&lookup) != LOCAL_OK)
        return LOCAL_FAILED;
    const char *token = local_text(call, "NextToken");
    if (token && read_token(&lookup, token) != 0)
        return local_fail(call, "InvalidNextTokenException", "Invalid token.");
    int64_t next = 0;
    json_key(call->out, "Events");
    json_open_list(call->out);
    if (!local_value(call, "EventCategory")) /* Insights: none is ever found here */
        write_page(&lookup, &next);
    json_close_list(call->out);
    if (next)
        json_put_text(call->out, "NextToken",
                      local_token_encode(call, arena_printf(call->arena, "%lld %s", (long long)next,
                                                            filter_of(&lookup))));
    return LOCAL_OK;
}

/* --- trails: what their operations take ---------------------------------------------------------
 */

#define NAME(member)                                                                               \
    {                                                                                              \
        .name = (member), .type = LOCAL_STRING, .flags = LOCAL_REQUIRED                            \
    }
static const struct local_member text_element = {.type = LOCAL_STRING};
static const struct local_member tag_members[] = {
    {.name = "Key", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 128},
    {.name = "Value", .type = LOCAL_STRING, .min = 1, .max = 256},
    {.name = NULL}};
static const struct local_member tag_element = {.type = LOCAL_STRUCTURE, .members = tag_members};
#define SETTINGS                                                                                   \
    {.name = "S3KeyPrefix", .type = LOCAL_STRING}, {.name = "SnsTopicName", .type = LOCAL_STRING}, \
        {.name = "IncludeGlobalServiceEvents", .type = LOCAL_BOOLEAN},                             \
        {.name = "IsMultiRegionTrail", .type = LOCAL_BOOLEAN},                                     \
        {.name = "EnableLogFileValidation", .type = LOCAL_BOOLEAN},                                \
        {.name = "CloudWatchLogsLogGroupArn", .type = LOCAL_STRING},                               \
        {.name = "CloudWatchLogsRoleArn", .type = LOCAL_STRING},                                   \
        {.name = "KmsKeyId", .type = LOCAL_STRING},                                                \
    {                                                                                              \
        .name = "IsOrganizationTrail", .type = LOCAL_BOOLEAN                                       \
    }
static const struct local_member create_input[] = {
    NAME("Name"),
    NAME("S3BucketName"),
    SETTINGS,
    {.name = "TagsList", .type = LOCAL_LIST, .max = 200, .element = &tag_element},
    {.name = NULL}};
static const struct local_member update_input[] = {NAME("Name"),
                                                   {.name = "S3BucketName", .type = LOCAL_STRING},
                                                   SETTINGS,
                                                   {.name = NULL}};
static const struct local_member name_input[] = {NAME("Name"), {.name = NULL}};
static const struct local_member describe_input[] = {
    {.name = "trailNameList", .type = LOCAL_LIST, .element = &text_element},
    {.name = "includeShadowTrails", .type = LOCAL_BOOLEAN},
    {.name = NULL}};
static const struct local_member list_input[] = {{.name = "NextToken", .type = LOCAL_STRING},
                                                 {.name = NULL}};

static const char *const read_write_types[] = {"ReadOnly", "WriteOnly", "All", NULL};
static const struct local_member data_members[] = {{.name = "Type", .type = LOCAL_STRING},
                                                   {.name = "Values",
                                                    .type = LOCAL_LIST,
                                                    .element = &text_element},
                                                   {.name = NULL}};
static const struct local_member data_element = {.type = LOCAL_STRUCTURE, .members = data_members};
static const struct local_member selector_members[] = {
    {.name = "ReadWriteType", .type = LOCAL_STRING, .values = read_write_types},
    {.name = "IncludeManagementEvents", .type = LOCAL_BOOLEAN},
    {.name = "DataResources", .type = LOCAL_LIST, .element = &data_element},
    {.name = "ExcludeManagementEventSources", .type = LOCAL_LIST, .element = &text_element},
    {.name = NULL}};
static const struct local_member selector_element = {.type = LOCAL_STRUCTURE,
                                                     .members = selector_members};
static const struct local_member operator_element = {.type = LOCAL_STRING,
                                                     .min = 1,
                                                     .max = 2048,
                                                     .pattern = ".+"};
#define OPERATOR(member)                                                                           \
    {                                                                                              \
        .name = (member), .type = LOCAL_LIST, .min = 1, .max = INT32_MAX,                          \
        .element = &operator_element                                                               \
    }
static const struct local_member field_members[] = {{.name = "Field",
                                                     .type = LOCAL_STRING,
                                                     .flags = LOCAL_REQUIRED,
                                                     .min = 1,
                                                     .max = 1000,
                                                     .pattern = "[\\w|\\d|\\.|_]+"},
                                                    OPERATOR("Equals"),
                                                    OPERATOR("StartsWith"),
                                                    OPERATOR("EndsWith"),
                                                    OPERATOR("NotEquals"),
                                                    OPERATOR("NotStartsWith"),
                                                    OPERATOR("NotEndsWith"),
                                                    {.name = NULL}};
static const struct local_member field_element = {.type = LOCAL_STRUCTURE,
                                                  .members = field_members};
static const struct local_member advanced_members[] = {{.name = "Name",
                                                        .type = LOCAL_STRING,
                                                        .max = 1000},
                                                       {.name = "FieldSelectors",
                                                        .type = LOCAL_LIST,
                                                        .flags = LOCAL_REQUIRED,
                                                        .min = 1,
                                                        .max = INT32_MAX,
                                                        .element = &field_element},
                                                       {.name = NULL}};
static const struct local_member advanced_element = {.type = LOCAL_STRUCTURE,
                                                     .members = advanced_members};
static const struct local_member put_selectors_input[] = {
    NAME("TrailName"),
    {.name = "EventSelectors", .type = LOCAL_LIST, .element = &selector_element},
    {.name = "AdvancedEventSelectors", .type = LOCAL_LIST, .element = &advanced_element},
    {.name = NULL}};
static const struct local_member trail_name_input[] = {NAME("TrailName"), {.name = NULL}};
static const struct local_member tag_input[] = {NAME("ResourceId"),
                                                {.name = "TagsList",
                                                 .type = LOCAL_LIST,
                                                 .flags = LOCAL_REQUIRED,
                                                 .max = 200,
                                                 .element = &tag_element},
                                                {.name = NULL}};
static const struct local_member list_tags_input[] = {{.name = "ResourceIdList",
                                                       .type = LOCAL_LIST,
                                                       .flags = LOCAL_REQUIRED,
                                                       .element = &text_element},
                                                      {.name = "NextToken", .type = LOCAL_STRING},
                                                      {.name = NULL}};

static const struct local_operation operations[] = {
    {"LookupEvents", "cloudtrail:LookupEvents", 0, lookup_input, NULL, lookup_events},
    {"CreateTrail", "cloudtrail:CreateTrail", LOCAL_WRITES, create_input, cloudtrail_resources,
     cloudtrail_create_trail},
    {"UpdateTrail", "cloudtrail:UpdateTrail", LOCAL_WRITES, update_input, cloudtrail_resources,
     cloudtrail_update_trail},
    {"DeleteTrail", "cloudtrail:DeleteTrail", LOCAL_WRITES, name_input, cloudtrail_resources,
     cloudtrail_delete_trail},
    {"StartLogging", "cloudtrail:StartLogging", LOCAL_WRITES, name_input, cloudtrail_resources,
     cloudtrail_start_logging},
    {"StopLogging", "cloudtrail:StopLogging", LOCAL_WRITES, name_input, cloudtrail_resources,
     cloudtrail_stop_logging},
    {"GetTrail", "cloudtrail:GetTrail", 0, name_input, cloudtrail_resources, cloudtrail_get_trail},
    {"GetTrailStatus", "cloudtrail:GetTrailStatus", 0, name_input, cloudtrail_resources,
     cloudtrail_get_trail_status},
    {"DescribeTrails", "cloudtrail:DescribeTrails", 0, describe_input, NULL,
     cloudtrail_describe_trails},
    {"ListTrails", "cloudtrail:ListTrails", 0, list_input, NULL, cloudtrail_list_trails},
    {"PutEventSelectors", "cloudtrail:PutEventSelectors", LOCAL_WRITES, put_selectors_input,
     cloudtrail_resources, cloudtrail_put_selectors},
    {"GetEventSelectors", "cloudtrail:GetEventSelectors", 0, trail_name_input, cloudtrail_resources,
     cloudtrail_get_selectors},
    {"AddTags", "cloudtrail:AddTags", LOCAL_WRITES, tag_input, cloudtrail_resources,
     cloudtrail_add_tags},
    {"RemoveTags", "cloudtrail:RemoveTags", LOCAL_WRITES, tag_input, cloudtrail_resources,
     cloudtrail_remove_tags},
    {"ListTags", "cloudtrail:ListTags", 0, list_tags_input, NULL, cloudtrail_list_tags},
    {.name = NULL},
};

const struct local_service cloudtrail_service = {
    .name = "cloudtrail",
    .target_prefix = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    .protocol = AWS_JSON_1_1,
    .clock_skew_ms = 5 * 60 * 1000,
    .internal_error = "InternalFailure",
    .operations = operations,
};
