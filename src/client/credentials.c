#include "client/credentials.h"

#include "aws/arn.h"
#include "base/json.h"
#include "client/credentials_source.h"

#include <string.h>

void credentials_done(struct credentials *credentials)
{
    secret_free(&credentials->secret);
    secret_free(&credentials->token);
    *credentials = (struct credentials){0};
}

void credentials_copy(struct credentials *to, const struct credentials *from)
{
    secret_set(&to->secret, from->secret.data, from->secret.len);
    if (from->token.data)
        secret_set(&to->token, from->token.data, from->token.len);
    else
        secret_free(&to->token);
    memcpy(to->access_key, from->access_key, sizeof to->access_key);
    memcpy(to->account, from->account, sizeof to->account);
    to->expires_ms = from->expires_ms;
    to->source = from->source;
}

void credentials_provider_free(struct credentials_provider *provider)
{
    if (provider)
        provider->free(provider);
}

/* Printable ASCII: what may stand in a header or is hashed as it is. */
static bool printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

int credentials_set(struct credentials *out, const char *source, const char *access_key,
                    const char *secret, const char *token, struct error *err)
{
    if (!access_key || !*access_key)
        return error_set(err, ERR_INVALID, "credentials of the %s lack the access key id", source);
    if (!secret || !*secret)
        return error_set(err, ERR_INVALID, "credentials of the %s lack the secret access key",
                         source);
    if (strlen(access_key) >= sizeof out->access_key || !printable(access_key) ||
        strchr(access_key, '/') || strchr(access_key, ',') || strchr(access_key, ' '))
        return error_set(err, ERR_INVALID, "the access key id of the %s is malformed", source);
    if (!printable(secret) || (token && !printable(token)))
        return error_set(err, ERR_INVALID,
                         "the secret key or token of the %s holds line ends or other bytes that "
                         "cannot be sent",
                         source);
    credentials_done(out);
    memcpy(out->access_key, access_key, strlen(access_key) + 1);
    secret_set(&out->secret, secret, strlen(secret));
    if (token && *token)
        secret_set(&out->token, token, strlen(token));
    out->source = source;
    return 0;
}

int credentials_set_expiry(struct credentials *out, const char *source, const char *text,
                           struct clock *clock, struct error *err)
{
    if (clock_parse_iso(text, strlen(text), &out->expires_ms) != 0)
        return error_set(err, ERR_INVALID, "the expiry of the %s credentials is no ISO 8601 time",
                         source);
    if (out->expires_ms <= 0) /* 0 means "never" here */
        out->expires_ms = 1;
    if (clock && out->expires_ms <= clock->now_ms(clock))
        return error_set(err, ERR_EXPIRED, "the credentials of the %s expired at %.40s", source,
                         text);
    return 0;
}

int credentials_from_json(struct credentials *out, const char *source, const json_t *object,
                          const char *token_name, struct error *err)
{
    if (!json_is_object(object))
        return error_set(err, ERR_INVALID, "the answer of the %s is no JSON object", source);
    const char *expires = json_text(object, "Expiration");
    const char *account = json_text(object, "AccountId");
    if (credentials_set(out, source, json_text(object, "AccessKeyId"),
                        json_text(object, "SecretAccessKey"), json_text(object, token_name),
                        err) != 0)
        return -1;
    if (account && account_valid(account))
        memcpy(out->account, account, sizeof out->account);
    return expires ? credentials_set_expiry(out, source, expires, NULL, err) : 0;
}

int credentials_parse_json(struct credentials *out, const char *source, const char *data,
                           size_t len, const char *token_name, struct error *err)
{
    json_t *object = json_read(data, len, err);
    if (!object)
        return error_context(err, "answer of the %s", source);
    int result = credentials_from_json(out, source, object, token_name, err);
    json_decref(object);
    return result;
}
