#include "fixture.h"

#include "base/file.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGEST_FILE = 16 * 1024 * 1024 };

const char *fixture_path(struct arena *arena, const char *name)
{
    return arena_printf(arena, "%s/tests/unit/aws/%s", SOURCE_ROOT, name);
}

const char *fixture_shared(struct arena *arena, const char *name)
{
    const char *shared = getenv("UNDERSTUDY_SHARED");
    char *path = shared ? arena_printf(arena, "%s/%s", shared, name)
                        : arena_printf(arena, "%s/../shared/%s", SOURCE_ROOT, name);
    return access(path, R_OK) == 0 ? path : NULL;
}

struct text fixture_read(struct arena *arena, const char *path)
{
    struct text text = {0};
    char *data;
    struct error err = {0};
    if (file_read(arena, path, LARGEST_FILE, false, &data, &text.len, &err) != 0)
        fail_msg("%s: %s", path, err.message);
    text.data = data;
    return text;
}

json_t *fixture_json(struct arena *arena, const char *path)
{
    struct text text = fixture_read(arena, path);
    struct error err = {0};
    json_t *value = json_read(text.data, text.len, &err);
    if (!value)
        fail_msg("%s: %s", path, err.message);
    return value;
}
