/*
 * control: /_understudy/, the local AWS's own door beside AWS's.
 *
 * GET /_understudy/health   200 {"status":"running","version":...,"services":[...]}
 * GET /_understudy/operations  200 {"ssm":[{"name":"GetParameter","action":"ssm:GetParameter",
 *                           "writes":false,"permission":true},...],...}: what is answered here
 * Under --testing only (its manual page has the forms of what is sent):
 * POST /_understudy/reset   empties all accounts and Regions, puts clock and faults as they were
 *                           at start, keeps the credentials given then; 204
 * GET, POST /_understudy/clock    the server's time: look, set, advance, stop, put right
 * GET, POST, DELETE /_understudy/faults    what befalls calls: look, replace, none
 * Anything else under it is 404.
 */
#ifndef UNDERSTUDY_LOCAL_CONTROL_H
#define UNDERSTUDY_LOCAL_CONTROL_H

#include "local/pipeline.h"

bool control_wants(const struct http_incoming *in);
void control_serve(struct pipeline *pipeline, struct http_exchange *exchange);

#endif
