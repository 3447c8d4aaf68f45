/*
 * sandbox: one process of a function: how it is started, watched and ended.
 *
 * It gets nothing of the server: a given environment, no descriptor but null, and a pipe as output
 * and error, no signal's setting, a process group of its own, 1,024 descriptors and no core. It is
 * no wall: it runs as the server's user and sees the machine's files. When the server is killed the
 * kernel kills the process, and a watcher, this program once more, what the process has started.
 *
 * AWS's memory limit is kept by looking: an address-space limit would break programs that reserve
 * much and use little (Go, the sanitizers), so the owner asks sandbox_memory and kills.
 *
 * All by the thread that started it: the kernel's death signal is tied to that.
 */
#ifndef UNDERSTUDY_LOCAL_SANDBOX_H
#define UNDERSTUDY_LOCAL_SANDBOX_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* First in main of a program that starts any: does not return when it was started as the watcher.
 */
void sandbox_main(char **argv);

struct sandbox_watch; /* the watcher */
struct sandbox_watch *sandbox_watch_new(struct error *err);
void sandbox_watch_free(struct sandbox_watch *watch); /* NULL is fine */

struct sandbox {
    pid_t pid;     /* and its process group; 0: none */
    int pid_fd;    /* readable when it has ended */
    int output_fd; /* what it writes; non-blocking */
};

struct sandbox_start {
    const char *program, *folder;   /* the folder it starts in */
    const char *const *environment; /* NAME=value, NULL-terminated */
};
/* 0, or -1 with *problem the errno of exec (0: something else failed) and `err` filled in. */
int sandbox_start(struct sandbox_watch *watch, const struct sandbox_start *start,
                  struct sandbox *out, int *problem, struct error *err);

void sandbox_kill(const struct sandbox *sandbox); /* with all of its group */
void sandbox_freeze(const struct sandbox *sandbox);
void sandbox_thaw(const struct sandbox *sandbox);
/* It has ended (pid_fd): ends its group, takes the status, closes the descriptors. */
void sandbox_reap(struct sandbox_watch *watch, struct sandbox *sandbox, int *status);
/* Bytes that its process has in memory now, and had at most. */
void sandbox_memory(const struct sandbox *sandbox, int64_t *now, int64_t *most);

/* "exit status 1", "signal: segmentation fault" as AWS prints them; "" for exit status 0. */
enum { SANDBOX_STATUS_SIZE = 64 };
void sandbox_status_text(int status, char out[SANDBOX_STATUS_SIZE]);

#endif
