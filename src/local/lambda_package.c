#include "local/lambda_package.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

/* --- a zip file ------------------------------------------------------------------------------- */

static const char not_a_zip[] = "the package is not a zip file that can be read";

static zip_t *open_zip(struct text zip, struct error *err)
{
    zip_error_t problem;
    zip_error_init(&problem);
    zip_source_t *source = zip_source_buffer_create(zip.data, zip.len, 0, &problem);
    zip_t *archive = source ? zip_open_from_source(source, ZIP_RDONLY, &problem) : NULL;
    if (!archive && source)
        zip_source_free(source);
    zip_error_fini(&problem);
    if (!archive)
        error_set(err, ERR_INVALID, "%s", not_a_zip);
    return archive;
}

/* No part may be "..", "." or empty; the last may be, of a folder's name ("a/b/"). */
static bool name_stays_inside(const char *name)
{
    struct text rest = text_of(name);
    if (rest.len == 0 || rest.len >= PATH_MAX / 2 || strchr(name, '\\'))
        return false;
    while (rest.data) {
        struct text part = text_cut(&rest, '/');
        bool last_of_folder = part.len == 0 && !rest.data && name[strlen(name) - 1] == '/';
        if (part.len > NAME_MAX || text_is(part, "..") || text_is(part, ".") ||
            (part.len == 0 && !last_of_folder))
            return false;
    }
    return name[0] != '/';
}

struct entry {
    zip_uint64_t index;
    const char *name;
    uint64_t size;
    unsigned mode; /* with the type's bits; 0: it was not made on Unix */
};

static int read_entry(zip_t *archive, zip_uint64_t index, struct entry *out, struct error *err)
{
    zip_stat_t stat;
    zip_uint8_t system;
    zip_uint32_t attributes;
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE;
    if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &stat) != 0 ||
        (stat.valid & needed) != needed ||
        ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) && stat.encryption_method != ZIP_EM_NONE))
        return error_set(err, ERR_INVALID, "%s", not_a_zip);
    if (!name_stays_inside(stat.name))
        return error_set(err, ERR_INVALID, "the package holds a name that leaves its folder");
    *out = (struct entry){index, stat.name, stat.size, 0};
    if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes) == 0 &&
        system == ZIP_OPSYS_UNIX)
        out->mode = attributes >> 16;
    return 0;
}

static int check_entries(zip_t *archive, struct error *err)
{
    zip_int64_t count = zip_get_num_entries(archive, 0);
    uint64_t sum = 0;
    struct entry entry;
    if (count <= 0) /* nothing at all passes for an archive without files */
        return error_set(err, ERR_INVALID, "%s", not_a_zip);
    if (count > LAMBDA_PACKAGE_ENTRIES)
        return error_set(err, ERR_LIMIT, "the package holds more than %d files",
                         LAMBDA_PACKAGE_ENTRIES);
    for (zip_int64_t i = 0; i < count; i++) {
        if (read_entry(archive, (zip_uint64_t)i, &entry, err) != 0)
            return -1;
        sum += entry.size;
        if (entry.size > LAMBDA_PACKAGE_LARGEST || sum > LAMBDA_PACKAGE_LARGEST)
            return error_set(err, ERR_LIMIT, "Unzipped size must be smaller than %d bytes",
                             LAMBDA_PACKAGE_LARGEST);
    }
    return 0;
}

int lambda_package_check(struct text zip, struct error *err)
{
    zip_t *archive = open_zip(zip, err);
    if (!archive)
        return -1;
    int result = check_entries(archive, err);
    zip_discard(archive);
    return result;
}

/* --- unzipping -------------------------------------------------------------------------------- */

struct unzip {
    zip_t *archive;
    const char *folder;
    int fd; /* of the folder */
    uint64_t written;
    struct error *err;
};

static int failed_at(struct unzip *unzip, const char *what)
{
    return error_errno(unzip->err, errno, "%s in %s", what, unzip->folder);
}

/* The folders above the last part. No link is there yet, so nothing leads elsewhere. */
static int make_parents(struct unzip *unzip, const char *name)
{
    char part[PATH_MAX];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(part, name, (size_t)(slash - name));
        part[slash - name] = '\0';
        if (mkdirat(unzip->fd, part, 0700) != 0 && errno != EEXIST)
            return failed_at(unzip, "cannot make a folder");
    }
    return 0;
}

static int copy_out(struct unzip *unzip, zip_file_t *file, int fd)
{
    char piece[64 * 1024];
    for (;;) {
        zip_int64_t len = zip_fread(file, piece, sizeof piece);
        if (len < 0) /* also when the checksum is not right */
            return error_set(unzip->err, ERR_INVALID, "%s", not_a_zip);
        if (len == 0)
            return 0;
        unzip->written += (uint64_t)len; /* what the list of files says may be a lie */
        if (unzip->written > LAMBDA_PACKAGE_LARGEST)
            return error_set(unzip->err, ERR_LIMIT, "Unzipped size must be smaller than %d bytes",
                             LAMBDA_PACKAGE_LARGEST);
        if (file_write_all(fd, piece, (size_t)len) != 0)
            return failed_at(unzip, "cannot write a file");
    }
}

