#include "local/local.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORMAT = 1, MASTER_SIZE = 32 };
/* A format byte stands before the sealed bytes. */
enum { OVERHEAD = 1 + SEAL_OVERHEAD };

struct keyring {
    struct random *random;
    struct seal *seal; /* of a derived key, so that the master key itself encrypts nothing */
    unsigned char master[MASTER_SIZE];
};

static int read_master(struct keyring *keyring, const char *path, struct arena *arena,
                       struct error *err)
{
    char *data;
    size_t len;
    if (file_read(arena, path, MASTER_SIZE + 1, false, &data, &len, err) != 0)
        return -1;
    if (len != MASTER_SIZE)
        return error_set(err, ERR_INVALID, "%s is not a master key: %zu bytes, not %d", path, len,
                         MASTER_SIZE);
    struct stat info;
    if (stat(path, &info) != 0)
        return error_errno(err, errno, "cannot look at %s", path);
    if (info.st_mode & 077)
        return error_set(err, ERR_DENIED, "%s can be read by others: chmod 600 it", path);
    memcpy(keyring->master, data, MASTER_SIZE);
    return 0;
}

static int find_master(struct keyring *keyring, const char *folder, struct error *err)
{
    struct arena scratch; /* wiped by arena_done: it holds the key */
    arena_init(&scratch);
    const char *path = arena_printf(&scratch, "%s/master.key", folder);
    struct error found = {0};
    int result = read_master(keyring, path, &scratch, &found);
    if (result != 0 && found.code == ERR_NOT_FOUND) {
        random_bytes(keyring->random, keyring->master, MASTER_SIZE);
        result = file_write_atomic(path, keyring->master, MASTER_SIZE, 0600, err);
    } else if (result != 0 && err) {
        *err = found;
    }
    arena_done(&scratch);
    return result;
}

int keyring_open(const char *folder, struct random *random, struct keyring **out, struct error *err)
{
    struct keyring *keyring = memory_alloc(sizeof *keyring);
    keyring->random = random;
    if (find_master(keyring, folder, err) != 0) {
        keyring_close(keyring);
        return -1;
    }
    unsigned char sealing[SEAL_KEY_SIZE];
    keyring_derive(keyring, "seal", sealing);
    keyring->seal = seal_new(sealing);
    explicit_bzero(sealing, sizeof sealing);
    *out = keyring;
    return 0;
}

void keyring_close(struct keyring *keyring)
{
    if (!keyring)
        return;
    seal_free(keyring->seal);
    explicit_bzero(keyring, sizeof *keyring);
    free(keyring);
}

void keyring_seal(struct keyring *keyring, struct arena *arena, const char *purpose,
                  const void *data, size_t len, unsigned char **out, size_t *out_len)
{
    unsigned char *sealed = arena_alloc(arena, OVERHEAD + len);
    sealed[0] = FORMAT;
    seal_close(keyring->seal, keyring->random, purpose, data, len, sealed + 1);
    *out = sealed;
    *out_len = OVERHEAD + len;
}

int keyring_unseal(struct keyring *keyring, struct arena *arena, const char *purpose,
                   const void *sealed, size_t sealed_len, unsigned char **out, size_t *out_len)
{
    const unsigned char *bytes = sealed;
    if (sealed_len < OVERHEAD || bytes[0] != FORMAT)
        return -1;
    size_t len = sealed_len - OVERHEAD;
    unsigned char *plain = arena_alloc(arena, len + 1);
    if (seal_open(keyring->seal, purpose, bytes + 1, sealed_len - 1, plain) != 0)
        return -1;
    *out = plain;
    *out_len = len;
    return 0;
}

void keyring_derive(struct keyring *keyring, const char *purpose, unsigned char out[32])
{
    digest_hmac_sha256(keyring->master, MASTER_SIZE, purpose, strlen(purpose), out);
}
