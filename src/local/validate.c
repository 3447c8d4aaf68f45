#include "local/validate.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"

#include <ctype.h>
#include <string.h>

/* AWS stops after ten, and so do its clients' screens. */
enum { LARGEST_ERROR_COUNT = 10, LARGEST_MESSAGE = 1024 * 1024 };

/* --- types ------------------------------------------------------------------------------------ */

struct typing {
    struct arena *arena;
    bool from_query;
    const char *message;
};

static int check_members(struct typing *typing, const struct local_member *members, json_t *object);

static int mistyped(struct typing *typing, const char *message)
{
    typing->message = message;
    return -1;
}

static const char *token_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return "STRING_VALUE";
    case JSON_INTEGER:
        return "NUMBER_VALUE";
    case JSON_REAL:
        return "DECIMAL_VALUE";
    case JSON_TRUE:
        return "TRUE_VALUE";
    default:
        return "FALSE_VALUE";
    }
}

static int misplaced(struct typing *typing, const json_t *value, const char *wanted)
{
    if (json_is_object(value))
        return mistyped(typing, "Start of structure or map found where not expected");
    if (json_is_array(value))
        return mistyped(typing,
                        typing->from_query
                            ? "Start of list found where not expected"
                            : arena_printf(typing->arena,
                                           "Unrecognized collection type class java.%s", wanted));
    return mistyped(typing, NULL);
}

static int not_converted(struct typing *typing, const json_t *value, const char *wanted)
{
    return mistyped(typing, arena_printf(typing->arena, "%s cannot be converted to %s",
                                         token_name(value), wanted));
}

static int check_scalar(struct typing *typing, json_t *value, bool fits, const char *class,
                        const char *wanted)
{
    if (fits)
        return 0;
    if (json_is_object(value) || json_is_array(value))
        return misplaced(typing, value, class);
    return not_converted(typing, value, wanted);
}

static int check_blob(struct typing *typing, json_t *value)
{
    if (json_is_object(value) || json_is_array(value))
        return misplaced(typing, value, "nio.ByteBuffer");
    if (!json_is_string(value))
        return mistyped(typing, "only base-64-encoded strings are convertible to bytes");
    unsigned char *bytes;
    size_t len = json_string_length(value), decoded;
    if (len % 4)
        return mistyped(
            typing,
            arena_printf(typing->arena,
                         "Base64 encoded length is expected a multiple of 4 bytes but found: %zu",
                         len));
    if (base64_decode(typing->arena, json_string_value(value), len, &bytes, &decoded) != 0)
        return mistyped(typing, "Invalid Base64 character");
    return 0;
}

static bool is_time_text(const json_t *value)
{
    int64_t time_ms;
    return json_is_string(value) &&
           clock_parse_iso(json_string_value(value), json_string_length(value), &time_ms) == 0;
}

static int check_value(struct typing *typing, const struct local_member *member, json_t *value);

static int check_list(struct typing *typing, const struct local_member *member, json_t *value)
{
    if (json_is_object(value))
        return misplaced(typing, value, "util.List");
    if (!json_is_array(value))
        return mistyped(typing, "Unexpected field type");
    for (size_t i = 0; i < json_array_size(value); i++)
        if (check_value(typing, member->element, json_array_get(value, i)) != 0)
            return -1;
    return 0;
}

static int check_map(struct typing *typing, const struct local_member *member, json_t *value)
{
    if (json_is_array(value))
        return misplaced(typing, value, "util.Map");
    if (!json_is_object(value))
        return mistyped(typing, "Unexpected field type");
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item)
    {
        if (check_value(typing, member->element, item) != 0)
            return -1;
    }
    return 0;
}

