/*
 * file: whole files read with a limit, and written so that a crash leaves the old or the new one.
 */
#ifndef UNDERSTUDY_BASE_FILE_H
#define UNDERSTUDY_BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;

/* The content, NUL behind it, in `arena`. ERR_NOT_FOUND when absent, ERR_LIMIT when larger than
 * `limit` bytes, ERR_IO otherwise. "-" is standard input when `allow_stdin`. */
int file_read(struct arena *arena, const char *path, size_t limit, bool allow_stdin, char **data,
              size_t *len, struct error *err);

/* Written to a new file beside `path`, fsynced, renamed over it, and the folder fsynced. */
int file_write_atomic(const char *path, const void *data, size_t len, unsigned mode,
                      struct error *err);

/* As mkdir -p with mode 0700; the last part may exist. */
int file_make_dirs(const char *path, struct error *err);

/* A file without a name, to write and read again, in $TMPDIR, else /var/tmp or /tmp; fclose ends
 * it. NULL: ERR_IO. */
FILE *file_unnamed(struct error *err);

/* Whole buffer to a descriptor, over short writes and EINTR. */
int file_write_all(int fd, const void *data, size_t len);

#endif
