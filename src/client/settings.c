#include "client/settings.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

static void copy_environment(struct settings *settings, const char *const *environment)
{
    size_t count = 0;
    for (const char *const *at = environment; *at; at++)
        count++;
    settings->environment = arena_calloc(&settings->arena, count + 1, sizeof(char *));
    size_t kept = 0;
    for (const char *const *at = environment; *at; at++)
        if (text_starts(*at, "AWS_") || text_starts(*at, "HOME="))
            settings->environment[kept++] = arena_strdup(&settings->arena, *at);
}

static int read_file(struct settings *settings, const char *variable, const char *fallback,
                     enum profile_file_kind kind, struct profile_file *out, struct error *err)
{
    const char *path = settings_env(settings, variable);
    const char *home = settings_env(settings, "HOME");
    if (!path && !home) {
        *out = (struct profile_file){.path = fallback};
        return 0;
    }
    return profile_file_read(&settings->arena, path ? path : fallback, home, kind, out, err);
}

static void choose_profile(struct settings *settings, const char *profile)
{
    settings->profile_chosen = profile && *profile;
    if (!settings->profile_chosen)
        profile = settings_env(settings, "AWS_PROFILE");
    if (!profile)
        profile = settings_env(settings, "AWS_DEFAULT_PROFILE");
    settings->profile = arena_strdup(&settings->arena, profile ? profile : "default");
}

int settings_read(struct settings *settings, const char *profile, const char *const *environment,
                  struct error *err)
{
    *settings = (struct settings){0};
    arena_init(&settings->arena);
    copy_environment(settings, environment ? environment : (const char *const *)environ);
    choose_profile(settings, profile);
    if (read_file(settings, "AWS_CONFIG_FILE", "~/.aws/config", PROFILE_CONFIG, &settings->config,
                  err) != 0 ||
        read_file(settings, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials",
                  PROFILE_CREDENTIALS, &settings->credentials, err) != 0)
        return -1;
    if (strcmp(settings->profile, "default") != 0 &&
        !settings_has_profile(settings, settings->profile))
        return error_set(err, ERR_INVALID, "profile %s is neither in %s nor in %s",
                         settings->profile, settings->config.path, settings->credentials.path);
    return 0;
}

void settings_done(struct settings *settings)
{
    arena_done(&settings->arena);
    *settings = (struct settings){0};
}

const char *settings_env(const struct settings *settings, const char *name)
{
    size_t len = strlen(name);
    for (char **at = settings->environment; *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return (*at)[len + 1] ? *at + len + 1 : NULL;
    return NULL;
}

bool settings_has_profile(const struct settings *settings, const char *profile)
{
    return profile_find(&settings->config, PROFILE_SECTION, profile) ||
           profile_find(&settings->credentials, PROFILE_SECTION, profile);
}

const char *settings_profile_key(const struct settings *settings, const char *profile,
                                 const char *key)
{
    const char *value =
        profile_value(profile_find(&settings->credentials, PROFILE_SECTION, profile), key);
    if (!value || !*value)
        value = profile_value(profile_find(&settings->config, PROFILE_SECTION, profile), key);
    return value && *value ? value : NULL;
}

const char *settings_text(const struct settings *settings, const char *variable, const char *key)
{
    const char *value = variable ? settings_env(settings, variable) : NULL;
    if (!value && key)
        value = settings_profile_key(settings, settings->profile, key);
    return value;
}

/* What to call a setting in an error: the place that the value was taken from. */
static const char *origin(const struct settings *settings, const char *variable, const char *key)
{
    return variable && settings_env(settings, variable) ? variable : key;
}

int settings_bool(const struct settings *settings, const char *variable, const char *key,
                  bool fallback, bool *out, struct error *err)
{
    const char *value = settings_text(settings, variable, key);
    *out = value ? strcasecmp(value, "true") == 0 : fallback;
    if (!value || *out || strcasecmp(value, "false") == 0)
        return 0;
    return error_set(err, ERR_INVALID, "%s must be true or false", origin(settings, variable, key));
}

int settings_int(const struct settings *settings, const char *variable, const char *key,
                 int64_t least, int64_t most, int64_t fallback, int64_t *out, struct error *err)
{
    const char *value = settings_text(settings, variable, key);
    *out = fallback;
    if (!value)
        return 0;
    if (text_to_int64(value, strlen(value), out) == 0 && *out >= least && *out <= most)
        return 0;
    return error_set(err, ERR_INVALID, "%s must be a whole number from %lld to %lld",
                     origin(settings, variable, key), (long long)least, (long long)most);
}
