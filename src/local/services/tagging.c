#include "local/services/tagging.h"

#include "aws/arn.h"

#include <stdlib.h>
#include <string.h>

/* Resource Groups Tagging API. Rules: model 2017-01-26 and its documentation; texts marked (K) were
 * not observed. Its errors say "Message". */

enum { SOURCE_COUNT = 2 };
static const struct tagging_source *const sources[SOURCE_COUNT] = {&kms_tagging, &ssm_tagging};

/* Services AWS tags this way; those without a source here have no resources on this server. */
static const char *const known_services[] = {"access-analyzer",
                                             "acm",
                                             "acm-pca",
                                             "cloudformation",
                                             "cloudtrail",
                                             "cloudwatch",
                                             "cognito-identity",
                                             "cognito-idp",
                                             "dynamodb",
                                             "ec2",
                                             "ecr",
                                             "ecs",
                                             "eks",
                                             "elasticache",
                                             "elasticloadbalancing",
                                             "es",
                                             "events",
                                             "firehose",
                                             "glue",
                                             "guardduty",
                                             "iam",
                                             "kinesis",
                                             "kms",
                                             "lambda",
                                             "logs",
                                             "organizations",
                                             "rds",
                                             "redshift",
                                             "resource-groups",
                                             "route53",
                                             "s3",
                                             "sagemaker",
                                             "secretsmanager",
                                             "sns",
                                             "sqs",
                                             "ssm",
                                             "states",
                                             NULL};

static enum local_result invalid(struct local_call *call, const char *text)
{
    return local_fail_capital(call, "InvalidParameterException", "%s", text);
}

/* AWS names no resource in this service's refusals. */
static enum local_result authorize(struct local_call *call, const char *action,
                                   const char *resource)
{
    enum local_result result = local_authorize(call, action, resource, NULL);
    const char *because =
        result == LOCAL_FAILED ? strstr(call->failure.message, " on resource: ") : NULL;
    if (because) {
        const char *rest = because + strlen(" on resource: ");
        call->failure.message =
            arena_printf(call->arena, "%.*s %s", (int)(because - call->failure.message),
                         call->failure.message, rest + strcspn(rest, " ") + 1);
    }
    return result;
}

/* --- filters ---------------------------------------------------------------------------------- */

static bool type_fits(const struct tagging_source *source, const char *filter)
{
    size_t len = strlen(source->service);
    if (strncmp(filter, source->service, len) != 0)
        return false;
    return filter[len] == '\0' ||
           (filter[len] == ':' && strcmp(filter + len + 1, source->type) == 0);
}

static bool wanted(struct local_call *call, const struct tagging_source *source)
{
    const json_t *filters = local_value(call, "ResourceTypeFilters");
    for (size_t i = 0; i < json_array_size(filters); i++)
        if (type_fits(source, json_string_value(json_array_get(filters, i))))
            return true;
    return json_array_size(filters) == 0;
}

static enum local_result check_type(struct local_call *call, const char *filter)
{
    size_t len = strcspn(filter, ":");
    for (const char *const *known = known_services; *known; known++)
        if (strlen(*known) == len && strncmp(*known, filter, len) == 0)
            return LOCAL_OK;
    return local_fail_capital(call, "InvalidParameterException",
                              "Unsupported service=%.*s in ResourceTypeFilter - %s:", (int)len,
                              filter, filter);
}

static bool one_fits(const struct tagging_resource *resource, const json_t *filter)
{
    const char *key = json_text(filter, "Key");
    const json_t *values = json_object_get(filter, "Values");
    for (size_t i = 0; i < resource->tag_count; i++) {
        if (strcmp(resource->tags[i].key, key) != 0)
            continue;
        if (json_array_size(values) == 0)
            return true;
        for (size_t j = 0; j < json_array_size(values); j++)
            if (strcmp(json_string_value(json_array_get(values, j)), resource->tags[i].value) == 0)
                return true;
    }
    return false;
}

/* All filters, any value of each. */
static bool tags_fit(const struct tagging_resource *resource, const json_t *filters)
{
    for (size_t i = 0; i < json_array_size(filters); i++)
        if (!one_fits(resource, json_array_get(filters, i)))
            return false;
    return true;
}

/* --- GetResources ----------------------------------------------------------------------------- */

