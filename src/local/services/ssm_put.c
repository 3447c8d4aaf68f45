#include "local/services/ssm_event.h"
#include "local/services/ssm_operations.h"
#include "local/services/ssm_policy.h"
#include "local/services/ssm_policy_action.h"
#include "local/services/ssm_secure.h"
#include "local/services/ssm_settings.h"
#include "local/services/ssm_tags.h"

#include <string.h>

enum {
    STANDARD_VALUE_MAX_BYTES = 4096,
    ADVANCED_VALUE_MAX_BYTES = 8192,
    STANDARD_PARAMETERS_MAX = 10000,
    ADVANCED_PARAMETERS_MAX = 100000,
};

#define INTEGRATION_PREFIX "d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/"

/* A PutParameter on its way: what it finds and what it will write. There is one writer, so
 * TooManyUpdates cannot happen. */
struct put {
    struct local_call *call;
    struct ssm_name name;
    bool exists;
    struct ssm_version old, new;
    const struct tagging_tag *tags;
    size_t tag_count;
    struct text plaintext;
};

static enum local_result invalid(struct put *put, const char *text)
{
    return local_fail(put->call, "ValidationException", "%s", text);
}

static struct text input_text(struct local_call *call, const char *member)
{
    return (struct text){local_text(call, member), local_text_len(call, member)};
}

static enum local_result check_name(struct put *put)
{
    struct text asked = input_text(put->call, "Name");
    enum ssm_name_fault fault = ssm_name_create(asked, ssm_arn_prefix_bytes(put->call), &put->name);
    if (fault != SSM_NAME_GOOD)
        return ssm_name_refuse(put->call, fault, put->name.asked);
    put->new.slash = put->name.asked.data[0] == '/';
    return LOCAL_OK;
}

static enum local_result check_tags(struct put *put)
{
    put->tags = ssm_tags_input(put->call, local_value(put->call, "Tags"), &put->tag_count);
    if (put->tag_count && local_bool(put->call, "Overwrite", false))
        return invalid(put, "Invalid request: tags and overwrite can't be used together. To create "
                            "a parameter with tags, please remove overwrite flag. To update tags "
                            "for an existing parameter, please use AddTagsToResource or "
                            "RemoveTagsFromResource.");
    if (put->tag_count > SSM_TAGS_MAX) /* PutParameter's model does not have TooManyTagsError */
        return invalid(put, "A parameter can have a maximum of 50 tags.");
    return ssm_tags_check(put->call, put->tags, put->tag_count);
}

/* "{{" ... "}}" anywhere: strict, AWS's words are not known. */
static enum local_result check_value(struct put *put)
{
    const char *open = strstr(put->plaintext.data, "{{");
    if (open && strstr(open, "}}"))
        return invalid(put, "Parameter value can't nest another parameter. Do not use \"{{}}\" in "
                            "the value.");
    if (put->plaintext.len > ADVANCED_VALUE_MAX_BYTES)
        return invalid(put, "Advanced tier parameters support a maximum parameter value of 8192 "
                            "characters.");
    return LOCAL_OK;
}

/* Texts outlive the row: what follows writes to the table. */
static void load_old(struct put *put)
{
    struct store_rows rows;
    struct ssm_version *old = &put->old;
    put->exists = ssm_find(put->call, put->call->account, put->name.key, &rows, old);
    if (!put->exists)
        return;
    old->description = text_of(ssm_copy(put->call, old->description));
    old->allowed_pattern = text_of(ssm_copy(put->call, old->allowed_pattern));
    old->policies = text_of(ssm_copy(put->call, old->policies));
    old->value = (struct text){0};
    store_end(&rows);
    put->new.slash = old->slash;
}

static enum local_result check_existing(struct put *put)
{
    load_old(put);
    if (put->exists && !local_bool(put->call, "Overwrite", false))
        return local_fail(put->call, "ParameterAlreadyExists",
                          "The parameter already exists. To overwrite this value, set the "
                          "overwrite option in the request to true.");
    put->new.version = put->exists ? put->old.version + 1 : 1;
    return LOCAL_OK;
}

/* The type may change with an overwrite (observed), whatever HierarchyTypeMismatchException says:
 * that exception does not happen. */
