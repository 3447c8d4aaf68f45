/* promote --keys and failback --keys: the primaries of multi-Region keys moved, and back. */
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/sides.h"
#include "engine/promotion.h"
#include "net/http_client.h"

#include <argp.h>
#include <string.h>

static const char promote_doc[] =
    "Moves the primary of multi-Region KMS keys from the source's Region to the destination's. "
    "Shows what would be moved and what is in the way; with --yes moves it and waits until it is "
    "done. KEYs are ids, ARNs or aliases; none: those that the configuration's kms_keys selects, "
    "else "
    "all multi-Region keys of the Region.\v"
    "Exit status: 0 nothing is in the way or all is moved, 1 failed, 2 usage, 4 some were not "
    "moved.";
static const char failback_doc[] =
    "Moves the primary of multi-Region KMS keys from the destination's Region back to the "
    "source's. "
    "Shows what would be moved and what is in the way; with --yes moves it and waits until it is "
    "done. KEYs are ids, ARNs or aliases; none: those that the configuration's kms_keys selects, "
    "else "
    "all multi-Region keys of the Region.\v"
    "Exit status: 0 nothing is in the way or all is moved, 1 failed, 2 usage, 4 some were not "
    "moved.";

enum {
    FLAG_KEYS = 256,
    FLAG_YES,
    FLAG_FORCE,
    FLAG_REGION_DOWN,
    FLAG_STATE,
    FLAG_NO_STATE,
    FLAG_JSON,
    FLAG_DEBUG,
};

static const struct argp_option promote_flags[] = {
    {"keys", FLAG_KEYS, NULL, 0, "the primaries of multi-Region keys (must be given)", 1},
    {"yes", FLAG_YES, NULL, 0, "do it; without, it is only shown", 1},
    {"force", FLAG_FORCE, NULL, 0, "although the key's policies in both Regions differ", 1},
    {"region-down", FLAG_REGION_DOWN, NULL, 0,
     "ask nothing of the Region that is to lose its primaries: show which replicas work without "
     "it. Moves nothing",
     1},
    {"state", FLAG_STATE, "FOLDER", 0, "what runs remember, as for the other commands", 3},
    {"no-state", FLAG_NO_STATE, NULL, 0, "remember nothing", 3},
    {"json", FLAG_JSON, NULL, 0, "one JSON object a line", 4},
    {"debug", FLAG_DEBUG, NULL, 0, "log what is done on standard error", 4},
    {0},
};

struct request {
    struct arena arena;
    bool back; /* failback */
    bool keys, yes, force, region_down, no_state, json, debug;
    struct two_sides_flags sides;
    const char *state_folder;
    const char **names;
    size_t name_count;
    struct two_sides pair;
    struct promotion_options options;
    struct promotion *items;
    size_t counts[PROMOTION_FAILED + 1];
};

/* --- the command line ------------------------------------------------------------------------- */
static error_t take(int flag, char *value, struct argp_state *state)
{
    struct request *request = state->input;
    const struct {
        int flag;
        bool *on;
    } switches[] = {{FLAG_KEYS, &request->keys},         {FLAG_YES, &request->yes},
                    {FLAG_FORCE, &request->force},       {FLAG_REGION_DOWN, &request->region_down},
                    {FLAG_NO_STATE, &request->no_state}, {FLAG_JSON, &request->json},
                    {FLAG_DEBUG, &request->debug}};
    if (flag == ARGP_KEY_INIT)
        return state->child_inputs[0] = &request->sides, 0;
    if (flag == FLAG_STATE)
        return request->state_folder = value, 0;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (switches[i].flag == flag)
            return *switches[i].on = true, 0;
    if (flag == ARGP_KEY_ARG) {
        request->names[request->name_count++] = value;
        return 0;
    }
    if (flag != ARGP_KEY_END)
        return ARGP_ERR_UNKNOWN;
    if (!request->keys)
        argp_error(state, "say what is to be moved: --keys");
    if (request->yes && request->region_down)
        argp_error(state, "--region-down moves nothing: it does not go with --yes");
    return 0;
}

static int read_sides(struct request *request, struct error *err)
{
    struct two_sides *pair = &request->pair;
    if (two_sides_read(&request->arena, &request->sides, pair, err) != 0)
        return -1;
    if (strcmp(pair->source.region, pair->destination.region) == 0)
        return error_set(err, ERR_INVALID, "source and destination are both %s",
                         pair->source.region);
    return 0;
}

