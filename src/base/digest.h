/*
 * digest: SHA-256, HMAC-SHA-256, hex, base64 and constant-time comparison over OpenSSL 3 EVP.
 *
 * Algorithms are fetched once for the process (a fetch per call costs nine times as much) and
 * contexts are kept per thread. Any thread may call anything here.
 */
#ifndef UNDERSTUDY_BASE_DIGEST_H
#define UNDERSTUDY_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 /* with the NUL */ };

void digest_sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
void digest_sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
/* Of what comes in pieces. One thread; digest_stream_done gives the result and frees. */
struct digest_stream;
struct digest_stream *digest_stream_new(void);
void digest_stream_add(struct digest_stream *stream, const void *data, size_t len);
void digest_stream_done(struct digest_stream *stream, unsigned char out[SHA256_SIZE]);

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        unsigned char out[SHA256_SIZE]);

/* Only where a protocol asks for it (SQS shows it of each message): it protects nothing. */
enum { MD5_HEX_SIZE = 33 };
void digest_md5_hex(const void *data, size_t len, char out[MD5_HEX_SIZE]);

/* A key prepared once and used often. One thread at a time; freed with the key wiped. */
struct hmac_key;
struct hmac_key *hmac_key_new(const void *key, size_t key_len);
void hmac_key_digest(struct hmac_key *key, const void *data, size_t len,
                     unsigned char out[SHA256_SIZE]);
void hmac_key_free(struct hmac_key *key); /* NULL is fine */

void digest_hex(const unsigned char *data, size_t len, char *out); /* 2 * len + 1 bytes */
/* Lower or upper case; -1 when `text` is not 2 * len hex digits. */
int digest_unhex(const char *text, size_t text_len, unsigned char *out, size_t len);

/* Standard alphabet, padded, no line ends. */
char *base64_encode(struct arena *arena, const void *data, size_t len);
/* Strict: -1 for any other character, wrong length or wrong padding. Bits behind the last byte are
 * not looked at, as RFC 4648 (3.5) allows. *out is in `arena`. */
int base64_decode(struct arena *arena, const char *text, size_t text_len, unsigned char **out,
                  size_t *out_len);

bool digest_equal(const void *a, const void *b, size_t len); /* takes the same time either way */

#endif
