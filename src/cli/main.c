/* understudy: keeps a second AWS Region ready to go on stage. */
#include "base/json.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "engine/engine.h"

#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A heap for each thread would cost more memory than the threads' work; and what held a page of
 * answers goes back at once. */
enum { HEAPS = 2, LARGE_BYTES = 64 * 1024 };

static const struct command *find_command(const char *word)
{
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return &command_version;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "-?") == 0)
        return &command_help;
    const struct command *command = command_named(word);
    if (command)
        return command;
    const char *nearest = command_nearest(word);
    if (nearest)
        fprintf(stderr, "understudy: there is no command '%s': did you mean '%s'?\n", word,
                nearest);
    else
        fprintf(stderr, "understudy: there is no command '%s': `understudy help` lists them\n",
                word);
    return NULL;
}

int main(int argc, char **argv)
{
    secret_protect_process();
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    json_setup();
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        help_write(stderr);
        return EXIT_USAGE;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return EXIT_USAGE;
    char name[64];
    snprintf(name, sizeof name, "understudy %s", command->name);
    argv[1] = name;
    int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("understudy: standard output could not be written\n", stderr);
        return status == EXIT_DONE ? EXIT_FAILED : status;
    }
    return status;
}
