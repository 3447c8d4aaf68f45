/*
 * denials: the permissions that a run lacked, each once: a thousand refused parameters are one
 * statement.
 *
 * Gathered from the texts of what failed (aws/denial reads them). Refusals of one action to one
 * principal in one service, Region and account are one entry, whose resource is what they have in
 * common. Memory: the arena's. The driving thread.
 */
#ifndef UNDERSTUDY_ENGINE_DENIALS_H
#define UNDERSTUDY_ENGINE_DENIALS_H

#include "engine/engine.h"

enum { DENIALS_MAX = 64 };

struct denial_entry {
    const char *principal; /* "role understudy of account 222222222222" */
    const char *action;    /* "ssm:PutParameter" */
    const char *resource;  /* ARN, ending in '*' where several were refused; or "*" */
    bool explicit_deny;    /* a Deny stands in the way: no Allow helps */
    uint64_t count;
};

struct denials {
    struct arena *arena;
    struct denial_entry entries[DENIALS_MAX];
    size_t count;
};

int denials_gather(struct engine *engine, struct arena *arena, struct denials *out,
                   struct error *err);
/* One refusal's text; others are left alone. */
void denials_add(struct denials *denials, const char *text);
/* {"Effect":"Allow","Action":...,"Resource":...} */
void denial_entry_statement(const struct denial_entry *entry, struct json_writer *w);

#endif
