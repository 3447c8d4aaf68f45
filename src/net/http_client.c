#include "net/http_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/ca_bundle.h"
#include "net/http_answer.h"
#include "net/http_line.h"
#include "version.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEPT_BYTES = 65536,    /* of a buffer, between exchanges */
    RECEIVE_BYTES = 16384, /* a record of TLS */
    JOINED_BYTES = 16384,  /* of a body, that leave together with the head */
    LARGEST_REQUEST_HEAD_BYTES = 1 << 20,
};

/* Where no proxy is asked, whatever the environment says: ourselves, and the addresses that hand
 * out credentials (EC2, ECS, EKS), which must not go to anybody else. */
static const char never_proxied[] =
    "localhost,127.0.0.0/8,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,"
    "fd00:ec2::23";

/* One for each thread that sends: its connections live in it. */
struct http_handle {
    struct http_client *client;
    struct http_handle *next, *previous;
    struct http_lines lines;
    struct buf out, body;
    char received[RECEIVE_BYTES];
};

struct http_client {
    struct transport transport; /* first: this is what callers hold */
    struct http_client_options options;
    struct http_proxies proxies;
    struct http_line_options lines;
    char *user_agent;
    char *ca_bundle; /* the file in use */
    bool own_bundle; /* it was asked for, it is not the system's */
    pthread_mutex_t trusted_lock;
    X509_STORE *trusted; /* what is in the bundle, read when first needed */
    pthread_key_t key;
    bool has_key;
    CURLSH *share;
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
    pthread_mutex_t handles_lock;
    struct http_handle *handles;
};

int http_client_setup(struct error *err)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        return error_set(err, ERR_IO, "libcurl does not start: %s", curl_easy_strerror(code));
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
    if (!tls || !text_starts(tls, "OpenSSL/")) /* use_bundle speaks to it */
        return error_set(err, ERR_UNSUPPORTED, "libcurl must be built with OpenSSL, not with %s",
                         tls ? tls : "no TLS");
    return 0;
}

static void lock_share(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
    (void)easy;
    (void)access;
    struct http_client *client = arg;
    pthread_mutex_lock(&client->share_locks[data]);
}

static void unlock_share(CURL *easy, curl_lock_data data, void *arg)
{
    (void)easy;
    struct http_client *client = arg;
    pthread_mutex_unlock(&client->share_locks[data]);
}

static X509_STORE *read_bundle(const char *path)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        memory_exhausted(0);
    /* as libcurl does: an intermediate authority in the bundle is trusted as it stands */
    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    if (path && X509_STORE_load_file(store, path) == 1)
        return store;
    X509_STORE_free(store);
    return NULL;
}

/* For each new TLS connection: one parsed bundle for all threads. libcurl would parse it for each
 * connection (Debian sets CAPATH, which turns its cache off) or, that cleared, once a thread. */
static CURLcode use_bundle(CURL *easy, void *context, void *arg)
{
    (void)easy;
    struct http_client *client = arg;
    pthread_mutex_lock(&client->trusted_lock);
    if (!client->trusted)
        client->trusted = read_bundle(client->ca_bundle);
    pthread_mutex_unlock(&client->trusted_lock);
    if (!client->trusted)
        return CURLE_SSL_CACERT_BADFILE;
    SSL_CTX_set1_cert_store(context, client->trusted);
    return CURLE_OK;
}

static void handle_free(void *arg)
{
    struct http_handle *handle = arg;
    struct http_client *client = handle->client;
    pthread_mutex_lock(&client->handles_lock);
    if (handle->next)
        handle->next->previous = handle->previous;
    if (handle->previous)
        handle->previous->next = handle->next;
    else
        client->handles = handle->next;
    pthread_mutex_unlock(&client->handles_lock);
    http_lines_done(&handle->lines);
    buf_done(&handle->out);
    buf_done(&handle->body);
    explicit_bzero(handle->received, sizeof handle->received);
    free(handle);
}

static struct http_handle *handle_of_thread(struct http_client *client)
{
    struct http_handle *handle = pthread_getspecific(client->key);
    if (handle)
        return handle;
    handle = memory_alloc(sizeof *handle);
    handle->client = client;
    buf_init(&handle->out, LARGEST_REQUEST_HEAD_BYTES + JOINED_BYTES);
    buf_init(&handle->body, client->options.largest_response_bytes);
    http_lines_init(&handle->lines, &client->lines);
    pthread_mutex_lock(&client->handles_lock);
    handle->next = client->handles;
    if (handle->next)
        handle->next->previous = handle;
    client->handles = handle;
    pthread_mutex_unlock(&client->handles_lock);
    if (pthread_setspecific(client->key, handle) != 0)
        memory_exhausted(0);
    return handle;
}

