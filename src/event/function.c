#include "event/function.h"

#include "base/log.h"
#include "client/session.h"
#include "event/canary.h"
#include "resource/services.h"

#include <string.h>

enum { WORKERS_LEAST = 4 };

static void log_notes(const struct event_settings *settings)
{
    for (size_t i = 0; i < settings->note_count; i++)
        log_event(LOG_INFO, "note on the configuration", "source", settings->origin, "note",
                  settings->notes[i], NULL);
}

int function_open(struct function *function, const struct function_options *options,
                  struct error *err)
{
    memset(function, 0, sizeof *function);
    function->options = *options;
    function->clock = options->clock ? options->clock : clock_system();
    arena_init(&function->arena);
    arena_init(&function->parameter);
    stop_init(&function->stop, function->clock);
    metrics_init(&function->metrics);
    struct error why = {0};
    if (event_settings_read(&function->arena, options->get, options->folder, &function->settings,
                            &why) == 0) {
        log_notes(&function->settings);
        return 0;
    }
    if (err)
        *err = why;
    function->no_settings = why;
    return -1;
}

void function_close(struct function *function)
{
    reconciler_close(function->reconciler);
    session_free(function->session);
    metrics_done(&function->metrics);
    arena_done(&function->parameter);
    arena_done(&function->arena);
}

/* Kept back for the answer and the log: a tenth of what is left, at most a second. */
void function_begin(struct function *function, int64_t deadline_ms)
{
    const int64_t most_ms = 1000;
    if (!deadline_ms) {
        function->stop.wanted_ms = function->stop.due_ms = 0;
        return;
    }
    int64_t left_ms = deadline_ms - function->clock->now_ms(function->clock);
    int64_t margin_ms = left_ms / 10 < most_ms ? left_ms / 10 : most_ms;
    stop_due_in(&function->stop, left_ms > 1 ? left_ms - margin_ms : 1);
}

/* Each worker has connections of its own, and a look at one name needs no more than one for each
 * side: with few workers connections stay warm and no handshake is paid for the next event. A full
 * pass is bound by quotas of a few calls a second, not by workers. */
static unsigned workers_for(const struct config_set *set)
{
    size_t most = 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].destination_count > most)
            most = set->items[i].destination_count;
    return most + 1 < WORKERS_LEAST         ? WORKERS_LEAST
           : most + 1 < CONCURRENCY_DEFAULT ? (unsigned)most + 1
                                            : CONCURRENCY_DEFAULT;
}

int function_reconciler(struct function *function, const struct event_settings *settings,
                        struct reconciler **out, struct error *err)
{
    const struct reconcile_options options = {
        .transport = function->options.transport,
        .clock = function->options.clock,
        .random = function->options.random,
        .environment = function->options.environment,
        .stop = &function->stop,
        .concurrency = workers_for(&settings->set),
        .dry_run = settings->dry_run,
    };
    return reconciler_open(&settings->set, &options, out, err);
}

/* --- the configuration parameter -------------------------------------------------------------- */

static int open_session(struct function *function, struct error *err)
{
    const struct session_options options = {
        .transport = function->options.transport,
        .clock = function->options.clock,
        .random = function->options.random,
        .environment = function->options.environment,
        .stop = &function->stop,
    };
    if (!function->session)
        function->session = session_new(&options, err);
    return function->session ? 0 : -1;
}

static const json_t *first_parameter(const json_t *answer)
{
    return json_array_get(json_object_get(answer, "Parameters"), 0);
}

/* The answer holds the value; NULL: not read. */
static json_t *ask(struct function *function, struct arena *arena, struct error *err)
{
    const char *name = function->settings.parameter;
    if (open_session(function, err) != 0)
        return NULL;
    const char *region = session_region(function->session);
    if (!region) {
        error_set(err, ERR_INVALID, "AWS_REGION is not set");
        return NULL;
    }
    struct aws_client *client = session_client(function->session, &service_ssm, region, true, err);
    json_t *in = client ? json_pack("{s:[s],s:b}", "Names", name, "WithDecryption", 1) : NULL;
    json_t *answer = NULL;
    int result = in ? aws_call(client, arena, &operation_ssm_get_parameters, in, &answer, err) : -1;
    json_decref(in);
    if (result == 0 && !json_text(first_parameter(answer), "Value")) {
        error_set(err, ERR_NOT_FOUND, "there is no such parameter in %s", region);
        json_decref(answer);
        return NULL;
    }
    return result == 0 ? answer : NULL;
}

