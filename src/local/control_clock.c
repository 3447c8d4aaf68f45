/* /_understudy/clock: what time the server says it is. */
#include "local/agenda.h"
#include "local/control_parts.h"
#include "local/doorbell.h"
#include "local/event_bus.h"
#include "local/lambda_async.h"
#include "local/moved_clock.h"

#include <string.h>

static void reply_clock(struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct moved_clock_state now;
    moved_clock_read(pipeline->clock, &now);
    char text[CLOCK_TEXT_SIZE];
    clock_format_iso_ms(now.time_ms, text);
    struct json_writer w;
    json_writer_init(&w, http_exchange_body(exchange));
    json_open(&w);
    json_key(&w, "time");
    json_write_epoch(&w, now.time_ms);
    json_put_text(&w, "text", text);
    json_key(&w, "real");
    json_write_epoch(&w, now.real_ms);
    json_put_bool(&w, "stopped", now.stopped);
    json_put_text(&w, "signatures",
                  atomic_load(&pipeline->local->real_signing_time) ? "real" : "clock");
    json_close(&w);
    control_reply(exchange, 200);
}

void control_get_clock(struct pipeline *pipeline, struct http_exchange *exchange)
{
    reply_clock(pipeline, exchange);
}

/* Seconds as a number, or an ISO 8601 instant; -1: neither. */
static int read_time(const json_t *value, int64_t *time_ms)
{
    if (json_is_string(value))
        return clock_parse_iso(json_string_value(value), json_string_length(value), time_ms);
    if (!json_is_number(value))
        return -1;
    double ms = json_number_value(value) * 1000;
    if (!(ms >= (double)-MOVED_CLOCK_LAST_MS && ms <= (double)MOVED_CLOCK_LAST_MS))
        return -1;
    *time_ms = (int64_t)(ms < 0 ? ms - 0.5 : ms + 0.5);
    return 0;
}

/* What is wrong with the members, or NULL when the clock has been set. */
static const char *apply(struct pipeline *pipeline, const json_t *body)
{
    const json_t *time = json_object_get(body, "time"), *by = json_object_get(body, "advance");
    const json_t *stopped = json_object_get(body, "stopped");
    const char *signatures = json_text(body, "signatures");
    bool stop = json_is_true(stopped), real = json_bool_or(body, "real", false);
    int64_t ms = 0;
    if ((time != NULL) + (by != NULL) + real > 1)
        return "one of time, advance and real is wanted";
    if (stopped && !json_is_boolean(stopped))
        return "stopped is true or false";
    if (json_object_get(body, "signatures") &&
        (!signatures || (strcmp(signatures, "clock") != 0 && strcmp(signatures, "real") != 0)))
        return "signatures is \"clock\" or \"real\"";
    if (time && read_time(time, &ms) != 0)
        return "time is a number of seconds since 1970 or an ISO 8601 instant";
    if (by && (!json_is_number(by) || read_time(by, &ms) != 0))
        return "advance is a number of seconds";
    struct moved_clock_state now;
    moved_clock_read(pipeline->clock, &now);
    if (!stopped)
        stop = now.stopped;
    if (time ? moved_clock_set(pipeline->clock, ms, stop) != 0
             : !real && moved_clock_advance(pipeline->clock, ms, stop) != 0)
        return "the clock shows the years 1970 to 9999";
    if (real)
        moved_clock_restore(pipeline->clock);
    agenda_wake(pipeline->local->agenda);
    event_bus_wake(atomic_load(&pipeline->local->events));
    lambda_async_wake(atomic_load(&pipeline->local->invocations));
    if (signatures || real)
        atomic_store(&pipeline->local->real_signing_time,
                     signatures && strcmp(signatures, "real") == 0);
    return NULL;
}

void control_set_clock(struct pipeline *pipeline, struct http_exchange *exchange)
{
    json_t *body = control_body(exchange);
    if (!body)
        return;
    const char *problem = json_is_object(body) ? apply(pipeline, body) : "an object is wanted";
    json_decref(body);
    if (problem) {
        control_refuse(exchange, problem);
        return;
    }
    doorbell_sound_all(pipeline->local->doorbell); /* it may be time for who waits */
    pipeline->wake(pipeline->server);
    reply_clock(pipeline, exchange);
}
