#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/run.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char doc[] =
    "Lists what was run, the newest first: the run's name, its command, when it began, how long it "
    "took, and how it ended (done, partly, stopped, failed, killed).\v"
    "Exit status: 0 listed, 1 failed, 2 usage.";

enum { FLAG_STATE = 256, FLAG_JSON };

static const struct argp_option runs_options[] = {
    {"state", FLAG_STATE, "FOLDER", 0, "what runs remember, as for the other commands", 0},
    {"json", FLAG_JSON, NULL, 0, "one JSON object a line", 0},
    {0},
};

struct listing {
    const char *folder;
    bool json;
};

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct listing *listing = state->input;
    switch (flag) {
    case FLAG_STATE:
        listing->folder = value;
        return 0;
    case FLAG_JSON:
        listing->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void write_json(const struct state_run *run)
{
    char started[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE];
    struct json_writer w;
    struct buf line;
    enum { LONGEST_LINE = 4096 };
    buf_init(&line, LONGEST_LINE);
    json_writer_init(&w, &line);
    json_open(&w);
    json_put_text(&w, "type", "run");
    json_put_text(&w, "run", run->run_id);
    json_put_text(&w, "command", run->command);
    clock_format_iso_ms(run->started_ms, started);
    json_put_text(&w, "started", started);
    if (run->outcome) {
        clock_format_iso_ms(run->ended_ms, ended);
        json_put_text(&w, "ended", ended);
        json_put_text(&w, "outcome", run->outcome);
    }
    json_close(&w);
    puts(buf_text(&line));
    buf_done(&line);
}

static int write_run(const struct state_run *run, void *arg)
{
    const struct listing *listing = arg;
    char started[CLOCK_TEXT_SIZE];
    if (listing->json) {
        write_json(run);
        return 0;
    }
    clock_format_iso(run->started_ms, started);
    printf("%s  %-7s %s", run->run_id, run->command ? run->command : "", started);
    if (run->outcome)
        printf("  %8.1f s  %s\n", (double)(run->ended_ms - run->started_ms) / 1000, run->outcome);
    else
        puts("              under way");
    return 0;
}

static int list(const struct listing *listing, struct error *err)
{
    struct state *state;
    char run_id[RUN_ID_SIZE];
    run_id_make(clock_system(), random_system(), run_id);
    if (state_open(listing->folder, run_id, clock_system(), random_system(), &state, err) != 0)
        return -1;
    if (*state_warning(state))
        fprintf(stderr, "understudy: %s\n", state_warning(state));
    int result = state_runs(state, write_run, (void *)listing, err);
    state_close(state);
    return result;
}

static int run_runs(int argc, char **argv)
{
    struct listing listing = {0};
    struct arena arena;
    struct error err = {0};
    const struct argp argp = {.options = runs_options, .parser = take, .doc = doc};
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &listing);
    arena_init(&arena);
    listing.folder = options_state_folder(&arena, listing.folder);
    int status = EXIT_DONE;
    if (!listing.folder)
        status = run_failed(&(struct error){.message = "neither HOME nor XDG_STATE_HOME says where "
                                                       "the state is: --state does"});
    else if (access(listing.folder, F_OK) == 0 && list(&listing, &err) != 0)
        status = run_failed(&err);
    arena_done(&arena);
    return status;
}

const struct command command_runs = {"runs", "list what was run", run_runs};
