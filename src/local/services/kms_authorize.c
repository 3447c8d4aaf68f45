/* May the caller? Key policies and grants with their condition keys (shared facts kms.md section 9;
 * sts-iam-sigv4.md section 8). */
#include "local/both_sides.h"
#include "local/condition_keys.h"
#include "local/services/kms_grant.h"

#include <string.h>

static void add_context(struct condition_keys *keys, const struct kms_context *context)
{
    struct arena *arena = keys->call->arena;
    const char **names = arena_calloc(arena, context->count + 1, sizeof *names);
    for (size_t i = 0; i < context->count; i++) {
        names[i] = context->pairs[i].key;
        condition_keys_add(keys, arena_printf(arena, "kms:EncryptionContext:%s", names[i]),
                           context->pairs[i].value);
    }
    condition_keys_add_list(keys, "kms:EncryptionContextKeys", names);
}

static const char *yes_or_no(bool yes)
{
    return yes ? "true" : "false";
}

/* Condition keys that repeat a member of the request: their operations are those that have it. */
static const struct {
    const char *key, *member;
} repeated[] = {
    {"kms:CustomerMasterKeySpec", "CustomerMasterKeySpec"},
    {"kms:DataKeyPairSpec", "KeyPairSpec"},
    {"kms:ExpirationModel", "ExpirationModel"},
    {"kms:GranteePrincipal", "GranteePrincipal"},
    {"kms:GranteeServicePrincipal", "GranteeServicePrincipal"},
    {"kms:KeyAgreementAlgorithm", "KeyAgreementAlgorithm"},
    {"kms:MacAlgorithm", "MacAlgorithm"},
    {"kms:PrimaryRegion", "PrimaryRegion"},
    {"kms:ReplicaRegion", "ReplicaRegion"},
    {"kms:RetiringPrincipal", "RetiringPrincipal"},
    {"kms:RetiringServicePrincipal", "RetiringServicePrincipal"},
    {"kms:SigningAlgorithm", "SigningAlgorithm"},
    {"kms:WrappingAlgorithm", "WrappingAlgorithm"},
    {"kms:WrappingKeySpec", "WrappingKeySpec"},
};

static bool has_member(const struct local_call *call, const char *name)
{
    const struct local_member *member = call->operation->input;
    while (member && member->name && strcmp(member->name, name) != 0)
        member++;
    return member && member->name;
}

static void add_number(struct condition_keys *keys, const char *key, const char *member)
{
    const json_t *value = local_value(keys->call, member);
    if (value)
        condition_keys_add(keys, key,
                           arena_printf(keys->call->arena, "%.17g", json_number_value(value)));
}

static void add_grant(struct condition_keys *keys)
{
    static const char *const types[] = {"EncryptionContextEquals", "EncryptionContextSubset"};
    struct local_call *call = keys->call;
    const json_t *constraints = local_value(call, "Constraints");
    condition_keys_add_json(keys, "kms:GrantOperations", local_value(call, "Operations"), NULL);
    for (size_t i = 0; i < 2; i++)
        if (json_object_get(constraints, types[i]))
            condition_keys_add(keys, "kms:GrantConstraintType", types[i]);
    /* A service that asks for one of its resources: none does by this way. */
    if (strstr(call->operation->name, "Grant"))
        condition_keys_add(keys, "kms:GrantIsForAWSResource", "false");
}

/* What the request itself says; nothing when another service asks. */
static void add_request(struct condition_keys *keys)
{
    struct local_call *call = keys->call;
    if (call->service != &kms_service)
        return;
    const char *type = local_text(call, "MessageType");
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++)
        condition_keys_add(keys, repeated[i].key, local_text(call, repeated[i].member));
    if (has_member(call, "MessageType"))
        condition_keys_add(keys, "kms:MessageType", type ? type : "RAW");
    condition_keys_add_tags(keys, local_value(call, "Tags"), "TagKey", "TagValue");
    condition_keys_add_tags(keys, local_value(call, "TagKeys"), NULL, NULL);
    add_number(keys, "kms:ScheduleKeyDeletionPendingWindowInDays", "PendingWindowInDays");
    add_number(keys, "kms:RotationPeriodInDays", "RotationPeriodInDays");
    add_number(keys, "kms:ValidTo", "ValidTo");
    add_grant(keys);
    if (has_member(call, "BypassPolicyLockoutSafetyCheck"))
        condition_keys_add(keys, "kms:BypassPolicyLockoutSafetyCheck",
                           yes_or_no(local_bool(call, "BypassPolicyLockoutSafetyCheck", false)));
}

