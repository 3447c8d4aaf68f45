/* A target's definition on the first line, an event on the second: what was accepted as a target is
 * filled in with any event, and a template of JSON gives JSON. */
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "local/event_input.h"

#include <assert.h>

static void fill(const json_t *target, const json_t *event, struct text text, struct arena *arena)
{
    static const struct event_origin origin = {"arn:aws:events:r:1:rule/n", "n", 0};
    const char *template =
        json_text_or(json_object_get(target, "InputTransformer"), "InputTemplate", "");
    struct buf out;
    buf_init(&out, 4 * 1024 * 1024);
    int result =
        event_input_write(target, event, arena_strndup(arena, text.data, text.len), &origin, &out);
    if (result == 0 && template[0] == '{' && !out.overflow) {
        json_t *value = json_loadb(buf_text(&out), out.len, 0, NULL);
        assert(value);
        json_decref(value);
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size}, line = text_cut(&rest, '\n');
    struct arena arena;
    arena_init(&arena);
    json_t *target = line.len ? json_read(line.data, line.len, NULL) : NULL;
    json_t *event = rest.len ? json_read(rest.data, rest.len, NULL) : NULL;
    if (json_is_object(target) && json_is_object(event) && !event_input_check(&arena, target))
        fill(target, event, rest, &arena);
    json_decref(target);
    json_decref(event);
    arena_done(&arena);
    return 0;
}