enum {
    DEFAULT_RESOURCES = 50,
    LARGEST_RESOURCES = 100,
    LARGEST_TAGS = 500,
    LARGEST_SCAN = 5000, /* resources looked at for a page; AWS too may answer a short one */
    TOKEN_VALID_MS = 15 * 60 * 1000,
};

struct page {
    struct local_call *call;
    const json_t *filters;
    int64_t resources_left, tags_left, scan_left;
    const char *last; /* position of the last resource dealt with */
    bool full;
};

static void put_compliance(struct local_call *call)
{
    if (!local_bool(call, "IncludeComplianceDetails", false))
        return;
    json_key(call->out, "ComplianceDetails"); /* there are no tag policies to break */
    json_open(call->out);
    json_put_bool(call->out, "ComplianceStatus", true);
    json_close(call->out);
}

static void put_resource(struct local_call *call, const struct tagging_resource *resource)
{
    json_open(call->out);
    json_put_text(call->out, "ResourceARN", resource->arn);
    json_key(call->out, "Tags");
    json_open_list(call->out);
    for (size_t i = 0; i < resource->tag_count; i++) {
        json_open(call->out);
        json_put_text(call->out, "Key", resource->tags[i].key);
        json_put_text(call->out, "Value", resource->tags[i].value);
        json_close(call->out);
    }
    json_close_list(call->out);
    put_compliance(call);
    json_close(call->out);
}

static bool visit(void *arg, const struct tagging_resource *resource)
{
    struct page *page = arg;
    /* One without tags counts as one tag; a resource's tags are never split. */
    int64_t tags = resource->tag_count ? (int64_t)resource->tag_count : 1;
    bool fits = tags_fit(resource, page->filters);
    if (page->scan_left == 0 || (fits && (page->resources_left == 0 || page->tags_left < tags))) {
        page->full = true;
        return false;
    }
    page->scan_left--;
    page->last = arena_strdup(page->call->arena, resource->position);
    if (!fits)
        return true;
    page->resources_left--;
    page->tags_left -= tags;
    put_resource(page->call, resource);
    return true;
}

static enum local_result check_paging(struct local_call *call)
{
    const json_t *resources = local_value(call, "ResourcesPerPage");
    const json_t *tags = local_value(call, "TagsPerPage");
    int64_t per_page = json_integer_value(resources), tag_limit = json_integer_value(tags);
    if (resources && (per_page < 1 || per_page > LARGEST_RESOURCES))
        return invalid(call, "ResourcesPerPage must be between 1 and 100"); /* (K) */
    if (tags && (tag_limit < 100 || tag_limit > LARGEST_TAGS || tag_limit % 100 != 0))
        return invalid(call, "TagsPerPage must be between 100 and 500 and a multiple of 100");
    return LOCAL_OK;
}

static enum local_result check_filters(struct local_call *call)
{
    const json_t *filters = local_value(call, "TagFilters");
    const json_t *types = local_value(call, "ResourceTypeFilters");
    for (size_t i = 0; i < json_array_size(filters); i++)
        if (!json_text(json_array_get(filters, i), "Key"))
            return invalid(call, "TagFilter key must not be null"); /* (K) */
    for (size_t i = 0; i < json_array_size(types); i++)
        if (check_type(call, json_string_value(json_array_get(types, i))) != LOCAL_OK)
            return LOCAL_FAILED;
    if (local_bool(call, "ExcludeCompliantResources", false) &&
        !local_bool(call, "IncludeComplianceDetails", false))
        return invalid(call, "ExcludeCompliantResources can be true only if "
                             "IncludeComplianceDetails is true"); /* (K) */
    return check_paging(call);
}

/* "source number, time issued, position", the position last because it may hold anything. */
static enum local_result read_token(struct local_call *call, size_t *source, const char **after)
{
    const char *token = local_text(call, "PaginationToken");
    *source = 0;
    *after = "";
    if (!token || !*token)
        return LOCAL_OK;
    char *text;
    int64_t number, issued_ms;
    if (local_token_decode(call, token, &text) != 0)
        return invalid(call, "The specified PaginationToken is invalid."); /* (K) */
    struct text rest = text_of(text), first = text_cut(&rest, ' '), second = text_cut(&rest, ' ');
    if (text_to_int64(first.data, first.len, &number) != 0 ||
        text_to_int64(second.data, second.len, &issued_ms) != 0 || number >= SOURCE_COUNT)
        return invalid(call, "The specified PaginationToken is invalid.");
    if (call->local->clock->now_ms(call->local->clock) - issued_ms > TOKEN_VALID_MS)
        return local_fail_capital(call, "PaginationTokenExpiredException",
                                  "The specified PaginationToken has expired.");
    *source = (size_t)number;
    *after = rest.data ? rest.data : "";
    return LOCAL_OK;
}

