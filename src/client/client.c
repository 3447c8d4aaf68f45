#include "client/client.h"

#include "base/json.h"
#include "client/client_intern.h"
#include "client/credentials.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

static int resolve(struct aws_client *client, const char *region, struct error *err)
{
    struct client_shared *shared = client->shared;
    struct endpoint_options options;
    struct url url;
    if (endpoint_options_read(&client->arena, shared, client->service, &options, err) != 0 ||
        endpoint_resolve(&client->arena, client->service, region, &options, &client->endpoint,
                         err) != 0 ||
        url_parse(&client->arena, client->endpoint.url, &url, err) != 0)
        return -1;
    size_t path_len = strlen(url.path);
    while (path_len && url.path[path_len - 1] == '/')
        path_len--;
    client->region = arena_strdup(&client->arena, region);
    client->authority = url_authority(&client->arena, &url);
    client->base_path = arena_strndup(&client->arena, url.path, path_len);
    client->origin = arena_strndup(&client->arena, client->endpoint.url,
                                   strlen(client->endpoint.url) - path_len);
    client->quotas = shared->quotas == SESSION_QUOTAS_ON ||
                     (shared->quotas == SESSION_QUOTAS_AUTO && !client->endpoint.custom);
    return 0;
}

struct aws_client *aws_client_new(struct client_shared *shared, const struct aws_service *service,
                                  const char *region, struct credentials_provider *credentials,
                                  bool read_only, struct error *err)
{
    struct aws_client *client = memory_alloc(sizeof *client);
    arena_init(&client->arena);
    sigv4_key_cache_init(&client->keys);
    client->shared = shared;
    client->service = service;
    client->credentials = credentials;
    client->read_only = read_only;
    retry_bucket_init(&client->bucket);
    if (resolve(client, region, err) == 0)
        return client;
    error_context(err, "client of %s", service->name);
    aws_client_free(client);
    return NULL;
}

void aws_client_free(struct aws_client *client)
{
    if (!client)
        return;
    sigv4_key_cache_done(&client->keys);
    arena_done(&client->arena);
    free(client);
}

const char *aws_client_region(const struct aws_client *client)
{
    return client->region;
}

const char *aws_client_endpoint(const struct aws_client *client)
{
    return client->endpoint.url;
}

void client_counters_read(const struct client_counters *counters, struct aws_call_counts *out)
{
    *out = (struct aws_call_counts){.calls = counters->calls,
                                    .retries = counters->retries,
                                    .throttled = counters->throttled,
                                    .paced_ms = counters->paced_ms};
}

void aws_client_counts(const struct aws_client *client, struct aws_call_counts *out)
{
    client_counters_read(&client->counters, out);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* The token of the next page or NULL: "" and null end a listing as well as absence does. */
static const char *next_token(const json_t *page, const struct aws_operation *operation)
{
    const char *token = json_text(page, operation->page_token);
    return token && *token ? token : NULL;
}

static const char *token_member(const struct aws_operation *operation)
{
    return operation->page_input ? operation->page_input : operation->page_token;
}

static int turn_page(const struct aws_operation *operation, char **token, const char *next,
                     struct error *err)
{
    if (next && *token && strcmp(*token, next) == 0)
        return error_set(err, ERR_UNAVAILABLE,
                         "%s:%s gave the same page token twice: the listing would not end",
                         operation->service->signing_name, operation->name);
    free(*token);
    *token = next ? memory_strdup(next) : NULL;
    return 0;
}

int aws_pages_from(struct aws_client *client, const struct aws_operation *operation,
                   const json_t *in, char **token,
                   int (*each)(const json_t *page, void *arg, struct error *err), void *arg,
                   struct error *err)
{
    struct arena arena; /* not the caller's: a listing has any number of pages */
    json_t *input = in ? json_copy((json_t *)in) : json_object();
    bool more = true;
    int result = 0;
    arena_init(&arena);
    while (more && result == 0) {
        json_t *page;
        if (*token)
            json_object_set_new(input, token_member(operation), json_string(*token));
        result = aws_call(client, &arena, operation, input, &page, err);
        if (result != 0)
            break;
        result = each(page, arg, err);
        if (result == 0)
            result = turn_page(operation, token, next_token(page, operation), err);
        more = *token != NULL;
        json_decref(page);
        arena_reset(&arena);
    }
    arena_done(&arena);
    json_decref(input);
    return result;
}

int aws_pages(struct aws_client *client, struct arena *arena, const struct aws_operation *operation,
              const json_t *in, int (*each)(const json_t *page, void *arg, struct error *err),
              void *arg, struct error *err)
{
    char *token = NULL;
    (void)arena;
    int result = aws_pages_from(client, operation, in, &token, each, arg, err);
    free(token);
    return result;
}
