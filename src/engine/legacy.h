/*
 * legacy: what the earlier tools were told, read as a configuration.
 *
 * params.json of the cross-account sample (aws-samples/aws-lambda-ssm-copy-parameters), and the
 * environment of the bulk script (SOURCE_REGION, DESTINATION_REGION, PARAMETER_PREFIXES) and of the
 * event-driven replicator (DEST_REGIONS, PARAM_PATHS, DEST_PARAM_TYPE, DEST_KMS_KEY_ID, DRY_RUN,
 * and beside them, of our own, DEST_DELETES, DEST_MAX_DELETE and DEST_DELETE_GRACE).
 * They mean what they meant, but where the earlier tool lost something: there a note says what it
 * lost and what is done now. Nothing that is read selects more than it did: an empty selection is
 * an error, not everything.
 *
 * Pure but for memory, which is the arena's. ERR_INVALID. Source: that repository's copy-params.py
 * and params.json; the article's code of the replicator. The bulk script is described there, not
 * given: its prefixes are read as paths.
 */
#ifndef UNDERSTUDY_ENGINE_LEGACY_H
#define UNDERSTUDY_ENGINE_LEGACY_H

#include "engine/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { LEGACY_NOTES_MAX = 16 };

struct legacy {
    struct config_set set; /* one replication, not checked yet */
    bool dry_run;          /* DRY_RUN=true: plan, do not write */
    const char *notes[LEGACY_NOTES_MAX];
    size_t note_count;
};

/* A variable of the environment; NULL: not set. */
typedef const char *legacy_get_fn(const char *name);

/* `source_region`: the Region that the sample ran in; NULL: AWS_REGION, else AWS_DEFAULT_REGION. */
int legacy_params(struct arena *arena, const char *name, const char *data, size_t len,
                  legacy_get_fn *get, struct legacy *out, struct error *err);
int legacy_environment(struct arena *arena, legacy_get_fn *get, struct legacy *out,
                       struct error *err);

#endif
