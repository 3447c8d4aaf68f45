/*
 * policy_fixture: questions to policies written in a line, for tables.
 */
#ifndef UNDERSTUDY_TESTS_AWS_POLICY_FIXTURE_H
#define UNDERSTUDY_TESTS_AWS_POLICY_FIXTURE_H

#include "aws/policy.h"

/* `context`: "key=value|value;key2=value;key3": a key without '=' is there without values. NULL:
 * none. The document must parse: the test fails otherwise. Single quotes stand for double ones. */
enum policy_answer policy_ask(const char *document, enum policy_kind kind, const char *action,
                              const char *resource, const struct policy_principal *principal,
                              const char *context, enum policy_match *match);
/* The text of the refusal in a static buffer; "" when it parses. Quotes as above. */
const char *policy_refusal(const char *document, enum policy_kind kind);

#endif
