/* Pairs, intents and runs. The folder and the file are state_file.c's. */
#include "base/digest.h"
#include "engine/state_intern.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_KEPT = 1000 };
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
/* A record that is used is marked so once a week, not on each use; unused ones go. */
#define TOUCH_MS  (7 * DAY_MS)
#define UNUSED_MS (90 * DAY_MS)
/* A run whose process number still exists is taken for another program after a day. */
#define LONGEST_RUN_MS DAY_MS

const char *const state_sql[STATE_STATEMENTS] = {
    [LINK_ADD] = "INSERT OR IGNORE INTO link (kind, source, destination) VALUES (?1, ?2, ?3)",
    [LINK_FIND] = "SELECT id FROM link WHERE kind = ?1 AND source = ?2 AND destination = ?3",
    /* No comma is missing: NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
    [FIND] = "SELECT source_version, source_modified, copy_version, copy_earliest, copy_latest,"
             " mark, run, written, used FROM pair WHERE link = ?1 AND key = ?2",
    [TOUCH] = "UPDATE pair SET used = ?3 WHERE link = ?1 AND key = ?2",
    /* Another run's intent counts once that run has ended: until then it may be finishing it. */
    [UNFINISHED] = "SELECT 1 FROM intent LEFT JOIN run ON run.id = intent.run WHERE link = ?1"
                   " AND key = ?2 AND (intent.run = ?3 OR run.id IS NULL OR run.ended IS NOT NULL)",
    [INTEND] = "INSERT OR IGNORE INTO intent VALUES (?1, ?2, ?3)",
    [KEEP] = "INSERT OR REPLACE INTO pair VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [INTENT_END] = "DELETE FROM intent WHERE link = ?1 AND key = ?2 AND run = ?3",
    [INTENT_LEFT] = "SELECT 1 FROM intent WHERE link = ?1 AND key = ?2",
    [INTENT_END_KILLED] = "DELETE FROM intent WHERE link = ?1 AND key = ?2 AND NOT EXISTS"
                          " (SELECT 1 FROM run WHERE run.id = intent.run AND run.ended IS NULL)",
    [FORGET] = "DELETE FROM pair WHERE link = ?1 AND key = ?2",
    [OVER_INTEND] = "INSERT OR IGNORE INTO over VALUES (?1, ?2, ?3, ?4)",
    [OVER_FIND] = "SELECT min(version) FROM over LEFT JOIN run ON run.id = over.run WHERE way = ?1"
                  " AND key = ?2 AND (over.run = ?3 OR run.id IS NULL OR run.ended IS NOT NULL)",
    [OVER_END] = "DELETE FROM over WHERE way = ?1 AND key = ?2 AND (run = ?3 OR NOT EXISTS"
                 " (SELECT 1 FROM run WHERE run.id = over.run AND run.ended IS NULL))",
    [DIGEST_KEEP] = "INSERT OR REPLACE INTO temp.digest VALUES (?1, ?2, ?3, ?4)",
    [DIGEST_FIND] = "SELECT digest FROM temp.digest WHERE link = ?1 AND key = ?2 AND version = ?3",
    [REMOVED_ADD] = "INSERT INTO removed VALUES (?1, ?2, ?3)",
    [REMOVED_SUM] = "SELECT sum(count) FROM removed WHERE link = ?1 AND at > ?2",
    [RUN_BEGIN] = "INSERT OR REPLACE INTO run VALUES (?1, ?2, ?3, NULL, NULL, ?4, ?5)",
    [RUN_END] = "UPDATE run SET ended = ?2, outcome = ?3 WHERE id = ?1",
    [RUNS] = "SELECT id, command, outcome, started, ended, pid FROM run ORDER BY started DESC, id",
};

/* --- statements ------------------------------------------------------------------------------- */

/* NULL: there is nothing to ask. Else the lock is held until end(). */
static sqlite3_stmt *begin(struct state *state, enum state_statement statement)
{
    if (!state)
        return NULL;
    pthread_mutex_lock(&state->mutex);
    if (!state->off)
        return state->statements[statement];
    pthread_mutex_unlock(&state->mutex);
    return NULL;
}

