#include "local/services/ssm_walk.h"

#include <string.h>

/* What one call may look at: a millisecond or so of rows; a seek costs as much as
 * some of them. */
enum { ROWS_MAX = 1000, SEEK_COST = 20 };

struct page {
    struct ssm_walk *walk;
    size_t shown;
    int budget;
    const char *from; /* where the next page begins: no key below it is needed again */
    bool more;        /* stopped before the end */
    enum local_result result;
};

static int compare(struct text a, struct text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* First key behind all of the level below: "a/b/c" under "a/" gives "a/b0". */
static char *behind_level(struct page *page, struct text key, const char *slash)
{
    char *next =
        ssm_copy(page->walk->call, (struct text){key.data, (size_t)(slash - key.data) + 1});
    next[slash - key.data]++;
    return next;
}

/* True: go on with the next row. */
static bool take_row(struct page *page, const struct store_rows *rows, struct text key)
{
    struct ssm_walk *walk = page->walk;
    bool full = page->shown == walk->most;
    int result = walk->visit(walk, rows, key, !full);
    if (result != LOCAL_OK && result != LOCAL_SKIP) {
        page->result = (enum local_result)result;
        return false;
    }
    if (result == LOCAL_OK && full) {
        page->more = true;
        return false;
    }
    page->shown += result == LOCAL_OK;
    /* '!' sorts before every character of a name */
    page->from = arena_printf(walk->call->arena, "%.*s!", (int)key.len, key.data);
    return true;
}

/* Rows of [lo, hi); returns where to seek on from, or NULL when the range or the page is done. */
static char *scan(struct page *page, const struct ssm_range *range, struct text lo, bool *stopped)
{
    struct ssm_walk *walk = page->walk;
    struct local_call *call = walk->call;
    struct store_rows rows;
    char *onward = NULL;
    store_query(call->store, &rows, walk->sql, "ttTTi", call->account, call->region, lo.data,
                lo.len, range->hi.data, range->hi.len, ssm_now_ms(call));
    page->budget -= SEEK_COST;
    while (!*stopped && !onward && store_next(&rows)) {
        struct text key = store_text(&rows, 0);
        const char *slash =
            walk->one_level ? memchr(key.data + range->lo.len, '/', key.len - range->lo.len) : NULL;
        if (page->budget-- <= 0) {
            page->more = *stopped = true;
        } else if (slash) {
            page->from = onward = behind_level(page, key, slash);
        } else {
            *stopped = !take_row(page, &rows, key);
        }
    }
    store_end(&rows);
    return onward;
}

enum local_result ssm_walk_page(struct ssm_walk *walk, const char *start, const char **next)
{
    struct page page = {.walk = walk, .budget = ROWS_MAX, .from = start, .result = LOCAL_OK};
    struct text from = text_of(start);
    bool stopped = false;
    for (size_t i = 0; i < walk->range_count && !stopped; i++) {
        const struct ssm_range *range = &walk->ranges[i];
        if (compare(from, range->lo) < 0)
            from = range->lo;
        while (!stopped && compare(from, range->hi) < 0) {
            char *onward = scan(&page, range, from, &stopped);
            from = onward ? text_of(onward) : range->hi;
        }
    }
    *next = page.more ? page.from : NULL;
    return page.result;
}
