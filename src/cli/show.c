/* A saved plan in words, for whoever is to approve it. Reads the file only. */
#include "cli/commands.h"
#include "cli/run.h"

#include <string.h>

static const char usage[] =
    "Usage: understudy show PLAN-FILE\n"
    "Prints a plan that `understudy plan -o PLAN-FILE` saved. Makes no call to AWS.\n\n"
    "Exit status: 0 shown, 1 it cannot be read or is damaged, 2 usage.\n";

/* Names and texts come from a file: nothing in them may move the cursor. */
static void put(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void put_side(const json_t *side, const char *before)
{
    fputs(before, stdout);
    put(json_text_or(side, "region", "?"));
    if (json_text(side, "account")) {
        fputs(" (", stdout);
        put(json_text(side, "account"));
        putchar(')');
    }
}

static void show_header(const json_t *line)
{
    fputs("plan of ", stdout);
    put(json_text_or(line, "time", "?"));
    if (json_text(line, "name")) {
        fputs(", ", stdout);
        put(json_text(line, "name"));
    }
    put_side(json_object_get(line, "source"), ": ");
    const json_t *sides = json_object_get(line, "destinations");
    for (size_t i = 0; i < json_array_size(sides); i++)
        put_side(json_array_get(sides, i), i ? ", " : " → ");
    putchar('\n');
}

static char sigil_of(const char *action)
{
    static const struct {
        const char *action;
        char sigil;
    } sigils[] = {{"create", '+'}, {"update", '~'}, {"replace", '~'}, {"delete", '-'},
                  {"mark", '-'},   {"extra", '?'},  {"kept", '?'}};
    for (size_t i = 0; i < sizeof sigils / sizeof *sigils; i++)
        if (strcmp(sigils[i].action, action) == 0)
            return sigils[i].sigil;
    return '!';
}

static void put_also(const json_t *line, const char *key, const char *before, const char *after)
{
    const char *text = json_text(line, key);
    if (!text)
        return;
    fputs(before, stdout);
    put(text);
    fputs(after, stdout);
}

static void show_step(const json_t *line)
{
    const char *action = json_text_or(line, "action", "");
    size_t i;
    const json_t *change;
    printf("  %c ", sigil_of(action));
    put(json_text_or(line, "name", "?"));
    put_also(line, "target", " as ", "");
    fputs("  [", stdout);
    put(json_text_or(line, "destination", "?"));
    fputs("]  ", stdout);
    put(action);
    put_also(line, "parameter_type", " ", "");
    json_array_foreach(json_object_get(line, "changes"), i, change)
    {
        fputs(i ? ", " : ": ", stdout);
        put(json_is_string(change) ? json_string_value(change) : "?");
    }
    put_also(line, "mapped", "  ", "");
    put_also(line, "loss", "  (", ")");
    put_also(line, "hint", "  (", ")");
    put_also(line, "reason", "  ", "");
    putchar('\n');
}

static void show_estimate(const json_t *line)
{
    if (json_int_or(line, "writes", 0))
        printf("to apply: %lld reads and %lld writes beside the listings, %lld s at the quotas\n",
               (long long)json_int_or(line, "reads", 0), (long long)json_int_or(line, "writes", 0),
               (long long)json_int_or(line, "seconds", 0));
    if (json_int_or(line, "priced", 0))
        printf("AWS charges for %lld of the copies: $%.2f a month more\n",
               (long long)json_int_or(line, "priced", 0),
               json_number_value(json_object_get(line, "monthly_usd")));
}

static void show_summary(const json_t *line)
{
    static const char *const counts[] = {"create",  "update", "delete", "mark", "kept",
                                         "blocked", "unseen", "extra",  "equal"};
    const char *before = "sum: ";
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (json_int_or(line, counts[i], 0)) {
            printf("%s%lld %s", before, (long long)json_int_or(line, counts[i], 0), counts[i]);
            before = ", ";
        }
    puts(strcmp(before, ", ") == 0 ? "" : "sum: nothing");
}

static int show_line(const json_t *line, void *arg, struct error *err)
{
    const char *type = json_text_or(line, "type", "");
    (void)arg;
    (void)err;
    if (strcmp(type, "plan") == 0)
        show_header(line);
    else if (strcmp(type, "step") == 0)
        show_step(line);
    else if (strcmp(type, "estimate") == 0)
        show_estimate(line);
    else
        show_summary(line);
    return 0;
}

static int run_show(int argc, char **argv)
{
    struct error err = {0};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (argc != 2 || *argv[1] == '-') {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (plan_each(argv[1], show_line, NULL, &err) == 0)
        return EXIT_DONE;
    fflush(stdout);
    return run_failed(&err);
}

const struct command command_show = {"show", "print a saved plan for people", run_show};
