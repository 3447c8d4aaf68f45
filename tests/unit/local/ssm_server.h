/*
 * ssm_server: Parameter Store's handlers on a store of their own, without the wire: for tests that
 * want the clock, or rows that no client can make in a moment.
 */
#ifndef UNDERSTUDY_TESTS_LOCAL_SSM_SERVER_H
#define UNDERSTUDY_TESTS_LOCAL_SSM_SERVER_H

#include "folder.h"
#include "local/services/ssm.h"
#include "support/fake_clock.h"

struct ssm_server {
    struct folder folder;
    struct local local;
    struct fake_clock clock;
    struct principal caller;
    struct store_session *writer;
    struct arena arena; /* of the call last made */
    struct buf out;
    json_t *answer;   /* of the call last made; NULL when it failed */
    const char *code; /* of the failure; NULL when there was none */
};

int ssm_server_setup(void **state); /* cmocka; the clock stands at 2026-01-01T00:00:00Z */
int ssm_server_teardown(void **state);

/* Calls an operation as account 111111111111 in us-east-1, in a transaction as the writer has them:
 * 0, or -1 with `code`. `input` is JSON with ' for ", formatted. */
__attribute__((format(printf, 3, 4))) int
ssm_server_call(struct ssm_server *server, const char *operation, const char *input, ...);
/* What is due by the clock happens, as the agenda makes it: how long until the next, -1: nothing.
 */
int64_t ssm_server_act(struct ssm_server *server);

#endif
