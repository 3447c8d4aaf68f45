#include "cli/run.h"

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
    static const char *const commands[] = {
        [USE_PLAN] = "plan", [USE_APPLY] = "apply", [USE_SYNC] = "sync", [USE_VERIFY] = "verify"};
    run->engine_options = (struct engine_options){
        .concurrency = run->options.concurrency,
        .count = (unsigned)run->options.set.count,
        .command = commands[use],
        .state_folder = run->options.state_folder,
    };
    if (isatty(STDERR_FILENO) && !run->options.json && !run->options.debug) {
        run->engine_options.progress = show_progress;
        run->engine_options.progress_arg = run;
    }
    if (http_client_setup(&err) == 0)
        return 0;
    run_end(run);
    return run_failed(&err);
}

void run_end(struct run *run)
{
    run_clear_progress(run);
    arena_done(&run->arena);
}

static bool several(const struct run *run)
{
    return run->options.set.count > 1;
}

static void replication_failed(struct run *run, size_t index, struct error *err)
{
    const struct config *config = &run->options.set.items[index];
    struct error unwritten = {0};
    run_clear_progress(run);
    run->failed++;
    if (several(run)) {
        if (run->options.json)
            plan_write_failure(config, (unsigned)index + 1, err, stdout, &unwritten);
        if (config->name)
            error_context(err, "replication %s", config->name);
        else
            error_context(err, "replication %zu", index + 1);
    }
    fflush(stdout);
    run_failed(err);
}

static void run_one(struct run *run, size_t index, run_course_fn *course)
{
    struct error err = {0};
    struct tally tally;
    run->engine_options.number = (unsigned)index + 1;
    int result =
        engine_open(&run->options.set.items[index], &run->engine_options, &run->engine, &err);
    if (result == 0) {
        result = course(run, &err);
        /* Even when the run broke off, what was done is counted. */
        if (engine_tally(run->engine, &tally, result == 0 ? &err : NULL) == 0)
            tally_add(&run->total, &tally);
        else
            result = -1;
        run->engine->outcome =
            result != 0 ? "failed"
            : tally_exit_plan(&tally, EXIT_DONE) == EXIT_PARTLY || tally.failed || tally.conflict
                ? "partly"
                : "done";
    }
    if (result != 0)
        replication_failed(run, index, &err);
    run_clear_progress(run);
    engine_close(run->engine);
    run->engine = NULL;
}

void run_each(struct run *run, run_course_fn *course, const char *command)
{
    struct error err = {0};
    for (size_t i = 0; i < run->options.set.count; i++)
        run_one(run, i, course);
    if (!several(run))
        return;
    if (run->options.json && plan_write_total(&run->total, command, stdout, &err) != 0) {
        run_failed(&err);
        run->failed = run->options.set.count;
    }
    if (!run->options.json)
        report_total(&run->report, &run->total, run->options.set.count, run->failed);
}

int run_status(const struct run *run, int status)
{
    if (run->failed == run->options.set.count)
        return EXIT_FAILED;
    return run->failed ? EXIT_PARTLY : status;
}

static int write_result(struct run *run, const char *command, struct error *err)
{
    struct tally tally;
    if (run->options.json)
        return plan_write(run->engine, command, stdout, err);
    if (engine_tally(run->engine, &tally, err) != 0 ||
        report_failures(&run->report, run->engine, err) != 0)
        return -1;
    report_apply_sum(&run->report, &tally);
    return 0;
}

int run_apply(struct run *run, const char *command, struct error *err)
{
    run_clear_progress(run);
    if (!run->options.json && report_plan(&run->report, run->engine, err) != 0)
        return -1;
    fflush(stdout);
    int result = plan_apply(run->engine, err);
    run_clear_progress(run);
    return write_result(run, command, result == 0 ? err : NULL) == 0 ? result : -1;
}
