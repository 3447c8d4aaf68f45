/* Whatever config_parse takes is written as JSON that it reads back as the same; what it refuses,
 * it refuses with words. */
#include "base/buf.h"
#include "engine/config.h"
#include "engine/scope.h"
#include "fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void written(const struct config *config, struct buf *text)
{
    struct json_writer w;
    buf_init(text, 16 << 20);
    json_writer_init(&w, text);
    config_write(config, &w);
    assert(!text->overflow && w.depth == 0);
}

static void check_again(struct arena *arena, const struct config *config)
{
    struct error err = {0};
    struct config_set again;
    struct buf first, second;
    written(config, &first);
    if (config_parse(arena, "again", first.data, first.len, &again, &err) != 0) {
        fprintf(stderr, "%s\n%s\n", err.message, first.data);
        abort();
    }
    assert(again.count == 1);
    written(&again.items[0], &second);
    assert(strcmp(first.data, second.data) == 0);
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct config_set set;
    struct arena arena;
    arena_init(&arena);
    if (config_parse(&arena, "fuzz", (const char *)data, size, &set, &err) != 0) {
        assert(err.code == ERR_INVALID && err.message[0]);
        arena_done(&arena);
        return 0;
    }
    assert(set.count > 0);
    for (size_t i = 0; i < set.count; i++)
        check_again(&arena, &set.items[i]);
    if (config_check_set(&arena, &set, &err) == 0) {
        struct scope scope;
        struct resource_filter filter;
        scope_init(&scope, &arena, &set.items[0]);
        scope_filter(&scope, &arena, false, &filter);
        scope_filter(&scope, &arena, true, &filter);
        scope_selects(&scope, "prod/app/NAME");
        scope_target(&scope, &arena, "/prod/app/NAME");
    }
    arena_done(&arena);
    return 0;
}
