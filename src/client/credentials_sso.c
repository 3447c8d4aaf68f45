/* IAM Identity Center (SSO) and `aws login`: not supported, and said so where botocore would have
 * used them, instead of going on to a source that the user did not mean. */
#include "base/arena.h"
#include "client/credentials_source.h"

#include <stdlib.h>

struct refusal {
    struct credentials_provider provider;
    struct credentials_context context;
    const char *const *keys; /* any of them in the profile asks for this source */
};

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    const struct refusal *self = (const struct refusal *)provider;
    (void)out;
    for (const char *const *key = self->keys; *key; key++)
        if (settings_profile_key(self->context.shared->settings, self->context.profile, *key))
            return error_set(err, ERR_UNSUPPORTED,
                             "profile %s takes its credentials from %s (%s), which is not "
                             "supported: put \"credential_process = aws configure "
                             "export-credentials --profile %s\" into a profile and use that",
                             self->context.profile, provider->name, *key, self->context.profile);
    return error_set(err, ERR_NOT_FOUND, "profile %s does not use %s", self->context.profile,
                     provider->name);
}

static void release(struct credentials_provider *provider)
{
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context,
                                         const char *name, const char *const *keys)
{
    struct refusal *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){name, fetch, release};
    self->context = *context;
    self->keys = keys;
    return &self->provider;
}

static struct credentials_provider *make_sso(const struct credentials_context *context)
{
    static const char *const keys[] = {"sso_session", "sso_start_url", "sso_account_id",
                                       "sso_role_name", NULL};
    return make(context, credentials_sso.name, keys);
}

static struct credentials_provider *make_login(const struct credentials_context *context)
{
    static const char *const keys[] = {"login_session", NULL};
    return make(context, credentials_login.name, keys);
}

const struct credentials_source credentials_sso = {.name = "SSO",
                                                   .flags = CREDENTIALS_OF_PROFILE,
                                                   .make = make_sso};
const struct credentials_source credentials_login = {.name = "aws login",
                                                     .flags = CREDENTIALS_OF_PROFILE,
                                                     .make = make_login};
