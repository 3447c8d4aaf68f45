#include "aws/policy_intern.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A row for each condition operator of the IAM reference. */
struct operator_row {
    const char *name;
    enum operation operation;
    enum comparand comparand;
    bool negated, wildcards, variables;
};

static const struct operator_row operators[] = {
    {"StringEquals", OP_STRING, COMPARE_TEXT, false, false, true},
    {"StringNotEquals", OP_STRING, COMPARE_TEXT, true, false, true},
    {"StringEqualsIgnoreCase", OP_STRING_NOCASE, COMPARE_TEXT, false, false, true},
    {"StringNotEqualsIgnoreCase", OP_STRING_NOCASE, COMPARE_TEXT, true, false, true},
    {"StringLike", OP_STRING, COMPARE_TEXT, false, true, true},
    {"StringNotLike", OP_STRING, COMPARE_TEXT, true, true, true},
    /* Equals and Like are the same for ARNs. */
    {"ArnEquals", OP_ARN, COMPARE_TEXT, false, true, true},
    {"ArnLike", OP_ARN, COMPARE_TEXT, false, true, true},
    {"ArnNotEquals", OP_ARN, COMPARE_TEXT, true, true, true},
    {"ArnNotLike", OP_ARN, COMPARE_TEXT, true, true, true},
    {"Bool", OP_BOOL, COMPARE_TEXT, false, false, true},
    {"BinaryEquals", OP_BINARY, COMPARE_TEXT, false, false, false},
    {"IpAddress", OP_IP, COMPARE_TEXT, false, false, false},
    {"NotIpAddress", OP_IP, COMPARE_TEXT, true, false, false},
    {"Null", OP_NULL, COMPARE_TEXT, false, false, false},
    {"NumericEquals", OP_EQUAL, COMPARE_NUMBER, false, false, false},
    {"NumericNotEquals", OP_EQUAL, COMPARE_NUMBER, true, false, false},
    {"NumericLessThan", OP_LESS, COMPARE_NUMBER, false, false, false},
    {"NumericLessThanEquals", OP_LESS_EQUAL, COMPARE_NUMBER, false, false, false},
    {"NumericGreaterThan", OP_GREATER, COMPARE_NUMBER, false, false, false},
    {"NumericGreaterThanEquals", OP_GREATER_EQUAL, COMPARE_NUMBER, false, false, false},
    {"DateEquals", OP_EQUAL, COMPARE_DATE, false, false, false},
    {"DateNotEquals", OP_EQUAL, COMPARE_DATE, true, false, false},
    {"DateLessThan", OP_LESS, COMPARE_DATE, false, false, false},
    {"DateLessThanEquals", OP_LESS_EQUAL, COMPARE_DATE, false, false, false},
    {"DateGreaterThan", OP_GREATER, COMPARE_DATE, false, false, false},
    {"DateGreaterThanEquals", OP_GREATER_EQUAL, COMPARE_DATE, false, false, false},
};

/* --- values ------------------------------------------------------------------------------------
 */

