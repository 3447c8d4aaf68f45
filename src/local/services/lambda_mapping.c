#include "local/services/lambda_mapping.h"

#include "base/json.h"
#include "local/lambda_function.h"
#include "local/lambda_mapping.h"
#include "local/services/lambda_mapping_check.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MOST = 100, DEFAULT_BATCH = 10 };

const char lambda_mapping_schema[] =
    "CREATE TABLE IF NOT EXISTS lambda_mapping (uuid TEXT PRIMARY KEY, account TEXT NOT NULL,"
    " region TEXT NOT NULL, source_arn TEXT NOT NULL, function_arn TEXT NOT NULL,"
    " enabled BIGINT NOT NULL, modified_ms BIGINT NOT NULL, batch_size BIGINT NOT NULL,"
    " window_s BIGINT NOT NULL, concurrency BIGINT NOT NULL, reports BIGINT NOT NULL,"
    " filters TEXT) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS lambda_mapping_owner ON lambda_mapping (account, region, uuid);";

/* --- reading ---------------------------------------------------------------------------------- */

#define COLUMNS                                                                                    \
    "uuid, account, region, source_arn, function_arn, enabled, modified_ms, batch_size,"           \
    " window_s, concurrency, reports, filters"

static const char *column(struct arena *arena, const struct store_rows *rows, int number)
{
    struct text text = store_text(rows, number);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

static void read_row(struct arena *arena, const struct store_rows *rows, struct lambda_mapping *out)
{
    *out = (struct lambda_mapping){.uuid = column(arena, rows, 0),
                                   .account = column(arena, rows, 1),
                                   .region = column(arena, rows, 2),
                                   .source_arn = column(arena, rows, 3),
                                   .function_arn = column(arena, rows, 4),
                                   .enabled = store_int(rows, 5) != 0,
                                   .modified_ms = store_int(rows, 6),
                                   .batch_size = store_int(rows, 7),
                                   .window_s = store_int(rows, 8),
                                   .concurrency = store_int(rows, 9),
                                   .reports_failures = store_int(rows, 10) != 0,
                                   .filters = column(arena, rows, 11)};
}

void lambda_mapping_each(struct store_session *store, struct arena *arena, const char *account,
                         const char *region, const char *after,
                         bool (*each)(void *arg, const struct lambda_mapping *mapping), void *arg)
{
    static const char all[] = "SELECT " COLUMNS " FROM lambda_mapping ORDER BY uuid";
    static const char owned[] = "SELECT " COLUMNS " FROM lambda_mapping WHERE account = $1"
                                " AND region = $2 AND uuid > $3 ORDER BY uuid";
    struct store_rows rows;
    struct lambda_mapping mapping;
    if (account)
        store_query(store, &rows, owned, "ttt", account, region, after);
    else
        store_query(store, &rows, all, "");
    bool go_on = true;
    while (go_on && store_next(&rows)) {
        read_row(arena, &rows, &mapping);
        go_on = each(arg, &mapping);
    }
    store_end(&rows);
}

bool lambda_mapping_is_fifo(const char *source_arn)
{
    return text_ends(source_arn, ".fifo");
}

static enum local_result find(struct local_call *call, struct lambda_mapping *out)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT " COLUMNS " FROM lambda_mapping WHERE uuid = $1 AND account = $2"
                " AND region = $3",
                "ttt", local_text(call, "UUID"), call->account, call->region);
    bool found = store_next(&rows);
    if (found)
        read_row(call->arena, &rows, out);
    store_end(&rows);
    if (found)
        return LOCAL_OK;
    return local_fail(call, "ResourceNotFoundException",
                      "The resource you requested does not exist.");
}

static char *mapping_arn(struct local_call *call, const char *uuid)
{
    return local_arn(call, "lambda", arena_printf(call->arena, "event-source-mapping:%s", uuid));
}

const char *const *lambda_mapping_resources(struct local_call *call)
{
    const char **list = arena_calloc(call->arena, 2, sizeof *list);
    list[0] = mapping_arn(call, local_text(call, "UUID"));
    return list;
}

/* What IAM's condition sees is the function that the request names, else the mapping's (K). */
const char *lambda_mapping_function(struct local_call *call)
{
    const char *input = local_text(call, "FunctionName");
    struct lambda_mapping mapping;
    struct lambda_name name;
    bool creates = call->operation->handle == lambda_create_mapping;
    if (!creates && call->operation->input != lambda_mapping_members &&
        call->operation->input != lambda_update_mapping_members)
        return NULL;
    if (!input && (creates || find(call, &mapping) != LOCAL_OK))
        return NULL;
    if (lambda_name_parse(call->arena, call->account, call->region,
                          input ? input : mapping.function_arn, NULL, &name) != 0)
        return NULL;
    name.qualifier = NULL;
    return local_shown(call, lambda_name_arn(call->arena, &name));
}

/* --- answering -------------------------------------------------------------------------------- */

