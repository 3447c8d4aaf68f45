#include "local/services/ssm_event.h"
#include "local/services/ssm_operations.h"

#include <string.h>

/* 1 to 100 of a-zA-Z0-9_.- (the table checks the length), not beginning with a digit, "aws" or
 * "ssm" in any case. */
static bool label_good(const char *label)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return label[strspn(label, allowed)] == '\0' && !(label[0] >= '0' && label[0] <= '9') &&
           !text_starts_nocase(label, "aws") && !text_starts_nocase(label, "ssm");
}

static enum local_result no_version(struct local_call *call, const struct ssm_name *name,
                                    int64_t version)
{
    return local_fail(call, "ParameterVersionNotFound",
                      "Systems Manager could not find version %lld of %.*s. Verify the version and "
                      "try again.",
                      (long long)version, (int)name->asked.len, name->asked.data);
}

/* The version that Name and ParameterVersion mean; without the latter, the newest. */
static enum local_result find_version(struct local_call *call, struct ssm_name *name,
                                      int64_t *version)
{
    struct store_rows rows;
    struct ssm_version found;
    enum ssm_name_fault fault =
        ssm_name_read(text_of(local_text(call, "Name")), SSM_NAME_ONLY, name);
    if (fault != SSM_NAME_GOOD)
        return ssm_name_refuse(call, fault, name->asked);
    if (!ssm_find(call, call->account, name->key, &rows, &found))
        return local_fail_bare(call, "ParameterNotFound");
    store_end(&rows);
    *version = local_int(call, "ParameterVersion", found.version);
    if (!ssm_find_version(call, call->account, name->key, *version, &rows, &found))
        return no_version(call, name, *version);
    store_end(&rows);
    return LOCAL_OK;
}

static int64_t count_labels(struct local_call *call, struct text key, int64_t version)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT COUNT(*) FROM ssm_label"
                " WHERE account = $1 AND region = $2 AND name = $3 AND version = $4",
                "ttTi", call->account, call->region, key.data, key.len, version);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

/* A label that sits on another version moves. */
static void attach(struct local_call *call, struct text key, int64_t version, const char *label)
{
    store_run(call->store,
              "INSERT INTO ssm_label (account, region, name, label, version)"
              " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, region, name, label)"
              " DO UPDATE SET version = excluded.version",
              "ttTti", call->account, call->region, key.data, key.len, label, version);
}

static void write_labels(struct local_call *call, const char *member, const json_t *labels,
                         const bool *chosen, bool which)
{
    json_key(call->out, member);
    json_open_list(call->out);
    for (size_t i = 0; i < json_array_size(labels); i++)
        if (chosen[i] == which)
            json_write_text(call->out, json_string_value(json_array_get(labels, i)));
    json_close_list(call->out);
}

static void tell(struct local_call *call, struct text key)
{
    struct store_rows rows;
    struct ssm_version current;
    if (!ssm_find(call, call->account, key, &rows, &current))
        return;
    current.description = text_of(ssm_copy(call, current.description));
    store_end(&rows);
    ssm_event_change(call, key, &current, "LabelParameterVersion");
}

enum local_result ssm_label_parameter_version(struct local_call *call)
{
    struct ssm_name name;
    int64_t version = 0;
    if (find_version(call, &name, &version) != LOCAL_OK)
        return LOCAL_FAILED;
    const json_t *labels = local_value(call, "Labels");
    bool *good = arena_calloc(call->arena, json_array_size(labels) + 1, sizeof *good);
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const char *label = json_string_value(json_array_get(labels, i));
        good[i] = label_good(label);
        if (good[i])
            attach(call, name.key, version, label);
    }
    /* The pipeline undoes what was attached. */
    if (count_labels(call, name.key, version) > SSM_LABELS_MAX)
        return local_fail(call, "ParameterVersionLabelLimitExceeded",
                          "A parameter version can have maximum 10 labels.Move one or more labels "
                          "to another version and try again.");
    tell(call, name.key);
    write_labels(call, "InvalidLabels", labels, good, false);
    json_put_int(call->out, "ParameterVersion", version);
    return LOCAL_OK;
}

enum local_result ssm_unlabel_parameter_version(struct local_call *call)
{
    struct ssm_name name;
    int64_t version = 0;
    if (find_version(call, &name, &version) != LOCAL_OK)
        return LOCAL_FAILED;
    const json_t *labels = local_value(call, "Labels");
    bool *removed = arena_calloc(call->arena, json_array_size(labels) + 1, sizeof *removed);
    for (size_t i = 0; i < json_array_size(labels); i++)
        removed[i] =
            store_run(call->store,
                      "DELETE FROM ssm_label WHERE account = $1 AND region = $2 AND name = $3"
                      " AND label = $4 AND version = $5",
                      "ttTti", call->account, call->region, name.key.data, name.key.len,
                      json_string_value(json_array_get(labels, i)), version) == 1;
    write_labels(call, "RemovedLabels", labels, removed, true);
    write_labels(call, "InvalidLabels", labels, removed, false);
    return LOCAL_OK;
}
