/* A token on the first line, a JWK set from the second on: taken apart and checked. There is no key
 * without a set, so nothing may verify then. */
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "local/jwt.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text keys = {(const char *)data, size}, line = text_cut(&keys, '\n');
    struct arena arena;
    struct jwt jwt;
    arena_init(&arena);
    const char *token = arena_strndup(&arena, line.data ? line.data : "", line.len);
    json_t *set = json_read(keys.data ? keys.data : "", keys.len, NULL);
    if (jwt_parse(&arena, token, &jwt) == 0) {
        assert(json_is_object(jwt.header) && json_is_object(jwt.claims));
        assert(jwt.signed_part.len < strlen(token) && jwt.signature_len > 0);
        jwt_verify(&arena, &jwt, set);
        assert(jwt_verify(&arena, &jwt, NULL) != JWT_OK);
        jwt_done(&jwt);
    }
    json_decref(set);
    arena_done(&arena);
    return 0;
}
