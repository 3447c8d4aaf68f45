#include "local/key_use.h"

#include "base/arena.h"

#include <stdlib.h>

struct note {
    struct writer_job job; /* first: the writer gives it back */
    struct arena arena;
    struct key_use use;
};

static bool write_down(struct writer_job *job, struct store_session *store, uint64_t version)
{
    const struct key_use *use = &((struct note *)job)->use;
    (void)version;
    return store_run(store,
                     "INSERT INTO session_key_used (id, used_ms, region, service)"
                     " VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET"
                     " used_ms = excluded.used_ms, region = excluded.region,"
                     " service = excluded.service",
                     "titt", use->access_key, use->used_ms, use->region, use->service) >= 0;
}

static void done(struct writer_job *job, enum writer_outcome outcome)
{
    struct note *note = (struct note *)job;
    (void)outcome; /* the next minute notes it again */
    arena_done(&note->arena);
    free(note);
}

void key_use_note(struct writer *writer, const struct key_use *use)
{
    struct note *note = memory_alloc(sizeof *note);
    arena_init(&note->arena);
    note->job = (struct writer_job){.run = write_down, .done = done};
    note->use = (struct key_use){arena_strdup(&note->arena, use->access_key),
                                 arena_strdup(&note->arena, use->service),
                                 arena_strdup(&note->arena, use->region), use->used_ms};
    writer_submit(writer, &note->job);
}
