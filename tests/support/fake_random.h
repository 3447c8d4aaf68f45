/*
 * fake_random: random bytes that are the same in every run.
 *
 * A counter behind SHA-256, started from a seed; good enough for jitter and ids in tests. One
 * thread at a time.
 */
#ifndef UNDERSTUDY_TESTS_FAKE_RANDOM_H
#define UNDERSTUDY_TESTS_FAKE_RANDOM_H

#include "base/random.h"

struct fake_random {
    struct random random; /* first: what is handed to the code under test */
    uint64_t seed, drawn;
};

void fake_random_init(struct fake_random *fake, uint64_t seed);

#endif
