#include "base/file.h"

#include "base/arena.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(struct arena *arena, const char *path, size_t limit, bool allow_stdin, char **data,
              size_t *len, struct error *err)
{
    bool standard_input = allow_stdin && strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int errnum = errno;
        error_errno(err, errnum, "cannot read %s", path);
        if (err && (errnum == ENOENT || errnum == ENOTDIR))
            err->code = ERR_NOT_FOUND;
        return -1;
    }
    struct buf content;
    buf_init(&content, limit);
    int result = 0;
    for (;;) {
        char chunk[8192];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = error_errno(err, errno, "cannot read %s", path);
        if (got > 0)
            buf_append(&content, chunk, (size_t)got);
        explicit_bzero(chunk, got > 0 ? (size_t)got : 0);
        if (got <= 0 || content.overflow)
            break;
    }
    if (result == 0 && content.overflow)
        result = error_set(err, ERR_LIMIT, "%s is larger than %zu bytes", path, limit);
    if (result == 0) {
        *data = arena_strndup(arena, buf_text(&content), content.len);
        if (len)
            *len = content.len;
    }
    buf_done(&content);
    if (!standard_input)
        close(fd);
    return result;
}

int file_write_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len;) {
        ssize_t done = write(fd, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        at += done;
        len -= (size_t)done;
    }
    return 0;
}

static int sync_folder_of(struct arena *scratch, const char *path)
{
    int fd = open(dirname(arena_strdup(scratch, path)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

int file_write_atomic(const char *path, const void *data, size_t len, unsigned mode,
                      struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    /* The thread's number, not the process's: two threads may write the same file. */
    char *beside = arena_printf(&scratch, "%s.new.%ld", path, (long)gettid());
    int result = 0;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        result = error_errno(err, errno, "cannot create %s", beside);
        goto done;
    }
    /* The umask may have taken bits away, and an old leftover keeps its own mode. */
    if (fchmod(fd, mode) != 0 || file_write_all(fd, data, len) != 0 || fsync(fd) != 0)
        result = error_errno(err, errno, "cannot write %s", beside);
    if (close(fd) != 0 && result == 0)
        result = error_errno(err, errno, "cannot write %s", beside);
    if (result == 0 && (rename(beside, path) != 0 || sync_folder_of(&scratch, path) != 0))
        result = error_errno(err, errno, "cannot replace %s", path);
    if (result != 0)
        unlink(beside);
done:
    arena_done(&scratch);
    return result;
}

int file_make_dirs(const char *path, struct error *err)
{
    if (!*path)
        return error_set(err, ERR_INVALID, "the name of a folder is empty");
    struct arena scratch;
    arena_init(&scratch);
    char *copy = arena_strdup(&scratch, path);
    int result = 0;
    for (char *at = copy + 1; result == 0; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            result = error_errno(err, errno, "cannot create folder %s", copy);
        *at = kept;
        if (kept == '\0')
            break;
    }
    struct stat info;
    if (result == 0 && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)))
        result = error_set(err, ERR_IO, "%s is not a folder", path);
    arena_done(&scratch);
    return result;
}

static int unnamed_in(const char *folder)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/understudy-XXXXXX", folder);
    int fd = len < (int)sizeof path ? mkostemp(path, O_CLOEXEC) : -1;
    if (fd >= 0)
        unlink(path);
    return fd;
}

FILE *file_unnamed(struct error *err)
{
    const char *const folders[] = {secure_getenv("TMPDIR"), "/var/tmp", "/tmp"};
    int fd = -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && fd < 0; i++)
        if (folders[i] && *folders[i])
            fd = unnamed_in(folders[i]);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
    if (file)
        return file;
    error_errno(err, errno, "cannot make a temporary file (in $TMPDIR, /var/tmp or /tmp)");
    if (fd >= 0)
        close(fd);
    return NULL;
}
