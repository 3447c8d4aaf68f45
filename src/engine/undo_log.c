#include "engine/undo_log.h"

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

enum { UNDO_FORMAT = 1, LONGEST_LINE = 256 * 1024 };

static const char key_purpose[] = "what undo keeps", digest_purpose[] = "what undo compares";
static const char suffix[] = ".jsonl";

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

static const char *file_of(struct arena *arena, const char *state_folder, const char *run)
{
    return arena_printf(arena, "%s/undo/%s%s", state_folder, run, suffix);
}

static void new_seal(const struct engine *engine, struct seal **seal)
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
    new_seal(engine, &log->seal);
    arena_init(&scratch);
    log->path = memory_strdup(file_of(&scratch, state_folder(engine->state), engine->run_id));
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

/* --- writing ---------------------------------------------------------------------------------- */
static const char *place_of(struct arena *arena, const struct side *side)
{
    return arena_printf(arena, "%s/%s", *side->account ? side->account : "-", side->config->region);
}

static const char *label_of(struct arena *arena, const char *run, const char *place,
                            const char *name)
{
    return arena_printf(arena, "%s\n%s\n%s", run, place, name);
}

/* A run's id begins with its time. */
static bool too_old(const char *file, int64_t now_ms, int64_t keep_ms)
{
    int64_t made;
    size_t len = strcspn(file, "-");
    return text_ends(file, suffix) && clock_parse_basic(file, len, &made) == 0 &&
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
               label_of(arena, engine->run_id, place, record->name), buf_text(&secret), secret.len,
               sealed);
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

/* --- reading ---------------------------------------------------------------------------------- */
static int newest_first(const void *a, const void *b)
{
    return strcmp(*(const char *const *)b, *(const char *const *)a);
}

const char **undo_log_runs(struct arena *arena, const char *state_folder)
{
    DIR *dir = opendir(arena_printf(arena, "%s/undo", state_folder));
    const struct dirent *entry;
    size_t count = 0, room = 0;
    const char **runs = NULL;
    while (dir && (entry = readdir(dir))) {
        if (!text_ends(entry->d_name, suffix))
            continue;
        if (count == room) {
            room = room ? 2 * room : 64;
            runs = memory_realloc((void *)runs, room * sizeof *runs);
        }
        runs[count++] = arena_strndup(arena, entry->d_name, strlen(entry->d_name) - strlen(suffix));
    }
    if (dir)
        closedir(dir);
    const char **result = arena_calloc(arena, count + 1, sizeof *result);
    for (size_t i = 0; i < count; i++)
        result[i] = runs[i];
    free((void *)runs);
    qsort(result, count, sizeof *result, newest_first);
    return result;
}

/* A walk through a file, line by line. */
struct walk {
    const char *path;
    FILE *file;
    char *line;
    size_t room;
};

static int walk_open(struct walk *walk, struct arena *arena, const char *state_folder,
                     const char *run, struct error *err)
{
    *walk = (struct walk){.path = file_of(arena, state_folder, run)};
    if (strchr(run, '/') || !(walk->file = fopen(walk->path, "re")))
        return error_set(err, ERR_NOT_FOUND,
                         "nothing is kept of run %s: `understudy undo` lists what can be undone",
                         run);
    return 0;
}

static void walk_close(struct walk *walk)
{
    if (walk->line)
        explicit_bzero(walk->line, walk->room);
    free(walk->line);
    if (walk->file)
        fclose(walk->file);
}

/* The next line; NULL at the end, or where the file is wrong: then err->code is set. A last line
 * without its end was being written when the run was killed: what it announced was never sent. */
static json_t *walk_next(struct walk *walk, struct error *err)
{
    ssize_t len = getline(&walk->line, &walk->room, walk->file);
    if (len <= 0 || walk->line[len - 1] != '\n')
        return NULL;
    json_t *line = json_read(walk->line, (size_t)len, NULL);
    if (!line)
        error_set(err, ERR_INVALID, "%s is damaged", walk->path);
    return line;
}

