/* The small parsers of base that see outsiders' text: numbers, times, base64, UTF-8, wildcards. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void times(const char *text, size_t len)
{
    int64_t at, again;
    char out[CLOCK_TEXT_SIZE];
    if (clock_parse_basic(text, len, &at) == 0) {
        clock_format_basic(at, out);
        assert(clock_parse_basic(out, strlen(out), &again) == 0 && again == at);
    }
    if (clock_parse_http(text, len, &at) == 0) {
        clock_format_http(at, out);
        assert(clock_parse_http(out, strlen(out), &again) == 0 && again == at);
    }
    (void)clock_parse_iso(text, len, &at);
}

static void encodings(struct arena *arena, const char *text, size_t len)
{
    unsigned char *bytes, *again;
    size_t bytes_len, again_len;
    if (base64_decode(arena, text, len, &bytes, &bytes_len) == 0) {
        /* The bits behind the last byte may differ, so the texts may; the bytes may not. */
        char *back = base64_encode(arena, bytes, bytes_len);
        assert(base64_decode(arena, back, strlen(back), &again, &again_len) == 0);
        assert(again_len == bytes_len && memcmp(again, bytes, bytes_len) == 0);
    }
    if (text_utf8_valid(text, len))
        assert(text_utf8_count(text, len) <= len);
    int64_t number;
    if (text_to_int64(text, len, &number) == 0)
        assert(len > 0);
}

/* The first line is the pattern, the rest the name. */
static void patterns(struct arena *arena, const char *text, size_t len)
{
    struct text rest = {text, len};
    struct text pattern = text_cut(&rest, '\n');
    (void)text_wildcard(pattern.data, pattern.len, rest.data, rest.len);
    char *glob = arena_strndup(arena, pattern.data, pattern.len);
    char *name = arena_strndup(arena, rest.data, rest.len);
    (void)text_glob(glob, name);
    assert(text_wildcard("*", 1, rest.data, rest.len) && text_glob("**", name));
    size_t count;
    char **items = text_split(arena, name, ',', &count);
    assert(items[count] == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena);
    times((const char *)data, size);
    encodings(&arena, (const char *)data, size);
    patterns(&arena, (const char *)data, size);
    arena_done(&arena);
    return 0;
}
