/*
 * kms: what other services of the local AWS ask of KMS inside one request: encrypt, decrypt and
 * make data keys for the caller, as AWS services do on a caller's behalf (kms:ViaService).
 *
 * Same thread, transaction and arena as the call. On failure call->failure holds KMS's own code and
 * text; the asking service rewrites it as its own (SSM: InvalidKeyId "... (Service: AWSKMS; ...)").
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_H

#include "local/service.h"

extern const struct local_service kms_service; /* for services.c */

struct kms_context_pair {
    const char *key, *value;
};

/* `key` is what a caller may name: key id, ARN, alias name, alias ARN. LOCAL_AS_WRITE when it names
 * an AWS managed key ("alias/aws/ssm") that is to be made first and the call is not writing. */
enum local_result kms_encrypt(struct local_call *call, const char *key, const char *via,
                              const struct kms_context_pair *context, size_t context_count,
                              const void *plaintext, size_t plaintext_len, unsigned char **blob,
                              size_t *blob_len);
/* The plaintext is in the call's arena, which is wiped with the request. */
enum local_result kms_decrypt(struct local_call *call, const char *via,
                              const struct kms_context_pair *context, size_t context_count,
                              const void *blob, size_t blob_len, unsigned char **plaintext,
                              size_t *plaintext_len);
/* 32 bytes and the same encrypted. */
enum local_result kms_generate_data_key(struct local_call *call, const char *key, const char *via,
                                        const struct kms_context_pair *context,
                                        size_t context_count, unsigned char plaintext[32],
                                        unsigned char **blob, size_t *blob_len);
/* ARN of the key that `key` names, or LOCAL_FAILED with KMS's NotFoundException. */
enum local_result kms_key_arn(struct local_call *call, const char *key, char **arn);

#endif
