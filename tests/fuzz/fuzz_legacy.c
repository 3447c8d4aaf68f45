/* What the earlier tools were told: a params.json when the input begins with '{', else lines
 * NAME=value of an environment. What is accepted selects something, goes somewhere, and is a
 * configuration or is refused with words. */
#include "engine/legacy.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

enum { VARIABLES_MAX = 16 };
static const char *lines[VARIABLES_MAX];
static size_t line_count;

static const char *get(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < line_count; i++)
        if (strncmp(lines[i], name, len) == 0 && lines[i][len] == '=')
            return lines[i] + len + 1;
    return NULL;
}

static void split(char *text)
{
    line_count = 0;
    while (text && *text && line_count < VARIABLES_MAX) {
        lines[line_count++] = text;
        text = strchr(text, '\n');
        if (text)
            *text++ = '\0';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct legacy legacy;
    struct arena arena;
    arena_init(&arena);
    char *text = arena_strndup(&arena, (const char *)data, size);
    bool json = size && *data == '{';
    line_count = 0;
    if (!json)
        split(text);
    int result = json ? legacy_params(&arena, "fuzz", (const char *)data, size, get, &legacy, &err)
                      : legacy_environment(&arena, get, &legacy, &err);
    if (result == 0) {
        const struct config *config = &legacy.set.items[0];
        assert(legacy.set.count == 1 && config->include_count && config->destination_count);
        assert(legacy.note_count <= LEGACY_NOTES_MAX);
        result = config_check_set(&arena, &legacy.set, &err);
    }
    assert(result == 0 || (err.code == ERR_INVALID && err.message[0]));
    arena_done(&arena);
    return 0;
}
