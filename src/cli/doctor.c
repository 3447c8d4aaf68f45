/* Does everything stand that a configuration needs to follow changes by events? Asks only. */
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/sides.h"
#include "event/chain.h"
#include "net/http_client.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const char doc[] =
    "Looks at what a configuration needs to follow changes: credentials and keys of each side; "
    "trail, rules, their targets, queues, functions and the schedule at the source; and what the "
    "roles may do. Only asks.\v"
    "Exit status: 0 nothing failed, 1 something did, 2 usage. What may not be looked at is said "
    "and is not ok.";

enum { FLAG_CONFIG = 'c', FLAG_JSON = 256 };

static const struct argp_option doctor_flags[] = {
    {"config", FLAG_CONFIG, "FILE", 0, "what to replicate (default: ./understudy.yaml)", 0},
    {"json", FLAG_JSON, NULL, 0, "one JSON object a line", 0},
    {0},
};

struct asked {
    struct side_flags side;
    const char *config_file;
    bool json;
};

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct asked *asked = state->input;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &asked->side;
        return 0;
    case FLAG_CONFIG:
        asked->config_file = value;
        return 0;
    case FLAG_JSON:
        asked->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int read_config(const struct asked *asked, struct arena *arena, struct config_set *set,
                       struct error *err)
{
    if (config_read(arena, asked->config_file, set, err) != 0)
        return -1;
    sides_lay_over(&asked->side, set);
    return config_check_set(arena, set, err);
}

/* Texts of AWS may hold anything: nothing in them may move the cursor. */
static void put(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void write_text(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->items[i];
        printf("%-13s  %-14s  %-12s  ", finding_word(one->level), one->region ? one->region : "-",
               one->check);
        put(one->text);
        if (one->next) {
            fputs("\n                                               next: ", stdout);
            put(one->next);
        }
        putchar('\n');
    }
    printf("%zu ok, %zu warnings, %zu failed, %zu not looked at\n", findings->levels[FINDING_OK],
           findings->levels[FINDING_WARNING], findings->levels[FINDING_FAILED],
           findings->levels[FINDING_UNSEEN]);
}

static void write_json(const struct findings *findings)
{
    enum { LONGEST_LINE = 64 * 1024 };
    static const char *const names[FINDING_LEVELS] = {
        [FINDING_OK] = "ok",
        [FINDING_WARNING] = "warning",
        [FINDING_FAILED] = "failed",
        [FINDING_UNSEEN] = "not_looked_at",
    };
    struct json_writer w;
    struct buf line;
    buf_init(&line, LONGEST_LINE);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->items[i];
        buf_reset(&line);
        json_writer_init(&w, &line);
        json_open(&w);
        json_put_text(&w, "type", "check");
        json_put_text(&w, "result", names[one->level]);
        json_put_text(&w, "check", one->check);
        json_put_text(&w, "region", one->region);
        json_put_text(&w, "text", one->text);
        json_put_text(&w, "next", one->next);
        json_close(&w);
        puts(buf_text(&line));
    }
    buf_reset(&line);
    json_writer_init(&w, &line);
    json_open(&w);
    json_put_text(&w, "type", "doctor");
    for (size_t i = 0; i < FINDING_LEVELS; i++)
        json_put_int(&w, names[i], (int64_t)findings->levels[i]);
    json_close(&w);
    puts(buf_text(&line));
    buf_done(&line);
}

static int run_doctor(int argc, char **argv)
{
    struct asked asked = {.config_file = "understudy.yaml"};
    struct arena arena;
    struct config_set set;
    struct error err = {0};
    struct findings findings = {.arena = &arena};
    const struct session_options seams = {.stop = run_stop()};
    const struct argp_child children[] = {{&side_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = doctor_flags,
                              .parser = take,
                              .doc = doc,
                              .children = children};
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &asked);
    arena_init(&arena);
    struct sessions *sessions = sessions_new();
    int result = http_client_setup(&err);
    if (result == 0)
        result = read_config(&asked, &arena, &set, &err);
    if (result == 0)
        result = chain_check(&set, sessions, &seams, &findings, &err);
    (asked.json ? write_json : write_text)(&findings);
    int status = result == 0 && !findings.levels[FINDING_FAILED] ? EXIT_DONE : EXIT_FAILED;
    if (result != 0)
        run_failed(&err);
    sessions_free(sessions);
    arena_done(&arena);
    return status;
}

const struct command command_doctor = {"doctor", "look whether what follows changes stands",
                                       run_doctor};
