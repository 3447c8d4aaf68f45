#include "base/digest.h"
#include "local/services/ssm_operations.h"
#include "local/services/ssm_secure.h"

#include <stdlib.h>
#include <string.h>

#define SECRETS_PREFIX "/aws/reference/secretsmanager/"

enum local_result ssm_shown_value(struct local_call *call, const char *account, struct text key,
                                  const struct ssm_version *version, bool decrypt,
                                  struct text *value)
{
    *value = version->value;
    if (version->type != SSM_SECURE_STRING)
        return LOCAL_OK;
    if (decrypt)
        return ssm_secure_open(call, ssm_arn(call, account, key), version->tier, version->value,
                               value);
    *value = text_of(base64_encode(call->arena, version->value.data, version->value.len));
    return LOCAL_OK;
}

enum local_result ssm_show(struct local_call *call, const char *account, const char *shown_name,
                           struct text key, struct text selector, const struct ssm_version *version,
                           bool decrypt)
{
    struct text value;
    enum local_result result = ssm_shown_value(call, account, key, version, decrypt, &value);
    if (result != LOCAL_OK)
        return result;
    struct json_writer *out = call->out;
    json_open(out);
    json_put_text(out, "ARN", ssm_arn(call, account, key));
    json_put_text(out, "DataType", ssm_data_type_names[version->data_type]);
    local_put_time(call, "LastModifiedDate", version->modified_ms);
    json_put_text(out, "Name", shown_name);
    if (selector.len)
        json_put_text(out, "Selector",
                      arena_printf(call->arena, ":%.*s", (int)selector.len, selector.data));
    json_put_text(out, "Type", ssm_type_names[version->type]);
    json_key(out, "Value");
    json_write_text_n(out, value.data, value.len);
    json_put_int(out, "Version", version->version);
    json_close(out);
    return LOCAL_OK;
}

enum found { FOUND, NO_PARAMETER, NO_VERSION };

/* Whose parameter a name means, or NULL: none that this Region could have. */
static const char *owner(struct local_call *call, const struct ssm_name *name)
{
    if (!name->account.data)
        return call->account;
    if (!text_is(name->region, call->region) || name->account.len == 0)
        return NULL; /* public parameters have no account; there are none here */
    return ssm_copy(call, name->account);
}

/* The hot path: one point read of few columns. */
static bool find_current(struct local_call *call, const char *account, struct text key,
                         struct store_rows *rows, struct ssm_version *out)
{
    store_query(call->store, rows,
                "SELECT version, type, data_type, tier, slash, modified_ms, expires_ms, value"
                " FROM ssm_parameter WHERE account = $1 AND region = $2 AND name = $3",
                "ttT", account, call->region, key.data, key.len);
    if (!store_next(rows))
        goto none;
    *out = (struct ssm_version){.version = store_int(rows, 0),
                                .type = (enum ssm_type)store_int(rows, 1),
                                .data_type = (enum ssm_data_type)store_int(rows, 2),
                                .tier = (enum ssm_tier)store_int(rows, 3),
                                .slash = store_int(rows, 4) != 0,
                                .modified_ms = store_int(rows, 5),
                                .expires_ms = store_int(rows, 6),
                                .value = store_blob(rows, 7)};
    if (!out->expires_ms || out->expires_ms > ssm_now_ms(call))
        return true;
none:
    store_end(rows);
    return false;
}

static enum found find_selected(struct local_call *call, const char *account,
                                const struct ssm_name *name, struct store_rows *rows,
                                struct ssm_version *out)
{
    int64_t version;
    struct text selector = name->selector;
    if (!ssm_exists(call, account, name->key))
        return NO_PARAMETER;
    if (text_to_int64(selector.data, selector.len, &version) != 0)
        version = ssm_label_version(call, account, name->key, selector);
    return version > 0 && ssm_find_version(call, account, name->key, version, rows, out)
               ? FOUND
               : NO_VERSION;
}

static enum found find(struct local_call *call, const char *account, const struct ssm_name *name,
                       struct store_rows *rows, struct ssm_version *out)
{
    if (!account)
        return NO_PARAMETER;
    if (name->selector.data)
        return find_selected(call, account, name, rows, out);
    return find_current(call, account, name->key, rows, out) ? FOUND : NO_PARAMETER;
}

/* As the caller spelled it; an ARN gives the name as it was made. */
static const char *shown(struct local_call *call, const struct ssm_name *name, bool slash)
{
    return name->account.data ? ssm_shown_name(call, name->key, slash)
                              : ssm_copy(call, name->asked);
}

/* There is no Secrets Manager here yet. */
static bool is_secret(const char *name)
{
    return text_starts(name, SECRETS_PREFIX);
}