static enum local_result check_type(struct put *put)
{
    const char *type = local_text(put->call, "Type");
    if (!type && !put->exists)
        return invalid(put, "A parameter type is required when you create a parameter.");
    put->new.type = type ? (enum ssm_type)ssm_index(ssm_type_names, type) : put->old.type;
    /* Strict: an overwrite without KeyId falls back to aws/ssm (sources disagree). */
    put->new.key_id = input_text(put->call, "KeyId");
    if (put->new.type == SSM_SECURE_STRING && !put->new.key_id.data)
        put->new.key_id = text_of(SSM_DEFAULT_KEY);
    if (put->new.type != SSM_SECURE_STRING && put->new.key_id.data)
        return invalid(put, "KeyId is required for SecureString type parameter only.");
    return LOCAL_OK;
}

static enum local_result check_data_type(struct put *put)
{
    const char *name = local_text(put->call, "DataType");
    /* Whether an overwrite keeps it is not known; keeping it keeps its checks too. */
    put->new.data_type = put->exists ? put->old.data_type : SSM_TEXT;
    if (name) {
        int index = ssm_index(ssm_data_type_names, name);
        if (index < 0)
            return local_fail(put->call, "ValidationException",
                              "The following data type is not supported: %s (Data type names are "
                              "all lowercase.)",
                              name);
        put->new.data_type = (enum ssm_data_type)index;
    }
    struct text key = put->name.key;
    if (put->new.data_type == SSM_IMAGE && put->new.type != SSM_STRING)
        return invalid(put, "The data type aws:ec2:image is only supported for parameters of type "
                            "String.");
    if (put->new.data_type == SSM_INTEGRATION &&
        (put->new.type != SSM_SECURE_STRING || key.len < sizeof INTEGRATION_PREFIX ||
         memcmp(key.data, INTEGRATION_PREFIX, sizeof INTEGRATION_PREFIX - 1) != 0))
        return invalid(put, "The data type aws:ssm:integration is only supported for parameters of "
                            "type SecureString whose name begins with "
                            "/" INTEGRATION_PREFIX ".");
    return LOCAL_OK;
}

/* Strict: the whole value must match (AWS's guide uses patterns as if so, it does not say it). */
static enum local_result check_pattern(struct put *put)
{
    struct text given = input_text(put->call, "AllowedPattern");
    put->new.allowed_pattern = given.data ? given : put->old.allowed_pattern;
    if (put->new.allowed_pattern.len == 0) {
        put->new.allowed_pattern = (struct text){0};
        return LOCAL_OK;
    }
    const char *pattern = put->new.allowed_pattern.data;
    if (given.data && local_regex(pattern, "", 0, false) < 0)
        return local_fail(put->call, "InvalidAllowedPatternException",
                          "The request doesn't meet the regular expression requirement.");
    if (local_regex(pattern, put->plaintext.data, put->plaintext.len, false) != 1)
        return local_fail(put->call, "ParameterPatternMismatchException",
                          "Parameter value, cannot be validated against allowedPattern: %s",
                          pattern);
    return LOCAL_OK;
}

static enum local_result check_policies(struct put *put)
{
    struct text given = input_text(put->call, "Policies");
    put->new.policies = put->old.policies;
    put->new.expires_ms = put->old.expires_ms;
    if (!given.data)
        return LOCAL_OK;
    struct ssm_policies policies;
    struct ssm_policy_fault fault;
    if (ssm_policies_read(put->call->arena, given.data, given.len, ssm_now_ms(put->call), &policies,
                          &fault) != 0)
        return local_fail(put->call, fault.code, "%s", fault.message);
    put->new.policies = text_of(policies.json);
    put->new.expires_ms = policies.expires_ms;
    return LOCAL_OK;
}