static char *write_token(struct local_call *call, size_t source, const char *after)
{
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    return local_token_encode(call, arena_printf(call->arena, "%zu %lld %s", source,
                                                 (long long)now_ms, after));
}

static enum local_result not_an_arn(struct local_call *call, const char *arn)
{
    return local_fail_capital(call, "InvalidParameterException",
                              "%s is not a valid AmazonResourceName (ARN)", arn);
}

/* The source an ARN belongs to; NULL when it names nothing on this server in this place. */
static const struct tagging_source *source_of(struct local_call *call, const struct arn *arn)
{
    if (!text_is(arn->partition, call->partition) || !text_is(arn->region, call->region) ||
        !text_is(arn->account, call->account))
        return NULL;
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        if (text_is(arn->service, sources[i]->service))
            return sources[i];
    return NULL;
}

static enum local_result get_listed(struct local_call *call, const json_t *arns)
{
    static const char *const others[] = {"PaginationToken", "ResourcesPerPage", "TagsPerPage",
                                         "TagFilters", "ResourceTypeFilters"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (local_value(call, others[i]) &&
            !(i == 0 && strcmp(local_text(call, others[i]), "") == 0)) /* texts: (K) */
            return local_fail_capital(call, "InvalidParameterException",
                                      "ResourceARNList cannot be used together with %s", others[i]);
    struct arn arn;
    for (size_t i = 0; i < json_array_size(arns); i++) {
        const char *text = json_string_value(json_array_get(arns, i));
        if (arn_parse(text, strlen(text), &arn) != 0 || arn.resource.len == 0)
            return not_an_arn(call, text);
    }
    json_key(call->out, "ResourceTagMappingList");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(arns); i++) {
        const char *text = json_string_value(json_array_get(arns, i));
        struct tagging_resource resource;
        arn_parse(text, strlen(text), &arn);
        const struct tagging_source *source = source_of(call, &arn);
        if (source && source->find(call, arn.resource.data, &resource))
            put_resource(call, &resource);
    }
    json_close_list(call->out);
    json_put_text(call->out, "PaginationToken", "");
    return LOCAL_OK;
}

static enum local_result get_resources(struct local_call *call)
{
    const json_t *arns = local_value(call, "ResourceARNList");
    size_t source;
    const char *after;
    enum local_result result = check_filters(call);
    if (result == LOCAL_OK && arns)
        return get_listed(call, arns);
    if (result == LOCAL_OK)
        result = read_token(call, &source, &after);
    if (result != LOCAL_OK)
        return result;
    struct page page = {.call = call,
                        .filters = local_value(call, "TagFilters"),
                        .resources_left = local_int(call, "ResourcesPerPage", DEFAULT_RESOURCES),
                        .tags_left = local_int(call, "TagsPerPage", INT64_MAX),
                        .scan_left = LARGEST_SCAN};
    /* Nothing breaks a tag policy here, so nothing is left when the compliant are excluded. */
    bool none = local_bool(call, "ExcludeCompliantResources", false);
    json_key(call->out, "ResourceTagMappingList");
    json_open_list(call->out);
    for (; !none && source < SOURCE_COUNT; source++, after = "") {
        page.last = after;
        if (wanted(call, sources[source]))
            sources[source]->scan(call, after, visit, &page);
        if (page.full)
            break;
    }
    json_close_list(call->out);
    json_put_text(call->out, "PaginationToken",
                  page.full ? write_token(call, source, page.last) : "");
    return LOCAL_OK;
}

/* --- GetTagKeys, GetTagValues ----------------------------------------------------------------- */

enum { NAMES_PER_PAGE = 100 };

/* The smallest names behind `after`, sorted; one more than a page to know whether there are more.
 */
struct names {
    struct local_call *call;
    const char *key; /* GetTagValues: of this key; NULL: the keys themselves */
    const char *after;
    const char *items[NAMES_PER_PAGE + 1];
    size_t count;
};