static void put_filters(struct json_writer *out, const char *filters)
{
    json_t *list = filters ? json_read(filters, strlen(filters), NULL) : NULL;
    if (!list)
        return;
    json_key(out, "FilterCriteria");
    json_open(out);
    json_key(out, "Filters");
    json_open_list(out);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_open(out);
        json_put_text(out, "Pattern", json_string_value(json_array_get(list, i)));
        json_close(out);
    }
    json_close_list(out);
    json_close(out);
    json_decref(list);
}

static void put_mapping(struct local_call *call, const struct lambda_mapping *mapping,
                        const char *state)
{
    struct json_writer *out = call->out;
    json_put_text(out, "UUID", mapping->uuid);
    json_put_int(out, "BatchSize", mapping->batch_size);
    json_put_int(out, "MaximumBatchingWindowInSeconds", mapping->window_s);
    json_put_text(out, "EventSourceArn", local_shown(call, mapping->source_arn));
    put_filters(out, mapping->filters);
    json_put_text(out, "FunctionArn", local_shown(call, mapping->function_arn));
    local_put_time(call, "LastModified", mapping->modified_ms);
    json_put_text(out, "State", state);
    json_put_text(out, "StateTransitionReason", "USER_INITIATED");
    if (mapping->reports_failures) {
        json_key(out, "FunctionResponseTypes");
        json_open_list(out);
        json_write_text(out, "ReportBatchItemFailures");
        json_close_list(out);
    }
    if (mapping->concurrency) {
        json_key(out, "ScalingConfig");
        json_open(out);
        json_put_int(out, "MaximumConcurrency", mapping->concurrency);
        json_close(out);
    }
    json_put_text(out, "EventSourceMappingArn", mapping_arn(call, mapping->uuid));
}

static const char *state_of(const struct lambda_mapping *mapping)
{
    return mapping->enabled ? "Enabled" : "Disabled";
}

/* --- writing ---------------------------------------------------------------------------------- */

static void save(struct local_call *call, const struct lambda_mapping *mapping)
{
    store_run(call->store,
              "INSERT INTO lambda_mapping (" COLUMNS
              ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
              " ON CONFLICT (uuid) DO UPDATE SET function_arn = excluded.function_arn,"
              " enabled = excluded.enabled, modified_ms = excluded.modified_ms,"
              " batch_size = excluded.batch_size, window_s = excluded.window_s,"
              " concurrency = excluded.concurrency, reports = excluded.reports,"
              " filters = excluded.filters",
              "tttttiiiiiit", mapping->uuid, mapping->account, mapping->region, mapping->source_arn,
              mapping->function_arn, (int64_t)mapping->enabled, mapping->modified_ms,
              mapping->batch_size, mapping->window_s, mapping->concurrency,
              (int64_t)mapping->reports_failures, mapping->filters);
}

/* Another mapping of the same queue to the same function; NULL: none. */
static const char *twin(struct local_call *call, const struct lambda_mapping *mapping)
{
    struct store_rows rows;
    const char *uuid = NULL;
    store_query(call->store, &rows,
                "SELECT uuid FROM lambda_mapping WHERE account = $1 AND region = $2"
                " AND source_arn = $3 AND function_arn = $4 AND uuid <> $5",
                "ttttt", mapping->account, mapping->region, mapping->source_arn,
                mapping->function_arn, mapping->uuid);
    if (store_next(&rows))
        uuid = column(call->arena, &rows, 0);
    store_end(&rows);
    return uuid;
}

static enum local_result refuse_twin(struct local_call *call, const struct lambda_mapping *mapping,
                                     const struct lambda_function *function)
{
    const char *uuid = twin(call, mapping);
    if (!uuid)
        return LOCAL_OK;
    return local_fail(call, "ResourceConflictException",
                      "An event source mapping with SQS arn (\" %s \") and function (\" %s \") "
                      "already exists. Please update or delete the existing mapping with UUID %s",
                      local_shown(call, mapping->source_arn), function->name, uuid);
}

/* The members that both Create and Update take; those that are absent stay as they are. */
static void apply(struct local_call *call, struct lambda_mapping *mapping)
{
    const json_t *scaling = local_value(call, "ScalingConfig");
    const json_t *types = local_value(call, "FunctionResponseTypes");
    const json_t *criteria = local_value(call, "FilterCriteria");
    mapping->enabled = local_bool(call, "Enabled", mapping->enabled);
    mapping->batch_size = local_int(call, "BatchSize", mapping->batch_size);
    mapping->window_s = local_int(call, "MaximumBatchingWindowInSeconds", mapping->window_s);
    if (scaling)
        mapping->concurrency = json_int_or(scaling, "MaximumConcurrency", 0);
    if (types)
        mapping->reports_failures = json_array_size(types) > 0;
    if (criteria)
        mapping->filters = lambda_mapping_filters(call, criteria);
    mapping->modified_ms = call->local->clock->now_ms(call->local->clock);
}

static enum local_result find_function(struct local_call *call, const char *name,
                                       struct lambda_function *out)
{
    if (lambda_function_find(call->local, call->store, call->arena, call->account, call->region,
                             name, NULL, out) == 0 &&
        strcmp(out->account, call->account) == 0 && strcmp(out->region, call->region) == 0)
        return LOCAL_OK;
    lambda_function_done(out);
    return local_fail(call, "InvalidParameterValueException", "Function does not exist");
}

