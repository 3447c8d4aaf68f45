/* An outsider's request: "METHOD target" and one "Name: value" a line. Whatever it presents is
 * answered with a text, and nothing of it verifies with a key it does not know. */
#include "aws/sigv4.h"
#include "base/arena.h"
#include "fuzz.h"

#include <assert.h>

enum { MOST_FIELDS = 32, LIMIT = 1 << 20 };

static void read_request(struct text rest, struct sigv4_request *request,
                         struct sigv4_field *fields)
{
    struct text line = text_cut(&rest, '\n');
    request->method = text_cut(&line, ' ');
    request->path = text_cut(&line, '?');
    request->query = line;
    request->fields = fields;
    request->payload_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    while (rest.data && request->field_count < MOST_FIELDS) {
        line = text_cut(&rest, '\n');
        struct sigv4_field *field = &fields[request->field_count];
        field->name = text_cut(&line, ':');
        field->value = line;
        request->field_count += field->name.data && field->value.data;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sigv4_request request = {0};
    struct sigv4_field fields[MOST_FIELDS];
    struct sigv4_presented presented;
    struct arena arena;
    struct buf message, canonical, string_to_sign;
    arena_init(&arena);
    buf_init(&message, LIMIT);
    buf_init(&canonical, LIMIT);
    buf_init(&string_to_sign, LIMIT);
    read_request((struct text){(const char *)data, size}, &request, fields);

    enum sigv4_problem problem = sigv4_parse(&arena, &request, &presented, &message);
    assert((problem == SIGV4_OK) == (message.len == 0));
    if (presented.timestamp[0])
        sigv4_clock_fits(&presented, 1440938160000, 300, &message);
    if (problem == SIGV4_OK) {
        sigv4_scope_fits(&presented, "ssm", &message);
        struct hmac_key *key = sigv4_key_new("a key nobody knows", 18, presented.scope.date,
                                             presented.scope.region, presented.scope.service);
        assert(!sigv4_verify(&request, &presented, key, &canonical, &string_to_sign));
        hmac_key_free(key);
    }
    buf_done(&message);
    buf_done(&canonical);
    buf_done(&string_to_sign);
    arena_done(&arena);
    return 0;
}
