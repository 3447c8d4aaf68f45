/*
 * http_proxy: which proxy the environment names for a URL.
 *
 * The rules are libcurl's (https://curl.se/docs/manpage.html, "ENVIRONMENT"): `http_proxy` in lower
 * case only, since a web server's own environment may hold the upper case as a request's header;
 * `https_proxy`, `HTTPS_PROXY`; `all_proxy`, `ALL_PROXY` for both; `no_proxy`, `NO_PROXY` say where
 * not. They are ours to keep because a request in the clear is written another way for a proxy, and
 * libcurl does not tell whether it found one. The environment is read once; then any thread.
 */
#ifndef UNDERSTUDY_NET_HTTP_PROXY_H
#define UNDERSTUDY_NET_HTTP_PROXY_H

#include "net/url.h"

#include <stdbool.h>

struct arena;

struct http_proxies {
    char *http, *https;   /* NULL: none */
    char *no_proxy, *own; /* what the environment excepts, or NULL; what is always excepted */
};

/* `own`: exceptions besides those of the environment. Heap strings, until done. */
void http_proxies_read(struct http_proxies *proxies, const char *own);
void http_proxies_done(struct http_proxies *proxies);
/* NULL: the URL's server is asked itself. */
const char *http_proxy_of(const struct http_proxies *proxies, const struct url *url);

/* Is the proxy handed whole requests in the clear (not one that only passes bytes on, SOCKS)? Then
 * what it is to be told of who asks: a Proxy-Authorization, in `arena`, or NULL. */
bool http_proxy_takes_requests(struct arena *arena, const char *proxy, const char **authorization);

#endif