/* Nothing that would end the request's first line, and no fragment. */
static bool fit_for_line(const char *url)
{
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#')
            return false;
    return true;
}

static bool fit_for_head(const struct http_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (!*header->name || strpbrk(header->name, ":; \t\r\n") || strpbrk(header->value, "\r\n"))
            return false;
    }
    return true;
}

/* --- a request ---------------------------------------------------------------------------------
 */

static void put_header(struct buf *out, const char *name, const char *value)
{
    struct text text = text_trim(text_of(value));
    buf_append_text(out, name);
    buf_append(out, ": ", text.len ? 2 : 1);
    buf_append(out, text.data, text.len);
    buf_append(out, "\r\n", 2);
}

/* Exactly the headers asked for, besides Host, Content-Length and User-Agent: it is signed. */
static void put_headers(struct http_handle *handle, const struct http_line *line,
                        const struct http_request *request)
{
    struct buf *out = &handle->out;
    const struct http_header *headers = request->headers;
    const size_t count = request->header_count;
    if (!http_header_find(headers, count, "Host"))
        put_header(out, "Host", line->host);
    if (line->authorization)
        put_header(out, "Proxy-Authorization", line->authorization);
    if (!http_header_find(headers, count, "User-Agent"))
        put_header(out, "User-Agent", handle->client->user_agent);
    for (size_t i = 0; i < count; i++)
        put_header(out, headers[i].name, headers[i].value);
    if (request->body_len || strcmp(request->method, "POST") == 0 ||
        strcmp(request->method, "PUT") == 0) {
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", request->body_len);
        put_header(out, "Content-Length", digits);
    }
}

/* The head, and as much of the body as goes into the same packet: how much that is. */
static int write_request(struct http_handle *handle, const struct http_line *line,
                         const struct http_request *request, size_t *joined, struct error *err)
{
    struct buf *out = &handle->out;
    const char *target = request->url + line->origin_len;
    buf_append_text(out, request->method);
    buf_append_char(out, ' ');
    if (line->whole_url)
        buf_append(out, line->origin, line->origin_len);
    if (*target != '/')
        buf_append_char(out, '/');
    buf_append_text(out, target);
    buf_append_text(out, " HTTP/1.1\r\n");
    put_headers(handle, line, request);
    buf_append(out, "\r\n", 2);
    if (out->len > LARGEST_REQUEST_HEAD_BYTES)
        return error_set(err, ERR_LIMIT, "the head of a request is too large");
    *joined = request->body_len < JOINED_BYTES ? request->body_len : JOINED_BYTES;
    buf_append(out, request->body, *joined);
    return 0;
}

/* --- what failed -------------------------------------------------------------------------------
 */

/* Scheme and authority: the rest of a URL may hold what is nobody's business. */
static size_t origin_of(const char *url)
{
    const char *host = strstr(url, "://");
    size_t len = host ? (size_t)(host - url) + 3 : 0;
    return len + strcspn(url + len, "/?#");
}

static int explain_trust(const struct http_client *client, const char *at, const char *cause,
                         struct error *err)
{
    if (client->own_bundle)
        return error_set(err, ERR_DENIED,
                         "%s: the server's certificate is not trusted: %s; the CA bundle in use is "
                         "%s (AWS_CA_BUNDLE, or ca_bundle in the AWS configuration)",
                         at, cause, client->ca_bundle);
    return error_set(err, ERR_DENIED,
                     "%s: the server's certificate is not trusted: %s; if it is signed by an "
                     "authority of your own, name its PEM file in AWS_CA_BUNDLE (or ca_bundle in "
                     "the AWS configuration)",
                     at, cause);
}

/* `sent`: the whole request left, so that it may have taken effect. */
static int explain(const struct http_handle *handle, const char *at, CURLcode code, bool sent,
                   struct error *err)
{
    const char *own = handle->lines.error;
    const char *cause = *own ? own : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        memory_exhausted(0);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return explain_trust(handle->client, at, cause, err);
    case CURLE_SSL_CACERT_BADFILE: /* from use_bundle */
        return explain_trust(handle->client, at, "no certificate of an authority could be read",
                             err);
    case CURLE_URL_MALFORMAT:
        return error_set(err, ERR_INVALID, "%s: %s", at, cause);
    default: /* name, connection, handshake or time */
        return error_set(err, sent ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s: %s", at, cause);
    }
}

static int explain_answer(const struct http_handle *handle, const char *at,
                          const struct http_answer *answer, bool nothing, struct error *err)
{
    if (answer->too_large)
        return error_set(err, ERR_LIMIT, "%s: the answer is larger than %zu bytes", at,
                         handle->client->options.largest_response_bytes);
    return error_set(err, ERR_TIMEOUT, "%s: %s", at,
                     nothing ? "the connection broke before an answer came" : answer->reason);
}

