#include "local/lambda_package.h"

#include "base/arena.h"
#include "support/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

static char folder[64], inside[80];

static int prepare(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test-package-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(inside, sizeof inside, "%s/in", folder);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    lambda_folder_remove(folder);
    return access(folder, F_OK) == 0 ? -1 : 0;
}

struct file {
    const char *name, *content;
    unsigned mode;
};

/* A zip file of these, unzipped: what came of it. */
static int unzip(const struct file *files, size_t count, struct error *err)
{
    zip_error_t problem;
    zip_stat_t stat;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &problem);
    zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &problem);
    zip_source_keep(source);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *content =
            zip_source_buffer(zip, files[i].content, strlen(files[i].content), 0);
        zip_int64_t index = zip_file_add(zip, files[i].name, content, ZIP_FL_ENC_UTF_8);
        assert_true(index >= 0);
        zip_file_set_external_attributes(zip, (zip_uint64_t)index, 0, ZIP_OPSYS_UNIX,
                                         files[i].mode << 16);
    }
    assert_int_equal(zip_close(zip), 0);
    zip_source_stat(source, &stat);
    char *data = memory_alloc(stat.size);
    assert_int_equal(zip_source_open(source), 0);
    assert_int_equal(zip_source_read(source, data, stat.size), (int)stat.size);
    zip_source_close(source);
    zip_source_free(source);
    int result = lambda_package_unzip((struct text){data, stat.size}, inside, err);
    free(data);
    return result;
}

static unsigned mode_of(const char *name)
{
    char path[160];
    struct stat stat;
    snprintf(path, sizeof path, "%s/%s", inside, name);
    return lstat(path, &stat) == 0 ? stat.st_mode : 0;
}

static void test_files_and_modes(void **state)
{
    static const struct file files[] = {
        {"bootstrap", "#!/bin/sh\n", S_IFREG | 0755},
        {"lib/a.so", "x", S_IFREG | 0644},
        {"mine", "x", S_IFREG | 0700},
        {"link", "lib/a.so", S_IFLNK | 0777},
        {"lib/up", "../bootstrap", S_IFLNK | 0777},
    };
    struct error err;
    (void)state;
    assert_int_equal(unzip(files, COUNT(files), &err), 0);
    assert_int_equal(mode_of("bootstrap"), S_IFREG | 0555);
    assert_int_equal(mode_of("lib/a.so"), S_IFREG | 0444);
    assert_int_equal(mode_of("mine"), S_IFREG); /* nobody else may do anything with it */
    assert_int_equal(mode_of("lib"), S_IFDIR | 0555);
    assert_true(S_ISLNK(mode_of("link")) && S_ISLNK(mode_of("lib/up")));
}

static void test_nothing_gets_out(void **state)
{
    static const struct file escapes[][2] = {
        {{"../out", "x", S_IFREG | 0644}},
        {{"a/../../out", "x", S_IFREG | 0644}},
        {{"/out", "x", S_IFREG | 0644}},
        {{"a//b", "x", S_IFREG | 0644}},
        {{"..\\out", "x", S_IFREG | 0644}},
        {{"link", "/etc/passwd", S_IFLNK | 0777}},
        {{"link", "../out", S_IFLNK | 0777}},
        {{"a/link", "../../in", S_IFLNK | 0777}, {"a/b", "x", S_IFREG | 0644}},
        {{"link", "..", S_IFLNK | 0777}, {"link/out", "x", S_IFREG | 0644}},
    };
    char path[128];
    struct error err;
    (void)state;
    snprintf(path, sizeof path, "%s/out", folder);
    for (size_t i = 0; i < COUNT(escapes); i++) {
        size_t count = escapes[i][1].name ? 2 : 1;
        int result = unzip(escapes[i], count, &err);
        assert_int_equal(access(path, F_OK), -1);
        lambda_folder_remove(inside);
        if (i != 7) /* a way round that ends inside */
            assert_int_equal(result, -1);
    }
}

static void test_what_is_no_package(void **state)
{
    struct error err;
    (void)state;
    assert_int_equal(lambda_package_check(text_of(""), &err), -1);
    assert_int_equal(lambda_package_check(text_of("no zip"), &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_and_modes, prepare, clean),
        cmocka_unit_test_setup_teardown(test_nothing_gets_out, prepare, clean),
        cmocka_unit_test_setup_teardown(test_what_is_no_package, prepare, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
