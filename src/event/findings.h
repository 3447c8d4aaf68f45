/*
 * findings: what a check of something that others have set up came to, a line a check.
 *
 * What may not be looked at is never well: it has a level of its own. Texts are the arena's. One
 * thread. Texts of AWS may be among them: who shows them on a terminal takes out what moves it.
 */
#ifndef UNDERSTUDY_EVENT_FINDINGS_H
#define UNDERSTUDY_EVENT_FINDINGS_H

#include "base/arena.h"
#include "base/error.h"

#include <stddef.h>

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_FAILED, FINDING_UNSEEN, FINDING_LEVELS };

struct finding {
    enum finding_level level;
    const char *check;       /* a word or two: "trail" */
    const char *region;      /* where; NULL: it is of no Region */
    const char *text, *next; /* what is so; what mends it, NULL: nothing to mend */
};

struct findings {
    struct arena *arena;
    struct finding *items;
    size_t count, room;
    size_t levels[FINDING_LEVELS]; /* how many of each */
};

const char *finding_word(enum finding_level level); /* "ok", "warning", "failed", "not looked at" */

/* `next` may be NULL. `format` says what is so. */
__attribute__((format(printf, 6, 7))) void finding_add(struct findings *findings,
                                                       enum finding_level level, const char *check,
                                                       const char *region, const char *next,
                                                       const char *format, ...);
/* A question that was not answered: not looked at when it was refused, else failed. */
void finding_refused(struct findings *findings, const char *check, const char *region,
                     const char *what, const struct error *err);

#endif
