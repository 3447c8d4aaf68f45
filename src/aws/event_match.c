/* Events against compiled patterns. */
#include "aws/event_pattern_intern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 128,
    STEPS_MAX = 200000, /* of one comparison; what costs more does not match */
};

/* In which element of which list a leaf stands, innermost first. */
struct place {
    const struct place *outer;
    const json_t *list;
    size_t element;
};

struct field {
    struct text path;
    const json_t *value; /* not an object, not a list */
    const struct place *place;
};

struct event_fields {
    struct field *items;
    size_t count, room;
};

/* --- taking an event apart -------------------------------------------------------------------- */

static void add(struct arena *arena, struct event_fields *fields, struct text path,
                const json_t *value, const struct place *place)
{
    if (fields->count == fields->room) {
        fields->room = fields->room ? 2 * fields->room : 64;
        struct field *more = arena_calloc(arena, fields->room, sizeof *more);
        if (fields->count)
            memcpy(more, fields->items, fields->count * sizeof *more);
        fields->items = more;
    }
    fields->items[fields->count++] = (struct field){path, value, place};
}

static void flatten(struct arena *arena, struct event_fields *fields, struct text path,
                    const json_t *value, const struct place *place, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return;
    if (json_is_object(value)) {
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)value, key, member)
        {
            size_t len = strlen(key), at = path.data ? path.len + 1 : 0;
            char *joined = arena_alloc(arena, at + len + 1);
            if (path.data) {
                memcpy(joined, path.data, path.len);
                joined[path.len] = '.';
            }
            memcpy(joined + at, key, len);
            flatten(arena, fields, (struct text){joined, at + len}, member, place, depth + 1);
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            struct place *inner = arena_alloc(arena, sizeof *inner);
            *inner = (struct place){place, value, i};
            flatten(arena, fields, path, json_array_get(value, i), inner, depth + 1);
        }
    } else {
        add(arena, fields, path, value, place);
    }
}

