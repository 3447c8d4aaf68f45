#include "local/services/kms_input.h"

/* --- members (model kms 2014-11-01) ----------------------------------------------------------- */

#define KEY_ID .type = LOCAL_STRING, .min = 1, .max = 2048
#define ALIAS  .type = LOCAL_STRING, .min = 1, .max = 256, .pattern = "^[a-zA-Z0-9:/_-]+$"
#define POLICY_TEXT                                                                                \
    .type = LOCAL_STRING, .min = 1, .max = 131072,                                                 \
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
#define POLICY_NAME .type = LOCAL_STRING, .min = 1, .max = 128, .pattern = "[\\w]+"
#define MARKER      .type = LOCAL_STRING, .min = 1, .max = 1024, .pattern = "[\\u0020-\\u00FF]*"
#define ALGORITHM   .type = LOCAL_STRING, .values = algorithms
#define CONTEXT     .type = LOCAL_MAP, .element = &any_text
#define GRANT_TOKENS                                                                               \
    {                                                                                              \
        "GrantTokens", LOCAL_LIST, .max = 10, .element = &grant_token                              \
    }
#define DRY_RUN                                                                                    \
    {                                                                                              \
        .name = "DryRun", .type = LOCAL_BOOLEAN                                                    \
    }
#define RECIPIENT                                                                                  \
    {                                                                                              \
        "Recipient", LOCAL_STRUCTURE, .members = recipient                                         \
    }

static const char *const algorithms[] = {"SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1",
                                         "RSAES_OAEP_SHA_256", "SM2PKE", NULL};
static const char *const usages[] = {"SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC",
                                     "KEY_AGREEMENT", NULL};
static const char *const origins[] = {"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE",
                                      NULL};
/* Those that the old member knows stand first in the new one. */
#define OLD_KEY_SPECS                                                                              \
    "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",         \
        "ECC_SECG_P256K1", "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512",    \
        "SM2"
static const char *const old_key_specs[] = {OLD_KEY_SPECS, NULL};
static const char *const key_specs[] = {
    OLD_KEY_SPECS, "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ECC_NIST_EDWARDS25519", NULL};
static const char *const pair_specs[] = {
    "RSA_2048",      "RSA_3072",        "RSA_4096", "ECC_NIST_P256",         "ECC_NIST_P384",
    "ECC_NIST_P521", "ECC_SECG_P256K1", "SM2",      "ECC_NIST_EDWARDS25519", NULL};
static const char *const signing_algorithms[] = {"RSASSA_PSS_SHA_256",
                                                 "RSASSA_PSS_SHA_384",
                                                 "RSASSA_PSS_SHA_512",
                                                 "RSASSA_PKCS1_V1_5_SHA_256",
                                                 "RSASSA_PKCS1_V1_5_SHA_384",
                                                 "RSASSA_PKCS1_V1_5_SHA_512",
                                                 "ECDSA_SHA_256",
                                                 "ECDSA_SHA_384",
                                                 "ECDSA_SHA_512",
                                                 "SM2DSA",
                                                 "ML_DSA_SHAKE_256",
                                                 "ED25519_SHA_512",
                                                 "ED25519_PH_SHA_512",
                                                 NULL};
static const char *const message_types[] = {"RAW", "DIGEST", "EXTERNAL_MU", NULL};
static const char *const mac_algorithms[] = {"HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384",
                                             "HMAC_SHA_512", NULL};
static const char *const agreements[] = {"ECDH", NULL};
static const char *const wrapping_algorithms[] = {"RSAES_PKCS1_V1_5",
                                                  "RSAES_OAEP_SHA_1",
                                                  "RSAES_OAEP_SHA_256",
                                                  "RSA_AES_KEY_WRAP_SHA_1",
                                                  "RSA_AES_KEY_WRAP_SHA_256",
                                                  "SM2PKE",
                                                  NULL};
static const char *const wrapping_specs[] = {"RSA_2048", "RSA_3072", "RSA_4096", "SM2", NULL};
static const char *const expiration_models[] = {"KEY_MATERIAL_EXPIRES",
                                                "KEY_MATERIAL_DOES_NOT_EXPIRE", NULL};
