#include "support/fake_random.h"

#include "base/digest.h"

#include <string.h>

static void bytes(struct random *random, void *out, size_t len)
{
    struct fake_random *fake = (struct fake_random *)random;
    for (unsigned char *at = out; len;) {
        const uint64_t block[2] = {fake->seed, fake->drawn++};
        unsigned char digest[SHA256_SIZE];
        digest_sha256(block, sizeof block, digest);
        size_t step = len < sizeof digest ? len : sizeof digest;
        memcpy(at, digest, step);
        at += step;
        len -= step;
    }
}

void fake_random_init(struct fake_random *fake, uint64_t seed)
{
    *fake = (struct fake_random){.random = {bytes}, .seed = seed};
}
