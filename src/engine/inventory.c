#include "engine/inventory.h"

#include "engine/database.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* A column for each slot of a kind: no text has to be taken apart for a join. */
#define FIELDS(t)                                                                                  \
    t "f0, " t "f1, " t "f2, " t "f3, " t "f4, " t "f5, " t "f6, " t "f7, " t "f8, " t "f9, " t    \
      "f10, " t "f11, " t "f12, " t "f13, " t "f14, " t "f15, " t "f16, " t "f17, " t "f18, " t    \
      "f19, " t "f20, " t "f21, " t "f22, " t "f23"
_Static_assert(RESOURCE_FIELDS_MAX == 24, "one column a slot");

static const char schema[] =
    /* No journal: the file dies with the run. The cache is what bounds memory. */
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1024;"
    "PRAGMA temp_store=FILE; PRAGMA locking_mode=EXCLUSIVE;"
    "CREATE TABLE item (side INTEGER, key TEXT, name TEXT, target TEXT, version INTEGER,"
    " modified INTEGER, author TEXT, " FIELDS(
        "") ", dropped INTEGER, PRIMARY KEY (side, key)) WITHOUT ROWID;"
            "CREATE INDEX target ON item (target) WHERE side = 0;"
            "CREATE TABLE tags (side INTEGER, key TEXT, tags TEXT, PRIMARY KEY (side, key)) "
            "WITHOUT ROWID;"
            "CREATE TABLE step (key TEXT, destination INTEGER, name TEXT, target TEXT, type TEXT,"
            " changes TEXT, note TEXT, reason TEXT, loss TEXT, hint TEXT, action INTEGER, status "
            "INTEGER,"
            " unsure INTEGER, value_differs INTEGER, source_version INTEGER, source_modified "
            "INTEGER,"
            " copy_version INTEGER, copy_modified INTEGER, late INTEGER,"
            " replaces INTEGER,"
            " fingerprint TEXT, digests TEXT, versions INTEGER, label_takes INTEGER,"
            " label_puts INTEGER, details TEXT, PRIMARY KEY (key, destination)) WITHOUT ROWID;"
            "CREATE TABLE approved (key TEXT, destination INTEGER, fingerprint TEXT, name TEXT,"
            " removal INTEGER, source_version INTEGER, source_modified INTEGER, copy_version "
            "INTEGER, copy_modified INTEGER, PRIMARY KEY (key, destination)) WITHOUT ROWID;"
            "BEGIN";

#define PAIR_COLUMNS                                                                               \
    "SELECT s.key, s.name, s.version, s.modified, sg.tags, s.author, " FIELDS(                     \
        "s.") ","                                                                                  \
              " t.key, t.name, t.version, t.modified, tg.tags, t.author, " FIELDS(                 \
                  "t.") " FROM item s LEFT JOIN tags sg ON sg.side = 0 AND sg.key = s.key"         \
                        " LEFT JOIN item t ON t.side = ?1 AND t.key = s.target"                    \
                        " LEFT JOIN tags tg ON tg.side = ?1 AND tg.key = s.target"
#define COPY_COLUMNS                                                                               \
    "SELECT t.key, t.name, t.version, t.modified, tg.tags, t.author, " FIELDS(                     \
        "t.") " FROM item t LEFT JOIN tags tg ON tg.side = ?1 AND tg.key = t.key"
#define HAS_SOURCE "EXISTS (SELECT 1 FROM item s WHERE s.side = 0 AND s.target = t.key)"
/* Actions that write, by number. */
#define WRITES   "(1, 2)"
#define REMOVALS "(3, 6)"
#define CHANGES  "(1, 2, 3, 6)"
enum { PAIR_FIRST_FIELD = 6, PAIR_SECOND_SIDE = PAIR_FIRST_FIELD + RESOURCE_FIELDS_MAX };
#define STEP_COLUMNS                                                                               \
    "SELECT key, destination, name, target, type, changes, note, reason, loss, hint, action, "     \
    "status, unsure, value_differs, source_version, source_modified, copy_version, "               \
    "copy_modified, late, replaces, fingerprint, digests, versions, "                              \
    "label_takes, label_puts, details FROM step"

#define KEYS_OF(which)                                                                             \
    "SELECT DISTINCT key FROM step WHERE key > ?1 AND " which " ORDER BY key LIMIT ?2"
