#include "event/lambda_runtime.h"

#include "base/json.h"

#include <limits.h>
#include <string.h>

enum {
    ANSWER_TIMEOUT_MS = 30000,  /* the other side is on the same machine */
    MESSAGE_LIMIT = 256 * 1024, /* of an error's JSON */
    REQUEST_ID_LIMIT = 128,     /* it becomes part of a URL */
};

static const char *const error_type_header = "Lambda-Runtime-Function-Error-Type";

int lambda_runtime_init(struct lambda_runtime *runtime, struct arena *arena,
                        struct transport *transport, const char *api, struct error *err)
{
    if (!api || !*api)
        return error_set(err, ERR_INVALID,
                         "AWS_LAMBDA_RUNTIME_API is not set: bootstrap is started by AWS Lambda");
    if (strpbrk(api, "/?# "))
        return error_set(err, ERR_INVALID, "AWS_LAMBDA_RUNTIME_API is not host:port");
    runtime->transport = transport;
    runtime->base = arena_printf(arena, "http://%s/2018-06-01/runtime", api);
    return 0;
}

/* A connection that was kept may have died while the environment was frozen. */
static int send_twice(struct lambda_runtime *runtime, struct arena *arena,
                      const struct http_request *request, struct http_response *response,
                      struct error *err)
{
    int result = runtime->transport->send(runtime->transport, arena, request, response, err);
    if (result != 0 && (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT))
        result = runtime->transport->send(runtime->transport, arena, request, response, err);
    return result == 0 ? 0 : error_context(err, "the Runtime API");
}

/* --- next ------------------------------------------------------------------------------------- */

static const char *header(const struct http_response *response, const char *name)
{
    const char *value = http_header_find(response->headers, response->header_count, name);
    return value && *value ? value : NULL;
}

static bool fit_for_url(const char *request_id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    size_t len = strlen(request_id);
    return len <= REQUEST_ID_LIMIT && strspn(request_id, letters) == len;
}

int lambda_runtime_next(struct lambda_runtime *runtime, struct arena *arena,
                        struct lambda_event *out, struct error *err)
{
    struct http_response response;
    struct http_request request = {
        .method = "GET",
        .url = arena_printf(arena, "%s/invocation/next", runtime->base),
        .timeout_ms = INT_MAX,
    };
    *out = (struct lambda_event){0};
    if (send_twice(runtime, arena, &request, &response, err) != 0)
        return -1;
    if (response.status != 200)
        return error_set(err, ERR_IO, "the Runtime API answered %d to next", response.status);
    out->request_id = header(&response, "Lambda-Runtime-Aws-Request-Id");
    if (!out->request_id || !fit_for_url(out->request_id))
        return error_set(err, ERR_INVALID, "the Runtime API gave no request id");
    const char *deadline = header(&response, "Lambda-Runtime-Deadline-Ms");
    if (deadline && text_to_int64(deadline, strlen(deadline), &out->deadline_ms) != 0)
        return error_set(err, ERR_INVALID, "the Runtime API gave a deadline that is no number");
    out->function_arn = header(&response, "Lambda-Runtime-Invoked-Function-Arn");
    out->trace_id = header(&response, "Lambda-Runtime-Trace-Id");
    out->payload = (struct text){response.body, response.body_len};
    return 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int check_status(int status, const char *what, struct error *err)
{
    switch (status) {
    case 202:
    case 200:
    case 400: /* it has an answer already, */
    case 403: /* or does not wait for one any longer: the next one is asked for */
        return 0;
    case 413:
        return error_set(err, ERR_LIMIT, "%s is larger than AWS Lambda takes", what);
    default:
        return error_set(err, ERR_IO, "the Runtime API answered %d to %s", status, what);
    }
}

int lambda_runtime_answer(struct lambda_runtime *runtime, struct arena *arena,
                          const char *request_id, const char *data, size_t len, struct error *err)
{
    static const struct http_header headers[] = {{"Content-Type", "application/json"}};
    struct http_response response;
    struct http_request request = {
        .method = "POST",
        .url = arena_printf(arena, "%s/invocation/%s/response", runtime->base, request_id),
        .headers = headers,
        .header_count = 1,
        .body = data,
        .body_len = len,
        .timeout_ms = ANSWER_TIMEOUT_MS,
    };
    if (send_twice(runtime, arena, &request, &response, err) != 0)
        return -1;
    return check_status(response.status, "the answer", err);
}

static int post_error(struct lambda_runtime *runtime, struct arena *arena, const char *path,
                      const char *type, const char *message, struct error *err)
{
    const struct http_header headers[] = {
        {"Content-Type", "application/vnd.aws.lambda.error+json"},
        {error_type_header, type},
    };
    struct http_response response;
    struct json_writer w;
    struct buf body;
    buf_init(&body, MESSAGE_LIMIT);
    json_writer_init(&w, &body);
    json_open(&w);
    json_put_text(&w, "errorMessage", message);
    json_put_text(&w, "errorType", type);
    json_key(&w, "stackTrace");
    json_open_list(&w);
    json_close_list(&w);
    json_close(&w);
    struct http_request request = {
        .method = "POST",
        .url = arena_printf(arena, "%s/%s", runtime->base, path),
        .headers = headers,
        .header_count = 2,
        .body = buf_text(&body),
        .body_len = body.len,
        .timeout_ms = ANSWER_TIMEOUT_MS,
    };
    int result = send_twice(runtime, arena, &request, &response, err);
    buf_done(&body);
    return result == 0 ? check_status(response.status, "the error", err) : -1;
}

int lambda_runtime_fail(struct lambda_runtime *runtime, struct arena *arena, const char *request_id,
                        const char *type, const char *message, struct error *err)
{
    const char *path = arena_printf(arena, "invocation/%s/error", request_id);
    return post_error(runtime, arena, path, type, message, err);
}

int lambda_runtime_init_fail(struct lambda_runtime *runtime, struct arena *arena, const char *type,
                             const char *message, struct error *err)
{
    return post_error(runtime, arena, "init/error", type, message, err);
}
