/* A form of SQS's older protocol: whatever parses gets the JSON protocol's shape, twice the same,
 * and goes out as XML that parses. What a message may be is checked without reading past it. */
#include "aws/protocol.h"
#include "fuzz.h"
#include "local/services/sqs_parts.h"

#include <assert.h>
#include <string.h>

static void check_message(const json_t *input)
{
    struct arena arena;
    arena_init(&arena);
    const json_t *body = json_object_get(input, "MessageBody");
    const json_t *attributes = json_object_get(input, "MessageAttributes");
    const struct sqs_queue queue = {.id = 1, .values = {[SQS_MAXIMUM_SIZE] = "1048576"}};
    const struct sqs_message message = {
        .body = {json_string_value(body), json_string_length(body)},
        .attributes = json_is_object(attributes) ? attributes : NULL,
        .group_id = json_text(input, "MessageGroupId"),
        .deduplication_id = json_text(input, "MessageDeduplicationId"),
    };
    size_t size = 0;
    struct sqs_problem problem = sqs_check_message(&arena, &queue, &message, &size);
    assert((problem.code != NULL) == (problem.message != NULL));
    if (!problem.code) {
        const char *md5 = sqs_attributes_md5(&arena, message.attributes);
        assert(json_object_size(message.attributes) == 0 ? md5 == NULL : strlen(md5) == 32);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *input = query_parse((const char *)data, size, 2000, NULL);
    if (!input)
        return 0;
    sqs_twin.read(input);
    json_t *once = json_deep_copy(input);
    sqs_twin.read(input);
    assert(json_equal(input, once));
    check_message(input);
    struct buf out;
    buf_init(&out, 64 << 20);
    sqs_twin.write(&out, "SendMessageBatch", input);
    buf_done(&out);
    json_decref(once);
    json_decref(input);
    return 0;
}
