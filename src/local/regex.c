/*
 * Regular expressions of AWS's models and of AllowedPattern: Java's dialect, matched by PCRE2.
 *
 * Each thread keeps its own compiled patterns, so nothing is locked or counted. Patterns come from
 * outsiders too: compiling and matching are bounded, and a thread keeps no more than CACHED.
 */
#include "local/service.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CACHED = 128, LARGEST_PATTERN = 4096, MATCH_LIMIT = 200000, HEAP_LIMIT_KIB = 4096 };

struct compiled {
    char *pattern;
    bool anywhere;
    pcre2_code *code; /* NULL: not a pattern */
    uint64_t used;    /* when last */
};

struct cache {
    struct compiled entries[CACHED];
    size_t count;
    uint64_t now;
    pcre2_compile_context *compile;
    pcre2_match_context *match;
    pcre2_match_data *data;
};

static pthread_key_t cache_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void compiled_done(struct compiled *entry)
{
    pcre2_code_free(entry->code);
    free(entry->pattern);
}

static void cache_free(void *arg)
{
    struct cache *cache = arg;
    for (size_t i = 0; i < cache->count; i++)
        compiled_done(&cache->entries[i]);
    pcre2_compile_context_free(cache->compile);
    pcre2_match_context_free(cache->match);
    pcre2_match_data_free(cache->data);
    free(cache);
}

static void make_key(void)
{
    if (pthread_key_create(&cache_key, cache_free) != 0)
        abort();
}

static struct cache *cache_of_thread(void)
{
    pthread_once(&once, make_key);
    struct cache *cache = pthread_getspecific(cache_key);
    if (cache)
        return cache;
    cache = memory_alloc(sizeof *cache);
    cache->compile = pcre2_compile_context_create(NULL);
    cache->match = pcre2_match_context_create(NULL);
    cache->data = pcre2_match_data_create(1, NULL);
    if (!cache->compile || !cache->match || !cache->data)
        memory_exhausted(sizeof *cache);
    /* Java's dot stops at every Unicode line end, and its models write surrogates as \uD800. */
    pcre2_set_newline(cache->compile, PCRE2_NEWLINE_ANY);
    pcre2_set_compile_extra_options(cache->compile, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
    pcre2_set_max_pattern_length(cache->compile, LARGEST_PATTERN);
    pcre2_set_match_limit(cache->match, MATCH_LIMIT);
    pcre2_set_depth_limit(cache->match, MATCH_LIMIT);
    pcre2_set_heap_limit(cache->match, HEAP_LIMIT_KIB);
    pthread_setspecific(cache_key, cache);
    return cache;
}

/* A free place, or that of the entry not used for longest. */
static struct compiled *place_in(struct cache *cache)
{
    if (cache->count < CACHED)
        return &cache->entries[cache->count++];
    struct compiled *oldest = cache->entries;
    for (size_t i = 1; i < CACHED; i++)
        if (cache->entries[i].used < oldest->used)
            oldest = &cache->entries[i];
    compiled_done(oldest);
    return oldest;
}

static const pcre2_code *compile(struct cache *cache, const char *pattern, bool anywhere)
{
    cache->now++;
    for (size_t i = 0; i < cache->count; i++) {
        struct compiled *entry = &cache->entries[i];
        if (entry->anywhere == anywhere && strcmp(entry->pattern, pattern) == 0) {
            entry->used = cache->now;
            return entry->code;
        }
    }
    int problem;
    size_t where;
    uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    if (!anywhere)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    struct compiled *entry = place_in(cache);
    *entry = (struct compiled){memory_strdup(pattern), anywhere, NULL, cache->now};
    entry->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &problem,
                                &where, cache->compile);
    return entry->code;
}

int local_regex(const char *pattern, const char *text, size_t len, bool anywhere)
{
    struct cache *cache = cache_of_thread();
    const pcre2_code *code = compile(cache, pattern, anywhere);
    if (!code)
        return -1;
    int found = pcre2_match(code, (PCRE2_SPTR)text, len, 0, 0, cache->data, cache->match);
    if (found >= 0)
        return 1;
    return found == PCRE2_ERROR_NOMATCH ? 0 : -1;
}
