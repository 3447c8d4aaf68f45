/*
 * answer: a result or a failure in the words of each protocol. Pure.
 *
 * Shapes and codes: shared facts sts-iam-sigv4.md section 1 and the table of section 2.
 */
#ifndef UNDERSTUDY_LOCAL_ANSWER_H
#define UNDERSTUDY_LOCAL_ANSWER_H

#include "local/authenticate.h"
#include "local/service.h"

const char *answer_content_type(enum aws_protocol protocol);

/* The failure of a signature: code and status by protocol; texts are left as they are. */
struct local_failure answer_refused(enum aws_protocol protocol, enum authenticate_problem problem,
                                    const char *message);

/* The service's own internal error. */
struct local_failure answer_internal(const struct local_service *service);

/* The service's own way to say that calls come too fast. */
struct local_failure answer_throttled(const struct local_service *service);

/* The failure as it is called in the protocol spoken, for services that speak two; and the value of
 * x-amzn-query-error, or NULL. In `arena`. */
struct local_failure answer_in_protocol(struct arena *arena, const struct local_service *service,
                                        enum aws_protocol protocol,
                                        const struct local_failure *failure,
                                        const char **query_error);

/* Writes a failure's body into `out` (emptied first); returns the HTTP status. */
int answer_failure(struct buf *out, enum aws_protocol protocol, const char *xml_namespace,
                   const struct local_failure *failure, const char *request_id);

/* Turns the JSON object that a query service's handler wrote into the operation's XML; without the
 * Result's element when the operation answers nothing, as AWS does. -1 when it is not JSON, which
 * would be our own mistake. */
int answer_xml(struct buf *out, const struct local_service *service,
               const struct local_operation *operation, const struct buf *json,
               const char *request_id);

#endif
