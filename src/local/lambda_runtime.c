#include "local/lambda_runtime.h"

#include "base/json.h"
#include "local/lambda_pool.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "/2018-06-01/runtime/";

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

/* Runtime.Reason or Function.Reason; the rest is not shown (it goes into log lines). */
static struct text error_type_of(const struct http_incoming *in)
{
    struct text type = http_incoming_field(in, "lambda-runtime-function-error-type"), rest = type;
    struct text category = text_cut(&rest, '.');
    bool good = rest.data && rest.len > 1 && rest.len < 100 && is_upper(rest.data[0]) &&
                (text_is(category, "Runtime") || text_is(category, "Function"));
    for (size_t i = 0; good && i < rest.len; i++)
        good = is_letter(rest.data[i]);
    return good ? type : (struct text){NULL, 0};
}

/* invocation/ID/response, invocation/ID/error */
static void read_invocation(struct text rest, struct lambda_runtime_request *out)
{
    out->request_id = text_cut(&rest, '/');
    if (text_is(rest, "response"))
        out->call = LAMBDA_RESPONSE;
    else if (text_is(rest, "error"))
        out->call = LAMBDA_ERROR;
}

void lambda_runtime_read(const struct http_incoming *in, struct lambda_runtime_request *out)
{
    static const char invocation[] = "invocation/";
    size_t len = sizeof prefix - 1, invocation_len = sizeof invocation - 1;
    *out = (struct lambda_runtime_request){.call = LAMBDA_NO_CALL};
    if (in->path.len < len || memcmp(in->path.data, prefix, len) != 0)
        return;
    struct text rest = {in->path.data + len, in->path.len - len};
    if (text_is(rest, "invocation/next"))
        out->call = LAMBDA_NEXT;
    else if (text_is(rest, "init/error"))
        out->call = LAMBDA_INIT_ERROR;
    else if (rest.len > invocation_len && memcmp(rest.data, invocation, invocation_len) == 0)
        read_invocation((struct text){rest.data + invocation_len, rest.len - invocation_len}, out);
    if (out->call == LAMBDA_NO_CALL)
        return;
    out->error_type = error_type_of(in);
    if (!text_is(in->method, out->call == LAMBDA_NEXT ? "GET" : "POST"))
        out->call = LAMBDA_WRONG_METHOD;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int put(struct http_exchange *exchange, int status, const char *type, const char *message)
{
    struct json_writer w;
    json_writer_init(&w, http_exchange_body(exchange));
    json_open(&w);
    json_put_text(&w, "errorMessage", message);
    json_put_text(&w, "errorType", type);
    json_close(&w);
    http_exchange_header(exchange, "Content-Type", "application/json");
    return status;
}

int lambda_runtime_accept(struct http_exchange *exchange)
{
    buf_append_text(http_exchange_body(exchange), "{\"status\":\"OK\"}\n");
    http_exchange_header(exchange, "Content-Type", "application/json");
    return 202;
}

int lambda_runtime_refuse_id(struct http_exchange *exchange)
{
    return put(exchange, 400, "InvalidRequestID", "Invalid request ID");
}

int lambda_runtime_refuse_size(struct http_exchange *exchange)
{
    char message[100];
    snprintf(message, sizeof message, "Exceeded maximum allowed payload size (%d bytes).",
             LAMBDA_LARGEST_ANSWER);
    return put(exchange, 413, "RequestEntityTooLarge", message);
}

int lambda_runtime_refuse_state(struct http_exchange *exchange, const char *from, const char *to)
{
    char message[200];
    snprintf(message, sizeof message,
             "State transition from %s to %s failed for runtime. Error: State transition is not "
             "allowed",
             from, to);
    return put(exchange, 403, "InvalidStateTransition", message);
}

void lambda_runtime_failure(struct buf *out, const char *type, const char *request_id,
                            const char *message)
{
    char text[1200];
    struct json_writer w;
    snprintf(text, sizeof text, "RequestId: %s Error: %s", request_id, message);
    json_writer_init(&w, out);
    json_open(&w);
    json_put_text(&w, "errorType", type);
    json_put_text(&w, "errorMessage", text);
    json_close(&w);
}
