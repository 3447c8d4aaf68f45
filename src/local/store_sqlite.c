/*
 * The store over SQLite: WAL, synchronous=FULL, one writer, readers read-only.
 *
 * SQLite up to 3.51.2 can lose committed pages when two connections write or checkpoint at once
 * (the "WAL-reset bug"). So exactly one connection writes and checkpoints, readers are opened
 * READONLY, and a lock on the folder keeps a second process out.
 */
#include "local/store.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATEMENT_BUCKETS = 512, LARGEST_PARAMETER = 32, FAILURE_SIZE = 256 };

struct store_statement {
    struct store_statement *next; /* in its bucket */
    const char *sql;              /* the address is the key */
    sqlite3_stmt *prepared;
    int parameters[LARGEST_PARAMETER + 1]; /* SQLite's index of $n */
    int parameter_count;
    bool busy;
    bool stirs; /* writes a table that somebody may cache: see store_stirred */
};

struct store_session {
    struct store *store;
    sqlite3 *database;
    bool writer, failed, stirred;
    bool preparing_stirs; /* what the authorizer saw during the prepare under way */
    struct store_statement *statements[STATEMENT_BUCKETS];
    char failure[FAILURE_SIZE];
};

struct store {
    char *path;
    bool fresh; /* the file was made just now */
    int lock;
    struct store_session *writer; /* until store_writer hands it out */
};

static int fail(struct store_session *session, const char *what)
{
    if (!session->failed)
        snprintf(session->failure, sizeof session->failure, "%s: %s", what,
                 sqlite3_errmsg(session->database));
    session->failed = true;
    return -1;
}

