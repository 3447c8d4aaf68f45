#include "engine/plan_file_intern.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "engine/denials.h"
#include "engine/estimate.h"
#include "engine/parity.h"
#include "engine/select.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_LINE = 2 * 1024 * 1024 };

const char *step_action_name(enum step_action action)
{
    static const char *const names[STEP_ACTIONS] = {"equal",  "create",  "update",
                                                    "delete", "blocked", "failed",
                                                    "mark",   "kept",    "extra"};
    return names[action];
}

const char *step_status_name(enum step_status status)
{
    static const char *const names[STATUSES] = {"planned", "applied", "failed", "conflict", "left"};
    return names[status];
}

static int write_line(FILE *out, struct buf *line, struct error *err)
{
    buf_append_char(line, '\n');
    if (line->overflow)
        return error_set(err, ERR_LIMIT, "a line of the plan is longer than %d bytes",
                         LONGEST_LINE);
    size_t written = fwrite(line->data, 1, line->len, out);
    bool whole = written == line->len;
    buf_reset(line);
    return whole ? 0 : error_errno(err, errno, "cannot write the plan");
}

static void put_error(struct json_writer *w, const struct error *error)
{
    json_key(w, "error");
    json_open(w);
    json_put_text(w, "code", error_code_name(error->code));
    json_put_text(w, "message", error->message);
    json_close(w);
}

static void put_side(struct json_writer *w, const struct side *side)
{
    json_open(w);
    json_put_text(w, "region", side->config->region);
    if (*side->account)
        json_put_text(w, "account", side->account);
    if (side->failed)
        put_error(w, &side->error);
    if (side->tags_one_by_one)
        json_put_text(w, "tags_read_one_by_one", side->tags_error.message);
    json_close(w);
}

static void put_unmatched_include(const char *selector, const char *text, void *arg)
{
    if (strcmp(selector, "include") == 0)
        json_write_text(arg, text);
}

static void put_unmatched(const char *selector, const char *text, void *arg)
{
    json_open(arg);
    json_put_text(arg, "selector", selector);
    json_put_text(arg, "text", text);
    json_close(arg);
}