/* --- showing ---------------------------------------------------------------------------------- */
static void show_json(const struct request *request, const struct promotion *item)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 64 * 1024);
    json_writer_init(&w, &text);
    json_open(&w);
    json_put_text(&w, "type", "key");
    json_put_text(&w, "key", item->id ? item->id : item->key);
    if (item->alias)
        json_put_text(&w, "alias", item->alias);
    if (item->primary_region)
        json_put_text(&w, "primary", item->primary_region);
    json_put_text(&w, "destination", request->options.to.region);
    json_put_text(&w, "outcome", promotion_end_name(item->end));
    if (item->why)
        json_put_text(&w, "why", item->why);
    if (item->begun_before)
        json_put_bool(&w, "begun_before", true);
    json_close(&w);
    puts(buf_text(&text));
    buf_done(&text);
}

static void show(const struct request *request, const struct promotion *item)
{
    static const char sigils[] = {
        [PROMOTION_THERE] = '=',   [PROMOTION_TO_MOVE] = '~', [PROMOTION_MOVED] = '~',
        [PROMOTION_BLOCKED] = '!', [PROMOTION_DOWN] = '!',    [PROMOTION_ALONE] = '=',
        [PROMOTION_FAILED] = '!'};
    if (request->json) {
        show_json(request, item);
        return;
    }
    printf("  %c %s", sigils[item->end], item->id ? item->id : item->key);
    if (item->alias)
        printf("  %s", item->alias);
    if (item->end == PROMOTION_TO_MOVE || item->end == PROMOTION_MOVED)
        printf("  primary %s → %s%s", item->primary_region, request->options.to.region,
               item->end == PROMOTION_MOVED ? ", moved" : "");
    if (item->end == PROMOTION_THERE)
        printf("  primary is in %s", request->options.to.region);
    if (item->begun_before)
        fputs(", begun by an earlier run", stdout);
    if (item->why) {
        fputs("  ", stdout);
        for (const char *at = item->why; *at; at++) /* AWS's text may be in it */
            putchar((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at);
    }
    putchar('\n');
    fflush(stdout);
}

static int show_sum(const struct request *request)
{
    const size_t *counts = request->counts;
    size_t hindered = counts[PROMOTION_BLOCKED] + counts[PROMOTION_DOWN] + counts[PROMOTION_FAILED];
    size_t fine = counts[PROMOTION_THERE] + counts[PROMOTION_MOVED] + counts[PROMOTION_TO_MOVE] +
                  counts[PROMOTION_ALONE];
    bool left = request->yes && counts[PROMOTION_TO_MOVE];
    int status = hindered || left ? (fine ? EXIT_PARTLY : EXIT_FAILED) : EXIT_DONE;
    struct buf text;
    struct json_writer w;
    if (request->json) {
        buf_init(&text, 4096);
        json_writer_init(&w, &text);
        json_open(&w);
        json_put_text(&w, "type", request->back ? "failback" : "promote");
        for (int end = 0; end <= PROMOTION_FAILED; end++)
            json_put_int(&w, promotion_end_name((enum promotion_end)end), (int64_t)counts[end]);
        json_close(&w);
        puts(buf_text(&text));
        buf_done(&text);
        return status;
    }
    const char *before = "";
    for (int end = 0; end <= PROMOTION_FAILED; end++)
        if (counts[end]) {
            printf("%s%zu %s", before, counts[end], promotion_end_name((enum promotion_end)end));
            before = ", ";
        }
    puts(*before ? "" : "no multi-Region key");
    if (counts[PROMOTION_TO_MOVE] && !request->yes)
        puts("nothing was changed: --yes moves them");
    return status;
}

/* --- the work --------------------------------------------------------------------------------- */
struct job {
    struct request *request;
    struct promotion *item;
    struct arena arena;
};

static void run_job(void *arg, unsigned worker)
{
    struct job *job = arg;
    const struct request *request = job->request;
    (void)worker;
    promotion_look(&request->options, &job->arena, job->item->key, job->item);
    if (request->yes && job->item->end == PROMOTION_TO_MOVE)
        promotion_move(&request->options, &job->arena, job->item);
}

static int list_names(struct request *request, struct error *err)
{
    const struct promotion_options *options = &request->options;
    if (request->name_count)
        return 0;
    /* Where the primaries are: a key without a replica is to be named. When that Region is down:
     * those that have one. */
    if (!request->region_down &&
        promotion_list(&options->from, request->pair.config, &request->arena, &request->names,
                       &request->name_count, err) == 0)
        return 0;
    if (!request->region_down && err->code != ERR_UNAVAILABLE && err->code != ERR_TIMEOUT)
        return -1;
    error_clear(err);
    return promotion_list(&options->to, request->pair.config, &request->arena, &request->names,
                          &request->name_count, err);
}

static int run_all(struct request *request, struct error *err)
{
    enum { AT_ONCE = 8 }; /* UpdatePrimaryRegion: 5 a second */
    if (list_names(request, err) != 0)
        return -1;
    struct workers *workers = workers_new(AT_ONCE, err);
    if (!workers)
        return -1;
    struct job *jobs = arena_calloc(&request->arena, request->name_count + 1, sizeof *jobs);
    request->items = arena_calloc(&request->arena, request->name_count + 1, sizeof *request->items);
    for (size_t i = 0; i < request->name_count; i++) {
        request->items[i].key = request->names[i];
        jobs[i] = (struct job){.request = request, .item = &request->items[i]};
        arena_init(&jobs[i].arena);
        workers_run(workers, run_job, &jobs[i]);
    }
    workers_free(workers);
    if (!request->json)
        printf("%s → %s\n", request->options.from.region, request->options.to.region);
    for (size_t i = 0; i < request->name_count; i++) {
        request->counts[request->items[i].end]++;
        show(request, &request->items[i]);
        arena_done(&jobs[i].arena);
    }
    return 0;
}

/* The journal is a help, not a need: without it the same command still looks at everything. */
static struct state *open_state(struct request *request)
{
    struct state *state = NULL;
    struct error err = {0};
    char run_id[RUN_ID_SIZE];
    if (request->no_state || !request->yes)
        return NULL;
    const char *folder = options_state_folder(&request->arena, request->state_folder);
    run_id_make(clock_system(), random_system(), run_id);
    if (!folder || state_open(folder, run_id, clock_system(), random_system(), &state, &err) != 0)
        return NULL;
    state_run_begin(state, request->back ? "failback" : "promote", "");
    return state;
}

static int work(struct request *request, int *status, struct error *err)
{
    const struct two_sides *pair = &request->pair;
    int result = http_client_setup(err);
    if (result == 0)
        result = two_sides_open(&request->arena, &request->pair, request->options.stop, err);
    const struct promotion_side one = {pair->from, pair->source.region},
                                other = {pair->to, pair->destination.region};
    request->options.from = request->back ? other : one;
    request->options.to = request->back ? one : other;
    request->options.force = request->force;
    request->options.region_down = request->region_down;
    request->options.state = result == 0 ? open_state(request) : NULL;
    if (result == 0)
        result = run_all(request, err);
    if (result == 0)
        *status = show_sum(request);
    if (request->options.state)
        state_run_end(request->options.state, result != 0 || *status == EXIT_FAILED ? "failed"
                                              : *status == EXIT_PARTLY              ? "partly"
                                                                                    : "done");
    state_close(request->options.state);
    two_sides_close(&request->pair);
    return result;
}

static int run_promote_or_back(bool back, int argc, char **argv)
{
    struct request request = {.back = back};
    struct error err = {0};
    const struct argp_child children[] = {{&two_sides_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = promote_flags,
                              .children = children,
                              .parser = take,
                              .args_doc = "[KEY...]",
                              .doc = back ? failback_doc : promote_doc};
    int status = EXIT_DONE;
    arena_init(&request.arena);
    request.names = arena_calloc(&request.arena, (size_t)argc, sizeof *request.names);
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    log_setup(request.debug ? LOG_DEBUG : LOG_WARN, false);
    request.options.stop = run_stop();
    if (read_sides(&request, &err) != 0) {
        run_failed(&err);
        status = EXIT_USAGE;
    } else if (work(&request, &status, &err) != 0) {
        status = run_failed(&err);
    }
    arena_done(&request.arena);
    return status;
}

static int run_promote(int argc, char **argv)
{
    return run_promote_or_back(false, argc, argv);
}

static int run_failback(int argc, char **argv)
{
    return run_promote_or_back(true, argc, argv);
}

const struct command command_promote = {"promote", "move the primaries of keys to the destination",
                                        run_promote};
const struct command command_failback = {"failback", "move the primaries of keys back",
                                         run_failback};
