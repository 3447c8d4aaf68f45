#include "kms_fixture.h"

#include "local/event_bus.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_SCHEMAS = 16 };

static int open_store(struct kms_fixture *fixture)
{
    const char *schemas[LARGEST_SCHEMAS] = {event_bus_schema};
    size_t count = 1;
    struct error err;
    for (const struct local_service *const *service = local_services; *service; service++)
        if ((*service)->schema && count < LARGEST_SCHEMAS - 1)
            schemas[count++] = (*service)->schema;
    if (store_open(fixture->folder.path, schemas, &fixture->local.store, &err) != 0 ||
        keyring_open(fixture->folder.path, random_system(), &fixture->local.keyring, &err) != 0)
        return -1;
    fixture->writer = store_writer(fixture->local.store, &err);
    fixture->reader = store_reader(fixture->local.store, &err);
    return fixture->writer && fixture->reader ? 0 : -1;
}

int kms_fixture_setup(void **state)
{
    struct kms_fixture *fixture = memory_alloc(sizeof *fixture);
    static char arn[] = "arn:aws:iam::111111111111:user/administrator", id[] = "AIDAEXAMPLE";
    *state = fixture;
    folder_make(&fixture->folder);
    fake_clock_init(&fixture->clock, 1700000000000);
    arena_init(&fixture->arena);
    buf_init(&fixture->out, 1024 * 1024);
    fixture->local.clock = &fixture->clock.clock;
    fixture->local.random = random_system();
    if (open_store(fixture) != 0)
        return -1;
    fixture->caller = (struct principal){.kind = PRINCIPAL_USER,
                                         .arn = arn,
                                         .user_id = id,
                                         .administrator = true};
    memcpy(fixture->caller.account, "111111111111", 13);
    fixture->call = (struct local_call){.arena = &fixture->arena,
                                        .local = &fixture->local,
                                        .store = fixture->writer,
                                        .caller = &fixture->caller,
                                        .partition = "aws",
                                        .region = "us-east-1",
                                        .account = "111111111111",
                                        .service = local_services[0],
                                        .operation = local_services[0]->operations,
                                        .out = &fixture->json,
                                        .writing = true};
    return store_begin(fixture->writer);
}

int kms_fixture_teardown(void **state)
{
    struct kms_fixture *fixture = *state;
    if (fixture->call.writing)
        store_rollback(fixture->writer);
    else
        store_end_read(fixture->reader);
    store_session_close(fixture->writer);
    store_session_close(fixture->reader);
    store_close(fixture->local.store);
    keyring_close(fixture->local.keyring);
    folder_remove(&fixture->folder);
    arena_done(&fixture->arena);
    buf_done(&fixture->out);
    free(fixture);
    return 0;
}

void kms_fixture_read(struct kms_fixture *fixture)
{
    assert_int_equal(store_commit(fixture->writer), 0);
    fixture->call.version = ++fixture->local.version;
    fixture->call.store = fixture->reader;
    fixture->call.writing = false;
    assert_int_equal(store_begin_read(fixture->reader), 0);
}

void kms_fixture_write(struct kms_fixture *fixture)
{
    store_end_read(fixture->reader);
    assert_int_equal(store_begin(fixture->writer), 0);
    fixture->call.store = fixture->writer;
    fixture->call.writing = true;
}

json_t *kms_fixture_run(struct kms_fixture *fixture, const struct local_service *service,
                        const char *operation, const char *input)
{
    struct local_call *call = &fixture->call;
    struct error err;
    json_t *parsed = json_read(input, strlen(input), &err), *answer = NULL;
    assert_non_null(parsed);
    call->service = service;
    for (call->operation = service->operations; call->operation->name; call->operation++)
        if (strcmp(call->operation->name, operation) == 0)
            break;
    assert_non_null(call->operation->name);
    call->input = parsed;
    call->failure = (struct local_failure){0};
    buf_reset(&fixture->out);
    json_writer_init(&fixture->json, &fixture->out);
    json_open(&fixture->json);
    if (call->operation->handle(call) == LOCAL_OK) {
        json_close(&fixture->json);
        answer = json_read(buf_text(&fixture->out), fixture->out.len, &err);
        assert_non_null(answer);
    }
    json_decref(parsed);
    call->input = NULL;
    return answer;
}
