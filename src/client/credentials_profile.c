/* aws_access_key_id and its companions in a file: two sources, because the order of the chain puts
 * web identity and credential_process between the two files. */
#include "aws/arn.h"
#include "base/arena.h"
#include "client/credentials_source.h"

#include <stdlib.h>
#include <string.h>

struct file_provider {
    struct credentials_provider provider;
    struct credentials_context context;
    const struct profile_file *file;
};

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct file_provider *self = (struct file_provider *)provider;
    const struct profile_section *section =
        profile_find(self->file, PROFILE_SECTION, self->context.profile);
    const char *access_key = profile_value(section, "aws_access_key_id");
    if (!access_key || !*access_key)
        return error_set(err, ERR_NOT_FOUND, "profile %s of %s has no aws_access_key_id",
                         self->context.profile, self->file->path);
    const char *token = profile_value(section, "aws_session_token");
    if (!token)
        token = profile_value(section, "aws_security_token");
    if (credentials_set(out, provider->name, access_key,
                        profile_value(section, "aws_secret_access_key"), token, err) != 0)
        return error_context(err, "profile %s of %s", self->context.profile, self->file->path);
    const char *account = profile_value(section, "aws_account_id");
    if (account && account_valid(account))
        memcpy(out->account, account, sizeof out->account);
    return 0;
}

static void release(struct credentials_provider *provider)
{
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context,
                                         const char *name, const struct profile_file *file)
{
    struct file_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){name, fetch, release};
    self->context = *context;
    self->file = file;
    return &self->provider;
}

static struct credentials_provider *make_shared(const struct credentials_context *context)
{
    return make(context, credentials_shared_file.name, &context->shared->settings->credentials);
}

static struct credentials_provider *make_config(const struct credentials_context *context)
{
    return make(context, credentials_config_file.name, &context->shared->settings->config);
}

const struct credentials_source credentials_shared_file = {.name = "shared credentials file",
                                                           .flags = CREDENTIALS_OF_PROFILE,
                                                           .make = make_shared};
const struct credentials_source credentials_config_file = {.name = "config file",
                                                           .flags = CREDENTIALS_OF_PROFILE,
                                                           .make = make_config};
