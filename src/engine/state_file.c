#include "base/digest.h"
#include "base/file.h"
#include "engine/database.h"
#include "engine/state_intern.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    APPLICATION = 0x75646479, /* "uddy", in the file's header */
    VERSION = 1,
    BUSY_MS = 5000,
};

static const char schema[] =
    "CREATE TABLE run (id TEXT PRIMARY KEY, command TEXT, started INTEGER,"
    " ended INTEGER, outcome TEXT, config TEXT, pid INTEGER) WITHOUT ROWID;"
    "CREATE TABLE link (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, source TEXT,"
    " destination TEXT, UNIQUE (kind, source, destination));"
    "CREATE TABLE pair (link INTEGER, key TEXT, source_version INTEGER,"
    " source_modified INTEGER, copy_version INTEGER, copy_earliest INTEGER, copy_latest INTEGER,"
    " mark BLOB, run TEXT, written INTEGER, used INTEGER, PRIMARY KEY (link, key)) WITHOUT ROWID;"
    "CREATE TABLE intent (link INTEGER, key TEXT, run TEXT,"
    " PRIMARY KEY (link, key, run)) WITHOUT ROWID;";

void run_id_make(struct clock *clock, struct random *random, char out[RUN_ID_SIZE])
{
    char time[CLOCK_TEXT_SIZE], suffix[4];
    int64_t now_ms = clock->now_ms(clock);
    clock_format_basic(now_ms, time);
    random_text(random, "0123456789abcdef", suffix, 3);
    /* The milliseconds: runs are told apart in the order of time, also within a second. */
    snprintf(out, RUN_ID_SIZE, "%.16s-%03x%s", time, (unsigned)(now_ms % 1000), suffix);
}

/* --- the folder and its key ------------------------------------------------------------------- */

static int check_private(const char *path, const struct stat *info, mode_t refused,
                         struct error *err)
{
    if (info->st_uid != geteuid())
        return error_set(err, ERR_IO, "%s belongs to another user", path);
    if (info->st_mode & refused)
        return error_set(err, ERR_IO, "%s is open to other users (mode %03o): chmod go= it", path,
                         (unsigned)info->st_mode & 0777U);
    return 0;
}

static int read_key(struct state *state, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        int errnum = errno;
        error_errno(err, errnum, "cannot read %s", path);
        if (errnum == ENOENT)
            err->code = ERR_NOT_FOUND;
        return -1;
    }
    struct stat info;
    int result = fstat(fd, &info) != 0 ? error_errno(err, errno, "cannot read %s", path)
                                       : check_private(path, &info, 077, err);
    if (result == 0 &&
        (info.st_size != STATE_KEY_SIZE || read(fd, state->key, STATE_KEY_SIZE) != STATE_KEY_SIZE))
        result = error_set(err, ERR_IO, "%s is not a key of understudy's: it has %lld bytes", path,
                           (long long)info.st_size);
    close(fd);
    return result;
}

/* Whole or not at all, and by one of several processes: linked into its place, which fails when
 * another was faster. */
static int make_key(struct state *state, const char *path, struct random *random, struct error *err)
{
    unsigned char key[STATE_KEY_SIZE];
    const char *beside = arena_printf(&state->arena, "%s.%s", path, state->run_id);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(err, errno, "cannot create %s", beside);
    random_bytes(random, key, sizeof key);
    int result = 0;
    if (file_write_all(fd, key, sizeof key) != 0 || fsync(fd) != 0)
        result = error_errno(err, errno, "cannot write %s", beside);
    close(fd);
    if (result == 0 && link(beside, path) != 0 && errno != EEXIST)
        result = error_errno(err, errno, "cannot create %s", path);
    unlink(beside);
    explicit_bzero(key, sizeof key);
    return result;
}

static int open_folder(struct state *state, struct random *random, struct error *err)
{
    struct stat info;
    struct error missing = {0};
    const char *path = arena_printf(&state->arena, "%s/state.key", state->folder);
    if (file_make_dirs(state->folder, err) != 0)
        return -1;
    if (stat(state->folder, &info) != 0)
        return error_errno(err, errno, "cannot look at %s", state->folder);
    if (check_private(state->folder, &info, 022, err) != 0)
        return -1;
    if (read_key(state, path, &missing) == 0)
        return 0;
    if (missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    return make_key(state, path, random, err) != 0 ? -1 : read_key(state, path, err);
}

void state_derive_key(const struct state *state, const char *purpose,
                      unsigned char out[STATE_KEY_SIZE])
{
    char text[128];
    snprintf(text, sizeof text, "understudy state 1 %s", purpose);
    digest_hmac_sha256(state->key, sizeof state->key, text, strlen(text), out);
}

/* --- the database ----------------------------------------------------------------------------- */

void state_give_up(struct state *state)
{
    int code = sqlite3_errcode(state->db);
    if (state->off)
        return;
    state->off = true;
    state->damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    snprintf(state->warning, sizeof state->warning,
             "%s is not used any further: %s (the next run reads more, nothing is lost)",
             state->path, sqlite3_errmsg(state->db));
}

static bool number(sqlite3 *db, const char *query, int64_t *out)
{
    sqlite3_stmt *ask = NULL;
    bool good = sqlite3_prepare_v2(db, query, -1, &ask, NULL) == SQLITE_OK &&
                sqlite3_step(ask) == SQLITE_ROW;
    *out = good ? sqlite3_column_int64(ask, 0) : 0;
    sqlite3_finalize(ask);
    return good;
}

static void close_database(struct state *state)
{
    for (int i = 0; i < STATE_STATEMENTS; i++) {
        sqlite3_finalize(state->statements[i]);
        state->statements[i] = NULL;
    }
    sqlite3_close(state->db);
    state->db = NULL;
}

static void set_aside(struct state *state)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *from = arena_printf(&state->arena, "%s%s", state->path, parts[i]);
        rename(from, arena_printf(&state->arena, "%s.unusable-%s%s", state->path, state->run_id,
                                  parts[i]));
    }
}

