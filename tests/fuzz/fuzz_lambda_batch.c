/* A pattern on the first line, a message on the second, a function's answer behind: the message
 * becomes a record, is held against the pattern, and the answer is judged for two messages. */
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "local/lambda_batch.h"

#include <assert.h>

static void filter(struct arena *arena, struct text text, const json_t *record)
{
    const char *why;
    const struct event_pattern *pattern =
        event_pattern_parse(arena, text.data ? text.data : "", text.len, &why);
    if (pattern)
        lambda_batch_wants(arena, &pattern, 1, record);
    assert(lambda_batch_wants(arena, NULL, 0, record));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size}, pattern = text_cut(&rest, '\n');
    struct text message = rest.data ? text_cut(&rest, '\n') : rest;
    struct arena arena;
    bool failed[2] = {false, false};
    arena_init(&arena);
    json_t *value = message.data ? json_read(message.data, message.len, NULL) : NULL;
    if (json_is_object(value)) {
        json_t *record = lambda_batch_record(value, "arn:aws:sqs:eu-west-1:1:q", "eu-west-1");
        filter(&arena, pattern, record);
        json_decref(record);
    }
    json_t *ids = json_pack("[ss]", "a", "b");
    lambda_batch_judge(rest, ids, failed);
    json_decref(ids);
    json_decref(value);
    arena_done(&arena);
    return 0;
}
