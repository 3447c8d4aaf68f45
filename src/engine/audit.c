#include "engine/audit.h"

#include "base/clock.h"
#include "base/json.h"
#include "version.h"

#include <errno.h>
#include <string.h>

enum { AUDIT_FORMAT = 1, LONGEST_LINE = 1024 * 1024 };

static const char method[] =
    "HMAC-SHA-256 of name and value, keyed; the key was drawn for this report and is not kept";

static void digest_one(const struct engine *engine, const char *key,
                       const unsigned char value[SHA256_SIZE], char out[SHA256_HEX_SIZE])
{
    unsigned char raw[SHA256_SIZE];
    struct buf text;
    buf_init(&text, 4096);
    buf_printf(&text, "audit\n%s\n", key);
    buf_append(&text, value, SHA256_SIZE);
    digest_hmac_sha256(engine->digest_key, sizeof engine->digest_key, text.data, text.len, raw);
    digest_hex(raw, sizeof raw, out);
    buf_done(&text);
}

const char *audit_digests(const struct engine *engine, struct arena *arena, const char *key,
                          const unsigned char source[SHA256_SIZE],
                          const unsigned char copy[SHA256_SIZE])
{
    char first[SHA256_HEX_SIZE], second[SHA256_HEX_SIZE];
    digest_one(engine, key, source, first);
    digest_one(engine, key, copy, second);
    return arena_printf(arena, "%s %s", first, second);
}

static int write_line(struct audit *audit, struct error *err)
{
    struct buf *line = &audit->line;
    buf_append_char(line, '\n');
    if (line->overflow)
        return error_set(err, ERR_LIMIT, "a line of the audit is longer than %d bytes",
                         LONGEST_LINE);
    digest_stream_add(audit->stream, line->data, line->len);
    bool whole = fwrite(line->data, 1, line->len, audit->file.out) == line->len;
    buf_reset(line);
    return whole ? 0 : error_errno(err, errno, "cannot write the audit");
}

int audit_open(struct arena *arena, const char *path, struct audit *out, struct error *err)
{
    *out = (struct audit){0};
    if (plan_save_open(arena, path, &out->file, err) != 0)
        return -1;
    out->stream = digest_stream_new();
    buf_init(&out->line, LONGEST_LINE);
    return 0;
}

static void done(struct audit *audit, unsigned char sha256[SHA256_SIZE])
{
    digest_stream_done(audit->stream, sha256);
    buf_done(&audit->line);
    audit->stream = NULL;
}

void audit_drop(struct audit *audit)
{
    unsigned char nobody[SHA256_SIZE];
    if (!audit->stream)
        return;
    done(audit, nobody);
    plan_save_drop(&audit->file);
}

static void put_place(struct json_writer *w, const struct side *side)
{
    json_open(w);
    json_put_text(w, "region", side->config->region);
    json_put_text(w, "account", side->account);
    if (side->failed)
        json_put_text(w, "error", side->error.message);
    json_close(w);
}

static int write_head(struct audit *audit, struct engine *engine, struct error *err)
{
    char now[CLOCK_TEXT_SIZE];
    struct json_writer w;
    clock_format_iso(engine->clock->now_ms(engine->clock), now);
    json_writer_init(&w, &audit->line);
    json_open(&w);
    json_put_text(&w, "type", "audit");
    json_put_int(&w, "format", AUDIT_FORMAT);
    json_put_text(&w, "program", "understudy " UNDERSTUDY_VERSION);
    json_put_text(&w, "run", engine->run_id);
    json_put_text(&w, "time", now);
    json_put_text(&w, "kind", engine->kind->name);
    json_put_text(&w, "digests", method);
    json_key(&w, "source");
    put_place(&w, &engine->sides[SIDE_SOURCE]);
    json_key(&w, "destinations");
    json_open_list(&w);
    for (unsigned i = 1; i < engine->side_count; i++)
        put_place(&w, &engine->sides[i]);
    json_close_list(&w);
    json_close(&w);
    return write_line(audit, err);
}

static void put_version(struct json_writer *w, const char *side, int64_t version,
                        int64_t modified_ms, const char *digest, size_t digest_len)
{
    char time[CLOCK_TEXT_SIZE];
    json_key(w, side);
    json_open(w);
    json_put_int(w, "version", version);
    if (modified_ms) {
        clock_format_iso_ms(modified_ms, time);
        json_put_text(w, "modified", time);
    }
    if (digest) {
        json_key(w, "digest");
        json_write_text_n(w, digest, digest_len);
    }
    json_close(w);
}

struct adding {
    struct audit *audit;
    struct engine *engine;
};

static int write_item(const struct step *step, void *arg, struct error *err)
{
    struct adding *adding = arg;
    struct audit *audit = adding->audit;
    const struct side *side = &adding->engine->sides[step->destination + 1];
    const char *digests = step->digests;
    bool equal = digests && memcmp(digests, digests + SHA256_HEX_SIZE, SHA256_HEX_SIZE - 1) == 0;
    struct json_writer w;
    json_writer_init(&w, &audit->line);
    json_open(&w);
    json_put_text(&w, "type", "item");
    json_put_text(&w, "name", step->name);
    if (step->target)
        json_put_text(&w, "copy_name", step->target);
    json_put_text(&w, "destination", side->config->region);
    json_put_text(&w, "account", side->account);
    json_put_text(&w, "result", step_action_name(step->action));
    json_put_text(&w, "values", !digests ? "not compared" : equal ? "equal" : "different");
    json_key(&w, "changes");
    json_write_raw(&w, step->changes, strlen(step->changes));
    if (step->reason)
        json_put_text(&w, "reason", step->reason);
    put_version(&w, "source", step->source_version, step->source_modified_ms, digests,
                SHA256_HEX_SIZE - 1);
    if (step->copy_version)
        put_version(&w, "copy", step->copy_version, step->copy_modified_ms,
                    digests ? digests + SHA256_HEX_SIZE : NULL, SHA256_HEX_SIZE - 1);
    json_close(&w);
    audit->items++;
    audit->compared += digests != NULL;
    audit->equal += equal && step->action == STEP_EQUAL;
    return write_line(audit, err);
}

int audit_add(struct audit *audit, struct engine *engine, struct error *err)
{
    struct adding adding = {audit, engine};
    struct arena scratch;
    arena_init(&scratch);
    int result = write_head(audit, engine, err);
    if (result == 0)
        result = inventory_steps(engine->inventory, &scratch, write_item, &adding, err);
    arena_done(&scratch);
    return result;
}

int audit_close(struct audit *audit, char sha256[SHA256_HEX_SIZE], struct error *err)
{
    unsigned char raw[SHA256_SIZE];
    struct json_writer w;
    json_writer_init(&w, &audit->line);
    json_open(&w);
    json_put_text(&w, "type", "end");
    json_put_int(&w, "items", (int64_t)audit->items);
    json_put_int(&w, "values_compared", (int64_t)audit->compared);
    json_put_int(&w, "equal", (int64_t)audit->equal);
    json_close(&w);
    int result = write_line(audit, err);
    done(audit, raw);
    digest_hex(raw, sizeof raw, sha256);
    if (result == 0)
        return plan_save_keep(&audit->file, err);
    plan_save_drop(&audit->file);
    return -1;
}
