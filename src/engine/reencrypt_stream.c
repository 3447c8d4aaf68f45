#include "engine/reencrypt_stream.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/json_place.h"
#include "engine/reencrypt_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_LINES = 64, BATCH_BYTES = 8 * 1024 * 1024 };

/* One line on its way through a worker. */
struct job {
    const struct reencrypt_stream *stream;
    struct text line; /* without its end */
    struct buf out;   /* what stands in its place */
    struct error error;
    unsigned moved, already;
};

/* --- one line --------------------------------------------------------------------------------- */

/* A context is an object of texts. *context is a new reference. */
static int read_context(struct text text, json_t **context, struct error *err)
{
    json_t *value = json_read(text.data, text.len, err);
    const char *key;
    json_t *member;
    bool fine = json_is_object(value);
    json_object_foreach(value, key, member) fine = fine && json_is_string(member);
    if (!fine) {
        json_decref(value);
        return error_set(err, ERR_INVALID,
                         "what follows the ciphertext is not a context: a JSON object of texts");
    }
    *context = value;
    return 0;
}

/* What follows the header, all of it at hand. */
static int move_rest(struct sdk_body *body, struct text rest, struct buf *out, struct error *err)
{
    if (!body) {
        buf_append(out, rest.data, rest.len);
        return 0;
    }
    int result = sdk_body_push(body, rest, out, err);
    if (result == 0)
        result = sdk_body_end(body, err);
    sdk_body_free(body);
    return result;
}

/* base64 in, base64 out; a message's body follows its header. */
static int move_text(struct job *job, struct text text, const json_t *context, struct buf *out)
{
    struct arena arena;
    struct reencrypted moved;
    struct buf all;
    unsigned char *bytes;
    size_t len;
    int result = -1;
    arena_init(&arena);
    buf_init(&all, REENCRYPT_LINE_MOST);
    if (base64_decode(&arena, text.data, text.len, &bytes, &len) != 0) {
        error_set(&job->error, ERR_INVALID, "not base64");
    } else if (reencrypt_one(job->stream->reencrypt, &arena,
                             (struct text){(const char *)bytes, len}, context, &moved,
                             &job->error) == 0) {
        const struct text rest = {(const char *)bytes + moved.taken, len - moved.taken};
        buf_append(&all, moved.bytes.data, moved.bytes.len);
        result = move_rest(moved.rest, rest, &all, &job->error);
        if (result == 0 && all.overflow)
            result = error_set(&job->error, ERR_LIMIT, "the line would be too long");
        if (result == 0)
            buf_append_text(out, base64_encode(&arena, all.data, all.len));
        job->moved += result == 0 && moved.moved;
        job->already += result == 0 && !moved.moved;
    }
    buf_done(&all);
    arena_done(&arena);
    return result;
}

static int move_plain_line(struct job *job)
{
    struct text line = text_trim(job->line), rest = {0};
    json_t *context = NULL;
    for (size_t i = 0; i < line.len && !rest.data; i++)
        if (line.data[i] == ' ' || line.data[i] == '\t')
            rest = (struct text){line.data + i, line.len - i};
    struct text blob = {line.data, line.len - rest.len};
    struct text words = text_trim(rest);
    if (words.len && read_context(words, &context, &job->error) != 0)
        return -1;
    int result = move_text(job, blob, context, &job->out);
    json_decref(context);
    buf_append(&job->out, rest.data, rest.len);
    return result;
}

/* The context that a line of JSON holds. *out is a new reference or NULL. */
static int line_context(struct job *job, json_t **out)
{
    const char *name = job->stream->context_member, *key;
    json_t *value;
    *out = NULL;
    json_t *line = json_read(job->line.data, job->line.len, &job->error);
    if (!json_is_object(line)) {
        json_decref(line);
        return error_set(&job->error, ERR_INVALID, "not a JSON object");
    }
    json_t *context = name ? json_object_get(line, name) : NULL;
    bool fine = !context || json_is_object(context);
    if (context && fine)
        json_object_foreach(context, key, value) fine = fine && json_is_string(value);
    if (fine)
        *out = json_incref(context);
    json_decref(line);
    return fine ? 0
                : error_set(&job->error, ERR_INVALID,
                            "its member %s is not a context: an object "
                            "of texts",
                            name);
}

static int move_member(struct job *job, const char *path, const json_t *context, struct buf *line)
{
    struct text token;
    struct buf blob, next;
    const struct text whole = {line->data, line->len};
    buf_init(&blob, REENCRYPT_LINE_MOST);
    buf_init(&next, line->limit);
    if (!json_place_text(whole, path, &token, &blob)) {
        buf_done(&blob);
        return error_set(&job->error, ERR_INVALID, "there is no text at %s", path);
    }
    size_t before = (size_t)(token.data - whole.data);
    buf_append(&next, whole.data, before);
    buf_append_char(&next, '"');
    int result = move_text(job, (struct text){blob.data, blob.len}, context, &next);
    buf_append_char(&next, '"');
    buf_append(&next, token.data + token.len, whole.len - before - token.len);
    buf_done(&blob);
    if (result == 0) {
        buf_done(line);
        *line = next;
    } else {
        buf_done(&next);
    }
    return result;
}

static int move_json_line(struct job *job)
{
    json_t *context;
    int result = line_context(job, &context);
    buf_append(&job->out, job->line.data, job->line.len);
    for (size_t i = 0; result == 0 && i < job->stream->member_count; i++)
        result = move_member(job, job->stream->members[i], context, &job->out);
    json_decref(context);
    return result;
}