static enum local_result check_secret(struct local_call *call)
{
    if (local_bool(call, "WithDecryption", false))
        return LOCAL_OK;
    return local_fail(call, "ValidationException",
                      "WithDecryption flag must be True for retrieving a Secret Manager secret.");
}

static enum local_result read_name(struct local_call *call, const char *text, size_t len,
                                   struct ssm_name *name)
{
    enum ssm_name_fault fault =
        ssm_name_read((struct text){text, len}, SSM_NAME_WITH_SELECTOR, name);
    return fault == SSM_NAME_GOOD ? LOCAL_OK : ssm_name_refuse(call, fault, name->asked);
}

enum local_result ssm_get_parameter(struct local_call *call)
{
    struct ssm_name name;
    struct store_rows rows;
    struct ssm_version version;
    const char *asked = local_text(call, "Name");
    if (is_secret(asked))
        return check_secret(call) != LOCAL_OK
                   ? LOCAL_FAILED
                   : local_fail(call, "ParameterNotFound",
                                "An error occurred (ParameterNotFound) when referencing Secrets "
                                "Manager: Secret %s not found.",
                                asked);
    if (read_name(call, asked, local_text_len(call, "Name"), &name) != LOCAL_OK)
        return LOCAL_FAILED;
    const char *account = owner(call, &name);
    switch (find(call, account, &name, &rows, &version)) {
    case NO_PARAMETER:
        return local_fail_bare(call, "ParameterNotFound"); /* observed: no message member */
    case NO_VERSION:
        return local_fail(call, "ParameterVersionNotFound",
                          "Systems Manager could not find version %.*s of %.*s. Verify the version "
                          "and try again.",
                          (int)name.selector.len, name.selector.data, (int)name.asked.len,
                          name.asked.data);
    case FOUND:
        break;
    }
    json_key(call->out, "Parameter");
    enum local_result result =
        ssm_show(call, account, shown(call, &name, version.slash), name.key, name.selector,
                 &version, local_bool(call, "WithDecryption", false));
    store_end(&rows);
    return result;
}

/* One of the names of GetParameters. */
struct wanted {
    const char *text; /* as asked */
    struct ssm_name name;
    bool secret;
};

static int by_name(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    return strcmp(x->text, y->text);
}

/* Sorted by what was asked, which is how each is named in the answer; the same text twice gives
 * one parameter. */
static enum local_result read_names(struct local_call *call, struct wanted **out, size_t *count)
{
    const json_t *names = local_value(call, "Names");
    size_t size = json_array_size(names);
    struct wanted *wanted = arena_calloc(call->arena, size + 1, sizeof *wanted);
    *count = 0;
    for (size_t i = 0; i < size; i++) {
        const json_t *text = json_array_get(names, i);
        struct wanted *one = &wanted[(*count)++];
        one->text = json_string_value(text);
        one->secret = is_secret(one->text);
        if (one->secret
                ? check_secret(call) != LOCAL_OK
                : read_name(call, one->text, json_string_length(text), &one->name) != LOCAL_OK)
            return LOCAL_FAILED;
        for (size_t k = 0; k < i; k++)
            if (strcmp(json_string_value(json_array_get(names, k)), one->text) == 0) {
                (*count)--;
                break;
            }
    }
    qsort(wanted, *count, sizeof *wanted, by_name);
    *out = wanted;
    return LOCAL_OK;
}

enum local_result ssm_get_parameters(struct local_call *call)
{
    struct wanted *wanted;
    size_t count, missing = 0;
    if (read_names(call, &wanted, &count) != LOCAL_OK)
        return LOCAL_FAILED;
    bool decrypt = local_bool(call, "WithDecryption", false);
    enum local_result result = LOCAL_OK;
    json_key(call->out, "Parameters");
    json_open_list(call->out);
    for (size_t i = 0; result == LOCAL_OK && i < count; i++) {
        struct store_rows rows;
        struct ssm_version version;
        const struct ssm_name *name = &wanted[i].name;
        const char *account = wanted[i].secret ? NULL : owner(call, name);
        if (find(call, account, name, &rows, &version) != FOUND) {
            wanted[missing++] = wanted[i];
            continue;
        }
        result = ssm_show(call, account, shown(call, name, version.slash), name->key,
                          name->selector, &version, decrypt);
        store_end(&rows);
    }
    json_close_list(call->out);
    json_key(call->out, "InvalidParameters");
    json_open_list(call->out);
    for (size_t i = 0; i < missing; i++)
        json_write_text(call->out, wanted[i].text);
    json_close_list(call->out);
    return result;
}
