/*
 * fuzz: what every fuzz target defines. It returns 0; it aborts (assert, sanitizer) when the code
 * under it broke a promise. `data` is exactly `size` bytes: nothing stands behind it, not even NUL.
 */
#ifndef UNDERSTUDY_TESTS_FUZZ_H
#define UNDERSTUDY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
