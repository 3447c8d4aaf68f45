/*
 * kms_fixture: a call into the local AWS's services without HTTP: a store with every service's
 * tables, a keyring, a clock that stands still, an administrator of account 111111111111.
 */
#ifndef UNDERSTUDY_TESTS_LOCAL_KMS_FIXTURE_H
#define UNDERSTUDY_TESTS_LOCAL_KMS_FIXTURE_H

#include "folder.h"
#include "local/service.h"
#include "support/fake_clock.h"

struct kms_fixture {
    struct folder folder;
    struct fake_clock clock;
    struct local local;
    struct store_session *writer, *reader;
    struct arena arena;
    struct principal caller;
    struct buf out;
    struct json_writer json;
    struct local_call call; /* writing, in us-east-1 */
};

int kms_fixture_setup(void **state);
int kms_fixture_teardown(void **state);
/* The call becomes a reader's, behind a commit that others can see, or the writer's again. */
void kms_fixture_read(struct kms_fixture *fixture);
void kms_fixture_write(struct kms_fixture *fixture);
/* Runs an operation's handler with this input (JSON); the answer, or NULL with call.failure. */
json_t *kms_fixture_run(struct kms_fixture *fixture, const struct local_service *service,
                        const char *operation, const char *input);

#endif
