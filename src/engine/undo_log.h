/*
 * undo_log: what stood at the destinations before a run wrote there, kept so that it can be put
 * back.
 *
 * One file a run, STATE/undo/RUN.jsonl, mode 0600, appended to: a line for each change, on the disk
 * before the change is sent. A line says in clear where, which name and what was done; what stood
 * there (fields, tags, value) and what the run was about to leave is sealed (base/seal.h) under a
 * key derived from state.key, to run, place and name: a line cannot be read or moved without it.
 * Files older than `keep_undo` are removed. Any thread may append; several are made durable at
 * once.
 */
#ifndef UNDERSTUDY_ENGINE_UNDO_LOG_H
#define UNDERSTUDY_ENGINE_UNDO_LOG_H

#include "engine/config.h"
#include "engine/inventory.h"
#include "engine/labels.h"

struct engine;
struct undo_log;

/* A change that is about to be made. */
struct undo_record {
    unsigned destination; /* index in the configuration */
    const char *place;    /* ACCOUNT/REGION */
    const char *name;     /* at the destination */
    enum step_action action;
    bool existed;           /* `before` is filled */
    struct resource before; /* its value may be NULL: then the change does not touch it */
    /* As the change leaves it: how an untouched copy is known. */
    int64_t after_version; /* 0: gone */
    const struct tag *after_tags;
    size_t after_tag_count;
    bool value_written; /* then `after_digest` is the new value's, keyed (undo_log_digest) */
    unsigned char after_digest[32];
    /* Of the copy before; when runs carry labels or versions, since reading them costs a call. */
    bool labels_kept;
    struct label_map labels;
    bool labels_left; /* then `after_labels` is where the change left them (labels_digest) */
    unsigned char after_labels[32];
};

/* NULL when nothing is kept. Makes no file yet. */
struct undo_log *undo_log_new(struct engine *engine);
void undo_log_free(struct undo_log *log); /* NULL is fine */
bool undo_log_written(const struct undo_log *log);
/* Of a value, under a key of the state: to see whether it is still what a run wrote. */
void undo_log_digest(const struct engine *engine, const struct resource *resource,
                     unsigned char out[32]);

/* Does nothing, as the next two, when `log` is NULL. */
int undo_log_append(struct undo_log *log, const struct undo_record *record, struct error *err);
/* What this thread appended is on the disk. */
int undo_log_sync(struct undo_log *log, struct error *err);
/* The copy came out with another version than foretold. */
void undo_log_left(struct undo_log *log, unsigned destination, const char *name, int64_t version);

/* The copy's labels are where this says. */
void undo_log_labels_left(struct undo_log *log, unsigned destination, const char *name,
                          const struct label_map *labels);

/* --- reading ---------------------------------------------------------------------------------- */
/* The runs that can be undone, newest first, NULL-terminated. In `arena`. */
const char **undo_log_runs(struct arena *arena, const char *state_folder);
/* The configuration of one; ERR_NOT_FOUND when nothing is kept of it. In `arena`. */
int undo_log_config(struct arena *arena, const char *state_folder, const char *run,
                    struct config_set *out, struct error *err);
/* Each of its records in order, which live until `each` returns. With `engine` they are unsealed;
 * without, `before` and what follows is empty. */
typedef int undo_record_fn(const struct undo_record *record, void *arg, struct error *err);
int undo_log_each(struct engine *engine, const char *state_folder, const char *run,
                  undo_record_fn *each, void *arg, struct error *err);

#endif
