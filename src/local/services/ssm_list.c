#include "local/services/ssm_operations.h"
#include "local/services/ssm_policy.h"
#include "local/services/ssm_walk.h"

#include <string.h>

enum { BY_PATH_MOST = 10, DESCRIBE_MOST = 10, HISTORY_MOST = 50 };

enum local_result ssm_page_position(struct local_call *call, const char **position)
{
    const char *token = local_text(call, "NextToken");
    char *decoded;
    *position = "";
    if (!token || !*token)
        return LOCAL_OK;
    if (local_token_decode(call, token, &decoded) != 0)
        return local_fail_capital(call, "InvalidNextToken", "The specified token isn't valid.");
    *position = decoded;
    return LOCAL_OK;
}

static void put_next(struct local_call *call, const char *position)
{
    if (position)
        json_put_text(call->out, "NextToken", local_token_encode(call, position));
}

static void put_optional(struct json_writer *out, const char *key, struct text text)
{
    if (!text.len)
        return;
    json_key(out, key);
    json_write_text_n(out, text.data, text.len);
}

void ssm_show_metadata(struct local_call *call, const char *shown_name,
                       const struct ssm_version *version)
{
    struct json_writer *out = call->out;
    json_put_text(out, "Name", shown_name);
    json_put_text(out, "Type", ssm_type_names[version->type]);
    put_optional(out, "KeyId", version->key_id);
    local_put_time(call, "LastModifiedDate", version->modified_ms);
    put_optional(out, "LastModifiedUser", version->modified_by);
    put_optional(out, "Description", version->description);
    put_optional(out, "AllowedPattern", version->allowed_pattern);
    json_put_int(out, "Version", version->version);
    json_put_text(out, "Tier", ssm_tier_names[version->tier]);
    json_key(out, "Policies");
    ssm_policies_write(out, version->policies, version->expires_ms, version->modified_ms,
                       ssm_now_ms(call));
    json_put_text(out, "DataType", ssm_data_type_names[version->data_type]);
}

/* GetParametersByPath */

struct by_path {
    struct ssm_filters filters;
    const struct ssm_filter *labels;
    bool decrypt;
};

/* The version that the first of the filter's labels sits on. */
static int64_t labelled(struct local_call *call, const struct by_path *by, struct text key)
{
    int64_t version = 0;
    for (size_t i = 0; !version && i < by->labels->value_count; i++)
        version = ssm_label_version(call, call->account, key, by->labels->values[i]);
    return version;
}

static int visit_by_path(struct ssm_walk *walk, const struct store_rows *rows, struct text key,
                         bool show)
{
    struct by_path *by = walk->arg;
    struct local_call *call = walk->call;
    struct store_rows other = {0};
    struct ssm_version version;
    ssm_version_read(rows, 1, true, &version);
    if (by->labels) { /* the labelled version is shown, not the newest */
        int64_t number = labelled(call, by, key);
        if (!number || !ssm_find_version(call, call->account, key, number, &other, &version))
            return LOCAL_SKIP;
    }
    int result = LOCAL_SKIP;
    if (ssm_filters_match(&by->filters, key, &version, (struct text){0}))
        result = show ? (int)ssm_show(call, call->account, ssm_shown_name(call, key, version.slash),
                                      key, (struct text){0}, &version, by->decrypt)
                      : LOCAL_OK;
    if (by->labels)
        store_end(&other);
    return result;
}