static void names_add(struct names *names, const char *name)
{
    size_t at = names->count;
    if (strcmp(name, names->after) <= 0 && *names->after)
        return;
    while (at > 0 && strcmp(names->items[at - 1], name) > 0)
        at--;
    if ((at > 0 && strcmp(names->items[at - 1], name) == 0) || at == NAMES_PER_PAGE + 1)
        return;
    if (names->count == NAMES_PER_PAGE + 1)
        names->count--;
    memmove(names->items + at + 1, names->items + at, (names->count - at) * sizeof *names->items);
    names->items[at] = arena_strdup(names->call->arena, name);
    names->count++;
}

static bool visit_names(void *arg, const struct tagging_resource *resource)
{
    struct names *names = arg;
    for (size_t i = 0; i < resource->tag_count; i++)
        if (!names->key)
            names_add(names, resource->tags[i].key);
        else if (strcmp(names->key, resource->tags[i].key) == 0)
            names_add(names, resource->tags[i].value);
    return true;
}

static enum local_result list_names(struct local_call *call, const char *key, const char *member)
{
    size_t source;
    const char *after;
    enum local_result result = read_token(call, &source, &after);
    if (result != LOCAL_OK)
        return result;
    struct names *names = arena_alloc(call->arena, sizeof *names);
    *names = (struct names){.call = call, .key = key, .after = after};
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        sources[i]->scan(call, "", visit_names, names);
    bool more = names->count > NAMES_PER_PAGE;
    if (more)
        names->count--;
    json_key(call->out, member);
    json_open_list(call->out);
    for (size_t i = 0; i < names->count; i++)
        json_write_text(call->out, names->items[i]);
    json_close_list(call->out);
    json_put_text(call->out, "PaginationToken",
                  more ? write_token(call, 0, names->items[names->count - 1]) : "");
    return LOCAL_OK;
}

static enum local_result get_tag_keys(struct local_call *call)
{
    return list_names(call, NULL, "TagKeys");
}

static enum local_result get_tag_values(struct local_call *call)
{
    return list_names(call, local_text(call, "Key"), "TagValues");
}

/* --- TagResources, UntagResources ------------------------------------------------------------- */

struct change {
    const struct tagging_tag *tags; /* NULL: untag `keys` */
    const char *const *keys;
    size_t count;
};

static enum local_result change_one(struct local_call *call, const struct arn *arn,
                                    const char *text, const struct change *change)
{
    const struct tagging_source *source = source_of(call, arn);
    if (!source || !source->tag) /* (K) */
        return local_fail_capital(call, "InvalidParameterException",
                                  "The resource %s is not in this account and Region.", text);
    return change->tags ? source->tag(call, arn->resource.data, change->tags, change->count)
                        : source->untag(call, arn->resource.data, change->keys, change->count);
}

static void put_failure(struct local_call *call, const char *arn)
{
    json_key(call->out, arn);
    json_open(call->out);
    json_put_int(call->out, "StatusCode", call->failure.status ? call->failure.status : 400);
    json_put_text(call->out, "ErrorCode", call->failure.code);
    json_put_text(call->out, "ErrorMessage", call->failure.message ? call->failure.message : "");
    json_close(call->out);
}

/* Each resource for itself: what one refuses does not undo the others. */
static enum local_result change_all(struct local_call *call, const struct change *change)
{
    const json_t *arns = local_value(call, "ResourceARNList");
    struct arn arn;
    for (size_t i = 0; i < json_array_size(arns); i++) {
        const char *text = json_string_value(json_array_get(arns, i));
        /* Observed: resources of IAM, which has no Region, are refused like no ARN at all. */
        if (arn_parse(text, strlen(text), &arn) != 0 || arn.resource.len == 0 ||
            text_is(arn.service, "iam"))
            return not_an_arn(call, text);
    }
    json_key(call->out, "FailedResourcesMap");
    json_open(call->out);
    for (size_t i = 0; i < json_array_size(arns); i++) {
        const char *text = json_string_value(json_array_get(arns, i));
        arn_parse(text, strlen(text), &arn);
        if (store_savepoint(call->store) != 0)
            break; /* the session has failed: the pipeline answers */
        if (change_one(call, &arn, text, change) == LOCAL_OK) {
            store_savepoint_release(call->store);
            continue;
        }
        store_savepoint_rollback(call->store);
        put_failure(call, text);
    }
    json_close(call->out);
    call->failure = (struct local_failure){0};
    return LOCAL_OK;
}

