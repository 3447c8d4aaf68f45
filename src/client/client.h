/*
 * client: calls AWS operations: endpoint, signature, clock skew, retries, pacing.
 *
 * aws_call blocks. It may sleep (in client/retry only). `in` is a JSON object or NULL; *out is a
 * new reference to the answer's JSON object (may be NULL: not wanted). Any thread; memory of one
 * call is in the caller's arena until it resets it.
 */
#ifndef UNDERSTUDY_CLIENT_CLIENT_H
#define UNDERSTUDY_CLIENT_CLIENT_H

#include "aws/operation.h"
#include "base/arena.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct aws_client;

int aws_call(struct aws_client *client, struct arena *arena, const struct aws_operation *operation,
             const json_t *in, json_t **out, struct error *err);

/* Calls `operation` until its pages end; `each` gets every page's whole answer and may return -1
 * with err filled to stop. An empty page with a token is not the end. */
int aws_pages(struct aws_client *client, struct arena *arena, const struct aws_operation *operation,
              const json_t *in, int (*each)(const json_t *page, void *arg, struct error *err),
              void *arg, struct error *err);
/* The same from a page on: `*token` says which (NULL: the first). With -1 it says which page was
 * not taken, so that the listing can be gone on with; NULL behind the last. On the heap, the
 * caller's. */
int aws_pages_from(struct aws_client *client, const struct aws_operation *operation,
                   const json_t *in, char **token,
                   int (*each)(const json_t *page, void *arg, struct error *err), void *arg,
                   struct error *err);

const char *aws_client_region(const struct aws_client *client);
const char *aws_client_endpoint(const struct aws_client *client); /* "https://ssm.eu-west-1..." */

/* What this client did so far; for reports. */
struct aws_call_counts {
    uint64_t calls; /* attempts that were sent */
    uint64_t retries;
    uint64_t throttled; /* throttling answers */
    int64_t paced_ms;   /* time slept for the rate limiter */
};
void aws_client_counts(const struct aws_client *client, struct aws_call_counts *out);

#endif
