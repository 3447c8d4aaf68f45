/*
 * ssm_walk: one page of a listing: keys in order, from where the last page ended, as range scans.
 *
 * A page ends when it is full or when the walk has looked at as many rows as one call may cost;
 * then it may hold nothing and still have a next token, as AWS's may.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_WALK_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_WALK_H

#include "local/services/ssm_filter.h"

struct ssm_walk {
    struct local_call *call;
    /* Static text; columns begin with name and SSM_COLUMNS_SHOWN; $1 account, $2 Region,
     * $3 <= name < $4, $5 now; ORDER BY name. */
    const char *sql;
    const struct ssm_range *ranges; /* sorted by lo */
    size_t range_count;
    bool one_level; /* of the single range, whose lo is the prefix: skip what lies deeper */
    size_t most;    /* matches on the page */
    /* LOCAL_OK: shown. LOCAL_SKIP: not a match. The rest ends the call. `show` is false for the
     * one that only tells that there is a next page. */
    int (*visit)(struct ssm_walk *walk, const struct store_rows *rows, struct text key, bool show);
    void *arg;
};
enum { LOCAL_SKIP = 2 };

/* Visits a page from `start` on ("" is the beginning); *next becomes where the following page
 * starts, NULL when this was the last. Both live in the call's arena. */
enum local_result ssm_walk_page(struct ssm_walk *walk, const char *start, const char **next);

#endif
