#include "local/services/kms_material.h"

#include "base/digest.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { AES_KEY_SIZE = 32 };

/* --- the cache of unwrapped material ---------------------------------------------------------- */

/* Material never changes under its id, so an entry is good for as long as it stays; whether the
 * key may be used is asked elsewhere. One table a thread: no locks, wiped on eviction and when the
 * thread ends. */
enum { SLOTS = 128 };
struct cache {
    struct kms_material slots[SLOTS];
};

static EVP_CIPHER *aes;
static pthread_key_t cache_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void slot_wipe(struct kms_material *slot)
{
    EVP_CIPHER_CTX_free(slot->seal); /* clears the key schedule */
    EVP_CIPHER_CTX_free(slot->unseal);
    EVP_PKEY_free(slot->pkey);
    OPENSSL_cleanse(slot, sizeof *slot);
}

static void cache_free(void *arg)
{
    struct cache *cache = arg;
    for (int i = 0; i < SLOTS; i++)
        slot_wipe(&cache->slots[i]);
    free(cache);
}

static void setup(void)
{
    aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!aes || pthread_key_create(&cache_key, cache_free) != 0)
        kms_broken("no AES-256-GCM");
}

static struct kms_material *slot_of(const char *material)
{
    static _Thread_local struct cache *cache;
    if (!cache) {
        pthread_once(&once, setup);
        cache = memory_alloc(sizeof *cache);
        pthread_setspecific(cache_key, cache); /* freed with the thread */
    }
    unsigned char first = 0;
    if (digest_unhex(material, 2, &first, 1) != 0)
        first = 0;
    return &cache->slots[first % SLOTS];
}

static EVP_CIPHER_CTX *keyed(const unsigned char key[AES_KEY_SIZE], bool seal)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        memory_exhausted(sizeof(void *));
    if (EVP_CipherInit_ex2(context, aes, key, NULL, seal, NULL) != 1)
        kms_broken("AES-256-GCM key");
    return context;
}

static char *purpose_of(struct local_call *call, const char *key_id, const char *material)
{
    return arena_printf(call->arena, "kms:material:%s:%s", key_id, material);
}

/* 0 when the bytes are of this family. */
static int slot_fill(struct kms_material *slot, enum kms_family family,
                     const struct kms_bytes *bytes)
{
    if (family == KMS_AES) {
        if (bytes->len != AES_KEY_SIZE)
            return -1;
        slot->seal = keyed(bytes->data, true);
        slot->unseal = keyed(bytes->data, false);
        return 0;
    }
    if (family == KMS_HMAC) {
        if (bytes->len > KMS_LARGEST_MAC_KEY)
            return -1;
        memcpy(slot->mac_key, bytes->data, bytes->len);
        slot->mac_key_len = bytes->len;
        return 0;
    }
    slot->pkey = kms_pkey_read_private(bytes->data, bytes->len);
    return slot->pkey ? 0 : -1;
}

static bool slot_is(const struct kms_material *slot, enum kms_family family)
{
    return family == KMS_AES    ? slot->seal != NULL
           : family == KMS_HMAC ? slot->mac_key_len > 0
                                : slot->pkey != NULL;
}

struct kms_material *kms_material_open(struct local_call *call, const char *key_id,
                                       const char *material, enum kms_family family)
{
    struct kms_material *slot = slot_of(material);
    if (slot->keyring == call->local->keyring && strcmp(slot->id, material) == 0)
        return slot_is(slot, family) ? slot : NULL;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT sealed FROM kms_materials WHERE key_id = $1 AND material = $2", "tt",
                key_id, material);
    struct kms_bytes bytes = {NULL, 0};
    int status = -1;
    if (store_next(&rows)) {
        struct text sealed = store_blob(&rows, 0);
        status =
            keyring_unseal(call->local->keyring, call->arena, purpose_of(call, key_id, material),
                           sealed.data, sealed.len, &bytes.data, &bytes.len);
    }
    store_end(&rows);
    if (status != 0)
        return NULL;
    slot_wipe(slot);
    status = slot_fill(slot, family, &bytes);
    OPENSSL_cleanse(bytes.data, bytes.len);
    if (status != 0)
        return NULL;
    slot->keyring = call->local->keyring;
    memcpy(slot->id, material, KMS_MATERIAL_SIZE);
    return slot;
}

/* --- making ----------------------------------------------------------------------------------- */

void kms_material_store(struct local_call *call, const char *account, const char *key_id,
                        const char *material, const struct kms_bytes *bytes)
{
    unsigned char *sealed;
    size_t sealed_len;
    keyring_seal(call->local->keyring, call->arena, purpose_of(call, key_id, material), bytes->data,
                 bytes->len, &sealed, &sealed_len);
    store_run(call->store,
              "INSERT INTO kms_materials (account, key_id, material, sealed, created_ms) "
              "VALUES ($1, $2, $3, $4, $5)",
              "tttbi", account, key_id, material, sealed, sealed_len,
              call->local->clock->now_ms(call->local->clock));
}

void kms_material_new(struct local_call *call, const char *account, const char *key_id,
                      const struct kms_spec *spec, char material[KMS_MATERIAL_SIZE])
{
    unsigned char id[32];
    struct kms_bytes bytes;
    random_bytes(call->local->random, id, sizeof id);
    digest_hex(id, sizeof id, material);
    if (spec->family == KMS_AES || spec->family == KMS_HMAC) {
        bytes.len = (size_t)spec->bits / 8;
        bytes.data = arena_alloc(call->arena, bytes.len);
        random_bytes(call->local->random, bytes.data, bytes.len);
    } else {
        EVP_PKEY *pkey = kms_pkey_generate(spec);
        bytes = kms_pkey_private(call->arena, pkey);
        EVP_PKEY_free(pkey);
    }
    kms_material_store(call, account, key_id, material, &bytes);
    OPENSSL_cleanse(bytes.data, bytes.len);
}

void kms_material_name(struct local_call *call, const char *key_id, const struct kms_bytes *bytes,
                       char material[KMS_MATERIAL_SIZE])
{
    unsigned char key[32], digest[SHA256_SIZE];
    size_t id_len = strlen(key_id) + 1, len = id_len + bytes->len;
    unsigned char *named = arena_alloc(call->arena, len);
    memcpy(named, key_id, id_len);
    memcpy(named + id_len, bytes->data, bytes->len);
    keyring_derive(call->local->keyring, "kms:material-id", key);
    digest_hmac_sha256(key, sizeof key, named, len, digest);
    digest_hex(digest, sizeof digest, material);
    OPENSSL_cleanse(named, len);
    OPENSSL_cleanse(key, sizeof key);
}
