/* What KMS reads itself: ciphertexts, key ids, policies to be laid out. */
#include "fuzz.h"
#include "local/services/kms_parts.h"

#include <assert.h>
#include <string.h>

static void ciphertexts(const uint8_t *data, size_t len)
{
    struct kms_header header;
    if (kms_blob_read(data, len, &header) != 0)
        return;
    assert(len > KMS_BLOB_OVERHEAD);
    assert(kms_id_valid(header.key_id));
    assert(strlen(header.material) == KMS_MATERIAL_SIZE - 1);
}

/* What is shown says the same as what was given, and shown again it looks the same. */
static void policies(struct arena *arena, const char *text)
{
    char *shown, *again;
    struct error err;
    if (kms_policy_format(arena, text, &shown, &err) != 0)
        return;
    json_t *given = json_read(text, strlen(text), &err);
    json_t *read = json_read(shown, strlen(shown), &err);
    assert(given && read && json_equal(given, read));
    assert(kms_policy_format(arena, shown, &again, &err) == 0 && strcmp(shown, again) == 0);
    json_decref(given);
    json_decref(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    arena_init(&arena);
    ciphertexts(data, len);
    char *text = arena_strndup(&arena, (const char *)data, len);
    (void)kms_id_valid(text);
    policies(&arena, text);
    arena_done(&arena);
    return 0;
}