/* kms:EncryptionAlgorithm, of the side that is asked about. */
static void add_algorithm(struct condition_keys *keys, const char *action)
{
    static const struct {
        const char *action, *member;
    } sides[] = {{"kms:Encrypt", "EncryptionAlgorithm"},
                 {"kms:Decrypt", "EncryptionAlgorithm"},
                 {"kms:ReEncryptFrom", "SourceEncryptionAlgorithm"},
                 {"kms:ReEncryptTo", "DestinationEncryptionAlgorithm"}};
    const char *given = NULL;
    bool encrypts = text_starts(action, "kms:GenerateDataKey");
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        if (strcmp(sides[i].action, action) == 0) {
            encrypts = true;
            given = keys->call->service == &kms_service ? local_text(keys->call, sides[i].member)
                                                        : NULL;
        }
    if (encrypts)
        condition_keys_add(keys, "kms:EncryptionAlgorithm", given ? given : "SYMMETRIC_DEFAULT");
}

struct creation {
    const char *spec, *usage, *origin, *type; /* type of a multi-Region key; NULL: of one Region */
};

static enum local_result allow_creation(struct local_call *call, const char *action,
                                        const char *resource, const struct creation *creation)
{
    struct condition_keys keys = {.call = call};
    condition_keys_add(&keys, "kms:CallerAccount", call->caller->account);
    condition_keys_add(&keys, "kms:KeySpec", creation->spec);
    condition_keys_add(&keys, "kms:KeyUsage", creation->usage);
    condition_keys_add(&keys, "kms:KeyOrigin", creation->origin);
    condition_keys_add(&keys, "kms:MultiRegion", yes_or_no(creation->type));
    condition_keys_add(&keys, "kms:MultiRegionKeyType", creation->type);
    add_request(&keys);
    return local_authorize_question(call, &(struct local_question){.action = action,
                                                                   .resource = resource,
                                                                   .context = keys.items,
                                                                   .context_count = keys.count});
}

