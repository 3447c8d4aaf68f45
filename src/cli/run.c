#include "cli/run.h"

#include "base/stop.h"
#include "engine/estimate.h"
#include "engine/report_html.h"
#include "net/http_client.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* How long the rest takes at the pace so far, which the rate limits are part of; from when there is
 * something to go by. */
static void write_left(const struct progress *progress, int64_t now_ms, uint64_t done,
                       uint64_t total)
{
    const int64_t least_ms = 2000;
    int64_t passed_ms = now_ms - progress->begun_ms;
    if (passed_ms < least_ms || done == 0 || done >= total)
        return;
    int64_t left_s = passed_ms * (int64_t)(total - done) / (int64_t)done / 1000 + 1;
    if (left_s < 60)
        fprintf(stderr, ", about %lld s left", (long long)left_s);
    else if (left_s < 3600)
        fprintf(stderr, ", about %lld min left", (long long)(left_s + 30) / 60);
    else
        fprintf(stderr, ", about %.1f h left", (double)left_s / 3600);
}

static void show_progress(const char *phase, uint64_t done, uint64_t total, void *arg)
{
    const int64_t pause_ms = 100; /* a terminal is slower than the work */
    struct progress *progress = &((struct run *)arg)->progress;
    int64_t now_ms = clock_system()->monotonic_ms(clock_system());
    if (progress->phase != phase || done == 0) {
        progress->phase = phase;
        progress->begun_ms = now_ms;
    } else if (now_ms - progress->shown_ms < pause_ms) {
        return;
    }
    progress->shown_ms = now_ms;
    fprintf(stderr, "\r\033[K%s", phase);
    if (total) {
        fprintf(stderr, " %llu of %llu", (unsigned long long)done, (unsigned long long)total);
        write_left(progress, now_ms, done, total);
    }
    progress->shown = true;
}

void run_clear_progress(struct run *run)
{
    if (run->progress.shown)
        fputs("\r\033[K", stderr);
    run->progress.shown = false;
}

/* The first signal asks; the second, whichever, has its usual effect. */
static struct stop the_stop;

