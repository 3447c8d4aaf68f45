/*
 * lambda_mapping: event source mappings as they are kept: which queue feeds which function, and how
 * (services/lambda_mapping.c has the operations, lambda_poll.c does the work). Text is in the
 * arena.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_MAPPING_H
#define UNDERSTUDY_LOCAL_LAMBDA_MAPPING_H

#include "base/arena.h"
#include "local/store.h"

#include <jansson.h>

struct lambda_mapping {
    const char *uuid, *account, *region;
    const char *source_arn;
    const char *function_arn; /* with the qualifier it was named by */
    bool enabled;
    int64_t modified_ms;
    int64_t batch_size, window_s, concurrency; /* concurrency 0: no limit of its own */
    bool reports_failures;                     /* ReportBatchItemFailures */
    const char *filters;                       /* JSON list of patterns; NULL: none */
    const char *definition;                    /* JSON: the other members, as they were put */
};

extern const char lambda_mapping_schema[];

/* Calls `each` for the mappings of an account and Region in the order of their ids, behind `after`;
 * all accounts and Regions when `account` is NULL. Ends when it gives false. */
void lambda_mapping_each(struct store_session *store, struct arena *arena, const char *account,
                         const char *region, const char *after,
                         bool (*each)(void *arg, const struct lambda_mapping *mapping), void *arg);

/* "arn:aws:sqs:..." is the only kind of source here. */
bool lambda_mapping_is_fifo(const char *source_arn);

#endif
