/* What undo keeps, as a later run finds it: whole, torn, damaged or another's. */
#include "engine/undo_log.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "{\"type\":\"undo\",\"format\":1,\"config\":{}}\n"
#define LINE(destination)                                                                          \
    "{\"type\":\"before\",\"destination\":" destination                                            \
    ",\"place\":\"p\",\"name\":\"/a\",\"action\":\"delete\"}\n"

static int count(const struct undo_record *record, void *arg, struct error *err)
{
    (void)err;
    assert_string_equal(record->name, "/a");
    assert_int_equal(record->action, STEP_DELETE);
    ++*(int *)arg;
    return 0;
}

static void a_file_is_read_or_refused_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *refused; /* NULL: it is not */
        int records;
    } rows[] = {
        {HEADER LINE("0") LINE("1"), NULL, 2},
        {HEADER LINE("0") "{\"type\":\"before\",\"na", NULL, 1}, /* torn: it was never sent */
        {HEADER LINE("0") "{\"type\":\"bef\n" LINE("1"), "is damaged", 0},
        {HEADER LINE("-1"), "is damaged", 0},
        {HEADER LINE("4294967295"), "is damaged", 0},
        {HEADER LINE("\"0\""), "is damaged", 0},
        {LINE("0"), "not written by this version", 0},
        {"{\"type\":\"plan\",\"format\":1}\n", "not written by this version", 0},
        {"{\"type\":\"undo\",\"format\":2}\n", "not written by this version", 0},
        {"", "not written by this version", 0},
    };
    char folder[] = "/tmp/understudy-undo-XXXXXX", undo[64], path[80];
    assert_non_null(mkdtemp(folder));
    snprintf(undo, sizeof undo, "%s/undo", folder);
    snprintf(path, sizeof path, "%s/run.jsonl", undo);
    assert_int_equal(mkdir(undo, 0700), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        int records = 0;
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(rows[i].text, file);
        fclose(file);
        int result = undo_log_each(NULL, folder, "run", count, &records, &err);
        assert_int_equal(result, rows[i].refused ? -1 : 0);
        assert_int_equal(records, rows[i].records);
        if (rows[i].refused && !strstr(err.message, rows[i].refused))
            fail_msg("row %zu: %s", i, err.message);
    }
    unlink(path);
    rmdir(undo);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_read_or_refused_with_words)};
    return cmocka_run_group_tests_name("engine/undo_log", tests, NULL, NULL);
}
