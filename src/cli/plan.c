#include "cli/commands.h"
#include "cli/run.h"
#include "engine/plan_file.h"

static const char doc[] =
    "Shows what a sync would do. Reads only: no call of a plan can write.\v"
    "Exit status: 0 the plan was made, 1 failed, 2 usage, 3 with --exit-code when anything "
    "differs, 4 some could not be looked at.";

static int show(struct run *run, struct tally *tally, struct error *err)
{
    run_clear_progress(run);
    if (run->options.save_file && plan_save(run->engine, run->options.save_file, err) != 0)
        return -1;
    if (run->options.json)
        return plan_write(run->engine, "plan", stdout, err);
    if (report_plan(&run->report, run->engine, err) != 0)
        return -1;
    report_plan_sum(&run->report, tally);
    if (run->options.save_file)
        printf("saved: understudy apply %s\n", run->options.save_file);
    return 0;
}

static int run_plan(int argc, char **argv)
{
    struct run run;
    int status = run_begin(&run, USE_PLAN, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    return run_look(&run, show,
                    run.options.detailed_exit_code ? EXIT_USAGE
                    : run.options.exit_code        ? EXIT_DRIFT
                                                   : EXIT_DONE);
}

const struct command command_plan = {"plan", "show what a sync would do, without writing",
                                     run_plan};
