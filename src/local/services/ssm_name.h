/*
 * ssm_name: how callers name parameters, and which names may be made. Pure; any thread.
 *
 * Source: shared facts, parameter-store.md section 3 (AWS user guide, observations on AWS). `foo`
 * and `/foo` are one parameter; the key that the tables use has no leading slash, so it is the text
 * behind "parameter/" in the ARN.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_NAME_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_NAME_H

#include "local/service.h"

enum {
    SSM_LEVELS_MAX = 15,
    SSM_ARN_MAX_BYTES = 1011, /* of a parameter that is made: the prefix counts */
};

/* Views into the text read. */
struct ssm_name {
    struct text asked;           /* without blanks around it and without selector */
    struct text key;             /* without the leading slash */
    struct text selector;        /* version number or label behind the colon; data NULL: none */
    struct text region, account; /* of an ARN; data NULL when the name is no ARN */
};

enum ssm_name_fault {
    SSM_NAME_GOOD,
    SSM_NAME_SYNTAX,      /* characters, empty levels, "ssm" in front */
    SSM_NAME_UNQUALIFIED, /* a/b */
    SSM_NAME_PREFIX,      /* root name "aws..." or "ssm..." */
    SSM_NAME_RESERVED,    /* path /aws... */
    SSM_NAME_DEEP,
    SSM_NAME_LONG,
};

enum ssm_name_form {
    SSM_NAME_ONLY,         /* delete, label, tags: the name itself */
    SSM_NAME_OR_ARN,       /* history */
    SSM_NAME_WITH_SELECTOR /* get: name or ARN, with a version or label behind a colon */
};

/* A name of a parameter that may exist. */
enum ssm_name_fault ssm_name_read(struct text text, enum ssm_name_form form, struct ssm_name *out);
/* A name of a parameter to be made: all rules; `prefix_bytes` is the length of
 * "arn:...:parameter/" in this account and Region. */
enum ssm_name_fault ssm_name_create(struct text text, size_t prefix_bytes, struct ssm_name *out);

/* The path of GetParametersByPath or of a Path filter: begins with '/', may end with one. *prefix
 * becomes what all keys below it begin with ("a/b/", or "" for "/"), a view into `path`, the final
 * slash missing when `path` has none. -1: not a path. */
int ssm_path_read(struct text path, struct text *prefix);

enum local_result ssm_path_refuse(struct local_call *call);

bool ssm_key_is_path(struct text key); /* more than one level */

/* Refuse as AWS does; LOCAL_FAILED. */
enum local_result ssm_name_refuse(struct local_call *call, enum ssm_name_fault fault,
                                  struct text asked);

#endif
