/*
 * audit: evidence of a verify that can be handed to others: what was compared, where, in which
 * versions, and for each item a pair of digests, one of the source's value and one of the copy's.
 *
 * The digests are HMAC-SHA-256 under a key drawn for this report, which is in no file and is wiped
 * when the run ends. So they say one thing only: the two values were equal, or were not. Nobody, we
 * included, can try guesses against them, compare them with another report's, or find two names
 * with one password, because the name goes into the digest. A digest without a key, or under a key
 * that is handed over, would allow the first; see docs/decisions/0015-audit-digests.md.
 *
 * JSON lines: {"type":"audit",...} for each replication, an {"type":"item",...} for each selected
 * item at each destination, and {"type":"end",...} with the counts. The SHA-256 of the file is
 * for whoever keeps it; `sha256sum` gives the same. One thread. ERR_IO, ERR_LIMIT.
 */
#ifndef UNDERSTUDY_ENGINE_AUDIT_H
#define UNDERSTUDY_ENGINE_AUDIT_H

#include "base/digest.h"
#include "engine/engine.h"
#include "engine/plan_file.h"

struct audit {
    struct plan_saving file;
    struct digest_stream *stream;
    struct buf line;
    uint64_t items, compared, equal; /* so far */
};

/* The engine must have been opened with options.audit. */
int audit_open(struct arena *arena, const char *path, struct audit *out, struct error *err);
int audit_add(struct audit *audit, struct engine *engine, struct error *err);
/* Writes the end and gives the file its name; `sha256` is of the whole file. */
int audit_close(struct audit *audit, char sha256[SHA256_HEX_SIZE], struct error *err);
void audit_drop(struct audit *audit); /* no file is left; fine when not open */

/* For step.digests, in `arena`: the digests of a pair of values, from their keyed digests. */
const char *audit_digests(const struct engine *engine, struct arena *arena, const char *key,
                          const unsigned char source[SHA256_SIZE],
                          const unsigned char copy[SHA256_SIZE]);

#endif
