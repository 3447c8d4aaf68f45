#include "local/route.h"

#include "aws/protocol.h"
#include "local/rest.h"

#include <string.h>

/* Far above what any table here asks for, far below what would cost time. */
enum { LARGEST_FORM = 2000, DEFAULT_BODY_BYTES = 256 * 1024 };

static const char unknown_namespace[] = "http://webservices.amazon.com/AWSFault/2005-15-09";

static const struct local_operation *find_operation(const struct local_service *service,
                                                    struct text name)
{
    for (const struct local_operation *at = service->operations; at->name; at++)
        if (text_is(name, at->name))
            return at;
    return NULL;
}

static int fail(struct local_failure *failure, int status, const char *code, const char *message,
                const char *message_key)
{
    *failure = (struct local_failure){status, code, message, message_key};
    return -1;
}

static bool too_large(const struct local_service *service, const struct http_incoming *in)
{
    size_t limit = service && service->largest_body_bytes ? service->largest_body_bytes
                                                          : (size_t)DEFAULT_BODY_BYTES;
    return in->body.len > limit;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static int route_json(const struct local_service *const *services, const struct http_incoming *in,
                      struct text target, struct route *route, struct local_failure *failure)
{
    const char *dot = target.len ? memrchr(target.data, '.', target.len) : NULL;
    struct text prefix = target, operation = {NULL, 0};
    if (dot) { /* the last one: CloudTrail's prefix has some of its own */
        prefix.len = (size_t)(dot - target.data);
        operation = (struct text){dot + 1, target.len - prefix.len - 1};
    }
    for (; *services && !route->service; services++)
        if ((*services)->target_prefix && text_is(prefix, (*services)->target_prefix))
            route->service = *services;
    if (route->service)
        route->protocol = route->service->protocol;
    if (too_large(route->service, in))
        return fail(failure, 413, "RequestEntityTooLargeException", NULL, NULL);
    route->input = json_read(in->body.data ? in->body.data : "", in->body.len, NULL);
    if (!json_is_object(route->input))
        return fail(failure, 400, "SerializationException", NULL, NULL);
    if (route->service && operation.data)
        route->operation = find_operation(route->service, operation);
    if (!route->operation)
        return fail(failure, 400, "UnknownOperationException", NULL, NULL);
    return 0;
}

/* --- query ------------------------------------------------------------------------------------ */

/* Whose action it is: by version and name; else, to refuse in its name, the service that the
 * signature is for. */
static void find_by_action(const struct local_service *const *services, const char *action,
                           const char *version, const struct signed_request *signed_request,
                           struct route *route)
{
    const struct local_service *named = NULL;
    for (; *services; services++) {
        const struct local_service *service = *services;
        if (service->protocol != AWS_QUERY && !service->twin)
            continue;
        const struct local_operation *operation = find_operation(service, text_of(action));
        if (operation && strcmp(service->api_version, version) == 0) {
            route->service = service;
            route->operation = operation;
            return;
        }
        if (signed_request->problem == SIGV4_OK &&
            text_is(signed_request->presented.scope.service, service->name))
            named = service;
    }
    route->service = named;
}

static int route_query(struct arena *arena, const struct local_service *const *services,
                       const struct http_incoming *in, struct text form,
                       const struct signed_request *signed_request, struct route *route,
                       struct local_failure *failure)
{
    route->protocol = AWS_QUERY;
    route->xml_namespace = unknown_namespace;
    route->input = query_parse(form.data ? form.data : "", form.len, LARGEST_FORM, NULL);
    if (!route->input)
        return fail(failure, 400, "MalformedQueryString",
                    "The query string contains a syntax error.", NULL);
    const char *action = json_text(route->input, "Action");
    const char *version = json_text_or(route->input, "Version", "NO_VERSION_SPECIFIED");
    if (!action)
        return fail(failure, 400, "MissingAction",
                    "The request is missing an action or a required parameter.", NULL);
    find_by_action(services, action, version, signed_request, route);
    if (route->service)
        route->xml_namespace = route->service->xml_namespace;
    if (too_large(route->service, in))
        return fail(failure, 413, "RequestEntityTooLarge", "Request size exceeds the limit.", NULL);
    if (!route->service || !route->operation)
        return fail(failure, 400, "InvalidAction",
                    arena_printf(arena, "Could not find operation %s for version %s", action,
                                 version),
                    NULL);
    const struct local_twin *twin = route->service->twin;
    if (twin && twin->path_member && in->path.len > 1 &&
        !json_object_get(route->input, twin->path_member))
        json_object_set_new(route->input, twin->path_member,
                            json_stringn(in->path.data, in->path.len));
    if (twin)
        twin->read(route->input);
    return 0;
}

/* "/111122223333/name": a queue's URL, to which older clients of SQS send their forms. */
static bool names_a_queue(struct text path)
{
    size_t at = 1;
    while (at < path.len && path.data[at] >= '0' && path.data[at] <= '9')
        at++;
    return at == 13 && at + 1 < path.len && path.data[at] == '/' &&
           !memchr(path.data + at + 1, '/', path.len - at - 1);
}

/* "application/x-amz-json-1.1; charset=utf-8" is "application/x-amz-json-1.1". */
static struct text content_type(const struct http_incoming *in)
{
    struct text rest = http_incoming_field(in, "content-type");
    return text_trim(text_cut(&rest, ';'));
}

int route_find(struct arena *arena, const struct local_service *const *services,
               const struct http_incoming *in, const struct signed_request *signed_request,
               struct route *route, struct local_failure *failure)
{
    *route = (struct route){.protocol = AWS_JSON_1_1};
    struct text type = content_type(in);
    bool json = text_is_nocase(type, "application/x-amz-json-1.1") ||
                text_is_nocase(type, "application/x-amz-json-1.0");
    if (text_is(in->path, "/") && text_is(in->method, "POST") && json)
        return route_json(services, in, http_incoming_field(in, "x-amz-target"), route, failure);
    if (text_is(in->path, "/") || names_a_queue(in->path)) {
        if (text_is(in->method, "POST") &&
            text_is_nocase(type, "application/x-www-form-urlencoded"))
            return route_query(arena, services, in, in->body, signed_request, route, failure);
        if (text_is(in->method, "GET") && in->query.len)
            return route_query(arena, services, in, in->query, signed_request, route, failure);
        route->not_for_us = true;
        return -1;
    }
    return rest_route(arena, services, in, route, failure);
}
