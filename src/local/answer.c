#include "local/answer.h"

#include "aws/protocol.h"

#include <string.h>

const char *answer_content_type(enum aws_protocol protocol)
{
    switch (protocol) {
    case AWS_JSON_1_0:
        return "application/x-amz-json-1.0";
    case AWS_QUERY:
        return "text/xml";
    case AWS_REST_JSON:
        return "application/json";
    default:
        return "application/x-amz-json-1.1";
    }
}

static const struct {
    const char *json, *query;
    int query_status;
} refusals[] = {
    [AUTHENTICATE_MISSING] = {"MissingAuthenticationTokenException", "MissingAuthenticationToken",
                              403},
    [AUTHENTICATE_INCOMPLETE] = {"IncompleteSignatureException", "IncompleteSignature", 400},
    [AUTHENTICATE_INVALID] = {"InvalidSignatureException", "SignatureDoesNotMatch", 403},
    [AUTHENTICATE_UNKNOWN] = {"UnrecognizedClientException", "InvalidClientTokenId", 403},
    [AUTHENTICATE_EXPIRED] = {"ExpiredTokenException", "ExpiredToken", 403},
};

struct local_failure answer_refused(enum aws_protocol protocol, enum authenticate_problem problem,
                                    const char *message)
{
    if (protocol == AWS_QUERY)
        return (struct local_failure){refusals[problem].query_status, refusals[problem].query,
                                      message, NULL};
    return (struct local_failure){protocol == AWS_REST_JSON ? 403 : 400, refusals[problem].json,
                                  message, "message"};
}

struct local_failure answer_internal(const struct local_service *service)
{
    return (struct local_failure){500, service->internal_error, "An internal error occurred.",
                                  service->internal_message_key};
}

struct local_failure answer_throttled(const struct local_service *service)
{
    if (service->throttled.code)
        return service->throttled;
    return (struct local_failure){400,
                                  service->protocol == AWS_QUERY ? "Throttling"
                                                                 : "ThrottlingException",
                                  "Rate exceeded", NULL};
}

static const struct local_code_name *find_name(const struct local_twin *twin, const char *code)
{
    const struct local_code_name *at = twin->codes;
    while (at->code && strcmp(at->code, code) != 0)
        at++;
    return at->code ? at : NULL;
}

const char *local_query_code(const struct local_twin *twin, const char *code)
{
    const struct local_code_name *name = find_name(twin, code);
    return name ? name->query : code;
}

struct local_failure answer_in_protocol(struct arena *arena, const struct local_service *service,
                                        enum aws_protocol protocol,
                                        const struct local_failure *failure,
                                        const char **query_error)
{
    struct local_failure told = *failure;
    const struct local_twin *twin = service ? service->twin : NULL;
    *query_error = NULL;
    if (!twin || !failure->code)
        return told;
    const struct local_code_name *name = find_name(twin, failure->code);
    if (name)
        told.status = name->status;
    if (protocol == AWS_QUERY) {
        told.code = local_query_code(twin, failure->code);
        return told;
    }
    told.code = arena_printf(arena, "%s%s", twin->type_prefix, failure->code);
    *query_error = arena_printf(arena, "%s;%s", local_query_code(twin, failure->code),
                                told.status >= 500 ? "Receiver" : "Sender");
    return told;
}

static void failure_json(struct buf *out, const struct local_failure *failure)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    json_put_text(&w, "__type", failure->code);
    if (failure->message)
        json_put_text(&w, failure->message_key ? failure->message_key : "message",
                      failure->message);
    json_close(&w);
}

static void element(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "<%s>", name);
    xml_escape(out, text, strlen(text));
    buf_printf(out, "</%s>", name);
}

static void failure_xml(struct buf *out, const char *xml_namespace,
                        const struct local_failure *failure, int status, const char *request_id)
{
    buf_printf(out, "<ErrorResponse xmlns=\"%s\"><Error>", xml_namespace);
    element(out, "Type", status >= 500 ? "Receiver" : "Sender");
    element(out, "Code", failure->code);
    element(out, "Message", failure->message ? failure->message : "");
    buf_append_text(out, "</Error>");
    element(out, "RequestId", request_id);
    buf_append_text(out, "</ErrorResponse>");
}

int answer_failure(struct buf *out, enum aws_protocol protocol, const char *xml_namespace,
                   const struct local_failure *failure, const char *request_id)
{
    int status = failure->status ? failure->status : 400;
    buf_reset(out);
    if (protocol == AWS_QUERY)
        failure_xml(out, xml_namespace, failure, status, request_id);
    else
        failure_json(out, failure);
    return status;
}

int answer_xml(struct buf *out, const struct local_service *service,
               const struct local_operation *operation, const struct buf *json,
               const char *request_id)
{
    json_t *value = json_read(buf_text(json), json->len, NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        return -1;
    }
    const char *name = operation->name;
    bool result = json_object_size(value) > 0 || (operation->flags & LOCAL_EMPTY_RESULT);
    buf_printf(out, "<%sResponse xmlns=\"%s\">", name, service->xml_namespace);
    if (result) {
        buf_printf(out, "<%sResult>", name);
        if (service->twin)
            service->twin->write(out, name, value);
        else
            query_write_xml(out, value);
        buf_printf(out, "</%sResult>", name);
    }
    buf_append_text(out, "<ResponseMetadata>");
    element(out, "RequestId", request_id);
    buf_printf(out, "</ResponseMetadata></%sResponse>", name);
    json_decref(value);
    return 0;
}
