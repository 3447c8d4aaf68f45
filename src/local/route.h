/*
 * route: from a request to the service and operation it is for, and its input as JSON.
 *
 * JSON protocols: POST with X-Amz-Target. REST: method and path (local/rest.h). Query protocol: a
 * form in the body, or the same in the query of a GET (presigned requests). Everything here happens
 * before the signature is checked, as at AWS (shared facts sts-iam-sigv4.md section 2, rows 1-4).
 */
#ifndef UNDERSTUDY_LOCAL_ROUTE_H
#define UNDERSTUDY_LOCAL_ROUTE_H

#include "local/authenticate.h"
#include "local/service.h"

struct route {
    const struct local_service *service; /* NULL: nothing here answers that */
    const struct local_operation *operation;
    enum aws_protocol protocol;
    const char *xml_namespace;
    json_t *input;                 /* a new reference, also when refused; NULL: none */
    const struct local_rest *rest; /* REST alone */
    struct text payload;           /* REST: a body that is a member */
    bool not_for_us;               /* 404 <UnknownOperationException/> */
};

/* 0, or -1 with either route->not_for_us or *failure. */
int route_find(struct arena *arena, const struct local_service *const *services,
               const struct http_incoming *in, const struct signed_request *signed_request,
               struct route *route, struct local_failure *failure);

#endif
