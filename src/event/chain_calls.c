/* The calls of chain: rows, and answers that stay. */
#include "event/chain_parts.h"
#include "event/sqs_queue.h"

#include <string.h>

static const struct aws_service service_cloudtrail = {
    .name = "cloudtrail",
    .signing_name = "cloudtrail",
    .host_label = "cloudtrail",
    .target_prefix = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    .api_version = "2013-11-01",
    .protocol = AWS_JSON_1_1,
};
static const struct aws_service service_events = {
    .name = "eventbridge",
    .signing_name = "events",
    .host_label = "events",
    .target_prefix = "AWSEvents",
    .api_version = "2015-10-07",
    .protocol = AWS_JSON_1_1,
};
static const struct aws_service service_lambda = {
    .name = "lambda",
    .signing_name = "lambda",
    .host_label = "lambda",
    .api_version = "2015-03-31",
    .protocol = AWS_REST_JSON,
};
static const struct aws_service service_iam = {
    .name = "iam",
    .signing_name = "iam",
    .host_label = "iam",
    .api_version = "2010-05-08",
    .xml_namespace = "https://iam.amazonaws.com/doc/2010-05-08/",
    .protocol = AWS_QUERY,
    .global = true,
};

#define READ(service_, name_)                                                                      \
    {                                                                                              \
        .service = &(service_), .name = (name_), .flags = AWS_READS, .method = "POST", .uri = "/"  \
    }
#define READ_FUNCTION(name_, uri_)                                                                 \
    {                                                                                              \
        .service = &service_lambda, .name = (name_), .flags = AWS_READS, .method = "GET",          \
        .uri = (uri_), .bindings = qualifier                                                       \
    }
static const char *const qualifier[] = {"Qualifier=query:Qualifier", NULL};
static const char *const of_mappings[] = {"EventSourceArn=query:EventSourceArn",
                                          "Marker=query:Marker", NULL};

const struct aws_operation chain_describe_trails = READ(service_cloudtrail, "DescribeTrails");
const struct aws_operation chain_trail_status = READ(service_cloudtrail, "GetTrailStatus");
const struct aws_operation chain_selectors = READ(service_cloudtrail, "GetEventSelectors");
const struct aws_operation chain_list_rules = {
    .service = &service_events,
    .name = "ListRules",
    .flags = AWS_READS,
    .method = "POST",
    .uri = "/",
    .page_token = "NextToken",
    .page_items = "Rules",
};
const struct aws_operation chain_list_targets = {
    .service = &service_events,
    .name = "ListTargetsByRule",
    .flags = AWS_READS,
    .method = "POST",
    .uri = "/",
    .page_token = "NextToken",
    .page_items = "Targets",
};
const struct aws_operation chain_function =
    READ_FUNCTION("GetFunctionConfiguration", "/2015-03-31/functions/{FunctionName}/configuration");
const struct aws_operation chain_function_policy =
    READ_FUNCTION("GetPolicy", "/2015-03-31/functions/{FunctionName}/policy");
const struct aws_operation chain_concurrency =
    READ_FUNCTION("GetFunctionConcurrency", "/2019-09-30/functions/{FunctionName}/concurrency");
const struct aws_operation chain_invoke_config =
    READ_FUNCTION("GetFunctionEventInvokeConfig",
                  "/2019-09-25/functions/{FunctionName}/event-invoke-config");
const struct aws_operation chain_mappings = {
    .service = &service_lambda,
    .name = "ListEventSourceMappings",
    .flags = AWS_READS,
    .method = "GET",
    .uri = "/2015-03-31/event-source-mappings",
    .page_token = "NextMarker",
    .page_items = "EventSourceMappings",
    .page_input = "Marker",
    .bindings = of_mappings,
};
const struct aws_operation chain_queue_url = READ(service_sqs, "GetQueueUrl");
const struct aws_operation chain_queue_attributes = READ(service_sqs, "GetQueueAttributes");
const struct aws_operation chain_simulate = READ(service_iam, "SimulatePrincipalPolicy");

const struct aws_operation *const chain_operations[] = {
    &chain_describe_trails, &chain_trail_status,
    &chain_selectors,       &chain_list_rules,
    &chain_list_targets,    &chain_function,
    &chain_function_policy, &chain_concurrency,
    &chain_invoke_config,   &chain_mappings,
    &chain_queue_url,       &chain_queue_attributes,
    &chain_simulate,        NULL};

const json_t *chain_ask(struct chain *chain, struct session *session, const char *region,
                        const struct aws_operation *operation, json_t *in, struct error *err)
{
    json_t *answer = NULL;
    struct aws_client *client =
        session_client(session ? session : chain->session, operation->service, region, true, err);
    int result = client ? aws_call(client, chain->arena, operation, in, &answer, err) : -1;
    json_decref(in);
    if (result != 0)
        return NULL;
    json_array_append_new(chain->kept, answer);
    return answer;
}

struct listing {
    json_t *items;
    const char *member;
};

static int take_page(const json_t *page, void *arg, struct error *err)
{
    const struct listing *listing = arg;
    (void)err;
    json_array_extend(listing->items, json_object_get(page, listing->member));
    return 0;
}

const json_t *chain_list(struct chain *chain, const char *region,
                         const struct aws_operation *operation, json_t *in, struct error *err)
{
    struct listing listing = {json_array(), operation->page_items};
    struct aws_client *client =
        session_client(chain->session, operation->service, region, true, err);
    int result =
        client ? aws_pages(client, chain->arena, operation, in, take_page, &listing, err) : -1;
    json_decref(in);
    json_array_append_new(chain->kept, listing.items);
    return result == 0 ? listing.items : NULL;
}
