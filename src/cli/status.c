/* How far behind the copies are, on a terminal: what a running `understudy watch` says of itself,
 * or, without one, what the canary and its copies tell. */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/sides.h"
#include "event/canary.h"
#include "net/http_client.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const char doc[] =
    "Shows how a running `understudy watch` does: how far behind the copies are, what waits, what "
    "failed, when everything was last looked at. With --config no daemon is asked: the canary is "
    "read at the source and at each destination.\v"
    "Exit status: 0 it is well, 1 it is not or cannot be reached, 2 usage.";
enum {
    FLAG_CONFIG = 'c',
    FLAG_URL = 256,
    FLAG_JSON,
    FLAG_CANARY,
    FLAG_MAX_AGE,
    WAIT_MS = 5000,
    MAX_AGE_MS = 15 * 60 * 1000
};

static const struct argp_option status_flags[] = {
    {"url", FLAG_URL, "URL", 0, "where it listens (default: http://127.0.0.1:9187)", 0},
    {"json", FLAG_JSON, NULL, 0, "one JSON object", 0},
    {"config", FLAG_CONFIG, "FILE", 0, "read the canary where this file replicates it", 0},
    {"canary", FLAG_CANARY, "NAME", 0, "the canary; goes with --config", 0},
    {"max-age", FLAG_MAX_AGE, "TIME", 0, "what is too old (default: 15m); goes with --config", 0},
    {0},
};

struct asked {
    struct side_flags side;
    const char *url, *config_file, *canary;
    int64_t max_age_ms; /* 0: not given */
    bool json;
};