static enum local_result tag_resources(struct local_call *call)
{
    const json_t *tags = local_value(call, "Tags");
    struct tagging_tag *list = arena_calloc(call->arena, json_object_size(tags) + 1, sizeof *list);
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value)
    {
        if (*key == '\0' || text_utf8_count(key, strlen(key)) > 128)
            return invalid(call, "Tag keys must have 1 to 128 characters"); /* (K) */
        list[count++] = (struct tagging_tag){key, json_string_value(value)};
    }
    return change_all(call, &(struct change){.tags = list, .count = count});
}

static enum local_result untag_resources(struct local_call *call)
{
    const json_t *keys = local_value(call, "TagKeys");
    size_t count = json_array_size(keys);
    const char **list = arena_calloc(call->arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = json_string_value(json_array_get(keys, i));
    return change_all(call, &(struct change){.keys = list, .count = count});
}

/* --- members ---------------------------------------------------------------------------------- */

#define TOKEN                                                                                      \
    {                                                                                              \
        "PaginationToken", LOCAL_STRING, .max = 2048                                               \
    }

static const struct local_member tag_key = {.type = LOCAL_STRING, .min = 1, .max = 128};
static const struct local_member tag_value = {.type = LOCAL_STRING, .max = 256};
static const struct local_member arn_text = {.type = LOCAL_STRING, .min = 1, .max = 1011};
static const struct local_member type_text = {.type = LOCAL_STRING, .max = 256};
static const struct local_member filter_members[] = {{"Key", LOCAL_STRING, .min = 1, .max = 128},
                                                     {"Values", LOCAL_LIST, .max = 20,
                                                      .element = &tag_value},
                                                     {0}};
static const struct local_member filter = {.type = LOCAL_STRUCTURE, .members = filter_members};
static const struct local_member get_resources_members[] = {
    TOKEN,
    {"TagFilters", LOCAL_LIST, .max = 50, .element = &filter},
    {.name = "ResourcesPerPage", .type = LOCAL_INTEGER},
    {.name = "TagsPerPage", .type = LOCAL_INTEGER},
    {"ResourceTypeFilters", LOCAL_LIST, .element = &type_text},
    {.name = "IncludeComplianceDetails", .type = LOCAL_BOOLEAN},
    {.name = "ExcludeCompliantResources", .type = LOCAL_BOOLEAN},
    {"ResourceARNList", LOCAL_LIST, .min = 1, .max = 100, .element = &arn_text},
    {0}};
static const struct local_member keys_members[] = {TOKEN, {0}};
static const struct local_member values_members[] = {
    TOKEN, {"Key", LOCAL_STRING, LOCAL_REQUIRED, .min = 1, .max = 128}, {0}};
static const struct local_member tag_resources_members[] = {
    {"ResourceARNList", LOCAL_LIST, LOCAL_REQUIRED, .min = 1, .max = 20, .element = &arn_text},
    {"Tags", LOCAL_MAP, LOCAL_REQUIRED, .min = 1, .max = 50, .element = &tag_value},
    {0}};
static const struct local_member untag_resources_members[] = {
    {"ResourceARNList", LOCAL_LIST, LOCAL_REQUIRED, .min = 1, .max = 20, .element = &arn_text},
    {"TagKeys", LOCAL_LIST, LOCAL_REQUIRED, .min = 1, .max = 50, .element = &tag_key},
    {0}};

static const struct local_operation operations[] = {
    {"GetResources", "tag:GetResources", 0, get_resources_members, NULL, get_resources},
    {"GetTagKeys", "tag:GetTagKeys", 0, keys_members, NULL, get_tag_keys},
    {"GetTagValues", "tag:GetTagValues", 0, values_members, NULL, get_tag_values},
    {"TagResources", "tag:TagResources", LOCAL_WRITES, tag_resources_members, NULL, tag_resources},
    {"UntagResources", "tag:UntagResources", LOCAL_WRITES, untag_resources_members, NULL,
     untag_resources},
    {0}};

const struct local_service tagging_service = {.name = "tagging",
                                              .target_prefix = "ResourceGroupsTaggingAPI_20170126",
                                              .protocol = AWS_JSON_1_1,
                                              .clock_skew_ms = 5 * 60 * 1000,
                                              .internal_error = "InternalServiceException",
                                              .internal_message_key = "Message",
                                              .throttled = {400, "ThrottledException",
                                                            "Rate exceeded", "Message"},
                                              .authorize = authorize,
                                              .operations = operations};
