#include "ssm_server.h"

#include "local/agenda.h"
#include "local/event_bus.h"
#include "local/validate.h"
#include "support/test.h"

enum { LARGEST_ANSWER = 16 * 1024 * 1024 };

int ssm_server_setup(void **state)
{
    const char *const schemas[] = {ssm_service.schema, event_bus_schema, NULL};
    struct ssm_server *server = memory_alloc(sizeof *server);
    struct error err;
    folder_make(&server->folder);
    fake_clock_init(&server->clock, 1767225600000);
    arena_init(&server->arena);
    buf_init(&server->out, LARGEST_ANSWER);
    server->caller.administrator = true;
    memcpy(server->caller.account, "111111111111", 13);
    server->caller.arn = (char *)(uintptr_t) "arn:aws:iam::111111111111:user/u";
    server->local.clock = &server->clock.clock;
    server->local.random = random_system();
    *state = server;
    if (keyring_open(server->folder.path, random_system(), &server->local.keyring, &err) != 0 ||
        store_open(server->folder.path, schemas, &server->local.store, &err) != 0)
        return -1;
    server->writer = store_writer(server->local.store, &err);
    return server->writer ? 0 : -1;
}

int ssm_server_teardown(void **state)
{
    struct ssm_server *server = *state;
    json_decref(server->answer);
    store_session_close(server->writer);
    store_close(server->local.store);
    keyring_close(server->local.keyring);
    folder_remove(&server->folder);
    buf_done(&server->out);
    arena_done(&server->arena);
    free(server);
    return 0;
}

static const struct local_operation *find(const char *name)
{
    for (const struct local_operation *at = ssm_service.operations; at->name; at++)
        if (strcmp(at->name, name) == 0)
            return at;
    fail_msg("no operation %s", name);
    return NULL;
}

__attribute__((format(printf, 2, 0))) static json_t *read_input(struct arena *arena,
                                                                const char *format, va_list args)
{
    char *text = arena_vprintf(arena, format, args);
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *input = json_read(text, strlen(text), NULL);
    if (!input)
        fail_msg("not JSON: %s", text);
    return input;
}

/* As the pipeline does it: the constraints, then the handler in a savepoint. */
static enum local_result run(struct ssm_server *server, struct local_call *call)
{
    const char *message = validate_constraints(call->arena, call->operation->input, call->input);
    if (message)
        return local_fail(call, "ValidationException", "%s", message);
    assert_int_equal(store_savepoint(server->writer), 0);
    json_open(call->out);
    enum local_result result = call->operation->handle(call);
    json_close(call->out);
    if (store_failed(server->writer))
        fail_msg("store: %s", store_failure(server->writer));
    if (result == LOCAL_OK)
        store_savepoint_release(server->writer);
    else
        store_savepoint_rollback(server->writer);
    return result;
}

int ssm_server_call(struct ssm_server *server, const char *operation, const char *input, ...)
{
    va_list args;
    va_start(args, input);
    arena_reset(&server->arena);
    buf_reset(&server->out);
    json_decref(server->answer);
    server->answer = NULL;
    server->code = NULL;
    struct json_writer out;
    json_writer_init(&out, &server->out);
    json_t *value = read_input(&server->arena, input, args);
    va_end(args);
    struct local_call call = {
        .arena = &server->arena,
        .local = &server->local,
        .store = server->writer,
        .caller = &server->caller,
        .partition = "aws",
        .region = "us-east-1",
        .account = server->caller.account,
        .service = &ssm_service,
        .operation = find(operation),
        .request_id = "request",
        .source_ip = "127.0.0.1",
        .input = value,
        .out = &out,
        .writing = true,
    };
    assert_int_equal(store_begin(server->writer), 0);
    enum local_result result = run(server, &call);
    assert_int_equal(store_commit(server->writer), 0);
    json_decref(value);
    if (result == LOCAL_OK)
        server->answer = json_read(server->out.data, server->out.len, NULL);
    else
        server->code = call.failure.code;
    return result == LOCAL_OK ? 0 : -1;
}

int64_t ssm_server_act(struct ssm_server *server)
{
    assert_int_equal(store_begin(server->writer), 0);
    int64_t now_ms = server->clock.clock.now_ms(&server->clock.clock);
    int64_t next_ms = ssm_service.act(&server->local, server->writer, now_ms);
    assert_int_equal(store_commit(server->writer), 0);
    return next_ms == AGENDA_NEVER ? -1 : next_ms - now_ms;
}
