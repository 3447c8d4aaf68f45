/*
 * control: /_understudy/, the local AWS's own door beside AWS's.
 *
 * GET /_understudy/health   200 {"status":"running","version":...,"services":[...]}
 * POST /_understudy/reset   under --testing: empties all accounts and Regions, keeps the
 *                           credentials given at start; 204
 * Anything else under it is 404.
 */
#ifndef UNDERSTUDY_LOCAL_CONTROL_H
#define UNDERSTUDY_LOCAL_CONTROL_H

#include "local/pipeline.h"

bool control_wants(const struct http_incoming *in);
void control_serve(struct pipeline *pipeline, struct http_exchange *exchange);

#endif
