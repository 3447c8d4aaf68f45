/* /_understudy/events: what befalls events on their way: delay, loss, repetition, reordering. */
#include "local/control_parts.h"
#include "local/event_bus.h"

#include <stdatomic.h>

enum { LARGEST_SECONDS = 24 * 3600, PER_MILLE = 1000 };

static struct event_faults *faults_of(struct pipeline *pipeline)
{
    return event_bus_faults(atomic_load(&pipeline->local->events));
}

/* The members, what each is set to, and what one of it is in the server's units (a thousandth). */
struct setting {
    const char *name;
    _Atomic uint32_t *value;
    double largest;
};
enum { SETTING_COUNT = 5 };

static void settings_of(struct event_faults *faults, struct setting out[SETTING_COUNT])
{
    out[0] = (struct setting){"delay", &faults->delay_ms, LARGEST_SECONDS};
    out[1] = (struct setting){"lost", &faults->lost_per_mille, 1};
    out[2] = (struct setting){"repeated", &faults->repeat_per_mille, 1};
    out[3] = (struct setting){"reordered", &faults->reorder_per_mille, 1};
    out[4] = (struct setting){"within", &faults->reorder_ms, LARGEST_SECONDS};
}

void control_get_events(struct pipeline *pipeline, struct http_exchange *exchange)
{
    struct setting settings[SETTING_COUNT];
    struct json_writer w;
    settings_of(faults_of(pipeline), settings);
    json_writer_init(&w, http_exchange_body(exchange));
    json_open(&w);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        json_key(&w, settings[i].name);
        json_write_epoch(&w, atomic_load(settings[i].value));
    }
    json_close(&w);
    control_reply(exchange, 200);
}

void control_restore_events(struct pipeline *pipeline)
{
    struct setting settings[SETTING_COUNT];
    settings_of(faults_of(pipeline), settings);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        atomic_store(settings[i].value, 0);
}

/* NULL, or what is wrong. What is left out is off. */
static const char *apply(struct event_faults *faults, const json_t *body)
{
    struct setting settings[SETTING_COUNT];
    uint32_t values[SETTING_COUNT] = {0};
    size_t known = 0;
    settings_of(faults, settings);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const json_t *value = json_object_get(body, settings[i].name);
        double number = json_number_value(value);
        if (!value)
            continue;
        if (!json_is_number(value) || number < 0 || number > settings[i].largest)
            return "lost, repeated and reordered are shares from 0 to 1, delay and within seconds "
                   "up to a day";
        values[i] = (uint32_t)(number * PER_MILLE);
        known++;
    }
    if (!json_is_object(body) || known != json_object_size(body))
        return "an object with delay, lost, repeated, reordered, within is wanted";
    for (size_t i = 0; i < SETTING_COUNT; i++)
        atomic_store(settings[i].value, values[i]);
    return NULL;
}

void control_set_events(struct pipeline *pipeline, struct http_exchange *exchange)
{
    json_t *body = control_body(exchange);
    if (!body)
        return;
    const char *wrong = apply(faults_of(pipeline), body);
    json_decref(body);
    if (wrong)
        control_refuse(exchange, wrong);
    else
        control_get_events(pipeline, exchange);
}
