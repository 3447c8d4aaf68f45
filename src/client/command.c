#include "client/command.h"

#include "base/arena.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- words ------------------------------------------------------------------------------------ */

struct splitter {
    const char *at;
    char *to; /* where the next byte of the word goes; never ahead of `at` */
};

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

static int quoted(struct splitter *s, char quote)
{
    for (s->at++; *s->at != quote; s->at++) {
        if (quote == '"' && s->at[0] == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
            s->at++;
        if (!*s->at)
            return -1;
        *s->to++ = *s->at;
    }
    s->at++;
    return 0;
}

static int one_word(struct splitter *s)
{
    while (*s->at && !is_blank(*s->at)) {
        if (*s->at == '\'' || *s->at == '"') {
            if (quoted(s, *s->at) != 0)
                return -1;
            continue;
        }
        if (*s->at == '\\' && !*++s->at)
            return -1;
        *s->to++ = *s->at++;
    }
    return 0;
}

int command_split(struct arena *arena, const char *text, char ***words, struct error *err)
{
    size_t len = strlen(text), count = 0;
    char *out = arena_alloc(arena, len + 1);
    struct splitter s = {text, out};
    *words = arena_calloc(arena, len / 2 + 2, sizeof **words);
    for (;;) {
        while (is_blank(*s.at))
            s.at++;
        if (!*s.at)
            break;
        (*words)[count++] = s.to;
        if (one_word(&s) != 0)
            return error_set(err, ERR_INVALID, "a quote or backslash is open at the end");
        *s.to++ = '\0'; /* there is room: a blank or the end was passed */
    }
    if (!count || !*(*words)[0])
        return error_set(err, ERR_INVALID, "no program is named");
    return 0;
}

/* --- the process ------------------------------------------------------------------------------ */

struct child {
    pid_t pid;
    int output; /* read end of its standard output */
    int64_t deadline_ms;
    const char *name;
    bool ended;
    int status;
};

/* Its own process group, so that all of it can be killed, and none of the signal masks of our
 * worker threads. */
static int spawn(char **words, int output, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    int result = posix_spawnp(pid, words[0], &files, &how, words, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return result;
}

static int start(struct child *child, char **words, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(err, errno, "cannot make a pipe");
    int problem = spawn(words, ends[1], &child->pid);
    close(ends[1]);
    child->output = ends[0];
    if (!problem)
        return 0;
    close(ends[0]);
    return error_errno(err, problem, "cannot run %s", words[0]);
}

static int left_ms(const struct child *child)
{
    struct clock *clock = clock_system();
    int64_t left = child->deadline_ms - clock->monotonic_ms(clock);
    return left < 0 ? 0 : left > 3600 * 1000 ? 3600 * 1000 : (int)left;
}

static int too_slow(const struct child *child, struct error *err)
{
    return error_set(err, ERR_UNAVAILABLE, "%s took too long and was stopped", child->name);
}

static int read_output(struct child *child, struct buf *out, struct error *err)
{
    char chunk[4096];
    int result = 0;
    for (;;) {
        struct pollfd ready = {.fd = child->output, .events = POLLIN};
        int count = poll(&ready, 1, left_ms(child));
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0) {
            result = too_slow(child, err);
            break;
        }
        ssize_t got = read(child->output, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = error_errno(err, errno, "cannot read from %s", child->name);
        if (got <= 0)
            break;
        buf_append(out, chunk, (size_t)got);
        if (out->overflow) {
            result =
                error_set(err, ERR_LIMIT, "%s prints more than %zu bytes", child->name, out->limit);
            break;
        }
    }
    explicit_bzero(chunk, sizeof chunk);
    return result;
}

/* It may go on after closing its output. */
static int await_end(struct child *child, struct error *err)
{
    int fd = pidfd_open(child->pid, 0), count = 1;
    if (fd >= 0) {
        struct pollfd ended = {.fd = fd, .events = POLLIN};
        do
            count = poll(&ended, 1, left_ms(child));
        while (count < 0 && errno == EINTR);
        close(fd);
    }
    if (count == 0)
        return too_slow(child, err);
    while (waitpid(child->pid, &child->status, 0) < 0)
        if (errno != EINTR)
            return error_errno(err, errno, "cannot wait for %s", child->name);
    child->ended = true;
    if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0)
        return 0;
    if (WIFSIGNALED(child->status))
        return error_set(err, ERR_IO, "%s was ended by signal %d", child->name,
                         WTERMSIG(child->status));
    return error_set(err, ERR_IO, "%s ended with status %d", child->name,
                     WEXITSTATUS(child->status));
}

int command_run(char **words, int64_t timeout_ms, struct buf *out, struct error *err)
{
    struct clock *clock = clock_system();
    struct child child = {.deadline_ms = clock->monotonic_ms(clock) + timeout_ms, .name = words[0]};
    if (start(&child, words, err) != 0)
        return -1;
    int result = read_output(&child, out, err);
    if (result == 0)
        result = await_end(&child, err);
    close(child.output);
    if (!child.ended) {
        kill(-child.pid, SIGKILL);
        while (waitpid(child.pid, &child.status, 0) < 0 && errno == EINTR)
            ;
    }
    return result;
}