static int execute(struct store_session *session, const char *sql)
{
    if (sqlite3_exec(session->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(session, "statement failed");
    return 0;
}

/* Called while a statement is compiled: tells which tables it writes. */
static int note_writes(void *arg, int action, const char *table, const char *column,
                       const char *database, const char *trigger)
{
    struct store_session *session = arg;
    (void)column, (void)database, (void)trigger;
    bool writes = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE;
    if (writes && table && !text_starts(table, "ssm_") && !text_starts(table, "session_") &&
        !text_starts(table, "trail_") && !text_starts(table, "sqs_") &&
        !text_starts(table, "logs_"))
        session->preparing_stirs = true;
    return SQLITE_OK;
}

static int prepare_writer(struct store_session *session)
{
    /* An empty file needs no journal on disk while it becomes a WAL database: three fsyncs less at
     * the first start. (Defensive mode would forbid it.) */
    if (session->store->fresh && execute(session, "PRAGMA journal_mode=MEMORY") != 0)
        return -1;
    if (sqlite3_set_authorizer(session->database, note_writes, session) != SQLITE_OK)
        return fail(session, "no authorizer");
    return execute(session, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                            "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864;"
                            "PRAGMA secure_delete=ON");
}

static int prepare_session(struct store_session *session)
{
    if (sqlite3_busy_timeout(session->database, 5000) != SQLITE_OK ||
        (session->writer && prepare_writer(session) != 0) ||
        sqlite3_db_config(session->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
        return fail(session, "not configured");
    return execute(session, "PRAGMA cache_size=-4096; PRAGMA foreign_keys=ON;"
                            "PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY");
}

static struct store_session *session_open(struct store *store, bool writer, struct error *err)
{
    struct store_session *session = memory_alloc(sizeof *session);
    session->store = store;
    session->writer = writer;
    int flags = (writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->path, &session->database, flags, NULL) == SQLITE_OK &&
        prepare_session(session) == 0)
        return session;
    error_set(err, ERR_IO, "cannot open %s: %s", store->path,
              session->database ? sqlite3_errmsg(session->database) : "out of memory");
    store_session_close(session);
    return NULL;
}

static int create_tables(struct store_session *session, const char *const *schemas,
                         struct error *err)
{
    int result = execute(session, "BEGIN IMMEDIATE");
    for (; result == 0 && *schemas; schemas++)
        result = execute(session, *schemas);
    if (result == 0)
        result = execute(session, "COMMIT");
    if (result != 0) {
        error_set(err, ERR_IO, "cannot make the tables of %s: %s", session->store->path,
                  session->failure);
        store_rollback(session);
    }
    return result;
}

static int lock_folder(struct store *store, const char *folder, struct arena *scratch,
                       struct error *err)
{
    const char *path = arena_printf(scratch, "%s/lock", folder);
    store->lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return error_errno(err, errno, "cannot open %s", path);
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return error_set(err, ERR_CONFLICT, "%s is in use by another process", folder);
    return error_errno(err, errno, "cannot lock %s", path);
}

static int open_in(struct store *store, const char *folder, const char *const *schemas,
                   struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    int result = file_make_dirs(folder, err);
    if (result == 0)
        result = lock_folder(store, folder, &scratch, err);
    if (result == 0) {
        store->path = memory_strdup(arena_printf(&scratch, "%s/store.db", folder));
        /* SQLite gives its journal files the mode of the database: make that one private. */
        struct stat info;
        int fd = open(store->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 || fstat(fd, &info) != 0)
            result = error_errno(err, errno, "cannot open %s", store->path);
        else
            store->fresh = info.st_size == 0;
        if (fd >= 0)
            close(fd);
    }
    if (result == 0) {
        store->writer = session_open(store, true, err);
        result = store->writer ? create_tables(store->writer, schemas, err) : -1;
    }
    arena_done(&scratch);
    return result;
}

/* Memory statistics would make every allocation of every connection take one lock. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int store_open(const char *folder, const char *const *schemas, struct store **out,
               struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    struct store *store = memory_alloc(sizeof *store);
    store->lock = -1;
    if (open_in(store, folder, schemas, err) != 0) {
        store_close(store);
        return -1;
    }
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_session_close(store->writer);
    if (store->lock >= 0)
        close(store->lock); /* which unlocks */
    free(store->path);
    free(store);
}

struct store_session *store_reader(struct store *store, struct error *err)
{
    return session_open(store, false, err);
}

struct store_session *store_writer(struct store *store, struct error *err)
{
    struct store_session *writer = store->writer;
    store->writer = NULL;
    if (!writer)
        error_set(err, ERR_CONFLICT, "the store has its writer already");
    return writer;
}

void store_session_close(struct store_session *session)
{
    if (!session)
        return;
    for (size_t i = 0; i < STATEMENT_BUCKETS; i++)
        for (struct store_statement *next, *at = session->statements[i]; at; at = next) {
            next = at->next;
            sqlite3_finalize(at->prepared);
            free(at);
        }
    /* After a clean end all is in one file: a reader, which may close last, cannot see to that.
     * What fails here is done by whoever opens the database next. */
    if (session->writer)
        (void)sqlite3_wal_checkpoint_v2(session->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                        NULL);
    sqlite3_close(session->database);
    free(session);
}

static struct store_statement *prepare(struct store_session *session, const char *sql)
{
    struct store_statement *statement = memory_alloc(sizeof *statement);
    session->preparing_stirs = false;
    if (sqlite3_prepare_v3(session->database, sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &statement->prepared, NULL) != SQLITE_OK) {
        fail(session, "statement not understood");
        free(statement);
        return NULL;
    }
    statement->sql = sql;
    statement->stirs = session->preparing_stirs;
    statement->parameter_count = sqlite3_bind_parameter_count(statement->prepared);
    for (int n = 1; n <= statement->parameter_count; n++) {
        char name[8];
        snprintf(name, sizeof name, "$%d", n);
        assert(n <= LARGEST_PARAMETER);
        statement->parameters[n] = sqlite3_bind_parameter_index(statement->prepared, name);
        assert(statement->parameters[n] && "parameters are numbered $1, $2, ... without a gap");
    }
    return statement;
}

/* The prepared statement of this text, one that is not in use: a query may run inside the loop over
 * another's rows, even of the same text. */
static struct store_statement *statement_for(struct store_session *session, const char *sql)
{
    size_t bucket = ((uintptr_t)sql >> 4 ^ (uintptr_t)sql >> 13) % STATEMENT_BUCKETS;
    for (struct store_statement *at = session->statements[bucket]; at; at = at->next)
        if (at->sql == sql && !at->busy)
            return at;
    struct store_statement *statement = prepare(session, sql);
    if (statement) {
        statement->next = session->statements[bucket];
        session->statements[bucket] = statement;
    }
    return statement;
}

/* SQLITE_STATIC throughout: the values outlive the statement's use, and a copy of a secret would
 * not be wiped. */
static int bind_one(sqlite3_stmt *prepared, int at, char type, va_list *args)
{
    switch (type) {
    case 't': {
        const char *text = va_arg(*args, const char *);
        return text ? sqlite3_bind_text(prepared, at, text, -1, SQLITE_STATIC)
                    : sqlite3_bind_null(prepared, at);
    }
    case 'T': {
        const char *text = va_arg(*args, const char *);
        size_t len = va_arg(*args, size_t);
        return text ? sqlite3_bind_text64(prepared, at, text, len, SQLITE_STATIC, SQLITE_UTF8)
                    : sqlite3_bind_null(prepared, at);
    }
    case 'b': {
        const void *data = va_arg(*args, const void *);
        size_t len = va_arg(*args, size_t);
        if (!data)
            return sqlite3_bind_null(prepared, at);
        return sqlite3_bind_blob64(prepared, at, len ? data : "", len, SQLITE_STATIC);
    }
    case 'i':
        return sqlite3_bind_int64(prepared, at, va_arg(*args, int64_t));
    default:
        assert(type == 'n');
        return sqlite3_bind_null(prepared, at);
    }
}

static struct store_statement *start(struct store_session *session, const char *sql,
                                     const char *types, va_list *args)
{
    if (session->failed)
        return NULL;
    struct store_statement *statement = statement_for(session, sql);
    if (!statement)
        return NULL;
    assert((int)strlen(types) == statement->parameter_count);
    for (int n = 1; *types; types++, n++)
        if (bind_one(statement->prepared, statement->parameters[n], *types, args) != SQLITE_OK) {
            fail(session, "value not bound");
            return NULL;
        }
    statement->busy = true;
    if (statement->stirs)
        session->stirred = true;
    return statement;
}

static void finish(struct store_statement *statement)
{
    sqlite3_reset(statement->prepared);
    statement->busy = false;
}

void store_query(struct store_session *session, struct store_rows *rows, const char *sql,
                 const char *types, ...)
{
    va_list args;
    va_start(args, types);
    *rows = (struct store_rows){session, start(session, sql, types, &args)};
    va_end(args);
}

bool store_next(struct store_rows *rows)
{
    if (!rows->statement)
        return false;
    int result = sqlite3_step(rows->statement->prepared);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        fail(rows->session, "query failed");
    return result == SQLITE_ROW;
}

void store_end(struct store_rows *rows)
{
    if (rows->statement)
        finish(rows->statement);
    rows->statement = NULL;
}

int64_t store_int(const struct store_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement->prepared, column);
}

struct text store_text(const struct store_rows *rows, int column)
{
    const char *data = (const char *)sqlite3_column_text(rows->statement->prepared, column);
    return (struct text){data, (size_t)sqlite3_column_bytes(rows->statement->prepared, column)};
}

struct text store_blob(const struct store_rows *rows, int column)
{
    sqlite3_stmt *prepared = rows->statement->prepared;
    const char *data = sqlite3_column_blob(prepared, column);
    size_t len = (size_t)sqlite3_column_bytes(prepared, column);
    /* SQLite gives an empty blob as NULL, as it gives NULL itself. */
    if (!data && sqlite3_column_type(prepared, column) != SQLITE_NULL)
        data = "";
    return (struct text){data, len};
}

bool store_null(const struct store_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement->prepared, column) == SQLITE_NULL;
}

