#include "event/invocation.h"

#include "base/log.h"
#include "event/custom_resource.h"
#include "event/event.h"
#include "event/looked.h"

#include <stdio.h>
#include <string.h>

static int fail(struct invocation *invocation, const char *type)
{
    invocation->error_type = type;
    return -1;
}

/* What the user must mend is told apart from what may pass. */
static int not_ready(struct invocation *invocation, const struct error *err)
{
    return fail(invocation, err->code == ERR_INVALID || err->code == ERR_NOT_FOUND
                                ? "Understudy.ConfigurationInvalid"
                                : "Understudy.Failed");
}

/* --- hints ------------------------------------------------------------------------------------ */

int invocation_look(struct invocation *invocation, const struct hint *hints, size_t count,
                    struct hint_result *results, struct tally *sum, struct error *err)
{
    struct function *function = invocation->function;
    for (size_t i = 0; i < count; i++)
        function_hinted(function, &hints[i]);
    if (function_ready(function, err) != 0)
        return not_ready(invocation, err);
    if (reconcile_hints(function->reconciler, invocation->arena, hints, count, results, sum, err) !=
        0)
        return fail(invocation, "Understudy.Failed");
    metrics_calls(&function->metrics, sum->calls, sum->retries, sum->throttled);
    invocation->lags = arena_calloc(invocation->arena, count + 1, sizeof *invocation->lags);
    for (size_t i = 0; i < count; i++) {
        looked_note(&function->metrics, &hints[i], &results[i]);
        if (results[i].lag_ms >= 0)
            invocation->lags[invocation->lag_count++] = results[i].lag_ms;
    }
    metrics_oldest(&function->metrics, looked_oldest_ms(hints, count, results));
    return 0;
}

/* Which outcome names the failure: what may pass the next time before what will not. */
static const char *type_of(const struct hint_result *results, size_t count)
{
    bool failed = false, later = false;
    for (size_t i = 0; i < count; i++) {
        failed = failed || results[i].outcome == HINT_FAILED;
        later = later || results[i].outcome == HINT_LATER;
    }
    return failed ? "Understudy.Failed" : later ? "Understudy.Later" : "Understudy.Blocked";
}

