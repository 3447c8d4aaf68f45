/* The daemon: signals, systemd and flags around event/watch. */
#include "event/watch.h"

#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/sides.h"
#include "net/http_client.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

static const char doc[] =
    "Follows changes as they happen: takes the events of EventBridge from queues, brings the "
    "copies up to date, and looks at everything from time to time. Runs until it is ended.\v"
    "SIGHUP reads the configuration again, SIGTERM ends it when what it is at is done. Exit "
    "status: 0 ended by a signal, 1 failed, 2 usage.";
static const char default_config[] = "understudy.yaml";
static const char default_listen[] = "127.0.0.1:9187";
enum { EVERY_MS = 60 * 60 * 1000, CANARY_EVERY_MS = 60 * 1000 };
/* SQS hides a message for 12 hours at most. */
enum { VISIBILITY_LEAST_MS = 3000, VISIBILITY_MOST_MS = 12 * 60 * 60 * 1000 };

enum {
    FLAG_CONFIG = 'c',
    FLAG_QUEUE = 256,
    FLAG_EVERY,
    FLAG_LISTEN,
    FLAG_VISIBILITY,
    FLAG_CANARY,
    FLAG_CANARY_EVERY,
    FLAG_STATE,
    FLAG_NO_STATE,
    FLAG_CONCURRENCY,
    FLAG_DRY_RUN,
    FLAG_DEBUG,
    FLAG_JSON,
};

static const struct argp_option watch_flags[] = {
    {"config", FLAG_CONFIG, "FILE", 0, "what to replicate (default: ./understudy.yaml)", 0},
    {"queue", FLAG_QUEUE, "QUEUE", 0,
     "ARN or URL of a queue that a rule of EventBridge sends to; again for more of them. Without "
     "one there are only full passes",
     0},
    {"visibility", FLAG_VISIBILITY, "TIME", 0,
     "how long a message that was received is hidden from others; renewed while it is in hand "
     "(default: 30s)",
     0},
    {"every", FLAG_EVERY, "TIME", 0, "between full passes (default: 1h; 0: none)", 0},
    {"listen", FLAG_LISTEN, "ADDRESS:PORT", 0,
     "where /livez, /healthz, /metrics and the status page are (default: 127.0.0.1:9187; none: "
     "nowhere)",
     0},
    {"canary", FLAG_CANARY, "NAME", 0,
     "a parameter of the source that is written to measure how far behind the copies are", 0},
    {"canary-every", FLAG_CANARY_EVERY, "TIME", 0, "between its writes (default: 1m)", 0},
    {"state", FLAG_STATE, "DIR", 0, "what runs remember", 0},
    {"no-state", FLAG_NO_STATE, NULL, 0, "remember in memory only", 0},
    {"concurrency", FLAG_CONCURRENCY, "N", 0, "calls at a time", 0},
    {"dry-run", FLAG_DRY_RUN, NULL, 0, "look and tell, write nothing; messages stay in their queue",
     0},
    {"debug", FLAG_DEBUG, NULL, 0, "log more", 0},
    {"json", FLAG_JSON, NULL, 0, "log lines as JSON", 0},
    {0},
};

struct flags {
    struct watch_options watch;
    struct arena arena;
    struct side_flags side;
    const char *config_file, *state_folder;
    bool no_state, debug, json;
};

static void set_time(const char *flag, const char *text, bool zero, int64_t *out_ms,
                     struct argp_state *state)
{
    if (text_to_duration_ms(text, out_ms) != 0 || (!*out_ms && !zero))
        argp_error(state, "%s '%s' is not a time such as 90s, 15m or 2h", flag, text);
}

