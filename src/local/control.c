#include "local/control.h"

#include "base/json.h"
#include "local/accounts.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

static const char prefix[] = "/_understudy/";

bool control_wants(const struct http_incoming *in)
{
    size_t len = sizeof prefix - 1;
    return in->path.len >= len && memcmp(in->path.data, prefix, len) == 0;
}

static void reply_health(const struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct json_writer w;
    json_writer_init(&w, http_exchange_body(exchange));
    json_open(&w);
    json_put_text(&w, "status", "running");
    json_put_text(&w, "version", UNDERSTUDY_VERSION);
    json_key(&w, "services");
    json_open_list(&w);
    for (const struct local_service *const *service = pipeline->services; *service; service++)
        json_write_text(&w, (*service)->name);
    json_close_list(&w);
    json_close(&w);
    http_exchange_header(exchange, "Content-Type", "application/json");
    http_exchange_reply(exchange, 200);
}

struct reset {
    struct writer_job job; /* first */
    struct pipeline *pipeline;
    struct http_exchange *exchange;
};

static bool reset_run(struct writer_job *job, struct store_session *store, uint64_t version)
{
    struct reset *reset = (struct reset *)job;
    (void)version;
    return store_empty(store, accounts_kept_tables) == 0 &&
           accounts_setup(reset->pipeline->local, store) == 0;
}

static void reset_done(struct writer_job *job, enum writer_outcome outcome)
{
    struct reset *reset = (struct reset *)job;
    http_exchange_queue(reset->exchange, outcome == WRITER_COMMITTED ? 204 : 500);
    free(reset);
}

static void start_reset(struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct reset *reset = memory_alloc(sizeof *reset);
    *reset = (struct reset){{.run = reset_run, .done = reset_done}, pipeline, exchange};
    http_exchange_defer(exchange);
    writer_submit(pipeline->writer, &reset->job);
}

void control_serve(struct pipeline *pipeline, struct http_exchange *exchange)
{
    const struct http_incoming *in = http_exchange_incoming(exchange);
    bool get = text_is(in->method, "GET"), post = text_is(in->method, "POST");
    if (text_is(in->path, "/_understudy/health") && get)
        reply_health(pipeline, exchange);
    else if (text_is(in->path, "/_understudy/reset") && post && pipeline->local->testing)
        start_reset(pipeline, exchange);
    else
        http_exchange_reply(exchange, 404);
}
