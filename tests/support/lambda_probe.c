/*
 * lambda_probe: a function's bootstrap for tests: a runtime that does what its event says.
 *
 * The event is one word and perhaps an argument: echo TEXT, env, exit N, crash, hang, pid, cwd,
 * fds, limits, print TEXT, noise N, big BYTES, error TEXT, twice, wrong-id, early, path P, child,
 * eat MB, linger. PROBE_INIT in the environment says what to do before the first `next`.
 */
#include "base/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGEST = 8 << 20 };
static const char base[] = "/2018-06-01/runtime";
static char *answer; /* of the last call */
static size_t body_at, answer_len;
static char request_id[64];

static int connect_to(const char *api)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const char *colon = strrchr(api, ':');
    char host[64];
    snprintf(host, sizeof host, "%.*s", (int)(colon - api), api);
    inet_pton(AF_INET, host, &name.sin_addr);
    name.sin_port = htons((unsigned short)strtol(colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&name, sizeof name) == 0 ? fd : -1;
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

/* One request on a connection of its own; the status, 0 when there was no answer. */
static int call(const char *method, const char *path, const char *header, const char *body,
                size_t len)
{
    char head[1024];
    int fd = connect_to(getenv("AWS_LAMBDA_RUNTIME_API"));
    if (fd < 0)
        return 0;
    int head_len = snprintf(head, sizeof head,
                            "%s %s HTTP/1.1\r\nHost: runtime\r\nConnection: close\r\n%s"
                            "Content-Length: %zu\r\n\r\n",
                            method, path, header, len);
    send_all(fd, head, (size_t)head_len);
    send_all(fd, body, len);
    answer_len = 0;
    for (ssize_t got; answer_len < LARGEST - 1; answer_len += (size_t)got)
        if ((got = recv(fd, answer + answer_len, LARGEST - 1 - answer_len, 0)) <= 0)
            break;
    close(fd);
    answer[answer_len] = '\0';
    const char *end = strstr(answer, "\r\n\r\n");
    body_at = end ? (size_t)(end - answer) + 4 : answer_len;
    return answer_len > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static int post(const char *what, const char *header, const char *body, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", base, what);
    return call("POST", path, header, body, len);
}

static int finish(const char *id, const char *how, const char *header, const char *body, size_t len)
{
    char what[128];
    snprintf(what, sizeof what, "invocation/%s/%s", id, how);
    return post(what, header, body, len);
}

__attribute__((format(printf, 1, 2))) static void respond(const char *format, ...)
{
    static char text[256 * 1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    finish(request_id, "response", "", text, strlen(text));
}

static int next(void)
{
    static const char name[] = "\nlambda-runtime-aws-request-id:";
    char path[64];
    snprintf(path, sizeof path, "%s/invocation/next", base);
    int status = call("GET", path, "", "", 0);
    for (char *at = answer; status == 200 && *at; at++)
        if (strncasecmp(at, name, sizeof name - 1) == 0)
            sscanf(at + sizeof name - 1, " %63s", request_id);
    return status;
}

/* --- what it can be told to do ---------------------------------------------------------------- */

static char **environment;

static void say_env(void)
{
    static char text[64 * 1024];
    size_t at = 0;
    for (char **one = environment; *one; one++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", *one);
    respond("%s", text);
}

static void say_limits(void)
{
    struct rlimit files, core;
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    respond("%ld %ld %d", (long)files.rlim_cur, (long)core.rlim_cur, getpgrp() == getpid());
}

static void say_fds(void)
{
    char text[256] = "";
    for (int fd = 0; fd < 1024; fd++)
        if (lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", fd);
    respond("%s", text);
}

static void say_cwd(void)
{
    char path[1024];
    respond("%s", getcwd(path, sizeof path) ? path : "?");
}

static void be_big(const char *rest)
{
    size_t len = strtoul(rest, NULL, 10);
    char *body = memory_alloc(len);
    memset(body, 'x', len);
    int status = finish(request_id, "response", "", body, len);
    fprintf(stderr, "big: %d\n", status);
    free(body);
}

static void eat(const char *rest)
{
    size_t len = strtoul(rest, NULL, 10) << 20;
    volatile char *memory = memory_alloc(len);
    for (size_t i = 0; i < len; i += 4096)
        memory[i] = 1;
    pause();
}

/* A child that nobody would miss. */
static void have_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    respond("%d", (int)child);
}

static void make_noise(const char *rest)
{
    long count = strtol(rest, NULL, 10);
    for (long i = 0; i < count; i++)
        printf("line %ld\n", i);
    fflush(stdout);
    respond("done");
}

static void out_of_turn(void)
{
    int early = next();
    int wrong = finish("00000000-0000-0000-0000-000000000000", "response", "", "{}", 2);
    int init = post("init/error", "", "{}", 2), none = post("nothing", "", "", 0);
    char path[64];
    snprintf(path, sizeof path, "%s/init/error", base);
    int method = call("GET", path, "", "", 0);
    char text[64];
    snprintf(text, sizeof text, "%d %d %d %d %d", early, wrong, init, none, method);
    int first = finish(request_id, "response", "", text, strlen(text));
    int second = finish(request_id, "response", "", "{}", 2);
    fprintf(stderr, "posts: %d %d\n", first, second);
}

static void report(const char *rest)
{
    char body[512];
    snprintf(body, sizeof body, "{\"errorMessage\":\"%s\",\"errorType\":\"Probe\"}", rest);
    finish(request_id, "error", "Lambda-Runtime-Function-Error-Type: Function.Probed\r\n", body,
           strlen(body));
}

#define IS(text) (strcmp(word, text) == 0)

static void obey(const char *word, const char *rest)
{
    if (IS("echo"))
        respond("%s", rest);
    else if (IS("env"))
        say_env();
    else if (IS("exit"))
        _exit((int)strtol(rest, NULL, 10));
    else if (IS("crash")) {
        signal(SIGSEGV, SIG_DFL); /* the sanitizers catch it */
        raise(SIGSEGV);
    } else if (IS("hang"))
        pause();
    else if (IS("pid"))
        respond("%d", (int)getpid());
    else if (IS("cwd"))
        say_cwd();
    else if (IS("fds"))
        say_fds();
    else if (IS("limits"))
        say_limits();
    else if (IS("print")) {
        fprintf(stderr, "%s", rest);
        respond("printed");
    } else if (IS("noise"))
        make_noise(rest);
    else if (IS("big"))
        be_big(rest);
    else if (IS("error"))
        report(rest);
    else if (IS("turns"))
        out_of_turn();
    else if (IS("child"))
        have_child();
    else if (IS("eat"))
        eat(rest);
    else if (IS("last")) {
        respond("the last");
        _exit(3);
    } else
        respond("%s", word);
}

static void begin(const char *word)
{
    static const char error[] = "{\"errorMessage\":\"no luck\",\"errorType\":\"Probe.Init\"}";
    if (IS("exit"))
        _exit(9);
    if (IS("hang"))
        pause();
    if (IS("error")) {
        post("init/error", "Lambda-Runtime-Function-Error-Type: Runtime.Probed\r\n", error,
             strlen(error));
        _exit(1);
    }
}

int main(int argc, char **argv, char **env)
{
    (void)argc;
    (void)argv;
    environment = env;
    answer = memory_alloc(LARGEST);
    if (getenv("PROBE_INIT"))
        begin(getenv("PROBE_INIT"));
    while (next() == 200) {
        static char word[64], rest[256 * 1024];
        word[0] = rest[0] = '\0';
        sscanf(answer + body_at, "%63s %262143[^\x01]", word, rest);
        obey(word, rest);
    }
    return 0;
}