int invocation_judge(struct invocation *invocation, const struct hint *hints, size_t count,
                     const struct hint_result *results, struct error *err)
{
    const size_t shown = 5;
    struct buf text;
    size_t unsettled = 0;
    buf_init(&text, ANSWER_LIMIT);
    for (size_t i = 0; i < count; i++) {
        if (looked_settled(&results[i]) || ++unsettled > shown)
            continue;
        const char *reason = looked_reason(&results[i]);
        buf_printf(&text, "%s%s %s%s%.300s", text.len ? "; " : "",
                   looked_outcome(results[i].outcome), hints[i].name, reason ? ": " : "",
                   reason ? reason : "");
    }
    if (unsettled)
        error_set(err, ERR_UNAVAILABLE, "%zu of %zu items: %s%s", unsettled, count, buf_text(&text),
                  unsettled > shown ? "; and more (see the log)" : "");
    buf_done(&text);
    return unsettled ? fail(invocation, type_of(results, count)) : 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void put_calls(struct json_writer *w, const struct tally *sum)
{
    json_put_int(w, "calls", (int64_t)sum->calls);
    json_put_int(w, "retries", (int64_t)sum->retries);
    json_put_int(w, "throttled", (int64_t)sum->throttled);
}

static void answer_hints(struct invocation *invocation, const struct event_hints *hints,
                         const struct hint_result *results, const struct tally *sum)
{
    uint64_t counts[HINT_LATER + 1] = {0}, writes = 0;
    for (size_t i = 0; i < hints->count; i++) {
        counts[results[i].outcome]++;
        writes += results[i].writes;
    }
    struct json_writer w;
    json_writer_init(&w, invocation->answer);
    json_open(&w);
    json_put_text(&w, "event", hints->what);
    for (unsigned i = 0; i <= HINT_LATER; i++)
        json_put_int(&w, looked_outcome((enum hint_outcome)i), (int64_t)counts[i]);
    json_put_int(&w, "writes", (int64_t)writes);
    json_put_bool(&w, "dry_run", invocation->function->settings.dry_run);
    put_calls(&w, sum);
    json_close(&w);
}

/* What a pass left undone for want of time is `left`; the next pass goes on there. */
static void answer_pass(struct invocation *invocation, const struct tally *sum, bool dry_run)
{
    struct json_writer w;
    json_writer_init(&w, invocation->answer);
    json_open(&w);
    json_put_bool(&w, "finished", !sum->stopped);
    json_put_bool(&w, "resumed", sum->resumed);
    json_put_bool(&w, "dry_run", dry_run);
    json_put_int(&w, "selected", (int64_t)sum->selected);
    json_put_int(&w, "equal", (int64_t)sum->equal);
    json_put_int(&w, "create", (int64_t)sum->create);
    json_put_int(&w, "update", (int64_t)sum->update);
    json_put_int(&w, "delete", (int64_t)(sum->remove + sum->mark));
    json_put_int(&w, "applied", (int64_t)sum->applied);
    json_put_int(&w, "blocked", (int64_t)sum->blocked);
    json_put_int(&w, "failed", (int64_t)(sum->failed + sum->unseen));
    json_put_int(&w, "conflict", (int64_t)sum->conflict);
    json_put_int(&w, "left", (int64_t)(sum->left + sum->planned));
    json_put_int(&w, "missed", (int64_t)sum->missed);
    put_calls(&w, sum);
    json_close(&w);
}

/* --- one event -------------------------------------------------------------------------------- */

static bool is_event(const json_t *payload)
{
    return json_object_get(payload, "detail-type") && json_object_get(payload, "source");
}

static int run_event(struct invocation *invocation, const json_t *payload, struct error *err)
{
    struct event_hints hints;
    struct tally sum = {0};
    int result = event_read(invocation->arena, payload, &hints, err);
    metrics_event(&invocation->function->metrics, result == 0);
    if (result != 0)
        return fail(invocation, "Understudy.EventInvalid");
    struct hint_result *results = arena_calloc(invocation->arena, hints.count + 1, sizeof *results);
    if (hints.ignored) {
        log_event(LOG_INFO, "event ignored", "source", hints.source, "event", hints.what, "reason",
                  hints.ignored, NULL);
        metrics_item(&invocation->function->metrics, METRIC_IGNORED, 0, false, -1);
    } else if (invocation_look(invocation, hints.hints, hints.count, results, &sum, err) != 0 ||
               invocation_judge(invocation, hints.hints, hints.count, results, err) != 0) {
        return -1;
    }
    answer_hints(invocation, &hints, results, &sum);
    return 0;
}

/* --- full passes ------------------------------------------------------------------------------ */

/* EventBridge's own schedule event, or Scheduler's whose detail is text, that carries nothing. */
static bool is_bare_schedule(const json_t *payload)
{
    const json_t *detail = json_object_get(payload, "detail");
    const char *type = json_text(payload, "detail-type");
    if (!type || strcmp(type, "Scheduled Event") != 0)
        return false;
    return !detail || json_is_null(detail) ||
           (json_is_object(detail) && !json_object_size(detail)) ||
           (json_is_string(detail) &&
            (!json_string_length(detail) || strcmp(json_string_value(detail), "{}") == 0));
}

static bool is_word_or_schedule(const json_t *payload)
{
    return json_object_get(payload, "understudy") || is_bare_schedule(payload);
}

/* "2 failed, 1 blocked": what there is of it. */
static const char *pass_trouble(struct arena *arena, const struct tally *sum, uint64_t failed,
                                uint64_t left)
{
    const struct {
        uint64_t count;
        const char *what;
    } parts[] = {
        {failed, "failed"},
        {sum->blocked, "blocked"},
        {left, "left"},
        {sum->failed_destinations, "destinations that could not be listed"},
        {sum->failed_replications, "replications that could not be run"},
        {sum->nothing, "replications that select nothing"},
        {sum->absent, "names that are not there"},
    };
    const char *text = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].count)
            text = arena_printf(arena, "%s%s%llu %s", text, *text ? ", " : "",
                                (unsigned long long)parts[i].count, parts[i].what);
    return text;
}

