#include "support/scripted_server.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGEST_REQUEST_BYTES = 8 << 20 };

struct scripted_server {
    const struct script_step *steps;
    size_t count;
    int listen_fd, fd;
    char url[64];
    int port;
    SSL_CTX *context;
    SSL *tls;
    pthread_t thread;
    bool ended;
    struct arena arena; /* the thread's until it has ended */
    struct buf in;      /* bytes behind the last request */
    const char **received;
    size_t received_count, connections;
    atomic_size_t taken; /* steps */
    atomic_bool go;
    char fault[256];
};

__attribute__((format(printf, 2, 3))) static int fault(struct scripted_server *server,
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(server->fault, sizeof server->fault, format, args);
    va_end(args);
    return -1;
}

static int wait_for(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, SCRIPT_PATIENCE_MS) == 1 ? 0 : -1;
}

static void hang_up(struct scripted_server *server, bool reset)
{
    struct linger linger = {1, 0};
    if (server->fd < 0)
        return;
    if (reset)
        setsockopt(server->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    else if (server->tls)
        SSL_shutdown(server->tls);
    SSL_free(server->tls);
    server->tls = NULL;
    close(server->fd);
    server->fd = -1;
    buf_reset(&server->in);
}

/* The client's side knows of the close when this returns. */
static void close_openly(struct scripted_server *server)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (server->fd < 0)
        return;
    if (server->tls)
        SSL_shutdown(server->tls);
    shutdown(server->fd, SHUT_WR);
    for (int ms = 0; ms < SCRIPT_PATIENCE_MS; ms++) {
        if (getsockopt(server->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
            info.tcpi_state != TCP_FIN_WAIT1)
            break;
        poll(NULL, 0, 1);
    }
    hang_up(server, false);
}

static int take_connection(struct scripted_server *server)
{
    hang_up(server, false);
    if (wait_for(server->listen_fd) != 0)
        return fault(server, "nobody connected");
    server->fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (server->fd < 0)
        return fault(server, "accept failed");
    struct timeval patience = {SCRIPT_PATIENCE_MS / 1000, 0};
    setsockopt(server->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(server->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    server->connections++;
    if (!server->context)
        return 0;
    server->tls = SSL_new(server->context);
    SSL_set_fd(server->tls, server->fd);
    /* A client that refuses the certificate is no fault of the script: its next step sees it. */
    if (SSL_accept(server->tls) != 1)
        hang_up(server, false);
    return 0;
}

static long receive(struct scripted_server *server, char *room, size_t len)
{
    if (server->fd < 0)
        return 0;
    return server->tls ? SSL_read(server->tls, room, (int)len) : recv(server->fd, room, len, 0);
}

/* Length of the request at the head of what came, or 0 while it is not whole. */
static size_t whole_request(const char *data)
{
    const char *end = strstr(data, "\r\n\r\n");
    if (!end)
        return 0;
    size_t head = (size_t)(end - data) + 4, body = 0;
    const char *line = strcasestr(data, "\r\ncontent-length:");
    if (line && line < end)
        body = strtoul(line + 17, NULL, 10);
    return strlen(data) >= head + body ? head + body : 0;
}

static int take_request(struct scripted_server *server, const char *text)
{
    struct buf *in = &server->in;
    size_t len;
    if (server->fd < 0 && take_connection(server) != 0)
        return -1;
    while ((len = whole_request(buf_text(in))) == 0) {
        char *room = buf_reserve(in, 65536);
        long got = room ? receive(server, room, 65536) : -1;
        if (got <= 0)
            return fault(server, "the request did not come");
        in->len += (size_t)got;
        in->data[in->len] = '\0';
    }
    char *request = arena_strndup(&server->arena, in->data, len);
    server->received[server->received_count++] = request;
    memmove(in->data, in->data + len, in->len - len + 1);
    in->len -= len;
    if (!strstr(request, text))
        return fault(server, "\"%.60s\" is not in \"%.120s\"", text, request);
    return 0;
}

static int give(struct scripted_server *server, const char *text, size_t len)
{
    if (server->fd < 0 && take_connection(server) != 0)
        return -1;
    while (len) {
        long sent = server->fd < 0 ? -1
                    : server->tls  ? SSL_write(server->tls, text, (int)len)
                                   : send(server->fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0; /* the client had enough: tests look at what the client says */
        text += sent;
        len -= (size_t)sent;
    }
    return 0;
}

static int hang(struct scripted_server *server)
{
    char nothing[4096];
    if (server->fd < 0 && take_connection(server) != 0)
        return -1;
    long got;
    while ((got = receive(server, nothing, sizeof nothing)) > 0)
        ;
    bool late = got < 0 && errno == EAGAIN;
    hang_up(server, false);
    return late ? fault(server, "the client did not go away") : 0;
}

static int wait_to_go(struct scripted_server *server)
{
    for (int ms = 0; ms < SCRIPT_PATIENCE_MS; ms++) {
        if (atomic_load(&server->go))
            return 0;
        poll(NULL, 0, 1);
    }
    return fault(server, "nobody told it to go on");
}

static int take_step(struct scripted_server *server, const struct script_step *step)
{
    switch (step->action) {
    case SCRIPT_ACCEPT:
        return take_connection(server);
    case SCRIPT_REQUEST:
        return take_request(server, step->text);
    case SCRIPT_ANSWER:
        return give(server, step->text, step->len ? step->len : strlen(step->text));
    case SCRIPT_CLOSE:
        close_openly(server);
        return 0;
    case SCRIPT_RESET:
        hang_up(server, true);
        return 0;
    case SCRIPT_HANG:
        return hang(server);
    case SCRIPT_PAUSE_MS:
        poll(NULL, 0, step->number);
        return 0;
    case SCRIPT_WAIT:
        return wait_to_go(server);
    }
    return fault(server, "unknown step");
}

static void *play(void *arg)
{
    struct scripted_server *server = arg;
    /* OpenSSL writes without MSG_NOSIGNAL; what the client does about SIGPIPE is its own affair. */
    sigset_t pipes;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, NULL);
    for (size_t i = 0; i < server->count; i++) {
        if (take_step(server, &server->steps[i]) == 0) {
            atomic_fetch_add(&server->taken, 1);
            continue;
        }
        size_t len = strlen(server->fault);
        snprintf(server->fault + len, sizeof server->fault - len, " (step %zu)", i);
        break;
    }
    hang_up(server, false);
    close(server->listen_fd); /* what comes after the script is refused */
    return NULL;
}

static void use_certificate(struct scripted_server *server, const char *certificate,
                            const char *key)
{
    server->context = SSL_CTX_new(TLS_server_method());
    assert_non_null(server->context);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(server->context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server->context, key, SSL_FILETYPE_PEM), 1);
}

struct scripted_server *scripted_server_new(const struct script_step *steps, size_t count,
                                            const char *certificate, const char *key)
{
    struct scripted_server *server = memory_alloc(sizeof *server);
    server->steps = steps;
    server->count = count;
    server->fd = -1;
    arena_init(&server->arena);
    buf_init(&server->in, LARGEST_REQUEST_BYTES);
    server->received = arena_calloc(&server->arena, count + 1, sizeof *server->received);
    if (certificate)
        use_certificate(server, certificate, key);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(server->listen_fd, (struct sockaddr *)&name, len), errno);
    assert_return_code(listen(server->listen_fd, 16), errno);
    assert_return_code(getsockname(server->listen_fd, (struct sockaddr *)&name, &len), errno);
    server->port = ntohs(name.sin_port);
    snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%d", certificate ? "https" : "http",
             server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, play, server), 0);
    return server;
}

