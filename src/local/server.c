#include "local/server.h"

#include "base/file.h"
#include "local/agenda.h"
#include "local/authenticate.h"
#include "local/control.h"
#include "local/doorbell.h"
#include "local/event_bus.h"
#include "local/faults.h"
#include "local/lambda_async.h"
#include "local/lambda_host.h"
#include "local/lambda_invoke.h"
#include "local/lambda_mapping.h"
#include "local/moved_clock.h"
#include "local/pipeline.h"
#include "local/quotas.h"
#include "local/rest.h"
#include "local/trail.h"
#include "local/trails.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LARGEST_LOOPS = 64,
    LARGEST_SERVICES = 64,
    STOP_GRACE_MS = 5000,
    LARGEST_BODY_BYTES = 4 * 1024 * 1024,
    LARGE_BYTES = 320 * 1024 * 1024 /* of bodies larger than that, at a time */
};

struct server {
    struct local local;
    struct moved_clock clock;
    json_t *web_identity_keys; /* owned */
    struct doorbell doorbell;
    struct lambda_host *lambda_host;
    char endpoint_url[128]; /* by which functions reach this server */
    struct pipeline pipeline;
    struct http_server *_Atomic http; /* the writer looks at it to flush */
    struct pipeline_loop *loops[LARGEST_LOOPS];
};

/* --- the listener's functions ----------------------------------------------------------------- */

static void *loop_start(void *arg, unsigned number)
{
    struct server *server = arg;
    return server->loops[number];
}

static void loop_handle(void *arg, void *loop, struct http_exchange *exchange)
{
    struct server *server = arg;
    if (control_wants(http_exchange_incoming(exchange)))
        control_serve(&server->pipeline, exchange);
    else
        pipeline_serve(loop, exchange);
}

static void loop_resume(void *arg, void *loop, struct http_exchange *exchange, void *waiter)
{
    (void)arg;
    pipeline_resume(loop, exchange, waiter);
}

static void loop_woken(void *arg, void *loop)
{
    (void)arg;
    pipeline_woken(loop);
}

static void loop_round_end(void *arg, void *loop)
{
    (void)arg;
    pipeline_round_end(loop);
}

static void flush(void *arg)
{
    struct server *server = arg;
    bool rung = doorbell_sound(&server->doorbell), waits = server->pipeline.to_wait;
    server->pipeline.to_wait = false;
    if (server->http && (rung || waits))
        http_server_wake(server->http);
    if (server->http)
        http_server_flush(server->http);
    struct event_bus *events = atomic_load(&server->local.events);
    if (events)
        event_bus_committed(events);
    lambda_async_committed(atomic_load(&server->local.invocations), rung);
}

/* --- the data folder -------------------------------------------------------------------------- */

static void wake_loops(struct server *server)
{
    if (server->http)
        http_server_wake(server->http);
}

static void bell_called(void *arg)
{
    wake_loops(arg);
}

/* A little more than the service takes, so that it can say itself what is too large. */
static size_t large_body(void *arg, struct text method, struct text path)
{
    const struct server *server = arg;
    size_t most = rest_largest_body(server->pipeline.services, method, path);
    return most + most / 8;
}

static int open_store(struct server *server, const struct server_options *options,
                      struct error *err)
{
    static const char *const own[] = {accounts_schema,      authenticate_schema,
                                      trail_schema,         trails_schema,
                                      event_bus_schema,     lambda_async_schema,
                                      lambda_mapping_schema};
    enum { OWN = sizeof own / sizeof *own };
    const char *schemas[OWN + LARGEST_SERVICES + 1] = {0};
    memcpy(schemas, own, sizeof own);
    size_t count = OWN;
    const struct local_service *const *service = server->pipeline.services;
    for (; *service && count < OWN + LARGEST_SERVICES; service++)
        if ((*service)->schema)
            schemas[count++] = (*service)->schema;
    return store_open(options->folder, schemas, &server->local.store, err);
}

static const char seal_text[] = "understudy";

/* Was this folder sealed under its master key? `sealed` gets the proof, in the arena. */
static struct text find_seal(struct store_session *session, struct arena *arena)
{
    struct store_rows rows;
    struct text sealed = {NULL, 0};
    store_query(session, &rows, "SELECT value FROM server WHERE name = 'keyring'", "");
    if (store_next(&rows)) {
        struct text found = store_blob(&rows, 0);
        sealed = (struct text){arena_memdup(arena, found.data, found.len), found.len};
    }
    store_end(&rows);
    return sealed;
}

/* A lost or foreign master key must be noticed here: a new one would make everything unreadable,
 * value by value. */
