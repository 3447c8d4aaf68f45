/*
 * policy_intern: a policy as it is kept between policy_parse and policy_evaluate.
 */
#ifndef UNDERSTUDY_AWS_POLICY_INTERN_H
#define UNDERSTUDY_AWS_POLICY_INTERN_H

#include "aws/policy.h"
#include "base/text.h"

#include <stdint.h>

/* --- patterns: text with wildcards, and variables in documents of 2012 -------------------------
 */

enum piece_kind { PIECE_TEXT /* wildcards count */, PIECE_LITERAL, PIECE_VARIABLE };

struct piece {
    enum piece_kind kind;
    struct text text;     /* of a variable: its default, data NULL for none */
    const char *variable; /* the key */
};

struct pattern {
    struct text text;
    size_t fixed;   /* bytes before the first wildcard: most patterns are refused by these alone */
    bool wildcards; /* '*' and '?' in `text` stand for others; no variables */
    const struct piece *pieces; /* NULL: no variables, `text` is all */
    size_t piece_count;
};

/* What a match can also be: a variable of the pattern has no value. */
enum { MATCH_UNRESOLVED = -1, MATCH_NO = 0, MATCH_YES = 1 };

/* ERR_INVALID for a variable that is not closed or named. */
int pattern_compile(struct arena *arena, const char *text, bool variables, bool wildcards,
                    struct pattern *out, struct error *err);
int pattern_match(const struct pattern *pattern, const struct policy_question *question,
                  struct text text, bool nocase);
/* Each of an ARN's six segments by itself. */
int pattern_match_arn(const struct pattern *pattern, const struct policy_question *question,
                      struct text text);
/* Values of a condition key, or NULL when it is missing or has none. */
const char *const *question_values(const struct policy_question *question, const char *key);

/* --- conditions --------------------------------------------------------------------------------
 */

enum operation {
    OP_STRING,
    OP_STRING_NOCASE,
    OP_ARN,
    OP_BOOL,
    OP_BINARY,
    OP_IP,
    OP_NULL,
    /* numbers and dates: how the asked value stands to the one in the policy */
    OP_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL
};
enum comparand { COMPARE_TEXT, COMPARE_NUMBER, COMPARE_DATE };
enum set_operator { SET_NONE, SET_ALL, SET_ANY };

struct network {
    int family; /* AF_INET, AF_INET6 */
    unsigned char address[16];
    unsigned bits;
};

struct condition_value {
    struct pattern pattern;
    double number; /* dates: seconds since 1970 */
    struct network network;
    bool flag; /* Null */
};

struct condition {
    enum operation operation;
    enum comparand comparand;
    enum set_operator set;
    bool negated, if_exists;
    const char *key;
    const struct condition_value *values;
    size_t value_count;
};

/* One operator's object, "StringEquals": {key: values, ...}, appended to `out` (room is there). */
int condition_compile(struct arena *arena, const char *name, const json_t *keys, bool variables,
                      struct condition *out, size_t *count, struct error *err);
bool condition_holds(const struct condition *condition, const struct policy_question *question);

/* --- statements --------------------------------------------------------------------------------
 */

enum principal_form {
    FORM_ANYONE,
    FORM_ACCOUNT, /* text: twelve digits */
    FORM_ROLE,
    FORM_USER, /* also root and federated users by ARN */
    FORM_SESSION,
    FORM_SERVICE,
    FORM_FEDERATED,
    FORM_NOBODY /* an id of somebody deleted, a canonical user */
};

struct principal_pattern {
    enum principal_form form;
    const char *text;
};

struct resource_pattern {
    struct pattern pattern;
    struct text service; /* must be the same; "" for "*" */
    /* The same pattern by segments, where Region and account are literal or "*": how most are
     * written, and quick to compare with an ARN whose resource has no ':' that a '*' could cross.
     */
    bool split;
    struct text partition, region, account; /* data NULL: any */
    struct pattern rest;
};

struct statement {
    bool allow;
    bool not_action, not_resource, not_principal;
    const struct pattern *actions; /* lower-case */
    size_t action_count;
    const struct resource_pattern *resources; /* none: any resource */
    size_t resource_count;
    const struct principal_pattern *principals; /* none: identity policy */
    size_t principal_count;
    const struct condition *conditions;
    size_t condition_count;
};

struct policy {
    enum policy_kind kind;
    const struct statement *statements;
    size_t statement_count;
};

int principals_compile(struct arena *arena, const json_t *element,
                       const struct principal_pattern **out, size_t *count, struct error *err);
enum policy_match principals_match(const struct statement *statement,
                                   const struct policy_principal *principal);

/* A scalar, or a list with at least one: the number of items, or 0 when it is neither. */
size_t policy_items(const json_t *element);
const json_t *policy_item(const json_t *element, size_t i);

#endif