static const char *const import_types[] = {"NEW_KEY_MATERIAL", "EXISTING_KEY_MATERIAL", NULL};
static const char *const inclusions[] = {"ALL_KEY_MATERIAL", "ROTATIONS_ONLY", NULL};
static const char *const grant_operations[] = {"Decrypt",
                                               "Encrypt",
                                               "GenerateDataKey",
                                               "GenerateDataKeyWithoutPlaintext",
                                               "ReEncryptFrom",
                                               "ReEncryptTo",
                                               "Sign",
                                               "Verify",
                                               "GetPublicKey",
                                               "CreateGrant",
                                               "RetireGrant",
                                               "DescribeKey",
                                               "GenerateDataKeyPair",
                                               "GenerateDataKeyPairWithoutPlaintext",
                                               "GenerateMac",
                                               "VerifyMac",
                                               "DeriveSharedSecret",
                                               NULL};
static const char *const store_types[] = {"AWS_CLOUDHSM", "EXTERNAL_KEY_STORE", NULL};
static const char *const connectivities[] = {"PUBLIC_ENDPOINT", "VPC_ENDPOINT_SERVICE", NULL};
static const char *const data_key_specs[] = {"AES_256", "AES_128", NULL};
static const char *const recipient_algorithms[] = {"RSAES_OAEP_SHA_256", NULL};
static const char *const modifiers[] = {"IGNORE_CIPHERTEXT", NULL};

static const struct local_member any_text = {.type = LOCAL_STRING};
static const struct local_member grant_token = {.type = LOCAL_STRING, .min = 1, .max = 8192};
static const struct local_member modifier = {.type = LOCAL_STRING, .values = modifiers};
static const struct local_member recipient[] = {{"KeyEncryptionAlgorithm", LOCAL_STRING,
                                                 .values = recipient_algorithms},
                                                {"AttestationDocument", LOCAL_BLOB, .min = 1,
                                                 .max = 262144},
                                                {0}};
static const struct local_member tag_members[] = {{"TagKey", LOCAL_STRING, LOCAL_REQUIRED, .min = 1,
                                                   .max = 128},
                                                  {"TagValue", LOCAL_STRING, LOCAL_REQUIRED,
                                                   .max = 256},
                                                  {0}};
static const struct local_member tag = {.type = LOCAL_STRUCTURE, .members = tag_members};
static const struct local_member tag_key = {.type = LOCAL_STRING, .min = 1, .max = 128};

const struct local_member kms_create_key_members[] = {
    {"Policy", POLICY_TEXT},
    {"Description", LOCAL_STRING, .max = 8192},
    {"KeyUsage", LOCAL_STRING, .values = usages},
    {"CustomerMasterKeySpec", LOCAL_STRING, .values = old_key_specs},
    {"KeySpec", LOCAL_STRING, .values = key_specs},
    {"Origin", LOCAL_STRING, .values = origins},
    {"CustomKeyStoreId", LOCAL_STRING, .min = 1, .max = 64},
    {.name = "BypassPolicyLockoutSafetyCheck", .type = LOCAL_BOOLEAN},
    {"Tags", LOCAL_LIST, .element = &tag},
    {.name = "MultiRegion", .type = LOCAL_BOOLEAN},
    {"XksKeyId", LOCAL_STRING, .min = 1, .max = 128, .pattern = "^[a-zA-Z0-9-_.]+$"},
    {0}};
const struct local_member kms_key_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED}, {0}};
const struct local_member kms_describe_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                    GRANT_TOKENS,
                                                    {0}};
const struct local_member kms_list_keys_members[] = {
    {"Limit", LOCAL_INTEGER, .min = 1, .max = 1000}, {"Marker", MARKER}, {0}};
const struct local_member kms_alias_target_members[] = {{"AliasName", ALIAS,
                                                         .flags = LOCAL_REQUIRED},
                                                        {"TargetKeyId", KEY_ID,
                                                         .flags = LOCAL_REQUIRED},
                                                        {0}};