static int open_keyring(struct server *server, const char *folder, struct error *err)
{
    struct store_session *reader = store_reader(server->local.store, err);
    if (!reader)
        return -1;
    struct arena scratch;
    arena_init(&scratch);
    int result = 0;
    unsigned char *plain;
    size_t plain_len;
    struct text seal = find_seal(reader, &scratch);
    const char *path = arena_printf(&scratch, "%s/master.key", folder);
    if (seal.data && access(path, F_OK) != 0)
        result = error_set(err, ERR_NOT_FOUND,
                           "%s is missing: what %s holds cannot be read without it", path, folder);
    if (result == 0)
        result = keyring_open(folder, server->local.random, &server->local.keyring, err);
    if (result == 0 && seal.data &&
        keyring_unseal(server->local.keyring, &scratch, "keyring", seal.data, seal.len, &plain,
                       &plain_len) != 0)
        result =
            error_set(err, ERR_INVALID, "%s is not the key that %s was sealed with", path, folder);
    arena_done(&scratch);
    store_session_close(reader);
    return result;
}

struct bootstrap {
    struct server *server;
    const struct server_options *options;
    struct error *err;
};

static int write_seal(struct server *server, struct store_session *store)
{
    struct arena scratch;
    arena_init(&scratch);
    int64_t changed = 0;
    if (!find_seal(store, &scratch).data) {
        unsigned char *sealed;
        size_t len;
        keyring_seal(server->local.keyring, &scratch, "keyring", seal_text, strlen(seal_text),
                     &sealed, &len);
        changed = store_run(store, "INSERT INTO server (name, value) VALUES ('keyring', $1)", "b",
                            sealed, len);
    }
    arena_done(&scratch);
    return changed < 0 ? -1 : 0;
}

static bool bootstrap_run(void *arg, struct store_session *store)
{
    struct bootstrap *bootstrap = arg;
    struct server *server = bootstrap->server;
    const struct server_options *options = bootstrap->options;
    if (write_seal(server, store) == 0 &&
        accounts_bootstrap(&server->local, store, options->folder, options->keys,
                           options->key_count, bootstrap->err) == 0 &&
        accounts_setup(&server->local, store) == 0)
        return true;
    if (store_failed(store))
        error_set(bootstrap->err, ERR_IO, "cannot set up the accounts: %s", store_failure(store));
    return false;
}

static int open_writer(struct server *server, const struct server_options *options,
                       struct error *err)
{
    server->pipeline.writer = writer_new(&server->local, flush, server, err);
    if (!server->pipeline.writer)
        return -1;
    struct error problem = {0};
    struct bootstrap bootstrap = {server, options, &problem};
    server->local.agenda =
        agenda_new(&server->local, server->pipeline.writer, server->pipeline.services);
    if (writer_call(server->pipeline.writer, bootstrap_run, &bootstrap) == 0)
        return 0;
    if (problem.code == ERR_NONE)
        error_set(&problem, ERR_IO, "cannot write to %s", options->folder);
    if (err)
        *err = problem;
    return -1;
}

/* --- listening -------------------------------------------------------------------------------- */

/* One CPU is left to the writer and to whoever calls. */
static unsigned loops_for(const struct server_options *options)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned loops = options->loops ? options->loops : cpus > 2 ? (unsigned)cpus - 1 : 1;
    return loops < LARGEST_LOOPS ? loops : LARGEST_LOOPS;
}

static int open_listener(struct server *server, const struct server_options *options,
                         struct error *err)
{
    unsigned loops = loops_for(options);
    for (unsigned i = 0; i < loops; i++) {
        server->loops[i] = pipeline_loop_new(&server->pipeline, err);
        if (!server->loops[i])
            return -1;
    }
    const struct http_server_options http = {
        .host = options->host,
        .port = options->port,
        .loops = loops,
        .clock = server->local.clock,
        .arg = server,
        .loop_start = loop_start,
        .handle = loop_handle,
        .resume = loop_resume,
        .woken = loop_woken,
        .largest_body_bytes = LARGEST_BODY_BYTES,
        .large_body = large_body,
        .large_bytes = LARGE_BYTES,
        .round_end = loop_round_end,
    };
    server->http = http_server_new(&http, err);
    return server->http ? 0 : -1;
}

static int open_faults(struct server *server, const struct server_options *options,
                       struct error *err)
{
    struct fault_rules *rules = NULL;
    if (options->faults.data) {
        rules = fault_rules_read(options->faults.data, options->faults.len,
                                 server->pipeline.services, err);
        if (!rules)
            return error_context(err, "faults");
    }
    server->pipeline.faults = faults_new(rules, options->latency_ms);
    return 0;
}

static int open_events(struct server *server, struct error *err)
{
    server->local.events =
        event_bus_new(&server->local, server->pipeline.writer, server->pipeline.faults, err);
    if (!server->local.events)
        return -1;
    server->local.invocations =
        lambda_async_new(&server->local, server->pipeline.writer, server->pipeline.faults, err);
    return server->local.invocations ? 0 : -1;
}

/* Where it listens, or, when that is everywhere, the loopback. */
static void name_endpoint(struct server *server, const char *host)
{
    const char *reach = strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1"
                        : strcmp(host, "::") == 0    ? "::1"
                                                     : host;
    bool six = strchr(reach, ':');
    snprintf(server->endpoint_url, sizeof server->endpoint_url, "http://%s%s%s:%d", six ? "[" : "",
             reach, six ? "]" : "", server_port(server));
}

