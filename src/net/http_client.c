#include "net/http_client.h"

#include "base/buf.h"
#include "base/stop.h"
#include "base/text.h"
#include "net/ca_bundle.h"
#include "version.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEPT_BODY_BYTES = 65536,
    LARGEST_HEAD_BYTES = 256 << 10,
};

/* Where no proxy is asked, whatever the environment says: ourselves, and the addresses that hand
 * out credentials (EC2, ECS, EKS), which must not go to anybody else. */
static const char never_proxied[] =
    "localhost,127.0.0.0/8,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,"
    "fd00:ec2::23";

/* One for each thread that sends: libcurl's connections live in it. */
struct http_handle {
    struct http_client *client;
    struct http_handle *next, *previous;
    CURL *easy;
    struct buf body;
    bool sent; /* this request was begun */
    bool lost; /* and would have been begun again */
    char error[CURL_ERROR_SIZE];
};

struct http_client {
    struct transport transport; /* first: this is what callers hold */
    struct http_client_options options;
    char *user_agent, *no_proxy;
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

/* What the callbacks of one exchange gather. */
struct answer {
    struct arena *arena;
    struct buf *body;
    struct http_header *headers;
    size_t count, capacity, head_bytes;
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

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    buf_append(answer->body, data, size * count);
    return answer->body->overflow ? 0 : size * count;
}

static void add_header(struct answer *answer, struct text name, struct text value)
{
    if (answer->count == answer->capacity) {
        size_t capacity = answer->capacity ? answer->capacity * 2 : 16;
        struct http_header *grown = arena_calloc(answer->arena, capacity, sizeof *grown);
        for (size_t i = 0; i < answer->count; i++)
            grown[i] = answer->headers[i];
        answer->headers = grown;
        answer->capacity = capacity;
    }
    answer->headers[answer->count++] = (struct http_header){
        .name = arena_strndup(answer->arena, name.data, name.len),
        .value = arena_strndup(answer->arena, value.data ? value.data : "", value.len),
    };
}

/* Asked at least once a second, also when nothing moves. */
static int on_progress(void *stop, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                       curl_off_t sent)
{
    (void)to_receive;
    (void)received;
    (void)to_send;
    (void)sent;
    return stop_left_ms(stop) == 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    struct text line = {data, size * count};
    answer->head_bytes += line.len;
    if (answer->head_bytes > LARGEST_HEAD_BYTES) {
        answer->body->overflow = true;
        return 0;
    }
    while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    struct text value = line, name = text_cut(&value, ':');
    if (value.data)
        add_header(answer, text_trim(name), text_trim(value));
    else if (line.len) /* a status line: what came before it was of an interim answer (1xx) */
        answer->count = 0;
    return size * count;
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
    curl_easy_cleanup(handle->easy);
    buf_done(&handle->body);
    free(handle);
}

/* libcurl sends a request again by itself when a connection that was kept open breaks before any
 * byte of the answer. Nobody knows whether the first one was carried out: whether to repeat it is
 * for the caller to say, who knows what it does. So neither a new connection nor another kept one
 * is granted to a request that was begun. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_handle *handle = arg;
    (void)purpose;
    if (handle->sent) {
        handle->lost = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int before_request(void *arg, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    struct http_handle *handle = arg;
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    handle->lost = handle->sent;
    handle->sent = true;
    return handle->lost ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* What holds for every exchange. */
static void set_up(struct http_handle *handle)
{
    const struct http_client *client = handle->client;
    CURL *easy = handle->easy;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
    curl_easy_setopt(easy, CURLOPT_SHARE, client->share);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* it is signed as it is */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, client->no_proxy);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t)client->options.largest_response_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    /* Nothing is trusted but what use_bundle brings. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_bundle);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, handle->client);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle);
}

static struct http_handle *handle_of_thread(struct http_client *client)
{
    struct http_handle *handle = pthread_getspecific(client->key);
    if (handle)
        return handle;
    handle = memory_alloc(sizeof *handle);
    handle->client = client;
    buf_init(&handle->body, client->options.largest_response_bytes);
    handle->easy = curl_easy_init();
    if (!handle->easy)
        memory_exhausted(0);
    set_up(handle);
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

static bool valid_header(const struct http_header *header)
{
    return *header->name && !strpbrk(header->name, ":; \t\r\n") && !strpbrk(header->value, "\r\n");
}

/* Not curl_slist_append: it leaves copies of what may be a token in memory that nobody wipes. */
static struct curl_slist *add_line(struct arena *arena, struct curl_slist *before, char *line)
{
    struct curl_slist *list = arena_calloc(arena, 1, sizeof *list);
    *list = (struct curl_slist){.data = line, .next = before};
    return list;
}

static char *header_line(struct arena *arena, const char *name, const char *between,
                         const char *value)
{
    size_t name_len = strlen(name), between_len = strlen(between), value_len = strlen(value);
    char *line = arena_alloc(arena, name_len + between_len + value_len + 1);
    memcpy(line, name, name_len);
    memcpy(line + name_len, between, between_len);
    memcpy(line + name_len + between_len, value, value_len);
    return line;
}

/* Exactly the headers asked for, besides Host, Content-Length and User-Agent: the request is
 * signed, and libcurl's own additions (Accept, Content-Type of a form, Expect) are taken out. */