const struct local_member kms_alias_members[] = {{"AliasName", ALIAS, .flags = LOCAL_REQUIRED},
                                                 {0}};
const struct local_member kms_list_aliases_members[] = {
    {"KeyId", KEY_ID}, {"Limit", LOCAL_INTEGER, .min = 1, .max = 100}, {"Marker", MARKER}, {0}};
const struct local_member kms_encrypt_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                   {"Plaintext", LOCAL_BLOB,
                                                    LOCAL_REQUIRED | LOCAL_SENSITIVE, .min = 1,
                                                    .max = 4096},
                                                   {"EncryptionContext", CONTEXT},
                                                   GRANT_TOKENS,
                                                   {"EncryptionAlgorithm", ALGORITHM},
                                                   DRY_RUN,
                                                   {0}};
const struct local_member kms_decrypt_members[] = {{"CiphertextBlob", LOCAL_BLOB, .min = 1,
                                                    .max = 6144},
                                                   {"EncryptionContext", CONTEXT},
                                                   GRANT_TOKENS,
                                                   {"KeyId", KEY_ID},
                                                   {"EncryptionAlgorithm", ALGORITHM},
                                                   RECIPIENT,
                                                   DRY_RUN,
                                                   {"DryRunModifiers", LOCAL_LIST,
                                                    .element = &modifier},
                                                   {0}};
const struct local_member kms_re_encrypt_members[] = {
    {"CiphertextBlob", LOCAL_BLOB, .min = 1, .max = 6144},
    {"SourceEncryptionContext", CONTEXT},
    {"SourceKeyId", KEY_ID},
    {"DestinationKeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"DestinationEncryptionContext", CONTEXT},
    {"SourceEncryptionAlgorithm", ALGORITHM},
    {"DestinationEncryptionAlgorithm", ALGORITHM},
    GRANT_TOKENS,
    DRY_RUN,
    {"DryRunModifiers", LOCAL_LIST, .element = &modifier},
    {0}};
const struct local_member kms_data_key_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                    {"EncryptionContext", CONTEXT},
                                                    {"NumberOfBytes", LOCAL_INTEGER, .min = 1,
                                                     .max = 1024},
                                                    {"KeySpec", LOCAL_STRING,
                                                     .values = data_key_specs},
                                                    GRANT_TOKENS,
                                                    RECIPIENT,
                                                    DRY_RUN,
                                                    {0}};
const struct local_member kms_random_members[] = {{"NumberOfBytes", LOCAL_INTEGER, .min = 1,
                                                   .max = 1024},
                                                  {"CustomKeyStoreId", LOCAL_STRING, .min = 1,
                                                   .max = 64},
                                                  RECIPIENT,
                                                  {0}};
const struct local_member kms_description_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                       {"Description", LOCAL_STRING, LOCAL_REQUIRED,
                                                        .max = 8192},
                                                       {0}};
const struct local_member kms_tag_resource_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                        {"Tags", LOCAL_LIST, LOCAL_REQUIRED,
                                                         .element = &tag},
                                                        {0}};
const struct local_member kms_untag_resource_members[] = {{"KeyId", KEY_ID,
                                                           .flags = LOCAL_REQUIRED},
                                                          {"TagKeys", LOCAL_LIST, LOCAL_REQUIRED,
                                                           .element = &tag_key},
                                                          {0}};
const struct local_member kms_list_tags_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                     {"Limit", LOCAL_INTEGER, .min = 1, .max = 50},
                                                     {"Marker", MARKER},
                                                     {0}};
const struct local_member kms_get_policy_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                      {"PolicyName", POLICY_NAME},
                                                      {0}};
const struct local_member kms_put_policy_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                      {"PolicyName", POLICY_NAME},
                                                      {"Policy", POLICY_TEXT,
                                                       .flags = LOCAL_REQUIRED},
                                                      {.name = "BypassPolicyLockoutSafetyCheck",
                                                       .type = LOCAL_BOOLEAN},
                                                      {0}};
const struct local_member kms_list_policies_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                         {"Limit", LOCAL_INTEGER, .min = 1,
                                                          .max = 1000},
                                                         {"Marker", MARKER},
                                                         {0}};