/* What the mode gives to others, for everybody, without the right to write. */
static unsigned mode_for_all(unsigned mode)
{
    unsigned others = mode & 05;
    return mode ? others << 6 | others << 3 | others : 0444;
}

static int unzip_file(struct unzip *unzip, const struct entry *entry)
{
    zip_file_t *file = zip_fopen_index(unzip->archive, entry->index, 0);
    if (!file)
        return error_set(unzip->err, ERR_INVALID, "%s", not_a_zip);
    /* A name that comes twice: the last one counts, as unzip has it. */
    unlinkat(unzip->fd, entry->name, 0);
    int fd =
        openat(unzip->fd, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result = fd < 0 ? failed_at(unzip, "cannot make a file") : copy_out(unzip, file, fd);
    if (result == 0 && fchmod(fd, mode_for_all(entry->mode)) != 0)
        result = failed_at(unzip, "cannot set a file's mode");
    if (fd >= 0)
        close(fd);
    zip_fclose(file);
    return result;
}

/* Does it lead to something inside, or nowhere? */
static int check_link(struct unzip *unzip, const struct entry *entry, const char *target)
{
    char path[PATH_MAX], real[PATH_MAX], root[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", unzip->folder, entry->name);
    if (target[0] == '/' || !realpath(unzip->folder, root))
        return -1;
    if (!realpath(path, real))
        return errno == ENOENT && !strstr(target, "..") ? 0 : -1;
    size_t len = strlen(root);
    return strncmp(real, root, len) == 0 && (real[len] == '/' || real[len] == '\0') ? 0 : -1;
}

static int unzip_link(struct unzip *unzip, const struct entry *entry)
{
    char target[PATH_MAX];
    zip_file_t *file = entry->size && entry->size < sizeof target
                           ? zip_fopen_index(unzip->archive, entry->index, 0)
                           : NULL;
    zip_int64_t len = file ? zip_fread(file, target, sizeof target - 1) : -1;
    if (file)
        zip_fclose(file);
    if (len <= 0 || memchr(target, '\0', (size_t)len))
        return error_set(unzip->err, ERR_INVALID, "%s", not_a_zip);
    target[len] = '\0';
    unlinkat(unzip->fd, entry->name, 0);
    if (symlinkat(target, unzip->fd, entry->name) != 0)
        return failed_at(unzip, "cannot make a link");
    if (check_link(unzip, entry, target) == 0)
        return 0;
    unlinkat(unzip->fd, entry->name, 0);
    return error_set(unzip->err, ERR_INVALID, "the package holds a link that leaves its folder");
}

/* Files first, links (`links`) last: no file is written through a link. */
static int unzip_entries(struct unzip *unzip, bool links)
{
    zip_int64_t count = zip_get_num_entries(unzip->archive, 0);
    struct entry entry;
    for (zip_int64_t i = 0; i < count; i++) {
        if (read_entry(unzip->archive, (zip_uint64_t)i, &entry, unzip->err) != 0)
            return -1;
        bool link = S_ISLNK(entry.mode);
        if (link != links)
            continue;
        if (make_parents(unzip, entry.name) != 0)
            return -1;
        if (!text_ends(entry.name, "/") &&
            (link ? unzip_link(unzip, &entry) : unzip_file(unzip, &entry)) != 0)
            return -1;
    }
    return 0;
}

/* Calls `each` for what is in the folder `fd`, which is closed. */
static void for_each_in(int fd, void (*each)(int folder, const char *name, bool is_folder))
{
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *at; (at = readdir(folder));) {
        struct stat stat;
        if (strcmp(at->d_name, ".") != 0 && strcmp(at->d_name, "..") != 0 &&
            fstatat(dirfd(folder), at->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0)
            each(dirfd(folder), at->d_name, S_ISDIR(stat.st_mode));
    }
    closedir(folder);
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What does not work shows when somebody wants it to. */
static void set_mode(int folder, const char *name, unsigned mode)
{
    if (fchmodat(folder, name, mode, 0) != 0)
        return;
}

static void protect(int folder, const char *name, bool is_folder)
{
    if (!is_folder)
        return;
    for_each_in(open_folder(folder, name), protect);
    set_mode(folder, name, 0555);
}

int lambda_package_unzip(struct text zip, const char *folder, struct error *err)
{
    zip_t *archive = open_zip(zip, err);
    if (!archive)
        return -1;
    struct unzip unzip = {.archive = archive, .folder = folder, .fd = -1, .err = err};
    int result = check_entries(archive, err);
    if (result == 0)
        result = file_make_dirs(folder, err);
    if (result == 0 && (unzip.fd = open_folder(AT_FDCWD, folder)) < 0)
        result = failed_at(&unzip, "cannot open the folder");
    if (result == 0)
        result = unzip_entries(&unzip, false);
    if (result == 0)
        result = unzip_entries(&unzip, true);
    if (result == 0)
        protect(AT_FDCWD, folder, true);
    if (unzip.fd >= 0)
        close(unzip.fd);
    zip_discard(archive);
    return result;
}

static void remove_one(int folder, const char *name, bool is_folder)
{
    if (is_folder) {
        set_mode(folder, name, 0700);
        for_each_in(open_folder(folder, name), remove_one);
    }
    unlinkat(folder, name, is_folder ? AT_REMOVEDIR : 0);
}

void lambda_folder_remove(const char *path)
{
    struct stat stat;
    if (lstat(path, &stat) == 0)
        remove_one(AT_FDCWD, path, S_ISDIR(stat.st_mode));
}

/* --- those that are there --------------------------------------------------------------------- */

struct kept {
    struct lambda_package package; /* first: it is given out */
    struct kept *next;
    char *code_sha256;
    unsigned users;
    int64_t used_ms;
};

struct lambda_packages {
    char *folder;
    uint64_t made;         /* numbers their folders */
    pthread_mutex_t mutex; /* of the list; only the owner's thread changes it */
    struct kept *first;
};

struct lambda_packages *lambda_packages_new(const char *folder, struct error *err)
{
    lambda_folder_remove(folder);
    if (file_make_dirs(folder, err) != 0)
        return NULL;
    struct lambda_packages *packages = memory_alloc(sizeof *packages);
    packages->folder = realpath(folder, NULL); /* functions are told it */
    if (!packages->folder)
        packages->folder = memory_strdup(folder);
    pthread_mutex_init(&packages->mutex, NULL);
    return packages;
}

static void kept_free(struct kept *kept)
{
    lambda_folder_remove(kept->package.path);
    free(kept->package.path);
    free(kept->code_sha256);
    free(kept);
}

void lambda_packages_free(struct lambda_packages *packages)
{
    if (!packages)
        return;
    while (packages->first) {
        struct kept *kept = packages->first;
        packages->first = kept->next;
        kept_free(kept);
    }
    lambda_folder_remove(packages->folder);
    pthread_mutex_destroy(&packages->mutex);
    free(packages->folder);
    free(packages);
}

static struct kept *find(struct lambda_packages *packages, const char *code_sha256)
{
    struct kept *kept = packages->first;
    while (kept && strcmp(kept->code_sha256, code_sha256) != 0)
        kept = kept->next;
    return kept;
}

bool lambda_packages_have(struct lambda_packages *packages, const char *code_sha256)
{
    pthread_mutex_lock(&packages->mutex);
    bool found = find(packages, code_sha256);
    pthread_mutex_unlock(&packages->mutex);
    return found;
}

static void look_at_program(struct lambda_package *package)
{
    char path[PATH_MAX];
    struct stat stat_;
    snprintf(path, sizeof path, "%s/bootstrap", package->path);
    package->has_program = stat(path, &stat_) == 0 && S_ISREG(stat_.st_mode);
    package->may_run = package->has_program && (stat_.st_mode & 01);
}

const struct lambda_package *lambda_packages_take(struct lambda_packages *packages,
                                                  const char *code_sha256, struct text zip,
                                                  struct error *err)
{
    struct kept *kept = find(packages, code_sha256);
    if (!kept) {
        char name[32];
        snprintf(name, sizeof name, "/%llu", (unsigned long long)++packages->made);
        kept = memory_alloc(sizeof *kept);
        size_t size = strlen(packages->folder) + sizeof name;
        kept->package.path = memory_alloc(size);
        snprintf(kept->package.path, size, "%s%s", packages->folder, name);
        kept->code_sha256 = memory_strdup(code_sha256);
        if (lambda_package_unzip(zip, kept->package.path, err) != 0) {
            kept_free(kept);
            return NULL;
        }
        look_at_program(&kept->package);
        pthread_mutex_lock(&packages->mutex);
        kept->next = packages->first;
        packages->first = kept;
        pthread_mutex_unlock(&packages->mutex);
    }
    kept->users++;
    return &kept->package;
}

void lambda_packages_drop(struct lambda_packages *packages, const struct lambda_package *package,
                          int64_t now_ms)
{
    struct kept *kept = packages->first;
    while (kept && &kept->package != package)
        kept = kept->next;
    if (!kept)
        return;
    kept->users--;
    kept->used_ms = now_ms;
}

void lambda_packages_sweep(struct lambda_packages *packages, int64_t before_ms)
{
    for (struct kept **at = &packages->first; *at;) {
        struct kept *kept = *at;
        if (kept->users || kept->used_ms >= before_ms) {
            at = &kept->next;
            continue;
        }
        pthread_mutex_lock(&packages->mutex);
        *at = kept->next;
        pthread_mutex_unlock(&packages->mutex);
        kept_free(kept);
    }
}
