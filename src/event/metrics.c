#include "event/metrics.h"

#include <string.h>

const char *metric_outcome_name(enum metric_outcome outcome)
{
    static const char *const names[METRIC_OUTCOMES] = {"ignored", "equal",  "applied",
                                                       "blocked", "failed", "later"};
    return names[outcome];
}

/* --- lag -------------------------------------------------------------------------------------- */

/* Below LAG_SUB each millisecond has a bucket; above, the three bits behind the highest one. */
static unsigned bucket_of(int64_t lag_ms)
{
    const unsigned sub_bits = 3;
    if (lag_ms < LAG_SUB)
        return (unsigned)lag_ms;
    unsigned octave = 63 - (unsigned)__builtin_clzll((unsigned long long)lag_ms);
    unsigned sub = (unsigned)(lag_ms >> (octave - sub_bits)) & (LAG_SUB - 1);
    unsigned bucket = (octave - sub_bits + 1) * LAG_SUB + sub;
    return bucket < LAG_BUCKETS ? bucket : LAG_BUCKETS - 1;
}

/* The first value above those of the bucket. */
static int64_t bound_of(unsigned bucket)
{
    unsigned octave = bucket / LAG_SUB, sub = bucket % LAG_SUB;
    if (octave == 0)
        return bucket + 1;
    return (int64_t)(LAG_SUB + sub + 1) << (octave - 1);
}

void lag_add(struct lag_histogram *lag, int64_t lag_ms)
{
    if (lag_ms < 0)
        lag_ms = 0;
    lag->buckets[bucket_of(lag_ms)]++;
    lag->count++;
    lag->sum_ms += lag_ms;
    if (lag_ms > lag->largest_ms)
        lag->largest_ms = lag_ms;
}

int64_t lag_quantile_ms(const struct lag_histogram *lag, double part)
{
    if (!lag->count)
        return -1;
    double wanted = part * (double)lag->count;
    uint64_t seen = 0;
    for (unsigned i = 0; i < LAG_BUCKETS; i++) {
        seen += lag->buckets[i];
        if (seen && (double)seen >= wanted) {
            int64_t bound_ms = bound_of(i);
            return bound_ms < lag->largest_ms ? bound_ms : lag->largest_ms;
        }
    }
    return lag->largest_ms;
}

uint64_t lag_below(const struct lag_histogram *lag, int64_t bound_ms)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < LAG_BUCKETS && bound_of(i) <= bound_ms; i++)
        seen += lag->buckets[i];
    return seen;
}

/* --- counters --------------------------------------------------------------------------------- */

void metrics_init(struct metrics *metrics)
{
    memset(metrics, 0, sizeof *metrics);
    pthread_mutex_init(&metrics->mutex, NULL);
}

void metrics_done(struct metrics *metrics)
{
    pthread_mutex_destroy(&metrics->mutex);
}

void metrics_event(struct metrics *metrics, bool understood)
{
    pthread_mutex_lock(&metrics->mutex);
    if (understood)
        metrics->values.events++;
    else
        metrics->values.malformed++;
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_item(struct metrics *metrics, enum metric_outcome outcome, unsigned writes,
                  bool removed, int64_t lag_ms)
{
    pthread_mutex_lock(&metrics->mutex);
    struct metric_values *values = &metrics->values;
    values->items[outcome]++;
    values->writes += writes;
    values->removed += removed;
    if (lag_ms >= 0)
        lag_add(&values->lag, lag_ms);
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_calls(struct metrics *metrics, uint64_t calls, uint64_t retries, uint64_t throttled)
{
    pthread_mutex_lock(&metrics->mutex);
    metrics->values.calls += calls;
    metrics->values.retries += retries;
    metrics->values.throttled += throttled;
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_pass(struct metrics *metrics, bool failed, uint64_t missed, int64_t now_ms)
{
    pthread_mutex_lock(&metrics->mutex);
    metrics->values.passes++;
    metrics->values.passes_failed += failed;
    metrics->values.missed += missed;
    metrics->values.last_pass_ms = now_ms;
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_oldest(struct metrics *metrics, int64_t oldest_ms)
{
    pthread_mutex_lock(&metrics->mutex);
    metrics->values.oldest_ms = oldest_ms;
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_snapshot(struct metrics *metrics, struct metric_values *out)
{
    pthread_mutex_lock(&metrics->mutex);
    *out = metrics->values;
    pthread_mutex_unlock(&metrics->mutex);
}

void metric_values_since(const struct metric_values *earlier, const struct metric_values *later,
                         struct metric_values *out)
{
    *out = *later;
    for (unsigned i = 0; i < METRIC_OUTCOMES; i++)
        out->items[i] -= earlier->items[i];
    out->events -= earlier->events;
    out->malformed -= earlier->malformed;
    out->writes -= earlier->writes;
    out->removed -= earlier->removed;
    out->calls -= earlier->calls;
    out->retries -= earlier->retries;
    out->throttled -= earlier->throttled;
    out->passes -= earlier->passes;
    out->passes_failed -= earlier->passes_failed;
    out->missed -= earlier->missed;
    for (unsigned i = 0; i < LAG_BUCKETS; i++)
        out->lag.buckets[i] -= earlier->lag.buckets[i];
    out->lag.count -= earlier->lag.count;
    out->lag.sum_ms -= earlier->lag.sum_ms;
}