#define SIZE_OF(which) "SELECT count(DISTINCT key) FROM step WHERE " which

enum statement {
    PUT_ITEM,
    PUT_TAGS,
    DROP,
    FORGET,
    HAS_ONE,
    JOIN,
    PAIR,
    UNPAIRED,
    COPIES,
    COPY,
    PAIRED,
    COLLISION,
    KEYS,
    PUT_STEP,
    STEPS,
    STEPS_OF,
    WORK_KEYS, /* one for each work */
    WORK_SIZE = WORK_KEYS + WORKS,
    STOP_REMOVALS = WORK_SIZE + WORKS,
    COUNT,
    WIDEST,
    SIZE,
    APPROVE,
    LEAVE_ALL,
    HOLD_LEFT,
    HOLD_CONFLICT,
    HOLD_GONE,
    CLEAR_ITEMS,
    CLEAR_TAGS,
    CLEAR_STEPS,
    CLEAR_APPROVED,
    STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
    [PUT_ITEM] = "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                 " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
    [DROP] = "UPDATE item SET dropped = 1 WHERE side = 0 AND key = ?1",
    [FORGET] = "DELETE FROM item WHERE side = ?1 AND key = ?2",
    [HAS_ONE] = "SELECT count(*) FROM item WHERE side = 0 AND target = ?1",
    [PUT_TAGS] = "INSERT OR REPLACE INTO tags VALUES (?1, ?2, ?3)",
    [JOIN] = PAIR_COLUMNS " WHERE s.side = 0 AND s.dropped = 0 ORDER BY s.key",
    [PAIR] = PAIR_COLUMNS " WHERE s.side = 0 AND s.key = ?2",
    [UNPAIRED] = COPY_COLUMNS " WHERE t.side = ?1 AND NOT " HAS_SOURCE " ORDER BY t.key",
    [COPIES] = COPY_COLUMNS " WHERE t.side = ?1 ORDER BY t.key",
    [COPY] = COPY_COLUMNS " WHERE t.side = ?1 AND t.key = ?2",
    [PAIRED] = "SELECT count(*) FROM item t WHERE t.side = ?1 AND " HAS_SOURCE,
    [COLLISION] =
        "SELECT target FROM item WHERE side = 0 AND dropped = 0 GROUP BY target HAVING count(*) > 1"
        " LIMIT 1",
    [KEYS] = "SELECT key, name FROM item WHERE side = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
    [PUT_STEP] = "INSERT OR REPLACE INTO step VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                 " ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,"
                 " ?24, ?25, ?26)",
    [STEPS] = STEP_COLUMNS " ORDER BY key, destination",
    [STEPS_OF] = STEP_COLUMNS " WHERE key = ?1 ORDER BY destination",
    [WORK_KEYS + WORK_UNSURE] = KEYS_OF("unsure <> 0"),
    [WORK_KEYS + WORK_WRITE] = KEYS_OF("status = 0 AND action IN " WRITES),
    [WORK_KEYS + WORK_REMOVE] = KEYS_OF("status = 0 AND action IN " REMOVALS),
    [WORK_SIZE + WORK_UNSURE] = SIZE_OF("unsure <> 0"),
    [WORK_SIZE + WORK_WRITE] = SIZE_OF("status = 0 AND action IN " WRITES),
    [WORK_SIZE + WORK_REMOVE] = SIZE_OF("status = 0 AND action IN " REMOVALS),
    [STOP_REMOVALS] = "UPDATE step SET action = CASE ?1 WHEN 0 THEN action ELSE ?1 END,"
                      " status = ?2, reason = ?3 WHERE status = 0 AND action IN " REMOVALS,
    [COUNT] = "SELECT action, status, count(*) FROM step WHERE ?1 < 0 OR destination = ?1"
              " GROUP BY action, status",
    [WIDEST] = "SELECT max(length(name)) FROM step WHERE action <> 0",
    [SIZE] = "SELECT count(*) FROM item WHERE side = ?1 AND dropped = 0",
    [APPROVE] = "INSERT INTO approved VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [LEAVE_ALL] = "UPDATE step SET status = 4 WHERE status = 0 AND action IN " CHANGES,
    [HOLD_LEFT] = "UPDATE step SET status = 4 WHERE action IN " CHANGES " AND NOT EXISTS"
                  " (SELECT 1 FROM approved a WHERE a.key = step.key"
                  " AND a.destination = step.destination)",
    [HOLD_CONFLICT] = "UPDATE step SET status = 3, reason = 'it is not as the plan saw it: plan"
                      " again' WHERE action IN " CHANGES " AND EXISTS"
                      " (SELECT 1 FROM approved a WHERE a.key = step.key"
                      " AND a.destination = step.destination"
                      " AND (a.fingerprint <> step.fingerprint OR a.fingerprint IS NULL AND"
                      " (a.source_version <> step.source_version"
                      " OR a.source_modified <> step.source_modified"
                      " OR a.copy_version <> step.copy_version"
                      " OR a.copy_modified <> step.copy_modified)))",
    [HOLD_GONE] =
        "INSERT INTO step SELECT key, destination, name, name, '', '[]', NULL,"
        " 'it is gone from the source since the plan was made: plan again', NULL, NULL,"
        " 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, '', NULL, 0, 0, 0, NULL FROM approved a WHERE a.removal = 0"
        " AND NOT EXISTS"
        " (SELECT 1 FROM step s WHERE s.key = a.key AND s.destination = a.destination)",
    [CLEAR_ITEMS] = "DELETE FROM item",
    [CLEAR_TAGS] = "DELETE FROM tags",
    [CLEAR_STEPS] = "DELETE FROM step",
    [CLEAR_APPROVED] = "DELETE FROM approved",
};
_Static_assert(STEP_CREATE == 1 && STEP_UPDATE == 2 && STEP_DELETE == 3 && STEP_MARK == 6,
               "the SQL above says so");
