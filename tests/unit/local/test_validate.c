#include "local/validate.h"
#include "support/test.h"

#include <string.h>

static const char *const types[] = {"String", "StringList", "SecureString", NULL};
static const struct local_member text_element = {.type = LOCAL_STRING, .min = 1, .max = 5};
static const struct local_member plain_element = {.type = LOCAL_STRING};
static const struct local_member number_element = {.type = LOCAL_INTEGER};
static const struct local_member filter_members[] = {
    {.name = "Key",
     .type = LOCAL_STRING,
     .flags = LOCAL_REQUIRED,
     .min = 1,
     .max = 6,
     .pattern = "tag:.+|Name|Type"},
    {.name = "Values", .type = LOCAL_LIST, .min = 1, .max = 2, .element = &text_element},
    {.name = NULL},
};
static const struct local_member filter_element = {.type = LOCAL_STRUCTURE,
                                                   .members = filter_members};
static const struct local_member members[] = {
    {.name = "Name", .type = LOCAL_STRING, .flags = LOCAL_REQUIRED, .min = 1, .max = 8},
    {.name = "Value", .type = LOCAL_STRING, .flags = LOCAL_SENSITIVE, .max = 4},
    {.name = "Type", .type = LOCAL_STRING, .values = types},
    {.name = "Count", .type = LOCAL_INTEGER, .min = 1, .max = 50},
    {.name = "Deep", .type = LOCAL_BOOLEAN},
    {.name = "When", .type = LOCAL_TIMESTAMP},
    {.name = "Blob", .type = LOCAL_BLOB, .flags = LOCAL_SENSITIVE, .min = 1, .max = 3},
    {.name = "Names", .type = LOCAL_LIST, .min = 1, .max = 3, .element = &text_element},
    {.name = "Filters", .type = LOCAL_LIST, .max = 2, .element = &filter_element},
    {.name = "Context", .type = LOCAL_MAP, .element = &plain_element},
    {.name = "Numbers", .type = LOCAL_LIST, .element = &number_element},
    {.name = NULL},
};

static json_t *parse(const char *text)
{
    json_t *value = json_read(text, strlen(text), NULL);
    if (!value)
        fail_msg("not JSON: %s", text);
    return value;
}

