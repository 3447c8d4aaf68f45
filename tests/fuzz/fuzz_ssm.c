/* What Parameter Store reads itself: names, ARNs and paths, parameter policies, sealed messages. */
#include "fuzz.h"
#include "local/services/ssm_message.h"
#include "local/services/ssm_name.h"
#include "local/services/ssm_policy.h"

#include <assert.h>
#include <string.h>

enum { ARN_PREFIX_BYTES = 45, OUT_BYTES = 1024 * 1024 };

static void names(struct text text)
{
    struct ssm_name made, read;
    struct text prefix;
    (void)ssm_name_read(text, SSM_NAME_WITH_SELECTOR, &read);
    (void)ssm_name_read(text, SSM_NAME_OR_ARN, &read);
    (void)ssm_path_read(text, &prefix);
    if (ssm_name_create(text, ARN_PREFIX_BYTES, &made) != SSM_NAME_GOOD)
        return;
    /* What can be made can be asked for, by every form, and is the same parameter. */
    assert(made.key.len > 0 && made.key.len + ARN_PREFIX_BYTES <= SSM_ARN_MAX_BYTES);
    assert(ssm_name_read(text, SSM_NAME_ONLY, &read) == SSM_NAME_GOOD);
    assert(read.key.data == made.key.data && read.key.len == made.key.len);
    assert(ssm_name_read(text, SSM_NAME_WITH_SELECTOR, &read) == SSM_NAME_GOOD);
    assert(!read.selector.data && read.key.len == made.key.len);
}

static void policies(struct arena *arena, struct text text)
{
    struct ssm_policies first, again;
    struct ssm_policy_fault fault = {0};
    if (ssm_policies_read(arena, text.data, text.len, 0, &first, &fault) != 0) {
        assert(fault.code && fault.message);
        return;
    }
    if (!first.json)
        return;
    assert(ssm_policies_read(arena, first.json, strlen(first.json), 0, &again, &fault) == 0);
    assert(strcmp(first.json, again.json) == 0 && first.expires_ms == again.expires_ms);
    struct buf buf;
    struct json_writer out;
    buf_init(&buf, OUT_BYTES);
    json_writer_init(&out, &buf);
    ssm_policies_write(&out, text_of(first.json), first.expires_ms, 0, 0);
    json_t *shown = json_read(buf.data, buf.len, NULL);
    assert(json_array_size(shown) >= 1);
    json_decref(shown);
    buf_done(&buf);
}

static void messages(struct arena *arena, struct text text)
{
    static const unsigned char data_key[SSM_DATA_KEY_BYTES] = {1};
    struct ssm_message_key key;
    char *plaintext;
    size_t len;
    if (ssm_message_open(arena, text, data_key, &plaintext, &len) == 0)
        assert(ssm_message_key(text, &key) == 0 && len <= text.len);
    else
        (void)ssm_message_key(text, &key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct text text = {(const char *)data, size};
    arena_init(&arena);
    names(text);
    policies(&arena, text);
    messages(&arena, text);
    arena_done(&arena);
    return 0;
}
