/*
 * custom_properties: the properties of a resource that replicates a KMS key, read and checked.
 *
 * CloudFormation sends every scalar as text, and a list as a list, as text between commas (its
 * CommaDelimitedList parameters come so, with blanks), or as one text. What a template leaves empty
 * counts as not given. A property that is not known is an error: it may be a slip in one that is.
 * Memory: the arena given. Pure; any thread. Messages name the property and hold no value but names
 * of Regions, keys and aliases.
 */
#ifndef UNDERSTUDY_EVENT_CUSTOM_PROPERTIES_H
#define UNDERSTUDY_EVENT_CUSTOM_PROPERTIES_H

#include "base/arena.h"
#include "base/error.h"
#include "resource/kms_replica.h"

#include <jansson.h>

enum { CUSTOM_REGIONS_MOST = 40, CUSTOM_TAGS_MOST = 48, CUSTOM_WORKERS_MOST = 64 };

enum custom_removal {
    CUSTOM_RETAIN,  /* the default: replicas stay, and are nobody's */
    CUSTOM_DISABLE, /* they stay disabled */
    CUSTOM_SCHEDULE /* deleted after their window */
};

struct custom_region {
    const char *name;
    struct kms_wish wish; /* without the mark */
    unsigned window_days; /* 0: AWS's default */
};

struct custom_properties {
    const char *key; /* id, ARN or alias, as given */
    struct custom_region *regions;
    size_t region_count;
    enum custom_removal removal;
    unsigned workers; /* 0: not said */
};

/* ERR_INVALID. */
int custom_properties_read(struct arena *arena, const json_t *properties,
                           struct custom_properties *out, struct error *err);
/* What a Delete needs, and no more: key, Regions, removal, windows; what cannot be read is left. */
void custom_properties_skim(struct arena *arena, const json_t *properties,
                            struct custom_properties *out);
/* MAX_WORKERS, "" for not given: 1 to CUSTOM_WORKERS_MOST. */
int custom_workers_read(const char *name, const char *text, unsigned *out, struct error *err);

#endif
