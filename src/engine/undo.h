/*
 * undo: puts destinations back to what they were before a run.
 *
 * What the run created is deleted, what it changed is written as it was, what it deleted is created
 * again, a mark of absence it set is taken away: each only while the copy is still as the run left
 * it. What somebody changed since is a conflict and is left, unless `force`. What stands as it was
 * already is nothing to do, so that an undo can be repeated. An undo is a run like others: it keeps
 * what it overwrites, and can be undone. The source is not asked. One after the other, on the
 * driving thread.
 */
#ifndef UNDERSTUDY_ENGINE_UNDO_H
#define UNDERSTUDY_ENGINE_UNDO_H

#include "engine/engine.h"

struct undo_request {
    const char *run;
    const char *const *names; /* at the destinations; count 0: all */
    size_t name_count;
    bool deletes_only; /* only what was deleted, or marked for it; and it is no longer ours then, so
                          that no run deletes it again */
    bool dry_run, force;
};

/* Fills the engine's inventory with steps and their outcome. -1: it could not go on. */
int undo_run(struct engine *engine, const struct undo_request *request, struct error *err);

/* Does `record` belong to the request? */
bool undo_wants(const struct engine *engine, const struct undo_request *request,
                const struct undo_record *record);

#endif