int scripted_server_port(const struct scripted_server *server)
{
    return server->port;
}

const char *scripted_server_url(const struct scripted_server *server)
{
    return server->url;
}

const char *scripted_server_end(struct scripted_server *server)
{
    if (!server->ended)
        pthread_join(server->thread, NULL);
    server->ended = true;
    return server->fault;
}

void scripted_server_await(struct scripted_server *server, size_t steps)
{
    int ms = 0;
    while (atomic_load(&server->taken) < steps && ms++ < SCRIPT_PATIENCE_MS)
        poll(NULL, 0, 1);
    assert_true(atomic_load(&server->taken) >= steps);
}

void scripted_server_go(struct scripted_server *server)
{
    atomic_store(&server->go, true);
}

void scripted_server_finish(struct scripted_server *server)
{
    assert_string_equal(scripted_server_end(server), "");
}

const char *scripted_server_received(const struct scripted_server *server, size_t request)
{
    assert_true(server->ended && request < server->received_count);
    return server->received[request];
}

size_t scripted_server_request_count(const struct scripted_server *server)
{
    return server->received_count;
}

size_t scripted_server_connection_count(const struct scripted_server *server)
{
    return server->connections;
}

void scripted_server_free(struct scripted_server *server)
{
    if (!server)
        return;
    scripted_server_end(server);
    SSL_CTX_free(server->context);
    buf_done(&server->in);
    arena_done(&server->arena);
    free(server);
}
