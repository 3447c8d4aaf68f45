/* What the daemon serves: /healthz, /metrics, its status in three forms. Reads only. */
#include "event/watch_parts.h"
#include "net/http_server.h"

#include <stdlib.h>
#include <string.h>

static void write_health(const struct watch_status *status, struct buf *out)
{
    buf_printf(out, "%s\n", status->healthy ? "ok" : status->reason);
}

static const struct page {
    const char *path, *type;
    void (*write)(const struct watch_status *, struct buf *);
} pages[] = {
    {"/healthz", "text/plain; charset=utf-8", write_health},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", watch_write_prometheus},
    {"/status.json", "application/json", watch_write_json},
    {"/status.txt", "text/plain; charset=utf-8", watch_write_text},
    {"/", "text/html; charset=utf-8", watch_write_html},
    {NULL, NULL, NULL},
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
    http_exchange_reply(exchange, page->write == write_health && !status.healthy ? 503 : 200);
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
        .largest_body_bytes = 1024,
        .largest_connections = 64,
        .arg = watch,
        .handle = handle,
    };
    watch->http = http_server_new(&options, err);
    if (!watch->http)
        return -1;
    return http_server_start(watch->http, err);
}
