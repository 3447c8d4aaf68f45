#include "event_files.h"

#include "base/file.h"
#include "support/test.h"

char *event_file_text(struct arena *arena, const char *name)
{
    const char *path = arena_printf(arena, "%s/tests/unit/event/events/%s.json", SOURCE_ROOT, name);
    char *data;
    size_t len;
    struct error err = {0};
    if (file_read(arena, path, 1024 * 1024, false, &data, &len, &err) != 0)
        fail_msg("%s", err.message);
    return data;
}

json_t *event_file(struct arena *arena, const char *name)
{
    const char *text = event_file_text(arena, name);
    json_t *event = json_read(text, strlen(text), NULL);
    assert_non_null(event);
    return event;
}
