/*
 * random: unpredictable bytes, as a seam that tests replace.
 *
 * The system source is OpenSSL's RAND_bytes, drawn 4 KB at a time for each thread (a 12-byte draw
 * costs more than the encryption it is for). It may be used by any thread; failure aborts, because
 * nothing sensible can be done without randomness.
 */
#ifndef UNDERSTUDY_BASE_RANDOM_H
#define UNDERSTUDY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    void (*bytes)(struct random *, void *out, size_t len);
};

struct random *random_system(void);

void random_bytes(struct random *random, void *out, size_t len);
uint64_t random_below(struct random *random, uint64_t bound); /* 0 .. bound-1, no bias */
/* A version 4 UUID, "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"; 37 bytes with the NUL. */
enum { RANDOM_UUID_SIZE = 37 };
void random_uuid(struct random *random, char out[RANDOM_UUID_SIZE]);
/* `len` characters of `alphabet` and a NUL. */
void random_text(struct random *random, const char *alphabet, char *out, size_t len);

#endif