static enum local_result conclude(struct local_call *call, struct lambda_mapping *mapping,
                                  const struct lambda_function *function, const char *state)
{
    if (lambda_mapping_check(call, mapping, function) != LOCAL_OK ||
        refuse_twin(call, mapping, function) != LOCAL_OK)
        return LOCAL_FAILED;
    save(call, mapping);
    put_mapping(call, mapping, state);
    return LOCAL_OK;
}

enum local_result lambda_create_mapping(struct local_call *call)
{
    struct lambda_function function = {0};
    const char *source = local_text(call, "EventSourceArn");
    char *uuid = arena_alloc(call->arena, RANDOM_UUID_SIZE);
    if (lambda_mapping_check_source(call, source) != LOCAL_OK ||
        find_function(call, local_text(call, "FunctionName"), &function) != LOCAL_OK)
        return LOCAL_FAILED;
    random_uuid(call->local->random, uuid);
    struct lambda_mapping mapping = {.uuid = uuid,
                                     .account = call->account,
                                     .region = call->region,
                                     .source_arn = lambda_mapping_kept_arn(call, source),
                                     .function_arn = function.arn,
                                     .enabled = true,
                                     .batch_size = DEFAULT_BATCH};
    apply(call, &mapping);
    enum local_result result = conclude(call, &mapping, &function, "Creating");
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_get_mapping(struct local_call *call)
{
    struct lambda_mapping mapping;
    if (find(call, &mapping) != LOCAL_OK)
        return LOCAL_FAILED;
    put_mapping(call, &mapping, state_of(&mapping));
    return LOCAL_OK;
}

enum local_result lambda_update_mapping(struct local_call *call)
{
    struct lambda_mapping mapping;
    struct lambda_function function = {0};
    if (find(call, &mapping) != LOCAL_OK || lambda_mapping_check_members(call) != LOCAL_OK)
        return LOCAL_FAILED;
    const char *name = local_text(call, "FunctionName");
    if (find_function(call, name ? name : mapping.function_arn, &function) != LOCAL_OK)
        return LOCAL_FAILED;
    bool was_enabled = mapping.enabled;
    mapping.function_arn = function.arn;
    apply(call, &mapping);
    enum local_result result = conclude(call, &mapping, &function,
                                        mapping.enabled == was_enabled ? "Updating"
                                        : mapping.enabled              ? "Enabling"
                                                                       : "Disabling");
    lambda_function_done(&function);
    return result;
}

enum local_result lambda_delete_mapping(struct local_call *call)
{
    struct lambda_mapping mapping;
    if (find(call, &mapping) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store, "DELETE FROM lambda_mapping WHERE uuid = $1", "t", mapping.uuid);
    put_mapping(call, &mapping, "Deleting");
    return LOCAL_OK;
}

/* --- ListEventSourceMappings ------------------------------------------------------------------ */

struct listing {
    struct local_call *call;
    const char *source, *function_arn; /* NULL: any */
    int64_t left;
    const char *last; /* written */
    bool more;
};

static bool list_one(void *arg, const struct lambda_mapping *mapping)
{
    struct listing *listing = arg;
    if ((listing->source && strcmp(listing->source, mapping->source_arn) != 0) ||
        (listing->function_arn && strcmp(listing->function_arn, mapping->function_arn) != 0))
        return true;
    if (listing->left-- == 0) {
        listing->more = true;
        return false;
    }
    json_open(listing->call->out);
    put_mapping(listing->call, mapping, state_of(mapping));
    json_close(listing->call->out);
    listing->last = mapping->uuid;
    return true;
}

enum local_result lambda_list_mappings(struct local_call *call)
{
    struct lambda_function function = {0};
    const char *name = local_text(call, "FunctionName"), *marker = local_text(call, "Marker");
    const char *source = local_text(call, "EventSourceArn");
    int64_t most = local_int(call, "MaxItems", PAGE_MOST);
    char *position = NULL;
    if (marker && *marker && local_token_decode(call, marker, &position) != 0)
        return local_fail(call, "InvalidParameterValueException", "Invalid Marker."); /* (K) */
    if (name && find_function(call, name, &function) != LOCAL_OK)
        return local_fail(call, "ResourceNotFoundException", "Function not found: %s", name);
    struct listing listing = {.call = call,
                              .source = source ? lambda_mapping_kept_arn(call, source) : NULL,
                              .function_arn = name ? function.arn : NULL,
                              .left = most < PAGE_MOST ? most : PAGE_MOST};
    json_key(call->out, "EventSourceMappings");
    json_open_list(call->out);
    lambda_mapping_each(call->store, call->arena, call->account, call->region,
                        position ? position : "", list_one, &listing);
    json_close_list(call->out);
    if (listing.more && listing.last)
        json_put_text(call->out, "NextMarker", local_token_encode(call, listing.last));
    lambda_function_done(&function);
    return LOCAL_OK;
}