_Static_assert(STATUS_PLANNED == 0 && STATUS_CONFLICT == 3 && STATUS_LEFT == 4, "and so");

struct inventory {
    const struct resource_kind *kind;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    size_t destinations;   /* that steps were put for */
    bool approvals;        /* were put */
    pthread_mutex_t mutex; /* recursive: what walks the join puts steps */
};

static int broken(struct inventory *inventory, struct error *err)
{
    return error_set(err, ERR_IO,
                     "the run's temporary database: %s (is there room in the temporary folder?)",
                     sqlite3_errmsg(inventory->db));
}

int inventory_open(const struct resource_kind *kind, struct inventory **out, struct error *err)
{
    struct inventory *inventory = memory_alloc(sizeof *inventory);
    inventory->kind = kind;
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&inventory->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);

    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    bool good = database_open("", flags, &inventory->db) == SQLITE_OK &&
                sqlite3_exec(inventory->db, schema, NULL, NULL, NULL) == SQLITE_OK;
    for (int i = 0; i < STATEMENTS && good; i++)
        good = sqlite3_prepare_v3(inventory->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &inventory->statements[i], NULL) == SQLITE_OK;
    if (good) {
        *out = inventory;
        return 0;
    }
    broken(inventory, err);
    inventory_close(inventory);
    return -1;
}

void inventory_close(struct inventory *inventory)
{
    if (!inventory)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(inventory->statements[i]);
    sqlite3_close(inventory->db);
    pthread_mutex_destroy(&inventory->mutex);
    free(inventory);
}

static sqlite3_stmt *begin(struct inventory *inventory, enum statement statement)
{
    pthread_mutex_lock(&inventory->mutex);
    return inventory->statements[statement];
}

static void end(struct inventory *inventory, sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    pthread_mutex_unlock(&inventory->mutex);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* For statements that give no rows. */
static int run(struct inventory *inventory, sqlite3_stmt *statement, struct error *err)
{
    int result = sqlite3_step(statement) == SQLITE_DONE ? 0 : broken(inventory, err);
    end(inventory, statement);
    return result;
}

static const char *column_text(struct arena *arena, sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);
    return text ? arena_strdup(arena, text) : NULL;
}

int inventory_clear(struct inventory *inventory, struct error *err)
{
    enum statement last = inventory->approvals ? CLEAR_APPROVED : CLEAR_STEPS;
    inventory->approvals = false;
    for (enum statement clear = CLEAR_ITEMS; clear <= last; clear++)
        if (run(inventory, begin(inventory, clear), err) != 0)
            return -1;
    return 0;
}

