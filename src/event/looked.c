#include "event/looked.h"

#include "base/log.h"

#include <stdio.h>

static const char *const outcome_names[] = {
    [HINT_IGNORED] = "ignored", [HINT_EQUAL] = "equal",   [HINT_APPLIED] = "applied",
    [HINT_BLOCKED] = "blocked", [HINT_FAILED] = "failed", [HINT_LATER] = "later",
};

static const enum metric_outcome metric_outcomes[] = {
    [HINT_IGNORED] = METRIC_IGNORED, [HINT_EQUAL] = METRIC_EQUAL,   [HINT_APPLIED] = METRIC_APPLIED,
    [HINT_BLOCKED] = METRIC_BLOCKED, [HINT_FAILED] = METRIC_FAILED, [HINT_LATER] = METRIC_LATER,
};

const char *looked_outcome(enum hint_outcome outcome)
{
    /* gcc for arm64 believes that a value beyond the last may come here, and refuses to compile. */
    return outcome <= HINT_LATER ? outcome_names[outcome] : "unknown";
}

bool looked_settled(const struct hint_result *result)
{
    return result->outcome == HINT_IGNORED || result->outcome == HINT_EQUAL ||
           result->outcome == HINT_APPLIED;
}

static enum log_level level_of(enum hint_outcome outcome)
{
    switch (outcome) {
    case HINT_FAILED:
        return LOG_ERROR;
    case HINT_BLOCKED:
    case HINT_LATER:
        return LOG_WARN;
    case HINT_APPLIED:
    case HINT_IGNORED:
        return LOG_INFO;
    default:
        return LOG_DEBUG;
    }
}

const char *looked_reason(const struct hint_result *result)
{
    if (result->outcome == HINT_FAILED && result->error.message[0])
        return result->error.message;
    return result->why;
}

void looked_note(struct metrics *metrics, const struct hint *hint, const struct hint_result *result)
{
    char lag[32], writes[32];
    bool failed = result->outcome == HINT_FAILED;
    snprintf(lag, sizeof lag, "%lld", (long long)result->lag_ms);
    snprintf(writes, sizeof writes, "%u", result->writes);
    log_event(level_of(result->outcome), "looked at", "outcome", looked_outcome(result->outcome),
              "kind", hint->kind, "name", hint->name, "account", hint->account, "region",
              hint->region, "reason", looked_reason(result), "where", failed ? result->why : NULL,
              "error", failed ? error_code_name(result->error.code) : NULL, "removed",
              result->removed ? "true" : NULL, "writes", result->writes ? writes : NULL, "lag_ms",
              result->lag_ms >= 0 ? lag : NULL, NULL);
    metrics_item(metrics, metric_outcomes[result->outcome], result->writes, result->removed,
                 result->lag_ms);
}

int64_t looked_oldest_ms(const struct hint *hints, size_t count, const struct hint_result *results)
{
    int64_t oldest_ms = 0;
    for (size_t i = 0; i < count; i++)
        if (!looked_settled(&results[i]) && hints[i].at_ms &&
            (!oldest_ms || hints[i].at_ms < oldest_ms))
            oldest_ms = hints[i].at_ms;
    return oldest_ms;
}
