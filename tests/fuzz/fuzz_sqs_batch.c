/* The records of a queue that Lambda hands to the function: each record is answered for once, in
 * its order, and the answer names nothing but records that came. The engine is not asked: without a
 * configuration every record that names something fails the invocation as a whole. */
#include "base/log.h"
#include "event/invocation.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static const char *nothing(const char *name)
{
    (void)name;
    return NULL;
}

static void check_answer(const struct buf *answer, const json_t *records)
{
    json_t *object = json_read(buf_text(answer), answer->len, NULL);
    const json_t *failures = json_object_get(object, "batchItemFailures");
    size_t at = 0;
    assert(json_is_array(failures) && json_object_size(object) == 1);
    for (size_t i = 0; i < json_array_size(failures); i++) {
        const char *id = json_text(json_array_get(failures, i), "itemIdentifier");
        assert(id && *id);
        while (at < json_array_size(records) &&
               strcmp(json_text(json_array_get(records, at), "messageId"), id) != 0)
            at++;
        assert(at < json_array_size(records));
        at++;
    }
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct function_options options = {.get = nothing};
    struct function function;
    struct error err = {0};
    struct arena arena;
    struct buf answer;
    json_t *event = json_read((const char *)data, size, NULL);
    log_setup(LOG_NONE, false);
    arena_init(&arena);
    buf_init(&answer, ANSWER_LIMIT);
    (void)function_open(&function, &options, &err);
    err = (struct error){0};
    struct invocation invocation = {.function = &function, .arena = &arena, .answer = &answer};
    if (sqs_batch_is(event)) {
        if (sqs_batch_run(&invocation, event, &err) == 0)
            check_answer(&answer, json_object_get(event, "Records"));
        else
            assert(err.code && err.message[0] && invocation.error_type);
    }
    function_close(&function);
    buf_done(&answer);
    arena_done(&arena);
    json_decref(event);
    return 0;
}
