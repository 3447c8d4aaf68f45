/* Whatever fault_rules_read takes can be told, met by calls and set again; what it refuses, it
 * refuses with words. */
#include "fuzz.h"
#include "local/faults.h"
#include "local/service.h"

#include <assert.h>
#include <string.h>

static void meet(struct faults *faults)
{
    static const struct fault_call calls[] = {
        {"ssm", "GetParameter", "us-east-1", "111111111111"},
        {"kms", "Decrypt", "eu-west-1", "222222222222"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < 16; i++) {
        const struct fault *fault = faults_next(faults, &arena, &calls[i % 2]);
        assert(!fault || fault->latency_ms > 0 || fault->effect != FAULT_NONE);
        assert(!fault || fault->effect != FAULT_ERROR || fault->code);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct fault_rules *rules = fault_rules_read((const char *)data, size, local_services, &err);
    if (!rules) {
        assert((err.code == ERR_INVALID || err.code == ERR_LIMIT) && err.message[0]);
        return 0;
    }
    struct faults *faults = faults_new(rules, 0);
    meet(faults);
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 16 << 20);
    json_writer_init(&writer, &text);
    faults_write(faults, &writer);
    assert(!text.overflow && writer.depth == 0);
    buf_done(&text);
    faults_reset(faults);
    meet(faults);
    faults_set(faults, NULL);
    meet(faults);
    faults_free(faults);
    return 0;
}
