/*
 * fault_rules: the rules of a rehearsal as they were read; private to local/fault*.c.
 */
#ifndef UNDERSTUDY_LOCAL_FAULT_RULES_H
#define UNDERSTUDY_LOCAL_FAULT_RULES_H

#include "base/text.h"
#include "local/faults.h"

#include <string.h>

enum { LARGEST_FAULT_RULES = 1000, LARGEST_FAULT_LATENCY_MS = 600000 };

/* NULL is every text. */
static inline bool fault_pattern_matches(const char *pattern, const char *text)
{
    return !pattern || text_wildcard(pattern, strlen(pattern), text, strlen(text));
}

struct fault_rule {
    const char *service, *operation, *region, *account; /* with wildcards; NULL: all */
    double probability;
    int64_t count; /* hits until it is spent; 0: no end */
    int64_t latency_ms, jitter_ms;
    enum fault_effect effect;
    const char *kind; /* as it was written */
    bool after;
    int status;
    const char *code, *message;
    int64_t matched, hits;
    uint64_t chance;
};

struct fault_rules {
    struct arena arena;
    uint64_t seed;
    size_t count;
    struct fault_rule rules[];
};

#endif
