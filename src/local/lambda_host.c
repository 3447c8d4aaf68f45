#include "local/lambda_host.h"

#include "aws/arn.h"
#include "aws/region.h"
#include "base/arena.h"
#include "base/log.h"
#include "local/authenticate.h"
#include "local/service_role.h"
#include "local/services/logs.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Lambda's sessions are good for, and how many bytes of lines may wait for the writer: a
 * function that writes faster than that loses some, as it may on AWS. */
#define SESSION_MS (INT64_C(12) * 60 * 60 * 1000)
enum { MOST_WAITING_BYTES = 32 << 20 };

struct lambda_host {
    struct local *local;
    struct writer *writer;
    atomic_size_t waiting_bytes;
    atomic_bool losing;
};

/* --- credentials ------------------------------------------------------------------------------ */

struct session_job {
    struct lambda_host *host;
    struct arena *arena;
    const struct lambda_start *start;
    struct lambda_credentials *out;
    bool refused;
};

/* Calls made with it say for which function: lambda:SourceFunctionArn. */
static char *keys_of(struct arena *arena, const struct lambda_start *start)
{
    json_t *keys = json_pack("{s:s}", "lambda:SourceFunctionArn", start->function_arn);
    char *text = json_dumps(keys, JSON_COMPACT), *copy = arena_strdup(arena, text ? text : "{}");
    free(text);
    json_decref(keys);
    return copy;
}

static void be_session(struct arena *arena, const struct lambda_start *start,
                       const struct iam_role *role, struct principal *who)
{
    *who = (struct principal){.kind = PRINCIPAL_ROLE};
    snprintf(who->account, sizeof who->account, "%s", role->account);
    who->arn = arena_printf(arena, "arn:aws:sts::%s:assumed-role/%s/%s", role->account, role->name,
                            start->name);
    who->user_id = arena_printf(arena, "%s:%s", role->id, start->name);
    who->identity_id = arena_strdup(arena, role->id);
    who->role_arn =
        arena_printf(arena, "arn:aws:iam::%s:%s", role->account, strstr(role->arn, ":role/") + 1);
    who->session_tags =
        role->tags && strcmp(role->tags, "{}") != 0 ? arena_strdup(arena, role->tags) : NULL;
    who->keys = keys_of(arena, start);
}

/* The role of a lax server (--any-credentials): one that there is not may do all. */
static bool make_up(struct arena *arena, const struct lambda_start *start, struct iam_role *out)
{
    struct arn arn;
    if (arn_parse(start->role_arn, strlen(start->role_arn), &arn) != 0 ||
        !strstr(start->role_arn, ":role/"))
        return false;
    *out = (struct iam_role){.arn = start->role_arn,
                             .name = strrchr(start->role_arn, '/') + 1,
                             .id = "AROALAXLAXLAXLAXLAXLA",
                             .account = arena_strndup(arena, arn.account.data, arn.account.len)};
    return true;
}

static bool open_session(void *arg, struct store_session *store)
{
    struct session_job *job = arg;
    struct local *local = job->host->local;
    struct local_call call = {.arena = job->arena, .local = local, .store = store};
    struct iam_role role;
    struct principal who;
    struct issued_credentials issued;
    bool found = iam_role_find(store, job->arena, job->start->role_arn, &role) == LOCAL_OK;
    bool lax = !found && local->any_credentials && make_up(job->arena, job->start, &role);
    job->refused =
        !lax && (!found || !service_role_trusts(job->arena, &role, "lambda.amazonaws.com"));
    if (job->refused)
        return true;
    be_session(job->arena, job->start, &role, &who);
    who.administrator = lax;
    int64_t expires_ms = local->clock->now_ms(local->clock) + SESSION_MS;
    authenticate_issue(&call, &who, expires_ms, &issued);
    *job->out =
        (struct lambda_credentials){issued.access_key, issued.secret, issued.token, expires_ms};
    return !store_failed(store);
}

static int give_credentials(void *arg, struct arena *arena, const struct lambda_start *start,
                            struct lambda_credentials *out, struct error *err)
{
    struct lambda_host *host = arg;
    struct session_job job = {host, arena, start, out, false};
    if (writer_call(host->writer, open_session, &job) != 0)
        return error_set(err, ERR_IO, "the session of %s was not written", start->role_arn);
    return job.refused ? error_set(err, ERR_DENIED, "Lambda may not assume %s", start->role_arn)
                       : 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

struct lines_job {
    struct writer_job job; /* first */
    struct lambda_host *host;
    struct arena arena;
    const char *account, *region, *role_arn, *group, *stream;
    struct logs_line *lines;
    size_t count, bytes;
};

static bool exists(struct store_session *store, const struct lines_job *job, bool *stream)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT EXISTS (SELECT 1 FROM logs_stream s WHERE s.group_id = g.id AND"
                " s.name = $4) FROM logs_group g WHERE account = $1 AND region = $2 AND name = $3",
                "tttt", job->account, job->region, job->group, job->stream);
    bool group = store_next(&rows);
    *stream = group && store_int(&rows, 0);
    store_end(&rows);
    return group;
}