const struct local_member kms_schedule_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    /* 7 to 30 in the guide; the model's 1 to 365 is wider. */
    {"PendingWindowInDays", LOCAL_INTEGER, .min = 7, .max = 30},
    {0}};

/* --- keys of several Regions, rotation, import ------------------------------------------------ */

#define REGION .type = LOCAL_STRING, .min = 1, .max = 32, .pattern = "^([a-z]+-){2,3}\\d+$"

const struct local_member kms_replicate_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                     {"ReplicaRegion", REGION,
                                                      .flags = LOCAL_REQUIRED},
                                                     {"Policy", POLICY_TEXT},
                                                     {.name = "BypassPolicyLockoutSafetyCheck",
                                                      .type = LOCAL_BOOLEAN},
                                                     {"Description", LOCAL_STRING, .max = 8192},
                                                     {"Tags", LOCAL_LIST, .element = &tag},
                                                     {0}};
const struct local_member kms_primary_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                   {"PrimaryRegion", REGION,
                                                    .flags = LOCAL_REQUIRED},
                                                   {0}};
const struct local_member kms_enable_rotation_members[] = {{"KeyId", KEY_ID,
                                                            .flags = LOCAL_REQUIRED},
                                                           {"RotationPeriodInDays", LOCAL_INTEGER,
                                                            .min = 90, .max = 2560},
                                                           {0}};
const struct local_member kms_list_rotations_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"IncludeKeyMaterial", LOCAL_STRING, .values = inclusions},
    {"Limit", LOCAL_INTEGER, .min = 1, .max = 1000},
    {"Marker", MARKER},
    {0}};

#define MATERIAL_ID .type = LOCAL_STRING, .min = 64, .max = 64, .pattern = "^[a-f0-9]+$"

const struct local_member kms_wrapping_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                    {"WrappingAlgorithm", LOCAL_STRING,
                                                     LOCAL_REQUIRED, .values = wrapping_algorithms},
                                                    {"WrappingKeySpec", LOCAL_STRING,
                                                     LOCAL_REQUIRED, .values = wrapping_specs},
                                                    {0}};
const struct local_member kms_import_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"ImportToken", LOCAL_BLOB, LOCAL_REQUIRED, .min = 1, .max = 6144},
    {"EncryptedKeyMaterial", LOCAL_BLOB, LOCAL_REQUIRED, .min = 1, .max = 6144},
    {.name = "ValidTo", .type = LOCAL_TIMESTAMP},
    {"ExpirationModel", LOCAL_STRING, .values = expiration_models},
    {"ImportType", LOCAL_STRING, .values = import_types},
    {"KeyMaterialDescription", LOCAL_STRING, .max = 256, .pattern = "^[a-zA-Z0-9:/_\\s.-]+$"},
    {"KeyMaterialId", MATERIAL_ID},
    {0}};
const struct local_member kms_delete_import_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                         {"KeyMaterialId", MATERIAL_ID},
                                                         {0}};

/* --- asymmetric and HMAC keys ----------------------------------------------------------------- */

#define MESSAGE .type = LOCAL_BLOB, .min = 1, .max = 4096

const struct local_member kms_sign_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"Message", MESSAGE, .flags = LOCAL_REQUIRED | LOCAL_SENSITIVE},
    {"MessageType", LOCAL_STRING, .values = message_types},
    GRANT_TOKENS,
    {"SigningAlgorithm", LOCAL_STRING, LOCAL_REQUIRED, .values = signing_algorithms},
    DRY_RUN,
    {0}};
const struct local_member kms_verify_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"Message", MESSAGE, .flags = LOCAL_REQUIRED | LOCAL_SENSITIVE},
    {"MessageType", LOCAL_STRING, .values = message_types},
    {"Signature", LOCAL_BLOB, LOCAL_REQUIRED, .min = 1, .max = 6144},
    {"SigningAlgorithm", LOCAL_STRING, LOCAL_REQUIRED, .values = signing_algorithms},
    GRANT_TOKENS,
    DRY_RUN,
    {0}};
