#include "base/random.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_SIZE = 4096 };

static void draw(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) != 1) {
        fputs("the system has no randomness\n", stderr);
        abort();
    }
}

static void system_bytes(struct random *random, void *out, size_t len)
{
    static _Thread_local unsigned char pool[POOL_SIZE];
    static _Thread_local size_t used = POOL_SIZE;

    (void)random;
    if (len > POOL_SIZE / 4) {
        draw(out, len);
        return;
    }
    if (used + len > POOL_SIZE) {
        draw(pool, POOL_SIZE);
        used = 0;
    }
    memcpy(out, pool + used, len);
    explicit_bzero(pool + used, len); /* bytes given out become keys and nonces: keep no copy */
    used += len;
}

struct random *random_system(void)
{
    static struct random system = {system_bytes};
    return &system;
}

void random_bytes(struct random *random, void *out, size_t len)
{
    random->bytes(random, out, len);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    uint64_t value, limit = UINT64_MAX - UINT64_MAX % bound;
    do
        random_bytes(random, &value, sizeof value);
    while (value >= limit);
    return value % bound;
}

void random_uuid(struct random *random, char out[RANDOM_UUID_SIZE])
{
    unsigned char b[16];
    random_bytes(random, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const char letters[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = letters[b[i] >> 4];
        *out++ = letters[b[i] & 15];
    }
    *out = '\0';
}

void random_text(struct random *random, const char *alphabet, char *out, size_t len)
{
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[random_below(random, letters)];
    out[len] = '\0';
}
