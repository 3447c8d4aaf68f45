/* The exchanges that a loop holds back: a heap by the time at which each goes on. */
#include "base/arena.h"
#include "base/clock.h"
#include "net/http_loop.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

static void put(struct http_loop *loop, size_t at, struct http_exchange *exchange)
{
    loop->holds[at] = exchange;
    exchange->hold_place = at + 1;
}

static void sift_up(struct http_loop *loop, size_t at)
{
    struct http_exchange *exchange = loop->holds[at];
    for (size_t parent; at > 0; at = parent) {
        parent = (at - 1) / 2;
        if (loop->holds[parent]->hold_until_ms <= exchange->hold_until_ms)
            break;
        put(loop, at, loop->holds[parent]);
    }
    put(loop, at, exchange);
}

static void sift_down(struct http_loop *loop, size_t at)
{
    struct http_exchange *exchange = loop->holds[at];
    for (size_t child; (child = 2 * at + 1) < loop->hold_count; at = child) {
        if (child + 1 < loop->hold_count &&
            loop->holds[child + 1]->hold_until_ms < loop->holds[child]->hold_until_ms)
            child++;
        if (exchange->hold_until_ms <= loop->holds[child]->hold_until_ms)
            break;
        put(loop, at, loop->holds[child]);
    }
    put(loop, at, exchange);
}

void http_hold_add(struct http_loop *loop, struct http_exchange *exchange, int64_t hold_ms)
{
    /* Not the round's time: that may lie back by as long as the round has lasted. One more, because
     * a millisecond that has begun is not over. */
    exchange->hold_until_ms =
        loop->stopping ? 0 : clock_system()->monotonic_ms(clock_system()) + hold_ms + 1;
    if (loop->hold_count == loop->hold_capacity) {
        size_t capacity = loop->hold_capacity ? 2 * loop->hold_capacity : (size_t)FIRST_CAPACITY;
        struct http_exchange **holds = memory_alloc(capacity * sizeof(struct http_exchange *));
        if (loop->hold_count)
            memcpy(holds, loop->holds, loop->hold_count * sizeof(struct http_exchange *));
        free(loop->holds);
        loop->holds = holds;
        loop->hold_capacity = capacity;
    }
    put(loop, loop->hold_count++, exchange);
    sift_up(loop, loop->hold_count - 1);
}

void http_hold_remove(struct http_loop *loop, struct http_exchange *exchange)
{
    size_t at = exchange->hold_place - 1;
    exchange->hold_place = 0;
    struct http_exchange *last = loop->holds[--loop->hold_count];
    if (last == exchange)
        return;
    put(loop, at, last);
    sift_down(loop, at);
    sift_up(loop, last->hold_place - 1);
}

void http_hold_hasten(struct http_loop *loop, struct http_exchange *exchange)
{
    exchange->hold_until_ms = 0;
    sift_up(loop, exchange->hold_place - 1);
}

void http_hold_hasten_all(struct http_loop *loop)
{
    for (size_t i = 0; i < loop->hold_count; i++)
        loop->holds[i]->hold_until_ms = 0;
}
