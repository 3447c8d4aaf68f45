/*
 * Runs a fuzz target over the files and folders named as arguments, without libFuzzer, so that
 * every compiler and every `make check` replays the seeds. Each file is also cut short at up to 64
 * places: half an input is what a parser meets first in the wild.
 */
#include "base/arena.h"
#include "base/file.h"
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST_BYTES = 4 * 1024 * 1024, CUTS = 64 };

/* Memory of exactly this size, so that a sanitizer sees a read behind the end. */
static void run(const char *data, size_t len)
{
    uint8_t *copy = memory_alloc(len);
    memcpy(copy, data, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static unsigned replay_file(const char *path)
{
    struct arena arena;
    struct error err = {0};
    char *data;
    size_t len;
    arena_init(&arena);
    if (file_read(&arena, path, LARGEST_BYTES, false, &data, &len, &err) != 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    size_t step = len / CUTS + 1;
    for (size_t cut = 0; cut < len; cut += step)
        run(data, cut);
    run(data, len);
    arena_done(&arena);
    return 1;
}

static unsigned replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        return replay_file(path);
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        exit(1);
    }
    unsigned files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        files += replay(inner);
    }
    closedir(folder);
    return files;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++)
        files += replay(argv[i]);
    printf("%u seeds\n", files);
    return files == 0; /* an empty corpus tests nothing */
}
