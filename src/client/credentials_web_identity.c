/* A role taken with the token of an identity provider (IAM roles for service accounts): the file
 * is read again at every refresh, because its owner replaces it, and the call is not signed. */
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "client/credentials_source.h"
#include "client/sts.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_TOKEN = 20000 /* service model */ };

struct web_provider {
    struct credentials_provider provider;
    struct credentials_context context;
    struct aws_client *sts;
};

/* Variables only when the profile was not chosen by the caller, as for keys. */
static const char *setting(const struct web_provider *self, const char *variable, const char *key)
{
    const struct settings *settings = self->context.shared->settings;
    const char *value = self->context.use_environment ? settings_env(settings, variable) : NULL;
    return value ? value : settings_profile_key(settings, self->context.profile, key);
}

static int read_token(struct arena *arena, const char *path, char **token, struct error *err)
{
    size_t len;
    if (file_read(arena, path, LARGEST_TOKEN, false, token, &len, err) != 0) {
        if (err && err->code == ERR_NOT_FOUND)
            err->code = ERR_IO; /* the source was named: going on to another would be wrong */
        return error_context(err, "web identity token");
    }
    while (len && ((*token)[len - 1] == '\n' || (*token)[len - 1] == '\r'))
        (*token)[--len] = '\0';
    if (strlen(*token) != len || !len)
        return error_set(err, ERR_INVALID, "web identity token file %s holds no token", path);
    return 0;
}

static int assume(struct web_provider *self, struct arena *arena, const char *role_arn,
                  const char *token, struct credentials *out, struct error *err)
{
    struct client_shared *shared = self->context.shared;
    if (!self->sts)
        self->sts = credentials_sts_client(shared, role_arn, NULL, err);
    if (!self->sts)
        return -1;
    const char *name = setting(self, "AWS_ROLE_SESSION_NAME", "role_session_name");
    json_t *input = json_object(), *answer = NULL;
    json_object_set_new(input, "RoleArn", json_string(role_arn));
    json_object_set_new(input, "RoleSessionName",
                        json_string(credentials_session_name(arena, shared, name)));
    json_object_set_new(input, "WebIdentityToken", json_string(token));
    int result =
        aws_call(self->sts, arena, &sts_assume_role_with_web_identity, input, &answer, err);
    if (result == 0)
        result = credentials_from_sts(out, self->provider.name, answer, err);
    json_decref(answer);
    json_decref(input);
    return result == 0 ? 0 : error_context(err, "role %s by web identity", role_arn);
}

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct web_provider *self = (struct web_provider *)provider;
    const char *path = setting(self, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    const char *role_arn = setting(self, "AWS_ROLE_ARN", "role_arn");
    if (!path)
        return error_set(err, ERR_NOT_FOUND, "no web identity token file is configured");
    if (!role_arn)
        return error_set(err, ERR_INVALID,
                         "a web identity token file is configured, but neither AWS_ROLE_ARN nor "
                         "the profile's role_arn");
    struct arena scratch;
    char *token;
    arena_init(&scratch);
    int result = read_token(&scratch, path, &token, err);
    if (result == 0)
        result = assume(self, &scratch, role_arn, token, out, err);
    arena_done(&scratch);
    if (result != 0 && err && err->code == ERR_NOT_FOUND)
        err->code = ERR_DENIED;
    return result;
}

static void release(struct credentials_provider *provider)
{
    aws_client_free(((struct web_provider *)provider)->sts);
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context)
{
    struct web_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){credentials_web_identity.name, fetch, release};
    self->context = *context;
    return &self->provider;
}

const struct credentials_source credentials_web_identity = {.name = "web identity",
                                                            .flags = CREDENTIALS_OF_PROFILE,
                                                            .make = make};