/* --- an exchange -------------------------------------------------------------------------------
 */

/* One request on its way over one line, and what came back. */
struct exchange {
    struct http_handle *handle;
    struct http_line *line;
    const struct http_request *request;
    struct http_due due;
    struct http_answer answer;
    size_t joined;    /* of the body, that is in handle->out */
    size_t sent;      /* of both */
    size_t all;       /* to be sent */
    bool has_answer;  /* a part of it, at least */
    CURLcode problem; /* of the line */
};

static bool is_sent(const struct exchange *exchange)
{
    return exchange->sent == exchange->all;
}

/* As much as the line takes. */
static CURLcode send_some(struct exchange *exchange)
{
    const struct buf *out = &exchange->handle->out;
    const char *body = exchange->request->body;
    CURLcode code = CURLE_OK;
    while (code == CURLE_OK && !is_sent(exchange)) {
        size_t sent, at = exchange->sent;
        if (at < out->len)
            code = http_line_send(exchange->line, out->data + at, out->len - at, &sent);
        else
            code = http_line_send(exchange->line, body + (at - out->len + exchange->joined),
                                  exchange->all - at, &sent);
        exchange->sent += sent;
    }
    return code == CURLE_AGAIN ? CURLE_OK : code;
}

/* All that is there. */
static CURLcode receive_some(struct exchange *exchange)
{
    struct http_handle *handle = exchange->handle;
    struct http_answer *answer = &exchange->answer;
    while (answer->state == HTTP_ANSWER_MORE) {
        size_t received;
        CURLcode code =
            http_line_receive(exchange->line, handle->received, sizeof handle->received, &received);
        if (code != CURLE_OK)
            return code == CURLE_AGAIN ? CURLE_OK : code;
        if (!received) {
            http_answer_end(answer);
            break;
        }
        exchange->has_answer = true;
        http_answer_add(answer, handle->received, received);
        explicit_bzero(handle->received, received);
    }
    return CURLE_OK;
}

/* Until the answer is there, which may be before the whole request was sent. */
static void converse(struct exchange *exchange)
{
    CURLcode code = send_some(exchange);
    while (code == CURLE_OK && exchange->answer.state == HTTP_ANSWER_MORE) {
        code = http_line_wait(exchange->line, !is_sent(exchange), &exchange->due);
        if (code == CURLE_OK)
            code = receive_some(exchange);
        if (code == CURLE_OK && exchange->answer.state == HTTP_ANSWER_MORE)
            code = send_some(exchange);
    }
    /* A server that refuses a large request may close at once: its answer is there all the same. */
    if (code == CURLE_SEND_ERROR && receive_some(exchange) == CURLE_OK &&
        exchange->answer.state == HTTP_ANSWER_DONE)
        code = CURLE_OK;
    exchange->problem = code;
}

static void take_answer(struct exchange *exchange, struct arena *arena,
                        struct http_response *response)
{
    const struct http_answer *answer = &exchange->answer;
    const struct buf *body = &exchange->handle->body;
    char *copy = arena_alloc(arena, body->len + 1);
    if (body->len)
        memcpy(copy, body->data, body->len);
    *response = (struct http_response){
        .status = answer->status,
        .headers = answer->headers,
        .header_count = answer->header_count,
        .body = copy,
        .body_len = body->len,
    };
}

/* Nothing of this exchange stays in the handle. */
static void forget(struct buf *buf)
{
    if (buf->capacity > KEPT_BYTES)
        buf_done(buf);
    else
        buf_reset(buf);
}

static struct http_due due_of(const struct http_client *client, const struct http_request *request)
{
    struct clock *clock = clock_system();
    int connect_ms = request->connect_timeout_ms, whole_ms = request->timeout_ms;
    return (struct http_due){
        .at_ms = clock->monotonic_ms(clock) + (whole_ms ? whole_ms : client->options.timeout_ms),
        .connect_ms = connect_ms ? connect_ms : client->options.connect_timeout_ms,
        .stop = request->stop,
    };
}

static int run(struct exchange *exchange, struct arena *arena, const char *at,
               struct http_response *response, struct error *err)
{
    struct http_handle *handle = exchange->handle;
    struct http_answer *answer = &exchange->answer;
    const struct http_request *request = exchange->request;
    if (write_request(handle, exchange->line, request, &exchange->joined, err) != 0)
        return -1;
    exchange->all = handle->out.len + request->body_len - exchange->joined;
    http_answer_init(answer, arena, &handle->body, strcmp(request->method, "HEAD") == 0);
    handle->lines.error[0] = '\0';
    converse(exchange);
    if (!answer->keep_alive || !is_sent(exchange) || exchange->problem != CURLE_OK)
        http_line_close(&handle->lines, exchange->line);
    if (exchange->problem != CURLE_OK)
        return explain(handle, at, exchange->problem, is_sent(exchange), err);
    if (answer->state == HTTP_ANSWER_BAD)
        return explain_answer(handle, at, answer, !exchange->has_answer, err);
    take_answer(exchange, arena, response);
    return 0;
}