static void end(struct state *state, sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    pthread_mutex_unlock(&state->mutex);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static void run(struct state *state, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        state_give_up(state);
    end(state, statement);
}

static bool row(struct state *state, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        state_give_up(state);
    return code == SQLITE_ROW;
}

/* Runs a statement about one pair: link, key and, where it has three, the run. */
static void run_of_pair(struct state *state, enum state_statement which, int64_t link,
                        const char *key)
{
    sqlite3_stmt *statement = begin(state, which);
    if (!statement)
        return;
    sqlite3_bind_int64(statement, 1, link);
    bind_text(statement, 2, key);
    if (sqlite3_bind_parameter_count(statement) > 2)
        bind_text(statement, 3, state->run_id);
    run(state, statement);
}

int64_t state_link(struct state *state, const char *kind, const char *source,
                   const char *destination)
{
    int64_t id = 0;
    for (enum state_statement which = LINK_ADD; which <= LINK_FIND; which++) {
        sqlite3_stmt *statement = begin(state, which);
        if (!statement)
            return 0;
        bind_text(statement, 1, kind);
        bind_text(statement, 2, source);
        bind_text(statement, 3, destination);
        if (row(state, statement))
            id = sqlite3_column_int64(statement, 0);
        end(state, statement);
    }
    return id;
}

static void touch(struct state *state, int64_t link, const char *key, int64_t used_ms)
{
    int64_t now_ms = state->clock->now_ms(state->clock);
    if (used_ms > now_ms - TOUCH_MS)
        return;
    sqlite3_stmt *mark = begin(state, TOUCH);
    if (!mark)
        return;
    sqlite3_bind_int64(mark, 1, link);
    bind_text(mark, 2, key);
    sqlite3_bind_int64(mark, 3, now_ms);
    run(state, mark);
}

void state_find(struct state *state, int64_t link, const char *key, struct state_known *out)
{
    *out = (struct state_known){.pair.key = key};
    sqlite3_stmt *find = link ? begin(state, FIND) : NULL;
    if (!find)
        return;
    sqlite3_bind_int64(find, 1, link);
    bind_text(find, 2, key);
    int64_t used_ms = 0;
    if (row(state, find)) {
        struct state_pair *pair = &out->pair;
        pair->source_version = sqlite3_column_int64(find, 0);
        pair->source_modified_ms = sqlite3_column_int64(find, 1);
        pair->copy_version = sqlite3_column_int64(find, 2);
        pair->copy_earliest_ms = sqlite3_column_int64(find, 3);
        pair->copy_latest_ms = sqlite3_column_int64(find, 4);
        const void *mark = sqlite3_column_blob(find, 5);
        const char *run_id = (const char *)sqlite3_column_text(find, 6);
        out->recorded = mark && sqlite3_column_bytes(find, 5) == STATE_MARK_SIZE && run_id;
        if (out->recorded) {
            memcpy(pair->mark, mark, STATE_MARK_SIZE);
            snprintf(out->run_id, sizeof out->run_id, "%s", run_id);
        }
        out->written = sqlite3_column_int(find, 7) != 0;
        used_ms = sqlite3_column_int64(find, 8);
    }
    end(state, find);
    if (out->recorded)
        touch(state, link, key, used_ms);
    sqlite3_stmt *unfinished = begin(state, UNFINISHED);
    if (!unfinished)
        return;
    sqlite3_bind_int64(unfinished, 1, link);
    bind_text(unfinished, 2, key);
    bind_text(unfinished, 3, state->run_id);
    out->unfinished = row(state, unfinished);
    end(state, unfinished);
}

static void transaction(struct state *state, const char *words)
{
    if (state->folder && !state->off &&
        sqlite3_exec(state->db, words, NULL, NULL, NULL) != SQLITE_OK)
        state_give_up(state);
}

void state_begin(struct state *state)
{
    if (!state)
        return;
    pthread_mutex_lock(&state->mutex);
    transaction(state, "BEGIN IMMEDIATE");
}

void state_end(struct state *state)
{
    if (!state)
        return;
    transaction(state, "COMMIT");
    if (state->off && state->folder && !sqlite3_get_autocommit(state->db))
        sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&state->mutex);
}

void state_intend(struct state *state, int64_t link, const char *key)
{
    if (link)
        run_of_pair(state, INTEND, link, key);
}

void state_keep(struct state *state, int64_t link, const struct state_pair *pair, bool written)
{
    sqlite3_stmt *keep = link ? begin(state, KEEP) : NULL;
    if (!keep)
        return;
    const int64_t numbers[] = {pair->source_version, pair->source_modified_ms, pair->copy_version,
                               pair->copy_earliest_ms, pair->copy_latest_ms};
    sqlite3_bind_int64(keep, 1, link);
    bind_text(keep, 2, pair->key);
    for (int i = 0; i < 5; i++)
        sqlite3_bind_int64(keep, 3 + i, numbers[i]);
    sqlite3_bind_blob(keep, 8, pair->mark, STATE_MARK_SIZE, SQLITE_STATIC);
    bind_text(keep, 9, state->run_id);
    sqlite3_bind_int(keep, 10, written);
    sqlite3_bind_int64(keep, 11, state->clock->now_ms(state->clock));
    run(state, keep);
}

