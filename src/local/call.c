/* What a handler does with its call: failures, input, answers, names, paging tokens (service.h). */
#include "local/doorbell.h"
#include "local/service.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/digest.h"

#include <stdarg.h>
#include <string.h>

static void fill(struct local_call *call, const char *code, const char *key, const char *message)
{
    call->failure = (struct local_failure){0, code, message, key};
}

void local_fill(struct local_call *call, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = arena_vprintf(call->arena, format, args);
    va_end(args);
    fill(call, code, "message", message);
}

void local_fill_capital(struct local_call *call, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = arena_vprintf(call->arena, format, args);
    va_end(args);
    fill(call, code, "Message", message);
}

void local_fill_bare(struct local_call *call, const char *code)
{
    fill(call, code, NULL, NULL);
}

const char *local_text(const struct local_call *call, const char *name)
{
    return json_text(call->input, name);
}

size_t local_text_len(const struct local_call *call, const char *name)
{
    return json_string_length(json_object_get(call->input, name));
}

int64_t local_int(const struct local_call *call, const char *name, int64_t fallback)
{
    return json_int_or(call->input, name, fallback);
}

bool local_bool(const struct local_call *call, const char *name, bool fallback)
{
    return json_bool_or(call->input, name, fallback);
}

const json_t *local_value(const struct local_call *call, const char *name)
{
    const json_t *value = json_object_get(call->input, name);
    return json_is_null(value) ? NULL : value;
}

void local_wait_for(struct local_call *call, int64_t bell)
{
    call->wait.bell = bell;
    call->wait.heard = doorbell_heard(call->local->doorbell, bell);
}

void local_put_time(struct local_call *call, const char *key, int64_t time_ms)
{
    json_key(call->out, key);
    if (call->service->protocol == AWS_QUERY) {
        char text[CLOCK_TEXT_SIZE];
        clock_format_iso(time_ms, text);
        json_write_text(call->out, text);
    } else {
        json_write_epoch(call->out, time_ms);
    }
}

char *local_arn(struct local_call *call, const char *service, const char *resource)
{
    return arn_format(call->arena, call->partition, service, call->region, call->account, resource);
}

const char *local_shown(struct local_call *call, const char *arn)
{
    static const char common[] = "arn:aws:";
    if (!arn || strcmp(call->partition, "aws") == 0 || !text_starts(arn, common))
        return arn;
    return arena_printf(call->arena, "arn:%s:%s", call->partition, arn + strlen(common));
}

/* --- paging tokens ---------------------------------------------------------------------------- */

/* base64(tag of 16 bytes, position); the tag covers what the token is bound to as well. */
enum { TAG_SIZE = 16 };

static void tag_position(struct local_call *call, const char *position, size_t len,
                         unsigned char tag[TAG_SIZE])
{
    unsigned char key[32], digest[SHA256_SIZE];
    struct buf bound;
    buf_init(&bound, 64 * 1024);
    buf_printf(&bound, "%s\n%s\n%s\n%s\n%s\n", call->service->name, call->operation->name,
               call->partition, call->region, call->account);
    buf_append(&bound, position, len);
    keyring_derive(call->local->keyring, "paging token", key);
    digest_hmac_sha256(key, sizeof key, buf_text(&bound), bound.len, digest);
    memcpy(tag, digest, TAG_SIZE);
    explicit_bzero(key, sizeof key);
    buf_done(&bound);
}

char *local_token_encode(struct local_call *call, const char *position)
{
    size_t len = strlen(position);
    unsigned char *bytes = arena_alloc(call->arena, TAG_SIZE + len);
    tag_position(call, position, len, bytes);
    memcpy(bytes + TAG_SIZE, position, len);
    return base64_encode(call->arena, bytes, TAG_SIZE + len);
}

int local_token_decode(struct local_call *call, const char *token, char **position)
{
    unsigned char *bytes, tag[TAG_SIZE];
    size_t len;
    if (base64_decode(call->arena, token, strlen(token), &bytes, &len) != 0 || len < TAG_SIZE)
        return -1;
    const char *text = (const char *)bytes + TAG_SIZE;
    tag_position(call, text, len - TAG_SIZE, tag);
    if (!digest_equal(tag, bytes, TAG_SIZE) || memchr(text, '\0', len - TAG_SIZE))
        return -1;
    *position = arena_strndup(call->arena, text, len - TAG_SIZE);
    return 0;
}
