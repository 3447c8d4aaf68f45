/* Files that a run saved and a later one reads: a plan, and what undo keeps. Whatever stands in
 * them, they are read to the end or refused with words. */
#include "engine/plan_file.h"
#include "engine/undo_log.h"
#include "fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char run[] = "20260101T000000Z-abcdef";
static char folder[] = "/tmp/understudy-fuzz-XXXXXX", path[128];

static void clean(void)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(folder);
}

static void write_file(const uint8_t *data, size_t size)
{
    if (!*path) {
        assert(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/undo", folder);
        assert(mkdir(path, 0700) == 0);
        snprintf(path, sizeof path, "%s/undo/%s.jsonl", folder, run);
        atexit(clean);
    }
    FILE *file = fopen(path, "we");
    assert(file && fwrite(data, 1, size, file) == size);
    fclose(file);
}

static int each_line(const json_t *line, void *arg, struct error *err)
{
    (void)arg;
    (void)err;
    assert(line);
    return 0;
}

static int each_record(const struct undo_record *record, void *arg, struct error *err)
{
    (void)arg;
    (void)err;
    assert(record->name && record->place && !record->existed);
    assert(record->destination < DESTINATIONS_MAX);
    return 0;
}

static void check(int result, const struct error *err)
{
    assert(result == 0 || (err->code && err->message[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error errors[4] = {0};
    struct config_set set;
    struct arena arena;
    arena_init(&arena);
    write_file(data, size);
    check(plan_each(path, each_line, NULL, &errors[0]), &errors[0]);
    int result = plan_read_config(&arena, path, &set, &errors[1]);
    assert(result != 0 || set.count);
    check(result, &errors[1]);
    result = undo_log_config(&arena, folder, run, &set, &errors[2]);
    assert(result != 0 || set.count);
    check(result, &errors[2]);
    check(undo_log_each(NULL, folder, run, each_record, NULL, &errors[3]), &errors[3]);
    arena_done(&arena);
    return 0;
}
