#include "cli/commands.h"
#include "engine/engine.h"

#include <stdio.h>

void help_write(FILE *out)
{
    fputs(
        "usage: understudy COMMAND [OPTION...]\n\n"
        "Keeps a second AWS Region (or account) ready: copies parameters whole, proves that they\n"
        "match, writes only what differs.\n\n",
        out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nunderstudy COMMAND --help tells the options of a command; understudy(1) tells all.\n",
          out);
}

static int run_help(int argc, char **argv)
{
    if (argc < 2) {
        help_write(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_named(argv[1]);
    if (!command || command == &command_help) {
        help_write(command ? stdout : stderr);
        return command ? EXIT_DONE : EXIT_USAGE;
    }
    char name[64], help[] = "--help";
    snprintf(name, sizeof name, "understudy %s", command->name);
    char *arguments[] = {name, help, NULL};
    return command->run(2, arguments);
}

const struct command command_help = {"help", "tell about a command", run_help};
