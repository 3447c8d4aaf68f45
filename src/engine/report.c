#include "engine/report.h"

#include "base/json.h"
#include "engine/denials.h"
#include "engine/details.h"
#include "engine/estimate.h"
#include "engine/select.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { NAME_COLUMN_MOST = 56, NAME_COLUMN_LEAST = 24, TYPE_COLUMN = 13, EXTRAS_SHOWN = 20 };

static const char *colour_of(const struct report *report, char sigil)
{
    if (!report->colour)
        return "";
    switch (sigil) {
    case '+':
        return "\033[32m";
    case '~':
        return "\033[33m";
    case '-':
    case '!':
        return "\033[31m";
    default:
        return "\033[2m";
    }
}

static const char *plain(const struct report *report)
{
    return report->colour ? "\033[0m" : "";
}

/* 4812 as "4 812". */
static const char *grouped(uint64_t number, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number), at = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ' ';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static char sigil_of(const struct step *step)
{
    static const char sigils[STEP_ACTIONS] = {'=', '+', '~', '-', '!', '!', '-', '?', '?'};
    return step->status == STATUS_FAILED || step->status == STATUS_CONFLICT ? '!'
                                                                            : sigils[step->action];
}

/* Names, tags' keys and AWS's texts come from outside: nothing in them may move the cursor. */
static void put(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void write_side(const struct report *report, const struct side *side, const char *before)
{
    fprintf(report->out, "%s%s", before, side->config->region);
    if (*side->account)
        fprintf(report->out, " (%s)", side->account);
}

static void write_trouble(const struct report *report, const struct side *side, const char *what,
                          const char *message)
{
    fprintf(report->out, "  %s!%s %s: %s", colour_of(report, '!'), plain(report),
            side->config->region, what);
    put(report->out, message);
    fputc('\n', report->out);
}

struct heading {
    const struct report *report;
    const char *region;
};

static void write_unmatched(const char *selector, const char *text, void *arg)
{
    const struct heading *heading = arg;
    fprintf(heading->report->out, "  %s '", selector);
    put(heading->report->out, text);
    fprintf(heading->report->out, "' matches nothing in %s\n", heading->region);
}

/* "ap-south-1 (111111111111) → us-east-1, eu-west-1": the account is said again where it is not
 * the source's. */
static void write_heading(const struct report *report, const struct engine *engine)
{
    const struct side *source = &engine->sides[SIDE_SOURCE];
    if (engine->options.number > 1)
        fputc('\n', report->out);
    if (engine->config->name) {
        put(report->out, engine->config->name);
        fputs(": ", report->out);
    }
    write_side(report, source, "");
    for (unsigned i = 1; i < engine->side_count; i++) {
        const struct side *side = &engine->sides[i];
        const char *before = i == 1 ? " → " : ", ";
        if (side->retired)
            continue;
        if (strcmp(side->account, source->account) == 0)
            fprintf(report->out, "%s%s", before, side->config->region);
        else
            write_side(report, side, before);
    }
    fputc('\n', report->out);
    for (unsigned i = 0; i < engine->side_count; i++) {
        const struct side *side = &engine->sides[i];
        if (side->failed)
            write_trouble(report, side, "could not be listed: ", side->error.message);
        if (side->tags_one_by_one)
            write_trouble(report, side,
                          "tags are read one by one, tag:GetResources did not serve: ",
                          side->tags_error.message);
    }
    struct heading heading = {report, source->config->region};
    select_unmatched(engine, write_unmatched, &heading);
}

/* Steps of one name that say the same are one line. */
struct lines {
    const struct report *report;
    const struct engine *engine;
    unsigned width;
    uint64_t extras;
    bool failures; /* only what was not carried out */
    struct arena arena;
    struct step step; /* the line that is being gathered; key NULL: none */
    bool at[DESTINATIONS_MAX];
    unsigned count;
};

static bool same(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_line(const struct step *a, const struct step *b)
{
    return strcmp(a->key, b->key) == 0 && a->action == b->action && a->status == b->status &&
           same(a->changes, b->changes) && same(a->note, b->note) && same(a->reason, b->reason) &&
           same(a->loss, b->loss) && same(a->hint, b->hint) && same(a->target, b->target) &&
           same(a->details, b->details);
}

static void write_what(FILE *out, const struct step *step)
{
    if (step->reason) {
        put(out, step->reason);
        return;
    }
    if (step->action == STEP_CREATE)
        fputs("create", out);
    json_t *changes = json_read(step->changes, strlen(step->changes), NULL);
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change)
    {
        fputs(i ? ", " : "", out);
        put(out, json_string_value(change));
    }
    json_decref(changes);
    if (step->target && strcmp(step->target, step->name) != 0)
        fprintf(out, "  as %s", step->target);
    if (step->note) {
        fputs("  ", out);
        put(out, step->note);
    }
    if (step->loss)
        fprintf(out, "  (%s)", step->loss);
    if (step->hint)
        fprintf(out, "  (%s)", step->hint);
}

static void flush_line(struct lines *lines)
{
    const struct step *step = &lines->step;
    FILE *out = lines->report->out;
    if (!step->key)
        return;
    char sigil = sigil_of(step);
    fprintf(out, "  %s%c%s %-*s  %-*s ", colour_of(lines->report, sigil), sigil,
            plain(lines->report), (int)lines->width, step->name, TYPE_COLUMN,
            step->type ? step->type : "");
    write_what(out, step);
    if (lines->count + 1 < lines->engine->side_count) {
        const char *before = "  [";
        for (unsigned i = 0; i + 1 < lines->engine->side_count; i++)
            if (lines->at[i]) {
                fprintf(out, "%s%s", before, lines->engine->sides[i + 1].config->region);
                before = ", ";
            }
        fputc(']', out);
    }
    fputc('\n', out);
    if (!lines->failures)
        details_show(out, step->details, 6);
    lines->step.key = NULL;
}

static const char *kept(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static int gather_step(const struct step *step, void *arg, struct error *err)
{
    struct lines *lines = arg;
    (void)err;
    bool undone = step->status == STATUS_FAILED || step->status == STATUS_CONFLICT;
    bool extra = step->action == STEP_EXTRA;
    if (lines->failures ? !undone && !step->late : step->action == STEP_EQUAL)
        return 0;
    if (extra && lines->extras++ >= EXTRAS_SHOWN)
        return 0;
    if (!lines->step.key || !same_line(&lines->step, step)) {
        flush_line(lines);
        arena_reset(&lines->arena);
        lines->step = *step;
        lines->step.key = kept(&lines->arena, step->key);
        lines->step.name = kept(&lines->arena, step->name);
        lines->step.target = kept(&lines->arena, step->target);
        lines->step.type = kept(&lines->arena, step->type);
        lines->step.changes = kept(&lines->arena, step->changes);
        lines->step.note = kept(&lines->arena, step->note);
        lines->step.reason = kept(&lines->arena, step->reason);
        lines->step.loss = kept(&lines->arena, step->loss);
        lines->step.hint = kept(&lines->arena, step->hint);
        lines->step.details = kept(&lines->arena, step->details);
        memset(lines->at, 0, sizeof lines->at);
        lines->count = 0;
    }
    lines->at[step->destination] = true;
    lines->count++;
    return 0;
}

static int write_lines(const struct report *report, struct engine *engine, bool failures,
                       struct error *err)
{
    struct lines lines = {.report = report, .engine = engine, .failures = failures};
    struct arena scratch;
    arena_init(&lines.arena);
    arena_init(&scratch);
    int result = inventory_widest(engine->inventory, &lines.width, err);
    if (lines.width > NAME_COLUMN_MOST)
        lines.width = NAME_COLUMN_MOST;
    if (lines.width < NAME_COLUMN_LEAST)
        lines.width = NAME_COLUMN_LEAST;
    if (result == 0)
        result = inventory_steps(engine->inventory, &scratch, gather_step, &lines, err);
    flush_line(&lines);
    arena_done(&scratch);
    arena_done(&lines.arena);
    return result;
}

/* Of what is counted: "1 call", "2 calls". */
static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

int report_plan(const struct report *report, struct engine *engine, struct error *err)
{
    struct tally tally;
    char number[32];
    write_heading(report, engine);
    if (write_lines(report, engine, false, err) != 0 || engine_tally(engine, &tally, err) != 0)
        return -1;
    if (tally.equal)
        fprintf(report->out, "  %s=%s %s %s unchanged\n", colour_of(report, '='), plain(report),
                grouped(tally.equal, number),
                tally.equal == 1 ? engine->kind->noun : engine->kind->nouns);
    if (tally.extra)
        fprintf(report->out, "  %s?%s %s extra at a destination, left alone%s\n",
                colour_of(report, '?'), plain(report), grouped(tally.extra, number),
                tally.extra > EXTRAS_SHOWN ? " (the first are shown; --json lists all)" : "");
    if (!tally.selected)
        fprintf(report->out, "  no %s selected\n", engine->kind->noun);
    if (engine->made)
        fprintf(report->out, "  %s name%s of %s, which makes %s in each Region, left alone\n",
                grouped(engine->made, number), plural(engine->made), engine->made_by,
                engine->made == 1 ? "it" : "them");
    if (tally.reserved)
        fprintf(report->out, "  %s reserved name%s (aws..., ssm...) left alone\n",
                grouped(tally.reserved, number), plural(tally.reserved));
    if (report->losses && tally.create + tally.update)
        fprintf(report->out, "  %s\n", engine->kind->gaps);
    return 0;
}

int report_failures(const struct report *report, struct engine *engine, struct error *err)
{
    return write_lines(report, engine, true, err);
}

static void write_denial(FILE *out, const struct denial_entry *entry)
{
    char number[32];
    struct buf text;
    struct json_writer w;
    put(out, "    ");
    put(out, entry->principal);
    fprintf(out, ", %s %s: ", grouped(entry->count, number), entry->count == 1 ? "time" : "times");
    if (entry->explicit_deny) {
        put(out, entry->action);
        fputs(" is denied explicitly: that policy must be changed\n", out);
        return;
    }
    buf_init(&text, 64 * 1024);
    json_writer_init(&w, &text);
    denial_entry_statement(entry, &w);
    put(out, buf_text(&text));
    fputc('\n', out);
    buf_done(&text);
}

int report_denials(const struct report *report, struct engine *engine, struct error *err)
{
    struct denials denied;
    struct arena scratch;
    arena_init(&scratch);
    int result = denials_gather(engine, &scratch, &denied, err);
    if (result == 0 && denied.count)
        fputs("  permissions that were missing:\n", report->out);
    for (size_t i = 0; result == 0 && i < denied.count; i++)
        write_denial(report->out, &denied.entries[i]);
    arena_done(&scratch);
    return result;
}

static void put_count(FILE *out, uint64_t count, const char *what)
{
    char number[32];
    if (count)
        fprintf(out, ", %s %s", grouped(count, number), what);
}

static void put_rest(FILE *out, const struct tally *tally)
{
    put_count(out, tally->throttled, "throttled");
    put_count(out, tally->kept, "kept as edited at the destination");
    put_count(out, tally->blocked, "blocked");
    put_count(out, tally->unseen, "could not be looked at");
    put_count(out, tally->failed_destinations,
              tally->failed_destinations == 1 ? "destination failed" : "destinations failed");
}

void report_plan_sum(const struct report *report, const struct tally *tally)
{
    char create[32], update[32], calls[32];
    fprintf(report->out, "plan: %s to create, %s to change, %s call%s in %.1f s",
            grouped(tally->create, create), grouped(tally->update, update),
            grouped(tally->calls, calls), plural(tally->calls), (double)tally->elapsed_ms / 1000.0);
    put_count(report->out, tally->remove, "to delete");
    put_count(report->out, tally->mark, "to mark as absent");
    put_rest(report->out, tally);
    fputc('\n', report->out);
}

void report_apply_sum(const struct report *report, const struct tally *tally)
{
    char applied[32], of[32], calls[32];
    uint64_t wanted = tally->applied + tally->failed + tally->conflict + tally->planned;
    fprintf(report->out, "applied %s of %s in %.1f s, %s call%s", grouped(tally->applied, applied),
            grouped(wanted, of), (double)tally->elapsed_ms / 1000.0, grouped(tally->calls, calls),
            plural(tally->calls));
    put_count(report->out, tally->estimated, "estimated");
    put_count(report->out, tally->failed, "failed");
    put_count(report->out, tally->conflict, "moved since the plan");
    put_count(report->out, tally->left, "not in the plan and left");
    put_rest(report->out, tally);
    fputc('\n', report->out);
}

int report_estimate(const struct report *report, struct engine *engine, struct error *err)
{
    struct estimate estimate;
    struct arena arena;
    char reads[32], writes[32], number[32];
    arena_init(&arena);
    int result = estimate_make(engine, &arena, &estimate, err);
    if (result == 0 && estimate.writes) {
        fprintf(report->out, "to apply: %s read%s and %s write%s beside the listings",
                grouped(estimate.reads, reads), plural(estimate.reads),
                grouped(estimate.writes, writes), plural(estimate.writes));
        if (estimate.seconds > 0)
            fprintf(report->out, ", %.0f s at the quotas", ceil(estimate.seconds));
        for (size_t i = 0; i < estimate.row_count; i++) {
            const struct estimate_row *row = &estimate.rows[i];
            bool first = i == 0 || row->side != estimate.rows[i - 1].side;
            if (first)
                fprintf(report->out, "\n  %s: ", engine->sides[row->side].config->region);
            fprintf(report->out, "%s%s %s", first ? "" : ", ", grouped(row->count, number),
                    row->operation->name);
        }
        fputc('\n', report->out);
    }
    if (result == 0 && estimate.priced)
        fprintf(report->out, "  %s %s that AWS charges for: $%.2f a month more\n",
                grouped(estimate.priced, number), estimate.priced == 1 ? "copy" : "copies",
                estimate.monthly_usd);
    arena_done(&arena);
    return result;
}

int report_undo(const struct report *report, struct engine *engine,
                const struct undo_request *request, struct error *err)
{
    struct tally tally;
    char done[32], of[32], calls[32];
    fprintf(report->out, "%s of run %s\n", request->deletes_only ? "undelete" : "undo",
            request->run);
    if (write_lines(report, engine, false, err) != 0 || engine_tally(engine, &tally, err) != 0)
        return -1;
    uint64_t wanted = tally.applied + tally.failed + tally.planned;
    if (request->dry_run)
        fprintf(report->out, "would put back %s, %s call%s", grouped(tally.planned, done),
                grouped(tally.calls, calls), plural(tally.calls));
    else
        fprintf(report->out, "put back %s of %s in %.1f s, %s call%s", grouped(tally.applied, done),
                grouped(wanted, of), (double)tally.elapsed_ms / 1000.0, grouped(tally.calls, calls),
                plural(tally.calls));
    put_count(report->out, tally.equal, "as before already");
    put_count(report->out, tally.failed, "failed");
    put_count(report->out, tally.conflict, "changed since and left");
    put_rest(report->out, &tally);
    fputc('\n', report->out);
    if (undo_log_written(engine->undo))
        fprintf(report->out, "undo: understudy undo %s\n", engine->run_id);
    return 0;
}

void report_verify_sum(const struct report *report, const struct engine *engine,
                       const struct tally *tally)
{
    char number[32], calls[32];
    uint64_t drift =
        tally->create + tally->update + tally->remove + tally->mark + tally->kept + tally->blocked;
    if (drift || tally->unseen || tally->failed_destinations)
        fprintf(report->out, "not in sync: %s differ%s", grouped(drift, number),
                drift == 1 ? "s" : "");
    else
        fprintf(report->out, "in sync: %s %s in %u %s", grouped(tally->selected, number),
                tally->selected == 1 ? engine->kind->noun : engine->kind->nouns,
                (unsigned)engine->config->destination_count,
                engine->config->destination_count == 1 ? "Region" : "Regions");
    fprintf(report->out, ", %s call%s in %.1f s", grouped(tally->calls, calls),
            plural(tally->calls), (double)tally->elapsed_ms / 1000.0);
    put_rest(report->out, tally);
    fputc('\n', report->out);
}

void report_total(const struct report *report, const struct tally *total, size_t replications,
                  size_t failed)
{
    char number[32];
    fprintf(report->out, "\n%zu replications: %s equal", replications,
            grouped(total->equal, number));
    put_count(report->out, total->applied, "applied");
    put_count(report->out, total->planned, "to write");
    put_count(report->out, total->failed, "failed");
    put_count(report->out, total->conflict, "moved since the plan");
    put_rest(report->out, total);
    put_count(report->out, failed,
              failed == 1 ? "replication could not be run" : "replications could not be run");
    fputc('\n', report->out);
}