static json_t *walk_header(struct walk *walk, struct error *err)
{
    struct error problem = {0};
    json_t *header = walk_next(walk, &problem);
    if (header && strcmp(json_text_or(header, "type", ""), "undo") == 0 &&
        json_int_or(header, "format", 0) == UNDO_FORMAT)
        return header;
    json_decref(header);
    error_set(err, ERR_INVALID, "%s was not written by this version of undo", walk->path);
    return NULL;
}

int undo_log_config(struct arena *arena, const char *state_folder, const char *run,
                    struct config_set *out, struct error *err)
{
    struct walk walk;
    int result = -1;
    if (walk_open(&walk, arena, state_folder, run, err) != 0)
        return -1;
    json_t *header = walk_header(&walk, err);
    char *text = header ? json_dumps(json_object_get(header, "config"), JSON_COMPACT) : NULL;
    if (text)
        result = config_parse(arena, walk.path, text, strlen(text), out, err);
    else if (header)
        error_set(err, ERR_INVALID, "%s is damaged", walk.path);
    free(text);
    json_decref(header);
    walk_close(&walk);
    return result;
}

struct left {
    struct left *next;
    unsigned destination;
    const char *name;
    int64_t version;    /* 0: not told */
    const char *labels; /* a digest as hex; NULL: likewise */
};

/* What came out otherwise than foretold, or could not be foretold. */
static int read_left(struct arena *arena, const char *state_folder, const char *run,
                     struct left **out, struct error *err)
{
    struct walk walk;
    struct error problem = {0};
    json_t *line;
    *out = NULL;
    if (walk_open(&walk, arena, state_folder, run, err) != 0)
        return -1;
    while ((line = walk_next(&walk, &problem))) {
        const char *name = json_text(line, "name");
        if (name && strcmp(json_text_or(line, "type", ""), "left") == 0) {
            struct left *left = arena_alloc(arena, sizeof *left);
            const char *labels = json_text(line, "labels");
            *left = (struct left){*out, (unsigned)json_int_or(line, "destination", 0),
                                  arena_strdup(arena, name), json_int_or(line, "version", 0),
                                  labels ? arena_strdup(arena, labels) : NULL};
            *out = left;
        }
        json_decref(line);
    }
    walk_close(&walk);
    if (problem.code)
        *err = problem;
    return problem.code ? -1 : 0;
}

static int read_tag_object(struct arena *arena, const json_t *object, const struct tag **tags,
                           size_t *count)
{
    char *text = json_dumps(object, JSON_COMPACT);
    int result = text ? tags_read(arena, text, tags, count, NULL) : -1;
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return result;
}

static void read_labels(struct arena *arena, const json_t *object, struct undo_record *out)
{
    const char *label;
    json_t *place;
    size_t count = json_object_size(object);
    out->labels_kept = object != NULL;
    out->labels.places = arena_calloc(arena, count + 1, sizeof *out->labels.places);
    json_object_foreach((json_t *)object, label, place)
    {
        out->labels.places[out->labels.count++] =
            (struct label_place){arena_strdup(arena, label), json_int_or(place, "version", 0),
                                 json_int_or(place, "modified", 0)};
    }
    labels_sort(&out->labels);
}

/* Where a line says that it belongs; -1: nowhere. */
static int64_t destination_of(const json_t *line)
{
    int64_t destination = json_int_or(line, "destination", -1);
    return destination < DESTINATIONS_MAX ? destination : -1;
}

static int take_secret(struct engine *engine, struct arena *arena, const json_t *secret,
                       struct undo_record *out)
{
    const json_t *before = json_object_get(secret, "before");
    const json_t *after = json_object_get(secret, "after");
    const char *digest = json_text(after, "digest");
    out->existed = before != NULL;
    if (before) {
        const json_t *value = json_object_get(before, "value");
        struct resource *resource = &out->before;
        resource->name = out->name;
        resource->key = engine->kind->key_of(out->name);
        resource->version = json_int_or(before, "version", 0);
        fields_read(engine->kind, arena, json_object_get(before, "fields"), resource);
        read_labels(arena, json_object_get(before, "labels"), out);
        if (value) {
            resource->value_len = json_string_length(value);
            resource->value = arena_strndup(arena, json_string_value(value), resource->value_len);
        }
        if (read_tag_object(arena, json_object_get(before, "tags"), &resource->tags,
                            &resource->tag_count) != 0)
            return -1;
    }
    out->after_version = json_int_or(after, "version", 0);
    out->value_written = digest != NULL;
    if (digest &&
        digest_unhex(digest, strlen(digest), out->after_digest, sizeof out->after_digest) != 0)
        return -1;
    return read_tag_object(arena, json_object_get(after, "tags"), &out->after_tags,
                           &out->after_tag_count);
}

