/*
 * rewrite: texts of a value that mean another place at the destination, changed by rules.
 *
 * A rule is literal: every occurrence of `match` becomes `with`, in the whole value or in the text
 * that stands at `json_path` of a JSON value, whose other bytes stay as they are. The rules of the
 * destination come first, then those of all; each works on what the ones before it have left. They
 * apply to values of every type, SecureString too, unless `types` says less: a copy that names the
 * wrong Region is wrong whatever its type, and a literal text hits nothing by chance that its
 * author could not foresee. What was done is told as rule and count, never as the value. Pure;
 * memory: the arena given, which must be one that is wiped.
 */
#ifndef UNDERSTUDY_ENGINE_REWRITE_H
#define UNDERSTUDY_ENGINE_REWRITE_H

#include "base/buf.h"
#include "engine/config.h"
#include "resource/resource.h"

#include <stdbool.h>

/* Is a rule for this resource, by name and type? */
bool rewrite_fits(const struct config_rewrite *rule, const struct resource *source);
/* Could a rule change this resource's value? Then it is read before anything is said of it. */
bool rewrite_may_touch(const struct config *config, const struct config_side *destination,
                       const struct resource *source);

struct rewritten {
    const char *value; /* the one given when nothing was changed */
    size_t len;
    const char *note; /* "rewrite ap-south-1 → us-east-1 (2)"; NULL: nothing was changed */
    uint64_t hits;    /* bit i: the i-th rule for this destination changed it; of the first 64 */
};
/* ERR_LIMIT when the result is longer than any value may be. */
int rewrite_value(const struct config *config, const struct config_side *destination,
                  struct arena *arena, const struct resource *source, const char *value, size_t len,
                  struct rewritten *out, struct error *err);

/* The description, by the rules that say `descriptions: true`. `text` itself when none does. */
const char *rewrite_description(const struct config *config, const struct config_side *destination,
                                struct arena *arena, const struct resource *source,
                                const char *text);

/* The rules as JSON, for what remembers results of theirs. */
void rewrite_write(const struct config *config, const struct config_side *destination,
                   struct buf *out);

int rewrite_check(const struct config_rewrite *rules, size_t count, struct error *err);

#endif
