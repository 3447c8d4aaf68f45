#include "cli/commands.h"
#include "cli/run.h"
#include "engine/parity.h"

static const char doc[] =
    "Proves that the destinations are what the source is, value by value. Reads only.\v"
    "Exit status: 0 in sync, 1 failed, 2 usage, 3 drift, 4 some could not be looked at.";

static int show_one(struct run *run, struct error *err)
{
    struct tally tally;
    if (engine_tally(run->engine, &tally, err) != 0)
        return -1;
    run_clear_progress(run);
    if (run->options.audit_file && audit_add(&run->audit, run->engine, err) != 0)
        return -1;
    if (run->options.json)
        return plan_write(run->engine, "verify", stdout, err);
    if (report_plan(&run->report, run->engine, err) != 0 ||
        parity_report(&run->report, run->engine, err) != 0 ||
        report_denials(&run->report, run->engine, err) != 0)
        return -1;
    report_verify_sum(&run->report, run->engine, &tally);
    return 0;
}

static int verify_one(struct run *run, struct error *err)
{
    return plan_build(run->engine, err) == 0 && run_counterparts(run, show_one, err) == 0
               ? show_one(run, err)
               : -1;
}

/* An audit holds all replications or is not kept. */
static void keep_audit(struct run *run)
{
    struct error err = {0};
    char sha256[SHA256_HEX_SIZE];
    const char *file = run->options.audit_file;
    if (run->failed) {
        audit_drop(&run->audit);
    } else if (audit_close(&run->audit, sha256, &err) != 0) {
        run_failed(&err);
        run->failed = run->options.set.count;
    } else if (!run->options.json) {
        printf("audit: %s  sha256 %s\n", file, sha256);
    } else {
        struct buf line;
        struct json_writer w;
        buf_init(&line, 64 * 1024);
        json_writer_init(&w, &line);
        json_open(&w);
        json_put_text(&w, "type", "audit");
        json_put_text(&w, "file", file);
        json_put_text(&w, "sha256", sha256);
        json_close(&w);
        printf("%s\n", buf_text(&line));
        buf_done(&line);
    }
}

static int run_verify(int argc, char **argv)
{
    struct run run;
    struct error err = {0};
    int status = run_begin(&run, USE_VERIFY, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    const char *audit = run.options.audit_file;
    if (audit && audit_open(&run.arena, audit, &run.audit, &err) != 0) {
        run_end(&run);
        return run_failed(&err);
    }
    run_each(&run, verify_one, "verify");
    if (audit)
        keep_audit(&run);
    status = run_status(&run, tally_exit_plan(&run.total, EXIT_DRIFT));
    run_end(&run);
    return status;
}

const struct command command_verify = {"verify", "prove that the destinations match (3: drift)",
                                       run_verify};