static int unseal(struct engine *engine, const struct seal *seal, struct arena *arena,
                  const char *run, const char *sealed, struct undo_record *out, struct error *err)
{
    unsigned char *bytes;
    size_t len;
    json_t *secret = NULL;
    if (sealed && base64_decode(arena, sealed, strlen(sealed), &bytes, &len) == 0 &&
        len >= SEAL_OVERHEAD) {
        unsigned char *plain = arena_alloc(arena, len);
        if (seal_open(seal, label_of(arena, run, out->place, out->name), bytes, len, plain) != 0)
            return error_set(err, ERR_DENIED,
                             "what run %s kept of %s cannot be opened: state.key is not the one it "
                             "was sealed with (was it lost or replaced?), or the file was changed",
                             run, out->name);
        secret = json_read((const char *)plain, len - SEAL_OVERHEAD, NULL);
    }
    int result = secret ? take_secret(engine, arena, secret, out) : -1;
    json_decref(secret);
    return result == 0
               ? 0
               : error_set(err, ERR_INVALID, "what run %s kept of %s is damaged", run, out->name);
}

static void take_left(const struct left *left, struct undo_record *record)
{
    for (; left; left = left->next) {
        if (left->destination != record->destination || strcmp(left->name, record->name) != 0)
            continue;
        if (left->version)
            record->after_version = left->version;
        if (left->labels)
            record->labels_left =
                digest_unhex(left->labels, strlen(left->labels), record->after_labels,
                             sizeof record->after_labels) == 0;
    }
}

static enum step_action action_of(const char *name)
{
    for (int action = 0; action < STEP_ACTIONS; action++)
        if (strcmp(step_action_name((enum step_action)action), name) == 0)
            return (enum step_action)action;
    return STEP_EQUAL;
}

int undo_log_each(struct engine *engine, const char *state_folder, const char *run,
                  undo_record_fn *each, void *arg, struct error *err)
{
    struct walk walk;
    struct arena all, one;
    struct left *lefts;
    struct seal *seal = NULL;
    struct error problem = {0};
    arena_init(&all);
    arena_init(&one);
    int result = read_left(&all, state_folder, run, &lefts, err);
    if (result == 0 && (result = walk_open(&walk, &all, state_folder, run, err)) == 0) {
        json_t *line = walk_header(&walk, &problem);
        if (engine)
            new_seal(engine, &seal);
        while (line && result == 0) {
            struct undo_record record = {
                .destination = (unsigned)json_int_or(line, "destination", 0),
                .place = json_text_or(line, "place", ""),
                .name = json_text(line, "name"),
                .action = action_of(json_text_or(line, "action", "")),
            };
            if (record.name && strcmp(json_text_or(line, "type", ""), "before") == 0) {
                if (destination_of(line) < 0)
                    result = error_set(&problem, ERR_INVALID, "what run %s kept of %s is damaged",
                                       run, record.name);
                if (engine && result == 0)
                    result = unseal(engine, seal, &one, run, json_text(line, "sealed"), &record,
                                    &problem);
                take_left(lefts, &record);
                if (result == 0)
                    result = each(&record, arg, &problem);
            }
            arena_reset(&one);
            json_decref(line);
            line = result == 0 ? walk_next(&walk, &problem) : NULL;
        }
        walk_close(&walk);
        seal_free(seal);
        if (problem.code) {
            *err = problem;
            result = -1;
        }
    }
    arena_done(&one);
    arena_done(&all);
    return result;
}
