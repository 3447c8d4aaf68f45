#include "client/retry.h"

#include "base/text.h"
#include "client/settings.h"

#include <string.h>
#include <strings.h>

enum {
    COST = 5,
    TIMEOUT_COST = 10,
    LONGEST_WAIT_MS = 20000,
    HINT_MARGIN_MS = 5000,
    LARGEST_ATTEMPTS = 100
};

int retry_policy_read(const struct settings *settings, struct retry_policy *out, struct error *err)
{
    static const char *const names[] = {
        [RETRY_STANDARD] = "standard", [RETRY_ADAPTIVE] = "adaptive", [RETRY_LEGACY] = "legacy"};
    const char *mode = settings_text(settings, "AWS_RETRY_MODE", "retry_mode");
    *out = (struct retry_policy){.mode = RETRY_STANDARD};
    if (mode) {
        size_t at = 0;
        while (at < sizeof names / sizeof names[0] && strcasecmp(names[at], mode) != 0)
            at++;
        if (at == sizeof names / sizeof names[0])
            return error_set(err, ERR_INVALID, "retry_mode must be standard, adaptive or legacy");
        out->mode = (enum retry_mode)at;
    }
    int64_t attempts;
    if (settings_int(settings, "AWS_MAX_ATTEMPTS", "max_attempts", 1, LARGEST_ATTEMPTS,
                     out->mode == RETRY_LEGACY ? 5 : 3, &attempts, err) != 0)
        return -1;
    out->max_attempts = (unsigned)attempts;
    return 0;
}

void retry_bucket_init(struct retry_bucket *bucket)
{
    atomic_init(&bucket->tokens, RETRY_BUCKET_TOKENS);
}

static bool take(struct retry_bucket *bucket, int cost)
{
    int have = atomic_load(&bucket->tokens);
    do {
        if (have < cost)
            return false;
    } while (!atomic_compare_exchange_weak(&bucket->tokens, &have, have - cost));
    return true;
}

static void give(struct retry_bucket *bucket, int count)
{
    int have = atomic_load(&bucket->tokens), more;
    do {
        more = have + count > RETRY_BUCKET_TOKENS ? RETRY_BUCKET_TOKENS : have + count;
    } while (!atomic_compare_exchange_weak(&bucket->tokens, &have, more));
}

/* rand(0,1) * min(2^(n-1), 20) s; `legacy` has no cap, its 2^n is kept from overflowing only. */
static int64_t backoff_ms(const struct retry *retry)
{
    unsigned exponent = retry->retries > 20 ? 20 : retry->retries;
    int64_t most_ms = (int64_t)1000 << exponent;
    if (most_ms > LONGEST_WAIT_MS && retry->policy->mode != RETRY_LEGACY)
        most_ms = LONGEST_WAIT_MS;
    return (int64_t)random_below(retry->random, (uint64_t)most_ms + 1);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Retry-After: seconds or a date; -1 when it is neither. */
static int64_t retry_after_ms(const char *value, struct clock *clock)
{
    int64_t seconds, at_ms;
    if (text_to_int64(value, strlen(value), &seconds) == 0)
        return clamp(seconds, 0, LONGEST_WAIT_MS / 1000) * 1000;
    if (clock_parse_http(value, strlen(value), &at_ms) == 0)
        return clamp(at_ms - clock->now_ms(clock), 0, LONGEST_WAIT_MS);
    return -1;
}

/* A hint never shortens the wait, and lengthens it only so far: the other side may be mistaken. */
static int64_t wait_ms(const struct retry *retry, const struct http_response *response)
{
    int64_t wait = backoff_ms(retry), hint;
    if (!response)
        return wait;
    const char *value =
        http_header_find(response->headers, response->header_count, "x-amz-retry-after");
    if (value && text_to_int64(value, strlen(value), &hint) == 0)
        return clamp(hint, wait, wait + HINT_MARGIN_MS);
    value = http_header_find(response->headers, response->header_count, "retry-after");
    hint = value ? retry_after_ms(value, retry->clock) : -1;
    return hint > wait ? hint : wait;
}

bool retry_again(struct retry *retry, enum retry_cause cause, const struct http_response *response)
{
    int cost = cause == RETRY_TIMEOUT ? TIMEOUT_COST : COST;
    if (retry->retries + 1 >= retry->policy->max_attempts)
        return false;
    if (retry->policy->mode != RETRY_LEGACY && !take(retry->bucket, cost))
        return false;
    int64_t wait = wait_ms(retry, response);
    retry->retries++;
    retry->cost = cost;
    retry_pause(retry->clock, wait);
    return true;
}

void retry_done(struct retry *retry)
{
    give(retry->bucket, retry->retries ? retry->cost : 1);
}

void retry_pause(struct clock *clock, int64_t duration_ms)
{
    if (duration_ms > 0)
        clock->sleep_ms(clock, duration_ms);
}
