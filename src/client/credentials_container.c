/* The credentials service of a container's host (ECS, EKS Pod Identity, Lambda snap start). */
#include "base/arena.h"
#include "base/file.h"
#include "base/text.h"
#include "client/credentials_source.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 3, TIMEOUT_MS = 2000, PAUSE_MS = 1000, LARGEST_TOKEN = 64 * 1024 };

struct container_provider {
    struct credentials_provider provider;
    struct credentials_context context;
};

/* http only where the answer cannot be read on its way: loopback and the hosts' own addresses. */
static int check_full_url(struct arena *arena, const char *text, struct error *err)
{
    static const char *const hosts[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    struct url url;
    if (url_parse(arena, text, &url, err) != 0)
        return error_context(err, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (strcmp(url.scheme, "https") == 0 || url_is_loopback(&url))
        return 0;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (strcmp(hosts[i], url.host) == 0)
            return 0;
    return error_set(err, ERR_INVALID,
                     "AWS_CONTAINER_CREDENTIALS_FULL_URI: http is allowed to loopback and to the "
                     "container host's addresses only, not to %s",
                     url.host);
}

static int find_url(struct container_provider *self, struct arena *arena, const char **url,
                    struct error *err)
{
    const struct settings *settings = self->context.shared->settings;
    const char *relative = settings_env(settings, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = settings_env(settings, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative) {
        if (relative[0] != '/')
            return error_set(err, ERR_INVALID,
                             "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must start with '/'");
        *url = arena_printf(arena, "http://169.254.170.2%s", relative);
        return 0;
    }
    *url = full;
    return full ? check_full_url(arena, full, err)
                : error_set(err, ERR_NOT_FOUND, "no container credentials are configured");
}

/* The file first, and each time: its owner replaces it. */
static int find_token(struct container_provider *self, struct arena *arena, const char **token,
                      struct error *err)
{
    const struct settings *settings = self->context.shared->settings;
    const char *path = settings_env(settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    *token = settings_env(settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (path) {
        char *data;
        size_t len;
        if (file_read(arena, path, LARGEST_TOKEN, false, &data, &len, err) != 0) {
            if (err && err->code == ERR_NOT_FOUND)
                err->code = ERR_IO;
            return error_context(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        }
        if (strlen(data) != len)
            return error_set(err, ERR_INVALID, "%s holds a NUL byte", path);
        *token = data;
    }
    if (*token && (strchr(*token, '\r') || strchr(*token, '\n')))
        return error_set(err, ERR_INVALID,
                         "the container authorization token holds a line end: it could add "
                         "headers of its own");
    return 0;
}

static int ask_once(struct container_provider *self, struct arena *arena, const char *url,
                    const char *token, struct http_response *response, struct error *err)
{
    struct transport *transport = self->context.shared->transport;
    const struct http_header headers[] = {{"Accept", "application/json"}, {"Authorization", token}};
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .headers = headers,
                                         .header_count = token ? 2 : 1,
                                         .connect_timeout_ms = TIMEOUT_MS,
                                         .timeout_ms = TIMEOUT_MS};
    if (transport->send(transport, arena, &request, response, err) != 0)
        return -1;
    if (response->status == 200)
        return 0;
    /* Its text may repeat the token. */
    return error_set(err, response->status >= 500 ? ERR_UNAVAILABLE : ERR_DENIED,
                     "the container credentials service answered with status %d", response->status);
}

static int ask(struct container_provider *self, struct arena *arena, struct credentials *out,
               struct error *err)
{
    const char *url = NULL, *token = NULL;
    struct http_response response;
    if (find_url(self, arena, &url, err) != 0 || find_token(self, arena, &token, err) != 0)
        return -1;
    for (int attempt = 1; ask_once(self, arena, url, token, &response, err) != 0; attempt++) {
        if (attempt == ATTEMPTS || (err && err->code == ERR_DENIED))
            return error_context(err, "container credentials");
        retry_pause(self->context.shared->clock, PAUSE_MS);
    }
    return credentials_parse_json(out, self->provider.name, response.body, response.body_len,
                                  "Token", err);
}

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    int result = ask((struct container_provider *)provider, &scratch, out, err);
    arena_done(&scratch);
    return result;
}

static void release(struct credentials_provider *provider)
{
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context)
{
    struct container_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){credentials_container.name, fetch, release};
    self->context = *context;
    return &self->provider;
}

const struct credentials_source credentials_container = {.name = "container", .make = make};
