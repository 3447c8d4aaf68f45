#include "cli/commands.h"
#include "cli/run.h"

static const char doc[] =
    "Carries out a plan that `understudy plan -o PLAN-FILE` saved: both sides are read again, and "
    "when anything is no longer as the plan saw it, nothing is written. Without a file: plans and "
    "applies.\v"
    "Exit status: 0 done, 1 failed, 2 usage, 4 partly done.";

static int check(struct run *run, struct error *err)
{
    struct tally tally;
    if (plan_read_steps(run->engine, run->options.plan_file, err) != 0 ||
        plan_build(run->engine, err) != 0 ||
        inventory_hold_to_approved(run->engine->inventory, err) != 0 ||
        engine_tally(run->engine, &tally, err) != 0)
        return -1;
    run->moved = run->moved || tally.conflict;
    return 0;
}

/* What moved is refused, and the rest with it: a plan was approved as a whole. */
static int carry_out(struct run *run, struct error *err)
{
    if (run->refused && inventory_leave_all(run->engine->inventory, err) != 0)
        return -1;
    return run_apply(run, err);
}

static int plan_and_apply(struct run *run, struct error *err)
{
    return plan_build(run->engine, err) == 0 ? run_apply(run, err) : -1;
}

static int run_apply_command(int argc, char **argv)
{
    struct run run;
    int status = run_begin(&run, USE_APPLY, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    if (run.options.plan_file)
        run_each_checked(&run, check, carry_out, "apply");
    else
        run_each(&run, plan_and_apply, "apply");
    if (run.refused)
        fprintf(stderr,
                "understudy: %s, and nothing was written: plan again, or apply the rest with "
                "--partial\n",
                run.moved ? "what the plan saw has moved"
                          : "not every replication of the plan could be checked");
    status = run_status(&run, tally_exit_apply(&run.total));
    if (run.refused && status == EXIT_PARTLY && !run.total.applied)
        status = EXIT_FAILED;
    run_end(&run);
    return status;
}

const struct command command_apply = {"apply", "carry out a saved plan", run_apply_command};