static const char *either(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

enum local_result kms_allow_creation(struct local_call *call, const char *action,
                                     const char *resource)
{
    const char *old = local_text(call, "CustomerMasterKeySpec");
    struct creation creation = {.spec = either(local_text(call, "KeySpec"),
                                               either(old, "SYMMETRIC_DEFAULT")),
                                .usage = either(local_text(call, "KeyUsage"), "ENCRYPT_DECRYPT"),
                                .origin = either(local_text(call, "Origin"), "AWS_KMS"),
                                .type = local_bool(call, "MultiRegion", false) ? "PRIMARY" : NULL};
    return allow_creation(call, action, resource, &creation);
}

enum local_result kms_allow_replica(struct local_call *call, const char *action,
                                    const struct kms_key *key)
{
    bool creates = strcmp(action, "kms:CreateKey") == 0;
    struct creation creation = {key->spec, key->usage, key->origin, "REPLICA"};
    return allow_creation(call, action, creates ? "*" : local_arn(call, "kms", "key/*"), &creation);
}

static struct condition_keys keys_of(struct local_call *call, const struct kms_key *key,
                                     const struct kms_question *question)
{
    static const char *const kinds[] = {NULL, "PRIMARY", "REPLICA"};
    struct condition_keys keys = {.call = call};
    size_t tag_count;
    const struct kms_tag *tags = kms_key_tags(call, key, &tag_count);
    condition_keys_add(&keys, "kms:CallerAccount", call->caller->account);
    condition_keys_add(&keys, "kms:ViaService", kms_via(call, question->via));
    condition_keys_add(&keys, "kms:KeyOrigin", key->origin);
    condition_keys_add(&keys, "kms:KeySpec", key->spec);
    condition_keys_add(&keys, "kms:KeyUsage", key->usage);
    condition_keys_add(&keys, "kms:MultiRegion", yes_or_no(key->multi_region));
    condition_keys_add(&keys, "kms:MultiRegionKeyType", kinds[key->multi_region]);
    condition_keys_add(&keys, "kms:RequestAlias", question->alias);
    condition_keys_add_list(&keys, "kms:ResourceAliases", kms_key_aliases(call, key));
    condition_keys_add(&keys, "aws:ResourceAccount", key->account);
    for (size_t i = 0; i < tag_count; i++)
        condition_keys_add(&keys, arena_printf(call->arena, "aws:ResourceTag/%s", tags[i].key),
                           tags[i].value);
    add_context(&keys, &question->context);
    add_algorithm(&keys, question->action);
    if (question->pair)
        condition_keys_add(&keys, "kms:ReEncryptOnSameKey", yes_or_no(question->same_key));
    add_request(&keys);
    return keys;
}

const char *kms_in_partition(struct local_call *call, const char *arn)
{
    static const char common[] = "arn:aws:";
    if (strcmp(call->partition, "aws") == 0 || !text_starts(arn, common))
        return arn;
    return arena_printf(call->arena, "arn:%s:%s", call->partition, arn + strlen(common));
}

const char *kms_caller(struct local_call *call)
{
    return kms_in_partition(call, call->caller->arn);
}

/* What the policies do not allow, a grant may; what they deny, nothing does. */
static const char *refusal(struct local_call *call, const struct kms_key *key,
                           const struct kms_question *question, struct both_sides *sides)
{
    const char *why = both_sides_refusal(call->arena, sides);
    if (!why || sides->resource == POLICY_DENY)
        return why;
    enum policy_match match = kms_grant_match(call, key, question);
    if (match == POLICY_MATCH_NONE)
        return why;
    struct both_sides granted = *sides;
    granted.resource = POLICY_ALLOW;
    granted.match = match;
    return both_sides_refusal(call->arena, &granted) ? why : NULL;
}

enum local_result kms_allow(struct local_call *call, const struct kms_key *key,
                            const struct kms_question *question)
{
    const struct principal *caller = call->caller;
    bool own = strcmp(caller->account, key->account) == 0;
    /* The two policies nearly every key has, and the caller nearly everybody is, need no
     * evaluation; tests/unit/local/test_kms_policy.c compares with what it would say. */
    bool delegates = own && key->shape == KMS_POLICY_DEFAULT;
    bool through = own && key->shape == KMS_POLICY_SERVICE &&
                   kms_managed_allows(key->service, question->action, question->via);
    if ((delegates || through) && caller->administrator && !caller->session_policy)
        return LOCAL_OK;
    struct condition_keys keys = keys_of(call, key, question);
    struct local_question asked = {.action = question->action,
                                   .resource = key->arn,
                                   .via = question->via,
                                   .context = keys.items,
                                   .context_count = keys.count};
    struct both_sides sides = {.action = question->action,
                               .same_account = own,
                               .resource = POLICY_ALLOW,
                               .match = POLICY_MATCH_ACCOUNT};
    local_ask(call, &asked, &sides.caller);
    if (!delegates) {
        struct policy_question full;
        local_policy_question(call, &asked, &full);
        const struct policy *policy = kms_key_policy(key);
        sides.resource = policy ? policy_evaluate(policy, &full, &sides.match) : POLICY_NO_MATCH;
    }
    const char *why = refusal(call, key, question, &sides);
    if (!why)
        return LOCAL_OK;
    return local_fail(call, "AccessDeniedException",
                      "User: %s is not authorized to perform: %s on resource: %s%s",
                      kms_caller(call), question->action, key->arn, why);
}

/* The key that ReEncrypt encrypts under; NULL when it cannot be found now. */
static const struct kms_key *destination(struct local_call *call)
{
    const struct kms_key *key;
    return kms_find(call, local_text(call, "DestinationKeyId"), KMS_TO_CRYPT, &key) == LOCAL_OK
               ? key
               : NULL;
}

/* A grant's constraints stand for the context of what it will allow (D23). */
static struct kms_context context_asked(struct local_call *call, bool re_encrypt)
{
    const json_t *constraints = local_value(call, "Constraints");
    const json_t *equals = json_object_get(constraints, "EncryptionContextEquals");
    if (constraints)
        return kms_context_from(call,
                                equals ? equals
                                       : json_object_get(constraints, "EncryptionContextSubset"));
    return kms_context_of(call, re_encrypt ? "SourceEncryptionContext" : "EncryptionContext");
}

static enum local_result authorize_key(struct local_call *call, const char *action,
                                       const struct kms_key *key)
{
    bool re_encrypt = strcmp(call->operation->name, "ReEncrypt") == 0;
    bool decrypt = re_encrypt || strcmp(call->operation->name, "Decrypt") == 0;
    bool retire = strcmp(call->operation->name, "RetireGrant") == 0;
    const char *named = local_text(call, re_encrypt ? "SourceKeyId" : "KeyId");
    struct kms_question question = {.action = action,
                                    .alias = named ? strstr(named, "alias/") : NULL,
                                    .context = context_asked(call, re_encrypt),
                                    .grant_id = retire ? kms_grant_asked(call) : NULL,
                                    .pair = re_encrypt};
    char arn[KMS_ARN_SIZE];
    if (re_encrypt) {
        memcpy(arn, key->arn, sizeof arn);
        const struct kms_key *other = destination(call);
        question.same_key = other && strcmp(other->arn, arn) == 0;
    }
    enum local_result result = kms_allow(call, key, &question);
    if (result == LOCAL_FAILED && decrypt && !named)
        return kms_fail_ciphertext(call);
    return result;
}

enum local_result kms_authorize(struct local_call *call, const char *action, const char *resource)
{
    const char *id = strstr(resource, ":key/");
    bool about_aliases = strstr(call->operation->name, "Alias") != NULL;
    if (kms_check_grant_tokens(call) != LOCAL_OK)
        return LOCAL_FAILED;
    if (!id) {
        /* An AWS managed key that is not made yet: asked by kms_find once it is. */
        if (strstr(resource, ":alias/") && !about_aliases)
            return LOCAL_OK;
        return strcmp(action, "kms:CreateKey") == 0 ? kms_allow_creation(call, action, resource)
                                                    : local_authorize(call, action, resource, NULL);
    }
    const struct kms_key *key = kms_load(call, id + strlen(":key/"));
    if (!key)
        return local_fail(call, "NotFoundException", "Key '%s' does not exist", resource);
    return authorize_key(call, action, key);
}
