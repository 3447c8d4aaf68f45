#include "cli/undo.h"

#include "cli/commands.h"
#include "cli/run.h"
#include "engine/undo.h"

#include <string.h>

static const char undo_doc[] =
    "Puts the destinations back to what they were before RUN (or only these NAMEs): what it "
    "created is deleted, what it changed or deleted is as it was. What somebody changed since is "
    "left. The next sync writes the source's values again.\v"
    "Exit status: 0 done, 1 failed, 2 usage, 4 partly done.";
static const char undelete_doc[] =
    "Creates again what runs deleted, as it was, and takes marks of absence away: of these NAMEs, "
    "wherever they were deleted last, or all that one run deleted. What comes back is no longer "
    "understudy's to delete.\v"
    "Exit status: 0 done, 1 failed, 2 usage, 4 partly done.";

/* --- which runs ------------------------------------------------------------------------------- */
static int no_run_given(struct options *options, struct error *err)
{
    enum { SHOWN = 5 };
    const char **runs = undo_log_runs(options->arena, options->state_folder);
    const char *list = "";
    for (size_t i = 0; i < SHOWN && runs[i]; i++)
        list = arena_printf(options->arena, "%s\n  %s", list, runs[i]);
    if (!runs[0])
        return error_set(err, ERR_INVALID, "no run changed anything that could be undone");
    return error_set(err, ERR_INVALID, "which run? the latest that changed anything:%s", list);
}

static int add_run(struct options *options, const char *run, const char *const *names,
                   size_t name_count, struct error *err)
{
    struct config_set one;
    if (undo_log_config(options->arena, options->state_folder, run, &one, err) != 0)
        return -1;
    options->set.items[options->set.count++] = one.items[0];
    options->undo[options->undo_count++] = (struct undo_request){
        .run = run,
        .names = names,
        .name_count = name_count,
        .deletes_only = options->use == USE_UNDELETE,
        .dry_run = options->dry_run,
        .force = options->force,
    };
    return 0;
}

/* Names that are still looked for, and those of them that one run deleted. */
struct search {
    struct options *options;
    const char **wanted, **found;
    size_t wanted_count, found_count;
};

static const char *bare(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

static int search_record(const struct undo_record *record, void *arg, struct error *err)
{
    struct search *search = arg;
    (void)err;
    if (record->action != STEP_DELETE && record->action != STEP_MARK)
        return 0;
    for (size_t i = 0; i < search->wanted_count; i++)
        if (strcmp(bare(search->wanted[i]), bare(record->name)) == 0) {
            search->found[search->found_count++] = search->wanted[i];
            search->wanted[i] = search->wanted[--search->wanted_count];
            return 0;
        }
    return 0;
}

/* For each name the newest run that deleted or marked it. */
static int search_runs(struct options *options, struct error *err)
{
    struct arena *arena = options->arena;
    const char **runs = undo_log_runs(arena, options->state_folder);
    struct search search = {.options = options, .wanted_count = options->argument_count};
    search.wanted = arena_calloc(arena, options->argument_count + 1, sizeof *search.wanted);
    for (size_t i = 0; i < options->argument_count; i++)
        search.wanted[i] = options->arguments[i];
    for (size_t i = 0; runs[i] && search.wanted_count; i++) {
        search.found_count = 0;
        search.found = arena_calloc(arena, search.wanted_count + 1, sizeof *search.found);
        if (undo_log_each(NULL, options->state_folder, runs[i], search_record, &search, err) != 0 ||
            (search.found_count &&
             add_run(options, runs[i], search.found, search.found_count, err) != 0))
            return -1;
    }
    if (search.wanted_count)
        return error_set(err, ERR_NOT_FOUND, "no run that is kept deleted or marked %s",
                         search.wanted[0]);
    return 0;
}

int undo_choose(struct options *options, struct error *err)
{
    size_t most = options->argument_count + 1;
    options->set.items = arena_calloc(options->arena, most, sizeof *options->set.items);
    options->undo = arena_calloc(options->arena, most, sizeof *options->undo);
    if (!options->state_folder)
        return error_set(err, ERR_INVALID,
                         "what runs keep for undo is in the state folder: it "
                         "does not go with --no-state");
    if (options->use == USE_UNDELETE && !options->run)
        return options->argument_count
                   ? search_runs(options, err)
                   : error_set(err, ERR_INVALID, "give the NAMEs to undelete, or --run RUN");
    const char *const *names = (const char *const *)options->arguments;
    size_t count = options->argument_count;
    if (options->use == USE_UNDO && count == 0)
        return no_run_given(options, err);
    if (options->use == USE_UNDO)
        return add_run(options, names[0], names + 1, count - 1, err);
    return add_run(options, options->run, names, count, err);
}

/* --- the commands ----------------------------------------------------------------------------- */
static int undo_one(struct run *run, struct error *err)
{
    const struct undo_request *request = &run->options.undo[run->engine_options.number - 1];
    const char *command = run->options.use == USE_UNDO ? "undo" : "undelete";
    int result = undo_run(run->engine, request, err);
    run_clear_progress(run);
    if (run->options.json)
        return plan_write(run->engine, command, stdout, result == 0 ? err : NULL) == 0 ? result
                                                                                       : -1;
    return report_undo(&run->report, run->engine, request, result == 0 ? err : NULL) == 0 ? result
                                                                                          : -1;
}

static int run_both(enum option_use use, const char *doc, int argc, char **argv)
{
    struct run run;
    int status = run_begin(&run, use, doc, argc, argv);
    if (status != EXIT_DONE)
        return status;
    run.engine_options.no_source = true;
    run_each(&run, undo_one, use == USE_UNDO ? "undo" : "undelete");
    if (run.options.dry_run) {
        run.total.planned = 0; /* on purpose */
        run.total.equal = 1;
    }
    status = run_status(&run, tally_exit_apply(&run.total));
    run_end(&run);
    return status;
}

static int run_undo(int argc, char **argv)
{
    return run_both(USE_UNDO, undo_doc, argc, argv);
}

static int run_undelete(int argc, char **argv)
{
    return run_both(USE_UNDELETE, undelete_doc, argc, argv);
}

const struct command command_undo = {"undo", "put back what a run changed", run_undo};
const struct command command_undelete = {"undelete", "create again what runs deleted",
                                         run_undelete};
