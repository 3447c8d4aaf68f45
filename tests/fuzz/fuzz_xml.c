/* XML becomes JSON within the limits, or is refused with a text; writing takes what was read. */
#include "aws/protocol.h"
#include "fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    json_t *value = xml_parse((const char *)data, size, &err);
    if (!value) {
        assert(err.code == ERR_INVALID && err.message[0]);
        return 0;
    }
    assert(json_is_object(value));
    struct buf text;
    buf_init(&text, 1 << 24);
    xml_escape(&text, (const char *)data, size);
    query_write_xml(&text, value);
    buf_done(&text);
    json_decref(value);
    return 0;
}
