#include "local/services/ssm_parameter.h"

#include <string.h>

const char *const ssm_type_names[] = {"String", "StringList", "SecureString", NULL};
const char *const ssm_data_type_names[] = {"text", "aws:ec2:image", "aws:ssm:integration", NULL};
const char *const ssm_tier_names[] = {"Standard", "Advanced", "Intelligent-Tiering", NULL};

int ssm_index(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

void ssm_version_read(const struct store_rows *rows, int first, bool with_value,
                      struct ssm_version *out)
{
    *out = (struct ssm_version){
        .version = store_int(rows, first),
        .type = (enum ssm_type)store_int(rows, first + 1),
        .data_type = (enum ssm_data_type)store_int(rows, first + 2),
        .tier = (enum ssm_tier)store_int(rows, first + 3),
        .slash = store_int(rows, first + 4) != 0,
        .modified_ms = store_int(rows, first + 5),
        .expires_ms = store_int(rows, first + 6),
        .modified_by = store_text(rows, first + 7),
        .key_id = store_text(rows, first + 8),
        .description = store_text(rows, first + 9),
        .allowed_pattern = store_text(rows, first + 10),
        .policies = store_text(rows, first + 11),
    };
    if (with_value)
        out->value = store_blob(rows, first + SSM_COLUMNS_SHOWN_COUNT);
}

int64_t ssm_now_ms(const struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

static bool expired(const struct local_call *call, int64_t expires_ms)
{
    return expires_ms && expires_ms <= ssm_now_ms(call);
}

bool ssm_find(struct local_call *call, const char *account, struct text key,
              struct store_rows *rows, struct ssm_version *out)
{
    store_query(call->store, rows,
                "SELECT " SSM_COLUMNS " FROM ssm_parameter"
                " WHERE account = $1 AND region = $2 AND name = $3",
                "ttT", account, call->region, key.data, key.len);
    if (store_next(rows)) {
        ssm_version_read(rows, 0, true, out);
        if (!expired(call, out->expires_ms))
            return true;
    }
    store_end(rows);
    return false;
}

bool ssm_exists(struct local_call *call, const char *account, struct text key)
{
    struct store_rows rows;
    struct ssm_version version;
    if (!ssm_find(call, account, key, &rows, &version))
        return false;
    store_end(&rows);
    return true;
}

bool ssm_find_version(struct local_call *call, const char *account, struct text key,
                      int64_t version, struct store_rows *rows, struct ssm_version *out)
{
    if (!ssm_find(call, account, key, rows, out))
        return false;
    if (out->version == version)
        return true;
    store_end(rows);
    store_query(call->store, rows,
                "SELECT " SSM_COLUMNS " FROM ssm_version"
                " WHERE account = $1 AND region = $2 AND name = $3 AND version = $4",
                "ttTi", account, call->region, key.data, key.len, version);
    if (store_next(rows)) {
        ssm_version_read(rows, 0, true, out);
        return true;
    }
    store_end(rows);
    return false;
}

int64_t ssm_label_version(struct local_call *call, const char *account, struct text key,
                          struct text label)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT version FROM ssm_label"
                " WHERE account = $1 AND region = $2 AND name = $3 AND label = $4",
                "ttTT", account, call->region, key.data, key.len, label.data, label.len);
    int64_t version = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return version;
}

void ssm_remove(struct local_call *call, const char *account, struct text key, enum ssm_tier tier)
{
    static const char *const statements[] = {
        "DELETE FROM ssm_parameter WHERE account = $1 AND region = $2 AND name = $3",
        "DELETE FROM ssm_version WHERE account = $1 AND region = $2 AND name = $3",
        "DELETE FROM ssm_label WHERE account = $1 AND region = $2 AND name = $3",
        "DELETE FROM ssm_tags WHERE account = $1 AND region = $2 AND name = $3",
        "DELETE FROM ssm_resource_policy WHERE account = $1 AND region = $2 AND name = $3",
        "DELETE FROM ssm_policy_due WHERE account = $1 AND region = $2 AND name = $3",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        store_run(call->store, statements[i], "ttT", account, call->region, key.data, key.len);
    store_run(call->store,
              "UPDATE ssm_count SET parameters = parameters - 1"
              " WHERE account = $1 AND region = $2 AND tier = $3",
              "tti", account, call->region, (int64_t)tier);
}

static char *join(struct local_call *call, const struct text *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(call->arena, len + 1);
    for (size_t i = 0, at = 0; i < count; at += parts[i++].len)
        memcpy(text + at, parts[i].data, parts[i].len);
    return text;
}

char *ssm_arn(struct local_call *call, const char *account, struct text key)
{
    const struct text parts[] = {
        {"arn:", 4}, text_of(call->partition), {":ssm:", 5},        text_of(call->region),
        {":", 1},    text_of(account),         {":parameter/", 11}, key,
    };
    return join(call, parts, sizeof parts / sizeof *parts);
}

size_t ssm_arn_prefix_bytes(const struct local_call *call)
{
    return strlen("arn::ssm:::parameter/") + strlen(call->partition) + strlen(call->region) +
           strlen(call->account);
}

char *ssm_shown_name(struct local_call *call, struct text key, bool slash)
{
    const struct text parts[] = {{"/", slash || ssm_key_is_path(key)}, key};
    return join(call, parts, 2);
}

const char *ssm_caller(struct local_call *call)
{
    const char *arn = call->caller->arn;
    if (!arn)
        return "anonymous";
    if (!text_starts(arn, "arn:aws:"))
        return arn;
    return arena_printf(call->arena, "arn:%s:%s", call->partition, arn + strlen("arn:aws:"));
}

char *ssm_copy(struct local_call *call, struct text text)
{
    return arena_strndup(call->arena, text.data ? text.data : "", text.len);
}
