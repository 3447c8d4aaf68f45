/* From file to file, so that what a killed run had done is not done again. */
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/reencrypt_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRESS_LIMIT = 4096 };

/* What is done: the input's first bytes, known by their digest, stand moved in the part. */
struct course {
    const struct reencrypt_stream *stream;
    struct arena arena;
    const char *part_path, *progress_path;
    char settings[SHA256_HEX_SIZE]; /* of all that decides what is written */
    unsigned char seen[SHA256_SIZE];
    int64_t input_bytes, output_bytes, lines;
    int64_t inode; /* of the part once it is whole, which it keeps when it takes its place; or 0 */
    FILE *in, *part;
};

static void digest_settings(struct course *course)
{
    const struct reencrypt_stream *stream = course->stream;
    struct digest_stream *digest = digest_stream_new();
    unsigned char sum[SHA256_SIZE];
    const char *key = reencrypt_key(stream->reencrypt);
    unsigned char flags[] = {(unsigned char)stream->format, stream->keep_failed};
    digest_stream_add(digest, key, strlen(key) + 1);
    digest_stream_add(digest, flags, sizeof flags);
    for (size_t i = 0; i < stream->member_count; i++)
        digest_stream_add(digest, stream->members[i], strlen(stream->members[i]) + 1);
    digest_stream_done(digest, sum);
    digest_hex(sum, sizeof sum, course->settings);
}

/* The digest is chained over lines, so that it does not depend on how they were read. */
static void chain(unsigned char seen[SHA256_SIZE], const char *line, size_t len)
{
    struct digest_stream *digest = digest_stream_new();
    digest_stream_add(digest, seen, SHA256_SIZE);
    digest_stream_add(digest, line, len);
    digest_stream_done(digest, seen);
}

/* Of the input's first bytes, which are whole lines. */
static bool same_beginning(const struct course *course)
{
    unsigned char seen[SHA256_SIZE] = {0};
    char *line = NULL;
    size_t room = 0;
    int64_t left = course->input_bytes;
    ssize_t len = 1;
    while (left > 0 && (len = getline(&line, &room, course->in)) > 0) {
        chain(seen, line, (size_t)len);
        left -= len;
    }
    free(line);
    return left == 0 && memcmp(seen, course->seen, sizeof seen) == 0;
}

static int save_progress(struct course *course, struct error *err)
{
    char seen[SHA256_HEX_SIZE];
    struct buf text;
    struct json_writer w;
    buf_init(&text, PROGRESS_LIMIT);
    json_writer_init(&w, &text);
    digest_hex(course->seen, sizeof course->seen, seen);
    json_open(&w);
    json_put_text(&w, "settings", course->settings);
    json_put_text(&w, "input_sha256", seen);
    json_put_int(&w, "input_bytes", course->input_bytes);
    json_put_int(&w, "output_bytes", course->output_bytes);
    json_put_int(&w, "lines", course->lines);
    json_put_int(&w, "complete_inode", course->inode);
    json_close(&w);
    int result = file_write_atomic(course->progress_path, text.data, text.len, 0600, err);
    buf_done(&text);
    return result;
}

/* False: there is none that goes with these settings. */
static bool load_progress(struct course *course)
{
    char *data;
    size_t len;
    if (file_read(&course->arena, course->progress_path, PROGRESS_LIMIT, false, &data, &len,
                  NULL) != 0)
        return false;
    json_t *saved = json_read(data, len, NULL);
    const char *seen = json_text_or(saved, "input_sha256", "");
    bool fits = strcmp(json_text_or(saved, "settings", ""), course->settings) == 0 &&
                digest_unhex(seen, strlen(seen), course->seen, sizeof course->seen) == 0;
    course->input_bytes = json_int_or(saved, "input_bytes", -1);
    course->output_bytes = json_int_or(saved, "output_bytes", -1);
    course->lines = json_int_or(saved, "lines", 0);
    course->inode = json_int_or(saved, "complete_inode", 0);
    json_decref(saved);
    return fits && course->input_bytes >= 0 && course->output_bytes >= 0;
}

static void begin_anew(struct course *course)
{
    course->input_bytes = course->output_bytes = course->lines = 0;
    course->inode = 0;
    memset(course->seen, 0, sizeof course->seen);
}

