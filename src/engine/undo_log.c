#include "engine/undo_log_intern.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/seal.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/plan_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_LINE = 256 * 1024 };

static const char key_purpose[] = "what undo keeps", digest_purpose[] = "what undo compares";

struct undo_log {
    struct engine *engine;
    struct seal *seal;
    char *path;
    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t synced_more;
    int fd; /* -1: no file yet */
    uint64_t appended, synced;
    bool syncing;
    struct error error; /* of a sync, for those who waited for it */
};

const char *undo_log_file(struct arena *arena, const char *state_folder, const char *run)
{
    return arena_printf(arena, "%s/undo/%s%s", state_folder, run, UNDO_SUFFIX);
}

void undo_log_seal(const struct engine *engine, struct seal **seal)
{
    unsigned char key[STATE_KEY_SIZE];
    engine_derive_key(engine, key_purpose, key);
    *seal = seal_new(key);
    explicit_bzero(key, sizeof key);
}

struct undo_log *undo_log_new(struct engine *engine)
{
    if (!state_folder(engine->state) || engine->options.no_undo || !engine->safety.keep_undo_ms)
        return NULL;
    struct undo_log *log = memory_alloc(sizeof *log);
    struct arena scratch;
    log->engine = engine;
    log->fd = -1;
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->synced_more, NULL);
    undo_log_seal(engine, &log->seal);
    arena_init(&scratch);
    log->path = memory_strdup(undo_log_file(&scratch, state_folder(engine->state), engine->run_id));
    arena_done(&scratch);
    return log;
}

void undo_log_free(struct undo_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    seal_free(log->seal);
    pthread_cond_destroy(&log->synced_more);
    pthread_mutex_destroy(&log->mutex);
    free(log->path);
    free(log);
}

bool undo_log_written(const struct undo_log *log)
{
    return log && log->fd >= 0;
}

void undo_log_digest(const struct engine *engine, const struct resource *resource,
                     unsigned char out[32])
{
    unsigned char key[STATE_KEY_SIZE];
    engine_derive_key(engine, digest_purpose, key);
    digest_hmac_sha256(key, sizeof key, resource->value, resource->value_len, out);
    explicit_bzero(key, sizeof key);
}

static const char *place_of(struct arena *arena, const struct side *side)
{
    return arena_printf(arena, "%s/%s", *side->account ? side->account : "-", side->config->region);
}

const char *undo_log_label(struct arena *arena, const char *run, const char *place,
                           const char *name)
{
    return arena_printf(arena, "%s\n%s\n%s", run, place, name);
}

/* A run's id begins with its time. */
static bool too_old(const char *file, int64_t now_ms, int64_t keep_ms)
{
    int64_t made;
    size_t len = strcspn(file, "-");
    return text_ends(file, UNDO_SUFFIX) && clock_parse_basic(file, len, &made) == 0 &&
           now_ms - made > keep_ms;
}