static int64_t count_of(struct put *put, enum ssm_tier tier)
{
    struct store_rows rows;
    store_query(put->call->store, &rows,
                "SELECT parameters FROM ssm_count"
                " WHERE account = $1 AND region = $2 AND tier = $3",
                "tti", put->call->account, put->call->region, (int64_t)tier);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

static void count_one(struct put *put, enum ssm_tier tier, int64_t change)
{
    store_run(put->call->store,
              "INSERT INTO ssm_count (account, region, tier, parameters) VALUES ($1, $2, $3, $4)"
              " ON CONFLICT (account, region, tier)"
              " DO UPDATE SET parameters = ssm_count.parameters + excluded.parameters",
              "ttii", put->call->account, put->call->region, (int64_t)tier, change);
}

/* Standard or Advanced by what is asked, what the parameter is and what it needs. */
static enum ssm_tier choose_tier(struct put *put)
{
    const char *asked = local_text(put->call, "Tier");
    enum ssm_tier tier;
    if (asked)
        tier = (enum ssm_tier)ssm_index(ssm_tier_names, asked);
    else if (put->exists && put->old.tier == SSM_ADVANCED)
        return SSM_ADVANCED; /* not known; a refusal would make Tier a required member */
    else
        tier = ssm_default_tier(put->call);
    if (tier != SSM_INTELLIGENT)
        return tier;
    bool needs = (put->exists && put->old.tier == SSM_ADVANCED) || put->new.policies.len ||
                 put->plaintext.len > STANDARD_VALUE_MAX_BYTES ||
                 (!put->exists && count_of(put, SSM_STANDARD) >= STANDARD_PARAMETERS_MAX);
    return needs ? SSM_ADVANCED : SSM_STANDARD;
}

/* Strict: sizes are UTF-8 bytes, where the service's text says characters and the KMS guide bytes.
 */
static enum local_result check_tier(struct put *put)
{
    put->new.tier = choose_tier(put);
    if (put->new.tier == SSM_ADVANCED)
        return LOCAL_OK;
    if (put->exists && put->old.tier == SSM_ADVANCED)
        return invalid(put, "This parameter uses the advanced-parameter tier. You can't downgrade "
                            "a parameter from the advanced-parameter tier to the "
                            "standard-parameter tier. If necessary, you can delete the advanced "
                            "parameter and recreate it as a standard parameter.");
    if (put->new.policies.len) /* AWS's words are not known */
        return invalid(put, "Standard tier parameters don't support parameter policies. To use "
                            "parameter policies, upgrade the parameter to use the "
                            "advanced-parameter tier.");
    if (put->plaintext.len > STANDARD_VALUE_MAX_BYTES)
        return invalid(put,
                       "Standard tier parameters support a maximum parameter value of 4096 "
                       "characters. To create a larger parameter value, upgrade the parameter to "
                       "use the advanced-parameter tier. For more information, see "
                       "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                       "parameter-store-advanced-parameters.html");
    return LOCAL_OK;
}

static enum local_result check_limits(struct put *put)
{
    if (put->exists && put->old.tier == put->new.tier)
        return LOCAL_OK;
    bool advanced = put->new.tier == SSM_ADVANCED;
    int64_t most = advanced ? ADVANCED_PARAMETERS_MAX : STANDARD_PARAMETERS_MAX;
    if (count_of(put, put->new.tier) < most)
        return LOCAL_OK;
    return local_fail(put->call, "ParameterLimitExceeded",
                      "You have reached the maximum number of %s parameters for this AWS account "
                      "and Region (%lld). To add more parameters, %s.",
                      advanced ? "advanced" : "standard", (long long)most,
                      advanced ? "delete existing parameters"
                               : "either delete existing parameters or upgrade to the "
                                 "advanced-parameter tier (charges apply)");
}

static enum local_result check_versions(struct put *put)
{
    if (put->new.version <= SSM_VERSIONS_MAX)
        return LOCAL_OK;
    struct local_call *call = put->call;
    int64_t oldest = put->new.version - SSM_VERSIONS_MAX;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM ssm_label"
                " WHERE account = $1 AND region = $2 AND name = $3 AND version = $4 LIMIT 1",
                "ttTi", call->account, call->region, put->name.key.data, put->name.key.len, oldest);
    bool labelled = store_next(&rows);
    store_end(&rows);
    if (!labelled)
        return LOCAL_OK;
    return local_fail(call, "ParameterMaxVersionLimitExceeded",
                      "You attempted to create a new version of %.*s by calling the PutParameter "
                      "API with the overwrite flag. Version %lld, the oldest version, can't be "
                      "deleted because it has a label associated with it. Move the label to "
                      "another version of the parameter, and try again.",
                      (int)put->name.asked.len, put->name.asked.data, (long long)oldest);
}

static bool is_image_id(struct text value)
{
    if (value.len != 12 && value.len != 21)
        return false;
    if (memcmp(value.data, "ami-", 4) != 0)
        return false;
    return strspn(value.data + 4, "0123456789abcdef") == value.len - 4;
}

/* AWS looks an aws:ec2:image up after it has answered, and drops the write when there is no such
 * image in the Region. There is no EC2 here; but an AMI is in one Region only, so an id that was
 * first seen in another Region cannot be in this one. */
static bool image_exists(struct put *put)
{
    struct local_call *call = put->call;
    if (!is_image_id(put->plaintext))
        return false;
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT region FROM ssm_image WHERE image = $1", "T",
                put->plaintext.data, put->plaintext.len);
    bool seen = store_next(&rows);
    bool here = !seen || text_is(store_text(&rows, 0), call->region);
    store_end(&rows);
    if (!seen)
        store_run(call->store, "INSERT INTO ssm_image (image, region) VALUES ($1, $2)", "Tt",
                  put->plaintext.data, put->plaintext.len, call->region);
    return here;
}