/* Is the input still what it was, as far as it was read, and the part there? */
static bool goes_on(struct course *course)
{
    struct stat part;
    return load_progress(course) && stat(course->part_path, &part) == 0 &&
           part.st_size >= course->output_bytes && same_beginning(course);
}

static int open_files(struct course *course, const char *from, struct error *err)
{
    struct stat input;
    course->in = fopen(from, "re");
    if (!course->in || fstat(fileno(course->in), &input) != 0)
        return error_errno(err, errno, "cannot read %s", from);
    if (!S_ISREG(input.st_mode))
        return error_set(err, ERR_INVALID, "%s is not a file: give it on standard input", from);
    if (course->stream->format == REENCRYPT_BINARY || !goes_on(course)) {
        begin_anew(course);
        rewind(course->in);
    }
    int fd = open(course->part_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, input.st_mode & 0777) != 0 ||
        ftruncate(fd, course->output_bytes) != 0 || lseek(fd, 0, SEEK_END) < 0 ||
        !(course->part = fdopen(fd, "w"))) {
        int problem = errno;
        if (fd >= 0)
            close(fd);
        return error_errno(err, problem, "cannot write %s", course->part_path);
    }
    return 0;
}

static int batch_written(const char *data, size_t len, uint64_t lines, void *arg, struct error *err)
{
    struct course *course = arg;
    course->input_bytes += (int64_t)len;
    course->lines += (int64_t)lines;
    course->output_bytes = (int64_t)ftello(course->part);
    for (const char *at = data, *end; len; len -= (size_t)(end - at), at = end) {
        const char *feed = memchr(at, '\n', len);
        end = feed ? feed + 1 : at + len;
        chain(course->seen, at, (size_t)(end - at));
    }
    /* The part first: the progress must not tell of what a crash took away. */
    if (fdatasync(fileno(course->part)) != 0)
        return error_errno(err, errno, "cannot write %s", course->part_path);
    return save_progress(course, err);
}

static int put_in_place(struct course *course, const char *to, struct error *err)
{
    struct stat part;
    if (fflush(course->part) != 0 || fsync(fileno(course->part)) != 0 ||
        fstat(fileno(course->part), &part) != 0)
        return error_errno(err, errno, "cannot write %s", course->part_path);
    course->inode = (int64_t)part.st_ino;
    if (save_progress(course, err) != 0)
        return -1;
    if (rename(course->part_path, to) != 0)
        return error_errno(err, errno, "cannot replace %s", to);
    int folder =
        open(dirname(arena_strdup(&course->arena, to)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    unlink(course->progress_path);
    return 0;
}

/* Was a run killed between the two last steps? What it wrote is in its place then. */
static bool done_before(struct course *course, const char *to)
{
    struct stat info;
    bool done = load_progress(course) && course->inode && stat(to, &info) == 0 &&
                (int64_t)info.st_ino == course->inode;
    if (done)
        unlink(course->progress_path);
    return done;
}

static int run_course(struct course *course, const char *from, const char *to,
                      struct reencrypt_sum *sum, struct error *err)
{
    if (done_before(course, to)) {
        sum->done_before = true;
        return 0;
    }
    if (open_files(course, from, err) != 0)
        return -1;
    sum->resumed = (uint64_t)course->lines;
    int result = course->stream->format == REENCRYPT_BINARY
                     ? reencrypt_binary(course->stream, course->in, course->part, sum, err)
                     : reencrypt_lines(course->stream, course->in, course->part, batch_written,
                                       course, sum, err);
    return result == 0 ? put_in_place(course, to, err) : -1;
}

int reencrypt_file(const struct reencrypt_stream *stream, const char *from, const char *to,
                   struct reencrypt_sum *sum, struct error *err)
{
    struct course course = {.stream = stream};
    arena_init(&course.arena);
    course.part_path = arena_printf(&course.arena, "%s.understudy-part", to);
    course.progress_path = arena_printf(&course.arena, "%s.understudy-progress", to);
    digest_settings(&course);
    int result = run_course(&course, from, to, sum, err);
    if (course.in)
        fclose(course.in);
    if (course.part)
        fclose(course.part);
    if (result != 0 && course.lines == 0) { /* nothing to go on from */
        unlink(course.part_path);
        unlink(course.progress_path);
    }
    arena_done(&course.arena);
    return result == 0 ? 0 : error_context(err, "%s", from);
}
