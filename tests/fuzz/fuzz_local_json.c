/* The input checks of every operation of the local AWS, over whatever an outsider sends.
 *
 * First line: "service Operation"; any other text picks one by its bytes. The rest: the body, JSON
 * or a form as the service's protocol has it. */
#include "aws/protocol.h"
#include "base/arena.h"
#include "fuzz.h"
#include "local/validate.h"

#include <assert.h>
#include <string.h>

static const struct local_operation *named(const struct local_service *service, struct text name)
{
    for (const struct local_operation *at = service->operations; at->name; at++)
        if (text_is(name, at->name))
            return at;
    return NULL;
}

static const struct local_operation *by_number(size_t number, const struct local_service **service)
{
    size_t services = 0, count = 0;
    while (local_services[services])
        services++;
    *service = local_services[number % services];
    while ((*service)->operations[count].name)
        count++;
    return &(*service)->operations[number / services % count];
}

static const struct local_operation *choose(struct text line, const struct local_service **service)
{
    struct text operation = line;
    struct text wanted = text_cut(&operation, ' ');
    for (const struct local_service *const *at = local_services; *at; at++) {
        const struct local_operation *found =
            text_is(wanted, (*at)->name) && operation.data ? named(*at, operation) : NULL;
        if (found) {
            *service = *at;
            return found;
        }
    }
    size_t number = 0;
    for (size_t i = 0; i < line.len; i++)
        number = number * 31 + (unsigned char)line.data[i];
    return by_number(number, service);
}

/* What a handler relies on: required members are there and of their type. */
static void check_promises(const struct local_member *members, const json_t *object)
{
    for (; members && members->name; members++) {
        const json_t *value = json_object_get(object, members->name);
        bool absent = !value || json_is_null(value);
        assert(!absent || !(members->flags & LOCAL_REQUIRED));
        if (absent)
            continue;
        switch (members->type) {
        case LOCAL_STRING:
        case LOCAL_BLOB:
            assert(json_is_string(value));
            break;
        case LOCAL_INTEGER:
            assert(json_is_integer(value));
            break;
        case LOCAL_BOOLEAN:
            assert(json_is_boolean(value));
            break;
        case LOCAL_TIMESTAMP:
            assert(json_is_number(value) || json_is_string(value));
            break;
        case LOCAL_LIST:
            assert(json_is_array(value));
            break;
        case LOCAL_STRUCTURE:
            assert(json_is_object(value));
            check_promises(members->members, value);
            break;
        case LOCAL_MAP:
            assert(json_is_object(value));
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    const struct local_service *service;
    const struct local_operation *operation = choose(text_cut(&rest, '\n'), &service);
    bool query = service->protocol == AWS_QUERY;
    const char *body = rest.data ? rest.data : "";
    json_t *input =
        query ? query_parse(body, rest.len, 2000, NULL) : json_read(body, rest.len, NULL);
    if (!json_is_object(input)) {
        json_decref(input);
        return 0;
    }
    struct arena arena;
    arena_init(&arena);
    const char *message = NULL;
    if (validate_types(&arena, operation->input, input, query, &message) == 0) {
        message = validate_constraints(&arena, operation->input, input);
        if (message)
            assert(strstr(message, " validation error") && strstr(message, " detected: Value"));
        else
            check_promises(operation->input, input);
    }
    arena_done(&arena);
    json_decref(input);
    return 0;
}
