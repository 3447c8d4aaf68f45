/*
 * reencrypt_stream: many ciphertexts, as they stand in files and on standard input.
 *
 * Formats: a line is a ciphertext in base64, perhaps followed by blanks and its context as a JSON
 * object; or a JSON object whose members named are ciphertexts, all else keeping its bytes; or the
 * whole input is one ciphertext or AWS Encryption SDK message, in binary. Lines are worked on side
 * by side and written in their order; the input is never in memory as a whole. One thread drives
 * it, the workers are inside.
 */
#ifndef UNDERSTUDY_ENGINE_REENCRYPT_STREAM_H
#define UNDERSTUDY_ENGINE_REENCRYPT_STREAM_H

#include "base/stop.h"
#include "base/workers.h"
#include "engine/reencrypt.h"

#include <stdint.h>
#include <stdio.h>

enum { REENCRYPT_LINE_MOST = 4 * 1024 * 1024 };

enum reencrypt_format { REENCRYPT_LINES, REENCRYPT_JSON, REENCRYPT_BINARY };

struct reencrypt_stream {
    const struct reencrypt *reencrypt;
    struct workers *workers;
    enum reencrypt_format format;
    const char *const *members; /* of JSON lines: paths ($.a.b) of the ciphertexts */
    size_t member_count;
    const char *context_member; /* of JSON lines: the member that holds the context; NULL: none */
    bool keep_failed;           /* a line that fails is written as it was; false: the end */
    /* What is written to `out` is seen at once (a pipe): a message that is encrypted again waits,
     * as ciphertext in a file without a name, until its signature is proved. */
    bool out_is_seen;
    struct stop *stop; /* NULL: never */
    /* Called by the driving thread for each line that failed, in their order. */
    void (*failed)(uint64_t line, const struct error *error, void *arg);
    void *arg;
};

struct reencrypt_sum {
    uint64_t lines, moved, already, failed; /* blank lines are lines only */
    uint64_t resumed;                       /* lines that an earlier run had done */
    bool done_before;                       /* an earlier run had finished the file */
};

/* 0: all was read and written (some lines may have failed, if they are kept). -1 with
 * ERR_CANCELLED when stopped, else with what ended it. Adds to *sum. */
int reencrypt_stream(const struct reencrypt_stream *stream, FILE *in, FILE *out,
                     struct reencrypt_sum *sum, struct error *err);
/* As reencrypt_stream, from a file to a file, which may be the same. What is done stands beside
 * `to` (.understudy-part, and .understudy-progress: sizes and digests of ciphertexts) until all is,
 * then takes its place; a run that was killed or failed goes on from there. */
int reencrypt_file(const struct reencrypt_stream *stream, const char *from, const char *to,
                   struct reencrypt_sum *sum, struct error *err);

#endif
