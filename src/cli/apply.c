#include "cli/commands.h"
#include "cli/run.h"

static const char doc[] =
    "Carries out a plan that `understudy plan -o PLAN-FILE` saved: both sides are read again, and "
    "when anything is no longer as the plan saw it, nothing is written. Without a file: plans and "
    "applies.\v"
    "Exit status: 0 done, 1 failed, 2 usage, 4 partly done.";

/* What moved is refused, and the rest with it: a plan was approved as a whole. */
static int hold(struct run *run, struct error *err)
{
    struct tally tally;
    if (inventory_hold_to_approved(run->engine->inventory, err) != 0 ||
        engine_tally(run->engine, &tally, err) != 0)
        return -1;
    if (!tally.conflict || run->options.partial)
        return 0;
    run->refused = true;
    return inventory_leave_all(run->engine->inventory, err);
}

static int apply_one(struct run *run, struct error *err)
{
    const char *file = run->options.plan_file;
    if ((file && plan_read_steps(run->engine, file, err) != 0) ||
        plan_build(run->engine, err) != 0 || (file && hold(run, err) != 0))
        return -1;
    return run_apply(run, "apply", err);
}

static int run_apply_command(int argc, char **argv)
{
    struct run run;
    int status = run_begin(&run, USE_APPLY, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    run_each(&run, apply_one, "apply");
    if (run.refused)
        fprintf(stderr,
                "understudy: what the plan saw has moved, and nothing was written%s: plan again, "
                "or apply the rest with --partial\n",
                run.options.set.count > 1 ? " of those replications" : "");
    status = run_status(&run, tally_exit_apply(&run.total));
    if (run.refused && status == EXIT_PARTLY && !run.total.applied)
        status = EXIT_FAILED;
    run_end(&run);
    return status;
}

const struct command command_apply = {"apply", "carry out a saved plan", run_apply_command};
