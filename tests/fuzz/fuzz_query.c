/* A form becomes JSON within its limits; what the server would answer with it can be read again. */
#include "aws/protocol.h"
#include "fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    json_t *value = query_parse((const char *)data, size, 100, &err);
    if (!value) {
        assert(err.code == ERR_INVALID && err.message[0]);
        return 0;
    }
    assert(json_is_object(value));
    struct buf xml;
    buf_init(&xml, 64 * size + 4096);
    query_write_xml(&xml, value);
    assert(!xml.overflow);
    buf_done(&xml);
    json_decref(value);
    return 0;
}
