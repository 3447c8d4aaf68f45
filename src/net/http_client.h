/*
 * http_client: the real transport. libcurl makes the connections (net/http_line), http-parser reads
 * the answers (net/http_answer).
 *
 * Each thread has its own connections, kept alive between calls; redirects are never followed, and
 * nothing is ever sent twice; HTTP/1.1; only http and https; TLS is verified always, against one CA
 * bundle parsed once for all threads (docs/decisions/0004-http-client.md,
 * 0026-http-exchanges.md). Loopback and the metadata addresses never go through a proxy.
 */
#ifndef UNDERSTUDY_NET_HTTP_CLIENT_H
#define UNDERSTUDY_NET_HTTP_CLIENT_H

#include "net/transport.h"

#include <stdbool.h>

struct http_client_options {
    const char *ca_bundle;         /* PEM file; NULL: net/ca_bundle finds one */
    const char *user_agent;        /* NULL: "understudy/<version>" */
    int connect_timeout_ms;        /* 0: 5,000 */
    int timeout_ms;                /* 0: 60,000 */
    size_t largest_response_bytes; /* 0: 16 MiB */
    bool no_proxy;                 /* whatever the environment says */
};

/* Call once in main before any thread. */
int http_client_setup(struct error *err);
/* Freed when no thread uses it any more; handles of threads that still live are freed with it. */
struct transport *http_client_new(const struct http_client_options *options, struct error *err);
void http_client_free(struct transport *client); /* NULL is fine */

#endif
