/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION. */
#include "aws/arn.h"
#include "base/arena.h"
#include "client/credentials_source.h"

#include <stdlib.h>
#include <string.h>

struct env_provider {
    struct credentials_provider provider;
    struct credentials_context context;
};

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    const struct credentials_context *context = &((struct env_provider *)provider)->context;
    const struct settings *settings = context->shared->settings;
    const char *access_key = settings_env(settings, "AWS_ACCESS_KEY_ID");
    const char *secret = settings_env(settings, "AWS_SECRET_ACCESS_KEY");
    if (!context->use_environment || (!access_key && !secret))
        return error_set(err, ERR_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set");
    const char *token = settings_env(settings, "AWS_SESSION_TOKEN");
    if (!token)
        token = settings_env(settings, "AWS_SECURITY_TOKEN"); /* its name of before 2012 */
    if (credentials_set(out, provider->name, access_key, secret, token, err) != 0)
        return -1;
    const char *account = settings_env(settings, "AWS_ACCOUNT_ID");
    if (account && account_valid(account))
        memcpy(out->account, account, sizeof out->account);
    const char *expires = settings_env(settings, "AWS_CREDENTIAL_EXPIRATION");
    return expires
               ? credentials_set_expiry(out, provider->name, expires, context->shared->clock, err)
               : 0;
}

static void release(struct credentials_provider *provider)
{
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context)
{
    struct env_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){credentials_env.name, fetch, release};
    self->context = *context;
    return &self->provider;
}

const struct credentials_source credentials_env = {.name = "environment", .make = make};