static int client_send(struct transport *transport, struct arena *arena,
                       const struct http_request *request, struct http_response *response,
                       struct error *err)
{
    struct http_client *client = (struct http_client *)transport;
    struct http_handle *handle = handle_of_thread(client);
    struct exchange exchange = {.handle = handle,
                                .request = request,
                                .due = due_of(client, request)};
    size_t origin = origin_of(request->url);
    const char *at = arena_strndup(arena, request->url, origin);
    *response = (struct http_response){0};
    if (!text_starts_nocase(at, "http://") && !text_starts_nocase(at, "https://"))
        return error_set(err, ERR_INVALID, "%s: only http and https URLs can be asked", at);
    if (!fit_for_line(request->url))
        return error_set(err, ERR_INVALID, "%s: the URL would break the request's head", at);
    if (!fit_for_head(request))
        return error_set(err, ERR_INVALID, "a request header would break the request's head");
    CURLcode why;
    exchange.line = http_line_take(&handle->lines, request->url, origin, &exchange.due, &why);
    int result = exchange.line ? run(&exchange, arena, at, response, err)
                               : explain(handle, at, why, false, err);
    forget(&handle->out);
    forget(&handle->body);
    return result;
}

static int make_share(struct http_client *client, struct error *err)
{
    client->share = curl_share_init();
    if (!client->share)
        memory_exhausted(0);
    CURLSH *share = client->share;
    curl_share_setopt(share, CURLSHOPT_USERDATA, client);
    curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock_share);
    curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock_share);
    /* Never CURL_LOCK_DATA_CONNECT: libcurl does not make that safe between threads. */
    if (curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
        return error_set(err, ERR_UNSUPPORTED, "this libcurl shares no names or TLS sessions");
    return 0;
}

struct transport *http_client_new(const struct http_client_options *options, struct error *err)
{
    struct http_client *client = memory_alloc(sizeof *client);
    client->transport.send = client_send;
    client->options = *options;
    if (!client->options.connect_timeout_ms)
        client->options.connect_timeout_ms = 5000;
    if (!client->options.timeout_ms)
        client->options.timeout_ms = 60000;
    if (!client->options.largest_response_bytes)
        client->options.largest_response_bytes = 16 << 20;
    client->user_agent =
        memory_strdup(options->user_agent ? options->user_agent : "understudy/" UNDERSTUDY_VERSION);
    client->ca_bundle = options->ca_bundle
                            ? memory_strdup(options->ca_bundle)
                            : ca_bundle_find(curl_version_info(CURLVERSION_NOW)->cainfo);
    client->own_bundle = options->ca_bundle != NULL;
    http_proxies_read(&client->proxies, options->no_proxy ? "*" : never_proxied);
    pthread_mutex_init(&client->handles_lock, NULL);
    pthread_mutex_init(&client->trusted_lock, NULL);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_init(&client->share_locks[i], NULL);
    int failed = pthread_key_create(&client->key, handle_free);
    client->has_key = !failed;
    if (failed) {
        error_errno(err, failed, "the HTTP client");
    } else if (client->own_bundle && access(client->ca_bundle, R_OK) != 0) {
        failed = error_errno(err, errno, "the CA bundle %s cannot be read", client->ca_bundle);
    } else {
        failed = make_share(client, err);
    }
    client->lines = (struct http_line_options){
        .share = client->share,
        .user_agent = client->user_agent,
        .proxies = &client->proxies,
        .trust = use_bundle,
        .trust_arg = client,
    };
    if (!failed)
        return &client->transport;
    http_client_free(&client->transport);
    return NULL;
}

void http_client_free(struct transport *transport)
{
    struct http_client *client = (struct http_client *)transport;
    if (!client)
        return;
    if (client->has_key) /* first: no thread that ends later comes back here */
        pthread_key_delete(client->key);
    for (struct http_handle *next, *handle = client->handles; handle; handle = next) {
        next = handle->next;
        handle_free(handle);
    }
    if (client->share)
        curl_share_cleanup(client->share);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_destroy(&client->share_locks[i]);
    pthread_mutex_destroy(&client->handles_lock);
    pthread_mutex_destroy(&client->trusted_lock);
    X509_STORE_free(client->trusted);
    free(client->ca_bundle);
    free(client->user_agent);
    http_proxies_done(&client->proxies);
    free(client);
}
