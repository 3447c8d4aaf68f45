/* A schedule expression: refused, or its next times come one behind the other. */
#include "fuzz.h"
#include "local/event_schedule.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[257];
    struct event_schedule schedule;
    size_t len = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    if (event_schedule_parse(text, &schedule) != 0)
        return 0;
    int64_t time_ms = 1767225600000;
    for (int i = 0; i < 3; i++) {
        int64_t next_ms = event_schedule_next(&schedule, time_ms);
        if (next_ms < 0)
            break;
        assert(next_ms > time_ms);
        time_ms = next_ms;
    }
    return 0;
}
