#include "event/findings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char *const words[FINDING_LEVELS] = {
    [FINDING_OK] = "ok",
    [FINDING_WARNING] = "warning",
    [FINDING_FAILED] = "failed",
    [FINDING_UNSEEN] = "not looked at",
};

const char *finding_word(enum finding_level level)
{
    return words[level];
}

static void grow(struct findings *findings)
{
    size_t room = findings->room ? 2 * findings->room : 32;
    struct finding *items = arena_calloc(findings->arena, room, sizeof *items);
    if (findings->count)
        memcpy(items, findings->items, findings->count * sizeof *items);
    findings->items = items;
    findings->room = room;
}

void finding_add(struct findings *findings, enum finding_level level, const char *check,
                 const char *region, const char *next, const char *format, ...)
{
    va_list arguments;
    if (findings->count == findings->room)
        grow(findings);
    va_start(arguments, format);
    const char *text = arena_vprintf(findings->arena, format, arguments);
    va_end(arguments);
    findings->items[findings->count++] = (struct finding){level, check, region, text, next};
    findings->levels[level]++;
}

void finding_refused(struct findings *findings, const char *check, const char *region,
                     const char *what, const struct error *err)
{
    bool denied = err->code == ERR_DENIED;
    finding_add(findings, denied ? FINDING_UNSEEN : FINDING_FAILED, check, region,
                denied                       ? "run it with credentials that may look"
                : err->code == ERR_NOT_FOUND ? "make it, or name another"
                                             : "see what AWS says, then run it again",
                "%s: %s", what, err->message);
}