const struct local_member kms_mac_members[] = {{"Message", MESSAGE,
                                                .flags = LOCAL_REQUIRED | LOCAL_SENSITIVE},
                                               {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                               {"MacAlgorithm", LOCAL_STRING, LOCAL_REQUIRED,
                                                .values = mac_algorithms},
                                               GRANT_TOKENS,
                                               DRY_RUN,
                                               {0}};
const struct local_member kms_verify_mac_members[] = {
    {"Message", MESSAGE, .flags = LOCAL_REQUIRED | LOCAL_SENSITIVE},
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"MacAlgorithm", LOCAL_STRING, LOCAL_REQUIRED, .values = mac_algorithms},
    {"Mac", LOCAL_BLOB, LOCAL_REQUIRED, .min = 1, .max = 6144},
    GRANT_TOKENS,
    DRY_RUN,
    {0}};
const struct local_member kms_derive_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                  {"KeyAgreementAlgorithm", LOCAL_STRING,
                                                   LOCAL_REQUIRED, .values = agreements},
                                                  {"PublicKey", LOCAL_BLOB, LOCAL_REQUIRED,
                                                   .min = 1, .max = 8192},
                                                  GRANT_TOKENS,
                                                  DRY_RUN,
                                                  RECIPIENT,
                                                  {0}};
