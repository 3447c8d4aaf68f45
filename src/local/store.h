/*
 * store: where the local AWS keeps everything; the seam behind which SQLite stands (and PostgreSQL
 * may, later).
 *
 * A session is one connection used by one thread: readers (one a loop) see the last commit; the
 * writer, of which there is one, reads and writes inside the transaction that local/writer.c opens
 * and commits for a whole group of requests. SQL keeps to the subset both databases understand and
 * numbers its parameters $1, $2, ...; its text must be static, because its address finds the
 * prepared statement. What is bound is not copied: it must live until store_run returns or
 * store_end. A failing statement (full disk, broken file) marks the session failed: the pipeline
 * then rolls back and answers the service's internal error.
 */
#ifndef UNDERSTUDY_LOCAL_STORE_H
#define UNDERSTUDY_LOCAL_STORE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_session;
struct store_statement;

/* Opens or makes the data folder's database and runs the schemas (CREATE TABLE IF NOT EXISTS ...,
 * NULL-terminated list). Holds a lock on the folder against a second process. */
int store_open(const char *folder, const char *const *schemas, struct store **out,
               struct error *err);
void store_close(struct store *store); /* sessions first; NULL is fine */

struct store_session *store_reader(struct store *store, struct error *err);
struct store_session *store_writer(struct store *store, struct error *err);
void store_session_close(struct store_session *session);

/* Parameters by letters in `types`: t const char * (NULL binds NULL), T const char * then size_t,
 * i int64_t, b const void * then size_t (data NULL binds NULL), n nothing (binds NULL). */
struct store_rows {
    struct store_session *session;
    struct store_statement *statement;
};
/* Start a query; store_next moves to the first row. Always ended by store_end, also after a
 * failure. Columns stay valid until the next store_next or store_end. */
void store_query(struct store_session *session, struct store_rows *rows, const char *sql,
                 const char *types, ...);
bool store_next(struct store_rows *rows);
void store_end(struct store_rows *rows);
int64_t store_int(const struct store_rows *rows, int column);
struct text store_text(const struct store_rows *rows, int column); /* data NULL for NULL */
struct text store_blob(const struct store_rows *rows, int column);
bool store_null(const struct store_rows *rows, int column);

/* A statement without rows; the number of rows changed, or -1 (the session has failed then). */
int64_t store_run(struct store_session *session, const char *sql, const char *types, ...);
int64_t store_last_id(struct store_session *session);

/* Since store_begin a statement wrote a table that somebody may cache from: any whose name does
 * not begin with "ssm_", "sqs_", "logs_" or "trail_" (parameters, messages, log events, records are
 * written all the time and cached by nobody) or "session_" (rows are only added, under new names).
 */
bool store_stirred(const struct store_session *session);

bool store_failed(const struct store_session *session);
const char *store_failure(const struct store_session *session); /* for the log */

/* Transactions; used by the writer and, for reads, once an epoll round by the loops. */
int store_begin_read(struct store_session *session);
void store_end_read(struct store_session *session);
int store_begin(struct store_session *session);
int store_commit(struct store_session *session);
void store_rollback(struct store_session *session); /* clears the failure */
int store_savepoint(struct store_session *session);
void store_savepoint_release(struct store_session *session);
void store_savepoint_rollback(struct store_session *session);

/* Empties every table but `kept` (NULL-terminated names); within a transaction of the writer. */
int store_empty(struct store_session *session, const char *const *kept);

#endif
