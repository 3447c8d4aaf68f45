#include "local/services/kms_parts.h"

#include "aws/arn.h"
#include "aws/region.h"

#include <string.h>

/* The policies AWS gives its managed keys (observed; the second also in the Secrets Manager user
 * guide). $VIA becomes the service's host in the Region. */
#define ACCESS_THROUGH(name, actions)                                                              \
    "{\"Sid\":\"Allow access through " name " for all principals in the account that are "         \
    "authorized to use " name "\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"             \
    "\"Action\":" actions ",\"Resource\":\"*\",\"Condition\":"
#define TO_METADATA(actions)                                                                       \
    "{\"Sid\":\"Allow direct access to key metadata to the account\",\"Effect\":\"Allow\","        \
    "\"Principal\":{\"AWS\":\"arn:$PARTITION:iam::$ACCOUNT:root\"},\"Action\":" actions            \
    ",\"Resource\":\"*\"}"

const struct kms_managed kms_managed_keys[] = {
    {"alias/aws/secretsmanager", "secretsmanager",
     "Default key that protects my Secrets Manager data when no other key is "
     "defined",
     "{\"Version\":\"2012-10-17\",\"Id\":\"auto-secretsmanager-2\","
     "\"Statement\":[" ACCESS_THROUGH(
         "AWS Secrets Manager",
         "[\"kms:Encrypt\",\"kms:Decrypt\",\"kms:ReEncrypt*\",\"kms:"
         "CreateGrant\","
         "\"kms:DescribeKey\"]") "{\"StringEquals\":{\"kms:CallerAccount\":"
                                 "\"$ACCOUNT\",\"kms:ViaService\":\"$VIA\"}}}"
                                 "," ACCESS_THROUGH("AWS Secrets Manager",
                                                    "\"kms:GenerateDataKey*"
                                                    "\"") "{\"StringEquals\":"
                                                          "{\"kms:"
                                                          "CallerAccount\":"
                                                          "\"$ACCOUNT\"},"
                                                          "\"StringLike\":{"
                                                          "\"kms:"
                                                          "ViaService\":\"$"
                                                          "VIA\"}}}"
                                                          "," TO_METADATA("[\"kms:"
                                                                          "Describe*\","
                                                                          "\"kms:Get*\","
                                                                          "\"kms:List*\","
                                                                          "\"kms:"
                                                                          "RevokeGrant\""
                                                                          "]") "]}"},
    {"alias/aws/ssm", "ssm",
     "Default key that protects my SSM parameters when no other key is "
     "defined",
     "{\"Version\":\"2012-10-17\",\"Id\":\"auto-ssm-1\",\"Statement\":"
     "[" ACCESS_THROUGH("SSM", "[\"kms:Encrypt\",\"kms:Decrypt\",\"kms:"
                               "ReEncrypt*\","
                               "\"kms:GenerateDataKey*\",\"kms:"
                               "DescribeKey\"]") "{\"StringEquals\":{\"kms:"
                                                 "CallerAccount\":\"$"
                                                 "ACCOUNT\",\"kms:"
                                                 "ViaService\":\"$VIA\"}}}"
                                                 "," TO_METADATA("[\"kms:"
                                                                 "Describe*"
                                                                 "\",\"kms:"
                                                                 "Get*\","
                                                                 "\"kms:List*"
                                                                 "\"]") "]}"},
    {0}};

const struct kms_managed *kms_managed_find(const char *alias)
{
    for (const struct kms_managed *managed = kms_managed_keys; managed->alias; managed++)
        if (strcmp(managed->alias, alias) == 0)
            return managed;
    return NULL;
}

char *kms_via(struct local_call *call, const char *service)
{
    if (!service)
        return NULL;
    return arena_printf(call->arena, "%s.%s.%s", service, call->region,
                        partition_of(call->region)->dns_suffix);
}

static char *fill_in(struct local_call *call, const struct kms_managed *managed)
{
    struct buf text;
    buf_init(&text, KMS_LARGEST_POLICY);
    for (const char *c = managed->policy; *c;) {
        size_t run = strcspn(c, "$");
        buf_append(&text, c, run);
        c += run;
        if (text_starts(c, "$ACCOUNT")) {
            buf_append_text(&text, call->account);
            c += strlen("$ACCOUNT");
        } else if (text_starts(c, "$PARTITION")) {
            buf_append_text(&text, call->partition);
            c += strlen("$PARTITION");
        } else if (text_starts(c, "$VIA")) {
            buf_append_text(&text, kms_via(call, managed->service));
            c += strlen("$VIA");
        }
    }
    char *policy = arena_strdup(call->arena, buf_text(&text));
    buf_done(&text);
    return policy;
}

bool kms_managed_allows(const char *service, const char *action, const char *via)
{
    static const char *const uses[] = {"kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", NULL};
    if (!via || strcmp(via, service) != 0)
        return false;
    if (text_starts(action, "kms:GenerateDataKey") || text_starts(action, "kms:ReEncrypt"))
        return true;
    for (const char *const *use = uses; *use; use++)
        if (strcmp(action, *use) == 0)
            return true;
    return false;
}

enum local_result kms_managed_make(struct local_call *call, const struct kms_managed *managed,
                                   const char **id)
{
    char *shown;
    struct error err;
    if (kms_policy_format(call->arena, fill_in(call, managed), &shown, &err) != 0)
        return local_fail(call, "KMSInternalException", "%s", err.message);
    char *made = arena_alloc(call->arena, KMS_ID_SIZE);
    kms_insert(call,
               &(struct kms_new_key){.spec = kms_spec_find("SYMMETRIC_DEFAULT"),
                                     .usage = "ENCRYPT_DECRYPT",
                                     .origin = "AWS_KMS",
                                     .description = managed->description,
                                     .policy = shown,
                                     .service = managed->service,
                                     .shape = KMS_POLICY_SERVICE},
               made);
    kms_schedule_rotation(call, made, 365); /* they rotate yearly (section 9) */
    int64_t now_ms = call->local->clock->now_ms(call->local->clock);
    store_run(call->store,
              "INSERT INTO kms_aliases (account, region, name, key_id, created_ms, updated_ms) "
              "VALUES ($1, $2, $3, $4, $5, $6)",
              "ttttii", call->account, call->region, managed->alias, made, now_ms, now_ms);
    *id = made;
    return LOCAL_OK;
}
