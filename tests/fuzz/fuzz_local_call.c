/* Every operation of the local AWS, with whatever input its checks let through.
 *
 * Lines "service Operation\n<body>\n" are run one after the other as the administrator of an
 * account (a line that begins with '!': as a role's session without permissions), each in a
 * savepoint of one transaction that is rolled back at the end, so that inputs do not see each
 * other. */
#include "aws/protocol.h"
#include "base/arena.h"
#include "fuzz.h"
#include "local/accounts.h"
#include "local/answer.h"
#include "local/authenticate.h"
#include "local/authorize.h"
#include "local/event_bus.h"
#include "local/trail.h"
#include "local/validate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char account[] = "111111111111";
static char user_arn[] = "arn:aws:iam::111111111111:user/administrator";
static char user_id[] = "AIDAFUZZFUZZFUZZFUZZF";
static char role_arn[] = "arn:aws:iam::111111111111:role/nobody";
static char session_arn[] = "arn:aws:sts::111111111111:assumed-role/nobody/fuzz";
static char session_id[] = "AROAFUZZFUZZFUZZFUZZF:fuzz";

static struct local local;
static struct store_session *store;

static int64_t still_ms(struct clock *clock)
{
    (void)clock;
    return 1440938160000;
}

static void end(void)
{
    store_session_close(store);
    store_close(local.store);
    keyring_close(local.keyring);
}

/* The data folder lives as long as the program; its files are unlinked at once. */
static void start(void)
{
    static struct clock clock = {still_ms, still_ms, NULL};
    char folder[] = "/tmp/understudy-fuzz-XXXXXX";
    static const char *const files[] = {"lock", "master.key", "store.db", "store.db-wal",
                                        "store.db-shm"};
    const char *schemas[32] = {accounts_schema, authenticate_schema, trail_schema,
                               event_bus_schema};
    size_t count = 4;
    for (const struct local_service *const *at = local_services; *at; at++)
        if ((*at)->schema)
            schemas[count++] = (*at)->schema;
    json_setup();
    local.clock = &clock;
    local.random = random_system();
    if (!mkdtemp(folder) || keyring_open(folder, local.random, &local.keyring, NULL) != 0 ||
        store_open(folder, schemas, &local.store, NULL) != 0 ||
        !(store = store_writer(local.store, NULL)))
        abort();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[sizeof folder + 16];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    atexit(end);
}

static const struct local_operation *find(struct text line, const struct local_service **service)
{
    struct text operation = line;
    struct text wanted = text_cut(&operation, ' ');
    for (const struct local_service *const *at = local_services; *at && operation.data; at++)
        for (const struct local_operation *row = (*at)->operations; row->name; row++)
            if (text_is(wanted, (*at)->name) && text_is(operation, row->name)) {
                *service = *at;
                return row;
            }
    return NULL;
}

static void handle(struct local_call *call)
{
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 16 * 1024 * 1024);
    json_writer_init(&writer, &out);
    json_open(&writer);
    call->out = &writer;
    store_savepoint(store);
    enum local_result result = authorize_operation(call);
    if (result == LOCAL_OK)
        result = call->operation->handle(call);
    assert(!store_failed(store)); /* no input makes a statement fail */
    assert(result != LOCAL_AS_WRITE);
    if (result == LOCAL_OK) {
        json_close(&writer);
        json_t *answer = json_read(buf_text(&out), out.len, NULL);
        assert(json_is_object(answer));
        json_decref(answer);
        store_savepoint_release(store);
    } else {
        assert(call->failure.code && call->failure.code[0]);
        store_savepoint_rollback(store);
    }
    buf_done(&out);
}

static void call_one(struct arena *arena, struct text line, struct text body)
{
    bool nobody = line.len && line.data[0] == '!';
    if (nobody) {
        line.data++;
        line.len--;
    }
    const struct local_service *service;
    const struct local_operation *operation = find(line, &service);
    if (!operation)
        return;
    bool query = service->protocol == AWS_QUERY;
    const char *message, *data = body.data ? body.data : "";
    json_t *input =
        query ? query_parse(data, body.len, 2000, NULL) : json_read(data, body.len, NULL);
    struct principal who = {.kind = nobody ? PRINCIPAL_ROLE : PRINCIPAL_USER,
                            .arn = nobody ? session_arn : user_arn,
                            .user_id = nobody ? session_id : user_id,
                            .role_arn = nobody ? role_arn : NULL,
                            .temporary = nobody,
                            .administrator = !nobody};
    memcpy(who.account, account, sizeof account);
    who.grants = grants_load(store, arena, &who);
    struct local_call call = {.arena = arena,
                              .local = &local,
                              .store = store,
                              .caller = &who,
                              .partition = "aws",
                              .region = "eu-west-1",
                              .account = who.account,
                              .service = service,
                              .operation = operation,
                              .request_id = "00000000-0000-4000-8000-000000000000",
                              .source_ip = "127.0.0.1",
                              .input = input,
                              .writing = true};
    if (json_is_object(input) &&
        validate_types(arena, operation->input, input, query, &message) == 0 &&
        !validate_constraints(arena, operation->input, input))
        handle(&call);
    json_decref(input);
    grants_done(who.grants);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        start();
    struct text rest = {(const char *)data, size};
    store_begin(store);
    while (rest.data && rest.len) {
        struct arena arena;
        arena_init(&arena);
        struct text line = text_cut(&rest, '\n');
        struct text body = rest.data ? text_cut(&rest, '\n') : (struct text){"", 0};
        call_one(&arena, line, body);
        arena_done(&arena);
    }
    store_rollback(store);
    local.version++; /* what was cached of it is gone */
    return 0;
}
