/* Requests of REST services, "METHOD target\nHeader: value\n...\n\nbody": routed and bound; then
 * the types and constraints of the operation's members. */
#include "base/arena.h"
#include "fuzz.h"
#include "local/rest.h"
#include "local/validate.h"

#include <assert.h>

enum { FIELDS = 16 };

static void check(struct arena *arena, const struct route *route)
{
    const struct local_member *members = route->operation->input;
    const char *message;
    assert(json_is_object(route->input) && route->rest && route->service);
    if (validate_types(arena, members, route->input, false, &message) == 0)
        validate_constraints(arena, members, route->input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct text nothing = {NULL, 0};
    struct text rest = {(const char *)data, size};
    struct text line = text_cut(&rest, '\n'), target = line;
    struct http_field fields[FIELDS];
    struct http_incoming in = {.fields = fields, .peer = "127.0.0.1"};
    in.method = text_cut(&target, ' ');
    in.target = target;
    in.query = target;
    in.path = text_cut(&in.query, '?');
    while (rest.data) {
        struct text value = text_cut(&rest, '\n'), name = text_cut(&value, ':');
        if (!name.len || in.field_count == FIELDS)
            break;
        fields[in.field_count++] = (struct http_field){name, value.data ? text_trim(value) : value};
    }
    in.body = rest.data ? rest : nothing;
    struct arena arena;
    struct route route = {0};
    struct local_failure failure = {0};
    arena_init(&arena);
    if (rest_route(&arena, local_services, &in, &route, &failure) == 0)
        check(&arena, &route);
    else
        assert(route.not_for_us || failure.code);
    json_decref(route.input);
    arena_done(&arena);
    return 0;
}
