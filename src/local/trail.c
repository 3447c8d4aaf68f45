#include "local/trail.h"

#include "aws/arn.h"
#include "aws/region.h"
#include "local/event_bus.h"
#include "local/trails.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LARGEST_ELEMENTS = 100 * 1024, /* requestParameters, responseElements: past it left out whole */
    LARGEST_MESSAGE = 1024,
    LARGEST_RECORD = 512 * 1024,
    KEEP_DAYS = 90,
    SWEEP_EVERY = 64, /* records, between two looks at what is too old */
};
static const char hidden_value[] = "HIDDEN_DUE_TO_SECURITY_REASONS";

/* seq grows with each record and is never given again while the record it named is kept. */
const char trail_schema[] =
    "CREATE TABLE IF NOT EXISTS trail_record (seq INTEGER PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, time_ms BIGINT NOT NULL, event_id TEXT NOT NULL, name TEXT NOT NULL,"
    " source TEXT NOT NULL, user_name TEXT, access_key TEXT NOT NULL, read_only BIGINT NOT NULL,"
    " resources TEXT, record TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS trail_record_place ON trail_record (account, region);";

/* --- what is recorded ------------------------------------------------------------------------- */

static const struct local_trail *exception_for(const struct local_call *call)
{
    static const struct local_trail none = {.operation = NULL};
    const struct local_trail *row = call->service->trail;
    for (; row && row->operation; row++)
        if (strcmp(row->operation, call->operation->name) == 0)
            return row;
    return &none;
}

static bool writes(const struct local_call *call)
{
    return call->operation->flags & LOCAL_WRITES;
}

bool trail_wants(const struct local_call *call, const struct local_failure *failure)
{
    if (!call->caller || (!writes(call) && !call->local->trail_reads))
        return false;
    const struct local_trail *row = exception_for(call);
    if (row->flags & TRAIL_DATA)
        return false;
    return !failure || !row->untold || strcmp(row->untold, failure->code) != 0;
}

/* --- the call's input and answer, in CloudTrail's spelling -------------------------------------
 */

/* "KeyId" is "keyId" there: the first letter only. */
static void put_key(struct json_writer *w, struct arena *arena, const char *name)
{
    char *key = arena_strdup(arena, name);
    if (key[0] >= 'A' && key[0] <= 'Z')
        key[0] = (char)(key[0] - 'A' + 'a');
    json_key(w, key);
}

static void write_members(struct json_writer *w, struct arena *arena,
                          const struct local_member *members, const json_t *object);

