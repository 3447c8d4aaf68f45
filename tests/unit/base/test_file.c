#include "base/arena.h"
#include "base/file.h"
#include "support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct arena arena;

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    snprintf(folder, sizeof folder, "test-file-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const char *inner = arena_printf(&arena, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0)
            remove_tree(inner);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static int teardown(void **state)
{
    (void)state;
    remove_tree(folder);
    arena_done(&arena);
    return 0;
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct error err = {0};
    const char *path = in_folder("a");
    char *data;
    size_t len;
    assert_int_equal(file_write_atomic(path, "one\0two", 7, 0600, &err), 0);
    assert_int_equal(file_read(&arena, path, 7, false, &data, &len, &err), 0);
    assert_int_equal(len, 7);
    assert_memory_equal(data, "one\0two", 8); /* with the NUL behind it */
    assert_int_equal(file_write_atomic(path, "", 0, 0600, &err), 0);
    assert_int_equal(file_read(&arena, path, 7, false, &data, NULL, &err), 0);
    assert_string_equal(data, "");
    assert_int_equal(count_files(), 1);
}

static void test_read_fails_well(void **state)
{
    (void)state;
    struct error err = {0};
    char *data = NULL;
    size_t len = 0;
    assert_int_equal(file_read(&arena, in_folder("no"), 9, false, &data, &len, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(file_write_atomic(in_folder("b"), "0123456789", 10, 0600, &err), 0);
    assert_int_equal(file_read(&arena, in_folder("b/c"), 9, false, &data, &len, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(file_read(&arena, in_folder("b"), 9, false, &data, &len, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(file_read(&arena, folder, 9, false, &data, &len, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(file_read(&arena, "-", 9, false, &data, &len, &err), -1); /* a file named - */
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_null(data);
}

static void test_standard_input(void **state)
{
    (void)state;
    struct error err = {0};
    int pipe_ends[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(file_write_all(pipe_ends[1], "typed", 5), 0);
    close(pipe_ends[1]);
    dup2(pipe_ends[0], STDIN_FILENO);
    close(pipe_ends[0]);
    char *data;
    int result = file_read(&arena, "-", 9, true, &data, NULL, &err);
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_int_equal(result, 0);
    assert_string_equal(data, "typed");
}

static void test_mode_is_exact(void **state)
{
    (void)state;
    struct error err = {0};
    const char *path = in_folder("mode");
    struct stat info;
    mode_t before = umask(0077);
    assert_int_equal(file_write_atomic(path, "x", 1, 0644, &err), 0);
    umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0644);
    before = umask(0);
    assert_int_equal(file_write_atomic(path, "x", 1, 0600, &err), 0);
    umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_a_failure_leaves_the_old_one(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(file_write_atomic(in_folder("no/file"), "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    /* A folder cannot be replaced by a file: rename fails after the new file was written. */
    assert_int_equal(mkdir(in_folder("taken"), 0700), 0);
    assert_int_equal(file_write_atomic(in_folder("taken"), "x", 1, 0600, &err), -1);
    assert_int_equal(count_files(), 1); /* no leftover beside it */
}

static void test_a_link_is_replaced_not_followed(void **state)
{
    (void)state;
    struct error err = {0};
    char *data;
    assert_int_equal(file_write_atomic(in_folder("target"), "old", 3, 0600, &err), 0);
    assert_int_equal(symlink("target", in_folder("link")), 0);
    assert_int_equal(file_write_atomic(in_folder("link"), "new", 3, 0600, &err), 0);
    assert_int_equal(file_read(&arena, in_folder("target"), 9, false, &data, NULL, &err), 0);
    assert_string_equal(data, "old");
}

static void *write_often(void *arg)
{
    struct error err = {0};
    char page[8192], shared[sizeof folder + 8];
    snprintf(shared, sizeof shared, "%s/shared", folder);
    memset(page, *(const char *)arg, sizeof page);
    for (int i = 0; i < 20; i++)
        if (file_write_atomic(shared, page, sizeof page, 0600, &err) != 0)
            return arg;
    return NULL;
}

static void test_writers_do_not_mix(void **state)
{
    (void)state;
    struct error err = {0};
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, (void *)&"abcd"[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    char *data;
    size_t len;
    assert_int_equal(file_read(&arena, in_folder("shared"), 10000, false, &data, &len, &err), 0);
    assert_int_equal(len, 8192);
    for (size_t i = 1; i < len; i++)
        assert_int_equal(data[i], data[0]);
    assert_int_equal(count_files(), 1);
}

static void test_make_dirs(void **state)
{
    (void)state;
    struct error err = {0};
    struct stat info;
    assert_int_equal(file_make_dirs(in_folder("x/y/z"), &err), 0);
    assert_int_equal(file_make_dirs(in_folder("x/y/z"), &err), 0);
    assert_int_equal(file_make_dirs(in_folder("x/y/z2/"), &err), 0);
    assert_int_equal(stat(in_folder("x/y/z2"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(file_write_atomic(in_folder("file"), "x", 1, 0600, &err), 0);
    assert_int_equal(file_make_dirs(in_folder("file"), &err), -1);
    assert_int_equal(file_make_dirs(in_folder("file/below"), &err), -1);
    assert_int_equal(file_make_dirs("/", &err), 0);
    assert_int_equal(file_make_dirs("", &err), -1);
}

static void test_a_file_without_a_name(void **state)
{
    (void)state;
    struct error err = {0};
    char back[4] = "";
    const char *before = getenv("TMPDIR");
    char *kept = before ? arena_strdup(&arena, before) : NULL;
    assert_int_equal(file_make_dirs(in_folder("own"), &err), 0);
    setenv("TMPDIR", in_folder("own"), 1);
    FILE *file = file_unnamed(&err);
    assert_non_null(file);
    assert_int_equal(rmdir(in_folder("own")), 0); /* nothing is in it */
    assert_int_equal(fwrite("abc", 1, 3, file), 3);
    rewind(file);
    assert_int_equal(fread(back, 1, 4, file), 3);
    assert_string_equal(back, "abc");
    fclose(file);
    file = file_unnamed(&err); /* elsewhere, as that folder is gone */
    assert_non_null(file);
    fclose(file);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_fails_well, setup, teardown),
        cmocka_unit_test_setup_teardown(test_standard_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_leaves_the_old_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_link_is_replaced_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writers_do_not_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_make_dirs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_without_a_name, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