static void on_signal(int number)
{
    (void)number;
    stop_ask(&the_stop);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct stop *run_stop(void)
{
    stop_init(&the_stop, clock_system());
    catch_signals();
    return &the_stop;
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

/* Wider than people read is no better. */
static int columns_wanted(void)
{
    enum { COLUMNS_LEAST = 80, COLUMNS_MOST = 120 };
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col)
        return 0;
    return size.ws_col < COLUMNS_LEAST  ? COLUMNS_LEAST
           : size.ws_col > COLUMNS_MOST ? COLUMNS_MOST
                                        : size.ws_col;
}

/* --- the page of --report --------------------------------------------------------------------- */
static int open_page(struct run *run, struct error *err)
{
    const char *file = run->options.report_file;
    if (!file)
        return 0;
    if (plan_save_open(&run->arena, file, &run->page, err) != 0)
        return -1;
    return report_html_begin(run->page.out, err);
}

/* `failure`: what ended the replication before its end; NULL: nothing. */
static void add_to_page(struct run *run, size_t index, const struct error *failure)
{
    const char *command = run->engine_options.command;
    struct error err = {0};
    int result = 0;
    if (!run->page.out)
        return;
    if (failure)
        result = report_html_add_failure(run->page.out, &run->options.set.items[index], command,
                                         failure, &err);
    else if (run->engine) /* those of counterparts first */
        for (size_t i = 0; i <= run->engine->counterpart_count && result == 0; i++)
            result =
                report_html_add(run->page.out,
                                i < run->engine->counterpart_count ? run->engine->counterparts[i]
                                                                   : run->engine,
                                command, &err);
    if (result != 0) {
        run_failed(&err);
        plan_save_drop(&run->page);
        run->page_failed = true;
    }
}

static void keep_page(struct run *run)
{
    struct error err = {0};
    if (run->page.out &&
        (report_html_end(run->page.out, &err) != 0 || plan_save_keep(&run->page, &err) != 0)) {
        run_failed(&err);
        run->page_failed = true;
    } else if (run->options.report_file && !run->page_failed && !run->options.json) {
        printf("report: %s\n", run->options.report_file);
    }
}

int run_begin(struct run *run, enum option_use use, const char *doc, int argc, char **argv)
{
    struct error err = {0};
    *run = (struct run){0};
    arena_init(&run->arena);
    run->begun_ms = clock_system()->monotonic_ms(clock_system());
    options_parse(&run->options, &run->arena, use, doc, argc, argv);
    run->key_plans.arena = &run->arena;
    run->report = (struct report){.out = stdout,
                                  .colour = colour_wanted(),
                                  .columns = columns_wanted(),
                                  .losses = use == USE_PLAN};
    static const char *const commands[] = {
        [USE_PLAN] = "plan",     [USE_APPLY] = "apply", [USE_SYNC] = "sync",
        [USE_VERIFY] = "verify", [USE_UNDO] = "undo",   [USE_UNDELETE] = "undelete"};
    run->engine_options = (struct engine_options){
        .concurrency = run->options.concurrency,
        .count = (unsigned)run->options.set.count,
        .command = commands[run->options.dry_run && use == USE_SYNC ? USE_PLAN : use],
        .state_folder = run->options.state_folder,
        .no_undo = run->options.no_undo,
        .counterparts = run->options.plan_file ? COUNTERPARTS_OFF
                        : use == USE_PLAN || use == USE_SYNC || use == USE_APPLY
                            ? COUNTERPARTS_SHOWN
                            : COUNTERPARTS_ASKED,
        .stop = &the_stop,
        .deep = run->options.deep,
        /* A sync has made them before it plans what comes under them. */
        .key_plans =
            use == USE_PLAN || use == USE_VERIFY || run->options.dry_run || run->options.plan_file
                ? &run->key_plans
                : NULL,
        .audit = run->options.audit_file != NULL,
    };
    stop_init(&the_stop, clock_system());
    if (run->options.max_duration_ms)
        stop_due_in(&the_stop, run->options.max_duration_ms);
    catch_signals();
    if (isatty(STDERR_FILENO) && !run->options.json && !run->options.debug) {
        run->engine_options.progress = show_progress;
        run->engine_options.progress_arg = run;
    }
    if (open_page(run, &err) == 0 && http_client_setup(&err) == 0)
        return 0;
    run_end(run);
    return run_failed(&err);
}

void run_end(struct run *run)
{
    run_clear_progress(run);
    plan_save_drop(&run->page);
    audit_drop(&run->audit);
    arena_done(&run->arena);
}

static bool several(const struct run *run)
{
    return run->options.set.count > 1;
}

/* Why it ended early, for the last line. */
static void say_stopped(const struct run *run)
{
    char number[32];
    fflush(stdout);
    snprintf(number, sizeof number, "%llu", (unsigned long long)run->total.planned);
    fprintf(stderr, "understudy: stopped by %s",
            stop_asked(&the_stop) ? "a signal" : "--max-duration");
    if (run->total.planned)
        fprintf(stderr, ", %s left to write", number);
    if (run->not_run)
        fprintf(stderr, ", %zu replication%s not run", run->not_run, run->not_run == 1 ? "" : "s");
    fputs("; the same command goes on from here\n", stderr);
}

static void replication_failed(struct run *run, size_t index, struct error *err)
{
    const struct config *config = &run->options.set.items[index];
    struct error unwritten = {0};
    run_clear_progress(run);
    if (err->code == ERR_CANCELLED)
        run->stopped = true;
    else
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

/* A word for the journal. */
static const char *outcome_of(const struct engine *engine, int result, const struct tally *tally)
{
    if (engine->stopped)
        return "stopped";
    int looked = tally_exit_plan(tally, EXIT_DONE), applied = tally_exit_apply(tally);
    bool failed = tally->failed || tally->conflict;
    if (result != 0 || looked == EXIT_FAILED || (failed && applied == EXIT_FAILED))
        return "failed";
    return looked == EXIT_PARTLY || failed ? "partly" : "done";
}

static int open_one(struct run *run, size_t index, struct error *err)
{
    run->engine_options.number = (unsigned)index + 1;
    return engine_open(&run->options.set.items[index], &run->engine_options, &run->engine, err);
}

/* Even when the run broke off, what was done is counted. */
static int count_one(struct run *run, struct engine *engine, int result, struct error *err)
{
    struct tally tally = {0};
    if (engine_tally(engine, &tally, result == 0 ? err : NULL) == 0)
        tally_add(&run->total, &tally);
    else
        result = -1;
    engine->outcome = outcome_of(engine, result, &tally);
    return result;
}

/* Counts and tells what became of run->engine's replication, and closes it. */
static void finish_one(struct run *run, size_t index, int result, struct error *err)
{
    for (size_t i = 0; run->engine && i < run->engine->counterpart_count; i++)
        result = count_one(run, run->engine->counterparts[i], result, err);
    if (run->engine)
        result = count_one(run, run->engine, result, err);
    if (result != 0)
        replication_failed(run, index, err);
    add_to_page(run, index, result != 0 ? err : NULL);
    run_clear_progress(run);
    engine_close(run->engine);
    run->engine = NULL;
}

static void run_one(struct run *run, size_t index, run_course_fn *course)
{
    struct error err = {0};
    int result = open_one(run, index, &err);
    if (result == 0)
        result = course(run, &err);
    finish_one(run, index, result, &err);
}

static void add_up(struct run *run, const char *command)
{
    struct error err = {0};
    if (!several(run)) {
        if (run->stopped)
            say_stopped(run);
        return;
    }
    if (run->options.json && plan_write_total(&run->total, command, stdout, &err) != 0) {
        run_failed(&err);
        run->failed = run->options.set.count;
    }
    if (!run->options.json)
        report_total(&run->report, &run->total, run->options.set.count, run->failed);
    if (run->stopped)
        say_stopped(run);
}

static void finish_all(struct run *run, const char *command)
{
    /* Replications may have been open side by side. */
    run->total.elapsed_ms = clock_system()->monotonic_ms(clock_system()) - run->begun_ms;
    run->stopped = run->stopped || run->total.stopped || run->not_run;
    add_up(run, command);
    keep_page(run);
}

void run_each(struct run *run, run_course_fn *course, const char *command)
{
    for (size_t i = 0; i < run->options.set.count; i++)
        if (stop_wanted(&the_stop))
            run->not_run++;
        else
            run_one(run, i, course);
    finish_all(run, command);
}

void run_each_checked(struct run *run, run_course_fn *check, run_course_fn *course,
                      const char *command)
{
    size_t count = run->options.set.count;
    struct engine **engines = arena_calloc(&run->arena, count, sizeof(struct engine *));
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        int result = stop_wanted(&the_stop) ? 1 : open_one(run, i, &err);
        if (result == 0)
            result = check(run, &err);
        if (result > 0)
            run->not_run++;
        else if (result < 0)
            finish_one(run, i, result, &err);
        engines[i] = run->engine;
        run->engine = NULL;
    }
    run->refused =
        !run->options.partial && (run->moved || run->failed || run->stopped || run->not_run);
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        run->engine = engines[i];
        if (run->engine)
            finish_one(run, i, course(run, &err), &err);
    }
    finish_all(run, command);
}

