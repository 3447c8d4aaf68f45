#include "base/json.h"
#include "base/json_place.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/sides.h"
#include "engine/reencrypt_stream.h"
#include "net/http_client.h"

#include <argp.h>
#include <errno.h>
#include <string.h>

static const char doc[] =
    "Moves ciphertexts from a key of one Region to a key of another: decrypts there, encrypts "
    "here, "
    "keeps the encryption context. Reads FILEs, or standard input, and writes standard output; "
    "with "
    "--in-place each FILE is replaced when all of it is done. No plaintext is written anywhere.\v"
    "Lines are ciphertexts in base64, perhaps followed by a blank and their context as a JSON "
    "object. Exit status: 0 done, 1 failed, 2 usage, 4 some lines failed and were kept.";

enum {
    FLAG_KEY = 256,
    FLAG_SOURCE_KEY,
    FLAG_CONTEXT,
    FLAG_CONTEXT_MEMBER,
    FLAG_MEMBER,
    FLAG_FORMAT,
    FLAG_IN_PLACE,
    FLAG_KEEP_FAILED,
    FLAG_DROP_OTHER_KEYS,
    FLAG_CONCURRENCY,
    FLAG_JSON,
    FLAG_DEBUG,
    FLAG_OUT = 'o',
};

static const struct argp_option reencrypt_flags[] = {
    {"key", FLAG_KEY, "KEY", 0, "encrypt under this key: id, ARN or alias", 1},
    {"source-key", FLAG_SOURCE_KEY, "KEY", 0,
     "take only ciphertexts of this key (default: the one that each names)", 1},
    {"context", FLAG_CONTEXT, "NAME=VALUE", 0,
     "a pair of the encryption context of every ciphertext (may be repeated)", 2},
    {"context-member", FLAG_CONTEXT_MEMBER, "NAME", 0,
     "with --member: the member of a line that holds its context", 2},
    {"member", FLAG_MEMBER, "PATH", 0,
     "lines are JSON objects; this member (a name, or $.a.b) is a ciphertext (may be repeated)", 2},
    {"format", FLAG_FORMAT, "WORD", 0,
     "lines (the default), json (with --member) or binary: the input is one ciphertext, or one AWS "
     "Encryption SDK message",
     2},
    {"out", FLAG_OUT, "FILE", 0, "write to this file, in its place when all is done", 3},
    {"in-place", FLAG_IN_PLACE, NULL, 0, "replace each FILE", 3},
    {"keep-failed", FLAG_KEEP_FAILED, NULL, 0,
     "leave a line that fails as it is and go on (default: the first that fails is the end)", 3},
    {"drop-other-keys", FLAG_DROP_OTHER_KEYS, NULL, 0,
     "of AWS Encryption SDK messages: leave out data keys under keys of other Regions or providers",
     3},
    {"concurrency", FLAG_CONCURRENCY, "N", 0, "calls at once (default 16, at most 128)", 4},
    {"json", FLAG_JSON, NULL, 0, "tell on standard error in JSON, one object a line", 5},
    {"debug", FLAG_DEBUG, NULL, 0, "log what is done on standard error (never values)", 5},
    {0},
};

struct request {
    struct arena arena;
    struct two_sides_flags sides;
    struct two_sides pair;
    const char *key, *source_key, *context_member, *out, *format;
    const char **members, **files;
    size_t member_count, file_count;
    json_t *context;
    bool in_place, keep_failed, drop_other_keys, json, debug;
    unsigned concurrency;
    struct reencrypt_stream stream;
    struct reencrypt_sum sum;
    const char *file; /* being worked on; NULL: standard input */
};

/* --- the command line ------------------------------------------------------------------------- */
static void add_context(struct request *request, const char *pair, struct argp_state *state)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair)
        argp_error(state, "--context '%s' is not NAME=VALUE", pair);
    else
        json_object_setn_new(request->context, pair, (size_t)(equals - pair),
                             json_string(equals + 1));
}

static void add_member(struct request *request, const char *name, struct argp_state *state)
{
    const char *path = *name == '$' ? name : arena_printf(&request->arena, "$.%s", name);
    if (!json_path_valid(path))
        argp_error(state, "--member '%s' is neither a name nor a path such as $.a.b", name);
    request->members[request->member_count++] = path;
}

static void set_concurrency(struct request *request, const char *text, struct argp_state *state)
{
    int64_t number;
    if (text_to_int64(text, strlen(text), &number) != 0 || number < 1 || number > CONCURRENCY_MAX)
        argp_error(state, "--concurrency '%s' is not a number from 1 to %d", text, CONCURRENCY_MAX);
    else
        request->concurrency = (unsigned)number;
}