/* Made by whoever opens it, whichever version began the file; and what only this process keeps. */
static const char later[] =
    "CREATE TABLE IF NOT EXISTS removed (link INTEGER, at INTEGER, count INTEGER);"
    "CREATE TABLE IF NOT EXISTS over (way INTEGER, key TEXT, run TEXT, version INTEGER,"
    " PRIMARY KEY (way, key, run)) WITHOUT ROWID;"
    "CREATE TEMP TABLE digest (link INTEGER, key TEXT, version INTEGER, digest BLOB,"
    " PRIMARY KEY (link, key)) WITHOUT ROWID;";

enum opened { OPENED, OPENED_FOREIGN, OPENED_NEWER, OPENED_FAILED };

static enum opened open_database(struct state *state, struct error *err)
{
    int64_t application = 0, version = 0, tables = 0;
    /* SQLite gives a new file the umask's mode; its WAL gets the file's. */
    int fd = -1;
    if (state->folder) {
        fd = open(state->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            error_errno(err, errno, "cannot open %s", state->path);
            return OPENED_FAILED;
        }
        close(fd);
    }
    int code = database_open(state->path, SQLITE_OPEN_READWRITE, &state->db);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(state->db, BUSY_MS);
        sqlite3_limit(state->db, SQLITE_LIMIT_ATTACHED, 0);
        /* One process at a time makes the tables: the others see them made. */
        code = sqlite3_exec(state->db,
                            "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                            "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024;"
                            "PRAGMA temp_store=MEMORY; BEGIN IMMEDIATE",
                            NULL, NULL, NULL);
    }
    if (code == SQLITE_OK && (!number(state->db, "PRAGMA application_id", &application) ||
                              !number(state->db, "PRAGMA user_version", &version) ||
                              !number(state->db, "SELECT count(*) FROM sqlite_schema", &tables)))
        code = sqlite3_errcode(state->db);
    if (code == SQLITE_OK && tables && application != APPLICATION)
        code = SQLITE_NOTADB;
    if (code == SQLITE_OK && tables && version > VERSION)
        return OPENED_NEWER;
    if (code == SQLITE_OK && !tables) {
        char *marks = sqlite3_mprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;%s",
                                      APPLICATION, VERSION, schema);
        code = sqlite3_exec(state->db, marks, NULL, NULL, NULL);
        sqlite3_free(marks);
    }
    if (code == SQLITE_OK)
        code = sqlite3_exec(state->db, later, NULL, NULL, NULL);
    /* In memory nobody else reads and nothing survives: one transaction that never ends. */
    if (code == SQLITE_OK)
        code = sqlite3_exec(state->db,
                            state->folder ? "COMMIT; PRAGMA journal_mode=WAL"
                                          : "COMMIT; PRAGMA journal_mode=OFF; BEGIN IMMEDIATE",
                            NULL, NULL, NULL);
    for (int i = 0; i < STATE_STATEMENTS && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(state->db, state_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &state->statements[i], NULL);
    if (code == SQLITE_OK)
        return OPENED;
    /* SQLITE_ERROR here: a table is not as ours are. */
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR)
        return OPENED_FOREIGN;
    error_set(err, ERR_IO, "%s: %s", state->path, sqlite3_errmsg(state->db));
    return OPENED_FAILED;
}

static int open_or_begin_anew(struct state *state, struct error *err)
{
    enum opened opened = open_database(state, err);
    if (opened == OPENED_FOREIGN) {
        close_database(state);
        set_aside(state);
        snprintf(state->warning, sizeof state->warning,
                 "%s was damaged or not understudy's: it is now %s.unusable-%s and a new one was "
                 "begun (this run reads more, nothing is lost)",
                 state->path, state->path, state->run_id);
        opened = open_database(state, err);
    }
    if (opened == OPENED)
        return 0;
    if (opened == OPENED_NEWER)
        return error_set(err, ERR_UNSUPPORTED,
                         "%s was made by a newer understudy and is left alone: this run goes "
                         "without (--state names another folder)",
                         state->path);
    return opened == OPENED_FOREIGN ? error_set(err, ERR_IO, "%s cannot be used", state->path) : -1;
}

int state_open(const char *folder, const char *run_id, struct clock *clock, struct random *random,
               struct state **out, struct error *err)
{
    struct state *state = memory_alloc(sizeof *state);
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&state->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    arena_init(&state->arena);
    state->clock = clock;
    state->folder = folder ? arena_strdup(&state->arena, folder) : NULL;
    state->path = folder ? arena_printf(&state->arena, "%s/state.db", folder) : ":memory:";
    snprintf(state->run_id, sizeof state->run_id, "%s", run_id);
    if (!folder)
        random_bytes(random, state->key, sizeof state->key);
    if ((folder && open_folder(state, random, err) != 0) || open_or_begin_anew(state, err) != 0) {
        state_close(state);
        return -1;
    }
    *out = state;
    return 0;
}

void state_close(struct state *state)
{
    if (!state)
        return;
    close_database(state);
    if (state->damaged && state->folder)
        set_aside(state);
    explicit_bzero(state->key, sizeof state->key);
    arena_done(&state->arena);
    pthread_mutex_destroy(&state->mutex);
    free(state);
}

const char *state_warning(const struct state *state)
{
    return state ? state->warning : "";
}

const char *state_folder(const struct state *state)
{
    return state ? state->folder : NULL;
}