static int check_value(struct typing *typing, const struct local_member *member, json_t *value)
{
    if (json_is_null(value))
        return 0;
    switch (member->type) {
    case LOCAL_STRING:
        return check_scalar(typing, value, json_is_string(value), "lang.String", "String");
    case LOCAL_INTEGER:
        return check_scalar(typing, value, json_is_integer(value), "lang.Integer", "Integer");
    case LOCAL_BOOLEAN:
        if (json_is_string(value))
            return mistyped(typing, "Unexpected token received from parser");
        return check_scalar(typing, value, json_is_boolean(value), "lang.Boolean", "Boolean");
    case LOCAL_TIMESTAMP:
        return check_scalar(typing, value,
                            typing->from_query ? is_time_text(value) : json_is_number(value),
                            "util.Date", "Timestamp");
    case LOCAL_BLOB:
        return check_blob(typing, value);
    case LOCAL_LIST:
        return check_list(typing, member, value);
    case LOCAL_MAP:
        return check_map(typing, member, value);
    case LOCAL_STRUCTURE:
        if (json_is_array(value))
            return misplaced(typing, value, "util.Map");
        if (!json_is_object(value))
            return mistyped(typing, "Unexpected field type");
        return check_members(typing, member->members, value);
    }
    return -1;
}

json_t *validate_from_text(const struct local_member *member, const json_t *value)
{
    int64_t number;
    const char *text = json_string_value(value);
    if (!text)
        return NULL;
    if (member->type == LOCAL_INTEGER && text_to_int64(text, strlen(text), &number) == 0)
        return json_integer(number);
    if (member->type == LOCAL_BOOLEAN && strcasecmp(text, "true") == 0)
        return json_true();
    if (member->type == LOCAL_BOOLEAN && strcasecmp(text, "false") == 0)
        return json_false();
    if (member->type == LOCAL_LIST && !*text)
        return json_array(); /* "Tags=" is how the query protocol writes an empty list */
    return NULL;
}

static void convert_list(const struct local_member *element, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *converted = validate_from_text(element, json_array_get(list, i));
        if (converted)
            json_array_set_new(list, i, converted);
    }
}

static int check_members(struct typing *typing, const struct local_member *members, json_t *object)
{
    for (const struct local_member *member = members; member && member->name; member++) {
        json_t *value = json_object_get(object, member->name);
        if (!value)
            continue;
        if (typing->from_query) {
            json_t *converted = validate_from_text(member, value);
            if (converted && json_object_set_new(object, member->name, converted) == 0)
                value = converted;
            if (member->type == LOCAL_LIST)
                convert_list(member->element, value);
        }
        if (check_value(typing, member, value) != 0)
            return -1;
    }
    return 0;
}

int validate_types(struct arena *arena, const struct local_member *members, json_t *input,
                   bool from_query, const char **message)
{
    struct typing typing = {arena, from_query, NULL};
    int result = check_members(&typing, members, input);
    *message = typing.message;
    return result;
}

/* --- constraints ------------------------------------------------------------------------------ */

/* Where a value stands: "parameterFilters.1.member.key", written only when an error needs it. */
struct place {
    const struct place *above; /* NULL: the input itself */
    const char *name;          /* member or map key; NULL: list element `index` */
    size_t index;              /* from 1 */
    bool is_key;               /* `name` is a map's key: AWS keeps its case */
};

struct checking {
    struct arena *arena;
    struct buf errors;
    unsigned count;
};

static void write_place(struct buf *out, const struct place *place)
{
    if (place->above) {
        write_place(out, place->above);
        buf_append_char(out, '.');
    }
    if (!place->name)
        buf_printf(out, "%zu.member", place->index);
    else if (place->is_key)
        buf_printf(out, "%s.member", place->name);
    else
        buf_printf(out, "%c%s", tolower((unsigned char)place->name[0]), place->name + 1);
}

static void write_value(struct buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        buf_append(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        buf_printf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        buf_printf(out, "%g", json_real_value(value));
        break;
    case JSON_ARRAY:
        buf_append_char(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                buf_append_text(out, ", ");
            write_value(out, json_array_get(value, i));
        }
        buf_append_char(out, ']');
        break;
    case JSON_NULL:
        buf_append_text(out, "null");
        break;
    default:
        buf_append_text(out, json_is_true(value) ? "true" : "false");
    }
}

