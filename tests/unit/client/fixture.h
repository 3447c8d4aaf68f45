/*
 * fixture: a session whose time, randomness, network, environment and files belong to the test.
 *
 * The environment begins with the two AWS files in a folder of the test's own (absent until
 * fixture_file writes them), AWS_REGION=eu-west-1 and AWS_EC2_METADATA_DISABLED=true.
 */
#ifndef UNDERSTUDY_TESTS_CLIENT_FIXTURE_H
#define UNDERSTUDY_TESTS_CLIENT_FIXTURE_H

#include "client/session.h"
#include "support/fake_clock.h"
#include "support/fake_random.h"
#include "support/fake_transport.h"

enum { FIXTURE_VARIABLES = 24 };

struct fixture {
    struct arena arena;
    struct fake_clock clock;
    struct fake_random random;
    struct fake_transport transport;
    const char *environment[FIXTURE_VARIABLES + 1];
    char *folder; /* below TMPDIR */
    struct error err;
};

void fixture_init(struct fixture *fixture);
void fixture_done(struct fixture *fixture); /* removes the folder */
/* Replaces NAME; "NAME=" unsets it. */
void fixture_set(struct fixture *fixture, const char *name, const char *value);
/* AWS_ACCESS_KEY_ID=AKIDEXAMPLE and a secret. */
void fixture_set_keys(struct fixture *fixture);
/* Writes folder/name; returns its path. */
const char *fixture_file(struct fixture *fixture, const char *name, const char *content);
/* NULL when session_new refuses (then fixture->err tells). Seams and environment are filled in. */
struct session *fixture_try(struct fixture *fixture, struct session_options options);
struct session *fixture_session(struct fixture *fixture); /* no options; fails the test */

/* An answer of STS AssumeRole[WithWebIdentity] whose keys live for `life_s` from the fixture's now.
 */
const char *fixture_role_answer(struct fixture *fixture, const char *operation,
                                const char *access_key, int64_t life_s);

/* JSON of the wire for a service made up for these tests, and three of its operations. */
extern const struct aws_service fixture_service;
extern const struct aws_operation fixture_read, fixture_write, fixture_put, fixture_list;

#endif
