/*
 * commands: what `understudy WORD` can be. One file a command, one line in commands.c.
 */
#ifndef UNDERSTUDY_CLI_COMMANDS_H
#define UNDERSTUDY_CLI_COMMANDS_H

#include <stdio.h>

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "understudy NAME"; returns the exit status */
};

extern const struct command command_plan, command_apply, command_sync, command_verify, command_show,
    command_undo, command_undelete, command_runs, command_policy, command_promote, command_failback,
    command_reencrypt, command_watch, command_status, command_doctor, command_local,
    command_version, command_help;
extern const struct command *const commands[]; /* NULL ends */

void help_write(FILE *out);

const struct command *command_named(const char *name); /* NULL: none */
const char *command_nearest(const char *name);         /* for "did you mean"; NULL: none near */

#endif