static int open_lambda(struct server *server, const struct server_options *options,
                       struct error *err)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/lambda", options->folder);
    server->lambda_host = lambda_host_new(&server->local, server->pipeline.writer);
    const struct lambda_pool_options pool = {
        .folder = folder,
        .host = lambda_host_functions(server->lambda_host),
        .clock = server->local.clock,
        .random = server->local.random,
    };
    server->local.lambda_pool = lambda_pool_new(&pool, err);
    return server->local.lambda_pool ? 0 : error_context(err, "functions");
}

/* {"https://issuer": {"keys": [...]}, ...} */
static int open_web_identity_keys(struct server *server, const struct server_options *options,
                                  struct error *err)
{
    const struct text file = options->web_identity_keys;
    const char *issuer;
    json_t *set;
    if (!file.data)
        return 0;
    server->web_identity_keys = json_read(file.data, file.len, err);
    if (!server->web_identity_keys)
        return error_context(err, "web identity keys");
    if (!json_is_object(server->web_identity_keys))
        return error_set(err, ERR_INVALID, "web identity keys: not an object of issuers");
    json_object_foreach(server->web_identity_keys, issuer, set)
    {
        if (!json_is_array(json_object_get(set, "keys")))
            return error_set(err, ERR_INVALID,
                             "web identity keys: %s has no JWK set ({\"keys\": [...]})", issuer);
    }
    server->local.web_identity_keys = server->web_identity_keys;
    return 0;
}

int server_open(const struct server_options *options, struct server **out, struct error *err)
{
    struct server *server = memory_alloc(sizeof *server);
    server->local.real_clock = options->clock ? options->clock : clock_system();
    moved_clock_init(&server->clock, server->local.real_clock);
    server->local.clock = &server->clock.clock;
    server->pipeline.clock = &server->clock;
    server->local.doorbell = &server->doorbell;
    server->doorbell.wake = bell_called;
    server->doorbell.arg = server;
    server->pipeline.wake = wake_loops;
    server->pipeline.server = server;
    server->local.random = options->random ? options->random : random_system();
    server->local.any_credentials = options->any_credentials;
    server->local.testing = options->testing;
    server->local.trail_reads = options->trail_reads;
    server->local.trail_keep = options->trail_keep ? options->trail_keep : TRAIL_KEEP_DEFAULT;
    server->local.lambda_places = lambda_places_new();
    server->pipeline.local = &server->local;
    server->local.quotas = options->quotas ? quotas_new() : NULL;
    server->pipeline.services = options->services ? options->services : local_services;
    if (open_web_identity_keys(server, options, err) != 0 ||
        open_faults(server, options, err) != 0 || open_store(server, options, err) != 0 ||
        open_keyring(server, options->folder, err) != 0 || open_writer(server, options, err) != 0 ||
        open_events(server, err) != 0 || open_lambda(server, options, err) != 0 ||
        open_listener(server, options, err) != 0) {
        server_close(server);
        return -1;
    }
    name_endpoint(server, options->host);
    *out = server;
    return 0;
}

int server_port(const struct server *server)
{
    return http_server_port(server->http);
}

int server_start(struct server *server, struct error *err)
{
    if (event_bus_start(server->local.events, err) != 0 ||
        agenda_start(server->local.agenda, err) != 0 ||
        lambda_pool_start(server->local.lambda_pool, server->endpoint_url, err) != 0 ||
        lambda_async_start(server->local.invocations, err) != 0)
        return -1;
    return http_server_start(server->http, err);
}

void server_close(struct server *server)
{
    if (!server)
        return;
    lambda_async_stop(server->local.invocations); /* the end of a process is no function's fault */
    /* Before the loops: whoever waits for a function is answered. */
    lambda_pool_stop(server->local.lambda_pool);
    if (server->http)
        http_server_stop(server->http, STOP_GRACE_MS);
    agenda_stop(server->local.agenda);
    event_bus_stop(server->local.events);
    /* The writer may hold requests still; it gives them back to loops and exchanges, so those are
     * freed behind it. */
    writer_free(server->pipeline.writer);
    for (size_t i = 0; i < LARGEST_LOOPS; i++)
        pipeline_loop_free(server->loops[i]);
    http_server_free(server->http);
    lambda_pool_free(server->local.lambda_pool);
    lambda_host_free(server->lambda_host);
    agenda_free(server->local.agenda);
    event_bus_free(server->local.events);
    lambda_async_free(server->local.invocations);
    store_close(server->local.store);
    keyring_close(server->local.keyring);
    faults_free(server->pipeline.faults);
    json_decref(server->web_identity_keys);
    lambda_places_free(server->local.lambda_places);
    quotas_free(server->local.quotas);
    moved_clock_done(&server->clock);
    free(server);
}