/* A list of structures is shown by AWS as object addresses: nothing that could be repeated. */
static bool is_showable(const struct local_member *member)
{
    if (member->flags & LOCAL_SENSITIVE || member->type == LOCAL_BLOB)
        return false;
    if (member->type == LOCAL_LIST)
        return is_showable(member->element);
    return member->type != LOCAL_STRUCTURE && member->type != LOCAL_MAP;
}

/* Begins an error: "Value '...' at 'name' failed to satisfy constraint: "; the caller ends it. */
static struct buf *begin_error(struct checking *checking, const struct local_member *member,
                               const struct place *place, const json_t *value)
{
    struct buf *out = &checking->errors;
    if (++checking->count > LARGEST_ERROR_COUNT) {
        checking->count = LARGEST_ERROR_COUNT;
        return NULL;
    }
    buf_append_text(out, checking->count > 1 ? "; Value" : "Value");
    if (!value || json_is_null(value)) {
        buf_append_text(out, " null");
    } else if (is_showable(member)) {
        buf_append_text(out, " '");
        write_value(out, value);
        buf_append_char(out, '\'');
    }
    buf_append_text(out, " at '");
    write_place(out, place);
    buf_append_text(out, "' failed to satisfy constraint: ");
    return out;
}

static int64_t size_of(struct checking *checking, const struct local_member *member,
                       const json_t *value)
{
    unsigned char *bytes;
    size_t decoded;
    switch (member->type) {
    case LOCAL_STRING: /* AWS counts characters */
        return (int64_t)text_utf8_count(json_string_value(value), json_string_length(value));
    case LOCAL_BLOB:
        if (base64_decode(checking->arena, json_string_value(value), json_string_length(value),
                          &bytes, &decoded) != 0)
            return 0;
        return (int64_t)decoded;
    case LOCAL_LIST:
        return (int64_t)json_array_size(value);
    case LOCAL_MAP:
        return (int64_t)json_object_size(value);
    default:
        return json_integer_value(value);
    }
}

static bool is_one_of(const char *text, const char *const *values)
{
    for (; *values; values++)
        if (strcmp(*values, text) == 0)
            return true;
    return false;
}

static void write_enum(struct buf *out, const char *const *values)
{
    buf_append_text(out, "Member must satisfy enum value set: [");
    for (const char *const *value = values; *value; value++)
        buf_printf(out, "%s%s", value == values ? "" : ", ", *value);
    buf_append_char(out, ']');
}

enum broken { TOO_LARGE = 1, TOO_SMALL = 2, NO_MATCH = 4, NOT_IN_SET = 8 };

static unsigned find_broken(struct checking *checking, const struct local_member *member,
                            const json_t *value)
{
    unsigned broken = 0;
    bool sized = member->type != LOCAL_STRUCTURE && member->type != LOCAL_BOOLEAN &&
                 member->type != LOCAL_TIMESTAMP;
    if (sized && (member->max > 0 || member->min > 0)) {
        int64_t size = size_of(checking, member, value);
        if (member->max > 0 && size > member->max)
            broken |= TOO_LARGE;
        if (size < member->min)
            broken |= TOO_SMALL;
    }
    if (member->type != LOCAL_STRING)
        return broken;
    if (member->pattern && local_regex(member->pattern, json_string_value(value),
                                       json_string_length(value), false) != 1)
        broken |= NO_MATCH;
    if (member->values && !is_one_of(json_string_value(value), member->values))
        broken |= NOT_IN_SET;
    return broken;
}

static void write_broken(struct buf *out, const struct local_member *member, unsigned broken)
{
    const char *measure = member->type == LOCAL_INTEGER ? "value" : "length";
    if (broken == TOO_LARGE)
        buf_printf(out, "Member must have %s less than or equal to %lld", measure,
                   (long long)member->max);
    else if (broken == TOO_SMALL)
        buf_printf(out, "Member must have %s greater than or equal to %lld", measure,
                   (long long)member->min);
    else if (broken == NO_MATCH)
        buf_printf(out, "Member must satisfy regular expression pattern: %s", member->pattern);
    else
        write_enum(out, member->values);
}

