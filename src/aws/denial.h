/*
 * denial: what a refusal of AWS says: who may not do what with which thing, and what would mend it.
 *
 * The one place that reads these texts. AWS writes them in two forms, "... because no <kind of
 * policy> allows the <action> action" and "... with an explicit deny in <kind of policy>"; older
 * services stop behind the resource, and KMS behind another service may only speak of "the
 * ciphertext". Pure; any thread. What is parsed points into the message.
 *
 * Source: IAM user guide, "Troubleshoot access denied error messages"; KMS developer guide; texts
 * in public issue reports.
 */
#ifndef UNDERSTUDY_AWS_DENIAL_H
#define UNDERSTUDY_AWS_DENIAL_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum denial_cause {
    DENIAL_UNSAID,   /* the text names no policy */
    DENIAL_MISSING,  /* nothing allows it */
    DENIAL_EXPLICIT, /* a Deny stands in the way */
};
enum denial_policy {
    DENIAL_POLICY_UNKNOWN,
    DENIAL_IDENTITY,
    DENIAL_RESOURCE, /* a key policy, a trust policy, a parameter's sharing */
    DENIAL_BOUNDARY,
    DENIAL_SESSION,
    DENIAL_SERVICE_CONTROL,
    DENIAL_RESOURCE_CONTROL,
    DENIAL_ENDPOINT,
};

struct denial {
    struct text principal;  /* ARN; empty when not said */
    struct text action;     /* "ssm:PutParameter"; empty when not said */
    struct text resource;   /* ARN, "*", or what AWS calls it; empty when not said */
    struct text policy_arn; /* of the policy that denies, where AWS tells; else empty */
    enum denial_cause cause;
    enum denial_policy policy;
};

/* False when `message` is no such refusal. */
bool denial_parse(const char *message, struct denial *out);

/* The IAM action that a call needs: "tag:GetResources" for that operation of "tagging". */
void denial_action(const char *signing_name, const char *operation, char *out, size_t size);

/* "role understudy of account 222222222222": whose policies are meant. */
void denial_principal(const struct denial *denial, char *out, size_t size);

/* What is to be done, in words that end in an IAM statement where one helps; `action` stands in
 * when the text names none. Returns the length, as snprintf does; short texts for small sizes. */
size_t denial_advice(const struct denial *denial, const char *action, char *out, size_t size);

#endif
