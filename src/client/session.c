#include "client/session.h"

#include "aws/arn.h"
#include "base/json.h"
#include "client/client_intern.h"
#include "client/credentials_source.h"
#include "client/rate_limit.h"
#include "client/sts.h"
#include "net/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct session_member {
    struct session_member *next;
    struct aws_client *client;
};

enum { CALLER_SIZE = 1024 };

struct session {
    struct settings settings;
    struct client_shared shared;
    struct transport *own_transport;  /* NULL: the caller's is used */
    struct rate_limiter *own_limiter; /* likewise */
    struct credentials_provider *credentials;
    pthread_mutex_t mutex; /* of what follows; never held during a call */
    struct session_member *clients;
    char account[13];         /* "" until asked */
    char caller[CALLER_SIZE]; /* likewise */
};

static const char *keep(struct session *session, const char *text)
{
    return text ? arena_strdup(&session->settings.arena, text) : NULL;
}

static int open_transport(struct session *session, const struct session_options *options,
                          struct error *err)
{
    session->shared.transport = options->transport;
    if (options->transport)
        return 0;
    const char *ca_bundle = options->ca_bundle;
    if (!ca_bundle)
        ca_bundle = settings_text(&session->settings, "AWS_CA_BUNDLE", "ca_bundle");
    struct http_client_options http = {.ca_bundle = ca_bundle};
    session->own_transport = http_client_new(&http, err);
    session->shared.transport = session->own_transport;
    return session->own_transport ? 0 : -1;
}

static const char *configured_region(const struct session *session)
{
    const char *region = settings_env(&session->settings, "AWS_REGION");
    return region ? region : settings_text(&session->settings, "AWS_DEFAULT_REGION", "region");
}

static int open_shared(struct session *session, const struct session_options *options,
                       struct error *err)
{
    struct client_shared *shared = &session->shared;
    shared->settings = &session->settings;
    shared->endpoint_url = keep(session, options->endpoint_url);
    shared->ignore_configured_endpoints = options->ignore_configured_endpoints;
    shared->region = options->region ? keep(session, options->region) : configured_region(session);
    shared->stop = options->stop;
    shared->clock = options->stop    ? &options->stop->clock
                    : options->clock ? options->clock
                                     : clock_system();
    shared->random = options->random ? options->random : random_system();
    shared->quotas = options->quotas;
    shared->quotas_given = options->quotas_given;
    shared->quotas_given_count = options->quotas_given_count;
    if (!options->limiter)
        session->own_limiter = rate_limiter_new(shared->clock, options->no_wait);
    shared->limiter = options->limiter ? options->limiter : session->own_limiter;
    return retry_policy_read(&session->settings, &shared->retry, err);
}

static void open_credentials(struct session *session, const struct session_options *options)
{
    struct client_shared *shared = &session->shared;
    const struct credentials_context context = {.shared = shared,
                                                .profile = session->settings.profile,
                                                .use_environment =
                                                    !session->settings.profile_chosen};
    struct credentials_provider *source =
        credentials_cache_new(credentials_chain_new(&context, 0), shared->clock);
    for (size_t i = 0; i < options->role_count; i++)
        source = credentials_cache_new(credentials_role_new(shared, &options->roles[i], source),
                                       shared->clock);
    session->credentials = source;
}

struct session *session_new(const struct session_options *options, struct error *err)
{
    static const struct session_options none;
    struct session *session = memory_alloc(sizeof *session);
    if (!options)
        options = &none;
    pthread_mutex_init(&session->mutex, NULL);
    if (settings_read(&session->settings, options->profile, options->environment, err) != 0 ||
        open_shared(session, options, err) != 0 || open_transport(session, options, err) != 0) {
        session_free(session);
        return NULL;
    }
    open_credentials(session, options);
    return session;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    for (struct session_member *next; session->clients; session->clients = next) {
        next = session->clients->next;
        aws_client_free(session->clients->client);
        free(session->clients);
    }
    credentials_provider_free(session->credentials);
    http_client_free(session->own_transport);
    rate_limiter_free(session->own_limiter);
    settings_done(&session->settings);
    pthread_mutex_destroy(&session->mutex);
    free(session);
}

const char *session_region(const struct session *session)
{
    return session->shared.region;
}

static struct aws_client *find_client(const struct session *session,
                                      const struct aws_service *service, const char *region,
                                      bool read_only)
{
    for (const struct session_member *at = session->clients; at; at = at->next)
        if (at->client->service == service && at->client->read_only == read_only &&
            strcmp(at->client->region, region) == 0)
            return at->client;
    return NULL;
}

struct aws_client *session_client(struct session *session, const struct aws_service *service,
                                  const char *region, bool read_only, struct error *err)
{
    if (!region)
        region = session->shared.region;
    pthread_mutex_lock(&session->mutex);
    struct aws_client *client = region ? find_client(session, service, region, read_only) : NULL;
    if (!client) {
        client =
            aws_client_new(&session->shared, service, region, session->credentials, read_only, err);
        if (client) {
            struct session_member *member = memory_alloc(sizeof *member);
            *member = (struct session_member){session->clients, client};
            session->clients = member;
        }
    }
    pthread_mutex_unlock(&session->mutex);
    return client;
}

static int ask_account(struct session *session, const char *region, char account[13],
                       struct error *err)
{
    struct aws_client *client = session_client(session, &sts_service, region, true, err);
    struct arena scratch;
    json_t *answer = NULL;
    arena_init(&scratch);
    int result =
        client ? aws_call(client, &scratch, &sts_get_caller_identity, NULL, &answer, err) : -1;
    if (result == 0) {
        const char *found = json_text(answer, "Account"), *arn = json_text(answer, "Arn");
        pthread_mutex_lock(&session->mutex);
        if (arn && strlen(arn) < sizeof session->caller)
            memcpy(session->caller, arn, strlen(arn) + 1);
        pthread_mutex_unlock(&session->mutex);
        if (found && account_valid(found))
            memcpy(account, found, 13);
        else
            result = error_set(err, ERR_UNAVAILABLE, "STS named no account");
    }
    json_decref(answer);
    arena_done(&scratch);
    return result;
}

int session_account(struct session *session, const char *region, char account[13],
                    struct error *err)
{
    pthread_mutex_lock(&session->mutex);
    memcpy(account, session->account, sizeof session->account);
    pthread_mutex_unlock(&session->mutex);
    if (*account)
        return 0;
    if (ask_account(session, region, account, err) != 0)
        return -1;
    pthread_mutex_lock(&session->mutex);
    memcpy(session->account, account, sizeof session->account);
    pthread_mutex_unlock(&session->mutex);
    return 0;
}

const char *session_caller(const struct session *session)
{
    return session->caller;
}

struct clock *session_clock(const struct session *session)
{
    return session->shared.clock;
}

void session_counts(struct session *session, struct aws_call_counts *out)
{
    client_counters_read(&session->shared.counters, out);
}
