/*
 * settings: what the environment and the chosen profile say, read once.
 *
 * A variable that is set but empty counts as unset. Environment wins over the profile, and the
 * credentials file over the config file for a key that both have, as in botocore. Everything is in
 * an arena of its own, wiped by settings_done because it holds the keys of the credentials file.
 * Immutable after settings_read: any thread.
 */
#ifndef UNDERSTUDY_CLIENT_SETTINGS_H
#define UNDERSTUDY_CLIENT_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"
#include "client/profile.h"

#include <stdbool.h>
#include <stdint.h>

struct settings {
    struct arena arena;
    char **environment; /* the AWS_ variables and HOME */
    struct profile_file config, credentials;
    const char *profile; /* its name; never NULL */
    bool
        profile_chosen; /* by the caller, not by AWS_PROFILE: the environment's keys do not count */
};

/* `profile` may be NULL; `environment` NULL means environ. ERR_INVALID for a profile that was named
 * but is in neither file, and for files that do not parse. */
int settings_read(struct settings *settings, const char *profile, const char *const *environment,
                  struct error *err);
void settings_done(struct settings *settings);

const char *settings_env(const struct settings *settings, const char *name); /* NULL when unset */
bool settings_has_profile(const struct settings *settings, const char *profile);
/* A key of a profile of either file; NULL when absent or empty. */
const char *settings_profile_key(const struct settings *settings, const char *profile,
                                 const char *key);
/* The variable, else the chosen profile's key, else NULL. Either name may be NULL. */
const char *settings_text(const struct settings *settings, const char *variable, const char *key);
/* "true" and "false" in any case; ERR_INVALID for other words. */
int settings_bool(const struct settings *settings, const char *variable, const char *key,
                  bool fallback, bool *out, struct error *err);
int settings_int(const struct settings *settings, const char *variable, const char *key,
                 int64_t least, int64_t most, int64_t fallback, int64_t *out, struct error *err);

#endif
