#include "cli/commands.h"
#include "cli/run.h"

static const char doc[] =
    "Proves that the destinations are what the source is, value by value. Reads only.\v"
    "Exit status: 0 in sync, 1 failed, 2 usage, 3 drift, 4 some could not be looked at.";

static int verify_one(struct run *run, struct error *err)
{
    struct tally tally;
    if (plan_build(run->engine, err) != 0 || engine_tally(run->engine, &tally, err) != 0)
        return -1;
    run_clear_progress(run);
    if (run->options.json)
        return plan_write(run->engine, "verify", stdout, err);
    if (report_plan(&run->report, run->engine, err) != 0)
        return -1;
    report_verify_sum(&run->report, run->engine, &tally);
    return 0;
}

static int run_verify(int argc, char **argv)
{
    struct run run;
    int status = run_begin(&run, USE_VERIFY, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    run_each(&run, verify_one, "verify");
    status = run_status(&run, tally_exit_plan(&run.total, EXIT_DRIFT));
    run_end(&run);
    return status;
}

const struct command command_verify = {"verify", "prove that the destinations match (3: drift)",
                                       run_verify};
