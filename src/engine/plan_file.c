#include "engine/plan_file.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLAN_FORMAT = 1, LONGEST_LINE = 2 * 1024 * 1024 };

const char *step_action_name(enum step_action action)
{
    static const char *const names[STEP_ACTIONS] = {"equal",  "create",  "update",
                                                    "delete", "blocked", "failed"};
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

static void put_side(struct json_writer *w, const struct side *side)
{
    json_open(w);
    json_put_text(w, "region", side->config->region);
    if (*side->account)
        json_put_text(w, "account", side->account);
    if (side->failed) {
        json_key(w, "error");
        json_open(w);
        json_put_text(w, "code", error_code_name(side->error.code));
        json_put_text(w, "message", side->error.message);
        json_close(w);
    }
    if (side->tags_one_by_one)
        json_put_text(w, "tags_read_one_by_one", side->tags_error.message);
    json_close(w);
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
    for (size_t i = 0; i < engine->config->include_count; i++)
        if (!engine->scope.hit[i])
            json_write_text(&w, engine->config->include[i]);
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
    json_put_text(&w, "action", step_action_name(step->action));
    if (writing->outcome && step->action != STEP_BLOCKED && step->action != STEP_FAILED)
        json_put_text(&w, "status", step_status_name(step->status));
    put_optional(&w, "parameter_type", step->type);
    json_key(&w, "changes");
    json_write_raw(&w, step->changes, strlen(step->changes));
    put_optional(&w, "mapped", step->note);
    put_optional(&w, "loss", step->loss);
    put_optional(&w, "reason", step->reason);
    put_version(&w, "source", step->source_version, step->source_modified_ms);
    if (step->copy_version)
        put_version(&w, "copy", step->copy_version, step->copy_modified_ms);
    json_put_text(&w, "fingerprint", step->fingerprint);
    json_close(&w);
    return write_line(writing->out, &writing->line, err);
}

static int write_summary(struct engine *engine, FILE *out, struct buf *line, bool outcome,
                         struct error *err)
{
    struct tally tally;
    struct json_writer w;
    if (engine_tally(engine, &tally, err) != 0)
        return -1;
    json_writer_init(&w, line);
    json_open(&w);
    json_put_text(&w, "type", "summary");
    json_put_int(&w, "selected", (int64_t)tally.selected);
    json_put_int(&w, "equal", (int64_t)tally.equal);
    json_put_int(&w, "create", (int64_t)tally.create);
    json_put_int(&w, "update", (int64_t)tally.update);
    json_put_int(&w, "delete", (int64_t)tally.remove);
    json_put_int(&w, "blocked", (int64_t)tally.blocked);
    json_put_int(&w, "unseen", (int64_t)tally.unseen);
    json_put_int(&w, "reserved", (int64_t)tally.reserved);
    json_put_int(&w, "failed_destinations", tally.failed_destinations);
    if (outcome) {
        json_put_int(&w, "applied", (int64_t)tally.applied);
        json_put_int(&w, "failed", (int64_t)tally.failed);
        json_put_int(&w, "conflict", (int64_t)tally.conflict);
        json_put_int(&w, "left", (int64_t)tally.left);
    }
    json_put_int(&w, "calls", (int64_t)tally.calls);
    json_put_int(&w, "retries", (int64_t)tally.retries);
    json_put_int(&w, "throttled", (int64_t)tally.throttled);
    json_put_int(&w, "paced_ms", tally.paced_ms);
    json_put_int(&w, "elapsed_ms", tally.elapsed_ms);
    json_close(&w);
    return write_line(out, line, err);
}

int plan_write(struct engine *engine, const char *command, FILE *out, struct error *err)
{
    struct writing writing = {
        .engine = engine,
        .out = out,
        .outcome = strcmp(command, "apply") == 0 || strcmp(command, "sync") == 0,
    };
    struct arena scratch;
    arena_init(&scratch);
    buf_init(&writing.line, LONGEST_LINE);
    int result = write_header(engine, command, out, &writing.line, err);
    if (result == 0)
        result = inventory_steps(engine->inventory, &scratch, write_one_step, &writing, err);
    if (result == 0)
        result = write_summary(engine, out, &writing.line, writing.outcome, err);
    buf_done(&writing.line);
    arena_done(&scratch);
    return result;
}

int plan_save(struct engine *engine, const char *path, struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    const char *beside = arena_printf(&scratch, "%s.new.%ld", path, (long)getpid());
    int result = -1;
    FILE *out = NULL;
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        out = fdopen(fd, "w");
    if (!out) {
        error_errno(err, errno, "cannot create %s", beside);
        if (fd >= 0)
            close(fd);
        goto done;
    }
    result = plan_write(engine, "plan", out, err);
    if (result == 0 && (fflush(out) != 0 || fsync(fd) != 0))
        result = error_errno(err, errno, "cannot write %s", beside);
    if (fclose(out) != 0 && result == 0)
        result = error_errno(err, errno, "cannot write %s", beside);
    if (result == 0 && rename(beside, path) != 0)
        result = error_errno(err, errno, "cannot create %s", path);
    if (result != 0)
        unlink(beside);
done:
    arena_done(&scratch);
    return result;
}

/* --- reading ---------------------------------------------------------------------------------- */
static json_t *read_first_line(const char *path, FILE **file, struct error *err)
{
    *file = fopen(path, "re");
    if (!*file) {
        error_errno(err, errno, "cannot read the plan %s", path);
        return NULL;
    }
    struct error problem = {0};
    json_t *header = json_read_next(*file, &problem);
    if (header && strcmp(json_text_or(header, "type", ""), "plan") == 0 &&
        json_int_or(header, "format", 0) == PLAN_FORMAT)
        return header;
    json_decref(header);
    fclose(*file);
    *file = NULL;
    error_set(err, ERR_INVALID,
              "%s is not a plan of this version: make it with `understudy plan "
              "-o %s`",
              path, path);
    return NULL;
}

int plan_read_config(struct arena *arena, const char *path, struct config *out, struct error *err)
{
    FILE *file;
    json_t *header = read_first_line(path, &file, err);
    if (!header)
        return -1;
    char *text = json_dumps(json_object_get(header, "config"), JSON_COMPACT);
    int result = text ? config_parse(arena, path, text, strlen(text), out, err)
                      : error_set(err, ERR_INVALID, "%s: the plan has no configuration", path);
    free(text);
    json_decref(header);
    fclose(file);
    return result;
}

static int approve(struct engine *engine, const char *path, const json_t *step, struct error *err)
{
    const char *name = json_text(step, "name"), *print = json_text(step, "fingerprint");
    int64_t destination = json_int_or(step, "destination_index", -1);
    if (!name || !print || destination < 0 || destination + 1 >= engine->side_count)
        return error_set(err, ERR_INVALID, "%s: a step without name, destination or fingerprint",
                         path);
    const char *action = json_text_or(step, "action", "");
    if (strcmp(action, "create") != 0 && strcmp(action, "update") != 0)
        return 0;
    return inventory_approve(engine->inventory, engine->kind->key_of(name), (unsigned)destination,
                             print, name, err);
}

int plan_read_steps(struct engine *engine, const char *path, struct error *err)
{
    FILE *file;
    json_t *line = read_first_line(path, &file, err);
    int result = line ? 0 : -1;
    int64_t steps = 0, expected = -1;
    while (line && result == 0 && expected < 0) {
        json_decref(line);
        struct error problem = {0};
        line = json_read_next(file, &problem);
        const char *type = line ? json_text_or(line, "type", "") : "";
        if (strcmp(type, "summary") == 0) {
            expected = json_int_or(line, "create", 0) + json_int_or(line, "update", 0) +
                       json_int_or(line, "delete", 0) + json_int_or(line, "blocked", 0) +
                       json_int_or(line, "unseen", 0);
        } else if (strcmp(type, "step") == 0) {
            result = approve(engine, path, line, err);
            steps++;
        } else {
            result = error_set(err, ERR_INVALID,
                               "%s: the plan is cut short or damaged after %lld "
                               "steps: make it again",
                               path, (long long)steps);
        }
    }
    if (result == 0 && steps != expected)
        result = error_set(err, ERR_INVALID, "%s: the plan has %lld steps and says it has %lld",
                           path, (long long)steps, (long long)expected);
    json_decref(line);
    if (file)
        fclose(file);
    return result;
}
