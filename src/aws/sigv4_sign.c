#include "aws/sigv4_intern.h"
#include "base/arena.h"
#include "base/clock.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

static const char empty_body_hash[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

enum { CANONICAL_LIMIT = 1024 * 1024 };

static void derive_key(const char *secret, size_t secret_len, struct text date, struct text region,
                       struct text service, unsigned char digest[SHA256_SIZE])
{
    size_t first_len = 4 + secret_len;
    char *first = memory_alloc(first_len);
    memcpy(first, "AWS4", 4);
    if (secret_len)
        memcpy(first + 4, secret, secret_len);
    digest_hmac_sha256(first, first_len, date.data, date.len, digest);
    explicit_bzero(first, first_len);
    free(first);
    digest_hmac_sha256(digest, SHA256_SIZE, region.data, region.len, digest);
    digest_hmac_sha256(digest, SHA256_SIZE, service.data, service.len, digest);
    digest_hmac_sha256(digest, SHA256_SIZE, SIGV4_TERMINATOR, sizeof SIGV4_TERMINATOR - 1, digest);
}

struct hmac_key *sigv4_key_new(const char *secret, size_t secret_len, struct text date,
                               struct text region, struct text service)
{
    unsigned char digest[SHA256_SIZE];
    derive_key(secret, secret_len, date, region, service, digest);
    struct hmac_key *key = hmac_key_new(digest, sizeof digest);
    explicit_bzero(digest, sizeof digest);
    return key;
}

void sigv4_key_cache_init(struct sigv4_key_cache *cache)
{
    *cache = (struct sigv4_key_cache){0};
    pthread_mutex_init(&cache->mutex, NULL);
}

void sigv4_key_cache_done(struct sigv4_key_cache *cache)
{
    pthread_mutex_destroy(&cache->mutex);
    explicit_bzero(cache, sizeof *cache);
}

static void cached_key(struct sigv4_key_cache *cache, const char *secret,
                       const struct sigv4_scope *scope, unsigned char key[SHA256_SIZE])
{
    unsigned char secret_digest[SHA256_SIZE];
    digest_sha256(secret, strlen(secret), secret_digest);
    pthread_mutex_lock(&cache->mutex);
    if (!cache->known || memcmp(cache->date, scope->date.data, sizeof cache->date) != 0 ||
        !digest_equal(cache->secret_digest, secret_digest, sizeof secret_digest)) {
        derive_key(secret, strlen(secret), scope->date, scope->region, scope->service, cache->key);
        memcpy(cache->secret_digest, secret_digest, sizeof secret_digest);
        memcpy(cache->date, scope->date.data, sizeof cache->date);
        cache->known = true;
    }
    memcpy(key, cache->key, sizeof cache->key);
    pthread_mutex_unlock(&cache->mutex);
}

void sigv4_string_to_sign(struct buf *out, const char *timestamp, const struct sigv4_scope *scope,
                          const struct buf *canonical)
{
    char hash[SHA256_HEX_SIZE];
    digest_sha256_hex(buf_text(canonical), canonical->len, hash);
    buf_reset(out);
    buf_append(out, SIGV4_ALGORITHM "\n", sizeof SIGV4_ALGORITHM);
    buf_append_text(out, timestamp);
    buf_append_char(out, '\n');
    buf_append(out, scope->date.data, scope->date.len);
    buf_append_char(out, '/');
    buf_append(out, scope->region.data, scope->region.len);
    buf_append_char(out, '/');
    buf_append(out, scope->service.data, scope->service.len);
    buf_append(out, "/" SIGV4_TERMINATOR "\n", sizeof SIGV4_TERMINATOR + 1);
    buf_append(out, hash, sizeof hash - 1);
}

void sigv4_signature(struct hmac_key *key, const struct buf *string_to_sign,
                     char hex[SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    hmac_key_digest(key, buf_text(string_to_sign), string_to_sign->len, digest);
    digest_hex(digest, sizeof digest, hex);
}

/* What a proxy may change or add on the way: the lists of aws-c-auth and botocore together. */
static const char *const never_signed[] = {
    "authorization",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
};

static bool signable(const char *name, const struct sigv4_signing *signing)
{
    for (size_t i = 0; i < sizeof never_signed / sizeof never_signed[0]; i++)
        if (name[0] == never_signed[i][0] && strcmp(name, never_signed[i]) == 0)
            return false;
    return !signing->omit_token || strcmp(name, "x-amz-security-token") != 0;
}

static int name_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char *lower_name(struct arena *arena, struct text name)
{
    char *lower = arena_strndup(arena, name.data, name.len);
    for (char *at = lower; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
    return lower;
}

/* "host;x-amz-date" */
static int signed_names(struct arena *arena, const struct sigv4_request *request,
                        const struct sigv4_signing *signing, struct text *out, struct error *err)
{
    char **names = arena_calloc(arena, request->field_count + 1, sizeof *names);
    size_t count = 0, len = 0;
    bool host = false;
    for (size_t i = 0; i < request->field_count; i++) {
        char *name = lower_name(arena, request->fields[i].name);
        if (!signable(name, signing))
            continue;
        host = host || strcmp(name, "host") == 0;
        len += strlen(name) + 1;
        names[count++] = name;
    }
    if (!host)
        return error_set(err, ERR_INVALID, "a request without a Host field cannot be signed");
    qsort(names, count, sizeof *names, name_compare);
    char *text = arena_alloc(arena, len), *at = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(names[i - 1], names[i]) == 0)
            continue;
        if (i > 0)
            *at++ = ';';
        at = stpcpy(at, names[i]);
    }
    *out = (struct text){text, (size_t)(at - text)};
    return 0;
}

static struct sigv4_field field_of(const char *name, const char *value)
{
    return (struct sigv4_field){text_of(name), text_of(value)};
}

static int sign(const struct sigv4_request *request, const struct sigv4_signing *signing,
                const char *timestamp, struct text names, unsigned flags,
                char signature[SHA256_HEX_SIZE], struct error *err)
{
    const struct sigv4_scope scope = {text_of(signing->credentials.access_key),
                                      {timestamp, 8},
                                      text_of(signing->region),
                                      text_of(signing->service)};
    struct buf canonical, string_to_sign;
    buf_init(&canonical, CANONICAL_LIMIT);
    buf_init(&string_to_sign, CANONICAL_LIMIT);
    buf_reserve(&canonical, 1000); /* most are shorter: no growing by and by */
    int result = sigv4_canonical_write(&canonical, request, names, flags, err);
    if (result == 0) {
        const char *secret = signing->credentials.secret;
        unsigned char key[SHA256_SIZE], digest[SHA256_SIZE];
        if (signing->keys)
            cached_key(signing->keys, secret, &scope, key);
        else
            derive_key(secret, strlen(secret), scope.date, scope.region, scope.service, key);
        sigv4_string_to_sign(&string_to_sign, timestamp, &scope, &canonical);
        digest_hmac_sha256(key, sizeof key, buf_text(&string_to_sign), string_to_sign.len, digest);
        digest_hex(digest, sizeof digest, signature);
        explicit_bzero(key, sizeof key);
    }
    buf_done(&canonical);
    buf_done(&string_to_sign);
    return result;
}

static int sign_header(struct arena *arena, struct sigv4_request *request,
                       const struct sigv4_signing *signing, const char *timestamp,
                       struct sigv4_field **added, size_t *added_count, struct error *err)
{
    struct sigv4_field *fields = arena_calloc(arena, request->field_count + 4, sizeof *fields);
    size_t count = request->field_count;
    if (count)
        memcpy(fields, request->fields, count * sizeof *fields);
    fields[count++] = field_of("X-Amz-Date", arena_strdup(arena, timestamp));
    if (signing->credentials.token)
        fields[count++] =
            field_of("X-Amz-Security-Token", arena_strdup(arena, signing->credentials.token));
    if (signing->add_payload_hash)
        fields[count++] =
            field_of("X-Amz-Content-Sha256", arena_strdup(arena, request->payload_hash));
    *added = fields + request->field_count;
    *added_count = count + 1 - request->field_count;
    request->fields = fields;
    request->field_count = count;

    struct text names;
    char signature[SHA256_HEX_SIZE];
    if (signed_names(arena, request, signing, &names, err) != 0 ||
        sign(request, signing, timestamp, names, SIGV4_KEEP_SIGNATURE, signature, err) != 0)
        return -1;
    const char *date = arena_strndup(arena, timestamp, 8); /* yyyymmdd */
    fields[count] =
        field_of("Authorization",
                 arena_join(arena, SIGV4_ALGORITHM " Credential=", signing->credentials.access_key,
                            "/", date, "/", signing->region, "/", signing->service,
                            "/" SIGV4_TERMINATOR ", SignedHeaders=", names.data,
                            ", Signature=", signature, NULL));
    return 0;
}

static void parameter(struct buf *out, const char *name, const char *value)
{
    buf_append_char(out, '&');
    buf_append_text(out, name);
    buf_append_char(out, '=');
    url_encode(out, value, strlen(value), false);
}

static int sign_query(struct arena *arena, struct sigv4_request *request,
                      const struct sigv4_signing *signing, const char *timestamp,
                      char **presigned_query, struct error *err)
{
    struct text names;
    if (signed_names(arena, request, signing, &names, err) != 0)
        return -1;
    struct buf query;
    buf_init(&query, CANONICAL_LIMIT);
    buf_append(&query, request->query.data, request->query.len);
    parameter(&query, "X-Amz-Algorithm", SIGV4_ALGORITHM);
    parameter(&query, "X-Amz-Credential",
              arena_printf(arena, "%s/%.8s/%s/%s/" SIGV4_TERMINATOR,
                           signing->credentials.access_key, timestamp, signing->region,
                           signing->service));
    parameter(&query, "X-Amz-Date", timestamp);
    parameter(&query, "X-Amz-SignedHeaders", arena_strndup(arena, names.data, names.len));
    parameter(&query, "X-Amz-Expires", arena_printf(arena, "%d", signing->expires_s));
    if (signing->credentials.token)
        parameter(&query, "X-Amz-Security-Token", signing->credentials.token);
    size_t skip = request->query.len == 0; /* the first '&' */
    char signature[SHA256_HEX_SIZE];
    request->query = (struct text){buf_text(&query) + skip, query.len - skip};
    int result = query.overflow ? error_set(err, ERR_LIMIT, "the query to presign is too long")
                                : sign(request, signing, timestamp, names,
                                       signing->omit_token ? SIGV4_DROP_TOKEN : 0, signature, err);
    if (result == 0)
        *presigned_query =
            arena_printf(arena, "%s&X-Amz-Signature=%s", request->query.data, signature);
    buf_done(&query);
    return result;
}

int sigv4_sign(struct arena *arena, const struct sigv4_request *request,
               const struct sigv4_signing *signing, struct sigv4_field **added, size_t *added_count,
               char **presigned_query, struct error *err)
{
    struct sigv4_request changed = *request;
    char timestamp[CLOCK_TEXT_SIZE];
    clock_format_basic(signing->time_ms, timestamp);
    if (!changed.payload_hash)
        changed.payload_hash = empty_body_hash;
    /* A field left over from an earlier attempt would be joined with the new one. */
    if (sigv4_field_find(request, text_of("x-amz-date")) ||
        sigv4_field_find(request, text_of("authorization")))
        return error_set(err, ERR_INVALID, "the request to sign has been signed before");
    if (signing->expires_s > 0)
        return sign_query(arena, &changed, signing, timestamp, presigned_query, err);
    return sign_header(arena, &changed, signing, timestamp, added, added_count, err);
}

bool sigv4_verify(const struct sigv4_request *request, const struct sigv4_presented *presented,
                  struct hmac_key *key, struct buf *canonical, struct buf *string_to_sign)
{
    char expected[SHA256_HEX_SIZE];
    if (presented->signature.len != SHA256_HEX_SIZE - 1)
        return false;
    unsigned flags = presented->in_query ? 0 : SIGV4_KEEP_SIGNATURE;
    for (;;) {
        if (sigv4_canonical_write(canonical, request, presented->signed_names, flags, NULL) != 0)
            return false;
        sigv4_string_to_sign(string_to_sign, presented->timestamp, &presented->scope, canonical);
        if (string_to_sign->overflow)
            return false;
        sigv4_signature(key, string_to_sign, expected);
        if (digest_equal(expected, presented->signature.data, SHA256_HEX_SIZE - 1))
            return true;
        /* Some clients add the token to a presigned query after signing it. */
        if (!presented->in_query || !presented->token.data || flags & SIGV4_DROP_TOKEN)
            return false;
        flags |= SIGV4_DROP_TOKEN;
    }
}
