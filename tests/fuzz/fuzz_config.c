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

static char *written(const struct config *config, struct buf *text)
{
    struct json_writer w;
    buf_init(text, 16 << 20);
    json_writer_init(&w, text);
    config_write(config, &w);
    assert(!text->overflow && w.depth == 0);
    return text->data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct config config = {0}, again = {0};
    struct arena arena;
    arena_init(&arena);
    if (config_parse(&arena, "fuzz", (const char *)data, size, &config, &err) != 0) {
        assert(err.code == ERR_INVALID && err.message[0]);
        arena_done(&arena);
        return 0;
    }
    struct buf first, second;
    written(&config, &first);
    if (config_parse(&arena, "again", first.data, first.len, &again, &err) != 0) {
        fprintf(stderr, "%s\n%s\n", err.message, first.data);
        abort();
    }
    written(&again, &second);
    assert(strcmp(first.data, second.data) == 0);

    if (config_check(&arena, &config, &err) == 0) {
        struct scope scope;
        struct resource_filter filter;
        scope_init(&scope, &arena, &config);
        scope_filter(&scope, &arena, false, &filter);
        scope_filter(&scope, &arena, true, &filter);
        scope_selects(&scope, "prod/app/NAME");
        scope_target(&scope, &arena, "/prod/app/NAME");
    }
    buf_done(&first);
    buf_done(&second);
    arena_done(&arena);
    return 0;
}