int inventory_put(struct inventory *inventory, unsigned side, const struct resource *resource,
                  const char *target_key, struct error *err)
{
    enum { FIRST_FIELD = 8 };
    sqlite3_stmt *put = begin(inventory, PUT_ITEM);
    sqlite3_bind_int64(put, 1, side);
    bind_text(put, 2, resource->key);
    bind_text(put, 3, resource->name);
    bind_text(put, 4, target_key);
    sqlite3_bind_int64(put, 5, resource->version);
    sqlite3_bind_int64(put, 6, resource->modified_ms);
    bind_text(put, 7, resource->modified_by);
    for (size_t i = 0; i < inventory->kind->slot_count; i++)
        bind_text(put, FIRST_FIELD + (int)i, resource->fields[i]);
    return run(inventory, put, err);
}

int inventory_put_tags(struct inventory *inventory, unsigned side, const char *key,
                       const struct tag *tags, size_t count, struct error *err)
{
    struct buf packed; /* key, NUL, value, NUL of each */
    buf_init(&packed, 64 * 1024);
    for (size_t i = 0; i < count; i++) {
        buf_append(&packed, tags[i].key, strlen(tags[i].key) + 1);
        buf_append(&packed, tags[i].value, strlen(tags[i].value) + 1);
    }
    int result;
    if (packed.overflow) {
        result = error_set(err, ERR_LIMIT, "%s: its tags are larger than 64 KB", key);
    } else {
        sqlite3_stmt *put = begin(inventory, PUT_TAGS);
        sqlite3_bind_int64(put, 1, side);
        bind_text(put, 2, key);
        sqlite3_bind_blob(put, 3, buf_text(&packed), (int)packed.len, SQLITE_STATIC);
        result = run(inventory, put, err);
    }
    buf_done(&packed);
    return result;
}

/* No row: the tags are not known. */
static void read_tags(struct arena *arena, sqlite3_stmt *statement, int index, struct resource *out)
{
    if (sqlite3_column_type(statement, index) == SQLITE_NULL)
        return;
    const char *packed = sqlite3_column_blob(statement, index); /* NULL when there are none */
    size_t len = (size_t)sqlite3_column_bytes(statement, index), count = 0;
    const char *at = len ? arena_memdup(arena, packed, len) : "", *end = at + len;
    for (const char *byte = at; byte < end; byte++)
        count += *byte == '\0';
    struct tag *tags = arena_calloc(arena, count / 2 + 1, sizeof *tags);
    for (size_t i = 0; i < count / 2; i++) {
        tags[i].key = at;
        tags[i].value = at + strlen(at) + 1;
        at = tags[i].value + strlen(tags[i].value) + 1;
    }
    tags_sort(tags, count / 2);
    out->tags = tags;
    out->tag_count = count / 2;
}

/* From column `first`: key, name, version, modified, tags, author, fields. */
static void read_resource(struct inventory *inventory, struct arena *arena, sqlite3_stmt *statement,
                          int first, struct resource *out)
{
    *out = (struct resource){
        .key = column_text(arena, statement, first),
        .name = column_text(arena, statement, first + 1),
        .version = sqlite3_column_int64(statement, first + 2),
        .modified_ms = sqlite3_column_int64(statement, first + 3),
        .modified_by = column_text(arena, statement, first + 5),
    };
    for (size_t i = 0; i < inventory->kind->slot_count; i++)
        out->fields[i] = column_text(arena, statement, first + PAIR_FIRST_FIELD + (int)i);
    read_tags(arena, statement, first + 4, out);
}

static void read_pair(struct inventory *inventory, struct arena *arena, sqlite3_stmt *statement,
                      struct pair *out)
{
    const int second = PAIR_SECOND_SIDE;
    *out = (struct pair){.exists = sqlite3_column_type(statement, second) != SQLITE_NULL};
    read_resource(inventory, arena, statement, 0, &out->source);
    if (out->exists)
        read_resource(inventory, arena, statement, second, &out->have);
}

/* What a step of a statement about one key came to. */
static int found(struct inventory *inventory, int code, const char *key, struct error *err)
{
    return code == SQLITE_ROW    ? 0
           : code == SQLITE_DONE ? error_set(err, ERR_NOT_FOUND, "%s is not in this run", key)
                                 : broken(inventory, err);
}

int inventory_drop(struct inventory *inventory, const char *key, struct error *err)
{
    sqlite3_stmt *drop = begin(inventory, DROP);
    bind_text(drop, 1, key);
    return run(inventory, drop, err);
}