enum local_result ssm_get_parameters_by_path(struct local_call *call)
{
    struct text prefix;
    const char *position, *next;
    struct by_path by = {.decrypt = local_bool(call, "WithDecryption", false)};
    struct text path = text_trim(text_of(local_text(call, "Path")));
    if (ssm_path_read(path, &prefix) != 0 || text_starts_nocase(path.data, "/ssm"))
        return ssm_path_refuse(call);
    if (ssm_filters_read(call, SSM_FILTER_BY_PATH, &by.filters) != LOCAL_OK ||
        ssm_page_position(call, &position) != LOCAL_OK)
        return LOCAL_FAILED;
    by.labels = ssm_filters_find(&by.filters, SSM_FILTER_LABEL);
    if (prefix.len && prefix.data[prefix.len - 1] != '/')
        prefix = text_of(arena_printf(call->arena, "%.*s/", (int)prefix.len, prefix.data));
    struct ssm_range range = ssm_range_of(call, prefix);
    struct ssm_walk walk = {
        .call = call,
        .sql = "SELECT name, " SSM_COLUMNS " FROM ssm_parameter"
               " WHERE account = $1 AND region = $2 AND name >= $3 AND name < $4"
               " AND (expires_ms = 0 OR expires_ms > $5) ORDER BY name",
        .ranges = &range,
        .range_count = 1,
        .one_level = !local_bool(call, "Recursive", false),
        .most = (size_t)local_int(call, "MaxResults", BY_PATH_MOST),
        .visit = visit_by_path,
        .arg = &by,
    };
    json_key(call->out, "Parameters");
    json_open_list(call->out);
    enum local_result result = ssm_walk_page(&walk, position, &next);
    json_close_list(call->out);
    put_next(call, next);
    return result;
}

/* DescribeParameters */

static int visit_metadata(struct ssm_walk *walk, const struct store_rows *rows, struct text key,
                          bool show)
{
    const struct ssm_filters *filters = walk->arg;
    struct local_call *call = walk->call;
    struct ssm_version version;
    struct text tags = {0};
    ssm_version_read(rows, 1, false, &version);
    if (ssm_filters_find(filters, SSM_FILTER_TAG))
        tags = store_blob(rows, 1 + SSM_COLUMNS_SHOWN_COUNT);
    if (!ssm_filters_match(filters, key, &version, tags))
        return LOCAL_SKIP;
    if (!show)
        return LOCAL_OK;
    json_open(call->out);
    json_put_text(call->out, "ARN", ssm_arn(call, call->account, key));
    ssm_show_metadata(call, ssm_shown_name(call, key, version.slash), &version);
    json_close(call->out);
    return LOCAL_OK;
}

static enum local_result read_filters(struct local_call *call, struct ssm_filters *filters)
{
    bool old = json_array_size(local_value(call, "Filters")) > 0;
    if (old && json_array_size(local_value(call, "ParameterFilters")) > 0)
        return local_fail(call, "ValidationException",
                          "You can use either Filters or ParameterFilters in a single request.");
    if (!old)
        return ssm_filters_read(call, SSM_FILTER_DESCRIBE, filters);
    ssm_filters_read_old(call, filters);
    return LOCAL_OK;
}

/* With a tag filter only tagged parameters are looked at. */
static const char *describe_sql(const struct ssm_filters *filters)
{
    if (ssm_filters_find(filters, SSM_FILTER_TAG))
        return "SELECT p.name, " SSM_COLUMNS_SHOWN ", t.tags"
               " FROM ssm_tags t CROSS JOIN ssm_parameter p WHERE t.account = $1"
               " AND t.region = $2 AND t.name >= $3 AND t.name < $4 AND p.account = t.account"
               " AND p.region = t.region AND p.name = t.name"
               " AND (p.expires_ms = 0 OR p.expires_ms > $5) ORDER BY t.name";
    return "SELECT name, " SSM_COLUMNS_SHOWN " FROM ssm_parameter"
           " WHERE account = $1 AND region = $2 AND name >= $3 AND name < $4"
           " AND (expires_ms = 0 OR expires_ms > $5) ORDER BY name";
}

enum local_result ssm_describe_parameters(struct local_call *call)
{
    struct ssm_filters filters;
    const char *position, *next = NULL;
    if (read_filters(call, &filters) != LOCAL_OK || ssm_page_position(call, &position) != LOCAL_OK)
        return LOCAL_FAILED;
    struct ssm_walk walk = {
        .call = call,
        .sql = describe_sql(&filters),
        .most = (size_t)local_int(call, "MaxResults", DESCRIBE_MOST),
        .visit = visit_metadata,
        .arg = &filters,
    };
    walk.ranges = ssm_filters_ranges(call, &filters, &walk.range_count, &walk.one_level);
    enum local_result result = LOCAL_OK;
    json_key(call->out, "Parameters");
    json_open_list(call->out);
    /* Shared parameters come from resource shares of AWS RAM: there is none here, and a resource
     * policy alone does not list a parameter (service model, PutResourcePolicy). */
    if (!local_bool(call, "Shared", false))
        result = ssm_walk_page(&walk, position, &next);
    json_close_list(call->out);
    put_next(call, next);
    return result;
}

