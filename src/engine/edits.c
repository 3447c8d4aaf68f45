#include "engine/edits.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

/* The ARN of a role's session without the session's name. */
static size_t principal_len(const char *text)
{
    struct arn arn;
    const char *last = strrchr(text, '/');
    if (last && arn_parse(text, strlen(text), &arn) == 0 && text_is(arn.service, "sts") &&
        arn.resource.len > strlen("assumed-role/") &&
        memcmp(arn.resource.data, "assumed-role/", strlen("assumed-role/")) == 0 &&
        last > arn.resource.data + strlen("assumed-role"))
        return (size_t)(last - text);
    return strlen(text);
}

bool edit_same_principal(const char *a, const char *b)
{
    size_t len = principal_len(a);
    return len == principal_len(b) && memcmp(a, b, len) == 0;
}

const char *edit_of(struct engine *engine, struct arena *arena, unsigned destination,
                    const struct pair *pair)
{
    const struct resource *have = &pair->have;
    const struct state_known *known = &pair->known;
    const char *self = engine->sides[destination + 1].caller, *by = have->modified_by;
    if (!pair->exists || !engine->kind->read) /* no version tells who was there last */
        return NULL;
    /* A run of ours that was broken off may have written it. */
    if (known->recorded ? known->unfinished || known->pair.copy_version == have->version
                        : !by || !*by || !*self || edit_same_principal(by, self))
        return NULL;
    char when[CLOCK_TEXT_SIZE] = "an unknown day";
    if (have->modified_ms > 0)
        clock_format_iso(have->modified_ms, when);
    return arena_printf(arena, "%s at the destination on %s by %s",
                        known->recorded ? "edited" : "last written", when,
                        by && *by ? by : "somebody");
}
