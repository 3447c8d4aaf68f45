#include "version.h"
#include "cli/commands.h"
#include "engine/engine.h"

#include <curl/curl.h>
#include <stdio.h>

static int run_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("understudy %s (%s)\n", UNDERSTUDY_VERSION, curl_version());
    return EXIT_DONE;
}

const struct command command_version = {"version", "print the version", run_version};
