#include "cli/commands.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

const struct command *const commands[] = {
    &command_plan,
    &command_apply,
    &command_sync,
    &command_verify,
    &command_show,
    &command_undo,
    &command_undelete,
    &command_runs,
    &command_policy,
    &command_promote,
    &command_failback,
    &command_reencrypt,
    &command_watch,
    &command_status,
    &command_doctor,
    &command_local,
    &command_version,
    &command_help,
    NULL,
};

const struct command *command_named(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

const char *command_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t best = 3;
    for (size_t i = 0; commands[i]; i++) {
        size_t distance = text_distance(name, commands[i]->name);
        if (distance < best) {
            best = distance;
            nearest = commands[i]->name;
        }
    }
    return nearest;
}