int inventory_forget(struct inventory *inventory, unsigned side, const char *key, struct error *err)
{
    sqlite3_stmt *forget = begin(inventory, FORGET);
    sqlite3_bind_int64(forget, 1, side);
    bind_text(forget, 2, key);
    return run(inventory, forget, err);
}

int inventory_has_source(struct inventory *inventory, const char *copy_key, bool *has,
                         struct error *err)
{
    sqlite3_stmt *one = begin(inventory, HAS_ONE);
    bind_text(one, 1, copy_key);
    int result = sqlite3_step(one) == SQLITE_ROW ? 0 : broken(inventory, err);
    *has = result == 0 && sqlite3_column_int64(one, 0) > 0;
    end(inventory, one);
    return result;
}

int inventory_join(struct inventory *inventory, struct arena *scratch, unsigned destination,
                   pair_fn *each, void *arg, struct error *err)
{
    sqlite3_stmt *join = begin(inventory, JOIN);
    sqlite3_bind_int64(join, 1, destination + 1);
    int result = 0, code;
    while (result == 0 && (code = sqlite3_step(join)) != SQLITE_DONE) {
        struct pair pair;
        if (code == SQLITE_ROW) {
            read_pair(inventory, scratch, join, &pair);
            result = each(&pair, arg, err);
        } else {
            result = broken(inventory, err);
        }
        arena_reset(scratch);
    }
    end(inventory, join);
    return result;
}

int inventory_pair(struct inventory *inventory, struct arena *arena, const char *key,
                   unsigned destination, struct pair *out, struct error *err)
{
    sqlite3_stmt *one = begin(inventory, PAIR);
    sqlite3_bind_int64(one, 1, destination + 1);
    bind_text(one, 2, key);
    int code = sqlite3_step(one);
    int result = found(inventory, code, key, err);
    if (result == 0)
        read_pair(inventory, arena, one, out);
    end(inventory, one);
    return result;
}

int inventory_unpaired(struct inventory *inventory, struct arena *scratch, unsigned destination,
                       bool all, resource_each_fn *each, void *arg, struct error *err)
{
    sqlite3_stmt *unpaired = begin(inventory, all ? COPIES : UNPAIRED);
    sqlite3_bind_int64(unpaired, 1, destination + 1);
    int result = 0, code;
    while (result == 0 && (code = sqlite3_step(unpaired)) != SQLITE_DONE) {
        struct resource copy;
        if (code == SQLITE_ROW) {
            read_resource(inventory, scratch, unpaired, 0, &copy);
            result = each(&copy, arg, err);
        } else {
            result = broken(inventory, err);
        }
        arena_reset(scratch);
    }
    end(inventory, unpaired);
    return result;
}

int inventory_copy(struct inventory *inventory, struct arena *arena, const char *key,
                   unsigned destination, struct resource *out, struct error *err)
{
    sqlite3_stmt *one = begin(inventory, COPY);
    sqlite3_bind_int64(one, 1, destination + 1);
    bind_text(one, 2, key);
    int code = sqlite3_step(one);
    int result = found(inventory, code, key, err);
    if (result == 0)
        read_resource(inventory, arena, one, 0, out);
    end(inventory, one);
    return result;
}

int inventory_collision(struct inventory *inventory, struct arena *arena, const char **target,
                        struct error *err)
{
    sqlite3_stmt *find = begin(inventory, COLLISION);
    int code = sqlite3_step(find);
    *target = code == SQLITE_ROW ? column_text(arena, find, 0) : NULL;
    int result = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : broken(inventory, err);
    end(inventory, find);
    return result;
}

/* Rows of one or two text columns. Takes the statement with its lock. */
static int read_texts(struct inventory *inventory, struct arena *arena, sqlite3_stmt *statement,
                      const char **first, const char **second, size_t *count, struct error *err)
{
    int result = 0, code;
    *count = 0;
    while (result == 0 && (code = sqlite3_step(statement)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            result = broken(inventory, err);
            break;
        }
        first[*count] = column_text(arena, statement, 0);
        if (second)
            second[*count] = column_text(arena, statement, 1);
        ++*count;
    }
    end(inventory, statement);
    return result;
}

int inventory_keys(struct inventory *inventory, struct arena *arena, unsigned side,
                   const char *after, size_t limit, const char **keys, const char **names,
                   size_t *count, struct error *err)
{
    sqlite3_stmt *next = begin(inventory, KEYS);
    sqlite3_bind_int64(next, 1, side);
    bind_text(next, 2, after);
    sqlite3_bind_int64(next, 3, (sqlite3_int64)limit);
    return read_texts(inventory, arena, next, keys, names, count, err);
}

