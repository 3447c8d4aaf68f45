/* A reconciler driven by lines on stdin, for the integration tests: `reconcile_lines CONFIG
 * [STATE_FOLDER]`. {"hints":[{"region":..,"name":..,"version":..,"at_ms":..}]} or {"all":true};
 * {"due_in_ms":N} beside it sets a deadline. Each line is answered by one. */
#include "base/json.h"
#include "engine/reconcile.h"
#include "net/http_client.h"

#include <stdio.h>

enum { HINTS_MAX = 20000 };

static const char *const outcomes[] = {"ignored", "equal", "applied", "blocked", "failed", "later"};

static struct hint hints[HINTS_MAX];
static struct hint_result results[HINTS_MAX];

static void answer(struct buf *text, size_t count, const struct tally *sum, const char *problem)
{
    struct json_writer w;
    buf_reset(text);
    json_writer_init(&w, text);
    json_open(&w);
    json_key(&w, "results");
    json_open_list(&w);
    for (size_t i = 0; i < count; i++) {
        json_open(&w);
        json_put_text(&w, "outcome", outcomes[results[i].outcome]);
        json_put_text(&w, "why", results[i].why);
        json_put_text(&w, "error", results[i].error.code ? results[i].error.message : NULL);
        json_put_int(&w, "lag_ms", results[i].lag_ms);
        json_put_bool(&w, "removed", results[i].removed);
        json_put_int(&w, "writes", results[i].writes);
        json_close(&w);
    }
    json_close_list(&w);
    json_put_int(&w, "calls", (int64_t)sum->calls);
    json_put_int(&w, "applied", (int64_t)sum->applied);
    json_put_int(&w, "missed", (int64_t)sum->missed);
    json_put_int(&w, "failed_replications", sum->failed_replications);
    json_put_bool(&w, "stopped", sum->stopped);
    json_put_text(&w, "problem", problem);
    json_close(&w);
    puts(buf_text(text));
    fflush(stdout);
}

static void serve(struct reconciler *reconciler, struct stop *stop, const json_t *line,
                  struct arena *arena, struct buf *text)
{
    struct tally sum = {0};
    struct error err = {0};
    const json_t *list = json_object_get(line, "hints"), *row;
    size_t count = 0, i;
    stop_init(stop, clock_system());
    if (json_int_or(line, "due_in_ms", 0))
        stop_due_in(stop, json_int_or(line, "due_in_ms", 0));
    json_array_foreach(list, i, row)
    {
        if (count < HINTS_MAX)
            hints[count++] = (struct hint){.kind = json_text(row, "kind"),
                                           .account = json_text(row, "account"),
                                           .region = json_text(row, "region"),
                                           .name = json_text(row, "name"),
                                           .version = json_int_or(row, "version", 0),
                                           .at_ms = json_int_or(row, "at_ms", 0)};
    }
    int result = list ? reconcile_hints(reconciler, arena, hints, count, results, &sum, &err)
                      : reconcile_all(reconciler, &sum, &err);
    answer(text, count, &sum, result == 0 ? NULL : err.message);
}

int main(int argc, char **argv)
{
    struct arena arena, scratch;
    struct config_set set;
    struct reconciler *reconciler = NULL;
    struct stop stop;
    struct error err = {0};
    struct buf text;
    json_t *line;
    json_setup();
    arena_init(&arena);
    arena_init(&scratch);
    buf_init(&text, (size_t)64 * 1024 * 1024);
    stop_init(&stop, clock_system());
    const struct reconcile_options options = {.state_folder = argc > 2 ? argv[2] : NULL,
                                              .stop = &stop};
    if (argc < 2 || http_client_setup(&err) != 0 || config_read(&arena, argv[1], &set, &err) != 0 ||
        config_check_set(&arena, &set, &err) != 0 ||
        reconciler_open(&set, &options, &reconciler, &err) != 0) {
        fprintf(stderr, "reconcile_lines: %s\n", argc < 2 ? "which configuration?" : err.message);
        return 1;
    }
    puts("{}");
    fflush(stdout);
    while ((line = json_read_next(stdin, &err))) {
        serve(reconciler, &stop, line, &scratch, &text);
        json_decref(line);
        arena_reset(&scratch);
    }
    reconciler_close(reconciler);
    buf_done(&text);
    arena_done(&scratch);
    arena_done(&arena);
    return 0;
}
