/*
 * url: absolute http and https URLs taken apart, and percent encoding. Pure; any thread.
 *
 * Parsing is libcurl's (curl_url); this only chooses what we accept.
 */
#ifndef UNDERSTUDY_NET_URL_H
#define UNDERSTUDY_NET_URL_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>

struct arena;
struct buf;

struct url {
    const char *scheme; /* "http" or "https" */
    const char *host;   /* lower case; an IPv6 address in brackets */
    int port;           /* 0: the scheme's default */
    const char *path;   /* at least "/"; as on the wire */
    const char *query;  /* without '?'; NULL when there was none */
};

/* No user, password or fragment is accepted. Strings are in `arena`. */
int url_parse(struct arena *arena, const char *text, struct url *out, struct error *err);
/* "host" or "host:port" as the Host header must say it. */
const char *url_authority(struct arena *arena, const struct url *url);
/* The host is loopback: 127.0.0.0/8, [::1] or localhost. */
bool url_is_loopback(const struct url *url);

/* RFC 3986: all but A-Z a-z 0-9 - . _ ~ become %XX; '/' stays when `keep_slash`. */
void url_encode(struct buf *out, const char *text, size_t len, bool keep_slash);
/* %XX (and '+' as a blank when `plus`) decoded in `arena`; -1 for a broken escape or a NUL byte. */
int url_decode(struct arena *arena, const char *text, size_t len, bool plus, char **out,
               size_t *out_len);

#endif
