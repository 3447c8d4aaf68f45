/* What EventBridge or a queue delivers: an envelope, or a notification that holds one. What is
 * understood names something to look at or says why not; what is not is refused with words that
 * hold nothing of it. */
#include "engine/reconcile.h"
#include "event/event.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void check_hints(const struct event_hints *read)
{
    assert(!read->count == (read->ignored != NULL));
    assert(read->source);
    for (size_t i = 0; i < read->count; i++) {
        const struct hint *hint = &read->hints[i];
        assert(hint->kind && *hint->kind && *hint->name && strlen(hint->name) <= 2048);
        assert(strlen(hint->account) == 12 && *hint->region && hint->version >= 0);
        for (size_t j = 0; j < i; j++)
            assert(strcmp(read->hints[j].name, hint->name) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct event_hints read;
    struct arena arena;
    arena_init(&arena);
    if (event_read_body(&arena, (const char *)data, size, &read, &err) == 0)
        check_hints(&read);
    else
        assert(err.code == ERR_INVALID && err.message[0] && !strstr(err.message, "CANARY"));
    arena_done(&arena);
    return 0;
}