/* A pass whose time was over is no failure: it goes on where it was. What failed or is blocked is
 * one, and so is a pass that looked at nothing. */
static int judge_pass(struct invocation *invocation, const struct tally *sum, bool dry_run,
                      struct error *err)
{
    uint64_t failed = sum->failed + sum->unseen + sum->conflict;
    uint64_t left = sum->stopped || dry_run ? 0 : sum->planned + sum->left;
    if (!failed && !left && !sum->blocked && !sum->failed_destinations &&
        !sum->failed_replications && !sum->nothing && !sum->absent)
        return 0;
    error_set(
        err, ERR_UNAVAILABLE,
        "of %llu selected: %s; the log names them, and so does `understudy plan` with the same "
        "configuration",
        (unsigned long long)sum->selected, pass_trouble(invocation->arena, sum, failed, left));
    return fail(invocation,
                failed || sum->failed_destinations ? "Understudy.Failed" : "Understudy.Blocked");
}

static int run_pass(struct invocation *invocation, struct reconciler *reconciler, bool dry_run,
                    struct error *err)
{
    struct function *function = invocation->function;
    struct tally sum = {0};
    struct error why = {0};
    int ran = reconcile_all(reconciler, &sum, &why);
    int result = ran == 0 ? judge_pass(invocation, &sum, dry_run, err) : -1;
    if (ran != 0) {
        *err = why;
        fail(invocation, "Understudy.Failed");
    }
    metrics_calls(&function->metrics, sum.calls, sum.retries, sum.throttled);
    if (!sum.stopped || result != 0)
        metrics_pass(&function->metrics, result != 0, sum.missed,
                     function->clock->now_ms(function->clock));
    answer_pass(invocation, &sum, dry_run);
    log_event(result == 0 ? LOG_INFO : LOG_ERROR, "full pass", "counts",
              buf_text(invocation->answer), "reason", result == 0 ? NULL : err->message, NULL);
    return result;
}

static bool is_word(const json_t *payload, const char *word)
{
    return strcmp(json_text_or(payload, "understudy", ""), word) == 0;
}

/* What is beside the word was meant to say something, and would not be heard. */
static int check_word(const json_t *payload, struct error *err)
{
    const json_t *word = json_object_get(payload, "understudy");
    if (!word)
        return 0;
    if (!is_word(payload, "reconcile") && !is_word(payload, "canary"))
        return error_set(err, ERR_INVALID,
                         "the payload's understudy must be \"reconcile\" or \"canary\"");
    if (json_object_size(payload) > 1)
        return error_set(err, ERR_INVALID,
                         "the payload holds more than {\"understudy\":\"%s\"}, which takes no "
                         "other member",
                         json_text(payload, "understudy"));
    return 0;
}

/* The event that the write causes comes back as every other, and its lag is in the metrics. */
static int run_canary(struct invocation *invocation, struct error *err)
{
    struct function *function = invocation->function;
    struct aws_call_counts counts;
    struct json_writer w;
    int result = function_canary(function, invocation->arena, &counts, err);
    metrics_calls(&function->metrics, counts.calls, counts.retries, counts.throttled);
    if (result != 0)
        return not_ready(invocation, err);
    log_event(LOG_INFO, function->settings.dry_run ? "canary not written: dry run" : "canary",
              "name", function->settings.canary, NULL);
    json_writer_init(&w, invocation->answer);
    json_open(&w);
    json_put_text(&w, "canary", function->settings.canary);
    json_put_bool(&w, "written", !function->settings.dry_run);
    json_put_bool(&w, "dry_run", function->settings.dry_run);
    json_put_int(&w, "calls", (int64_t)counts.calls);
    json_close(&w);
    return 0;
}

static int run_word(struct invocation *invocation, const json_t *payload, struct error *err)
{
    if (check_word(payload, err) != 0) {
        metrics_event(&invocation->function->metrics, false);
        return fail(invocation, "Understudy.EventInvalid");
    }
    if (function_ready(invocation->function, err) != 0)
        return not_ready(invocation, err);
    if (is_word(payload, "canary"))
        return run_canary(invocation, err);
    return run_pass(invocation, invocation->function->reconciler,
                    invocation->function->settings.dry_run, err);
}

