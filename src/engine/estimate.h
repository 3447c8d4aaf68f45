/*
 * estimate: what carrying out a plan will cost: calls by operation and Region, time, money.
 *
 * Counted from the steps as apply batches them: sources and copies read ten a call, a write each.
 * It is exact where nothing goes wrong and nobody else is at work; retries come on top. Labels and
 * earlier versions, and where the labels are that undo keeps, are read one by one. Time is the
 * longest that one quota takes: Regions work side by side. Quotas are AWS's defaults or what the
 * configuration says the account has; where calls are not paced (an endpoint of one's own) it is
 * shorter. Kinds whose writes are of many calls foretell them themselves (resource_kind.foretell).
 */
#ifndef UNDERSTUDY_ENGINE_ESTIMATE_H
#define UNDERSTUDY_ENGINE_ESTIMATE_H

#include "engine/engine.h"

enum { ESTIMATE_OPERATIONS = 10 };

struct estimate_row {
    unsigned side;
    const struct aws_operation *operation;
    uint64_t count;
    double per_second; /* the quota; 0: none is published */
};

struct estimate {
    struct estimate_row *rows; /* counts above 0, by side */
    size_t row_count;
    uint64_t reads, writes; /* their sums */
    double seconds;
    uint64_t priced;    /* copies that AWS charges for and did not before */
    double monthly_usd; /* for these */
};

/* Of the steps that are planned and not done. In `arena`. */
int estimate_make(struct engine *engine, struct arena *arena, struct estimate *out,
                  struct error *err);

#endif
