/*
 * mapping: what a source resource looks like at one destination: its name and its keys.
 *
 * Keys are looked up by the source's key as the source names it (alias, id or ARN), then by "*".
 * alias/aws/ssm is the same everywhere unless it is mapped by name; "*" does not touch it. A
 * customer key that nothing maps is not let fall to alias/aws/ssm: the resource is blocked.
 */
#ifndef UNDERSTUDY_ENGINE_MAPPING_H
#define UNDERSTUDY_ENGINE_MAPPING_H

#include "engine/config.h"
#include "engine/key_names.h"
#include "engine/scope.h"
#include "resource/resource.h"

struct translation {
    struct resource want; /* no value; its texts are the source's or in the arena */
    const char *blocked;  /* why there is no such thing at the destination; NULL: there is */
    const char *note;     /* "key alias/a → alias/b"; NULL: nothing was translated */
    const char *loss;     /* a downgrade that the configuration allows; NULL: none */
};

void mapping_translate(const struct resource_kind *kind, const struct scope *scope,
                       const struct config_side *destination, struct arena *arena,
                       const struct resource *source, struct translation *out);

/* All that turns a source's value into its copy's at one destination: when this text changes, what
 * was found equal before must be looked at again. */
void mapping_value_rules(const struct config *config, const struct config_side *destination,
                         struct buf *out);
/* Two notes of one step. In `arena`. */
const char *mapping_note(struct arena *arena, const char *first, const char *second);

/* "alias/x" or the id, whether given as such or within an ARN. Borrowed. */
struct text mapping_short_key(const char *key);
/* Do texts leave open what becomes of a key that this side's listing names? */
bool mapping_needs_names(const struct config *config, unsigned side, const char *key);
/* Do both name one key of a side, as far as texts can tell? Alias, id or ARN. */
bool mapping_same_key(const char *a, const char *b);

/* May what is under a key that nothing maps come under AWS's own? */
bool mapping_default_key_allowed(const struct config *config);

/* The destination's key for a source key; NULL when nothing maps it. A multi-Region key is itself
 * where nothing else is said. In `arena`, or the configuration's. */
const char *mapping_key(const struct config_side *destination, const struct key_names *names,
                        struct arena *arena, const char *source_key, const char *default_key);

#endif
