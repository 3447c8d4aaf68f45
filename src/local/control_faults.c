/* /_understudy/faults: what is to befall calls. */
#include "local/control_parts.h"
#include "local/faults.h"

static void reply_faults(struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct json_writer w;
    json_writer_init(&w, http_exchange_body(exchange));
    faults_write(pipeline->faults, &w);
    control_reply(exchange, 200);
}

void control_get_faults(struct pipeline *pipeline, struct http_exchange *exchange)
{
    reply_faults(pipeline, exchange);
}

void control_set_faults(struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct text body = http_exchange_incoming(exchange)->body;
    struct error err;
    struct fault_rules *rules =
        fault_rules_read(body.data ? body.data : "", body.len, pipeline->services, &err);
    if (!rules) {
        control_refuse(exchange, err.message);
        return;
    }
    faults_set(pipeline->faults, rules);
    reply_faults(pipeline, exchange);
}

void control_clear_faults(struct pipeline *pipeline, struct http_exchange *exchange)
{
    faults_set(pipeline->faults, NULL);
    reply_faults(pipeline, exchange);
}