static void types_have_their_texts(void **state)
{
    static const struct {
        const char *input, *message;
    } rows[] = {
        {"{\"Name\":23}", "NUMBER_VALUE cannot be converted to String"},
        {"{\"Name\":2.5}", "DECIMAL_VALUE cannot be converted to String"},
        {"{\"Name\":true}", "TRUE_VALUE cannot be converted to String"},
        {"{\"Name\":false}", "FALSE_VALUE cannot be converted to String"},
        {"{\"Name\":[]}", "Unrecognized collection type class java.lang.String"},
        {"{\"Name\":{}}", "Start of structure or map found where not expected"},
        {"{\"Count\":\"23\"}", "STRING_VALUE cannot be converted to Integer"},
        {"{\"Count\":true}", "TRUE_VALUE cannot be converted to Integer"},
        {"{\"Count\":1.5}", "DECIMAL_VALUE cannot be converted to Integer"},
        {"{\"Count\":[]}", "Unrecognized collection type class java.lang.Integer"},
        {"{\"Deep\":\"true\"}", "Unexpected token received from parser"},
        {"{\"Deep\":1}", "NUMBER_VALUE cannot be converted to Boolean"},
        {"{\"Deep\":[]}", "Unrecognized collection type class java.lang.Boolean"},
        {"{\"Deep\":{}}", "Start of structure or map found where not expected"},
        {"{\"Blob\":5}", "only base-64-encoded strings are convertible to bytes"},
        {"{\"Blob\":[]}", "Unrecognized collection type class java.nio.ByteBuffer"},
        {"{\"Blob\":\"23456\"}",
         "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
        {"{\"Blob\":\"=+/=\"}", "Invalid Base64 character"},
        {"{\"Names\":\"a\"}", "Unexpected field type"},
        {"{\"Names\":{}}", "Start of structure or map found where not expected"},
        {"{\"Names\":[1]}", "NUMBER_VALUE cannot be converted to String"},
        {"{\"Filters\":[5]}", "Unexpected field type"},
        {"{\"Filters\":[{\"Key\":5}]}", "NUMBER_VALUE cannot be converted to String"},
        {"{\"Context\":[]}", "Unrecognized collection type class java.util.Map"},
        {"{\"Context\":{\"a\":1}}", "NUMBER_VALUE cannot be converted to String"},
        {"{\"When\":\"2020-01-01T00:00:00Z\"}", "STRING_VALUE cannot be converted to Timestamp"},
        {"{\"Name\":null,\"Unknown\":{},\"Count\":5,\"When\":1.5,\"Names\":[null]}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena);
        json_t *input = parse(rows[i].input);
        const char *message = NULL;
        int result = validate_types(&arena, members, input, false, &message);
        if (result != (rows[i].message ? -1 : 0) ||
            (rows[i].message && strcmp(message, rows[i].message) != 0))
            fail_msg("%s: %s", rows[i].input, message);
        json_decref(input);
        arena_done(&arena);
    }
}

static void constraints_have_their_texts(void **state)
{
    static const struct {
        const char *input, *message;
    } rows[] = {
        {"{\"Name\":\"abc\",\"Count\":50,\"Blob\":\"YWJj\",\"Type\":\"String\"}", NULL},
        {"{}", "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
               "Member must not be null"},
        {"{\"Name\":null}", "1 validation error detected: Value null at 'name' failed to satisfy "
                            "constraint: Member must not be null"},
        {"{\"Name\":\"\"}", "1 validation error detected: Value '' at 'name' failed to satisfy "
                            "constraint: Member must have length greater than or equal to 1"},
        {"{\"Name\":\"123456789\"}",
         "1 validation error detected: Value '123456789' at 'name' failed to satisfy constraint: "
         "Member must have length less than or equal to 8"},
        {"{\"Name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", NULL}, /* 5 characters */
        {"{\"Name\":\"a\",\"Value\":\"secret\"}",
         "1 validation error detected: Value at 'value' failed to satisfy constraint: Member must "
         "have length less than or equal to 4"},
        {"{\"Name\":\"a\",\"Type\":\"Text\"}",
         "1 validation error detected: Value 'Text' at 'type' failed to satisfy constraint: Member "
         "must satisfy enum value set: [String, StringList, SecureString]"},
        {"{\"Name\":\"a\",\"Count\":0}",
         "1 validation error detected: Value '0' at 'count' failed to satisfy constraint: Member "
         "must have value greater than or equal to 1"},
        {"{\"Name\":\"a\",\"Count\":51}",
         "1 validation error detected: Value '51' at 'count' failed to satisfy constraint: Member "
         "must have value less than or equal to 50"},
        {"{\"Name\":\"a\",\"Blob\":\"YWJjZA==\"}",
         "1 validation error detected: Value at 'blob' failed to satisfy constraint: Member must "
         "have length less than or equal to 3"},
        {"{\"Name\":\"a\",\"Blob\":\"\"}",
         "1 validation error detected: Value at 'blob' failed to satisfy constraint: Member must "
         "have length greater than or equal to 1"},
        {"{\"Name\":\"a\",\"Names\":[]}",
         "1 validation error detected: Value '[]' at 'names' failed to satisfy constraint: Member "
         "must have length greater than or equal to 1"},
        {"{\"Name\":\"a\",\"Names\":[\"a\",\"b\",\"c\",\"d\"]}",
         "1 validation error detected: Value '[a, b, c, d]' at 'names' failed to satisfy "
         "constraint: Member must have length less than or equal to 3"},
        {"{\"Name\":\"a\",\"Names\":[\"a\",\"\",\"123456\"]}",
         "1 validation error detected: Value '[a, , 123456]' at 'names' failed to satisfy "
         "constraint: Member must satisfy constraint: [Member must have length less than or equal "
         "to 5, Member must have length greater than or equal to 1]"},
        {"{\"Name\":\"a\",\"Names\":[null]}",
         "1 validation error detected: Value '[null]' at 'names' failed to satisfy constraint: "
         "Member must not be null"},
        {"{\"Name\":\"a\",\"Filters\":[{\"Key\":\"Name\"},{\"Key\":\"nope\",\"Values\":[]}]}",
         "2 validation errors detected: Value 'nope' at 'filters.2.member.key' failed to satisfy "
         "constraint: Member must satisfy regular expression pattern: tag:.+|Name|Type; Value '[]' "
         "at 'filters.2.member.values' failed to satisfy constraint: Member must have length "
         "greater than or equal to 1"},
        {"{\"Name\":\"a\",\"Filters\":[{},null]}",
         "2 validation errors detected: Value null at 'filters.1.member.key' failed to satisfy "
         "constraint: Member must not be null; Value null at 'filters.2.member' failed to satisfy "
         "constraint: Member must not be null"},
        {"{\"Name\":\"a\",\"Filters\":[{\"Key\":\"Name\"},{\"Key\":\"Name\"},{\"Key\":\"Name\"}]}",
         "1 validation error detected: Value at 'filters' failed to satisfy constraint: Member "
         "must have length less than or equal to 2"},
        {"{\"Name\":\"a\",\"Filters\":[{\"Key\":\"toolong\"}]}",
         "2 validation errors detected: Value 'toolong' at 'filters.1.member.key' failed to "
         "satisfy constraint: Member must have length less than or equal to 6; Value 'toolong' at "
         "'filters.1.member.key' failed to satisfy constraint: Member must satisfy regular "
         "expression pattern: tag:.+|Name|Type"},
        {"{\"Name\":\"a\",\"Context\":{\"KeyOne\":null}}",
         "1 validation error detected: Value null at 'context.KeyOne.member' failed to satisfy "
         "constraint: Member must not be null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena);
        json_t *input = parse(rows[i].input);
        const char *message = validate_constraints(&arena, members, input);
        if (!message != !rows[i].message || (message && strcmp(message, rows[i].message) != 0))
            fail_msg("%s:\n got %s\nwant %s", rows[i].input, message, rows[i].message);
        json_decref(input);
        arena_done(&arena);
    }
}

static void tells_of_ten_at_most(void **state)
{
    static const struct local_member many[] = {
        {.name = "List", .type = LOCAL_LIST, .element = &filter_element}, {.name = NULL}};
    struct arena arena;
    (void)state;
    arena_init(&arena);
    json_t *input = parse("{\"List\":[{},{},{},{},{},{},{},{},{},{},{},{}]}");
    const char *message = validate_constraints(&arena, many, input);
    assert_true(strncmp(message, "10 validation errors detected: ", 31) == 0);
    assert_non_null(strstr(message, "list.10.member"));
    assert_null(strstr(message, "list.11.member"));
    json_decref(input);
    arena_done(&arena);
}

static void query_text_becomes_what_the_table_says(void **state)
{
    struct arena arena;
    const char *message;
    (void)state;
    arena_init(&arena);
    json_t *input = parse("{\"Name\":\"5\",\"Count\":\"23\",\"Deep\":\"TRUE\",\"Names\":\"\","
                          "\"Numbers\":[\"1\",\"-2\"],\"When\":\"2020-01-01T00:00:00Z\"}");
    assert_int_equal(validate_types(&arena, members, input, true, &message), 0);
    assert_string_equal(json_text(input, "Name"), "5");
    assert_int_equal(json_int_or(input, "Count", 0), 23);
    assert_true(json_bool_or(input, "Deep", false));
    assert_int_equal(json_array_size(json_object_get(input, "Names")), 0);
    assert_true(json_is_array(json_object_get(input, "Names")));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(input, "Numbers"), 1)), -2);
    json_decref(input);

    static const char *const bad[] = {"{\"Count\":\"x\"}", "{\"Deep\":\"yes\"}",
                                      "{\"When\":\"soon\"}", "{\"Name\":[\"a\"]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        input = parse(bad[i]);
        assert_int_equal(validate_types(&arena, members, input, true, &message), -1);
        json_decref(input);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_their_texts),
        cmocka_unit_test(constraints_have_their_texts),
        cmocka_unit_test(tells_of_ten_at_most),
        cmocka_unit_test(query_text_becomes_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