int inventory_work(struct inventory *inventory, struct arena *arena, enum inventory_work work,
                   const char *after, size_t limit, const char **keys, size_t *count,
                   struct error *err)
{
    sqlite3_stmt *next = begin(inventory, (enum statement)(WORK_KEYS + (int)work));
    bind_text(next, 1, after);
    sqlite3_bind_int64(next, 2, (sqlite3_int64)limit);
    return read_texts(inventory, arena, next, keys, NULL, count, err);
}

int inventory_put_step(struct inventory *inventory, const struct step *step, struct error *err)
{
    sqlite3_stmt *put = begin(inventory, PUT_STEP);
    const char *const texts[] = {step->name, step->target, step->type, step->changes,
                                 step->note, step->reason, step->loss, step->hint};
    if (inventory->destinations <= step->destination)
        inventory->destinations = step->destination + 1;
    bind_text(put, 1, step->key);
    sqlite3_bind_int64(put, 2, step->destination);
    for (int i = 0; i < 8; i++)
        bind_text(put, 3 + i, texts[i]);
    const int64_t numbers[] = {step->action,         step->status,
                               step->unsure,         step->value_differs,
                               step->source_version, step->source_modified_ms,
                               step->copy_version,   step->copy_modified_ms,
                               step->late,           step->replaces};
    for (int i = 0; i < 10; i++)
        sqlite3_bind_int64(put, 11 + i, numbers[i]);
    bind_text(put, 21, step->fingerprint);
    bind_text(put, 22, step->digests);
    const unsigned carried[] = {step->versions, step->label_takes, step->label_puts};
    for (int i = 0; i < 3; i++)
        sqlite3_bind_int64(put, 23 + i, carried[i]);
    bind_text(put, 26, step->details);
    return run(inventory, put, err);
}

static void read_step(struct arena *arena, sqlite3_stmt *statement, struct step *out)
{
    *out = (struct step){
        .key = column_text(arena, statement, 0),
        .destination = (unsigned)sqlite3_column_int64(statement, 1),
        .name = column_text(arena, statement, 2),
        .target = column_text(arena, statement, 3),
        .type = column_text(arena, statement, 4),
        .changes = column_text(arena, statement, 5),
        .note = column_text(arena, statement, 6),
        .reason = column_text(arena, statement, 7),
        .loss = column_text(arena, statement, 8),
        .hint = column_text(arena, statement, 9),
        .action = (enum step_action)sqlite3_column_int64(statement, 10),
        .status = (enum step_status)sqlite3_column_int64(statement, 11),
        .unsure = (unsigned)sqlite3_column_int64(statement, 12),
        .value_differs = sqlite3_column_int64(statement, 13) != 0,
        .source_version = sqlite3_column_int64(statement, 14),
        .source_modified_ms = sqlite3_column_int64(statement, 15),
        .copy_version = sqlite3_column_int64(statement, 16),
        .copy_modified_ms = sqlite3_column_int64(statement, 17),
        .late = sqlite3_column_int64(statement, 18) != 0,
        .replaces = sqlite3_column_int64(statement, 19) != 0,
        .digests = column_text(arena, statement, 21),
        .versions = (unsigned)sqlite3_column_int64(statement, 22),
        .label_takes = (unsigned)sqlite3_column_int64(statement, 23),
        .label_puts = (unsigned)sqlite3_column_int64(statement, 24),
        .details = column_text(arena, statement, 25),
    };
    const char *fingerprint = (const char *)sqlite3_column_text(statement, 20);
    size_t len = fingerprint ? strnlen(fingerprint, sizeof out->fingerprint - 1) : 0;
    if (len)
        memcpy(out->fingerprint, fingerprint, len);
}

int inventory_steps(struct inventory *inventory, struct arena *scratch, step_fn *each, void *arg,
                    struct error *err)
{
    sqlite3_stmt *all = begin(inventory, STEPS);
    int result = 0, code;
    while (result == 0 && (code = sqlite3_step(all)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            result = broken(inventory, err);
            break;
        }
        struct step step;
        read_step(scratch, all, &step);
        result = each(&step, arg, err);
        arena_reset(scratch);
    }
    end(inventory, all);
    return result;
}

