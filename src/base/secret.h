/*
 * secret: a value that must not be seen.
 *
 * Heap memory of its own, zeroed when freed. It has no formatter on purpose: nothing here turns it
 * into text for a log, an error or a report. Shared by nobody: one owner, one thread at a time.
 */
#ifndef UNDERSTUDY_BASE_SECRET_H
#define UNDERSTUDY_BASE_SECRET_H

#include <stddef.h>

struct secret {
    char *data; /* NUL behind the last byte; NULL when empty */
    size_t len;
};

void secret_set(struct secret *secret, const void *data, size_t len); /* frees the old one */
void secret_free(struct secret *secret);                              /* zeroes, then frees */

/* No core file and no ptrace by the same user for this process. Called once, first thing in main;
 * a no-op in sanitizer builds, whose leak checker needs ptrace. */
void secret_protect_process(void);
/* Keeps the process's memory out of the swap where the limits let it; else does nothing. */
void secret_lock_memory(void);

#endif
