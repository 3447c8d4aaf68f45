#include "engine/sessions.h"

#include "engine/identity.h"

#include <stdlib.h>

struct row {
    const struct config_side *side;
    struct session *session;
    struct row *next;
};

struct sessions {
    struct arena arena; /* rows, and what the sessions borrow */
    struct row *first;
};

struct sessions *sessions_new(void)
{
    struct sessions *sessions = memory_alloc(sizeof *sessions);
    *sessions = (struct sessions){0};
    arena_init(&sessions->arena);
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    for (struct row *row = sessions->first; row; row = row->next)
        session_free(row->session);
    arena_done(&sessions->arena);
    free(sessions);
}

struct session *sessions_get(struct sessions *sessions, const struct config_side *side,
                             const struct session_options *seams, struct error *err)
{
    for (struct row *row = sessions->first; row; row = row->next)
        if (identity_same(row->side, side))
            return row->session;
    struct session_options options = *seams;
    options.region = side->region;
    options.endpoint_url = side->endpoint_url;
    identity_options(&sessions->arena, side, &options);
    struct session *session = session_new(&options, err);
    if (!session)
        return NULL;
    struct row *row = arena_calloc(&sessions->arena, 1, sizeof *row);
    *row = (struct row){side, session, sessions->first};
    sessions->first = row;
    return session;
}

void sessions_counts(const struct sessions *sessions, struct aws_call_counts *out)
{
    *out = (struct aws_call_counts){0};
    for (const struct row *row = sessions->first; row; row = row->next) {
        struct aws_call_counts counts = {0};
        session_counts(row->session, &counts);
        out->calls += counts.calls;
        out->retries += counts.retries;
        out->throttled += counts.throttled;
        out->paced_ms += counts.paced_ms;
    }
}
