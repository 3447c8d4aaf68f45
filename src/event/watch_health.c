/* Is it alive, does it replicate, and what is there to know? docs/watch.md says the same in words.
 */
#include "event/watch_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    STUCK_MS = 10 * 60 * 1000,  /* without a round of the driver */
    DEAF_MS = 3 * 60 * 1000,    /* a queue is asked every 20 s */
    FAILING_MS = 5 * 60 * 1000, /* what failed is tried again after 10, 20, 40 ... s */
    LATE_MS = 15 * 60 * 1000,   /* beyond twice the time between full passes */
    CANARY_MISSES = 5,          /* times its period without it being seen */
};

const char *const watch_reason_codes[] = {"stuck",        "queue_unreadable",
                                          "queue_silent", "pass_failed",
                                          "pass_late",    "changes_failing",
                                          "canary_late",  NULL};
const char *const watch_warning_codes[] = {"blocked", "configuration_rejected", "dry_run", NULL};

__attribute__((format(printf, 3, 4))) static void add(struct watch_words *words, const char *code,
                                                      const char *format, ...)
{
    va_list arguments;
    struct watch_word *word = &words->items[words->count++];
    va_start(arguments, format);
    word->code = code;
    vsnprintf(word->text, sizeof word->text, format, arguments);
    va_end(arguments);
}

static long long seconds(int64_t ms)
{
    return (long long)(ms / 1000);
}

static void judge_passes(const struct watch_options *options, struct watch_status *status)
{
    int64_t last_ms =
        status->metrics.last_pass_ms ? status->metrics.last_pass_ms : status->started_ms;
    int64_t since_ms = status->now_ms - last_ms;
    if (status->pass_error[0])
        add(&status->reasons, "pass_failed", "the last full pass: %.220s", status->pass_error);
    if (options->every_ms && since_ms > 2 * options->every_ms + LATE_MS)
        add(&status->reasons, "pass_late", "no full pass has ended for %lld s%s", seconds(since_ms),
            status->passing ? "; one is under way" : "");
}

static void judge_queues(struct watch_status *status)
{
    if (status->queue_error[0])
        add(&status->reasons, "queue_unreadable", "%.240s", status->queue_error);
    else if (status->queues && status->deaf_ms > DEAF_MS)
        add(&status->reasons, "queue_silent", "a queue has not answered for %lld s",
            seconds(status->deaf_ms));
}

static void warn(struct watch_status *status)
{
    if (status->pass_blocked || status->blocked)
        add(&status->warnings, "blocked",
            "blocked until somebody decides: %llu copies at the last full pass, %zu names at their "
            "last event; understudy plan says why",
            (unsigned long long)status->pass_blocked, status->blocked);
    if (status->config_error[0])
        add(&status->warnings, "configuration_rejected",
            "the configuration was read again and is wrong, the one before holds: %.160s",
            status->config_error);
    if (status->dry_run)
        add(&status->warnings, "dry_run", "nothing is written: it is a dry run");
}

void watch_judge(const struct watch_options *options, struct watch_status *status)
{
    int64_t seen_ms = status->canary_seen_ms ? status->canary_seen_ms : status->started_ms;
    status->reasons.count = status->warnings.count = 0;
    status->alive = status->silent_ms <= STUCK_MS;
    if (!status->alive)
        add(&status->reasons, "stuck", "nothing was done for %lld s", seconds(status->silent_ms));
    judge_queues(status);
    judge_passes(options, status);
    if (status->failing && status->now_ms - status->failing_since_ms > FAILING_MS)
        add(&status->reasons, "changes_failing",
            "%zu names could not be replicated, the first for %lld s: see the log", status->failing,
            seconds(status->now_ms - status->failing_since_ms));
    if (status->canary && !status->dry_run &&
        status->now_ms - seen_ms > CANARY_MISSES * options->canary_every_ms)
        add(&status->reasons, "canary_late", "the canary was last seen %lld s ago",
            seconds(status->now_ms - seen_ms));
    warn(status);
    status->healthy = !status->reasons.count;
}

/* How long the queue has been silent that has been so the longest; not while nobody asks, because
 * there is too much to do. */
static int64_t longest_silence(struct watch *watch, int64_t now_ms, bool full)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < watch->queue_count && !full; i++)
        if (watch->heard_ms[i] && now_ms - watch->heard_ms[i] > longest_ms)
            longest_ms = now_ms - watch->heard_ms[i];
    return longest_ms;
}

void watch_status(struct watch *watch, struct watch_status *out)
{
    int64_t waiting_ms;
    size_t names;
    struct metric_values values;
    bool full = pending_is_full(watch->pending);
    pending_look(watch->pending, &names, &waiting_ms);
    metrics_snapshot(&watch->metrics, &values);
    pthread_mutex_lock(&watch->mutex);
    *out = watch->status;
    for (size_t i = 0; i < watch->queue_count && !out->queue_error[0]; i++)
        memcpy(out->queue_error, watch->queue_errors[i], sizeof out->queue_error);
    int64_t now_ms = watch->clock->monotonic_ms(watch->clock);
    out->now_ms = watch->clock->now_ms(watch->clock);
    out->silent_ms = now_ms - watch->alive_ms;
    out->deaf_ms = longest_silence(watch, now_ms, full);
    out->next_pass_ms =
        watch->next_pass_ms == INT64_MAX ? 0 : out->now_ms + watch->next_pass_ms - now_ms;
    out->metrics = values;
    out->pending = names + watch->working;
    out->oldest_pending_ms = waiting_ms;
    if (watch->failing_oldest_ms && (!waiting_ms || watch->failing_oldest_ms < waiting_ms))
        out->oldest_pending_ms = watch->failing_oldest_ms;
    out->metrics.oldest_ms = out->oldest_pending_ms;
    pthread_mutex_unlock(&watch->mutex);
    watch_judge(&watch->options, out);
}
