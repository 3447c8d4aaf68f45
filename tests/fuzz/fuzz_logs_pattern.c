/* A filter pattern, a line end, a message: the pattern is refused, or it matches or does not. */
#include "base/arena.h"
#include "fuzz.h"
#include "local/services/logs_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct text rest = {size ? (const char *)data : "", size};
    struct text pattern = text_cut(&rest, '\n');
    arena_init(&arena);
    const struct logs_pattern *parsed =
        logs_pattern_parse(&arena, arena_strndup(&arena, pattern.data, pattern.len));
    if (parsed)
        logs_pattern_matches(parsed, rest.data ? rest : text_of(""));
    arena_done(&arena);
    return 0;
}