static void write_input(struct json_writer *w, struct arena *arena,
                        const struct local_member *member, const json_t *value)
{
    if (json_is_null(value)) {
        json_write_null(w);
    } else if (member->flags & LOCAL_SENSITIVE) {
        json_write_text(w, hidden_value);
    } else if (member->type == LOCAL_STRUCTURE && member->members) {
        write_members(w, arena, member->members, value);
    } else if (member->type == LOCAL_LIST && member->element) {
        json_open_list(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            write_input(w, arena, member->element, json_array_get(value, i));
        json_close_list(w);
    } else if (member->type == LOCAL_MAP && member->element) {
        const char *key;
        json_t *item;
        json_open(w);
        json_object_foreach((json_t *)value, key, item)
        {
            json_key(w, key);
            write_input(w, arena, member->element, item);
        }
        json_close(w);
    } else {
        json_write_value(w, value);
    }
}

/* What the caller sent of what the operation knows. Blobs (key material, messages) stay out. */
static void write_members(struct json_writer *w, struct arena *arena,
                          const struct local_member *members, const json_t *object)
{
    json_open(w);
    for (; members->name; members++) {
        const json_t *value = json_object_get(object, members->name);
        if (!value || members->type == LOCAL_BLOB)
            continue;
        put_key(w, arena, members->name);
        write_input(w, arena, members, value);
    }
    json_close(w);
}

/* "Aug 10, 2022, 10:38:27 PM": CloudTrail's times inside of answers. */
static bool write_date(struct json_writer *w, const char *key, const json_t *value)
{
    int64_t time_ms;
    if (!text_ends(key, "Date") && strcmp(key, "Expiration") != 0)
        return false;
    if (json_is_number(value))
        time_ms = (int64_t)(json_number_value(value) * 1000);
    else if (!json_is_string(value) ||
             clock_parse_iso(json_string_value(value), json_string_length(value), &time_ms) != 0)
        return false;
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char month_and_day[32], clock[32], text[72];
    if (!gmtime_r(&seconds, &parts) ||
        !strftime(month_and_day, sizeof month_and_day, "%b", &parts) ||
        !strftime(clock, sizeof clock, "%M:%S %p", &parts))
        return false;
    int hour = parts.tm_hour % 12 ? parts.tm_hour % 12 : 12;
    snprintf(text, sizeof text, "%s %d, %d, %d:%s", month_and_day, parts.tm_mday,
             parts.tm_year + 1900, hour, clock);
    json_write_text(w, text);
    return true;
}

/* Never shown, in whatever answer they are (Variables: of a function's environment). AWS shows
 * SessionToken; here no token is kept. */
static bool is_secret(const char *member)
{
    static const char *const secrets[] = {
        "SecretAccessKey",     "SessionToken",     "GrantToken", "Plaintext", "CiphertextBlob",
        "PrivateKeyPlaintext", "ResponseMetadata", "Variables",  NULL};
    for (const char *const *secret = secrets; *secret; secret++)
        if (strcmp(*secret, member) == 0)
            return true;
    return false;
}

static void write_answer(struct json_writer *w, struct arena *arena, const json_t *value)
{
    if (json_is_array(value)) {
        json_open_list(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            write_answer(w, arena, json_array_get(value, i));
        json_close_list(w);
        return;
    }
    if (!json_is_object(value)) {
        json_write_value(w, value);
        return;
    }
    const char *key;
    json_t *member;
    json_open(w);
    json_object_foreach((json_t *)value, key, member)
    {
        if (is_secret(key))
            continue;
        put_key(w, arena, key);
        if (!write_date(w, key, member))
            write_answer(w, arena, member);
    }
    json_close(w);
}

/* --- the record ------------------------------------------------------------------------------- */

struct entry {
    struct local_call *call;
    const struct local_trail *row;
    const struct local_failure *failure;
    struct text answer;
    bool read_only;
    const char *account;   /* whose copy of the record this is */
    const char *region;    /* where it is kept */
    const char *name;      /* eventName */
    const char *shared_id; /* of both copies of a call across accounts; NULL: one copy */
    bool second;           /* the record of another Region: by the service, for the caller */
    int64_t time_ms;
    char event_id[RANDOM_UUID_SIZE];
};

/* A piece of the record in a buffer of its own, so that it can be left out when it is too long. */
static void put_piece(struct json_writer *w, const char *key, const struct buf *piece)
{
    json_key(w, key);
    if (piece->overflow || piece->len <= 2) /* "{}" */
        json_write_null(w);
    else
        json_write_raw(w, buf_text(piece), piece->len);
}

static bool is_denied(const struct entry *entry)
{
    return entry->failure && text_starts(entry->failure->code, "AccessDenied");
}

static void put_parameters(struct json_writer *w, const struct entry *entry)
{
    struct local_call *call = entry->call;
    struct buf piece;
    struct json_writer inner;
    buf_init(&piece, LARGEST_ELEMENTS);
    json_writer_init(&inner, &piece);
    /* A call that was refused has none here, which readers must be ready for (facts: it may). */
    if (call->operation->input && !is_denied(entry))
        write_members(&inner, call->arena, call->operation->input, call->input);
    put_piece(w, "requestParameters", &piece);
    buf_done(&piece);
}

static void put_answer(struct json_writer *w, const struct entry *entry)
{
    struct buf piece;
    struct json_writer inner;
    buf_init(&piece, LARGEST_ELEMENTS);
    json_writer_init(&inner, &piece);
    unsigned flags = entry->row->flags;
    if (!entry->failure && (!entry->read_only || (flags & TRAIL_ANSWER)) &&
        !(flags & TRAIL_NO_ANSWER) && entry->answer.len > 2) {
        json_t *answer = json_read(entry->answer.data, entry->answer.len, NULL);
        if (answer)
            write_answer(&inner, entry->call->arena, answer);
        json_decref(answer);
    }
    put_piece(w, "responseElements", &piece);
    buf_done(&piece);
}

static void put_failure(struct json_writer *w, const struct entry *entry)
{
    if (!entry->failure)
        return;
    /* Without the suffix in records of the services that are known. */
    json_put_text(w, "errorCode", is_denied(entry) ? "AccessDenied" : entry->failure->code);
    const char *message = entry->failure->message;
    if (message) {
        size_t len = strlen(message);
        json_key(w, "errorMessage");
        json_write_text_n(w, message, len < LARGEST_MESSAGE ? len : LARGEST_MESSAGE);
    }
}

static const char *type_of_arn(const struct local_service *service, const struct arn *arn)
{
    bool alias = arn->resource.len > 6 && memcmp(arn->resource.data, "alias/", 6) == 0;
    return alias && service->trail_alias_type ? service->trail_alias_type : service->trail_arn_type;
}

static void put_resources(struct json_writer *w, const struct entry *entry)
{
    const char *const *arns = entry->call->resources;
    if (!entry->call->service->trail_arn_type || !arns || !arns[0] || !arn_is(arns[0]))
        return;
    json_key(w, "resources");
    json_open_list(w);
    for (; *arns; arns++) {
        struct arn arn;
        if (arn_parse(*arns, strlen(*arns), &arn) != 0)
            continue;
        json_open(w);
        json_key(w, "accountId");
        json_write_text_n(w, arn.account.data, arn.account.len);
        json_put_text(w, "type", type_of_arn(entry->call->service, &arn));
        json_put_text(w, "ARN", *arns);
        json_close(w);
    }
    json_close_list(w);
}

/* Who called, for the account that owns what was called; or the service, for the caller. */
static void put_identity(struct json_writer *w, const struct entry *entry)
{
    const struct principal *who = entry->call->caller;
    json_key(w, "userIdentity");
    if (entry->second) {
        json_open(w);
        json_put_text(w, "accountId", who->account);
        json_put_text(w, "invokedBy",
                      arena_printf(entry->call->arena, "%s.amazonaws.com",
                                   entry->call->service->name));
        json_close(w);
    } else if (strcmp(entry->account, who->account) != 0 && who->account[0]) {
        json_open(w);
        json_put_text(w, "type", "AWSAccount");
        json_put_text(w, "principalId", who->user_id);
        json_put_text(w, "accountId", who->account);
        json_close(w);
    } else {
        trail_write_identity(w, entry->call);
    }
}

static void write_record(struct json_writer *w, const struct entry *entry)
{
    struct local_call *call = entry->call;
    const char *service =
        arena_printf(call->arena, "%s.amazonaws.com", call->service->name); /* eventSource */
    char time[CLOCK_TEXT_SIZE];
    clock_format_iso(entry->time_ms, time);
    json_open(w);
    json_put_text(w, "eventVersion", "1.11");
    put_identity(w, entry);
    json_put_text(w, "eventTime", time);
    json_put_text(w, "eventSource", service);
    json_put_text(w, "eventName", entry->name);
    json_put_text(w, "awsRegion", entry->region);
    json_put_text(w, "sourceIPAddress", entry->second ? service : call->source_ip);
    json_key(w, "userAgent");
    if (entry->second)
        json_write_text(w, service);
    else
        json_write_text_n(w, call->user_agent.data ? call->user_agent.data : "",
                          call->user_agent.len);
    put_failure(w, entry);
    put_parameters(w, entry);
    put_answer(w, entry);
    json_put_text(w, "requestID", call->request_id);
    json_put_text(w, "eventID", entry->event_id);
    json_put_bool(w, "readOnly", entry->read_only);
    put_resources(w, entry);
    json_put_text(w, "eventType", "AwsApiCall");
    json_put_bool(w, "managementEvent", true);
    json_put_text(w, "recipientAccountId", entry->account);
    if (entry->shared_id)
        json_put_text(w, "sharedEventID", entry->shared_id);
    json_put_text(w, "eventCategory", "Management");
    json_close(w);
}

/* --- keeping it ------------------------------------------------------------------------------- */

/* [{"ResourceType", "ResourceName"}] as LookupEvents answers it; NULL when there is none. */
static const char *resources_of(struct local_call *call)
{
    const struct local_trail_resource *row = call->service->trail_resources;
    json_t *list = json_array();
    for (; row && row->member; row++) {
        const char *name = local_text(call, row->member);
        if (name)
            json_array_append_new(list, json_pack("{s:s, s:s}", "ResourceType", row->type,
                                                  "ResourceName", name));
    }
    const char *const *arns = call->service->trail_arn_type ? call->resources : NULL;
    for (; arns && *arns; arns++) {
        struct arn arn;
        if (arn_parse(*arns, strlen(*arns), &arn) == 0)
            json_array_append_new(list, json_pack("{s:s, s:s}", "ResourceType",
                                                  type_of_arn(call->service, &arn), "ResourceName",
                                                  *arns));
    }
    char *text = json_array_size(list) ? json_dumps(list, JSON_COMPACT) : NULL;
    const char *kept = text ? arena_strdup(call->arena, text) : NULL;
    free(text);
    json_decref(list);
    return kept;
}

static void sweep(struct local_call *call, int64_t seq)
{
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    store_run(call->store, "DELETE FROM trail_record WHERE seq <= $1", "i",
              seq - call->local->trail_keep);
    store_run(call->store,
              "DELETE FROM trail_record WHERE time_ms < $1 AND seq IN"
              " (SELECT seq FROM trail_record ORDER BY seq LIMIT 256)",
              "i", now_ms - (int64_t)KEEP_DAYS * 24 * 3600 * 1000);
}

static void emit(const struct entry *entry, const struct buf *record)
{
    struct local_call *call = entry->call;
    const struct trails_question question = {
        .account = entry->account,
        .region = entry->region,
        .source = arena_printf(call->arena, "%s.amazonaws.com", call->service->name),
        .read_only = entry->read_only,
        .global = call->service->global,
    };
    if (!trails_log(call->store, &question))
        return;
    const struct event event = {
        .account = entry->account,
        .region = entry->region,
        .source = arena_printf(call->arena, "aws.%s", call->service->name),
        .detail_type = "AWS API Call via CloudTrail",
        .time_ms = entry->time_ms,
        .detail = {record->data, record->len},
        .read_only = entry->read_only,
    };
    char id[RANDOM_UUID_SIZE];
    event_emit(call->local, call->store, &event, id);
}

static void keep(struct entry *entry, const char *resources)
{
    struct local_call *call = entry->call;
    struct buf record;
    struct json_writer w;
    random_uuid(call->local->random, entry->event_id);
    buf_init(&record, LARGEST_RECORD);
    json_writer_init(&w, &record);
    write_record(&w, entry);
    if (!record.overflow) {
        store_run(call->store,
                  "INSERT INTO trail_record (account, region, time_ms, event_id, name, source,"
                  " user_name, access_key, read_only, resources, record)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                  "ttitttttitT", entry->account, entry->region, entry->time_ms, entry->event_id,
                  entry->name, arena_printf(call->arena, "%s.amazonaws.com", call->service->name),
                  trail_user_name(call), call->caller->access_key, (int64_t)entry->read_only,
                  resources, record.data, record.len);
        int64_t seq = store_last_id(call->store);
        if (seq % SWEEP_EVERY == 0)
            sweep(call, seq);
        emit(entry, &record);
    }
    buf_done(&record);
}

/* The account that owns what was asked about, when it is another than the caller's; "": none. */
static void owner_of(const struct local_call *call, char owner[13])
{
    const char *const *arns = call->resources;
    struct arn arn;
    const char *role = call->account[0] ? NULL : local_text(call, "RoleArn");
    const char *const asked[] = {role, NULL}; /* an unsigned caller is of no account */
    owner[0] = '\0';
    if (role)
        arns = asked;
    for (; arns && *arns; arns++)
        if (arn_parse(*arns, strlen(*arns), &arn) == 0 && arn.account.len == 12 &&
            !text_is(arn.account, call->account)) {
            memcpy(owner, arn.account.data, 12);
            owner[12] = '\0';
            return;
        }
}

void trail_record(struct local_call *call, struct text answer, const struct local_failure *failure)
{
    const struct local_trail *row = exception_for(call);
    char owner[13], shared[RANDOM_UUID_SIZE];
    struct entry entry = {
        .call = call,
        .row = row,
        .failure = failure,
        .answer = answer,
        .read_only = !writes(call) || (row->flags & TRAIL_READ),
        .account = call->account,
        .region =
            call->service->global ? partition_named(call->partition)->iam_region : call->region,
        .name = row->event ? row->event : call->operation->name,
        .time_ms = call->local->clock->now_ms(call->local->clock),
    };
    const char *resources = resources_of(call);
    /* A refusal is told to the caller only (facts: so KMS does). */
    owner_of(call, owner);
    if (owner[0] && !failure) {
        random_uuid(call->local->random, shared);
        entry.shared_id = shared;
    }
    if (entry.account[0])
        keep(&entry, resources);
    if (entry.shared_id) {
        entry.account = owner;
        keep(&entry, resources);
        entry.account = call->account;
        entry.shared_id = NULL;
    }
    const char *there = row->region && !failure ? local_text(call, row->region) : NULL;
    if (there && strcmp(there, entry.region) != 0) {
        entry.region = there;
        entry.second = true;
        if (row->there_as)
            entry.name = row->there_as;
        keep(&entry, resources);
    }
}