static void set_concurrency(struct flags *flags, const char *text, struct argp_state *state)
{
    int64_t value;
    if (text_to_int64(text, strlen(text), &value) != 0 || value < 1 || value > CONCURRENCY_MAX)
        argp_error(state, "--concurrency '%s' is not between 1 and %d", text, CONCURRENCY_MAX);
    flags->watch.concurrency = (unsigned)value;
}

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct flags *flags = state->input;
    struct watch_options *watch = &flags->watch;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->side;
        return 0;
    case FLAG_QUEUE:
        if (watch->queue_count == WATCH_QUEUES_MAX)
            argp_error(state, "more than %d queues", WATCH_QUEUES_MAX);
        watch->queues[watch->queue_count++] = value;
        return 0;
    case FLAG_EVERY:
        set_time("--every", value, true, &watch->every_ms, state);
        return 0;
    case FLAG_VISIBILITY:
        set_time("--visibility", value, false, &watch->hide_ms, state);
        if (watch->hide_ms < VISIBILITY_LEAST_MS || watch->hide_ms > VISIBILITY_MOST_MS)
            argp_error(state, "--visibility '%s' is not between 3s and 12h", value);
        return 0;
    case FLAG_CANARY_EVERY:
        set_time("--canary-every", value, false, &watch->canary_every_ms, state);
        return 0;
    case FLAG_LISTEN:
        watch->listen = strcmp(value, "none") == 0 ? NULL : value;
        return 0;
    case FLAG_CONCURRENCY:
        set_concurrency(flags, value, state);
        return 0;
    case FLAG_CONFIG:
        flags->config_file = value;
        return 0;
    case FLAG_CANARY:
        watch->canary = value;
        return 0;
    case FLAG_STATE:
        flags->state_folder = value;
        return 0;
    case FLAG_NO_STATE:
        flags->no_state = true;
        return 0;
    case FLAG_DRY_RUN:
        watch->dry_run = true;
        return 0;
    case FLAG_DEBUG:
        flags->debug = true;
        return 0;
    case FLAG_JSON:
        flags->json = true;
        return 0;
    case ARGP_KEY_END:
        if (!watch->queue_count && !watch->every_ms)
            argp_error(state, "neither --queue nor --every: there would be nothing to do");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- the configuration ------------------------------------------------------------------------ */

static int load(void *arg, struct arena *arena, struct config_set *out, struct error *err)
{
    const struct flags *flags = arg;
    if (config_read(arena, flags->config_file, out, err) != 0)
        return -1;
    sides_lay_over(&flags->side, out);
    return config_check_set(arena, out, err);
}

/* --- signals and systemd ---------------------------------------------------------------------- */

/* Signals are blocked in every thread and waited for in one. */
static sigset_t the_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1); /* ours: the daemon has ended */
    return set;
}

static void *wait_for_signals(void *arg)
{
    struct watch *watch = arg;
    const sigset_t set = the_signals();
    int number = 0;
    while (sigwait(&set, &number) == 0 && number != SIGUSR1) {
        if (number == SIGHUP) {
            watch_reload(watch);
            continue;
        }
        sd_notify(0, "STOPPING=1");
        log_event(LOG_INFO, "ending", NULL);
        watch_stop(watch);
    }
    return NULL;
}

/* Silent outside of systemd. */
static void alive(void *arg, bool ready, const char *status)
{
    (void)arg;
    sd_notifyf(0, "%sWATCHDOG=1\nSTATUS=%s", ready ? "READY=1\n" : "", status);
}

static int watch_until_told(struct watch *watch, struct error *err)
{
    pthread_t signals;
    if (thread_start(&signals, "signals", wait_for_signals, watch, err) != 0)
        return -1;
    int result = watch_run(watch, err);
    pthread_kill(signals, SIGUSR1);
    pthread_join(signals, NULL);
    return result;
}

static int run_watch(int argc, char **argv)
{
    struct flags flags = {.config_file = default_config,
                          .watch = {.every_ms = EVERY_MS,
                                    .listen = default_listen,
                                    .canary_every_ms = CANARY_EVERY_MS,
                                    .load = load,
                                    .alive = alive}};
    const struct argp_child children[] = {{&side_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = watch_flags,
                              .parser = take,
                              .doc = doc,
                              .children = children};
    struct watch *watch = NULL;
    struct error err = {0};
    const sigset_t set = the_signals();
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    arena_init(&flags.arena);
    flags.watch.load_arg = &flags;
    flags.watch.state_folder =
        flags.no_state ? NULL : options_state_folder(&flags.arena, flags.state_folder);
    log_setup(flags.debug ? LOG_DEBUG : LOG_INFO, flags.json);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int result = http_client_setup(&err);
    if (result == 0)
        result = watch_new(&flags.watch, &watch, &err);
    if (result == 0) {
        if (watch_port(watch))
            printf("listening http://127.0.0.1:%d\n", watch_port(watch));
        fflush(stdout);
        result = watch_until_told(watch, &err);
    }
    watch_free(watch);
    arena_done(&flags.arena);
    if (result != 0)
        fprintf(stderr, "understudy: %s\n", err.message);
    return result == 0 ? EXIT_DONE : err.code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

const struct command command_watch = {"watch", "follow changes as they happen, as a daemon",
                                      run_watch};
