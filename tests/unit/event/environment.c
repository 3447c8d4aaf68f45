#include "environment.h"

#include <stddef.h>
#include <string.h>

static const char *const *variables;

void environment_set(const char *const *lines)
{
    variables = lines;
}

const char *environment_get(const char *name)
{
    size_t len = strlen(name);
    for (const char *const *line = variables; line && *line; line++)
        if (strncmp(*line, name, len) == 0 && (*line)[len] == '=')
            return *line + len + 1;
    return NULL;
}
