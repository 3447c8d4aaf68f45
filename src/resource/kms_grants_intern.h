/*
 * kms_grants_intern: grants as the files about them share them. Texts live in the arena given;
 * lists are jansson's, and the caller's.
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_GRANTS_INTERN_H
#define UNDERSTUDY_RESOURCE_KMS_GRANTS_INTERN_H

#include "base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What grants mean, sorted, each once. */
struct meanings {
    const char **texts;
    size_t count;
};

json_t *kms_grants_list(const char *list); /* NULL: an empty one; never NULL */
/* Sorted, as text; NULL: it is empty. */
const char *kms_grants_text(struct arena *arena, const json_t *list);
const char *kms_grant_text(struct arena *arena, const json_t *value);
const char *kms_grant_meaning(struct arena *arena, const json_t *grant);
struct meanings kms_grants_meanings(struct arena *arena, const json_t *list);
bool kms_grants_mean(const struct meanings *meanings, const char *text);
/* Why no copy can have it; NULL: one can. */
const char *kms_grant_problem(const json_t *grant);

#endif
