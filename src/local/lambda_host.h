/*
 * lambda_host: what the pool of Lambda's processes has from the local AWS: credentials of execution
 * roles and a place for log lines (the functions of struct lambda_pool_host).
 *
 * Credentials are a session that STS would make: the role's trust policy must name
 * lambda.amazonaws.com, the session's name is the function's. Lines are written as Lambda does it,
 * with the role's permissions: without logs:CreateLogGroup, logs:CreateLogStream and
 * logs:PutLogEvents there are none. Called on the pool's thread; the work is the writer's.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_HOST_H
#define UNDERSTUDY_LOCAL_LAMBDA_HOST_H

#include "local/lambda_pool.h"
#include "local/writer.h"

struct lambda_host;
struct lambda_host *lambda_host_new(struct local *local, struct writer *writer);
/* When the pool has stopped and the writer has ended. NULL is fine. */
void lambda_host_free(struct lambda_host *host);
struct lambda_pool_host lambda_host_functions(struct lambda_host *host);

#endif
