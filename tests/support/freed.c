#include "support/freed.h"

#include <malloc.h>
#include <stdatomic.h>
#include <string.h>

void __real_free(void *memory);
void __wrap_free(void *memory);

static atomic_uint marked;

/* Read without __attribute__ games: the block is still the program's own. */
void __wrap_free(void *memory)
{
    if (memory && memmem(memory, malloc_usable_size(memory), FREED_MARK, strlen(FREED_MARK)))
        marked++;
    __real_free(memory);
}

unsigned freed_with_mark(void)
{
    return marked;
}
