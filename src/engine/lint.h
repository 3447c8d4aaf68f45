/*
 * lint: does a value name the place that it comes from?
 *
 * The source's Region (bare, in an ARN, in a host name), its account, and resources that exist in
 * one Region only (ami-, subnet-, ...). What is found is told by kind, never by the text around it.
 * Pure; memory: the arena given.
 */
#ifndef UNDERSTUDY_ENGINE_LINT_H
#define UNDERSTUDY_ENGINE_LINT_H

#include "base/arena.h"

#include <stddef.h>

struct lint_place {
    const char *region, *account;           /* of the source; account "": not known */
    const char *copy_region, *copy_account; /* of the destination */
};

/* "names ap-south-1 (an ARN, a host); no rule rewrites it", or NULL. */
const char *lint_value(struct arena *arena, const struct lint_place *place, const char *value,
                       size_t len);

#endif
