/* Views stay inside the input, and a header that is written with its own keys is what it was. */
#include "aws/sdk_message.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void inside(struct text view, const uint8_t *data, size_t size)
{
    const char *start = (const char *)data;
    assert(view.len == 0 || (view.data >= start && view.data + view.len <= start + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text bytes = {(const char *)data, size};
    struct sdk_message message;
    struct error err = {0};
    struct arena arena;
    struct buf again;
    arena_init(&arena);
    buf_init(&again, 1024 * 1024);
    sdk_message_begins(bytes);
    if (sdk_message_read(&arena, bytes, &message, &err) == 0) {
        assert(message.size <= size && message.key_count > 0);
        inside(message.id, data, size);
        inside(message.nonce, data, size);
        inside(message.tag, data, size);
        for (size_t i = 0; i < message.context_count; i++) {
            inside(message.context[i].key, data, size);
            inside(message.context[i].value, data, size);
        }
        for (size_t i = 0; i < message.key_count; i++)
            inside(message.keys[i].sealed, data, size);
        sdk_message_fixed(&message);
        sdk_message_write(&message, message.keys, message.key_count, &again);
        assert(again.len == message.header.len &&
               memcmp(again.data, message.header.data, again.len) == 0);
        buf_reset(&again);
        sdk_context_write(message.context, message.context_count, &again);
    } else {
        assert(err.code == ERR_INVALID || err.code == ERR_LIMIT || err.code == ERR_UNSUPPORTED);
    }
    buf_done(&again);
    arena_done(&arena);
    return 0;
}
