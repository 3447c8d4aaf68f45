#include "local/lambda_queue.h"

#include "local/lambda_function.h"

/* trail_: written all the time, and nobody caches from it (store.h). */
const char lambda_async_schema[] =
    "CREATE TABLE IF NOT EXISTS trail_invocation (seq INTEGER PRIMARY KEY, function TEXT NOT NULL,"
    " account TEXT NOT NULL, region TEXT NOT NULL, request_id TEXT NOT NULL,"
    " payload BLOB NOT NULL, attempts BIGINT NOT NULL, first_ms BIGINT NOT NULL,"
    " due_ms BIGINT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS trail_invocation_due ON trail_invocation (function, due_ms, seq);";

static const char purpose[] = "lambda event";

int lambda_queue_put(struct local *local, struct store_session *store,
                     const struct lambda_function *function, struct text payload,
                     const char *request_id)
{
    struct arena scratch;
    unsigned char *sealed;
    size_t len;
    int64_t now_ms = local->clock->now_ms(local->clock);
    arena_init(&scratch);
    keyring_seal(local->keyring, &scratch, purpose, payload.data ? payload.data : "", payload.len,
                 &sealed, &len);
    int64_t changed =
        store_run(store,
                  "INSERT INTO trail_invocation (function, account, region, request_id, payload,"
                  " attempts, first_ms, due_ms) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)",
                  "ttttbi", function->arn, function->account, function->region, request_id, sealed,
                  len, now_ms);
    arena_done(&scratch);
    return changed < 0 ? -1 : 0;
}

char *lambda_queue_function(struct store_session *store, struct arena *arena, const char *after)
{
    struct store_rows rows;
    char *found = NULL;
    store_query(store, &rows,
                "SELECT function FROM trail_invocation WHERE function > $1"
                " ORDER BY function LIMIT 1",
                "t", after);
    if (store_next(&rows)) {
        struct text text = store_text(&rows, 0);
        found = arena_strndup(arena, text.data, text.len);
    }
    store_end(&rows);
    return found;
}

size_t lambda_queue_due(struct store_session *store, const char *function, int64_t now_ms,
                        size_t most, int64_t *out)
{
    struct store_rows rows;
    size_t count = 0;
    store_query(store, &rows,
                "SELECT seq FROM trail_invocation WHERE function = $1 AND due_ms <= $2"
                " ORDER BY due_ms, seq LIMIT $3",
                "tii", function, now_ms, (int64_t)most);
    while (count < most && store_next(&rows))
        out[count++] = store_int(&rows, 0);
    store_end(&rows);
    return count;
}

int64_t lambda_queue_next(struct store_session *store, const char *function, int64_t now_ms)
{
    struct store_rows rows;
    int64_t next_ms = INT64_MAX;
    store_query(store, &rows,
                "SELECT min(due_ms) FROM trail_invocation WHERE function = $1 AND due_ms > $2",
                "ti", function, now_ms);
    if (store_next(&rows) && !store_null(&rows, 0))
        next_ms = store_int(&rows, 0);
    store_end(&rows);
    return next_ms;
}

static char *copy(struct arena *arena, const struct store_rows *rows, int column)
{
    struct text text = store_text(rows, column);
    return arena_strndup(arena, text.data ? text.data : "", text.len);
}

bool lambda_queue_read(struct local *local, struct store_session *store, struct arena *arena,
                       int64_t seq, struct lambda_event *out)
{
    struct store_rows rows;
    bool found = false;
    store_query(store, &rows,
                "SELECT function, account, region, request_id, payload, attempts, first_ms"
                " FROM trail_invocation WHERE seq = $1",
                "i", seq);
    if (store_next(&rows)) {
        struct text sealed = store_blob(&rows, 4);
        unsigned char *plain = NULL;
        size_t len = 0;
        *out = (struct lambda_event){.seq = seq,
                                     .function = copy(arena, &rows, 0),
                                     .account = copy(arena, &rows, 1),
                                     .region = copy(arena, &rows, 2),
                                     .request_id = copy(arena, &rows, 3),
                                     .attempts = store_int(&rows, 5),
                                     .first_ms = store_int(&rows, 6)};
        found = keyring_unseal(local->keyring, arena, purpose, (const unsigned char *)sealed.data,
                               sealed.len, &plain, &len) == 0;
        out->payload = (struct text){(const char *)plain, len};
    }
    store_end(&rows);
    return found;
}

bool lambda_queue_is(struct store_session *store, int64_t seq, const char *request_id)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT 1 FROM trail_invocation WHERE seq = $1 AND request_id = $2",
                "it", seq, request_id);
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

void lambda_queue_remove(struct store_session *store, int64_t seq)
{
    store_run(store, "DELETE FROM trail_invocation WHERE seq = $1", "i", seq);
}

void lambda_queue_later(struct store_session *store, int64_t seq, int64_t attempts, int64_t due_ms)
{
    store_run(store, "UPDATE trail_invocation SET attempts = $2, due_ms = $3 WHERE seq = $1", "iii",
              seq, attempts, due_ms);
}