int64_t store_run(struct store_session *session, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    struct store_statement *statement = start(session, sql, types, &args);
    va_end(args);
    if (!statement)
        return -1;
    int result;
    do
        result = sqlite3_step(statement->prepared);
    while (result == SQLITE_ROW);
    int64_t changed = result == SQLITE_DONE ? sqlite3_changes64(session->database)
                                            : fail(session, "write failed");
    finish(statement);
    return changed;
}

int64_t store_last_id(struct store_session *session)
{
    return sqlite3_last_insert_rowid(session->database);
}

bool store_failed(const struct store_session *session)
{
    return session->failed;
}

const char *store_failure(const struct store_session *session)
{
    return session->failed ? session->failure : "";
}

bool store_stirred(const struct store_session *session)
{
    return session->stirred;
}

int store_begin_read(struct store_session *session)
{
    return store_run(session, "BEGIN", "") < 0 ? -1 : 0;
}

void store_end_read(struct store_session *session)
{
    store_rollback(session);
}

int store_begin(struct store_session *session)
{
    session->stirred = false;
    return store_run(session, "BEGIN IMMEDIATE", "") < 0 ? -1 : 0;
}

int store_commit(struct store_session *session)
{
    return store_run(session, "COMMIT", "") < 0 ? -1 : 0;
}

void store_rollback(struct store_session *session)
{
    session->failed = false;
    if (!sqlite3_get_autocommit(session->database)) /* SQLite may have rolled back by itself */
        store_run(session, "ROLLBACK", "");
}

int store_savepoint(struct store_session *session)
{
    return store_run(session, "SAVEPOINT request", "") < 0 ? -1 : 0;
}

void store_savepoint_release(struct store_session *session)
{
    store_run(session, "RELEASE request", "");
}

void store_savepoint_rollback(struct store_session *session)
{
    session->failed = false;
    /* Not there any more when the failure took the whole transaction with it. */
    if (sqlite3_get_autocommit(session->database))
        fail(session, "transaction lost");
    else if (store_run(session, "ROLLBACK TO request", "") >= 0)
        store_run(session, "RELEASE request", "");
}

static bool is_kept(const char *table, const char *const *kept)
{
    for (; *kept; kept++)
        if (strcmp(*kept, table) == 0)
            return true;
    return text_starts(table, "sqlite_");
}

int store_empty(struct store_session *session, const char *const *kept)
{
    sqlite3_stmt *tables;
    struct buf sql;
    buf_init(&sql, 64 * 1024);
    if (sqlite3_prepare_v2(session->database, "SELECT name FROM sqlite_schema WHERE type = 'table'",
                           -1, &tables, NULL) != SQLITE_OK)
        return fail(session, "tables not listed");
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        if (!is_kept(table, kept))
            buf_printf(&sql, "DELETE FROM \"%s\";", table);
    }
    sqlite3_finalize(tables);
    /* Children of a foreign key may come after their parents in the list. Overwriting every page
     * with zeros (Debian's default) would cost ten times what the rest does. */
    int result = execute(session, "PRAGMA defer_foreign_keys=ON; PRAGMA secure_delete=FAST");
    if (result == 0)
        result = execute(session, buf_text(&sql));
    if (result == 0)
        result = execute(session, "PRAGMA secure_delete=ON");
    session->stirred = true;
    buf_done(&sql);
    return result;
}
