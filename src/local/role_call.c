#include "local/role_call.h"

#include "aws/arn.h"
#include "aws/region.h"
#include "base/buf.h"
#include "local/authorize.h"
#include "local/faults.h"
#include "local/service_role.h"
#include "local/services/iam.h"

#include <string.h>

enum { LARGEST_ANSWER = 16 * 1024 * 1024 };

/* --- sessions --------------------------------------------------------------------------------- */

/* "arn:aws:iam::ACCOUNT:role/path/NAME" */
static const char *name_in(const char *role_arn)
{
    const char *slash = strrchr(role_arn, '/');
    return slash ? slash + 1 : role_arn;
}

static int fill(struct role_session *out, struct arena *arena, const char *account,
                const char *role_name, const char *role_id, const char *name)
{
    struct principal *who = &out->who;
    *out = (struct role_session){.who = {.kind = PRINCIPAL_ROLE, .temporary = true}};
    if (strlen(account) + 1 > sizeof who->account)
        return -1;
    memcpy(who->account, account, strlen(account) + 1);
    who->arn = arena_printf(arena, "arn:aws:sts::%s:assumed-role/%s/%s", account, role_name, name);
    who->user_id = arena_printf(arena, "%s:%s", role_id, name);
    return 0;
}

int role_session_open(struct local *local, struct store_session *store, struct arena *arena,
                      const char *role_arn, const char *service, const char *name,
                      struct role_session *out)
{
    struct iam_role role;
    struct arn arn;
    *out = (struct role_session){0};
    if (iam_role_find(store, arena, role_arn, &role) == LOCAL_OK) {
        if (!service_role_trusts(arena, &role, service) ||
            fill(out, arena, role.account, role.name, role.id, name) != 0)
            return -1;
        out->who.identity_id = arena_strdup(arena, role.id);
        out->who.role_arn = arena_strdup(arena, role.arn);
        out->who.issued_ms = local->clock->now_ms(local->clock);
        out->who.grants = grants_load(store, arena, &out->who);
        return 0;
    }
    /* A lax server's roles need not exist, and may do all in their account, as with STS. */
    if (!local->any_credentials || arn_parse(role_arn, strlen(role_arn), &arn) != 0 ||
        fill(out, arena, arena_strndup(arena, arn.account.data, arn.account.len), name_in(role_arn),
             "AROALOCALROLE", name) != 0)
        return -1;
    out->who.role_arn = arena_strdup(arena, role_arn);
    out->who.administrator = true;
    return 0;
}

void role_session_done(struct role_session *session)
{
    grants_done(session->who.grants);
    *session = (struct role_session){0};
}

/* --- calls ------------------------------------------------------------------------------------ */

static const struct local_service *service_named(const char *name)
{
    for (const struct local_service *const *at = local_services; *at; at++)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

static const struct local_operation *operation_named(const struct local_service *service,
                                                     const char *name)
{
    const struct local_operation *at = service ? service->operations : NULL;
    while (at && at->name && strcmp(at->name, name) != 0)
        at++;
    return at && at->name ? at : NULL;
}

static struct local_call begin(const struct role_call *call, const struct local_service *service,
                               const struct local_operation *operation, const json_t *input,
                               struct json_writer *out)
{
    static const char host[] = "localhost";
    char *id = arena_alloc(call->arena, RANDOM_UUID_SIZE);
    random_uuid(call->local->random, id);
    return (struct local_call){
        .arena = call->arena,
        .local = call->local,
        .store = call->store,
        .caller = &call->session->who,
        .partition = partition_of(call->region)->name,
        .region = call->region,
        .account = call->session->who.account,
        .service = service,
        .operation = operation,
        .request_id = id,
        .host = {host, sizeof host - 1},
        .input = input,
        .out = out,
        .writing = call->writing,
        .version = atomic_load(&call->local->version),
    };
}

/* A rehearsed fault befalls these calls as it does a client's. */
static bool is_befallen(struct role_call *call, const char *service, const char *operation)
{
    const struct fault_call asked = {service, operation, call->region, call->session->who.account};
    const struct fault *fault =
        call->faults ? faults_next(call->faults, call->arena, &asked) : NULL;
    if (!fault || fault->effect == FAULT_NONE)
        return false;
    call->failure = (struct local_failure){fault->status ? fault->status : 503,
                                           fault->code ? fault->code : "ServiceUnavailable",
                                           fault->message, NULL};
    return true;
}

static enum local_result handle(struct role_call *call, struct local_call *inner)
{
    enum local_result result = authorize_operation(inner);
    if (result == LOCAL_OK)
        result = inner->operation->handle(inner);
    call->failure = inner->failure;
    call->wait = inner->wait;
    return result;
}

enum local_result role_call(struct role_call *call, const char *service, const char *operation,
                            const json_t *input)
{
    const struct local_service *found = service_named(service);
    const struct local_operation *row = operation_named(found, operation);
    struct json_writer writer;
    struct buf out;
    call->answer = NULL;
    if (!row) {
        call->failure = (struct local_failure){400, "UnknownOperationException", NULL, NULL};
        return LOCAL_FAILED;
    }
    if (is_befallen(call, service, operation))
        return LOCAL_FAILED;
    if (call->writing && store_savepoint(call->store) != 0) {
        call->broken = true;
        return LOCAL_FAILED;
    }
    buf_init(&out, LARGEST_ANSWER);
    json_writer_init(&writer, &out);
    json_open(&writer);
    struct local_call inner = begin(call, found, row, input, &writer);
    enum local_result result = handle(call, &inner);
    call->broken |= store_failed(call->store);
    if (call->writing && result == LOCAL_OK && !call->broken)
        store_savepoint_release(call->store);
    else if (call->writing) /* also of a store that failed: the writer's own lies beneath it */
        store_savepoint_rollback(call->store);
    if (result == LOCAL_OK && !call->broken) {
        json_close(&writer);
        call->answer = json_read(buf_text(&out), out.len, NULL);
    }
    buf_done(&out);
    return call->broken ? LOCAL_FAILED : result;
}

enum local_result role_call_may(struct role_call *call, const char *service, const char *operation,
                                const json_t *input, const char *resource)
{
    const struct local_service *found = service_named(service);
    const struct local_operation *row = operation_named(found, operation);
    if (!row)
        return LOCAL_FAILED;
    struct local_call inner = begin(call, found, row, input, NULL);
    enum local_result result = found->authorize
                                   ? found->authorize(&inner, row->action, resource)
                                   : local_authorize(&inner, row->action, resource, NULL);
    call->failure = inner.failure;
    return result;
}
