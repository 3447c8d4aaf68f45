/* A path, a line's end, and a value: what a rule makes of JSON is JSON that differs there only. */
#include "base/json.h"
#include "base/json_place.h"
#include "engine/lint.h"
#include "engine/rewrite.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void check_rule(struct arena *arena, const char *path, const char *value, size_t len)
{
    struct config_rewrite rule = {.with = "a \"new\"\ntext", .json_path = path};
    const struct config config = {.rewrite = &rule, .rewrite_count = 1};
    const struct config_side side = {0};
    const struct resource source = {.key = "a", .name = "a"};
    struct rewritten out;
    struct error err = {0};
    if (rewrite_value(&config, &side, arena, &source, value, len, &out, &err) != 0)
        return;
    struct text token, before;
    struct buf text;
    buf_init(&text, len + 1024);
    if (out.note) {
        assert(json_place_text((struct text){value, len}, path, &before, &text));
        assert(json_place_text((struct text){out.value, out.len}, path, &token, &text));
        assert(strcmp(buf_text(&text), rule.with) == 0);
        assert(token.data - out.value == before.data - value);
        assert(out.len - token.len == len - before.len);
    } else {
        assert(out.value == value && out.len == len);
    }
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lint_place place = {"ap-south-1", "111111111111", "us-east-1",
                                            "222222222222"};
    struct arena arena;
    const char *line = size ? memchr(data, '\n', size) : NULL;
    if (!line)
        return 0;
    arena_init(&arena);
    size_t path_len = (size_t)(line - (const char *)data), len = size - path_len - 1;
    const char *path = arena_strndup(&arena, (const char *)data, path_len);
    lint_value(&arena, &place, line + 1, len);
    if (strlen(path) == path_len && json_path_valid(path))
        check_rule(&arena, path, line + 1, len);
    arena_done(&arena);
    return 0;
}