static enum local_result seal(struct put *put)
{
    put->new.value = put->plaintext;
    if (put->new.type != SSM_SECURE_STRING)
        return LOCAL_OK;
    return ssm_secure_seal(put->call, ssm_arn(put->call, put->call->account, put->name.key),
                           put->new.key_id.data, put->new.tier, put->plaintext, &put->new.value);
}

static void keep_old(struct put *put)
{
    struct local_call *call = put->call;
    struct text key = put->name.key;
    store_run(call->store,
              "INSERT INTO ssm_version (account, region, name, " SSM_COLUMNS ")"
              " SELECT account, region, name, " SSM_COLUMNS " FROM ssm_parameter"
              " WHERE account = $1 AND region = $2 AND name = $3",
              "ttT", call->account, call->region, key.data, key.len);
    if (put->new.version > SSM_VERSIONS_MAX)
        store_run(call->store,
                  "DELETE FROM ssm_version"
                  " WHERE account = $1 AND region = $2 AND name = $3 AND version <= $4",
                  "ttTi", call->account, call->region, key.data, key.len,
                  put->new.version - SSM_VERSIONS_MAX);
    store_run(call->store,
              "DELETE FROM ssm_parameter WHERE account = $1 AND region = $2 AND name = $3", "ttT",
              call->account, call->region, key.data, key.len);
}

static void write_new(struct put *put)
{
    struct local_call *call = put->call;
    const struct ssm_version *new = &put->new;
    store_run(call->store,
              "INSERT INTO ssm_parameter (account, region, name, " SSM_COLUMNS ")"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
              "ttTiiiiiiitTTTTb", call->account, call->region, put->name.key.data,
              put->name.key.len, new->version, (int64_t) new->type, (int64_t) new->data_type,
              (int64_t) new->tier, (int64_t) new->slash, new->modified_ms, new->expires_ms,
              ssm_caller(call), new->key_id.data, new->key_id.len, new->description.data,
              new->description.len, new->allowed_pattern.data, new->allowed_pattern.len,
              new->policies.data, new->policies.len, new->value.data, new->value.len);
}

static void store_all(struct put *put)
{
    if (put->exists)
        keep_old(put);
    write_new(put);
    if (put->new.policies.len || put->old.policies.len)
        ssm_policies_expect(put->call, put->name.key, &put->new);
    if (!put->exists || put->old.tier != put->new.tier)
        count_one(put, put->new.tier, 1);
    if (put->exists && put->old.tier != put->new.tier)
        count_one(put, put->old.tier, -1);
    if (put->tag_count) {
        struct ssm_tag_list list = {.count = 0};
        ssm_tags_add(&list, put->tags, put->tag_count);
        ssm_tags_store(put->call, put->name.key, &list);
    }
}

/* Omitted members of an overwrite keep their value; an empty text takes it away. */
static void take_description(struct put *put)
{
    struct text given = input_text(put->call, "Description");
    put->new.description = given.data ? given : put->old.description;
    if (put->new.description.len == 0)
        put->new.description = (struct text){0};
}

static enum local_result check_against_old(struct put *put)
{
    static enum local_result (*const checks[])(struct put *) = {
        check_existing, check_type, check_data_type, check_pattern,
        check_policies, check_tier, check_limits,    check_versions,
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i](put) != LOCAL_OK)
            return LOCAL_FAILED;
    return LOCAL_OK;
}

enum local_result ssm_put_parameter(struct local_call *call)
{
    struct put put = {.call = call, .plaintext = input_text(call, "Value")};
    put.new.modified_ms = ssm_now_ms(call);
    if (check_name(&put) != LOCAL_OK || check_tags(&put) != LOCAL_OK ||
        check_value(&put) != LOCAL_OK)
        return LOCAL_FAILED;
    ssm_policies_act_on(call, put.name.key);
    if (check_against_old(&put) != LOCAL_OK)
        return LOCAL_FAILED;
    take_description(&put);
    if (put.new.data_type != SSM_IMAGE || image_exists(&put)) {
        enum local_result sealed = seal(&put);
        if (sealed != LOCAL_OK)
            return sealed;
        store_all(&put);
        ssm_event_change(call, put.name.key, &put.new, put.exists ? "Update" : "Create");
    }
    json_put_int(call->out, "Version", put.new.version);
    json_put_text(call->out, "Tier", ssm_tier_names[put.new.tier]);
    return LOCAL_OK;
}
