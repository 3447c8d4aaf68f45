/*
 * protocol_intern: what the files of protocol share.
 */
#ifndef UNDERSTUDY_AWS_PROTOCOL_INTERN_H
#define UNDERSTUDY_AWS_PROTOCOL_INTERN_H

#include "aws/protocol.h"

enum { PROTOCOL_BODY_LIMIT = 16 * 1024 * 1024 };

int protocol_json_build(struct arena *arena, const struct aws_operation *operation,
                        const json_t *input, struct protocol_request *out, struct error *err);
int protocol_query_build(struct arena *arena, const struct aws_operation *operation,
                         const json_t *input, struct protocol_request *out, struct error *err);
int protocol_rest_build(struct arena *arena, const struct aws_operation *operation,
                        const json_t *input, struct protocol_request *out, struct error *err);

void protocol_add_header(struct protocol_request *out, const char *name, const char *value);
/* `body` into the arena, which is wiped, as the body may hold a secret; frees `body`. */
int protocol_set_body(struct arena *arena, struct protocol_request *out, struct buf *body,
                      struct error *err);
/* A string as it is, numbers and booleans as text in `arena`; NULL for anything else. */
const char *protocol_scalar(struct arena *arena, const json_t *value);

#endif