/* Is there another run's? Seldom, and to look costs a tenth of the statement that ends them. */
static bool intent_left(struct state *state, int64_t link, const char *key)
{
    sqlite3_stmt *left = begin(state, INTENT_LEFT);
    if (!left)
        return false;
    sqlite3_bind_int64(left, 1, link);
    bind_text(left, 2, key);
    bool found = row(state, left);
    end(state, left);
    return found;
}

void state_finish(struct state *state, int64_t link, const char *key)
{
    if (!link)
        return;
    run_of_pair(state, INTENT_END, link, key);
    if (intent_left(state, link, key))
        run_of_pair(state, INTENT_END_KILLED, link, key);
}

void state_intend_over(struct state *state, int64_t way, const char *key, int64_t copy_version)
{
    sqlite3_stmt *intend = way ? begin(state, OVER_INTEND) : NULL;
    if (!intend)
        return;
    sqlite3_bind_int64(intend, 1, way);
    bind_text(intend, 2, key);
    bind_text(intend, 3, state->run_id);
    sqlite3_bind_int64(intend, 4, copy_version);
    run(state, intend);
}

int64_t state_over(struct state *state, int64_t way, const char *key)
{
    sqlite3_stmt *find = way ? begin(state, OVER_FIND) : NULL;
    if (!find)
        return 0;
    sqlite3_bind_int64(find, 1, way);
    bind_text(find, 2, key);
    bind_text(find, 3, state->run_id);
    int64_t version = row(state, find) ? sqlite3_column_int64(find, 0) : 0;
    end(state, find);
    return version;
}

void state_finish_over(struct state *state, int64_t way, const char *key)
{
    if (way)
        run_of_pair(state, OVER_END, way, key);
}

void state_forget(struct state *state, int64_t link, const char *key)
{
    if (link)
        run_of_pair(state, FORGET, link, key);
}

void state_keep_digest(struct state *state, int64_t link, const char *key, int64_t copy_version,
                       const unsigned char digest[32])
{
    sqlite3_stmt *keep = link ? begin(state, DIGEST_KEEP) : NULL;
    if (!keep)
        return;
    sqlite3_bind_int64(keep, 1, link);
    bind_text(keep, 2, key);
    sqlite3_bind_int64(keep, 3, copy_version);
    sqlite3_bind_blob(keep, 4, digest, SHA256_SIZE, SQLITE_STATIC);
    run(state, keep);
}

bool state_digest(struct state *state, int64_t link, const char *key, int64_t copy_version,
                  unsigned char out[32])
{
    sqlite3_stmt *find = link ? begin(state, DIGEST_FIND) : NULL;
    if (!find)
        return false;
    sqlite3_bind_int64(find, 1, link);
    bind_text(find, 2, key);
    sqlite3_bind_int64(find, 3, copy_version);
    bool found = row(state, find) && sqlite3_column_bytes(find, 0) == SHA256_SIZE;
    if (found)
        memcpy(out, sqlite3_column_blob(find, 0), SHA256_SIZE);
    end(state, find);
    return found;
}

void state_removed(struct state *state, int64_t link, uint64_t count)
{
    sqlite3_stmt *add = link && count ? begin(state, REMOVED_ADD) : NULL;
    if (!add)
        return;
    sqlite3_bind_int64(add, 1, link);
    sqlite3_bind_int64(add, 2, state->clock->now_ms(state->clock));
    sqlite3_bind_int64(add, 3, (int64_t)count);
    run(state, add);
}