/* All that an element must satisfy, as AWS recites for lists and maps of texts and numbers. */
static void write_element_rules(struct buf *out, const struct local_member *element)
{
    const char *between = "";
    const unsigned rules[] = {element->max > 0 ? TOO_LARGE : 0,
                              element->max > 0 || element->min > 0 ? TOO_SMALL : 0,
                              element->pattern ? NO_MATCH : 0, element->values ? NOT_IN_SET : 0};
    buf_append_char(out, '[');
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!rules[i])
            continue;
        buf_append_text(out, between);
        write_broken(out, element, rules[i]);
        between = ", ";
    }
    buf_append_char(out, ']');
}

static void check_structure(struct checking *checking, const struct local_member *members,
                            const json_t *object, const struct place *place);
static void check_constraints(struct checking *checking, const struct local_member *member,
                              const json_t *value, const struct place *place);

static bool has_parts(const struct local_member *member)
{
    return member->type == LOCAL_STRUCTURE || member->type == LOCAL_LIST ||
           member->type == LOCAL_MAP;
}

/* One error for the whole list, whichever and however many elements break a rule. */
static void check_plain_elements(struct checking *checking, const struct local_member *list,
                                 const json_t *value, const struct place *place)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        bool null = json_is_null(item);
        if (!null && !find_broken(checking, list->element, item))
            continue;
        struct buf *out = begin_error(checking, list, place, value);
        if (out && null) {
            buf_append_text(out, "Member must not be null");
        } else if (out) {
            buf_append_text(out, "Member must satisfy constraint: ");
            write_element_rules(out, list->element);
        }
        return;
    }
}

static void check_parts(struct checking *checking, const struct local_member *member,
                        const json_t *value, const struct place *place)
{
    const char *key;
    json_t *item;
    if (member->type == LOCAL_STRUCTURE) {
        check_structure(checking, member->members, value, place);
    } else if (member->type == LOCAL_MAP) {
        json_object_foreach((json_t *)value, key, item)
        {
            struct place inside = {place, key, 0, true};
            check_constraints(checking, member->element, item, &inside);
        }
    } else if (!has_parts(member->element)) {
        check_plain_elements(checking, member, value, place);
    } else {
        for (size_t i = 0; i < json_array_size(value); i++) {
            struct place inside = {place, NULL, i + 1, false};
            check_constraints(checking, member->element, json_array_get(value, i), &inside);
        }
    }
}

static void check_constraints(struct checking *checking, const struct local_member *member,
                              const json_t *value, const struct place *place)
{
    bool in_list = !member->name;
    if (!value || json_is_null(value)) {
        if (in_list || member->flags & LOCAL_REQUIRED) {
            struct buf *out = begin_error(checking, member, place, NULL);
            if (out)
                buf_append_text(out, "Member must not be null");
        }
        return;
    }
    unsigned broken = find_broken(checking, member, value);
    for (unsigned rule = TOO_LARGE; rule <= NOT_IN_SET; rule <<= 1) {
        struct buf *out = broken & rule ? begin_error(checking, member, place, value) : NULL;
        if (out)
            write_broken(out, member, rule);
    }
    if (has_parts(member))
        check_parts(checking, member, value, place);
}

static void check_structure(struct checking *checking, const struct local_member *members,
                            const json_t *object, const struct place *place)
{
    for (const struct local_member *member = members; member && member->name; member++) {
        struct place inside = {place, member->name, 0, false};
        check_constraints(checking, member, json_object_get(object, member->name), &inside);
    }
}

const char *validate_constraints(struct arena *arena, const struct local_member *members,
                                 const json_t *input)
{
    struct checking checking = {.arena = arena};
    buf_init(&checking.errors, LARGEST_MESSAGE);
    check_structure(&checking, members, input, NULL);
    const char *message = NULL;
    if (checking.count)
        message = arena_printf(arena, "%u validation error%s detected: %s", checking.count,
                               checking.count == 1 ? "" : "s", buf_text(&checking.errors));
    buf_done(&checking.errors);
    return message;
}
