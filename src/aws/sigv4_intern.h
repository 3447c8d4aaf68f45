/*
 * sigv4_intern: what the three files of sigv4 share.
 */
#ifndef UNDERSTUDY_AWS_SIGV4_INTERN_H
#define UNDERSTUDY_AWS_SIGV4_INTERN_H

#include "aws/sigv4.h"

#define SIGV4_ALGORITHM  "AWS4-HMAC-SHA256"
#define SIGV4_TERMINATOR "aws4_request"

enum {
    SIGV4_KEEP_SIGNATURE = 1, /* header mode: a parameter X-Amz-Signature is one like any other */
    SIGV4_DROP_TOKEN = 2      /* query mode, the token was added after signing */
};

int sigv4_canonical_write(struct buf *out, const struct sigv4_request *request,
                          struct text signed_names, unsigned flags, struct error *err);
/* The next of the names between ';'. False after the last. */
bool sigv4_next_name(struct text *rest, struct text *name);
/* First field of that name, NULL when there is none. `name` is lower-case. */
const struct sigv4_field *sigv4_field_find(const struct sigv4_request *request, struct text name);
bool sigv4_name_is(struct text field_name, struct text lower_name);

#endif
