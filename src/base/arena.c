#include "base/arena.h"

#include "base/sanitizer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 - 64, ALIGNMENT = 16 };
/* Forbidden bytes behind each piece, so that the sanitizer sees a step over its end. */
enum { GAP = SANITIZER_ADDRESS ? 16 : 0 };

struct arena_block {
    struct arena_block *older;
    size_t size; /* of data */
    _Alignas(ALIGNMENT) char data[];
};

void memory_exhausted(size_t size)
{
    fprintf(stderr, "out of memory (%zu bytes wanted)\n", size);
    _Exit(71);
}

void *memory_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        memory_exhausted(size);
    return memory;
}

void *memory_realloc(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        memory_exhausted(size);
    return memory;
}

char *memory_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memory_alloc(size), text, size);
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

/* --- spare blocks -----------------------------------------------------------------------------
 * A request or a call makes several arenas that live for moments. A thread keeps some wiped blocks
 * of them: neither malloc nor another wiping is needed then. Not where the address sanitizer
 * watches: it knows more of memory that was freed. */
enum { SPARES_MOST = SANITIZER_ADDRESS ? 0 : 4 };

static _Thread_local struct arena_block *spares;
static _Thread_local unsigned spare_count;
static pthread_key_t spares_key;
static pthread_once_t spares_once = PTHREAD_ONCE_INIT;
static bool spares_can_end;

static void spares_free(void *unused)
{
    (void)unused;
    for (; spare_count; spare_count--) {
        struct arena_block *block = spares;
        spares = block->older;
        free(block);
    }
}

static void spares_set_up(void)
{
    spares_can_end = pthread_key_create(&spares_key, spares_free) == 0;
}

static bool spare_put(struct arena_block *block)
{
    if (block->size != BLOCK_SIZE || spare_count >= SPARES_MOST)
        return false;
    pthread_once(&spares_once, spares_set_up);
    /* Freed with the thread. */
    if (!spares_can_end || (!spare_count && pthread_setspecific(spares_key, &spares_once) != 0))
        return false;
    block->older = spares;
    spares = block;
    spare_count++;
    return true;
}

static struct arena_block *spare_take(size_t size)
{
    struct arena_block *block = spares;
    if (!block || size != BLOCK_SIZE)
        return NULL;
    spares = block->older;
    spare_count--;
    return block;
}

/* What was never given out is zero still. */
static void block_free(struct arena_block *block, size_t used)
{
    sanitizer_permit(block->data, block->size);
    explicit_bzero(block->data, used);
    if (!spare_put(block))
        free(block);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    if (!block)
        return;
    size_t used = block->size - arena->left;
    while (block->older) {
        struct arena_block *older = block->older;
        block_free(block, used);
        block = older;
        used = block->size;
    }
    if (block->size > BLOCK_SIZE) {
        block_free(block, used);
        arena_init(arena);
        return;
    }
    sanitizer_permit(block->data, block->size);
    explicit_bzero(block->data, used);
    sanitizer_forbid(block->data, block->size);
    arena->blocks = block;
    arena->next = block->data;
    arena->left = block->size;
}

void arena_done(struct arena *arena)
{
    size_t left = arena->left;
    for (struct arena_block *block = arena->blocks; block;) {
        struct arena_block *older = block->older;
        block_free(block, block->size - left);
        block = older;
        left = 0;
    }
    arena_init(arena);
}

static void arena_grow(struct arena *arena, size_t size)
{
    size_t wanted = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    if (wanted > SIZE_MAX - sizeof(struct arena_block))
        memory_exhausted(size);
    struct arena_block *block = spare_take(wanted);
    if (!block)
        block = memory_alloc(sizeof *block + wanted);
    sanitizer_forbid(block->data, wanted);
    block->size = wanted;
    block->older = arena->blocks;
    arena->blocks = block;
    arena->next = block->data;
    arena->left = wanted;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        memory_exhausted(size);
    size_t taken = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + GAP;
    if (taken == 0)
        taken = ALIGNMENT;
    if (taken > arena->left)
        arena_grow(arena, taken);
    void *memory = arena->next; /* blocks are zeroed when made and when reset */
    arena->next += taken;
    arena->left -= taken;
    sanitizer_permit(memory, size);
    return memory;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        memory_exhausted(SIZE_MAX);
    return arena_alloc(arena, total);
}

void *arena_memdup(struct arena *arena, const void *data, size_t len)
{
    void *copy = arena_alloc(arena, len);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_join(struct arena *arena, ...)
{
    va_list args, again;
    size_t len = 0;
    va_start(args, arena);
    va_copy(again, args);
    for (const char *text; (text = va_arg(args, const char *));)
        len += strlen(text);
    va_end(args);
    char *whole = arena_alloc(arena, len + 1), *at = whole;
    for (const char *text; (text = va_arg(again, const char *));)
        at = stpcpy(at, text);
    va_end(again);
    return whole;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    char small[256]; /* most are: they are printed once, not twice */
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, format, again);
    va_end(again);
    if (len < 0)
        return arena_strdup(arena, "");
    char *text = arena_alloc(arena, (size_t)len + 1);
    if ((size_t)len < sizeof small)
        memcpy(text, small, (size_t)len + 1);
    else
        vsnprintf(text, (size_t)len + 1, format, args);
    explicit_bzero(small, (size_t)len < sizeof small ? (size_t)len : sizeof small);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
