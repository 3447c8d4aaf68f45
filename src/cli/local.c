#include "cli/commands.h"
#include "engine/engine.h"

#include "base/arena.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char program[] = "understudy-local";

/* The server is a program of its own, which shares no belief with this one: find it beside this
 * one, else on the PATH. */
static int run_local(int argc, char **argv)
{
    char path[PATH_MAX];
    (void)argc;
    argv[0] = (char *)program;
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - sizeof program);
    if (len > 0) {
        path[len] = '\0';
        char *slash = strrchr(path, '/');
        if (slash) {
            memcpy(slash + 1, program, sizeof program);
            execv(path, argv);
        }
    }
    execvp(program, argv);
    fprintf(stderr, "understudy: cannot start %s: %s (it belongs beside the understudy program)\n",
            program, strerror(errno));
    return EXIT_FAILED;
}

const struct command command_local = {"local", "run a local AWS to work against", run_local};
