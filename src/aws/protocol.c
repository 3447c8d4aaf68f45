#include "aws/error_codes.h"
#include "aws/protocol_intern.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

int protocol_build(struct arena *arena, const struct aws_operation *operation, const json_t *input,
                   struct protocol_request *out, struct error *err)
{
    *out = (struct protocol_request){0};
    if (input && !json_is_object(input))
        return error_set(err, ERR_INVALID, "%s: the input is not an object", operation->name);
    switch (operation->service->protocol) {
    case AWS_QUERY:
        return protocol_query_build(arena, operation, input, out, err);
    case AWS_REST_JSON:
        return protocol_rest_build(arena, operation, input, out, err);
    default:
        return protocol_json_build(arena, operation, input, out, err);
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

static const char *header(const struct http_response *response, const char *name)
{
    return http_header_find(response->headers, response->header_count, name);
}

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

/* "com.amazon.coral#Code:http://..." is Code: cut before the first ':', then after the last '#'. */
static void copy_code(char *out, size_t size, const char *text)
{
    size_t len = strcspn(text, ":");
    for (size_t i = len; i-- > 0;) {
        if (text[i] == '#') {
            text += i + 1;
            len -= i + 1;
            break;
        }
    }
    snprintf(out, size, "%.*s", (int)(len < size ? len : size), text);
}

/* On a mismatch AWS prints the canonical request, session token and all: keep that out of logs. */
static void copy_message(char *out, size_t size, const char *text)
{
    copy(out, size, text);
    char *told = strstr(out, "\n\nThe Canonical String");
    if (told)
        *told = '\0';
}

static const char *any_text(const json_t *object, const char *one, const char *other)
{
    const json_t *value = json_object_get(object, one);
    if (!value)
        value = json_object_get(object, other);
    return json_string_value(value);
}

static void read_json_error(const struct http_response *response, bool rest, struct error *err)
{
    json_t *body = response->body_len ? json_read(response->body, response->body_len, NULL) : NULL;
    const char *type = json_text(body, "__type"), *code = any_text(body, "code", "Code");
    const char *named = header(response, "x-amzn-errortype");
    /* REST services name the error in the header first, the others in the body. */
    if (!rest)
        code = type ? type : code ? code : named;
    else
        code = named ? named : code ? code : type;
    if (code)
        copy_code(err->aws_code, sizeof err->aws_code, code);
    /* Services that came from the query protocol keep their old codes here: "Code;Sender". */
    const char *old = header(response, "x-amzn-query-error");
    if (old && strcspn(old, ";") > 0)
        snprintf(err->aws_code, sizeof err->aws_code, "%.*s", (int)strcspn(old, ";"), old);
    copy_message(err->message, sizeof err->message, any_text(body, "message", "Message"));
    json_decref(body);
}

static void read_query_error(const struct http_response *response, struct error *err)
{
    json_t *body = xml_parse(response->body, response->body_len, NULL);
    const json_t *told = json_object_get(body, "Error");
    if (json_is_object(told)) {
        copy(err->aws_code, sizeof err->aws_code, json_text(told, "Code"));
        copy_message(err->message, sizeof err->message, json_text(told, "Message"));
        copy(err->request_id, sizeof err->request_id, json_text(body, "RequestId"));
    }
    json_decref(body);
}

static int read_error(const struct aws_operation *operation, const struct http_response *response,
                      struct error *err)
{
    static const char *const ids[] = {"x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"};
    struct error local;
    if (!err)
        err = &local;
    *err = (struct error){.http_status = response->status};
    if (operation->service->protocol == AWS_QUERY)
        read_query_error(response, err);
    else
        read_json_error(response, operation->service->protocol == AWS_REST_JSON, err);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0] && !err->request_id[0]; i++)
        copy(err->request_id, sizeof err->request_id, header(response, ids[i]));
    const char *code = err->aws_code[0] ? err->aws_code : NULL;
    err->code = aws_error_class(operation->service->name, code, response->status);
    if (!code)
        snprintf(err->aws_code, sizeof err->aws_code, "%d", response->status);
    return -1;
}

static int broken(const struct aws_operation *operation, const struct http_response *response,
                  struct error *err)
{
    error_set(err, ERR_UNAVAILABLE, "%s: the answer does not parse", operation->name);
    if (err) {
        err->http_status = response->status;
        snprintf(err->aws_code, sizeof err->aws_code, "%d", response->status);
    }
    return -1;
}

/* <OpResponse><OpResult>..</OpResult><ResponseMetadata/></OpResponse>; no result: no output. */
static json_t *query_result(const struct aws_operation *operation, json_t *root)
{
    char name[128];
    snprintf(name, sizeof name, "%sResult", operation->name);
    json_t *result = json_object_get(root, name);
    result = json_is_object(result) ? json_incref(result) : json_object();
    json_decref(root);
    return result;
}

int protocol_read(const struct aws_operation *operation, const struct http_response *response,
                  json_t **output, struct error *err)
{
    if (response->status < 200 || response->status > 299)
        return read_error(operation, response, err);
    if (response->body_len == 0) {
        *output = json_object();
        return 0;
    }
    bool query = operation->service->protocol == AWS_QUERY;
    json_t *body = query ? xml_parse(response->body, response->body_len, NULL)
                         : json_read(response->body, response->body_len, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return broken(operation, response, err);
    }
    *output = query ? query_result(operation, body) : body;
    return 0;
}