static bool read_number(const char *text, double *out)
{
    char *end;
    size_t len = strlen(text);
    /* Decimal only: strtod also takes hexadecimal, infinities and blanks. */
    if (len == 0 || len > 64 || strspn(text, "+-.0123456789eE") != len)
        return false;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* "2013-06-30T12:00:00Z", without seconds, a day, or seconds since 1970. */
static bool read_date(const char *text, double *out)
{
    char whole[32];
    int64_t time_ms;
    size_t len = strlen(text);
    if (len == 10 && text[4] == '-')
        snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
    else if (len == 17 && text[13] == ':' && text[16] == 'Z')
        snprintf(whole, sizeof whole, "%.16s:00Z", text);
    else
        snprintf(whole, sizeof whole, "%s", text);
    if (len < sizeof whole && clock_parse_iso(whole, strlen(whole), &time_ms) == 0) {
        *out = (double)time_ms / 1000;
        return true;
    }
    return read_number(text, out);
}

/* "203.0.113.0/24", "2001:db8::/32", or an address alone. */
static bool read_network(const char *text, struct network *out)
{
    char address[INET6_ADDRSTRLEN + 1];
    int64_t bits;
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    *out = (struct network){.family = strchr(address, ':') ? AF_INET6 : AF_INET};
    int64_t most = out->family == AF_INET6 ? 128 : 32;
    if (inet_pton(out->family, address, out->address) != 1)
        return false;
    bits = most;
    if (slash &&
        (text_to_int64(slash + 1, strlen(slash + 1), &bits) != 0 || bits < 0 || bits > most))
        return false;
    out->bits = (unsigned)bits;
    return true;
}

static bool network_holds(const struct network *network, const struct network *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (network->family != address->family ||
        memcmp(network->address, address->address, whole) != 0)
        return false;
    unsigned mask = 0xff00u >> rest & 0xff;
    return rest == 0 || ((network->address[whole] ^ address->address[whole]) & mask) == 0;
}

static bool read_flag(const char *text, bool *out)
{
    *out = strcasecmp(text, "true") == 0;
    return *out || strcasecmp(text, "false") == 0;
}

/* Base64 of the same bytes, whatever stands in the unused bits of the last letter. */
static bool same_bytes(const char *one, const char *other)
{
    struct arena arena;
    unsigned char *a, *b;
    size_t a_len, b_len;
    arena_init(&arena);
    bool same = base64_decode(&arena, one, strlen(one), &a, &a_len) == 0 &&
                base64_decode(&arena, other, strlen(other), &b, &b_len) == 0 && a_len == b_len &&
                memcmp(a, b, a_len) == 0;
    arena_done(&arena);
    return same;
}

/* --- compiling ---------------------------------------------------------------------------------
 */

static bool value_fits(const struct operator_row *row, const char *text,
                       struct condition_value *value)
{
    if (row->comparand == COMPARE_NUMBER)
        return read_number(text, &value->number);
    if (row->comparand == COMPARE_DATE)
        return read_date(text, &value->number);
    switch (row->operation) {
    case OP_NULL:
        return read_flag(text, &value->flag);
    case OP_BOOL:
        return value->pattern.pieces || read_flag(text, &value->flag);
    case OP_IP:
        return read_network(text, &value->network);
    case OP_BINARY:
        return same_bytes(text, text);
    default:
        return true;
    }
}

static int value_compile(struct arena *arena, const struct operator_row *row, const json_t *item,
                         bool variables, struct condition_value *out, struct error *err)
{
    char number[64];
    const char *text = json_string_value(item);
    if (json_is_boolean(item)) {
        text = json_is_true(item) ? "true" : "false";
    } else if (json_is_number(item)) {
        snprintf(number, sizeof number, "%.17g", json_number_value(item));
        text = number;
    } else if (!text) {
        return error_set(err, ERR_INVALID, "Syntax errors in policy.");
    }
    if (pattern_compile(arena, text, variables && row->variables, row->wildcards, &out->pattern,
                        err) != 0)
        return -1;
    if (!value_fits(row, text, out))
        return error_set(err, ERR_INVALID, "Invalid value for Condition type : %s.", row->name);
    return 0;
}

/* "ForAllValues:StringLikeIfExists" taken apart. NULL when there is no such operator. */
static const struct operator_row *find_operator(const char *name, struct condition *out)
{
    static const char all[] = "ForAllValues:", any[] = "ForAnyValue:", suffix[] = "IfExists";
    out->set = text_starts(name, all) ? SET_ALL : text_starts(name, any) ? SET_ANY : SET_NONE;
    name += out->set == SET_ALL ? sizeof all - 1 : out->set == SET_ANY ? sizeof any - 1 : 0;
    size_t len = strlen(name);
    out->if_exists = text_ends(name, suffix);
    if (out->if_exists)
        len -= sizeof suffix - 1;
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        const struct operator_row *row = &operators[i];
        if (strlen(row->name) != len || memcmp(row->name, name, len) != 0)
            continue;
        bool plain = !out->if_exists && out->set == SET_NONE;
        return row->operation == OP_NULL && !plain ? NULL : row;
    }
    return NULL;
}