const struct local_member kms_pair_members[] = {{"EncryptionContext", CONTEXT},
                                                {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                {"KeyPairSpec", LOCAL_STRING, LOCAL_REQUIRED,
                                                 .values = pair_specs},
                                                GRANT_TOKENS,
                                                RECIPIENT,
                                                DRY_RUN,
                                                {0}};

/* --- grants ----------------------------------------------------------------------------------- */

#define PRINCIPAL .type = LOCAL_STRING, .min = 1, .max = 256, .pattern = "^[\\w+=,.@:/-]+$"
#define SERVICE_PRINCIPAL                                                                          \
    .type = LOCAL_STRING, .min = 1, .max = 128,                                                    \
    .pattern = "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$"
#define GRANT_ID .type = LOCAL_STRING, .min = 1, .max = 128

static const struct local_member grant_operation = {.type = LOCAL_STRING,
                                                    .values = grant_operations};
static const struct local_member constraints[] = {
    {"EncryptionContextSubset", CONTEXT},
    {"EncryptionContextEquals", CONTEXT},
    {"SourceArn", LOCAL_STRING, .min = 20, .max = 512,
     .pattern = "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$"},
    {0}};
const struct local_member kms_create_grant_members[] = {
    {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
    {"GranteePrincipal", PRINCIPAL},
    {"RetiringPrincipal", PRINCIPAL},
    {"Operations", LOCAL_LIST, LOCAL_REQUIRED, .element = &grant_operation},
    {"Constraints", LOCAL_STRUCTURE, .members = constraints},
    GRANT_TOKENS,
    {"Name", LOCAL_STRING, .min = 1, .max = 256, .pattern = "^[a-zA-Z0-9:/_-]+$"},
    DRY_RUN,
    {"GranteeServicePrincipal", SERVICE_PRINCIPAL},
    {"RetiringServicePrincipal", SERVICE_PRINCIPAL},
    {0}};
const struct local_member kms_list_grants_members[] = {{"Limit", LOCAL_INTEGER, .min = 1,
                                                        .max = 100},
                                                       {"Marker", MARKER},
                                                       {"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                       {"GrantId", GRANT_ID},
                                                       {"GranteePrincipal", PRINCIPAL},
                                                       {"GranteeServicePrincipal",
                                                        SERVICE_PRINCIPAL},
                                                       {0}};
const struct local_member kms_list_retirable_members[] = {{"Limit", LOCAL_INTEGER, .min = 1,
                                                           .max = 100},
                                                          {"Marker", MARKER},
                                                          {"RetiringPrincipal", PRINCIPAL},
                                                          {"RetiringServicePrincipal",
                                                           SERVICE_PRINCIPAL},
                                                          {0}};
const struct local_member kms_retire_grant_members[] = {{"GrantToken", LOCAL_STRING, .min = 1,
                                                         .max = 8192},
                                                        {"KeyId", KEY_ID},
                                                        {"GrantId", GRANT_ID},
                                                        DRY_RUN,
                                                        {0}};
const struct local_member kms_revoke_grant_members[] = {{"KeyId", KEY_ID, .flags = LOCAL_REQUIRED},
                                                        {"GrantId", GRANT_ID,
                                                         .flags = LOCAL_REQUIRED},
                                                        DRY_RUN,
                                                        {0}};

/* --- custom key stores ------------------------------------------------------------------------ */

#define STORE_ID   .type = LOCAL_STRING, .min = 1, .max = 64
#define STORE_NAME .type = LOCAL_STRING, .min = 1, .max = 256
#define CLUSTER_ID                                                                                 \
    .type = LOCAL_STRING, .min = 19, .max = 24, .pattern = "cluster-[2-7a-zA-Z]{11,16}"
#define STORE_PASSWORD .type = LOCAL_STRING, .flags = LOCAL_SENSITIVE, .min = 7, .max = 32
#define PROXY_MEMBERS                                                                              \
    {"XksProxyUriEndpoint", LOCAL_STRING, .min = 10, .max = 128,                                   \
     .pattern = "^https://[a-zA-Z0-9.-]+$"},                                                       \
        {"XksProxyUriPath", LOCAL_STRING, .min = 10, .max = 128,                                   \
         .pattern = "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$"},            \
        {"XksProxyVpcEndpointServiceName", LOCAL_STRING, .min = 20, .max = 64,                     \
         .pattern = "^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$"},    \
        {"XksProxyVpcEndpointServiceOwner", LOCAL_STRING, .min = 12, .max = 12,                    \
         .pattern = "[0-9]{12}"},                                                                  \
        {"XksProxyAuthenticationCredential", LOCAL_STRUCTURE, LOCAL_SENSITIVE,                     \
         .members = proxy_credential},                                                             \
    {                                                                                              \
        "XksProxyConnectivity", LOCAL_STRING, .values = connectivities                             \
    }

static const struct local_member proxy_credential[] = {
    {"AccessKeyId", LOCAL_STRING, LOCAL_REQUIRED | LOCAL_SENSITIVE, .min = 20, .max = 30,
     .pattern = "^[A-Z2-7]+$"},
    {"RawSecretAccessKey", LOCAL_STRING, LOCAL_REQUIRED | LOCAL_SENSITIVE, .min = 43, .max = 64,
     .pattern = "^[a-zA-Z0-9\\/+=]+$"},
    {0}};
const struct local_member kms_create_store_members[] = {
    {"CustomKeyStoreName", STORE_NAME, .flags = LOCAL_REQUIRED},
    {"CloudHsmClusterId", CLUSTER_ID},
    {"TrustAnchorCertificate", LOCAL_STRING, .min = 1, .max = 5000},
    {"KeyStorePassword", STORE_PASSWORD},
    {"CustomKeyStoreType", LOCAL_STRING, .values = store_types},
    PROXY_MEMBERS,
    {0}};
const struct local_member kms_update_store_members[] = {{"CustomKeyStoreId", STORE_ID,
                                                         .flags = LOCAL_REQUIRED},
                                                        {"NewCustomKeyStoreName", STORE_NAME},
                                                        {"KeyStorePassword", STORE_PASSWORD},
                                                        {"CloudHsmClusterId", CLUSTER_ID},
                                                        PROXY_MEMBERS,
                                                        {0}};
const struct local_member kms_store_members[] = {{"CustomKeyStoreId", STORE_ID,
                                                  .flags = LOCAL_REQUIRED},
                                                 {0}};
const struct local_member kms_describe_stores_members[] = {{"CustomKeyStoreId", STORE_ID},
                                                           {"CustomKeyStoreName", STORE_NAME},
                                                           {"Limit", LOCAL_INTEGER, .min = 1,
                                                            .max = 1000},
                                                           {"Marker", MARKER},
                                                           {0}};
