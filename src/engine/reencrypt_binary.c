/* One ciphertext, or one message of any size, in binary. */
#include "base/file.h"
#include "engine/reencrypt_lines.h"

#include <errno.h>
#include <string.h>

enum { PIECE = 64 * 1024 };

static int write_all(FILE *out, const char *data, size_t len, struct error *err)
{
    if (fwrite(data, 1, len, out) != len)
        return error_errno(err, errno, "cannot write the output");
    return 0;
}

static int end_output(FILE *out, struct error *err)
{
    if (fflush(out) != 0 || ferror(out))
        return error_errno(err, errno, "cannot write the output");
    return 0;
}

static int copy_rest(const struct reencrypt_stream *stream, FILE *in, FILE *out, struct error *err)
{
    char piece[PIECE];
    size_t len;
    int result = 0;
    while (result == 0 && (len = fread(piece, 1, sizeof piece, in)) > 0)
        result = stop_wanted(stream->stop) ? error_set(err, ERR_CANCELLED, "stopped")
                                           : write_all(out, piece, len, err);
    if (result == 0 && ferror(in))
        result = error_errno(err, errno, "cannot read the input");
    return result == 0 ? end_output(out, err) : -1;
}

/* --- a message that is encrypted again -------------------------------------------------------- */
static int push(struct sdk_body *body, struct text piece, struct buf *made, FILE *out,
                struct error *err)
{
    buf_reset(made);
    if (sdk_body_push(body, piece, made, err) != 0)
        return -1;
    if (made->overflow)
        return error_set(err, ERR_LIMIT, "a piece of the message became too long");
    return write_all(out, buf_text(made), made->len, err);
}

/* `head`: what of the body was read with the header. */
static int push_all(const struct reencrypt_stream *stream, struct sdk_body *body, struct text head,
                    FILE *in, FILE *out, struct error *err)
{
    char piece[PIECE];
    struct buf made;
    size_t len = 0;
    buf_init(&made, 2 * head.len + 2 * sizeof piece);
    int result = push(body, head, &made, out, err);
    while (result == 0 && (len = fread(piece, 1, sizeof piece, in)) > 0)
        result = stop_wanted(stream->stop) ? error_set(err, ERR_CANCELLED, "stopped")
                                           : push(body, (struct text){piece, len}, &made, out, err);
    if (result == 0 && ferror(in))
        result = error_errno(err, errno, "cannot read the input");
    if (result == 0)
        result = sdk_body_end(body, err);
    buf_done(&made);
    return result;
}

/* Where bytes cannot be taken back they wait, as new ciphertext, until all is proved. */
static int push_held(const struct reencrypt_stream *stream, const struct reencrypted *moved,
                     struct text head, FILE *in, FILE *out, struct error *err)
{
    FILE *held = stream->out_is_seen ? file_unnamed(err) : out;
    if (!held)
        return -1;
    int result = write_all(held, moved->bytes.data, moved->bytes.len, err);
    if (result == 0)
        result = push_all(stream, moved->rest, head, in, held, err);
    if (result == 0)
        result = end_output(held, err);
    if (result == 0 && held != out) {
        rewind(held);
        result = copy_rest(stream, held, out, err);
    }
    if (held != out)
        fclose(held);
    return result;
}

/* --- either ----------------------------------------------------------------------------------- */
static int move_on(const struct reencrypt_stream *stream, const struct reencrypted *moved,
                   struct text head, FILE *in, FILE *out, struct error *err)
{
    if (moved->rest)
        return push_held(stream, moved, head, in, out, err);
    if (write_all(out, moved->bytes.data, moved->bytes.len, err) != 0 ||
        write_all(out, head.data, head.len, err) != 0)
        return -1;
    return copy_rest(stream, in, out, err);
}

int reencrypt_binary(const struct reencrypt_stream *stream, FILE *in, FILE *out,
                     struct reencrypt_sum *sum, struct error *err)
{
    struct arena arena;
    struct reencrypted moved = {0};
    arena_init(&arena);
    char *head = arena_alloc(&arena, SDK_HEADER_MOST);
    size_t len = fread(head, 1, SDK_HEADER_MOST, in);
    int result = ferror(in) ? error_errno(err, errno, "cannot read the input")
                            : reencrypt_one(stream->reencrypt, &arena, (struct text){head, len},
                                            NULL, &moved, err);
    if (result == 0)
        result = move_on(stream, &moved, (struct text){head + moved.taken, len - moved.taken}, in,
                         out, err);
    if (result == 0) {
        sum->moved += moved.moved;
        sum->already += !moved.moved;
    } else if (err->code != ERR_CANCELLED) {
        sum->failed++;
    }
    sdk_body_free(moved.rest);
    arena_done(&arena);
    return result;
}
