/*
 * metrics: what was done with events, as numbers.
 *
 * Counters and a lag histogram, apart from the forms they are written in: `bootstrap` writes what
 * one invocation added in CloudWatch's embedded form (emf.h), `watch` everything so far as
 * Prometheus text. Nothing here has a dimension that grows: no name, no Region, no value.
 *
 * Any thread: a mutex inside, taken while no other is. metrics_snapshot copies everything out.
 * Times are milliseconds; lag runs from the time in the event to the last destination's
 * acknowledgement.
 */
#ifndef UNDERSTUDY_EVENT_METRICS_H
#define UNDERSTUDY_EVENT_METRICS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of an item; the order is that of metric_outcome_name. */
enum metric_outcome {
    METRIC_IGNORED, /* nothing of ours, or nothing to look at */
    METRIC_EQUAL,
    METRIC_APPLIED,
    METRIC_BLOCKED,
    METRIC_FAILED,
    METRIC_LATER, /* left to the next try */
    METRIC_OUTCOMES
};
const char *metric_outcome_name(enum metric_outcome outcome); /* "ignored", "equal", ... */

/* Eight buckets an octave: a quantile is at most 12.5 % above the truth. Octaves are whole, so
 * that bounds that are powers of two count exactly. */
enum { LAG_SUB = 8, LAG_OCTAVES = 30, LAG_BUCKETS = LAG_SUB * LAG_OCTAVES };

struct lag_histogram {
    uint64_t buckets[LAG_BUCKETS];
    uint64_t count;
    int64_t sum_ms, largest_ms;
};
void lag_add(struct lag_histogram *lag, int64_t lag_ms); /* negative (clocks differ): 0 */
/* The bound below which `part` (0 to 1) of what was added lies; -1 when there is nothing. */
int64_t lag_quantile_ms(const struct lag_histogram *lag, double part);
/* How many were below `bound_ms`, a power of two. */
uint64_t lag_below(const struct lag_histogram *lag, int64_t bound_ms);

struct metric_values {
    uint64_t items[METRIC_OUTCOMES];
    uint64_t events;          /* that were read */
    uint64_t malformed;       /* that could not be read */
    uint64_t writes, removed; /* to and from destinations */
    uint64_t calls, retries, throttled;
    uint64_t passes;        /* full passes ended */
    uint64_t passes_failed; /* with something failed or left */
    uint64_t missed;        /* changes that no event told: found by a full pass */
    int64_t oldest_ms;    /* when the oldest change that is not replicated yet happened; 0: none */
    int64_t last_pass_ms; /* when the last full pass ended; 0: never */
    struct lag_histogram lag;
};

struct metrics {
    pthread_mutex_t mutex;
    struct metric_values values;
};

void metrics_init(struct metrics *metrics);
void metrics_done(struct metrics *metrics);

void metrics_event(struct metrics *metrics, bool understood);
/* One item looked at; `lag_ms` below 0: not known. */
void metrics_item(struct metrics *metrics, enum metric_outcome outcome, unsigned writes,
                  bool removed, int64_t lag_ms);
void metrics_calls(struct metrics *metrics, uint64_t calls, uint64_t retries, uint64_t throttled);
/* A full pass ended at `now_ms` after it found `missed` changes. */
void metrics_pass(struct metrics *metrics, bool failed, uint64_t missed, int64_t now_ms);
void metrics_oldest(struct metrics *metrics, int64_t oldest_ms);

void metrics_snapshot(struct metrics *metrics, struct metric_values *out);
/* What was added between two snapshots, for the counters; the rest is `later`'s. */
void metric_values_since(const struct metric_values *earlier, const struct metric_values *later,
                         struct metric_values *out);

#endif