static int make_headers(struct arena *arena, const struct http_request *request,
                        struct curl_slist **list, struct error *err)
{
    static const char *const own[] = {"Accept", "Content-Type", "Expect"};
    *list = NULL;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!http_header_find(request->headers, request->header_count, own[i]))
            *list = add_line(arena, *list, header_line(arena, own[i], ":", ""));
    for (size_t i = request->header_count; i-- > 0;) { /* in front of what there is: in order */
        const struct http_header *header = &request->headers[i];
        if (!valid_header(header))
            return error_set(err, ERR_INVALID, "a request header would break the request's head");
        /* A semicolon is libcurl's way to say that a header is empty, not absent. */
        bool empty = text_trim(text_of(header->value)).len == 0;
        *list = add_line(arena, *list,
                         empty ? header_line(arena, header->name, ";", "")
                               : header_line(arena, header->name, ": ", header->value));
    }
    return 0;
}

static void set_method(CURL *easy, const struct http_request *request)
{
    const char *method = request->method;
    bool get = strcmp(method, "GET") == 0, head = strcmp(method, "HEAD") == 0,
         post = strcmp(method, "POST") == 0, put = strcmp(method, "PUT") == 0;
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* forgets what the last exchange was */
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, get || head || post ? NULL : method);
    if (head) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request->body_len || post || put) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    }
}

/* Scheme and authority: the rest of a URL may hold what is nobody's business. */
static const char *where(struct arena *arena, const char *url)
{
    const char *host = strstr(url, "://");
    size_t len = host ? (size_t)(host - url) + 3 : 0;
    return arena_strndup(arena, url, len + strcspn(url + len, "/?#"));
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

/* Did the whole request leave? Then it may have taken effect, whatever broke afterwards. */
static bool was_sent(const struct http_handle *handle, size_t body_len)
{
    curl_off_t connected_us = 0, sent_bytes = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    curl_easy_getinfo(handle->easy, CURLINFO_SIZE_UPLOAD_T, &sent_bytes);
    return connected_us > 0 && sent_bytes >= (curl_off_t)body_len;
}

static int explain(const struct http_handle *handle, const char *at, CURLcode code, size_t body_len,
                   struct error *err)
{
    const char *cause = *handle->error ? handle->error : curl_easy_strerror(code);
    if (handle->lost)
        return error_set(err, ERR_TIMEOUT, "%s: the connection broke before an answer came", at);
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
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
        return error_set(err, ERR_LIMIT, "%s: the answer is larger than %zu bytes", at,
                         handle->client->options.largest_response_bytes);
    case CURLE_URL_MALFORMAT:
        return error_set(err, ERR_INVALID, "%s: %s", at, cause);
    default: /* name, connection, handshake, time, or an answer that is none */
        return error_set(err, was_sent(handle, body_len) ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s: %s",
                         at, cause);
    }
}

static void take_answer(struct http_handle *handle, struct answer *answer,
                        struct http_response *response)
{
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    char *body = arena_alloc(answer->arena, handle->body.len + 1);
    if (handle->body.len)
        memcpy(body, handle->body.data, handle->body.len);
    *response = (struct http_response){
        .status = (int)status,
        .headers = answer->headers,
        .header_count = answer->count,
        .body = body,
        .body_len = handle->body.len,
    };
}

/* Nothing of this exchange stays in the handle. */
static void forget(struct http_handle *handle)
{
    CURL *easy = handle->easy;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
    if (handle->body.capacity > KEPT_BODY_BYTES)
        buf_done(&handle->body);
    else
        buf_reset(&handle->body);
    handle->body.overflow = false;
}

static CURLcode perform(struct http_handle *handle, const struct http_request *request,
                        struct curl_slist *headers, struct answer *answer)
{
    const struct http_client_options *options = &handle->client->options;
    CURL *easy = handle->easy;
    int connect_ms = request->connect_timeout_ms, whole_ms = request->timeout_ms;
    int64_t left_ms = stop_left_ms(request->stop);
    if (!whole_ms)
        whole_ms = options->timeout_ms;
    if (left_ms < whole_ms)
        whole_ms = left_ms > 0 ? (int)left_ms : 1;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    set_method(easy, request);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(connect_ms ? connect_ms : options->connect_timeout_ms));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)whole_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, request->stop ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request->stop);
    handle->error[0] = '\0';
    handle->sent = handle->lost = false;
    return curl_easy_perform(easy);
}

static int client_send(struct transport *transport, struct arena *arena,
                       const struct http_request *request, struct http_response *response,
                       struct error *err)
{
    struct http_client *client = (struct http_client *)transport;
    struct http_handle *handle = handle_of_thread(client);
    struct answer answer = {.arena = arena, .body = &handle->body};
    struct curl_slist *headers;
    *response = (struct http_response){0};
    const char *at = where(arena, request->url);
    if (!text_starts_nocase(at, "http://") && !text_starts_nocase(at, "https://"))
        return error_set(err, ERR_INVALID, "%s: only http and https URLs can be asked", at);
    int failed = make_headers(arena, request, &headers, err);
    if (!failed) {
        CURLcode code = perform(handle, request, headers, &answer);
        if (code == CURLE_OK)
            take_answer(handle, &answer, response);
        else
            failed = explain(handle, at, code, request->body_len, err);
    }
    forget(handle);
    return failed;
}

static char *make_no_proxy(void)
{
    const char *own = getenv("no_proxy");
    struct arena arena;
    if (!own || !*own)
        own = getenv("NO_PROXY");
    if (!own || !*own)
        return memory_strdup(never_proxied);
    if (strcmp(own, "*") == 0) /* libcurl knows the star only when it stands alone */
        return memory_strdup(own);
    arena_init(&arena);
    char *both = memory_strdup(arena_printf(&arena, "%s,%s", own, never_proxied));
    arena_done(&arena);
    return both;
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
    client->no_proxy = options->no_proxy ? memory_strdup("*") : make_no_proxy();
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
    free(client->no_proxy);
    free(client);
}
