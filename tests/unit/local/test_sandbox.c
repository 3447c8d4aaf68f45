#include "local/sandbox.h"

#include "base/clock.h"
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000 };
static const char *const no_environment[] = {NULL};
/* Writes until the pipe is full, and stays. */
static const struct sandbox_start yes = {"/usr/bin/yes", "/", no_environment};

static bool is_watcher(pid_t pid)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (!fgets(name, sizeof name, file))
        name[0] = '\0';
    fclose(file);
    return strcmp(name, "understudy-watcher") == 0;
}

/* A child of `parent`, the watcher or another; 0: there is none. Ended ones count. */
static pid_t child_of(pid_t parent, bool watcher)
{
    DIR *all = opendir("/proc");
    pid_t found = 0;
    assert_non_null(all);
    for (struct dirent *at; !found && (at = readdir(all));) {
        char path[300], text[512] = "";
        int pid = 0, of = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", at->d_name);
        FILE *file = strspn(at->d_name, "0123456789") ? fopen(path, "re") : NULL;
        if (!file)
            continue;
        const char *end = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
        fclose(file);
        pid = (int)strtol(at->d_name, NULL, 10);
        if (end && sscanf(end + 1, " %*c %d", &of) == 1 && of == parent &&
            is_watcher(pid) == watcher)
            found = pid;
    }
    closedir(all);
    return found;
}

/* The watcher has, or has not, a child that holds a number. */
static void wait_for_pin(pid_t watcher, bool wanted)
{
    struct clock *clock = clock_system();
    int64_t until_ms = clock->monotonic_ms(clock) + PATIENCE_MS;
    while ((child_of(watcher, false) != 0) != wanted) {
        assert_true(clock->monotonic_ms(clock) < until_ms);
        usleep(1000);
    }
}

static void a_group_is_forgotten_when_its_process_has_ended(void **state)
{
    struct error err = {0};
    struct sandbox one;
    int problem, status;
    (void)state;
    struct sandbox_watch *watch = sandbox_watch_new(&err);
    assert_non_null(watch);
    pid_t watcher = child_of(getpid(), true);
    assert_true(watcher > 0);
    assert_int_equal(sandbox_start(watch, &yes, &one, &problem, &err), 0);
    wait_for_pin(watcher, true);
    sandbox_reap(watch, &one, &status);
    assert_true(WIFSIGNALED(status));
    wait_for_pin(watcher, false);
    kill(watcher, SIGTERM); /* is nothing to it: the next one is watched as well */
    assert_int_equal(sandbox_start(watch, &yes, &one, &problem, &err), 0);
    wait_for_pin(watcher, true);
    sandbox_reap(watch, &one, &status);
    sandbox_watch_free(watch);
}

static pid_t start_owner(pid_t *group)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t owner = fork();
    if (owner == 0) {
        struct error err = {0};
        struct sandbox one;
        int problem;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct sandbox_watch *watch = sandbox_watch_new(&err);
        if (watch && sandbox_start(watch, &yes, &one, &problem, &err) == 0 &&
            write(told[1], &one.pid, sizeof one.pid) == (ssize_t)sizeof one.pid)
            pause();
        _exit(1);
    }
    close(told[1]);
    assert_int_equal(read(told[0], group, sizeof *group), (int)sizeof *group);
    close(told[0]);
    return owner;
}

/* The leader is gone and waited for, the watcher has not come to kill yet: nobody else may have got
 * the group's number. */
static void a_groups_number_is_nobody_elses_until_it_was_killed(void **state)
{
    pid_t group;
    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t owner = start_owner(&group), watcher = child_of(owner, true);
    assert_true(watcher > 0);
    wait_for_pin(watcher, true);
    kill(watcher, SIGSTOP);
    kill(owner, SIGKILL);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_int_equal(waitpid(group, NULL, 0), group); /* an orphan is this program's child now */
    assert_int_equal(kill(-group, 0), 0);
    kill(watcher, SIGCONT);
    assert_int_equal(waitpid(watcher, NULL, 0), watcher);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    assert_int_equal(kill(-group, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void a_program_that_cannot_be_the_watcher_starts_none(void **state)
{
    struct error err = {0};
    (void)state;
    assert_null(sandbox_watch_new(&err));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(a_program_that_cannot_be_the_watcher_starts_none),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_forgotten_when_its_process_has_ended),
        cmocka_unit_test(a_groups_number_is_nobody_elses_until_it_was_killed),
    };
    int failed = 0;
    if (argc && strcmp(argv[0], "understudy-watcher") != 0)
        failed = cmocka_run_group_tests(before, NULL, NULL);
    sandbox_main(argv);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
