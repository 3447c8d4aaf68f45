#include "base/secret.h"

#include "base/arena.h"
#include "base/sanitizer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void secret_set(struct secret *secret, const void *data, size_t len)
{
    char *copy = memory_alloc(len + 1);
    if (len)
        memcpy(copy, data, len);
    secret_free(secret);
    secret->data = copy;
    secret->len = len;
}

void secret_free(struct secret *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->len);
    free(secret->data);
    *secret = (struct secret){0};
}

void secret_protect_process(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    /* The limit alone does not hold when core_pattern is a pipe; this does (prctl(2)). */
    if (!SANITIZER_ADDRESS && !SANITIZER_THREAD)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void secret_lock_memory(void)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    /* Under a limit a later allocation would fail: better swap than that. */
    if (!SANITIZER_ADDRESS && !SANITIZER_THREAD && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}
