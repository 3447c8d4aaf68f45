/*
 * redact: AWS repeats in its error texts what it was sent ("Value 'hunter2' at 'value' failed to
 * satisfy constraint"). What the caller sees must not hold a secret value. Pure; any thread.
 */
#ifndef UNDERSTUDY_CLIENT_REDACT_H
#define UNDERSTUDY_CLIENT_REDACT_H

#include "base/error.h"

#include <jansson.h>

/* Cuts err->message off where it begins to repeat a member of `input` that may be secret, by the
 * member's name at any depth: Value, SecretString, SecretBinary, Plaintext and their like. */
void redact_message(struct error *err, const json_t *input);

#endif
