/* The instance metadata service of EC2, version 2 (a token first); version 1 where the service
 * knows no tokens and nobody forbade it. */
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "client/credentials_source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TOKEN_LIFE_S = 21600,
    LARGEST_NAME = 512,
    REFRESH_MS = 10 * 60 * 1000, /* an expiry nearer than this is put off... */
    JITTER_LEAST_MS = 2 * 60 * 1000,
    JITTER_MOST_MS = 10 * 60 * 1000
};

struct imds_provider {
    struct credentials_provider provider;
    struct credentials_context context;
    const char *base; /* URL without '/' at its end; in the scratch arena of one fetch */
    bool v1_disabled;
    int64_t timeout_ms, attempts;
};

static int read_settings(struct imds_provider *self, struct arena *arena, struct error *err)
{
    const struct settings *settings = self->context.shared->settings;
    const char *disabled = settings_env(settings, "AWS_EC2_METADATA_DISABLED");
    if (disabled && strcasecmp(disabled, "true") == 0)
        return error_set(err, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is set");
    int64_t timeout_s;
    if (settings_int(settings, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 1, 60, 1,
                     &timeout_s, err) != 0 ||
        settings_int(settings, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts",
                     1, 20, 1, &self->attempts, err) != 0 ||
        settings_bool(settings, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled", false,
                      &self->v1_disabled, err) != 0)
        return -1;
    self->timeout_ms = timeout_s * 1000;

    const char *base = settings_text(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                     "ec2_metadata_service_endpoint");
    const char *mode = settings_text(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                     "ec2_metadata_service_endpoint_mode");
    if (mode && strcasecmp(mode, "ipv4") != 0 && strcasecmp(mode, "ipv6") != 0)
        return error_set(err, ERR_INVALID,
                         "ec2_metadata_service_endpoint_mode must be ipv4 or ipv6");
    if (!base)
        base = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                     : "http://169.254.169.254";
    char *copy = arena_strdup(arena, base);
    for (size_t len = strlen(copy); len && copy[len - 1] == '/'; len--)
        copy[len - 1] = '\0';
    self->base = copy;
    return 0;
}

static int send_once(struct imds_provider *self, struct arena *arena, const char *method,
                     const char *path, const struct http_header *header,
                     struct http_response *response, struct error *err)
{
    struct transport *transport = self->context.shared->transport;
    const struct http_request request = {.method = method,
                                         .url = arena_printf(arena, "%s%s", self->base, path),
                                         .headers = header,
                                         .header_count = header ? 1 : 0,
                                         .connect_timeout_ms = (int)self->timeout_ms,
                                         .timeout_ms = (int)self->timeout_ms};
    *response = (struct http_response){0};
    return transport->send(transport, arena, &request, response, err);
}

/* *token becomes NULL when the service speaks version 1 only (or a hop too many swallows the
 * answers to PUT, as inside containers). */
static int get_token(struct imds_provider *self, struct arena *arena, const char **token,
                     struct error *err)
{
    const struct http_header life = {"x-aws-ec2-metadata-token-ttl-seconds",
                                     arena_printf(arena, "%d", TOKEN_LIFE_S)};
    struct http_response response;
    struct error problem = {0};
    *token = NULL;
    for (int64_t attempt = 0; attempt < self->attempts; attempt++) {
        if (send_once(self, arena, "PUT", "/latest/api/token", &life, &response, &problem) != 0) {
            if (problem.code == ERR_TIMEOUT)
                break;
            continue;
        }
        if (response.status == 200) {
            *token = response.body;
            return 0;
        }
        if (response.status == 403 || response.status == 404 || response.status == 405)
            break;
        if (response.status == 400)
            return error_set(err, ERR_INVALID, "instance metadata: refused the token request");
        error_set(&problem, ERR_UNAVAILABLE, "instance metadata: status %d", response.status);
    }
    if (problem.code != ERR_NONE && problem.code != ERR_TIMEOUT)
        return error_set(err, ERR_NOT_FOUND, "there is no instance metadata service here");
    if (self->v1_disabled)
        return error_set(err, ERR_NOT_FOUND,
                         "the instance metadata service gives no token, and its version 1 is "
                         "disabled");
    return 0;
}

static int get(struct imds_provider *self, struct arena *arena, const char *path, const char *token,
               struct http_response *response, struct error *err)
{
    const struct http_header header = {"x-aws-ec2-metadata-token", token};
    for (int64_t attempt = 1;; attempt++) {
        int result = send_once(self, arena, "GET", path, token ? &header : NULL, response, err);
        if (result == 0 && response->status == 200 && response->body_len)
            return 0;
        if (attempt < self->attempts && (result != 0 || response->status >= 500))
            continue;
        return error_set(err, ERR_NOT_FOUND, "the instance metadata service names no role");
    }
}

/* Credentials that the service did not renew in time are used on, as botocore does: the service
 * may be unwell, while the credentials are accepted somewhat longer. */
static void put_off_expiry(struct imds_provider *self, struct credentials *out)
{
    struct client_shared *shared = self->context.shared;
    int64_t jitter_ms =
        JITTER_LEAST_MS + (int64_t)random_below(shared->random, JITTER_MOST_MS - JITTER_LEAST_MS);
    int64_t least_ms = shared->clock->now_ms(shared->clock) + REFRESH_MS + jitter_ms;
    if (out->expires_ms && out->expires_ms < least_ms)
        out->expires_ms = least_ms;
}

static int read_credentials(struct imds_provider *self, const struct http_response *response,
                            struct credentials *out, struct error *err)
{
    json_t *object = json_read(response->body, response->body_len, err);
    if (!object)
        return error_context(err, "instance metadata");
    int result;
    const char *code = json_text_or(object, "Code", "Success");
    if (strcmp(code, "Success") != 0)
        result = error_set(err, ERR_DENIED, "instance metadata: %.100s: %.200s", code,
                           json_text_or(object, "Message", ""));
    else
        result = credentials_from_json(out, self->provider.name, object, "Token", err);
    json_decref(object);
    if (result == 0)
        put_off_expiry(self, out);
    return result;
}

static int ask(struct imds_provider *self, struct arena *arena, struct credentials *out,
               struct error *err)
{
    static const char path[] = "/latest/meta-data/iam/security-credentials/";
    const char *token;
    struct http_response response;
    if (read_settings(self, arena, err) != 0 || get_token(self, arena, &token, err) != 0 ||
        get(self, arena, path, token, &response, err) != 0)
        return -1;
    struct text rest = {response.body, response.body_len};
    struct text role = text_trim(text_cut(&rest, '\n'));
    if (!role.len || role.len > LARGEST_NAME || strlen(response.body) != response.body_len)
        return error_set(err, ERR_NOT_FOUND, "the instance metadata service names no role");
    const char *role_path = arena_printf(arena, "%s%.*s", path, (int)role.len, role.data);
    if (get(self, arena, role_path, token, &response, err) != 0)
        return -1;
    return read_credentials(self, &response, out, err);
}

static int fetch(struct credentials_provider *provider, struct credentials *out, struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    int result = ask((struct imds_provider *)provider, &scratch, out, err);
    arena_done(&scratch);
    return result;
}

static void release(struct credentials_provider *provider)
{
    free(provider);
}

static struct credentials_provider *make(const struct credentials_context *context)
{
    struct imds_provider *self = memory_alloc(sizeof *self);
    self->provider = (struct credentials_provider){credentials_imds.name, fetch, release};
    self->context = *context;
    return &self->provider;
}

const struct credentials_source credentials_imds = {.name = "instance metadata", .make = make};
