/*
 * permissions: the least that each role needs in IAM for a configuration, or for a command between
 * its sides.
 *
 * Made of the kinds' own rows (struct resource_permission), so a new operation is in the policies
 * or a test fails. Resources are narrowed to the selected names as they are called on each side, to
 * Regions, accounts and keys; keys only through the service and for these names. IAM knows one
 * star, which crosses levels: a pattern becomes the narrowest that covers it. What `exclude` says
 * without a star, or of a whole path, is denied; of other patterns IAM could only deny too much.
 *
 * Pure but for memory, which is the arena's. The configuration is checked. One thread. ERR_INVALID.
 */
#ifndef UNDERSTUDY_ENGINE_PERMISSIONS_H
#define UNDERSTUDY_ENGINE_PERMISSIONS_H

#include "base/buf.h"
#include "engine/config.h"

#include <stdbool.h>
#include <stddef.h>

struct texts {
    const char **items;
    size_t count, room;
};

enum { CONDITIONS_MAX = 3 };
struct permission_condition {
    const char *test, *key; /* "StringEquals", "aws:RequestedRegion" */
    struct texts values;
};

struct permission_statement {
    const char *sid;
    bool deny;
    struct texts actions, resources;
    struct permission_condition conditions[CONDITIONS_MAX];
    size_t condition_count;
};

/* Of one role. */
struct permission_policy {
    const char *role;     /* "function", "source", "destination", "between" */
    const char *role_arn; /* NULL: not in the configuration */
    const char *sides;    /* "ap-south-1 to us-east-1": for people */
    struct permission_statement *statements;
    size_t count, room;
};

enum permission_command {
    PERMISSIONS_OF_RUNS, /* plan, sync, verify, watch, the function */
    PERMISSIONS_OF_PROMOTE,
    PERMISSIONS_OF_REENCRYPT
};

struct permission_options {
    enum permission_command command;
    const char *key, *source_key; /* of reencrypt, as its flags; source_key NULL: any */
    const char *account;          /* of sides that say none; NULL: not known */
    /* What stands in ARNs for an account that is not known. */
    const char *unknown_account;
    bool undo; /* `understudy undo` is to work too */
    /* Of the caller; NULL: has none. */
    const char *function;         /* its name: it writes its log group */
    const char *queue;            /* name of the queue that feeds it, or the daemon */
    const char *canary;           /* name of the parameter that is written to measure */
    const char *dead_letter;      /* name of the queue that takes what failed */
    const char *config_parameter; /* name of the parameter with the configuration */
};

struct permission_set {
    struct arena *arena;
    struct permission_policy *policies;
    size_t count, room;
};

/* Which policies: one for each role that is taken, and first that of the caller ("function"); or
 * those of one side, whoever acts there. */
enum permission_roles { PERMISSIONS_BY_IDENTITY, PERMISSIONS_SOURCE, PERMISSIONS_DESTINATION };

int permissions_build(struct arena *arena, const struct config_set *set,
                      const struct permission_options *options, enum permission_roles roles,
                      struct permission_set *out, struct error *err);

enum permission_format { PERMISSION_JSON, PERMISSION_CLOUDFORMATION, PERMISSION_TERRAFORM };

/* All of them in one of the formats. JSON is {"policies":[...]}, or with `bare` and just one of
 * them the document alone. */
void permissions_write(const struct permission_set *set, enum permission_format format, bool bare,
                       struct buf *out);
/* Characters of the document as IAM counts them: without white space. */
size_t permission_size(const struct permission_policy *policy);

#endif
