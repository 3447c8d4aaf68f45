#include "net/http_loop.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPTS_PER_ROUND = 64 };

static unsigned usual_loops(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    /* One CPU is left to whoever asks: measured, the spread of answer times is a third. */
    return count > 1 ? (unsigned)count - 1 : 1;
}

static void fill_defaults(struct http_server_options *options)
{
#define DEFAULT(field, value) options->field = options->field ? options->field : (value)
    DEFAULT(loops, usual_loops());
    DEFAULT(largest_header_bytes, 16 << 10);
    DEFAULT(largest_body_bytes, 1 << 20);
    DEFAULT(largest_field_count, 100);
    DEFAULT(largest_connections, 4096);
    DEFAULT(header_timeout_ms, 10000);
    DEFAULT(body_timeout_ms, 30000);
    DEFAULT(keep_alive_timeout_ms, 60000);
    DEFAULT(clock, clock_system());
#undef DEFAULT
}

static int listen_at(const struct addrinfo *at)
{
    int one = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int port_of(int fd)
{
    union {
        struct sockaddr_in6 v6;
        struct sockaddr_in v4;
        struct sockaddr any;
    } name = {.v6 = {0}};
    socklen_t len = sizeof name;
    if (getsockname(fd, &name.any, &len) != 0)
        return 0;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

static int open_listener(struct http_server *server, const char *host, int port, struct error *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    int failed = getaddrinfo(host, port_text, &hints, &found);
    if (failed)
        return error_set(err, ERR_INVALID, "cannot listen on %s: %s", host, gai_strerror(failed));
    for (const struct addrinfo *at = found; at && server->listen_fd < 0; at = at->ai_next)
        server->listen_fd = listen_at(at);
    int saved = errno;
    freeaddrinfo(found);
    if (server->listen_fd < 0)
        return error_errno(err, saved, "cannot listen on %s port %d", host, port);
    server->port = port_of(server->listen_fd);
    return 0;
}

struct http_server *http_server_new(const struct http_server_options *options, struct error *err)
{
    struct http_server *server = memory_alloc(sizeof *server);
    server->options = *options;
    server->options.host = NULL;
    fill_defaults(&server->options);
    server->limits = (struct http_reader_limits){
        .head_bytes = server->options.largest_header_bytes,
        .body_bytes = server->options.largest_body_bytes,
        .field_count = server->options.largest_field_count,
        .large_body = server->options.large_body,
        .arg = server->options.arg,
        .large_bytes = server->options.large_bytes,
        .large_held = &server->large_held,
    };
    server->listen_fd = -1;
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    unsigned count = server->options.loops;
    server->loops = aligned_alloc(_Alignof(struct http_loop), count * sizeof *server->loops);
    if (!server->loops)
        memory_exhausted(count * sizeof *server->loops);
    for (unsigned i = 0; i < count; i++)
        http_loop_init(&server->loops[i], server, i);
    int failed = options->host ? open_listener(server, options->host, options->port, err) : 0;
    for (unsigned i = 0; i < count && !failed; i++)
        failed = http_loop_open(&server->loops[i], err);
    if (!failed)
        return server;
    http_server_free(server);
    return NULL;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

int http_server_start(struct http_server *server, struct error *err)
{
    while (server->started < server->options.loops) {
        struct http_loop *loop = &server->loops[server->started];
        char name[16];
        snprintf(name, sizeof name, "http-%u", loop->number % 1000);
        if (thread_start(&loop->thread, name, http_loop_run, loop, err) != 0) {
            http_server_stop(server, 0);
            return -1;
        }
        server->started++;
    }
    return 0;
}

void http_server_stop(struct http_server *server, int grace_ms)
{
    server->stop_by_ms = clock_system()->monotonic_ms(clock_system()) + grace_ms;
    server->stop = true;
    for (unsigned i = 0; i < server->started; i++)
        http_loop_wake(&server->loops[i]);
    for (unsigned i = 0; i < server->started; i++)
        pthread_join(server->loops[i].thread, NULL);
    server->started = 0;
    http_server_close_listener(server);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server, 0);
    for (unsigned i = 0; i < server->options.loops; i++)
        http_loop_done(&server->loops[i]);
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    free(server->loops);
    free(server);
}

void http_server_flush(struct http_server *server)
{
    for (unsigned i = 0; i < server->options.loops; i++)
        if (atomic_load_explicit(&server->loops[i].completed, memory_order_relaxed))
            http_loop_wake(&server->loops[i]);
}

void http_server_wake(struct http_server *server)
{
    for (unsigned i = 0; i < server->options.loops; i++) {
        atomic_store(&server->loops[i].called, true);
        http_loop_wake(&server->loops[i]);
    }
}

void http_server_close_listener(struct http_server *server)
{
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    server->listen_fd = -1;
}

/* An IPv4 client of an IPv6 listener keeps its own name: policies compare it. */
static void name_peer(struct http_connection *connection, const struct sockaddr_storage *name)
{
    const struct in6_addr *six = &((const struct sockaddr_in6 *)name)->sin6_addr;
    const void *address = &((const struct sockaddr_in *)name)->sin_addr;
    int family = name->ss_family;
    if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six)) {
        family = AF_INET;
        address = &six->s6_addr[12];
    } else if (family == AF_INET6) {
        address = six;
    }
    inet_ntop(family, address, connection->peer, sizeof connection->peer);
}

static void send_to(struct http_loop *loop, struct http_connection *connection)
{
    connection->next = atomic_load_explicit(&loop->arrived, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&loop->arrived, &connection->next, connection))
        ;
    http_loop_wake(loop);
}

static void hand_over(struct http_server *server, struct http_connection *connection)
{
    struct http_loop *loop = &server->loops[server->next_loop++ % server->options.loops];
    if (loop->number == 0) /* the acceptor's own */
        http_loop_adopt(loop, connection);
    else
        send_to(loop, connection);
}

/* Out of descriptors: the waiting connection would make epoll spin. It is taken with the spare one
 * and closed, so that its client knows. */
static bool refuse_one(struct http_server *server)
{
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* NULL: there are too many, this one is closed. */
static struct http_connection *admit(struct http_server *server, int fd,
                                     const struct sockaddr_storage *name)
{
    int one = 1;
    if (server->options.makes_room &&
        atomic_load(&server->connections) >= server->options.largest_connections)
        http_loop_make_room(&server->loops[0]);
    if (atomic_fetch_add(&server->connections, 1) >= server->options.largest_connections) {
        atomic_fetch_sub(&server->connections, 1);
        close(fd);
        return NULL;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct http_connection *connection = memory_alloc(sizeof *connection);
    connection->fd = fd;
    name_peer(connection, name);
    return connection;
}

static bool accept_one(struct http_server *server)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;
    int fd =
        accept4(server->listen_fd, (struct sockaddr *)&name, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? refuse_one(server)
                                                  : errno == EINTR || errno == ECONNABORTED;
    struct http_connection *connection = admit(server, fd, &name);
    if (connection)
        hand_over(server, connection);
    return true;
}

void http_server_adopt(struct http_server *server, int fd, uint64_t tag)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;
    getpeername(fd, (struct sockaddr *)&name, &len);
    struct http_connection *connection = admit(server, fd, &name);
    if (!connection)
        return;
    connection->tag = tag;
    send_to(&server->loops[tag % server->options.loops], connection);
}

void http_server_accept(struct http_server *server)
{
    for (unsigned count = 0; count < ACCEPTS_PER_ROUND && accept_one(server); count++)
        ;
}