void plan_key_id(const struct engine *engine, char out[PLAN_KEY_ID_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    digest_hmac_sha256(engine->plan_key, sizeof engine->plan_key, "id", 2, digest);
    digest_hex(digest, (PLAN_KEY_ID_SIZE - 1) / 2, out);
}

static int write_header(struct engine *engine, const char *command, FILE *out, struct buf *line,
                        struct error *err)
{
    char now[CLOCK_TEXT_SIZE];
    struct json_writer w;
    clock_format_iso(engine->clock->now_ms(engine->clock), now);
    json_writer_init(&w, line);
    json_open(&w);
    json_put_text(&w, "type", command);
    json_put_int(&w, "format", PLAN_FORMAT);
    if (engine->options.count > 1) {
        json_put_int(&w, "replication", engine->options.number);
        json_put_int(&w, "replications", engine->options.count);
    }
    if (engine->options.beside)
        json_put_bool(&w, "counterparts", true);
    if (engine->config->name)
        json_put_text(&w, "name", engine->config->name);
    char key[PLAN_KEY_ID_SIZE];
    plan_key_id(engine, key);
    json_put_text(&w, "run", engine->run_id);
    json_put_text(&w, "key", key);
    json_put_bool(&w, "undo", undo_log_written(engine->undo));
    json_put_text(&w, "time", now);
    json_put_text(&w, "kind", engine->kind->name);
    json_key(&w, "source");
    put_side(&w, &engine->sides[SIDE_SOURCE]);
    json_key(&w, "destinations");
    json_open_list(&w);
    for (unsigned i = 1; i < engine->side_count; i++)
        put_side(&w, &engine->sides[i]);
    json_close_list(&w);
    json_key(&w, "unmatched_includes");
    json_open_list(&w);
    select_unmatched(engine, put_unmatched_include, &w);
    json_close_list(&w);
    json_key(&w, "unmatched");
    json_open_list(&w);
    select_unmatched(engine, put_unmatched, &w);
    json_close_list(&w);
    json_put_text(&w, "losses", engine->kind->gaps);
    json_key(&w, "config");
    config_write(engine->config, &w);
    json_close(&w);
    return write_line(out, line, err);
}

static void put_optional(struct json_writer *w, const char *key, const char *text)
{
    if (text)
        json_put_text(w, key, text);
}

static void put_version(struct json_writer *w, const char *key, int64_t version,
                        int64_t modified_ms)
{
    json_key(w, key);
    json_open(w);
    json_put_int(w, "version", version);
    if (modified_ms) {
        char time[CLOCK_TEXT_SIZE];
        clock_format_iso_ms(modified_ms, time);
        json_put_text(w, "modified", time);
    }
    json_close(w);
}

struct writing {
    struct engine *engine;
    FILE *out;
    struct buf line;
    bool outcome; /* after apply */
};

static int write_one_step(const struct step *step, void *arg, struct error *err)
{
    struct writing *writing = arg;
    const struct side *side = &writing->engine->sides[step->destination + 1];
    if (step->action == STEP_EQUAL)
        return 0;
    struct json_writer w;
    json_writer_init(&w, &writing->line);
    json_open(&w);
    json_put_text(&w, "type", "step");
    json_put_text(&w, "name", step->name);
    if (step->target && strcmp(step->target, step->name) != 0)
        json_put_text(&w, "target", step->target);
    json_put_text(&w, "destination", side->config->region);
    if (*side->account)
        json_put_text(&w, "account", side->account);
    json_put_int(&w, "destination_index", step->destination);
    json_put_text(&w, "action", step->replaces ? PLAN_REPLACE : step_action_name(step->action));
    if (writing->outcome && step->action != STEP_BLOCKED && step->action != STEP_FAILED)
        json_put_text(&w, "status", step_status_name(step->status));
    put_optional(&w, "parameter_type", step->type);
    json_key(&w, "changes");
    json_write_raw(&w, step->changes, strlen(step->changes));
    put_optional(&w, "mapped", step->note);
    put_optional(&w, "loss", step->loss);
    put_optional(&w, "names_source", step->hint);
    put_optional(&w, "reason", step->reason);
    if (step->details) {
        json_key(&w, "details");
        json_write_raw(&w, step->details, strlen(step->details));
    }
    put_version(&w, "source", step->source_version, step->source_modified_ms);
    if (step->copy_version)
        put_version(&w, "copy", step->copy_version, step->copy_modified_ms);
    json_put_text(&w, "fingerprint", step->fingerprint);
    json_close(&w);
    return write_line(writing->out, &writing->line, err);
}

static void put_denials(struct json_writer *w, const struct denials *denied)
{
    json_key(w, "denied");
    json_open_list(w);
    for (size_t i = 0; i < denied->count; i++) {
        const struct denial_entry *entry = &denied->entries[i];
        json_open(w);
        json_put_text(w, "principal", entry->principal);
        json_put_int(w, "count", (int64_t)entry->count);
        json_put_bool(w, "explicit", entry->explicit_deny);
        json_key(w, "statement");
        denial_entry_statement(entry, w);
        json_close(w);
    }
    json_close_list(w);
}

/* `denied`: NULL: not told. */
static int write_tally(const struct tally *tally, const char *type, bool outcome,
                       const struct denials *denied, FILE *out, struct buf *line, struct error *err)
{
    struct json_writer w;
    json_writer_init(&w, line);
    json_open(&w);
    json_put_text(&w, "type", type);
    json_put_int(&w, "selected", (int64_t)tally->selected);
    json_put_int(&w, "equal", (int64_t)tally->equal);
    json_put_int(&w, "create", (int64_t)tally->create);
    json_put_int(&w, "update", (int64_t)tally->update);
    json_put_int(&w, "delete", (int64_t)tally->remove);
    json_put_int(&w, "mark", (int64_t)tally->mark);
    json_put_int(&w, "kept", (int64_t)tally->kept);
    json_put_int(&w, "extra", (int64_t)tally->extra);
    json_put_int(&w, "blocked", (int64_t)tally->blocked);
    json_put_int(&w, "unseen", (int64_t)tally->unseen);
    json_put_int(&w, "reserved", (int64_t)tally->reserved);
    json_put_int(&w, "absent", (int64_t)tally->absent);
    json_put_int(&w, "failed_destinations", tally->failed_destinations);
    if (outcome) {
        json_put_int(&w, "applied", (int64_t)tally->applied);
        json_put_int(&w, "failed", (int64_t)tally->failed);
        json_put_int(&w, "conflict", (int64_t)tally->conflict);
        json_put_int(&w, "left", (int64_t)tally->left);
        json_put_int(&w, "planned", (int64_t)tally->planned);
        json_put_bool(&w, "stopped", tally->stopped);
    }
    json_put_int(&w, "calls", (int64_t)tally->calls);
    if (tally->estimated)
        json_put_int(&w, "estimated_calls", (int64_t)tally->estimated);
    json_put_int(&w, "retries", (int64_t)tally->retries);
    json_put_int(&w, "throttled", (int64_t)tally->throttled);
    json_put_int(&w, "paced_ms", tally->paced_ms);
    json_put_int(&w, "elapsed_ms", tally->elapsed_ms);
    if (denied && denied->count)
        put_denials(&w, denied);
    json_close(&w);
    return write_line(out, line, err);
}

/* What carrying it out will cost. */
static int write_estimate(struct engine *engine, FILE *out, struct buf *line, struct error *err)
{
    struct estimate estimate;
    struct arena arena;
    struct json_writer w;
    arena_init(&arena);
    int result = estimate_make(engine, &arena, &estimate, err);
    if (result == 0) {
        char number[48];
        json_writer_init(&w, line);
        json_open(&w);
        json_put_text(&w, "type", "estimate");
        json_put_int(&w, "reads", (int64_t)estimate.reads);
        json_put_int(&w, "writes", (int64_t)estimate.writes);
        json_put_int(&w, "seconds", (int64_t)ceil(estimate.seconds));
        json_key(&w, "calls");
        json_open_list(&w);
        for (size_t i = 0; i < estimate.row_count; i++) {
            const struct estimate_row *row = &estimate.rows[i];
            json_open(&w);
            json_put_text(&w, "region", engine->sides[row->side].config->region);
            json_put_text(&w, "operation", row->operation->name);
            json_put_int(&w, "count", (int64_t)row->count);
            json_close(&w);
        }
        json_close_list(&w);
        json_put_int(&w, "priced", (int64_t)estimate.priced);
        int len = snprintf(number, sizeof number, "%.2f", estimate.monthly_usd);
        json_key(&w, "monthly_usd");
        json_write_raw(&w, number, (size_t)len);
        json_close(&w);
        result = write_line(out, line, err);
    }
    arena_done(&arena);
    return result;
}

static bool has_outcome(const char *command)
{
    return strcmp(command, "plan") != 0 && strcmp(command, "verify") != 0;
}

int plan_write(struct engine *engine, const char *command, FILE *out, struct error *err)
{
    struct writing writing = {.engine = engine, .out = out, .outcome = has_outcome(command)};
    struct arena scratch;
    struct tally tally;
    arena_init(&scratch);
    buf_init(&writing.line, LONGEST_LINE);
    int result = write_header(engine, command, out, &writing.line, err);
    if (result == 0)
        result = inventory_steps(engine->inventory, &scratch, write_one_step, &writing, err);
    if (result == 0 && strcmp(command, "verify") == 0)
        result = parity_write(engine, out, err);
    if (result == 0)
        result = engine_tally(engine, &tally, err);
    struct denials denied;
    if (result == 0)
        result = denials_gather(engine, &scratch, &denied, err);
    if (result == 0 && !writing.outcome)
        result = write_estimate(engine, out, &writing.line, err);
    if (result == 0)
        result = write_tally(&tally, "summary", writing.outcome, &denied, out, &writing.line, err);
    buf_done(&writing.line);
    arena_done(&scratch);
    return result;
}

int plan_write_total(const struct tally *total, const char *command, FILE *out, struct error *err)
{
    struct buf line;
    buf_init(&line, LONGEST_LINE);
    int result = write_tally(total, "total", has_outcome(command), NULL, out, &line, err);
    buf_done(&line);
    return result;
}

int plan_write_failure(const struct config *config, unsigned number, const struct error *failure,
                       FILE *out, struct error *err)
{
    struct buf line;
    struct json_writer w;
    buf_init(&line, LONGEST_LINE);
    json_writer_init(&w, &line);
    json_open(&w);
    json_put_text(&w, "type", "failed");
    json_put_int(&w, "replication", number);
    put_optional(&w, "name", config->name);
    put_error(&w, failure);
    json_close(&w);
    int result = write_line(out, &line, err);
    buf_done(&line);
    return result;
}

int plan_save_open(struct arena *arena, const char *path, struct plan_saving *out,
                   struct error *err)
{
    *out = (struct plan_saving){.path = path,
                                .beside = arena_printf(arena, "%s.new.%ld", path, (long)getpid())};
    int fd = open(out->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        out->out = fdopen(fd, "w");
    if (out->out)
        return 0;
    error_errno(err, errno, "cannot create %s", out->beside);
    if (fd >= 0)
        close(fd);
    return -1;
}

void plan_save_drop(struct plan_saving *saving)
{
    if (!saving->out)
        return;
    fclose(saving->out);
    saving->out = NULL;
    unlink(saving->beside);
}

int plan_save_keep(struct plan_saving *saving, struct error *err)
{
    int result = 0;
    if (fflush(saving->out) != 0 || fsync(fileno(saving->out)) != 0)
        result = error_errno(err, errno, "cannot write %s", saving->beside);
    if (fclose(saving->out) != 0 && result == 0)
        result = error_errno(err, errno, "cannot write %s", saving->beside);
    saving->out = NULL;
    if (result == 0 && rename(saving->beside, saving->path) != 0)
        result = error_errno(err, errno, "cannot create %s", saving->path);
    if (result != 0)
        unlink(saving->beside);
    return result;
}
