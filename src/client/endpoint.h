/*
 * endpoint: which URL serves a service in a Region, and with which Region it is signed. Pure; any
 * thread.
 *
 * Source: AWS's endpoint rule sets and test cases, whose outcome is put here as a rule and a table
 * of exceptions (shared facts sts-iam-sigv4.md section 10); configured URLs: section 6.
 */
#ifndef UNDERSTUDY_CLIENT_ENDPOINT_H
#define UNDERSTUDY_CLIENT_ENDPOINT_H

#include "aws/operation.h"
#include "base/error.h"

#include <stdbool.h>

struct arena;
struct client_shared;
struct settings;

struct endpoint {
    const char *url; /* "https://ssm.eu-west-1.amazonaws.com": no '/' at the end */
    const char *signing_region;
    bool custom; /* not AWS's own: configured by somebody */
};

struct endpoint_options {
    const char *url; /* used as it is; NULL: AWS's own */
    bool fips, dual_stack;
    bool sts_legacy; /* sts_regional_endpoints = legacy: the global STS for AWS's 15 oldest Regions
                      */
};

/* ERR_INVALID for names that are no Region (pseudo-Regions such as "aws-global" are accepted, they
 * have endpoints) and for FIPS or dual-stack together with `url`. Results are in `arena`. */
int endpoint_resolve(struct arena *arena, const struct aws_service *service, const char *region,
                     const struct endpoint_options *options, struct endpoint *out,
                     struct error *err);

/* What environment and profile say: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's
 * services section, the profile's endpoint_url; nothing when ignore_configured_endpoint_urls. *url
 * becomes NULL when none is configured. */
int endpoint_configured(struct arena *arena, const struct settings *settings,
                        const struct aws_service *service, const char **url, struct error *err);

/* The options for one service: the session's own endpoint_url wins over what is configured. */
int endpoint_options_read(struct arena *arena, const struct client_shared *shared,
                          const struct aws_service *service, struct endpoint_options *out,
                          struct error *err);

#endif