/* --- params.json ------------------------------------------------------------------------------ */

static bool is_params(const json_t *payload)
{
    return json_object_get(payload, "destination_region") ||
           json_object_get(payload, "destination_account") ||
           json_object_get(payload, "Parameters") || json_object_get(payload, "path");
}

static int run_params(struct invocation *invocation, const json_t *payload, struct error *err)
{
    struct function *function = invocation->function;
    struct event_settings settings;
    struct reconciler *reconciler = NULL;
    struct json_writer w;
    struct buf text;
    buf_init(&text, ANSWER_LIMIT);
    json_writer_init(&w, &text);
    json_write_value(&w, payload);
    int result = event_settings_params(invocation->arena, function->options.get, buf_text(&text),
                                       text.len, &settings, err);
    buf_done(&text);
    if (result != 0) {
        metrics_event(&function->metrics, false);
        return fail(invocation, "Understudy.ConfigurationInvalid");
    }
    for (size_t i = 0; i < settings.note_count; i++)
        log_event(LOG_INFO, "note on the configuration", "source", settings.origin, "note",
                  settings.notes[i], NULL);
    if (function_reconciler(function, &settings, &reconciler, err) != 0)
        return not_ready(invocation, err);
    result = run_pass(invocation, reconciler, settings.dry_run, err);
    reconciler_close(reconciler);
    return result;
}

/* --- CloudFormation --------------------------------------------------------------------------- */

static bool is_custom_resource(const json_t *payload)
{
    json_t *request = custom_resource_find(payload);
    json_decref(request);
    return request;
}

static int run_custom_resource(struct invocation *invocation, const json_t *payload,
                               struct error *err)
{
    const struct function_options *options = &invocation->function->options;
    const struct custom_resource_options custom = {
        .transport = options->transport,
        .clock = options->clock,
        .random = options->random,
        .environment = options->environment,
        .deadline_ms = invocation->deadline_ms,
    };
    json_t *request = custom_resource_find(payload);
    int result = custom_resource_handle(invocation->arena, request, &custom, err);
    json_decref(request);
    if (result != 0)
        return fail(invocation, "Understudy.Failed");
    struct json_writer w;
    json_writer_init(&w, invocation->answer);
    json_open(&w);
    json_put_text(&w, "answered", "CloudFormation");
    json_close(&w);
    return 0;
}

/* --- what a payload may be -------------------------------------------------------------------- */

static const struct shape {
    bool (*is)(const json_t *payload);
    int (*run)(struct invocation *, const json_t *payload, struct error *);
} shapes[] = {
    {is_custom_resource, run_custom_resource},
    {sqs_batch_is, sqs_batch_run},
    {is_word_or_schedule, run_word},
    {is_event, run_event},
    {is_params, run_params},
};

int invocation_run(struct invocation *invocation, struct text payload, struct error *err)
{
    json_t *json = json_read(payload.data, payload.len, err);
    int result = -1;
    invocation->error_type = NULL;
    invocation->lag_count = 0;
    if (!json) {
        metrics_event(&invocation->function->metrics, false);
        error_context(err, "the payload");
        return fail(invocation, "Understudy.EventInvalid");
    }
    function_begin(invocation->function, invocation->deadline_ms);
    metrics_oldest(&invocation->function->metrics, 0); /* what this one leaves */
    size_t i = 0, count = sizeof shapes / sizeof *shapes;
    while (i < count && !(json_is_object(json) && shapes[i].is(json)))
        i++;
    if (i < count) {
        result = shapes[i].run(invocation, json, err);
    } else {
        metrics_event(&invocation->function->metrics, false);
        error_set(err, ERR_INVALID,
                  "the payload is none that is understood: an EventBridge event, a batch of SQS, "
                  "{\"understudy\":\"reconcile\"}, {\"understudy\":\"canary\"}, params.json or a "
                  "request of CloudFormation");
        fail(invocation, "Understudy.EventInvalid");
    }
    json_decref(json);
    return result;
}
