/* What a running `understudy watch` says of itself, on a terminal. */
#include "cli/commands.h"
#include "engine/engine.h"
#include "net/http_client.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const char doc[] =
    "Shows how a running `understudy watch` does: how far behind the copies are, what waits, what "
    "failed, when everything was last looked at.\v"
    "Exit status: 0 it is well, 1 it is not or cannot be reached, 2 usage.";
enum { FLAG_URL = 256, FLAG_JSON, WAIT_MS = 5000 };

static const struct argp_option status_flags[] = {
    {"url", FLAG_URL, "URL", 0, "where it listens (default: http://127.0.0.1:9187)", 0},
    {"json", FLAG_JSON, NULL, 0, "as it says it, one JSON object", 0},
    {0},
};

struct asked {
    const char *url;
    bool json;
};

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct asked *asked = state->input;
    if (flag == FLAG_URL)
        asked->url = value;
    else if (flag == FLAG_JSON)
        asked->json = true;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

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

static int run_status(int argc, char **argv)
{
    struct asked asked = {.url = "http://127.0.0.1:9187"};
    const struct argp argp = {.options = status_flags, .parser = take, .doc = doc};
    struct http_response response = {0};
    struct arena arena;
    struct error err = {0};
    bool healthy = false;
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &asked);
    arena_init(&arena);
    int result = http_client_setup(&err);
    if (result == 0)
        result = ask(&arena, &asked, &response, &healthy, &err);
    if (result == 0)
        fwrite(response.body, 1, response.body_len, stdout);
    else
        fprintf(stderr, "understudy: %s (is `understudy watch` running?)\n", err.message);
    arena_done(&arena);
    return healthy ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_status = {"status", "show how a running watch does", run_status};
