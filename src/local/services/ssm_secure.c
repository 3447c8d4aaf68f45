#include "local/services/ssm_secure.h"

#include "local/services/kms.h"
#include "local/services/ssm_message.h"

#include <openssl/crypto.h>
#include <string.h>

static const char via[] = "ssm";

/* SSM calls KMS with a Java client and shows what that client's exception says. */
static enum local_result rewrite(struct local_call *call, enum local_result result)
{
    static const char *const faults[] = {"DependencyTimeoutException", "KMSInternalException",
                                         "KeyUnavailableException", NULL};
    if (result != LOCAL_FAILED || store_failed(call->store))
        return result;
    struct local_failure kms = call->failure;
    const char *code = kms.code ? kms.code : "KMSInternalException";
    call->failure = (struct local_failure){0};
    char id[RANDOM_UUID_SIZE];
    random_uuid(call->local->random, id);
    for (size_t i = 0; faults[i]; i++)
        if (strcmp(code, faults[i]) == 0) {
            local_fail_capital(call, "InternalServerError", "%s", kms.message ? kms.message : "");
            call->failure.status = 500;
            return LOCAL_FAILED;
        }
    /* These stay what they are; of throttling AWS publishes neither code nor text of SSM's (K). */
    bool same =
        strcmp(code, "AccessDeniedException") == 0 || strcmp(code, "ThrottlingException") == 0;
    /* InvalidCiphertextException has no text of its own: the client prints "null". */
    return local_fail(call, same ? code : "InvalidKeyId",
                      "%s (Service: AWSKMS; Status Code: 400; Error Code: %s; Request ID: %s; "
                      "Proxy: null)",
                      kms.message ? kms.message : "null", code, id);
}

static enum local_result seal_advanced(struct local_call *call, const char *parameter_arn,
                                       const char *key_id, const struct kms_context_pair *context,
                                       struct text value, unsigned char **message, size_t *len)
{
    unsigned char data_key[SSM_DATA_KEY_BYTES], *encrypted_key;
    size_t encrypted_key_len;
    char *key_arn;
    enum local_result result = kms_generate_data_key(call, key_id, via, context, 1, data_key,
                                                     &encrypted_key, &encrypted_key_len);
    if (result == LOCAL_OK)
        result = kms_key_arn(call, key_id, &key_arn);
    if (result == LOCAL_OK) {
        struct ssm_message_key key = {text_of(key_arn),
                                      {(const char *)encrypted_key, encrypted_key_len}};
        ssm_message_seal(call->arena, call->local->random, parameter_arn, &key, data_key, value,
                         message, len);
    }
    OPENSSL_cleanse(data_key, sizeof data_key);
    return result;
}

enum local_result ssm_secure_seal(struct local_call *call, const char *parameter_arn,
                                  const char *key_id, enum ssm_tier tier, struct text value,
                                  struct text *sealed)
{
    struct kms_context_pair context = {"PARAMETER_ARN", parameter_arn};
    unsigned char *data = NULL;
    size_t len = 0;
    enum local_result result =
        tier == SSM_ADVANCED
            ? seal_advanced(call, parameter_arn, key_id, &context, value, &data, &len)
            : kms_encrypt(call, key_id, via, &context, 1, value.data, value.len, &data, &len);
    *sealed = (struct text){(const char *)data, len};
    return rewrite(call, result);
}

static enum local_result open_advanced(struct local_call *call,
                                       const struct kms_context_pair *context, struct text sealed,
                                       struct text *value)
{
    struct ssm_message_key key;
    unsigned char *data_key;
    size_t data_key_len;
    char *plaintext;
    if (ssm_message_key(sealed, &key) != 0)
        return local_fail(call, "InvalidCiphertextException", "The stored message is damaged.");
    enum local_result result = kms_decrypt(call, via, context, 1, key.encrypted_key.data,
                                           key.encrypted_key.len, &data_key, &data_key_len);
    if (result != LOCAL_OK)
        return result;
    if (data_key_len != SSM_DATA_KEY_BYTES ||
        ssm_message_open(call->arena, sealed, data_key, &plaintext, &value->len) != 0)
        return local_fail(call, "InvalidCiphertextException", "The stored message is damaged.");
    value->data = plaintext;
    return LOCAL_OK;
}

enum local_result ssm_secure_open(struct local_call *call, const char *parameter_arn,
                                  enum ssm_tier tier, struct text sealed, struct text *value)
{
    struct kms_context_pair context = {"PARAMETER_ARN", parameter_arn};
    enum local_result result;
    if (tier == SSM_ADVANCED) {
        result = open_advanced(call, &context, sealed, value);
    } else {
        unsigned char *data = NULL;
        result = kms_decrypt(call, via, &context, 1, sealed.data, sealed.len, &data, &value->len);
        value->data = (const char *)data;
    }
    return rewrite(call, result);
}
