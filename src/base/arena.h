/*
 * arena: memory that is freed all at once.
 *
 * There are four lifetimes, an arena each: process, run, item (one resource, request or event) and
 * scratch. A function that returns memory takes the arena that will own it. arena_alloc zeroes and
 * never returns NULL: sizes are limited where they enter the program; real exhaustion prints one
 * line and exits with status 71 (EX_OSERR), and every on-disk format survives that as it survives
 * kill -9. An arena belongs to one thread at a time. All blocks are wiped when reset or freed,
 * because an item's arena may hold a secret value.
 */
#ifndef UNDERSTUDY_BASE_ARENA_H
#define UNDERSTUDY_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; the oldest is kept by arena_reset */
    char *next;
    size_t left; /* bytes free behind `next` */
};

void arena_init(struct arena *arena); /* allocates nothing yet */
void arena_reset(struct arena *arena);
void arena_done(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);
/* count * size with the overflow checked. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
void *arena_memdup(struct arena *arena, const void *data, size_t len);
/* Texts up to a NULL, one behind the other: a tenth of what printing them costs. */
__attribute__((sentinel)) char *arena_join(struct arena *arena, ...);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *arena, const char *format,
                                                         ...);
__attribute__((format(printf, 2, 0))) char *arena_vprintf(struct arena *arena, const char *format,
                                                          va_list args);

/* For what outlives every arena (process-wide tables, buffers that grow): zeroed, or exit 71. */
void *memory_alloc(size_t size);
void *memory_realloc(void *old, size_t size);
char *memory_strdup(const char *text);
__attribute__((noreturn)) void memory_exhausted(size_t size);

#endif
