#include "local/sandbox.h"

#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGEST_FILES = 1024 };

/* --- starting --------------------------------------------------------------------------------- */

struct birth {
    const char *program, *folder;
    char *const *arguments, *const *environment;
    int input_fd, output_fd;
    int report_fd; /* gets errno when exec fails; exec closes it */
    pid_t parent;
    bool limited; /* dies with its parent, has no signal's setting, is within a function's limits */
};

static void limit(int resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max < most)
        most = now.rlim_max;
    setrlimit(resource, &(struct rlimit){most, most});
}

static void forget_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, which shares the parent's memory until exec: only system calls, nothing written
 * but its own frame. */
static __attribute__((noinline, noreturn)) void be_born(const struct birth *birth)
{
    setpgid(0, 0);
    if (birth->limited) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != birth->parent)
            _exit(127);
        limit(RLIMIT_NOFILE, LARGEST_FILES);
        limit(RLIMIT_CORE, 0);
    }
    int report_fd = fcntl(birth->report_fd, F_DUPFD_CLOEXEC, 10);
    if (dup2(birth->input_fd, 0) == 0 && dup2(birth->output_fd, 1) == 1 &&
        dup2(birth->output_fd, 2) == 2 && report_fd >= 0 &&
        close_range(3, (unsigned)report_fd - 1, 0) == 0 &&
        close_range((unsigned)report_fd + 1, ~0U, 0) == 0 && chdir(birth->folder) == 0) {
        umask(022);
        if (birth->limited)
            forget_signals();
        execve(birth->program, birth->arguments, birth->environment);
    }
    int problem = errno;
    if (write(report_fd, &problem, sizeof problem) != (ssize_t)sizeof problem)
        _exit(126);
    _exit(127);
}

/* Handlers of the parent must not run in the child: all signals wait until it has its own memory.
 * vfork, not fork: the store's maps make a copy of the page tables dear. */
static pid_t give_birth(const struct birth *birth)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
    if (pid == 0)        /* all signals wait: nothing else touches what it borrows */
        be_born(birth);  /* NOLINT(clang-analyzer-unix.Vfork) */
    int problem = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = problem;
    return pid;
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

/* 0 and *pid, or -1; *problem is exec's errno. Closes the report's pipe. */
static int run(struct birth *birth, pid_t *pid, int *problem, struct error *err)
{
    int report[2] = {-1, -1};
    *problem = 0;
    if (pipe2(report, O_CLOEXEC) != 0)
        return error_errno(err, errno, "cannot make a pipe");
    birth->report_fd = report[1];
    birth->parent = getpid();
    *pid = give_birth(birth);
    int failed = errno;
    close(report[1]);
    report[1] = -1;
    if (*pid > 0 && read(report[0], problem, sizeof *problem) == (ssize_t)sizeof *problem) {
        waitpid(*pid, NULL, 0);
        error_errno(err, *problem, "cannot run %s", birth->program);
        *pid = -1;
    } else if (*pid < 0) {
        error_errno(err, failed, "cannot start a process");
    }
    close_pair(report);
    return *pid > 0 ? 0 : -1;
}

/* --- the watcher ------------------------------------------------------------------------------ */

/*
 * It reads "+ PGID" and "- PGID" lines and kills, at the end of its input, which is the server's,
 * the groups that were not taken back. By then their numbers could stand for others: their leaders
 * have died with the server. So each group has a member that stays until it is taken back: a child
 * of the watcher that has joined it and ended, and is not waited for. The kernel gives a number to
 * nobody else while a process, ended or not, has it as its group's.
 */
static const char watcher_name[] = "understudy-watcher";
static bool may_be_watcher; /* this program calls sandbox_main */

struct pin {
    pid_t group, pid; /* pid: the child that holds the group's number */
};

struct pins {
    struct pin *list;
    size_t count, room;
};

