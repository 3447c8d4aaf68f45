/*
 * undo: which runs `undo` and `undelete` are about.
 */
#ifndef UNDERSTUDY_CLI_UNDO_H
#define UNDERSTUDY_CLI_UNDO_H

#include "cli/options.h"

/* Fills options->undo and options->set, the configurations that the runs kept, from the arguments.
 * ERR_INVALID, ERR_NOT_FOUND. */
int undo_choose(struct options *options, struct error *err);

#endif
