/*
 * emf: metrics in CloudWatch's embedded metric format, one JSON object a line.
 *
 * The only dimension is the function's name. Lags are given as values, at most EMF_VALUES_MAX a
 * line, so that CloudWatch makes true percentiles of them; the rest goes into lines of their own.
 * Pure. Source: shared facts, lambda-and-cloudformation.md A6.
 */
#ifndef UNDERSTUDY_EVENT_EMF_H
#define UNDERSTUDY_EVENT_EMF_H

#include "base/buf.h"
#include "event/metrics.h"

enum { EMF_VALUES_MAX = 100 };

struct emf_context {
    const char *function_name, *request_id;
    int64_t now_ms;
    bool cold_start;
};

/* Appends whole lines to `out`. `added` is what one invocation did. */
void emf_write(struct buf *out, const struct emf_context *context,
               const struct metric_values *added, const int64_t *lags, size_t lag_count);

#endif