static int compare_paths(struct text a, struct text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_fields(const void *a, const void *b)
{
    return compare_paths(((const struct field *)a)->path, ((const struct field *)b)->path);
}

struct event_fields *event_fields_of(struct arena *arena, const json_t *event)
{
    struct event_fields *fields = arena_alloc(arena, sizeof *fields);
    if (json_is_object(event))
        flatten(arena, fields, (struct text){0}, event, NULL, 0);
    if (fields->count)
        qsort(fields->items, fields->count, sizeof *fields->items, compare_fields);
    return fields;
}

/* --- a value ---------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b, size_t len, bool nocase)
{
    if (!nocase)
        return len == 0 || memcmp(a, b, len) == 0;
    for (size_t i = 0; i < len; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

/* '*' is any run of bytes; '\*' and '\\' are themselves. */
static bool is_wildcard_match(struct text pattern, struct text text)
{
    size_t at = 0, in = 0, star = SIZE_MAX, retry = 0;
    while (in < text.len) {
        bool escaped = at < pattern.len && pattern.data[at] == '\\';
        if (at < pattern.len && pattern.data[at] == '*') {
            star = ++at;
            retry = in;
        } else if (at < pattern.len && pattern.data[at + escaped] == text.data[in]) {
            at += 1 + escaped;
            in++;
        } else if (star != SIZE_MAX) {
            at = star;
            in = ++retry;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.data[at] == '*')
        at++;
    return at == pattern.len && pattern.len;
}

static bool in_network(const struct event_match *match, struct text text)
{
    unsigned char address[16];
    int family;
    if (event_address(text.data, text.len, address, &family) != 0 || family != match->family)
        return false;
    size_t whole = (size_t)match->bits / 8, rest = (size_t)match->bits % 8;
    if (memcmp(address, match->network, whole) != 0)
        return false;
    unsigned mask = 0xFFu << (8 - rest) & 0xFFu;
    return rest == 0 || (address[whole] & mask) == (match->network[whole] & mask);
}

static bool is_text_match(const struct event_match *match, struct text text)
{
    struct text wanted = match->text;
    switch (match->kind) {
    case MATCH_TEXT:
        return text.len == wanted.len && same(text.data, wanted.data, text.len, false);
    case MATCH_NOCASE:
        return text.len == wanted.len && same(text.data, wanted.data, text.len, true);
    case MATCH_PREFIX:
        return text.len >= wanted.len && same(text.data, wanted.data, wanted.len, match->nocase);
    case MATCH_SUFFIX:
        return text.len >= wanted.len &&
               same(text.data + text.len - wanted.len, wanted.data, wanted.len, match->nocase);
    case MATCH_WILDCARD:
        return is_wildcard_match(wanted, text);
    case MATCH_CIDR:
        return in_network(match, text);
    default:
        return false;
    }
}

static bool in_range(const struct event_match *match, double value)
{
    return (match->low_inclusive ? value >= match->low : value > match->low) &&
           (match->high_inclusive ? value <= match->high : value < match->high);
}

static bool is_match(const struct event_match *match, const json_t *value)
{
    switch (match->kind) {
    case MATCH_EXISTS:
        return match->wanted;
    case MATCH_NONE_OF:
        for (size_t i = 0; i < match->other_count; i++)
            if (is_match(&match->others[i], value))
                return false;
        return true;
    case MATCH_NUMBER:
        return json_is_number(value) && json_number_value(value) == match->low;
    case MATCH_RANGE:
        return json_is_number(value) && in_range(match, json_number_value(value));
    case MATCH_LITERAL:
        return json_typeof(value) == match->literal;
    default:
        return json_is_string(value) &&
               is_text_match(match,
                             (struct text){json_string_value(value), json_string_length(value)});
    }
}

/* --- all of them --------------------------------------------------------------------------- */

/* Places taken so far: a list that was entered by one key is entered by the others in the same
 * element. */
struct chosen {
    const struct chosen *before;
    const struct place *place;
};

static bool is_consistent(const struct chosen *chosen, const struct place *place)
{
    for (; chosen; chosen = chosen->before)
        for (const struct place *taken = chosen->place; taken; taken = taken->outer)
            for (const struct place *at = place; at; at = at->outer)
                if (at->list == taken->list && at->element != taken->element)
                    return false;
    return true;
}

static const struct field *find(const struct event_fields *fields, struct text path, size_t *count)
{
    size_t low = 0, high = fields->count;
    *count = 0;
    if (!fields->count)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_paths(fields->items[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + *count < fields->count &&
           compare_paths(fields->items[low + *count].path, path) == 0)
        (*count)++;
    return fields->items + low;
}

static bool may_be_absent(const struct event_condition *condition)
{
    for (size_t i = 0; i < condition->match_count; i++)
        if (condition->matches[i].kind == MATCH_EXISTS && !condition->matches[i].wanted)
            return true;
    return false;
}

static bool holds(const struct event_condition *condition, const json_t *value)
{
    for (size_t i = 0; i < condition->match_count; i++)
        if (is_match(&condition->matches[i], value))
            return true;
    return false;
}

/* What is still to hold: of `node`, the nodes from `at` on; then `next`. */
struct goal {
    const struct event_node *node;
    size_t at;
    const struct goal *next;
};

struct search {
    const struct event_fields *fields;
    size_t steps;
};

static bool search(struct search *s, const struct goal *goal, const struct chosen *chosen);

static bool search_condition(struct search *s, const struct goal *goal, const struct chosen *chosen)
{
    const struct event_condition *condition = &goal->node->condition;
    size_t count;
    const struct field *field = find(s->fields, condition->path, &count);
    if (count == 0)
        return may_be_absent(condition) && search(s, goal->next, chosen);
    bool plain = false; /* one leaf outside of all lists is as good as another */
    for (size_t i = 0; i < count && s->steps < STEPS_MAX; i++, field++) {
        s->steps++;
        if ((plain && !field->place) || !holds(condition, field->value) ||
            !is_consistent(chosen, field->place))
            continue;
        plain = plain || !field->place;
        const struct chosen next = {chosen, field->place};
        if (search(s, goal->next, field->place ? &next : chosen))
            return true;
    }
    return false;
}

/* Do the goals hold together with what was chosen? */
static bool search(struct search *s, const struct goal *goal, const struct chosen *chosen)
{
    if (!goal)
        return true;
    const struct event_node *node = goal->node;
    if (node->kind == NODE_CONDITION)
        return search_condition(s, goal, chosen);
    if (node->kind == NODE_ANY) {
        for (size_t i = 0; i < node->count && s->steps++ < STEPS_MAX; i++) {
            const struct goal one = {node->nodes[i], 0, goal->next};
            if (search(s, &one, chosen))
                return true;
        }
        return false;
    }
    if (goal->at == node->count)
        return search(s, goal->next, chosen);
    const struct goal rest = {node, goal->at + 1, goal->next};
    const struct goal first = {node->nodes[goal->at], 0, &rest};
    return search(s, &first, chosen);
}

bool event_pattern_matches(const struct event_pattern *pattern, const struct event_fields *fields)
{
    struct search s = {.fields = fields};
    const struct goal goal = {pattern->root, 0, NULL};
    return search(&s, &goal, NULL);
}
