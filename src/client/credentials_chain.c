#include "base/arena.h"
#include "client/credentials_source.h"

#include <stdlib.h>

/* botocore's order. */
static const struct credentials_source *const sources[] = {
    &credentials_env,     &credentials_assume_role, &credentials_web_identity,
    &credentials_sso,     &credentials_shared_file, &credentials_login,
    &credentials_process, &credentials_config_file, &credentials_container,
    &credentials_imds,
};
enum { SOURCES = sizeof sources / sizeof sources[0] };

struct chain {
    struct credentials_provider provider;
    const char *profile; /* a source_profile; NULL: the whole chain */
    struct credentials_provider *members[SOURCES];
    size_t count;
    struct credentials_provider *chosen; /* the one that answered: a refresh is not to change
                                            whom we are */
};

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct chain *chain = (struct chain *)provider;
    if (chain->chosen)
        return chain->chosen->fetch(chain->chosen, out, err);
    struct error problem = {0};
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->members[i]->fetch(chain->members[i], out, &problem) == 0) {
            chain->chosen = chain->members[i];
            return 0;
        }
        credentials_done(out);
        if (problem.code != ERR_NOT_FOUND) {
            if (err)
                *err = problem;
            return -1;
        }
    }
    if (chain->profile)
        return error_set(err, ERR_NOT_FOUND, "profile %s has no credentials", chain->profile);
    return error_set(err, ERR_NOT_FOUND,
                     "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                     "choose a profile with --profile or AWS_PROFILE");
}

static void release(struct credentials_provider *provider)
{
    struct chain *chain = (struct chain *)provider;
    for (size_t i = 0; i < chain->count; i++)
        credentials_provider_free(chain->members[i]);
    free(chain);
}

struct credentials_provider *credentials_chain_new(const struct credentials_context *context,
                                                   unsigned flags)
{
    struct chain *chain = memory_alloc(sizeof *chain);
    chain->provider = (struct credentials_provider){"chain", fetch, release};
    chain->profile = flags & CREDENTIALS_OF_PROFILE ? context->profile : NULL;
    for (size_t i = 0; i < SOURCES; i++)
        if ((sources[i]->flags & flags) == flags)
            chain->members[chain->count++] = sources[i]->make(context);
    return &chain->provider;
}