int run_status(const struct run *run, int status)
{
    if (run->failed == run->options.set.count || run->page_failed)
        return EXIT_FAILED;
    return run->failed || run->stopped ? EXIT_PARTLY : status;
}

/* How it can be taken back, or that it cannot. */
static void say_undo(const struct run *run, const struct tally *tally)
{
    if (undo_log_written(run->engine->undo))
        printf("undo: understudy undo %s\n", run->engine->run_id);
    else if (!run->engine->undo && tally->applied)
        printf("undo: not possible, nothing was kept (%s)\n", run->options.no_state  ? "--no-state"
                                                              : run->options.no_undo ? "--no-undo"
                                                              : run->engine->state
                                                                  ? "keep_undo: 0"
                                                                  : "there is no state folder");
}

static int write_result(struct run *run, const char *command, struct error *err)
{
    struct tally tally;
    if (run->options.json)
        return plan_write(run->engine, command, stdout, err);
    if (engine_tally(run->engine, &tally, err) != 0 ||
        report_failures(&run->report, run->engine, err) != 0 ||
        report_denials(&run->report, run->engine, err) != 0)
        return -1;
    report_apply_sum(&run->report, &tally);
    say_undo(run, &tally);
    return 0;
}

int run_counterparts(struct run *run, run_course_fn *course, struct error *err)
{
    struct engine *engine = run->engine;
    int result = 0;
    for (size_t i = 0; i < engine->counterpart_count && result == 0; i++) {
        run->engine = engine->counterparts[i];
        result = course(run, err);
    }
    run->engine = engine;
    return result;
}

static int show_plan(struct run *run, struct error *err)
{
    struct tally tally;
    if (engine_tally(run->engine, &tally, err) != 0)
        return -1;
    run_clear_progress(run);
    if (run->saving.out && plan_write(run->engine, "plan", run->saving.out, err) != 0)
        return -1;
    if (run->options.json)
        return plan_write(run->engine, "plan", stdout, err);
    if (report_plan(&run->report, run->engine, err) != 0 ||
        report_denials(&run->report, run->engine, err) != 0)
        return -1;
    report_plan_sum(&run->report, &tally);
    return report_estimate(&run->report, run->engine, err);
}

int run_plan_only(struct run *run, struct error *err)
{
    return plan_build(run->engine, err) == 0 && run_counterparts(run, show_plan, err) == 0
               ? show_plan(run, err)
               : -1;
}

/* Before anything is written: what the run will have cost. */
static int foretell(struct engine *engine, struct error *err)
{
    struct estimate estimate;
    struct tally tally;
    struct arena arena;
    arena_init(&arena);
    int result = estimate_make(engine, &arena, &estimate, err);
    if (result == 0)
        result = engine_tally(engine, &tally, err);
    if (result == 0)
        engine->estimated = tally.calls + estimate.reads + estimate.writes;
    arena_done(&arena);
    return result;
}

static int apply_one(struct run *run, struct error *err)
{
    const char *command = run->engine_options.command;
    run_clear_progress(run);
    if ((!run->options.json && report_plan(&run->report, run->engine, err) != 0) ||
        foretell(run->engine, err) != 0)
        return -1;
    fflush(stdout);
    int result = plan_apply(run->engine, err);
    run_clear_progress(run);
    return write_result(run, command, result == 0 ? err : NULL) == 0 ? result : -1;
}

/* Keys come before what is to be under them. */
int run_apply(struct run *run, struct error *err)
{
    return run_counterparts(run, apply_one, err) == 0 ? apply_one(run, err) : -1;
}
