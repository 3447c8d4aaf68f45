#include "cli/commands.h"
#include "cli/run.h"

static const char doc[] =
    "Shows what a sync would do. Reads only: no call of a plan can write.\v"
    "Exit status: 0 the plan was made, 1 failed, 2 usage, 3 with --exit-code when anything "
    "differs, 4 some could not be looked at.";

/* A saved plan holds all replications or is not kept. */
static void keep(struct run *run)
{
    struct error err = {0};
    if (run->failed) {
        plan_save_drop(&run->saving);
    } else if (plan_save_keep(&run->saving, &err) != 0) {
        run_failed(&err);
        run->failed = run->options.set.count;
    } else if (!run->options.json) {
        printf("saved: understudy apply %s\n", run->options.save_file);
    }
}

static int run_plan(int argc, char **argv)
{
    struct run run;
    struct error err = {0};
    int status = run_begin(&run, USE_PLAN, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    const char *file = run.options.save_file;
    if (file && plan_save_open(&run.arena, file, &run.saving, &err) != 0) {
        run_end(&run);
        return run_failed(&err);
    }
    run_each(&run, run_plan_only, "plan");
    if (file)
        keep(&run);
    status = tally_exit_plan(&run.total, run.options.detailed_exit_code ? EXIT_USAGE
                                         : run.options.exit_code        ? EXIT_DRIFT
                                                                        : EXIT_DONE);
    status = run_status(&run, status);
    if (run.options.detailed_exit_code && status == EXIT_PARTLY)
        status = EXIT_FAILED; /* Terraform knows 0, 1 and 2 */
    run_end(&run);
    return status;
}

const struct command command_plan = {"plan", "show what a sync would do, without writing",
                                     run_plan};