int condition_compile(struct arena *arena, const char *name, const json_t *keys, bool variables,
                      struct condition *out, size_t *count, struct error *err)
{
    struct condition common = {0};
    const struct operator_row *row = find_operator(name, &common);
    if (!row)
        return error_set(err, ERR_INVALID, "Invalid Condition type : %s.", name);
    if (json_object_size(keys) == 0)
        return error_set(err, ERR_INVALID, "Syntax errors in policy.");
    common.operation = row->operation;
    common.comparand = row->comparand;
    common.negated = row->negated;
    const char *key;
    json_t *element;
    json_object_foreach((json_t *)keys, key, element)
    {
        size_t items = policy_items(element);
        if (!strchr(key, ':'))
            return error_set(err, ERR_INVALID,
                             "Actions/Conditions must be prefaced by a vendor, "
                             "e.g., iam, sdb, ec2, etc.");
        if (items == 0)
            return error_set(err, ERR_INVALID, "Syntax errors in policy.");
        struct condition_value *values = arena_calloc(arena, items, sizeof *values);
        for (size_t i = 0; i < items; i++)
            if (value_compile(arena, row, policy_item(element, i), variables, &values[i], err) != 0)
                return -1;
        struct condition *condition = &out[(*count)++];
        *condition = common;
        condition->key = arena_strdup(arena, key);
        condition->values = values;
        condition->value_count = items;
    }
    return 0;
}

/* --- evaluating --------------------------------------------------------------------------------
 */

static bool stands(enum operation operation, double asked, double stated)
{
    switch (operation) {
    case OP_LESS:
        return asked < stated;
    case OP_LESS_EQUAL:
        return asked <= stated;
    case OP_GREATER:
        return asked > stated;
    case OP_GREATER_EQUAL:
        return asked >= stated;
    default:
        return asked == stated;
    }
}

static int one_matches(const struct condition *condition, const struct condition_value *value,
                       const struct policy_question *question, const char *asked)
{
    double number;
    struct network address;
    bool flag;
    switch (condition->operation) {
    case OP_STRING:
        return pattern_match(&value->pattern, question, text_of(asked), false);
    case OP_STRING_NOCASE:
    case OP_BOOL:
        if (condition->operation == OP_BOOL && !read_flag(asked, &flag))
            return MATCH_NO;
        return pattern_match(&value->pattern, question, text_of(asked), true);
    case OP_ARN:
        return pattern_match_arn(&value->pattern, question, text_of(asked));
    case OP_BINARY:
        return same_bytes(value->pattern.text.data, asked);
    case OP_IP:
        return read_network(asked, &address) && network_holds(&value->network, &address);
    default:
        return (condition->comparand == COMPARE_DATE ? read_date(asked, &number)
                                                     : read_number(asked, &number)) &&
               stands(condition->operation, number, value->number);
    }
}

/* The values of the policy are one or the other; negated, none of them. A variable without value
 * lets nothing match, the negated operators included. */
static bool value_holds(const struct condition *condition, const struct policy_question *question,
                        const char *asked)
{
    bool unresolved = false;
    for (size_t i = 0; i < condition->value_count; i++) {
        int match = one_matches(condition, &condition->values[i], question, asked);
        if (match == MATCH_YES)
            return !condition->negated;
        unresolved |= match == MATCH_UNRESOLVED;
    }
    return condition->negated && !unresolved;
}

bool condition_holds(const struct condition *condition, const struct policy_question *question)
{
    const char *const *asked = question_values(question, condition->key);
    if (condition->operation == OP_NULL) {
        for (size_t i = 0; i < condition->value_count; i++)
            if (condition->values[i].flag == (asked == NULL))
                return true;
        return false;
    }
    if (!asked)
        return condition->if_exists || condition->set == SET_ALL ||
               (condition->negated && condition->set == SET_NONE);
    /* Several values under an operator for one: any may match, none may be what is forbidden. */
    bool all = condition->set == SET_ALL || (condition->set == SET_NONE && condition->negated);
    for (; *asked; asked++)
        if (value_holds(condition, question, *asked) != all)
            return !all;
    return all;
}
