/* Views stay inside the input, and what was parsed can be put together again. */
#include "aws/arn.h"
#include "base/arena.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void inside(struct text view, const uint8_t *data, size_t size)
{
    const char *start = (const char *)data;
    assert(view.data >= start && view.data + view.len <= start + size);
}

static char *copy(struct arena *arena, struct text view)
{
    return arena_strndup(arena, view.data, view.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arn arn;
    if (arn_parse((const char *)data, size, &arn) != 0)
        return 0;
    inside(arn.partition, data, size);
    inside(arn.service, data, size);
    inside(arn.region, data, size);
    inside(arn.account, data, size);
    inside(arn.resource, data, size);

    struct arena arena;
    arena_init(&arena);
    const char *again =
        arn_format(&arena, copy(&arena, arn.partition), copy(&arena, arn.service),
                   copy(&arena, arn.region), copy(&arena, arn.account), copy(&arena, arn.resource));
    assert(strlen(again) == size && memcmp(again, data, size) == 0);
    arena_done(&arena);
    return 0;
}