static void check(struct request *request, struct argp_state *state)
{
    static const char *const formats[] = {
        [REENCRYPT_LINES] = "lines", [REENCRYPT_JSON] = "json", [REENCRYPT_BINARY] = "binary"};
    size_t format = 0;
    const char *word = request->format ? request->format : request->member_count ? "json" : "lines";
    while (format < 3 && strcmp(formats[format], word) != 0)
        format++;
    if (!request->key)
        argp_error(state, "--key must be given");
    if (format == 3)
        argp_error(state, "--format '%s' is none of lines, json and binary", word);
    if ((format == REENCRYPT_JSON) != (request->member_count > 0))
        argp_error(state, "--format json and --member go together");
    if (request->context_member && format != REENCRYPT_JSON)
        argp_error(state, "--context-member goes with --member");
    if (request->in_place && (!request->file_count || request->out))
        argp_error(state, "--in-place goes with FILEs and without --out");
    if (!request->in_place && request->out && request->file_count > 1)
        argp_error(state, "--out takes one FILE, or standard input");
    if (!request->in_place && format == REENCRYPT_BINARY && request->file_count > 1)
        argp_error(state, "several binary FILEs go with --in-place");
    request->stream.format = (enum reencrypt_format)format;
}

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct request *request = state->input;
    const struct {
        int flag;
        const char **text;
    } texts[] = {{FLAG_KEY, &request->key},
                 {FLAG_SOURCE_KEY, &request->source_key},
                 {FLAG_CONTEXT_MEMBER, &request->context_member},
                 {FLAG_FORMAT, &request->format},
                 {FLAG_OUT, &request->out}};
    const struct {
        int flag;
        bool *on;
    } switches[] = {{FLAG_IN_PLACE, &request->in_place},
                    {FLAG_KEEP_FAILED, &request->keep_failed},
                    {FLAG_DROP_OTHER_KEYS, &request->drop_other_keys},
                    {FLAG_JSON, &request->json},
                    {FLAG_DEBUG, &request->debug}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].flag == flag)
            return *texts[i].text = value, 0;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (switches[i].flag == flag)
            return *switches[i].on = true, 0;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &request->sides;
        return 0;
    case FLAG_CONTEXT:
        add_context(request, value, state);
        return 0;
    case FLAG_MEMBER:
        add_member(request, value, state);
        return 0;
    case FLAG_CONCURRENCY:
        set_concurrency(request, value, state);
        return 0;
    case ARGP_KEY_ARG:
        request->files[request->file_count++] = value;
        return 0;
    case ARGP_KEY_END:
        check(request, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- telling ---------------------------------------------------------------------------------- */
static void tell_failed(uint64_t line, const struct error *error, void *arg)
{
    const struct request *request = arg;
    const char *file = request->file ? request->file : "standard input";
    struct error own = *error;
    if (!request->json) {
        error_context(&own, "%s:%llu", file, (unsigned long long)line);
        run_failed(&own);
        return;
    }
    struct buf text;
    struct json_writer w;
    buf_init(&text, 16 * 1024);
    json_writer_init(&w, &text);
    json_open(&w);
    json_put_text(&w, "type", "failed");
    json_put_text(&w, "file", file);
    json_put_int(&w, "line", (int64_t)line);
    json_put_text(&w, "code", *error->aws_code ? error->aws_code : error_code_name(error->code));
    json_put_text(&w, "message", error->message);
    json_close(&w);
    fprintf(stderr, "%s\n", buf_text(&text));
    buf_done(&text);
}

static void tell_sum(const struct request *request, const struct reencrypt *reencrypt)
{
    const struct reencrypt_sum *sum = &request->sum;
    const char *how = reencrypt_inside(reencrypt) ? "inside KMS" : "decrypt there, encrypt here";
    if (!request->json) {
        fprintf(stderr, "%llu moved to %s (%s)", (unsigned long long)sum->moved,
                reencrypt_key(reencrypt), how);
        if (sum->already)
            fprintf(stderr, ", %llu there already", (unsigned long long)sum->already);
        if (sum->resumed)
            fprintf(stderr, ", %llu lines by an earlier run", (unsigned long long)sum->resumed);
        if (sum->failed)
            fprintf(stderr, ", %llu failed", (unsigned long long)sum->failed);
        fputc('\n', stderr);
        return;
    }
    struct buf text;
    struct json_writer w;
    buf_init(&text, 16 * 1024);
    json_writer_init(&w, &text);
    json_open(&w);
    json_put_text(&w, "type", "reencrypt");
    json_put_text(&w, "key", reencrypt_key(reencrypt));
    json_put_bool(&w, "inside_kms", reencrypt_inside(reencrypt));
    json_put_int(&w, "lines", (int64_t)sum->lines);
    json_put_int(&w, "moved", (int64_t)sum->moved);
    json_put_int(&w, "already", (int64_t)sum->already);
    json_put_int(&w, "resumed", (int64_t)sum->resumed);
    json_put_int(&w, "failed", (int64_t)sum->failed);
    json_close(&w);
    fprintf(stderr, "%s\n", buf_text(&text));
    buf_done(&text);
}

/* --- the work --------------------------------------------------------------------------------- */
static int stream_one(struct request *request, FILE *in, struct error *err)
{
    request->stream.out_is_seen = true;
    return reencrypt_stream(&request->stream, in, stdout, &request->sum, err);
}

/* Standard input into a file: whole or not at all, but nothing to go on from. */
static int stream_out(struct request *request, struct error *err)
{
    struct plan_saving saving = {0};
    if (plan_save_open(&request->arena, request->out, &saving, err) != 0)
        return -1;
    int result = reencrypt_stream(&request->stream, stdin, saving.out, &request->sum, err);
    if (result == 0)
        return plan_save_keep(&saving, err);
    plan_save_drop(&saving);
    return -1;
}

static int run_file(struct request *request, const char *file, struct error *err)
{
    request->file = file;
    if (request->in_place || request->out)
        return reencrypt_file(&request->stream, file, request->out ? request->out : file,
                              &request->sum, err);
    FILE *in = fopen(file, "re");
    if (!in)
        return error_errno(err, errno, "cannot read %s", file);
    int result = stream_one(request, in, err);
    fclose(in);
    return result;
}

static int run_files(struct request *request, struct error *err)
{
    if (!request->file_count)
        return request->out ? stream_out(request, err) : stream_one(request, stdin, err);
    for (size_t i = 0; i < request->file_count; i++)
        if (run_file(request, request->files[i], err) != 0)
            return -1;
    return 0;
}

static int work(struct request *request, struct error *err)
{
    struct reencrypt *reencrypt = NULL;
    const struct two_sides *pair = &request->pair;
    int result = http_client_setup(err);
    if (result == 0)
        result = two_sides_open(&request->arena, &request->pair, request->stream.stop, err);
    if (result == 0 && !(request->stream.workers = workers_new(request->concurrency, err)))
        result = -1;
    const struct reencrypt_options options = {
        .source = pair->from,
        .destination = pair->to,
        .source_region = pair->source.region,
        .destination_region = pair->destination.region,
        .key = request->key,
        .source_key = request->source_key,
        .context = request->context,
        .drop_other_keys = request->drop_other_keys,
    };
    if (result == 0)
        result = reencrypt_open(&options, &reencrypt, err);
    if (result == 0) {
        request->stream.reencrypt = reencrypt;
        result = run_files(request, err);
        tell_sum(request, reencrypt);
    }
    workers_free(request->stream.workers);
    reencrypt_close(reencrypt);
    two_sides_close(&request->pair);
    return result;
}

static int run_reencrypt(int argc, char **argv)
{
    struct request request = {.concurrency = CONCURRENCY_DEFAULT};
    struct error err = {0};
    const struct argp_child children[] = {{&two_sides_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = reencrypt_flags,
                              .children = children,
                              .parser = take,
                              .args_doc = "[FILE...]",
                              .doc = doc};
    arena_init(&request.arena);
    request.members = arena_calloc(&request.arena, (size_t)argc, sizeof *request.members);
    request.files = arena_calloc(&request.arena, (size_t)argc, sizeof *request.files);
    request.context = json_object();
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    log_setup(request.debug ? LOG_DEBUG : LOG_WARN, false);
    secret_lock_memory();
    request.stream.stop = run_stop();
    request.stream.members = request.members;
    request.stream.member_count = request.member_count;
    request.stream.context_member = request.context_member;
    request.stream.keep_failed = request.keep_failed;
    request.stream.failed = tell_failed;
    request.stream.arg = &request;
    int status = EXIT_DONE;
    if (two_sides_read(&request.arena, &request.sides, &request.pair, &err) != 0) {
        run_failed(&err);
        status = EXIT_USAGE;
    } else if (work(&request, &err) != 0) {
        status = run_failed(&err);
    } else if (request.sum.failed) {
        status = EXIT_PARTLY;
    }
    json_decref(request.context);
    arena_done(&request.arena);
    return status;
}

const struct command command_reencrypt = {"reencrypt",
                                          "move ciphertexts to a key of another Region",
                                          run_reencrypt};
