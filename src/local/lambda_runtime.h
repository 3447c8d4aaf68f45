/*
 * lambda_runtime: what a function's process asks of the Lambda Runtime API, version 2018-06-01, and
 * the answers' bodies. Pure; what it gives points into the request.
 *
 * Rules: shared facts lambda-and-cloudformation.md, A3; codes and texts as AWS's own emulator has
 * them (aws-lambda-runtime-interface-emulator, internal/lambda/rapi): a wrong request id is 400
 * there, a call out of turn 403.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_RUNTIME_H
#define UNDERSTUDY_LOCAL_LAMBDA_RUNTIME_H

#include "net/http_server.h"

enum lambda_runtime_call {
    LAMBDA_NEXT,
    LAMBDA_RESPONSE,
    LAMBDA_ERROR,
    LAMBDA_INIT_ERROR,
    LAMBDA_NO_CALL,     /* there is no such path */
    LAMBDA_WRONG_METHOD /* there is, for another method */
};

struct lambda_runtime_request {
    enum lambda_runtime_call call;
    struct text request_id; /* LAMBDA_RESPONSE, LAMBDA_ERROR */
    struct text error_type; /* "Function.Reason"; data NULL: none, or not of that form */
};
void lambda_runtime_read(const struct http_incoming *in, struct lambda_runtime_request *out);

/* Build the answer's head and body; status to be sent with it is given back. */
int lambda_runtime_accept(struct http_exchange *exchange);
int lambda_runtime_refuse_id(struct http_exchange *exchange);
int lambda_runtime_refuse_size(struct http_exchange *exchange);
int lambda_runtime_refuse_state(struct http_exchange *exchange, const char *from, const char *to);

/* {"errorType": type, "errorMessage": "RequestId: id Error: " message} */
void lambda_runtime_failure(struct buf *out, const char *type, const char *request_id,
                            const char *message);

#endif