/* What it said last time stays when it says the same, and with it the reconciler. */
static int take(struct function *function, const char *text, size_t len, struct error *err)
{
    if (function->parameter_text && len == function->parameter_len &&
        memcmp(text, function->parameter_text, len) == 0)
        return 0;
    struct arena arena;
    arena_init(&arena);
    if (event_settings_take(&arena, function->options.get, text, len, &function->settings, err) !=
        0) {
        arena_done(&arena);
        return -1;
    }
    const char *copy = arena_strndup(&arena, text, len);
    reconciler_close(function->reconciler);
    function->reconciler = NULL;
    arena_done(&function->parameter);
    function->parameter = arena;
    function->parameter_text = copy;
    function->parameter_len = len;
    return 0;
}

static int read_parameter(struct function *function, struct error *err)
{
    int64_t now_ms = function->clock->monotonic_ms(function->clock);
    if (function->parameter_text && !function->parameter_changed &&
        now_ms - function->parameter_read_ms < CONFIG_MAX_AGE_MS)
        return 0;
    struct arena arena;
    arena_init(&arena);
    function->parameter_changed = true; /* until it was read and is good */
    json_t *answer = ask(function, &arena, err);
    int result = -1;
    if (answer) {
        const json_t *value = json_object_get(first_parameter(answer), "Value");
        result = take(function, json_string_value(value), json_string_length(value), err);
    } else {
        error_context(err, "the configuration parameter %s", function->settings.parameter);
    }
    if (result == 0) {
        function->parameter_changed = false;
        function->parameter_read_ms = now_ms;
    }
    json_decref(answer);
    arena_done(&arena);
    return result;
}

/* The name with or without its slash: an event of a name that is spelled as ARN has both. */
void function_hinted(struct function *function, const struct hint *hint)
{
    const char *name = function->settings.parameter;
    if (name && hint->kind && strcmp(hint->kind, "ssm-parameter") == 0 &&
        strcmp(name + (*name == '/'), hint->name + (*hint->name == '/')) == 0)
        function->parameter_changed = true;
}

int function_ready(struct function *function, struct error *err)
{
    if (function->no_settings.code) {
        if (err)
            *err = function->no_settings;
        return -1;
    }
    if (function->settings.parameter && read_parameter(function, err) != 0)
        return -1;
    if (function->reconciler)
        return 0;
    return function_reconciler(function, &function->settings, &function->reconciler, err);
}

/* --- the canary ------------------------------------------------------------------------------- */

static int check_canary(const struct function *function, struct arena *arena, struct error *err)
{
    const struct config_set *set = &function->settings.set;
    const char *name = function->settings.canary;
    if (!name)
        return error_set(err, ERR_INVALID, "UNDERSTUDY_CANARY does not name the canary");
    if (set->items[0].source.chain_count)
        return error_set(err, ERR_INVALID,
                         "the canary %s is written with the function's own role, and the source is "
                         "behind another",
                         name);
    for (size_t i = 0; i < set->count; i++)
        if (canary_carried(arena, set, &set->items[i], name))
            return 0;
    return error_set(err, ERR_INVALID, "no replication carries the canary %s from %s", name,
                     set->items[0].source.region);
}

int function_canary(struct function *function, struct arena *arena, struct aws_call_counts *counts,
                    struct error *err)
{
    const struct config_side *source = &function->settings.set.items[0].source;
    *counts = (struct aws_call_counts){0};
    if (check_canary(function, arena, err) != 0)
        return -1;
    if (function->settings.dry_run)
        return 0;
    const struct session_options options = {
        .region = source->region,
        .endpoint_url = source->endpoint_url,
        .transport = function->options.transport,
        .clock = function->options.clock,
        .random = function->options.random,
        .environment = function->options.environment,
        .stop = &function->stop,
    };
    struct session *session = session_new(&options, err);
    if (!session)
        return -1;
    int result = canary_write(session, arena, source->region, function->settings.canary,
                              function->clock->now_ms(function->clock), err);
    session_counts(session, counts);
    session_free(session);
    return result == 0 ? 0 : error_context(err, "the canary %s", function->settings.canary);
}