static void pins_add(struct pins *pins, pid_t group)
{
    siginfo_t end = {0};
    pid_t pid = fork();
    if (pid == 0)
        _exit(setpgid(0, group) == 0 ? 0 : 1);
    if (pid < 0 || waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT) != 0)
        return;
    if (end.si_code != CLD_EXITED || end.si_status != 0) { /* there is no such group any more */
        waitpid(pid, NULL, 0);
        return;
    }
    if (pins->count == pins->room) {
        pins->room = pins->room ? 2 * pins->room : 16;
        pins->list = memory_realloc(pins->list, pins->room * sizeof *pins->list);
    }
    pins->list[pins->count++] = (struct pin){group, pid};
}

static void pins_remove(struct pins *pins, pid_t group)
{
    for (size_t i = 0; i < pins->count; i++)
        if (pins->list[i].group == group) {
            waitpid(pins->list[i].pid, NULL, 0);
            pins->list[i] = pins->list[--pins->count];
            return;
        }
}

/* Signals stay blocked, as they were when it was born: SIGTERM and the like are for the server. */
static __attribute__((noreturn)) void watch(void)
{
    struct pins pins = {0};
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        pid_t group = (pid_t)strtol(line + 1, NULL, 10);
        if (group > 1 && line[0] == '+')
            pins_add(&pins, group);
        else if (group > 1 && line[0] == '-')
            pins_remove(&pins, group);
    }
    for (size_t i = 0; i < pins.count; i++)
        kill(-pins.list[i].group, SIGKILL);
    _exit(0);
}

void sandbox_main(char **argv)
{
    may_be_watcher = true;
    if (argv[0] && strcmp(argv[0], watcher_name) == 0)
        watch();
}

struct sandbox_watch {
    pid_t pid;
    int fd; /* its input */
};

struct sandbox_watch *sandbox_watch_new(struct error *err)
{
    static const char program[] = "/proc/self/exe";
    char *const arguments[] = {(char *)watcher_name, NULL};
    char *const environment[] = {NULL};
    if (!may_be_watcher) {
        error_set(err, ERR_UNSUPPORTED, "this program cannot watch over processes");
        return NULL;
    }
    int pipe_fds[2] = {-1, -1}, problem;
    struct sandbox_watch *watch = memory_alloc(sizeof *watch);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int failed = pipe2(pipe_fds, O_CLOEXEC) != 0 || null_fd < 0
                     ? error_errno(err, errno, "cannot make a pipe")
                     : 0;
    struct birth birth = {.program = program,
                          .folder = "/",
                          .arguments = arguments,
                          .environment = environment,
                          .input_fd = pipe_fds[0],
                          .output_fd = null_fd};
    if (!failed)
        failed = run(&birth, &watch->pid, &problem, err);
    if (pipe_fds[0] >= 0)
        close(pipe_fds[0]);
    if (null_fd >= 0)
        close(null_fd);
    watch->fd = pipe_fds[1];
    if (!failed)
        return watch;
    if (watch->fd >= 0)
        close(watch->fd);
    free(watch);
    return NULL;
}