int inventory_steps_of(struct inventory *inventory, struct arena *arena, const char *key,
                       struct step **steps, size_t *count, struct error *err)
{
    sqlite3_stmt *some = begin(inventory, STEPS_OF);
    const size_t most = inventory->destinations;
    bind_text(some, 1, key);
    *steps = arena_calloc(arena, most + 1, sizeof **steps);
    *count = 0;
    int code;
    while ((code = sqlite3_step(some)) == SQLITE_ROW && *count < most)
        read_step(arena, some, &(*steps)[(*count)++]);
    int result = code == SQLITE_DONE ? 0 : broken(inventory, err);
    end(inventory, some);
    return result;
}

/* One number. Takes the statement with its lock. */
static int read_number(struct inventory *inventory, sqlite3_stmt *statement, uint64_t *out,
                       struct error *err)
{
    int result = 0;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    else
        result = broken(inventory, err);
    end(inventory, statement);
    return result;
}

int inventory_work_size(struct inventory *inventory, enum inventory_work work, uint64_t *keys,
                        struct error *err)
{
    return read_number(inventory, begin(inventory, (enum statement)(WORK_SIZE + (int)work)), keys,
                       err);
}

int inventory_size(struct inventory *inventory, unsigned side, uint64_t *resources,
                   struct error *err)
{
    sqlite3_stmt *size = begin(inventory, SIZE);
    sqlite3_bind_int64(size, 1, side);
    return read_number(inventory, size, resources, err);
}

int inventory_paired(struct inventory *inventory, unsigned destination, uint64_t *copies,
                     struct error *err)
{
    sqlite3_stmt *paired = begin(inventory, PAIRED);
    sqlite3_bind_int64(paired, 1, destination + 1);
    return read_number(inventory, paired, copies, err);
}

int inventory_stop_removals(struct inventory *inventory, enum step_action action,
                            enum step_status status, const char *reason, struct error *err)
{
    sqlite3_stmt *stop = begin(inventory, STOP_REMOVALS);
    sqlite3_bind_int64(stop, 1, action);
    sqlite3_bind_int64(stop, 2, status);
    bind_text(stop, 3, reason);
    return run(inventory, stop, err);
}

int inventory_widest(struct inventory *inventory, unsigned *name_len, struct error *err)
{
    uint64_t widest = 0;
    int result = read_number(inventory, begin(inventory, WIDEST), &widest, err);
    *name_len = (unsigned)widest;
    return result;
}

int inventory_count(struct inventory *inventory, int destination, step_counts counts,
                    struct error *err)
{
    memset(counts, 0, sizeof(step_counts));
    sqlite3_stmt *count = begin(inventory, COUNT);
    sqlite3_bind_int64(count, 1, destination);
    int code;
    while ((code = sqlite3_step(count)) == SQLITE_ROW) {
        int64_t action = sqlite3_column_int64(count, 0), status = sqlite3_column_int64(count, 1);
        counts[action][status] = (uint64_t)sqlite3_column_int64(count, 2);
    }
    int result = code == SQLITE_DONE ? 0 : broken(inventory, err);
    end(inventory, count);
    return result;
}

int inventory_approve(struct inventory *inventory, const struct approval *approval,
                      struct error *err)
{
    sqlite3_stmt *approve = begin(inventory, APPROVE);
    inventory->approvals = true;
    bind_text(approve, 1, approval->key);
    sqlite3_bind_int64(approve, 2, approval->destination);
    bind_text(approve, 3, approval->fingerprint);
    bind_text(approve, 4, approval->name);
    sqlite3_bind_int64(approve, 5, approval->removal);
    sqlite3_bind_int64(approve, 6, approval->source_version);
    sqlite3_bind_int64(approve, 7, approval->source_modified_ms);
    sqlite3_bind_int64(approve, 8, approval->copy_version);
    sqlite3_bind_int64(approve, 9, approval->copy_modified_ms);
    return run(inventory, approve, err);
}

int inventory_leave_all(struct inventory *inventory, struct error *err)
{
    return run(inventory, begin(inventory, LEAVE_ALL), err);
}

int inventory_hold_to_approved(struct inventory *inventory, struct error *err)
{
    static const enum statement all[] = {HOLD_LEFT, HOLD_CONFLICT, HOLD_GONE};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (run(inventory, begin(inventory, all[i]), err) != 0)
            return -1;
    return 0;
}