/* What goes with --config, and nothing else, says that a daemon is not meant. */
static void check_flags(struct asked *asked, struct argp_state *state)
{
    static const struct side_flags none = {0};
    if (asked->url && asked->config_file)
        argp_error(state, "--url asks a daemon, --config asks none: keep one of them");
    if (asked->config_file && !asked->canary)
        argp_error(state, "--config goes with --canary: which parameter is the canary?");
    if (!asked->config_file &&
        (asked->canary || asked->max_age_ms || memcmp(&asked->side, &none, sizeof none) != 0))
        argp_error(state, "without --config a daemon is asked, which knows that itself");
    if (!asked->url)
        asked->url = "http://127.0.0.1:9187";
    if (!asked->max_age_ms)
        asked->max_age_ms = MAX_AGE_MS;
}

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct asked *asked = state->input;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->side;
        return 0;
    case FLAG_URL:
        asked->url = value;
        return 0;
    case FLAG_JSON:
        asked->json = true;
        return 0;
    case FLAG_CONFIG:
        asked->config_file = value;
        return 0;
    case FLAG_CANARY:
        asked->canary = value;
        return 0;
    case FLAG_MAX_AGE:
        if (text_to_duration_ms(value, &asked->max_age_ms) != 0 || !asked->max_age_ms)
            argp_error(state, "--max-age '%s' is not a time such as 90s, 15m or 2h", value);
        return 0;
    case ARGP_KEY_END:
        check_flags(asked, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- a daemon --------------------------------------------------------------------------------- */

/* 0: `*out` is what it says, `*healthy` what it thinks of itself. */
static int ask(struct arena *arena, const struct asked *asked, struct http_response *out,
               bool *healthy, struct error *err)
{
    const struct http_request request = {
        .method = "GET",
        .url = arena_printf(arena, "%s/status.%s", asked->url, asked->json ? "json" : "txt"),
    };
    const struct http_client_options options = {.timeout_ms = WAIT_MS};
    struct transport *transport = http_client_new(&options, err);
    if (!transport)
        return -1;
    int result = transport->send(transport, arena, &request, out, err);
    http_client_free(transport);
    if (result != 0)
        return error_context(err, "%s", asked->url);
    const char *health = http_header_find(out->headers, out->header_count, "Understudy-Healthy");
    if (out->status != 200 || !health)
        return error_set(err, ERR_UNAVAILABLE, "%s answers, but not as understudy watch does",
                         asked->url);
    *healthy = strcmp(health, "yes") == 0;
    return 0;
}

static int show_daemon(const struct asked *asked, struct arena *arena)
{
    struct http_response response = {0};
    struct error err = {0};
    bool healthy = false;
    if (ask(arena, asked, &response, &healthy, &err) == 0)
        fwrite(response.body, 1, response.body_len, stdout);
    else
        fprintf(stderr, "understudy: %s (is `understudy watch` running?)\n", err.message);
    return healthy ? EXIT_DONE : EXIT_FAILED;
}

/* --- the canary itself ------------------------------------------------------------------------ */

static const char *judge(const struct asked *asked, const struct canary_view *view,
                         const struct canary_place *place)
{
    if (place->missing)
        return "missing";
    if (place->reason)
        return "unreadable";
    return view->now_ms - place->written_ms > asked->max_age_ms ? "old" : "ok";
}

static double seconds(int64_t duration_ms)
{
    return (double)duration_ms / 1000.0;
}

/* Texts of AWS may hold anything: nothing in them may move the cursor. */
static void put(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void write_text(const struct asked *asked, const struct canary_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct canary_place *place = &view->items[i];
        printf("%-10s  %-11s  %-14s  %-12s  %s  ", judge(asked, view, place),
               place->source ? "source" : "destination", place->region,
               place->account ? place->account : "-", place->name);
        if (place->reason)
            put(place->reason);
        else
            printf("%.3f s old", seconds(view->now_ms - place->written_ms));
        if (place->behind_ms >= 0)
            printf(", %.3f s behind the source's", seconds(place->behind_ms));
        putchar('\n');
    }
}

static void put_place(struct json_writer *w, const struct asked *asked,
                      const struct canary_view *view, const struct canary_place *place)
{
    char time[CLOCK_TEXT_SIZE];
    json_open(w);
    json_put_text(w, "side", place->source ? "source" : "destination");
    json_put_text(w, "region", place->region);
    json_put_text(w, "account", place->account);
    json_put_text(w, "name", place->name);
    json_put_text(w, "state", judge(asked, view, place));
    if (!place->reason) {
        clock_format_iso_ms(place->written_ms, time);
        json_put_text(w, "written", time);
        json_put_int(w, "age_ms", view->now_ms - place->written_ms);
    }
    if (place->behind_ms >= 0)
        json_put_int(w, "behind_ms", place->behind_ms);
    json_put_text(w, "reason", place->reason);
    json_close(w);
}

static void write_json(const struct asked *asked, const struct canary_view *view, bool healthy)
{
    enum { LARGEST_OUTPUT = 4 * 1024 * 1024 };
    char time[CLOCK_TEXT_SIZE];
    struct json_writer w;
    struct buf text;
    buf_init(&text, LARGEST_OUTPUT);
    json_writer_init(&w, &text);
    clock_format_iso_ms(view->now_ms, time);
    json_open(&w);
    json_put_text(&w, "canary", asked->canary);
    json_put_bool(&w, "healthy", healthy);
    json_put_text(&w, "now", time);
    json_put_int(&w, "max_age_ms", asked->max_age_ms);
    json_key(&w, "places");
    json_open_list(&w);
    for (size_t i = 0; i < view->count; i++)
        put_place(&w, asked, view, &view->items[i]);
    json_close_list(&w);
    json_close(&w);
    puts(buf_text(&text));
    buf_done(&text);
}

static int look(const struct asked *asked, struct arena *arena, struct sessions *sessions,
                struct canary_view *view, struct error *err)
{
    const struct session_options seams = {.stop = run_stop()};
    struct config_set set;
    if (config_read(arena, asked->config_file, &set, err) != 0)
        return -1;
    sides_lay_over(&asked->side, &set);
    if (config_check_set(arena, &set, err) != 0)
        return -1;
    return canary_look(arena, &set, asked->canary, sessions, &seams, view, err);
}

static int show_canary(const struct asked *asked, struct arena *arena)
{
    struct sessions *sessions = sessions_new();
    struct canary_view view;
    struct error err = {0};
    int status = EXIT_FAILED;
    if (look(asked, arena, sessions, &view, &err) == 0) {
        bool healthy = true;
        for (size_t i = 0; i < view.count; i++)
            healthy = healthy && strcmp(judge(asked, &view, &view.items[i]), "ok") == 0;
        if (asked->json)
            write_json(asked, &view, healthy);
        else
            write_text(asked, &view);
        status = healthy ? EXIT_DONE : EXIT_FAILED;
    } else {
        run_failed(&err);
    }
    sessions_free(sessions);
    return status;
}

static int show_status(int argc, char **argv)
{
    struct asked asked = {0};
    const struct argp_child children[] = {{&side_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = status_flags,
                              .parser = take,
                              .doc = doc,
                              .children = children};
    struct arena arena;
    struct error err = {0};
    int status = EXIT_FAILED;
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &asked);
    arena_init(&arena);
    if (http_client_setup(&err) != 0)
        run_failed(&err);
    else
        status = asked.config_file ? show_canary(&asked, &arena) : show_daemon(&asked, &arena);
    arena_done(&arena);
    return status;
}

const struct command command_status = {
    "status", "show how far behind the copies are, or how a running watch does", show_status};