void sandbox_watch_free(struct sandbox_watch *watch)
{
    if (!watch)
        return;
    close(watch->fd);
    while (waitpid(watch->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(watch);
}

static void tell(struct sandbox_watch *watch, char sign, pid_t id)
{
    char line[32];
    int len = snprintf(line, sizeof line, "%c %d\n", sign, (int)id);
    file_write_all(watch->fd, line, (size_t)len);
}

/* --- a process -------------------------------------------------------------------------------- */

int sandbox_start(struct sandbox_watch *watch, const struct sandbox_start *start,
                  struct sandbox *out, int *problem, struct error *err)
{
    char *const arguments[] = {(char *)start->program, NULL};
    int output[2] = {-1, -1};
    *out = (struct sandbox){.pid_fd = -1, .output_fd = -1};
    *problem = 0;
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct birth birth = {.program = start->program,
                          .folder = start->folder,
                          .arguments = arguments,
                          .environment = (char *const *)start->environment,
                          .limited = true};
    int result = null_fd < 0 || pipe2(output, O_CLOEXEC) != 0
                     ? error_errno(err, errno, "cannot make a pipe")
                     : 0;
    birth.input_fd = null_fd;
    birth.output_fd = output[1];
    if (result == 0)
        result = run(&birth, &out->pid, problem, err);
    if (result == 0) {
        tell(watch, '+', out->pid);
        out->pid_fd = pidfd_open(out->pid, 0);
        out->output_fd = output[0];
        output[0] = -1;
        fcntl(out->output_fd, F_SETFL, O_NONBLOCK);
    } else {
        out->pid = 0;
    }
    close_pair(output);
    if (null_fd >= 0)
        close(null_fd);
    if (result == 0 && out->pid_fd < 0) { /* out of descriptors */
        int status;
        result = error_errno(err, errno, "cannot watch a process");
        sandbox_reap(watch, out, &status);
    }
    return result;
}

void sandbox_kill(const struct sandbox *sandbox)
{
    if (sandbox->pid > 0) {
        kill(-sandbox->pid, SIGKILL);
        kill(sandbox->pid, SIGKILL); /* it may have left its group */
    }
}

void sandbox_freeze(const struct sandbox *sandbox)
{
    kill(-sandbox->pid, SIGSTOP);
}

void sandbox_thaw(const struct sandbox *sandbox)
{
    kill(-sandbox->pid, SIGCONT);
}

void sandbox_reap(struct sandbox_watch *watch, struct sandbox *sandbox, int *status)
{
    *status = 0;
    if (sandbox->pid > 0) {
        sandbox_kill(sandbox); /* its number is not given to others before it is waited for */
        tell(watch, '-', sandbox->pid);
        while (waitpid(sandbox->pid, status, 0) < 0 && errno == EINTR)
            ;
    }
    if (sandbox->pid_fd >= 0)
        close(sandbox->pid_fd);
    if (sandbox->output_fd >= 0)
        close(sandbox->output_fd);
    *sandbox = (struct sandbox){.pid_fd = -1, .output_fd = -1};
}

static int64_t status_kilobytes(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

void sandbox_memory(const struct sandbox *sandbox, int64_t *now, int64_t *most)
{
    char path[64], text[4096];
    *now = *most = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)sandbox->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    *now = status_kilobytes(text, "\nVmRSS:") * 1024;
    *most = status_kilobytes(text, "\nVmHWM:") * 1024;
}

/* The names of Go's syscall.Signal, in which AWS's texts are written. */
static const char *signal_name(int number)
{
    static const char *const names[] = {
        [SIGHUP] = "hangup",
        [SIGINT] = "interrupt",
        [SIGQUIT] = "quit",
        [SIGILL] = "illegal instruction",
        [SIGTRAP] = "trace/breakpoint trap",
        [SIGABRT] = "aborted",
        [SIGBUS] = "bus error",
        [SIGFPE] = "floating point exception",
        [SIGKILL] = "killed",
        [SIGUSR1] = "user defined signal 1",
        [SIGSEGV] = "segmentation fault",
        [SIGUSR2] = "user defined signal 2",
        [SIGPIPE] = "broken pipe",
        [SIGALRM] = "alarm clock",
        [SIGTERM] = "terminated",
    };
    return number > 0 && number < (int)(sizeof names / sizeof *names) ? names[number] : NULL;
}

void sandbox_status_text(int status, char out[SANDBOX_STATUS_SIZE])
{
    out[0] = '\0';
    if (WIFSIGNALED(status)) {
        const char *name = signal_name(WTERMSIG(status));
        if (name)
            snprintf(out, SANDBOX_STATUS_SIZE, "signal: %s", name);
        else
            snprintf(out, SANDBOX_STATUS_SIZE, "signal: signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status)) {
        snprintf(out, SANDBOX_STATUS_SIZE, "exit status %d", WEXITSTATUS(status));
    }
}
