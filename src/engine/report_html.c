#include "engine/report_html.h"

#include "base/clock.h"
#include "base/json.h"
#include "engine/denials.h"
#include "engine/plan_file.h"
#include "engine/report_page.h" /* made by tools/embed */
#include "engine/select.h"
#include "version.h"

#include <errno.h>
#include <string.h>

enum { LONGEST_ROW = 1024 * 1024 };

static int put(FILE *out, const char *text, struct error *err)
{
    return fputs(text, out) >= 0 ? 0 : error_errno(err, errno, "cannot write the report");
}

int report_html_begin(FILE *out, struct error *err)
{
    return put(out, report_page_head, err);
}

int report_html_end(FILE *out, struct error *err)
{
    return put(out, report_page_tail, err);
}

/* JSON within a script element: "</script>" or "<!--" in a name must not end it. A '<' stands in
 * texts only, where it may be written in another way. */
static int flush_json(FILE *out, struct buf *json, struct error *err)
{
    const char *at = buf_text(json);
    if (json->overflow)
        return error_set(err, ERR_LIMIT, "a row of the report is longer than %d bytes",
                         LONGEST_ROW);
    for (; *at; at++)
        if (*at == '<')
            fputs("\\u003c", out);
        else
            fputc(*at, out);
    buf_reset(json);
    return ferror(out) ? error_errno(err, errno, "cannot write the report") : 0;
}

static void put_side(struct json_writer *w, const struct config_side *side, const char *account,
                     const char *trouble)
{
    json_open(w);
    json_put_text(w, "region", side->region);
    json_put_text(w, "account", account);
    if (trouble)
        json_put_text(w, "error", trouble);
    json_close(w);
}

static void open_part(struct json_writer *w, const struct config *config, const char *command,
                      int64_t now_ms)
{
    json_open(w);
    json_put_text(w, "command", command);
    json_put_text(w, "version", UNDERSTUDY_VERSION);
    json_put_int(w, "time", now_ms / 1000);
    if (config->name)
        json_put_text(w, "name", config->name);
}

static const char *state_of(const struct step *step)
{
    static const char *const done[STEP_ACTIONS] = {[STEP_CREATE] = "created",
                                                   [STEP_UPDATE] = "updated",
                                                   [STEP_DELETE] = "deleted",
                                                   [STEP_MARK] = "marked"};
    if (step->action == STEP_FAILED)
        return "unseen";
    if (!done[step->action])
        return step_action_name(step->action);
    switch (step->status) {
    case STATUS_APPLIED:
        return done[step->action];
    case STATUS_FAILED:
        return "failed";
    case STATUS_CONFLICT:
        return "conflict";
    case STATUS_LEFT:
        return "left";
    default:
        return step_action_name(step->action);
    }
}

/* The words beside what differs: one text. */
static void put_words(struct json_writer *w, const struct step *step)
{
    const char *const words[] = {step->reason, step->note, step->loss};
    struct buf text;
    buf_init(&text, LONGEST_ROW);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i])
            buf_printf(&text, "%s%s", text.len ? "; " : "", words[i]);
    json_write_text(w, buf_text(&text));
    buf_done(&text);
}

struct rows {
    FILE *out;
    bool versions; /* they are numbers that mean something to people */
    struct buf json;
    bool any;
};

/* What else is said of it: a word, and rows of Region, fate and text. */
static void put_details(struct json_writer *w, const char *details)
{
    json_t *all = details ? json_read(details, strlen(details), NULL) : NULL, *row;
    size_t i;
    if (!all)
        return;
    json_open_list(w);
    json_write_text(w, json_text_or(all, "aside", ""));
    json_array_foreach(json_object_get(all, "rows"), i, row)
    {
        json_open_list(w);
        json_write_text(w, json_text_or(row, "region", ""));
        json_write_text(w, json_text_or(row, "what", ""));
        json_write_text(w, json_text_or(row, "fate", ""));
        json_write_text(w, json_text_or(row, "text", ""));
        json_close_list(w);
    }
    json_close_list(w);
    json_decref(all);
}

static int write_row(const struct step *step, void *arg, struct error *err)
{
    struct rows *rows = arg;
    struct json_writer w;
    bool renamed = step->target && strcmp(step->target, step->name) != 0;
    buf_append_text(&rows->json, rows->any ? ",\n" : "\n");
    rows->any = true;
    json_writer_init(&w, &rows->json);
    json_open_list(&w);
    json_write_text(&w, step->name);
    json_write_int(&w, step->destination);
    json_write_text(&w, state_of(step));
    json_write_text(&w, step->type ? step->type : "");
    json_write_raw(&w, step->changes, strlen(step->changes));
    put_words(&w, step);
    json_write_int(&w, rows->versions ? step->source_version : 0);
    json_write_int(&w, step->source_modified_ms / 1000);
    json_write_int(&w, rows->versions ? step->copy_version : 0);
    json_write_int(&w, step->copy_modified_ms / 1000);
    json_write_text(&w, renamed ? step->target : "");
    put_details(&w, step->details);
    json_close_list(&w);
    return flush_json(rows->out, &rows->json, err);
}

