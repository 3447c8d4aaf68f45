/*
 * rest: the server's side of AWS's REST-JSON protocol, after a service's table of bindings (struct
 * local_rest): which operation a method and a path are, what of the input stands in the path, the
 * query, the headers and the body, and where an answer carries what.
 *
 * Pure; any thread. Rules: smithy.io, "AWS restJson1 protocol" and "HTTP bindings"; AWS's clients
 * send either end of a path, with a slash or without.
 */
#ifndef UNDERSTUDY_LOCAL_REST_H
#define UNDERSTUDY_LOCAL_REST_H

#include "local/route.h"

/* Finds the row and reads the input as far as it can be read without the operation's table of
 * types: texts of path, query and headers that stand for numbers and truth values become these.
 * 0, or -1 with either route->not_for_us or *failure. */
int rest_route(struct arena *arena, const struct local_service *const *services,
               const struct http_incoming *in, struct route *route, struct local_failure *failure);

/* How large a body the row for this method and path takes; 0: there is none, or it does not say. */
size_t rest_largest_body(const struct local_service *const *services, struct text method,
                         struct text path);

/* What a handler wrote (`json`, an object; `payload` where a member is the body) as it is answered:
 * headers to the exchange, the body to `body`. The HTTP status, or 500 when it is no JSON, which
 * would be our own mistake. */
int rest_answer(const struct local_rest *rest, const struct buf *json, struct text payload,
                struct http_exchange *exchange, struct buf *body);

/* A failure's body into `out` (emptied first); its HTTP status. `reason`: NULL, or why (the member
 * Reason). `service` NULL: nobody's. */
int rest_failure(struct buf *out, const struct local_service *service,
                 const struct local_failure *failure, const char *reason);

#endif
