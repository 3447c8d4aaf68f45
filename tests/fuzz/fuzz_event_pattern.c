/* A pattern on the first line, an event on the second: it is refused with a reason or compared. */
#include "aws/event_pattern.h"
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text event = {(const char *)data, size}, text = text_cut(&event, '\n');
    struct arena arena;
    arena_init(&arena);
    const char *why = NULL;
    const struct event_pattern *pattern =
        event_pattern_parse(&arena, text.data ? text.data : "", text.len, &why);
    assert(pattern ? !why : text_starts(why, "Event pattern is not valid. Reason: "));
    json_t *value = event.data ? json_read(event.data, event.len, NULL) : NULL;
    if (pattern && value)
        event_pattern_matches(pattern, event_fields_of(&arena, value));
    json_decref(value);
    arena_done(&arena);
    return 0;
}