static void put_unmatched(const char *selector, const char *text, void *arg)
{
    struct json_writer *w = arg;
    struct buf words;
    buf_init(&words, LONGEST_ROW);
    buf_printf(&words, "%s \xe2\x80\x98%s\xe2\x80\x99", selector, text);
    json_write_text(w, buf_text(&words));
    buf_done(&words);
}

static void put_head(struct json_writer *w, struct engine *engine, const char *command,
                     const struct tally *tally)
{
    open_part(w, engine->config, command, engine->clock->now_ms(engine->clock));
    json_put_text(w, "nouns", engine->kind->nouns);
    json_put_text(w, "gaps", engine->kind->gaps);
    json_put_bool(w, "parity", engine->kind->parity);
    json_put_int(w, "selected", (int64_t)tally->selected);
    json_key(w, "source");
    put_side(w, &engine->config->source, engine->sides[SIDE_SOURCE].account, NULL);
    json_key(w, "destinations");
    json_open_list(w);
    for (unsigned i = 1; i < engine->side_count; i++) {
        const struct side *side = &engine->sides[i];
        put_side(w, side->config, side->account, side->failed ? side->error.message : NULL);
    }
    json_close_list(w);
    json_key(w, "unmatched");
    json_open_list(w);
    select_unmatched(engine, put_unmatched, w);
    json_close_list(w);
}

static int put_denied(struct json_writer *w, struct engine *engine, struct error *err)
{
    struct denials denied;
    struct arena scratch;
    arena_init(&scratch);
    int result = denials_gather(engine, &scratch, &denied, err);
    json_key(w, "denied");
    json_open_list(w);
    for (size_t i = 0; result == 0 && i < denied.count; i++) {
        const struct denial_entry *entry = &denied.entries[i];
        json_open(w);
        json_put_text(w, "principal", entry->principal);
        json_put_int(w, "count", (int64_t)entry->count);
        json_put_text(w, "action", entry->action);
        if (!entry->explicit_deny) {
            json_key(w, "statement");
            denial_entry_statement(entry, w);
        }
        json_close(w);
    }
    json_close_list(w);
    arena_done(&scratch);
    return result;
}

static const char block_open[] = "<script type=\"application/json\">";
static const char block_close[] = "</script>\n";

int report_html_add(FILE *out, struct engine *engine, const char *command, struct error *err)
{
    struct rows rows = {.out = out, .versions = engine->kind->read != NULL};
    struct json_writer w;
    struct tally tally;
    struct arena scratch;
    if (engine_tally(engine, &tally, err) != 0 || put(out, block_open, err) != 0)
        return -1;
    arena_init(&scratch);
    buf_init(&rows.json, LONGEST_ROW);
    json_writer_init(&w, &rows.json);
    put_head(&w, engine, command, &tally);
    int result = put_denied(&w, engine, err);
    json_key(&w, "rows");
    buf_append_char(&rows.json, '[');
    if (result == 0)
        result = flush_json(out, &rows.json, err);
    if (result == 0)
        result = inventory_steps(engine->inventory, &scratch, write_row, &rows, err);
    if (result == 0)
        result = put(out, "\n]}", err);
    if (result == 0)
        result = put(out, block_close, err);
    buf_done(&rows.json);
    arena_done(&scratch);
    return result;
}

int report_html_add_failure(FILE *out, const struct config *config, const char *command,
                            const struct error *failure, struct error *err)
{
    struct buf json;
    struct json_writer w;
    struct clock *clock = clock_system();
    buf_init(&json, LONGEST_ROW);
    json_writer_init(&w, &json);
    open_part(&w, config, command, clock->now_ms(clock));
    json_put_text(&w, "nouns", "");
    json_put_text(&w, "gaps", "");
    json_put_int(&w, "selected", 0);
    json_key(&w, "source");
    put_side(&w, &config->source, "", NULL);
    json_key(&w, "destinations");
    json_open_list(&w);
    for (size_t i = 0; i < config->destination_count; i++)
        put_side(&w, &config->destinations[i], "", failure->message);
    json_close_list(&w);
    json_key(&w, "unmatched");
    json_open_list(&w);
    json_close_list(&w);
    json_key(&w, "denied");
    json_open_list(&w);
    json_close_list(&w);
    json_key(&w, "rows");
    json_open_list(&w);
    json_close_list(&w);
    json_close(&w);
    int result = put(out, block_open, err) == 0 ? flush_json(out, &json, err) : -1;
    buf_done(&json);
    return result == 0 ? put(out, block_close, err) : -1;
}
