/* credential_process: a program that prints credentials as JSON. */
#include "base/arena.h"
#include "base/json.h"
#include "client/command.h"
#include "client/credentials_source.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 60 * 1000, LARGEST_OUTPUT = 64 * 1024 };

struct process_provider {
    struct credentials_provider provider;
    struct credentials_context context;
};

static int read_answer(const char *name, const struct buf *answer, struct credentials *out,
                       struct error *err)
{
    json_t *object = json_read(buf_text(answer), answer->len, err);
    if (!object)
        return error_context(err, "output of credential_process");
    int result = 0;
    if (json_int_or(object, "Version", 0) != 1)
        result =
            error_set(err, ERR_INVALID, "credential_process must print \"Version\": 1 in its JSON");
    else
        result = credentials_from_json(out, name, object, "SessionToken", err);
    json_decref(object);
    return result;
}

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    const struct credentials_context *context = &((struct process_provider *)provider)->context;
    const char *command =
        settings_profile_key(context->shared->settings, context->profile, "credential_process");
    if (!command)
        return error_set(err, ERR_NOT_FOUND, "profile %s has no credential_process",
                         context->profile);
    struct arena scratch;
    struct buf answer;
    char **words;
    arena_init(&scratch);
    buf_init(&answer, LARGEST_OUTPUT);
    int result = command_split(&scratch, command, &words, err);
    if (result == 0)
        result = command_run(words, TIMEOUT_MS, &answer, err);
    if (result == 0)
        result = read_answer(provider->name, &answer, out, err);
    if (result != 0)
        error_context(err, "profile %s: credential_process", context->profile);
    buf_done(&answer);
    arena_done(&scratch);
    return result;
}

static void release(struct credentials_provider *provider)
{
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context)
{
    struct process_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){credentials_process.name, fetch, release};
    self->context = *context;
    return &self->provider;
}

const struct credentials_source credentials_process = {.name = "credential process",
                                                       .flags = CREDENTIALS_OF_PROFILE,
                                                       .make = make};
