#include "local/control_parts.h"

#include "local/accounts.h"
#include "local/faults.h"
#include "local/lambda_pool.h"
#include "local/moved_clock.h"
#include "local/quotas.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

static const char prefix[] = "/_understudy/";

bool control_wants(const struct http_incoming *in)
{
    size_t len = sizeof prefix - 1;
    return in->path.len >= len && memcmp(in->path.data, prefix, len) == 0;
}

void control_reply(struct http_exchange *exchange, int status)
{
    http_exchange_header(exchange, "Content-Type", "application/json");
    http_exchange_reply(exchange, status);
}

void control_refuse(struct http_exchange *exchange, const char *message)
{
    struct json_writer w;
    json_writer_init(&w, http_exchange_body(exchange));
    json_open(&w);
    json_put_text(&w, "message", message);
    json_close(&w);
    control_reply(exchange, 400);
}

json_t *control_body(struct http_exchange *exchange)
{
    struct text body = http_exchange_incoming(exchange)->body;
    struct error err;
    json_t *value = json_read(body.data ? body.data : "", body.len, &err);
    if (!value)
        control_refuse(exchange, err.message);
    return value;
}

/* --- the table -------------------------------------------------------------------------------- */

static void get_health(struct pipeline *pipeline, struct http_exchange *exchange)
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
    control_reply(exchange, 200);
}

static void list_operations(const struct local_service *service, struct json_writer *w)
{
    json_open_list(w);
    for (const struct local_operation *at = service->operations; at->name; at++) {
        json_open(w);
        json_put_text(w, "name", at->name);
        json_put_text(w, "action", at->action);
        json_put_bool(w, "writes", at->flags & LOCAL_WRITES);
        json_put_bool(w, "permission", !(at->flags & (LOCAL_NO_AUTH | LOCAL_NO_PERMISSION)));
        json_close(w);
    }
    json_close_list(w);
}

static void get_operations(struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct json_writer w;
    json_writer_init(&w, http_exchange_body(exchange));
    json_open(&w);
    for (const struct local_service *const *service = pipeline->services; *service; service++) {
        json_key(&w, (*service)->name);
        list_operations(*service, &w);
    }
    json_close(&w);
    control_reply(exchange, 200);
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

/* As freshly started, but for the credentials. */
static void start_reset(struct pipeline *pipeline, struct http_exchange *exchange)
{
    moved_clock_restore(pipeline->clock);
    faults_reset(pipeline->faults);
    control_restore_events(pipeline);
    if (pipeline->local->lambda_pool)
        lambda_pool_retire(pipeline->local->lambda_pool, NULL);
    quotas_reset(pipeline->local->quotas);
    atomic_store(&pipeline->local->real_signing_time, false);
    struct reset *reset = memory_alloc(sizeof *reset);
    *reset = (struct reset){{.run = reset_run, .done = reset_done}, pipeline, exchange};
    http_exchange_defer(exchange);
    writer_submit(pipeline->writer, &reset->job);
}

static const struct {
    const char *method, *name;
    bool testing_only;
    void (*serve)(struct pipeline *, struct http_exchange *);
} table[] = {
    {"GET", "health", false, get_health},         {"GET", "operations", false, get_operations},
    {"POST", "reset", true, start_reset},         {"GET", "clock", true, control_get_clock},
    {"POST", "clock", true, control_set_clock},   {"GET", "faults", true, control_get_faults},
    {"POST", "faults", true, control_set_faults}, {"DELETE", "faults", true, control_clear_faults},
    {"GET", "events", true, control_get_events},  {"POST", "events", true, control_set_events},
};

void control_serve(struct pipeline *pipeline, struct http_exchange *exchange)
{
    const struct http_incoming *in = http_exchange_incoming(exchange);
    struct text name = {in->path.data + sizeof prefix - 1, in->path.len - (sizeof prefix - 1)};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (text_is(name, table[i].name) && text_is(in->method, table[i].method) &&
            (pipeline->local->testing || !table[i].testing_only)) {
            table[i].serve(pipeline, exchange);
            return;
        }
    http_exchange_reply(exchange, 404);
}
