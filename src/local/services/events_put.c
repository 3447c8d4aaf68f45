#include "local/services/events_parts.h"

#include "aws/arn.h"
#include "aws/event_pattern.h"
#include "local/event_access.h"
#include "local/event_bus.h"

#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES_BYTES_MAX = 256 * 1024, /* the model's; the guide of 2026 says 1 MB: strict */
    TIME_BYTES = 14,
};

/* --- PutEvents -------------------------------------------------------------------------------- */

struct entry {
    struct local_call *call;
    const json_t *given;
    const char *source, *detail_type, *detail;
    const char *account, *bus; /* of the bus */
    const char *code, *message;
};

static size_t size_of(const json_t *given)
{
    size_t size = json_object_get(given, "Time") ? TIME_BYTES : 0;
    const json_t *resources = json_object_get(given, "Resources");
    size += json_string_length(json_object_get(given, "Source"));
    size += json_string_length(json_object_get(given, "DetailType"));
    size += json_string_length(json_object_get(given, "Detail"));
    for (size_t i = 0; i < json_array_size(resources); i++)
        size += json_string_length(json_array_get(resources, i));
    return size;
}

static void refuse(struct entry *entry, const char *code, const char *message)
{
    entry->code = code;
    entry->message = message;
}

static const char *needed(struct entry *entry, const char *member)
{
    const char *text = json_text(entry->given, member);
    if ((!text || !text[0]) && !entry->code)
        refuse(entry, "InvalidArgument",
               arena_printf(entry->call->arena,
                            "Parameter %s is not valid. Reason: %s is a required argument.", member,
                            member));
    return text ? text : "";
}

/* The bus named, and whether its policy lets another account in. */
static void find_bus(struct entry *entry)
{
    struct local_call *call = entry->call;
    const char *text = json_text(entry->given, "EventBusName");
    struct arn arn;
    entry->account = call->account;
    entry->bus = text ? text : "default";
    if (!text || !arn_is(text))
        return;
    if (arn_parse(text, strlen(text), &arn) != 0 || !text_is(arn.region, call->region)) {
        refuse(entry, "InvalidArgument", "Parameter EventBusName is not valid.");
        return;
    }
    entry->account = arena_strndup(call->arena, arn.account.data, arn.account.len);
    entry->bus = arena_strndup(call->arena, arn.resource.data + strlen("event-bus/"),
                               arn.resource.len - strlen("event-bus/"));
    if (strcmp(entry->account, call->account) == 0)
        return;
    const char *const sources[] = {entry->source, NULL}, *const types[] = {entry->detail_type,
                                                                           NULL};
    const struct policy_value context[] = {{"events:source", sources},
                                           {"events:detail-type", types}};
    const struct local_question question = {.action = "events:PutEvents",
                                            .resource = text,
                                            .context = context,
                                            .context_count = 2};
    struct policy_question asked;
    local_policy_question(call, &question, &asked);
    if (!event_bus_allows(call->store, call->arena, entry->account, call->region, entry->bus,
                          &asked))
        refuse(entry, "AccessDeniedException",
               arena_printf(call->arena,
                            "User: %s is not authorized to perform: events:PutEvents on resource: "
                            "%s because no resource-based policy allows the events:PutEvents "
                            "action",
                            call->caller->arn, text));
}

/* The detail as one spelling of it, or NULL: it is no object. Of a key given twice the last counts.
 */
static char *detail_of(const struct entry *entry)
{
    json_t *value = json_loads(entry->detail, 0, NULL);
    char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return text;
}

static void read_entry(struct entry *entry)
{
    entry->source = needed(entry, "Source");
    entry->detail_type = needed(entry, "DetailType");
    entry->detail = needed(entry, "Detail");
    if (entry->code)
        return;
    if (text_starts(entry->source, "aws."))
        refuse(entry, "NotAuthorizedForSourceException", "Not authorized for the source.");
    else
        find_bus(entry);
}

static void put_entry(struct entry *entry, int64_t *failed)
{
    struct local_call *call = entry->call;
    char id[RANDOM_UUID_SIZE], *detail = NULL;
    read_entry(entry);
    if (!entry->code && !(detail = detail_of(entry)))
        refuse(entry, "MalformedDetail", "Detail is malformed.");
    json_open(call->out);
    if (entry->code) {
        (*failed)++;
        json_put_text(call->out, "ErrorCode", entry->code);
        json_put_text(call->out, "ErrorMessage", entry->message);
    } else {
        const json_t *time = json_object_get(entry->given, "Time");
        const struct event event = {
            .account = entry->account,
            .region = call->region,
            .bus = entry->bus,
            .from_account = call->account,
            .source = entry->source,
            .detail_type = entry->detail_type,
            .time_ms = json_is_number(time) ? (int64_t)(json_number_value(time) * 1000)
                                            : call->local->clock->now_ms(call->local->clock),
            .resource_list = json_object_get(entry->given, "Resources"),
            .detail = text_of(detail),
        };
        event_emit(call->local, call->store, &event, id);
        json_put_text(call->out, "EventId", id);
    }
    json_close(call->out);
    free(detail);
}

/* An event for a bus that is not there is taken and dropped, as AWS does. */
enum local_result events_put_events(struct local_call *call)
{
    const json_t *entries = local_value(call, "Entries");
    size_t size = 0;
    int64_t failed = 0;
    for (size_t i = 0; i < json_array_size(entries); i++)
        size += size_of(json_array_get(entries, i));
    if (size > ENTRIES_BYTES_MAX)
        return local_fail(call, "ValidationException",
                          "Total size of the entries in the request is over the limit.");
    json_key(call->out, "Entries");
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        struct entry entry = {.call = call, .given = json_array_get(entries, i)};
        put_entry(&entry, &failed);
    }
    json_close_list(call->out);
    json_put_int(call->out, "FailedEntryCount", failed);
    return LOCAL_OK;
}

/* --- TestEventPattern ------------------------------------------------------------------------- */

enum local_result events_test_pattern(struct local_call *call)
{
    static const char *const members[] = {"id",     "account",     "source", "time",
                                          "region", "detail-type", NULL};
    const char *text = local_text(call, "EventPattern"), *why = NULL;
    const struct event_pattern *pattern =
        event_pattern_parse(call->arena, text, strlen(text), &why);
    if (!pattern)
        return local_fail(call, "InvalidEventPatternException", "%s", why);
    json_t *event = json_loads(local_text(call, "Event"), 0, NULL);
    bool good = json_is_object(event);
    for (const char *const *member = members; good && *member; member++)
        good = json_text(event, *member) != NULL;
    if (good)
        json_put_bool(call->out, "Result",
                      event_pattern_matches(pattern, event_fields_of(call->arena, event)));
    json_decref(event);
    return good ? LOCAL_OK
                : local_fail(call, "ValidationException", "Parameter Event is not valid.");
}
