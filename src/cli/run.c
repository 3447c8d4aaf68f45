#include "cli/run.h"

#include "engine/plan_file.h"
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show_progress(const char *phase, uint64_t done, uint64_t total, void *arg)
{
    struct run *run = arg;
    /* At most some hundred lines of it for any run: a terminal is slower than the work. */
    if (total > 200 && done % (total / 200) != 0 && done != total)
        return;
    if (total)
        fprintf(stderr, "\r\033[K%s %llu of %llu", phase, (unsigned long long)done,
                (unsigned long long)total);
    else
        fprintf(stderr, "\r\033[K%s", phase);
    run->progress_shown = true;
}

void run_clear_progress(struct run *run)
{
    if (run->progress_shown)
        fputs("\r\033[K", stderr);
    run->progress_shown = false;
}

int run_failed(const struct error *err)
{
    fputs("understudy: ", stderr);
    /* The text may be AWS's: nothing in it may move the cursor. */
    for (const char *at = err->message; *at; at++)
        fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, stderr);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

static bool colour_wanted(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no);
}

int run_begin(struct run *run, enum option_use use, const char *doc, int argc, char **argv)
{
    struct error err = {0};
    *run = (struct run){0};
    arena_init(&run->arena);
    options_parse(&run->options, &run->arena, use, doc, argc, argv);
    run->report =
        (struct report){.out = stdout, .colour = colour_wanted(), .losses = use == USE_PLAN};
    struct engine_options options = {.concurrency = run->options.concurrency};
    if (isatty(STDERR_FILENO) && !run->options.json && !run->options.debug) {
        options.progress = show_progress;
        options.progress_arg = run;
    }
    if (http_client_setup(&err) == 0 &&
        engine_open(&run->options.config, &options, &run->engine, &err) == 0)
        return 0;
    run_end(run);
    return run_failed(&err);
}

void run_end(struct run *run)
{
    run_clear_progress(run);
    engine_close(run->engine);
    arena_done(&run->arena);
}

int run_look(struct run *run, int (*show)(struct run *, struct tally *, struct error *),
             int on_changes)
{
    struct tally tally;
    struct error err = {0};
    int status;
    if (plan_build(run->engine, &err) != 0 || engine_tally(run->engine, &tally, &err) != 0 ||
        show(run, &tally, &err) != 0) {
        run_clear_progress(run);
        status = run_failed(&err);
    } else {
        status = tally_exit_plan(&tally, on_changes);
    }
    run_end(run);
    return status;
}

static int write_result(struct run *run, const char *command, struct tally *tally,
                        struct error *err)
{
    if (run->options.json)
        return plan_write(run->engine, command, stdout, err);
    if (report_failures(&run->report, run->engine, err) != 0)
        return -1;
    report_apply_sum(&run->report, tally);
    return 0;
}

int run_apply(struct run *run, const char *command)
{
    struct error err = {0};
    struct tally tally;
    run_clear_progress(run);
    if (!run->options.json && report_plan(&run->report, run->engine, &err) != 0)
        return run_failed(&err);
    fflush(stdout);
    /* Even when the run breaks off, what was done is reported. */
    int result = plan_apply(run->engine, &err);
    int status = result == 0 ? EXIT_DONE : run_failed(&err);
    run_clear_progress(run);
    if (engine_tally(run->engine, &tally, &err) != 0 ||
        write_result(run, command, &tally, &err) != 0)
        return run_failed(&err);
    return status == EXIT_DONE ? tally_exit_apply(&tally) : status;
}