static void prune(const struct undo_log *log, const char *folder)
{
    struct engine *engine = log->engine;
    int64_t now_ms = engine->clock->now_ms(engine->clock);
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (too_old(entry->d_name, now_ms, engine->safety.keep_undo_ms))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

static void write_header(const struct undo_log *log, struct arena *arena, struct buf *line)
{
    struct engine *engine = log->engine;
    char now[CLOCK_TEXT_SIZE];
    struct json_writer w;
    clock_format_iso(engine->clock->now_ms(engine->clock), now);
    json_writer_init(&w, line);
    json_open(&w);
    json_put_text(&w, "type", "undo");
    json_put_int(&w, "format", UNDO_FORMAT);
    json_put_text(&w, "run", engine->run_id);
    json_put_text(&w, "command", engine->options.command);
    json_put_text(&w, "time", now);
    json_put_text(&w, "kind", engine->kind->name);
    json_key(&w, "destinations");
    json_open_list(&w);
    for (unsigned i = 1; i < engine->side_count; i++)
        json_write_text(&w, place_of(arena, &engine->sides[i]));
    json_close_list(&w);
    json_key(&w, "config");
    config_write(engine->config, &w);
    json_close(&w);
    buf_append_char(line, '\n');
}

/* The file with its first line; the folder's entry is durable too. */
static int create(struct undo_log *log, struct error *err)
{
    struct arena scratch;
    struct buf line;
    arena_init(&scratch);
    buf_init(&line, CONFIG_FILE_LIMIT);
    const char *folder =
        arena_strndup(&scratch, log->path, (size_t)(strrchr(log->path, '/') - log->path));
    int result = file_make_dirs(folder, err), dir = -1;
    if (result == 0) {
        prune(log, folder);
        write_header(log, &scratch, &line);
        log->fd =
            open(log->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (log->fd < 0 || dir < 0 || file_write_all(log->fd, line.data, line.len) != 0 ||
            fsync(dir) != 0)
            result = error_errno(err, errno, "cannot write %s", log->path);
    }
    if (dir >= 0)
        close(dir);
    buf_done(&line);
    arena_done(&scratch);
    return result;
}

static void put_tags(struct json_writer *w, const struct tag *tags, size_t count)
{
    json_key(w, "tags");
    json_open(w);
    for (size_t i = 0; i < count; i++)
        json_put_text(w, tags[i].key, tags[i].value);
    json_close(w);
}

static void put_labels(struct json_writer *w, const struct label_map *labels)
{
    json_key(w, "labels");
    json_open(w);
    for (size_t i = 0; i < labels->count; i++) {
        json_key(w, labels->places[i].label);
        json_open(w);
        json_put_int(w, "version", labels->places[i].version);
        json_put_int(w, "modified", labels->places[i].modified_ms);
        json_close(w);
    }
    json_close(w);
}

/* What is sealed. */
static void write_secret(const struct undo_log *log, const struct undo_record *record,
                         struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    if (record->existed) {
        const struct resource *before = &record->before;
        struct buf fields;
        buf_init(&fields, LONGEST_LINE);
        fields_write(log->engine->kind, before, &fields);
        json_key(&w, "before");
        json_open(&w);
        json_put_int(&w, "version", before->version);
        json_key(&w, "fields");
        json_write_raw(&w, buf_text(&fields), fields.len);
        put_tags(&w, before->tags, before->tag_count);
        if (record->labels_kept)
            put_labels(&w, &record->labels);
        if (before->value) {
            json_key(&w, "value");
            json_write_text_n(&w, before->value, before->value_len);
        }
        json_close(&w);
        buf_done(&fields);
    }
    json_key(&w, "after");
    json_open(&w);
    json_put_int(&w, "version", record->after_version);
    put_tags(&w, record->after_tags, record->after_tag_count);
    if (record->value_written) {
        char hex[SHA256_HEX_SIZE];
        digest_hex(record->after_digest, sizeof record->after_digest, hex);
        json_put_text(&w, "digest", hex);
    }
    json_close(&w);
    json_close(&w);
}

static int write_record(const struct undo_log *log, struct arena *arena,
                        const struct undo_record *record, struct buf *line, struct error *err)
{
    const struct engine *engine = log->engine;
    const char *place = place_of(arena, &engine->sides[record->destination + 1]);
    struct buf secret;
    struct json_writer w;
    buf_init(&secret, LONGEST_LINE);
    write_secret(log, record, &secret);
    size_t len = secret.len + SEAL_OVERHEAD;
    unsigned char *sealed = arena_alloc(arena, len);
    seal_close(log->seal, engine->options.random ? engine->options.random : random_system(),
               undo_log_label(arena, engine->run_id, place, record->name), buf_text(&secret),
               secret.len, sealed);
    json_writer_init(&w, line);
    json_open(&w);
    json_put_text(&w, "type", "before");
    json_put_int(&w, "destination", record->destination);
    json_put_text(&w, "place", place);
    json_put_text(&w, "name", record->name);
    json_put_text(&w, "action", step_action_name(record->action));
    json_put_text(&w, "sealed", base64_encode(arena, sealed, len));
    json_close(&w);
    buf_append_char(line, '\n');
    bool whole = !secret.overflow && !line->overflow;
    buf_done(&secret);
    return whole ? 0
                 : error_set(err, ERR_LIMIT, "%s is too large to be kept for undo", record->name);
}

static int append(struct undo_log *log, const struct buf *line, struct error *err)
{
    int result = 0;
    pthread_mutex_lock(&log->mutex);
    if (log->fd < 0)
        result = create(log, err);
    if (result == 0 && file_write_all(log->fd, line->data, line->len) != 0)
        result = error_errno(err, errno, "cannot write %s", log->path);
    log->appended += result == 0;
    pthread_mutex_unlock(&log->mutex);
    return result;
}

int undo_log_append(struct undo_log *log, const struct undo_record *record, struct error *err)
{
    struct arena scratch;
    struct buf line;
    if (!log)
        return 0;
    arena_init(&scratch);
    buf_init(&line, LONGEST_LINE);
    int result = write_record(log, &scratch, record, &line, err);
    if (result == 0)
        result = append(log, &line, err);
    buf_done(&line);
    arena_done(&scratch);
    return result;
}

int undo_log_sync(struct undo_log *log, struct error *err)
{
    if (!log)
        return 0;
    pthread_mutex_lock(&log->mutex);
    uint64_t mine = log->appended;
    while (log->synced < mine && !log->error.code) {
        if (log->syncing) {
            pthread_cond_wait(&log->synced_more, &log->mutex);
            continue;
        }
        uint64_t all = log->appended;
        log->syncing = true;
        pthread_mutex_unlock(&log->mutex);
        int failed = fdatasync(log->fd) != 0 ? errno : 0;
        pthread_mutex_lock(&log->mutex);
        log->syncing = false;
        if (failed)
            error_errno(&log->error, failed, "cannot write %s", log->path);
        else
            log->synced = all;
        pthread_cond_broadcast(&log->synced_more);
    }
    bool good = log->synced >= mine;
    if (!good && err)
        *err = log->error;
    pthread_mutex_unlock(&log->mutex);
    return good ? 0 : -1;
}

/* Without such a line undo finds the copy changed and leaves it. `labels`: NULL: not told. */
static void append_left(struct undo_log *log, unsigned destination, const char *name,
                        int64_t version, const char *labels)
{
    struct buf line;
    struct json_writer w;
    buf_init(&line, LONGEST_LINE);
    json_writer_init(&w, &line);
    json_open(&w);
    json_put_text(&w, "type", "left");
    json_put_int(&w, "destination", destination);
    json_put_text(&w, "name", name);
    if (version)
        json_put_int(&w, "version", version);
    if (labels)
        json_put_text(&w, "labels", labels);
    json_close(&w);
    buf_append_char(&line, '\n');
    append(log, &line, NULL);
    buf_done(&line);
}

void undo_log_left(struct undo_log *log, unsigned destination, const char *name, int64_t version)
{
    if (log)
        append_left(log, destination, name, version, NULL);
}

void undo_log_labels_left(struct undo_log *log, unsigned destination, const char *name,
                          const struct label_map *labels)
{
    unsigned char digest[32];
    char hex[SHA256_HEX_SIZE];
    if (!log)
        return;
    labels_digest(log->engine, labels, digest);
    digest_hex(digest, sizeof digest, hex);
    append_left(log, destination, name, 0, hex);
}