uint64_t state_removed_since(struct state *state, int64_t link, int64_t since_ms)
{
    sqlite3_stmt *sum = link ? begin(state, REMOVED_SUM) : NULL;
    if (!sum)
        return 0;
    sqlite3_bind_int64(sum, 1, link);
    sqlite3_bind_int64(sum, 2, since_ms);
    int64_t count = row(state, sum) ? sqlite3_column_int64(sum, 0) : 0;
    end(state, sum);
    return count > 0 ? (uint64_t)count : 0;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Runs that were killed are ended, and what is old goes, so that the file does not grow for ever.
 */
static void tidy(struct state *state)
{
    int64_t now_ms = state->clock->now_ms(state->clock);
    sqlite3_stmt *open = NULL;
    char *text = sqlite3_mprintf("SELECT id, pid, started FROM run WHERE ended IS NULL");
    int code = sqlite3_prepare_v2(state->db, text, -1, &open, NULL);
    sqlite3_free(text);
    while (code == SQLITE_OK && sqlite3_step(open) == SQLITE_ROW) {
        pid_t pid = (pid_t)sqlite3_column_int64(open, 1);
        bool alive = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
        if (alive && sqlite3_column_int64(open, 2) > now_ms - LONGEST_RUN_MS)
            continue;
        text = sqlite3_mprintf("UPDATE run SET ended = %lld, outcome = 'killed' WHERE id = %Q",
                               (long long)now_ms, (const char *)sqlite3_column_text(open, 0));
        code = sqlite3_exec(state->db, text, NULL, NULL, NULL);
        sqlite3_free(text);
    }
    sqlite3_finalize(open);
    char oldest[CLOCK_TEXT_SIZE]; /* as an id of that moment begins */
    clock_format_basic(now_ms - UNUSED_MS, oldest);
    text = sqlite3_mprintf(
        "DELETE FROM run WHERE ended IS NOT NULL AND (id < %Q OR id NOT IN"
        " (SELECT id FROM run ORDER BY id DESC LIMIT %d));"
        "DELETE FROM intent WHERE run < %Q; DELETE FROM over WHERE run < %Q; DELETE FROM pair "
        "WHERE used < %lld;"
        "DELETE FROM removed WHERE at < %lld;"
        "DELETE FROM link WHERE NOT EXISTS (SELECT 1 FROM pair WHERE pair.link = link.id)"
        " AND NOT EXISTS (SELECT 1 FROM intent WHERE intent.link = link.id)",
        oldest, RUNS_KEPT, oldest, oldest, (long long)(now_ms - UNUSED_MS),
        (long long)(now_ms - UNUSED_MS));
    if (code == SQLITE_OK)
        code = sqlite3_exec(state->db, text, NULL, NULL, NULL);
    sqlite3_free(text);
    if (code != SQLITE_OK)
        state_give_up(state);
}

void state_run_begin(struct state *state, const char *command, const char *config_digest)
{
    if (!state)
        return;
    state_begin(state);
    if (!state->off)
        tidy(state);
    sqlite3_stmt *put = begin(state, RUN_BEGIN);
    if (put) {
        bind_text(put, 1, state->run_id);
        bind_text(put, 2, command);
        sqlite3_bind_int64(put, 3, state->clock->now_ms(state->clock));
        bind_text(put, 4, config_digest);
        sqlite3_bind_int64(put, 5, getpid());
        run(state, put);
    }
    state_end(state);
}

void state_run_end(struct state *state, const char *outcome)
{
    sqlite3_stmt *put = begin(state, RUN_END);
    if (!put)
        return;
    bind_text(put, 1, state->run_id);
    sqlite3_bind_int64(put, 2, state->clock->now_ms(state->clock));
    bind_text(put, 3, outcome);
    run(state, put);
}

void state_run_again(struct state *state, const char *run_id, const char *command,
                     const char *config_digest)
{
    if (!state)
        return;
    state_run_end(state, "done");
    pthread_mutex_lock(&state->mutex);
    snprintf(state->run_id, sizeof state->run_id, "%s", run_id);
    pthread_mutex_unlock(&state->mutex);
    state_run_begin(state, command, config_digest);
}

int state_runs(struct state *state, int (*each)(const struct state_run *run, void *arg), void *arg,
               struct error *err)
{
    state_begin(state);
    if (state && !state->off)
        tidy(state);
    state_end(state);
    sqlite3_stmt *list = begin(state, RUNS);
    if (!list)
        return 0;
    int result = 0, code = SQLITE_DONE;
    while (result == 0 && (code = sqlite3_step(list)) == SQLITE_ROW) {
        const struct state_run found = {
            .run_id = (const char *)sqlite3_column_text(list, 0),
            .command = (const char *)sqlite3_column_text(list, 1),
            .outcome = (const char *)sqlite3_column_text(list, 2),
            .started_ms = sqlite3_column_int64(list, 3),
            .ended_ms = sqlite3_column_int64(list, 4),
            .pid = sqlite3_column_int64(list, 5),
        };
        result = each(&found, arg);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = error_set(err, ERR_IO, "%s: %s", state->path, sqlite3_errmsg(state->db));
    end(state, list);
    return result;
}