static void run_job(void *arg, unsigned worker)
{
    struct job *job = arg;
    (void)worker;
    int result = job->stream->format == REENCRYPT_JSON ? move_json_line(job) : move_plain_line(job);
    if (result == 0 && job->out.overflow)
        result = error_set(&job->error, ERR_LIMIT, "the line would be too long");
    if (result == 0)
        return;
    buf_reset(&job->out); /* as it was */
    job->out.overflow = false;
    buf_append(&job->out, job->line.data, job->line.len);
    job->moved = job->already = 0;
}

/* --- batches of lines ------------------------------------------------------------------------- */
struct batch {
    struct buf data; /* whole lines, with their ends */
    struct text lines[BATCH_LINES];
    struct job jobs[BATCH_LINES];
    size_t count;
    char *line; /* getline's */
    size_t room;
};

/* The views are made when all has been read: the buffer moves while it grows. */
static int read_batch(struct batch *batch, FILE *in, struct error *err)
{
    buf_reset(&batch->data);
    batch->count = 0;
    while (batch->count < BATCH_LINES && batch->data.len < BATCH_BYTES) {
        ssize_t len = getline(&batch->line, &batch->room, in);
        if (len < 0)
            break;
        if (len > REENCRYPT_LINE_MOST)
            return error_set(err, ERR_LIMIT, "a line has more than %d bytes", REENCRYPT_LINE_MOST);
        batch->lines[batch->count++] = (struct text){NULL, (size_t)len};
        buf_append(&batch->data, batch->line, (size_t)len);
    }
    if (ferror(in))
        return error_errno(err, errno, "cannot read the input");
    const char *at = batch->data.data;
    for (size_t i = 0; i < batch->count; at += batch->lines[i++].len)
        batch->lines[i].data = at;
    return 0;
}

/* Without its end, which is written again as it was. */
static struct text body_of(struct text line)
{
    while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

static void work_on(struct batch *batch, const struct reencrypt_stream *stream)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct text body = body_of(batch->lines[i]);
        batch->jobs[i] = (struct job){.stream = stream, .line = body};
        buf_init(&batch->jobs[i].out, 2 * REENCRYPT_LINE_MOST);
        if (text_trim(body).len == 0)
            buf_append(&batch->jobs[i].out, body.data, body.len);
        else
            workers_run(stream->workers, run_job, &batch->jobs[i]);
    }
    workers_wait(stream->workers);
}

/* Writes the lines up to the first that ends it. */
static int write_batch(struct batch *batch, const struct reencrypt_stream *stream, FILE *out,
                       struct reencrypt_sum *sum, size_t *written, struct error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];
        struct text line = batch->lines[i], body = body_of(line);
        uint64_t number = sum->resumed + sum->lines + 1;
        if (job->error.code) {
            sum->failed++;
            stream->failed(number, &job->error, stream->arg);
            if (!stream->keep_failed)
                return error_set(
                    err, job->error.code,
                    "line %llu failed and nothing stands for it: mend it, or keep such "
                    "lines as they are with --keep-failed",
                    (unsigned long long)number);
        }
        fwrite(job->out.data ? job->out.data : "", 1, job->out.len, out);
        fwrite(body.data + body.len, 1, line.len - body.len, out);
        sum->lines++;
        sum->moved += job->moved;
        sum->already += job->already;
        *written += line.len;
    }
    return 0;
}

static void end_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        buf_done(&batch->jobs[i].out);
}

static int one_batch(struct batch *batch, const struct reencrypt_stream *stream, FILE *out,
                     reencrypt_batch_fn *written, void *arg, struct reencrypt_sum *sum,
                     struct error *err)
{
    size_t bytes = 0;
    work_on(batch, stream);
    uint64_t before = sum->lines;
    int result = write_batch(batch, stream, out, sum, &bytes, err);
    end_batch(batch);
    if (fflush(out) != 0 || ferror(out))
        return error_errno(err, errno, "cannot write the output");
    struct error own = {0};
    if (written &&
        written(batch->data.data, bytes, sum->lines - before, arg, result == 0 ? err : &own) != 0)
        result = -1;
    return result;
}

int reencrypt_lines(const struct reencrypt_stream *stream, FILE *in, FILE *out,
                    reencrypt_batch_fn *written, void *arg, struct reencrypt_sum *sum,
                    struct error *err)
{
    struct batch *batch = memory_alloc(sizeof *batch);
    buf_init(&batch->data, BATCH_BYTES + REENCRYPT_LINE_MOST);
    int result = 0;
    do {
        if (stop_wanted(stream->stop))
            result = error_set(err, ERR_CANCELLED, "stopped");
        else
            result = read_batch(batch, in, err);
        if (result == 0 && batch->count)
            result = one_batch(batch, stream, out, written, arg, sum, err);
    } while (result == 0 && batch->count);
    buf_done(&batch->data);
    free(batch->line);
    free(batch);
    return result;
}

int reencrypt_stream(const struct reencrypt_stream *stream, FILE *in, FILE *out,
                     struct reencrypt_sum *sum, struct error *err)
{
    return stream->format == REENCRYPT_BINARY
               ? reencrypt_binary(stream, in, out, sum, err)
               : reencrypt_lines(stream, in, out, NULL, NULL, sum, err);
}
