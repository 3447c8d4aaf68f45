/*
 * event_pattern_intern: what the parser of patterns and their matcher share.
 */
#ifndef UNDERSTUDY_AWS_EVENT_PATTERN_INTERN_H
#define UNDERSTUDY_AWS_EVENT_PATTERN_INTERN_H

#include "aws/event_pattern.h"
#include "base/text.h"

enum event_match_kind {
    MATCH_TEXT,    /* equal */
    MATCH_NUMBER,  /* equal */
    MATCH_LITERAL, /* null, true, false */
    MATCH_PREFIX,
    MATCH_SUFFIX,
    MATCH_NOCASE,
    MATCH_WILDCARD, /* `text`: escapes kept */
    MATCH_EXISTS,   /* `wanted` */
    MATCH_RANGE,
    MATCH_CIDR,
    MATCH_NONE_OF, /* anything-but: no one of `others` */
};

struct event_match {
    enum event_match_kind kind;
    struct text text;
    bool nocase; /* prefix, suffix */
    bool wanted;
    json_type literal;
    double low, high; /* MATCH_NUMBER: low */
    bool low_inclusive, high_inclusive;
    unsigned char network[16];
    int family, bits;
    const struct event_match *others;
    size_t other_count;
};

/* "detail.name" and what it may be. */
struct event_condition {
    struct text path;
    const struct event_match *matches;
    size_t match_count;
};
/* A condition, or all or any one of other nodes. */
struct event_node {
    enum { NODE_CONDITION, NODE_ALL, NODE_ANY } kind;
    struct event_condition condition;
    const struct event_node **nodes;
    size_t count;
    size_t alternatives; /* ways to satisfy it: the product and sum over "$or" */
};
struct event_pattern {
    const struct event_node *root;
};

/* A text address as bytes of `family` (AF_INET, AF_INET6); 0 or -1. */
int event_address(const char *text, size_t len, unsigned char out[16], int *family);

/* Where the reader stands behind its `count`-th token: behind a key it has looked at the value's
 * first letter too. The text is known to be JSON. */
size_t event_pattern_place(const char *text, size_t len, size_t count);

#endif
