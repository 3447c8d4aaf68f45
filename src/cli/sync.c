#include "cli/commands.h"
#include "cli/run.h"

static const char doc[] = "Makes the destinations what the source is: plans, then applies.\v"
                          "Exit status: 0 in sync, 1 failed, 2 usage, 4 partly done.";

static int sync_one(struct run *run, struct error *err)
{
    return plan_build(run->engine, err) == 0 ? run_apply(run, err) : -1;
}

static int run_sync(int argc, char **argv)
{
    struct run run;
    int status = run_begin(&run, USE_SYNC, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (run.options.dry_run) {
        run_each(&run, run_plan_only, "plan");
        status = run_status(&run, tally_exit_plan(&run.total, EXIT_DONE));
    } else {
        run_each(&run, sync_one, "sync");
        status = run_status(&run, tally_exit_apply(&run.total));
    }
    run_end(&run);
    return status;
}

const struct command command_sync = {"sync", "make the destinations what the source is", run_sync};
