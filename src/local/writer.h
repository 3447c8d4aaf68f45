/*
 * writer: the one thread that writes to the store, with group commit.
 *
 * Jobs queue up while the last group is being committed; the next group is what came in meanwhile.
 * Each job runs inside a savepoint of the group's transaction, so that one that fails takes nothing
 * of its neighbours along; then one commit (one fsync) makes them durable, and only then is each
 * told. There is no timer: an idle writer commits at once.
 */
#ifndef UNDERSTUDY_LOCAL_WRITER_H
#define UNDERSTUDY_LOCAL_WRITER_H

#include "local/local.h"
#include "local/store.h"

struct writer;

enum writer_outcome {
    WRITER_COMMITTED, /* what the job wrote is durable; or it wrote nothing, on purpose */
    WRITER_FAILED,    /* the store failed: nothing of this job was kept */
};

struct writer_job {
    struct writer_job *next; /* the writer's own */
    bool failed;             /* the writer's own */
    /* On the writer's thread, inside a savepoint. Returns false to have its writes undone. Called
     * again, from a clean state of the store, when a neighbour lost the group's transaction. */
    bool (*run)(struct writer_job *, struct store_session *, uint64_t version);
    /* When run returned false and what it wrote was undone: what is to be kept all the same (the
     * trail's record of a call that failed). NULL: nothing. */
    void (*undone)(struct writer_job *, struct store_session *);
    /* On the writer's thread, behind the commit. The job belongs to its maker again. */
    void (*done)(struct writer_job *, enum writer_outcome);
};

/* `flush` is called once after the jobs of a group were told; may be NULL. Takes the store's
 * writer session. */
struct writer *writer_new(struct local *local, void (*flush)(void *arg), void *arg,
                          struct error *err);
void writer_submit(struct writer *writer, struct writer_job *job); /* any thread */
/* Runs `run` on the writer and waits: 0 when what it wrote is durable, or -1. Not from the writer's
 * own thread, nor from a loop that serves. */
int writer_call(struct writer *writer, bool (*run)(void *arg, struct store_session *), void *arg);
/* Groups committed so far: raised before a group's jobs are told. Any thread. */
uint64_t writer_commits(const struct writer *writer);
/* Runs what is queued, ends the thread, closes the session. NULL is fine. */
void writer_free(struct writer *writer);

#endif
