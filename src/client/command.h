/*
 * command: a program run without a shell, for what it prints.
 */
#ifndef UNDERSTUDY_CLIENT_COMMAND_H
#define UNDERSTUDY_CLIENT_COMMAND_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

struct arena;

/* Words as a POSIX shell would cut them: blanks outside quotes, '...', "..." with \" and \\ inside,
 * backslash outside. Nothing is expanded. ERR_INVALID for an open quote or no word at all. */
int command_split(struct arena *arena, const char *text, char ***words, struct error *err);

/* Runs words[0], found in PATH, and appends its standard output to `out` (whose limit holds).
 * Standard input is /dev/null, standard error is ours. ERR_IO when it cannot start or ends other
 * than with status 0, ERR_LIMIT for too much output, ERR_UNAVAILABLE after `timeout_ms`; it and its
 * children are killed then. Any thread. */
int command_run(char **words, int64_t timeout_ms, struct buf *out, struct error *err);

#endif
