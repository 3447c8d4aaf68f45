/*
 * reencrypt_lines: batches of lines between a file and the workers, and what is no lines; shared by
 * reencrypt_stream.c, reencrypt_binary.c and reencrypt_file.c.
 */
#ifndef UNDERSTUDY_ENGINE_REENCRYPT_LINES_H
#define UNDERSTUDY_ENGINE_REENCRYPT_LINES_H

#include "engine/reencrypt_stream.h"

/* Called after each batch was written, with the input bytes it was made of. */
typedef int reencrypt_batch_fn(const char *data, size_t len, uint64_t lines, void *arg,
                               struct error *err);
int reencrypt_lines(const struct reencrypt_stream *stream, FILE *in, FILE *out,
                    reencrypt_batch_fn *written, void *arg, struct reencrypt_sum *sum,
                    struct error *err);
int reencrypt_binary(const struct reencrypt_stream *stream, FILE *in, FILE *out,
                     struct reencrypt_sum *sum, struct error *err);

#endif