/* GetParameterHistory */

struct history {
    struct local_call *call;
    const char *account;
    const struct ssm_name *name;
    int64_t after, shown, most;
    bool decrypt, more;
};

static void show_labels(const struct history *history, int64_t version)
{
    struct local_call *call = history->call;
    struct store_rows rows;
    json_key(call->out, "Labels");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT label FROM ssm_label"
                " WHERE account = $1 AND region = $2 AND name = $3 AND version = $4"
                " ORDER BY label",
                "ttTi", history->account, call->region, history->name->key.data,
                history->name->key.len, version);
    while (store_next(&rows)) {
        struct text label = store_text(&rows, 0);
        json_write_text_n(call->out, label.data, label.len);
    }
    store_end(&rows);
    json_close_list(call->out);
}

static enum local_result show_version(struct history *history, const struct ssm_version *version)
{
    struct local_call *call = history->call;
    struct text value, key = history->name->key;
    if (version->version <= history->after)
        return LOCAL_OK;
    if (history->shown == history->most) {
        history->more = true;
        return LOCAL_OK;
    }
    enum local_result result =
        ssm_shown_value(call, history->account, key, version, history->decrypt, &value);
    if (result != LOCAL_OK)
        return result;
    json_open(call->out);
    ssm_show_metadata(call, ssm_shown_name(call, key, version->slash), version);
    json_key(call->out, "Value");
    json_write_text_n(call->out, value.data, value.len);
    show_labels(history, version->version);
    json_close(call->out);
    history->after = version->version;
    history->shown++;
    return LOCAL_OK;
}

static enum local_result show_old(struct history *history)
{
    struct local_call *call = history->call;
    struct store_rows rows;
    enum local_result result = LOCAL_OK;
    store_query(call->store, &rows,
                "SELECT " SSM_COLUMNS " FROM ssm_version"
                " WHERE account = $1 AND region = $2 AND name = $3 AND version > $4"
                " ORDER BY version",
                "ttTi", history->account, call->region, history->name->key.data,
                history->name->key.len, history->after);
    while (result == LOCAL_OK && !history->more && store_next(&rows)) {
        struct ssm_version version;
        ssm_version_read(&rows, 0, true, &version);
        result = show_version(history, &version);
    }
    store_end(&rows);
    return result;
}

enum local_result ssm_get_parameter_history(struct local_call *call)
{
    struct ssm_name name;
    struct store_rows rows;
    struct ssm_version current;
    const char *position;
    enum ssm_name_fault fault =
        ssm_name_read(text_of(local_text(call, "Name")), SSM_NAME_OR_ARN, &name);
    if (fault != SSM_NAME_GOOD)
        return ssm_name_refuse(call, fault, name.asked);
    if (ssm_page_position(call, &position) != LOCAL_OK)
        return LOCAL_FAILED;
    struct history history = {
        .call = call,
        .account = name.account.data ? ssm_copy(call, name.account) : call->account,
        .name = &name,
        .most = local_int(call, "MaxResults", HISTORY_MOST),
        .decrypt = local_bool(call, "WithDecryption", false),
    };
    if (*position)
        text_to_int64(position, strlen(position), &history.after);
    if ((name.region.data && !text_is(name.region, call->region)) ||
        !ssm_find(call, history.account, name.key, &rows, &current))
        return local_fail_bare(call, "ParameterNotFound");
    json_key(call->out, "Parameters");
    json_open_list(call->out);
    enum local_result result = show_old(&history);
    if (result == LOCAL_OK && !history.more)
        result = show_version(&history, &current);
    store_end(&rows);
    json_close_list(call->out);
    if (history.more)
        put_next(call, arena_printf(call->arena, "%lld", (long long)history.after));
    return result;
}
