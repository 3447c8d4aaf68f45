/* Whatever json_read takes, the writer writes, and json_read takes that back as the same value. */
#include "base/json.h"
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    json_t *value = json_read((const char *)data, size, &err);
    if (!value) {
        assert(err.code == ERR_INVALID && err.message[0]);
        return 0;
    }
    struct buf text;
    struct json_writer w;
    buf_init(&text, 16 * size + 1024);
    json_writer_init(&w, &text);
    json_write_value(&w, value);
    assert(!text.overflow && w.depth == 0);

    json_t *again = json_read(buf_text(&text), text.len, &err);
    assert(again && json_equal(value, again));
    json_decref(again);
    json_decref(value);
    buf_done(&text);
    return 0;
}