/* With the role's permissions. */
static bool may_write(struct store_session *store, struct arena *arena, const struct lines_job *job)
{
    struct iam_role role;
    bool stream, group = exists(store, job, &stream);
    const char *place =
        arena_printf(arena,
                     "arn:%s:logs:%s:%s:log-group:%s:log-stream:", partition_of(job->region)->name,
                     job->region, job->account, job->group);
    const char *stream_arn = arena_printf(arena, "%s%s", place, job->stream);
    if (iam_role_find(store, arena, job->role_arn, &role) != LOCAL_OK)
        return job->host->local->any_credentials;
    return (group || service_role_allows(store, arena, &role, "logs:CreateLogGroup", place)) &&
           (stream ||
            service_role_allows(store, arena, &role, "logs:CreateLogStream", stream_arn)) &&
           service_role_allows(store, arena, &role, "logs:PutLogEvents", stream_arn);
}

static bool write_lines(struct writer_job *writer_job, struct store_session *store,
                        uint64_t version)
{
    struct lines_job *job = (struct lines_job *)writer_job;
    struct arena scratch;
    (void)version;
    arena_init(&scratch);
    if (may_write(store, &scratch, job))
        logs_append(job->host->local, store, job->account, job->region, job->group, job->stream,
                    job->lines, job->count);
    arena_done(&scratch);
    return !store_failed(store);
}

static void lines_written(struct writer_job *writer_job, enum writer_outcome outcome)
{
    struct lines_job *job = (struct lines_job *)writer_job;
    (void)outcome; /* the writer has logged a failure; the lines are lost */
    atomic_fetch_sub(&job->host->waiting_bytes, job->bytes);
    arena_done(&job->arena);
    free(job);
}

/* Too many wait: these are lost, which is said once. */
static bool loses(struct lambda_host *host, size_t bytes)
{
    if (atomic_fetch_add(&host->waiting_bytes, bytes) <= MOST_WAITING_BYTES) {
        atomic_store(&host->losing, false);
        return false;
    }
    atomic_fetch_sub(&host->waiting_bytes, bytes);
    if (!atomic_exchange(&host->losing, true))
        log_event(LOG_WARN,
                  "log lines of functions come faster than they can be stored: some are "
                  "lost",
                  NULL);
    return true;
}

static void take_lines(void *arg, const struct lambda_log *log)
{
    struct lambda_host *host = arg;
    size_t bytes = 0;
    for (size_t i = 0; i < log->count; i++)
        bytes += log->lines[i].text.len;
    if (loses(host, bytes))
        return;
    struct lines_job *job = memory_alloc(sizeof *job);
    struct arena *arena = &job->arena;
    arena_init(arena);
    job->job = (struct writer_job){.run = write_lines, .done = lines_written};
    job->host = host;
    job->account = arena_strdup(arena, log->account);
    job->region = arena_strdup(arena, log->region);
    job->role_arn = arena_strdup(arena, log->role_arn);
    job->group = arena_strdup(arena, log->group);
    job->stream = arena_strdup(arena, log->stream);
    job->bytes = bytes;
    job->count = log->count;
    job->lines = arena_calloc(arena, log->count, sizeof *job->lines);
    char *text = arena_alloc(arena, bytes + 1);
    for (size_t i = 0; i < log->count; i++) {
        const struct lambda_line *line = &log->lines[i];
        memcpy(text, line->text.data, line->text.len);
        job->lines[i] = (struct logs_line){line->time_ms, {text, line->text.len}};
        text += line->text.len;
    }
    writer_submit(host->writer, &job->job);
}

/* --- the whole -------------------------------------------------------------------------------- */

struct lambda_host *lambda_host_new(struct local *local, struct writer *writer)
{
    struct lambda_host *host = memory_alloc(sizeof *host);
    host->local = local;
    host->writer = writer;
    return host;
}

void lambda_host_free(struct lambda_host *host)
{
    free(host);
}

struct lambda_pool_host lambda_host_functions(struct lambda_host *host)
{
    return (struct lambda_pool_host){host, give_credentials, take_lines};
}
