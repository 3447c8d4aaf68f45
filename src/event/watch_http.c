/* What the daemon serves: /livez, /healthz, /metrics, its status in three forms. Reads only. */
#include "event/watch_parts.h"
#include "net/http_server.h"

#include <stdlib.h>
#include <string.h>

static bool is_healthy(const struct watch_status *status)
{
    return status->healthy;
}

static bool is_alive(const struct watch_status *status)
{
    return status->alive;
}

static const struct page {
    const char *path, *type;
    void (*write)(const struct watch_status *, struct buf *);
    bool (*well)(const struct watch_status *); /* else 503; NULL: always 200 */
} pages[] = {
    {"/livez", "application/json", watch_write_life, is_alive},
    {"/healthz", "application/json", watch_write_health, is_healthy},
    {"/readyz", "application/json", watch_write_health, is_healthy},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", watch_write_prometheus, NULL},
    {"/status.json", "application/json", watch_write_json, NULL},
    {"/status.txt", "text/plain; charset=utf-8", watch_write_text, NULL},
    {"/", "text/html; charset=utf-8", watch_write_html, NULL},
    {NULL, NULL, NULL, NULL},
};

static const struct page *page_at(struct text path)
{
    for (const struct page *page = pages; page->path; page++)
        if (text_is(path, page->path))
            return page;
    return NULL;
}

static void handle(void *arg, void *loop_state, struct http_exchange *exchange)
{
    struct watch *watch = arg;
    const struct http_incoming *in = http_exchange_incoming(exchange);
    const struct page *page = page_at(in->path);
    struct watch_status status;
    (void)loop_state;
    if (!page) {
        http_exchange_reply(exchange, 404);
        return;
    }
    if (!text_is(in->method, "GET") && !text_is(in->method, "HEAD")) {
        http_exchange_header(exchange, "Allow", "GET, HEAD");
        http_exchange_reply(exchange, 405);
        return;
    }
    watch_status(watch, &status);
    http_exchange_header(exchange, "Content-Type", page->type);
    http_exchange_header(exchange, "Understudy-Healthy", status.healthy ? "yes" : "no");
    http_exchange_header(exchange, "Cache-Control", "no-store");
    http_exchange_header(exchange, "X-Content-Type-Options", "nosniff");
    http_exchange_header(exchange, "Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'");
    page->write(&status, http_exchange_body(exchange));
    http_exchange_reply(exchange, page->well && !page->well(&status) ? 503 : 200);
}

/* "ADDRESS:PORT", "[ADDRESS]:PORT"; without a port a free one. */
int watch_serve(struct watch *watch, struct error *err)
{
    const char *listen = watch->options.listen, *colon = strrchr(listen, ':');
    char *end = NULL;
    long port = colon && colon[1] ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || colon == listen || !end || *end || port < 0 || port > 65535)
        return error_set(err, ERR_INVALID,
                         "--listen %s is not ADDRESS:PORT, such as 127.0.0.1:9187", listen);
    size_t len = (size_t)(colon - listen);
    if (listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    const struct http_server_options options = {
        .host = arena_strndup(&watch->arena, listen, len),
        .port = (int)port,
        .loops = 1,
        /* Who asks is near and asks for little: others must not be kept out by who is slow. */
        .largest_body_bytes = 1024,
        .largest_connections = 256,
        .makes_room = true,
        .header_timeout_ms = 5000,
        .body_timeout_ms = 5000,
        .keep_alive_timeout_ms = 15000,
        .arg = watch,
        .handle = handle,
    };
    watch->http = http_server_new(&options, err);
    if (!watch->http)
        return -1;
    return http_server_start(watch->http, err);
}
