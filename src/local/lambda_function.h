/*
 * lambda_function: a function of the service lambda as the rest of the local AWS sees it: what is
 * needed to run it, and who may. The service's operations (services/lambda_*.c) keep it.
 *
 * Any thread, with a store session of its own; text is in the arena that is given, JSON is freed by
 * lambda_function_done. Sources:
 * botocore 1.43.67's model of Lambda; Lambda Developer Guide, "Lambda resource-based policies",
 * "Function states".
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_FUNCTION_H
#define UNDERSTUDY_LOCAL_LAMBDA_FUNCTION_H

#include "aws/policy.h"
#include "base/text.h"
#include "local/lambda_pool.h"
#include "local/local.h"
#include "local/store.h"

#include <jansson.h>

struct arena;

/* One version of a function. */
struct lambda_function {
    int64_t id; /* of the function; all its versions share it */
    const char *account, *region, *name;
    const char *function_arn; /* in partition "aws", without a qualifier */
    const char *arn;          /* as it was named: with the qualifier, if there was one */
    const char *qualifier;    /* "7", "live", "$LATEST"; NULL: named without one */
    const char *version;      /* "$LATEST", "7" */
    int64_t number;           /* of the version; 0: $LATEST */
    const char *revision;     /* RevisionId; changes with whatever changes */
    const char *key;          /* processes of the same key are interchangeable */
    const char *runtime, *handler, *role_arn, *log_group;
    const char *code_sha256;        /* base64, as CodeSha256 shows it */
    const json_t *config;           /* settings, as FunctionConfiguration names them */
    const json_t *variables;        /* of the environment; NULL: none */
    const char *const *environment; /* the same: NAME=value, NULL-terminated */
    unsigned timeout_ms, memory_mb;
    struct lambda_logging logging;
    int64_t code_size, modified_ms;
    int64_t reserved_concurrency; /* -1: none is reserved */
    const char *dead_letter_arn;  /* NULL: none */
    int64_t active_ms;            /* State is Pending before that */
    int64_t updated_ms;           /* LastUpdateStatus is InProgress before that; 0: never updated */
    /* For one invocation, by whoever begins it: decoded; NULL: none. */
    const char *client_context;
};

/* A name taken apart; in the arena. */
struct lambda_name {
    const char *account, *region, *name, *qualifier; /* qualifier NULL: none */
};
/* Names of another form than the model's patterns give -1, and a qualifier in the name that is not
 * `qualifier` (which may be NULL). */
int lambda_name_parse(struct arena *arena, const char *account, const char *region,
                      const char *text, const char *qualifier, struct lambda_name *out);
/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]" */
char *lambda_name_arn(struct arena *arena, const struct lambda_name *name);

/* By name, "account:name", ARN, each with or without a ":qualifier" (version or alias); names
 * belong to `account` and `region`, an ARN says its own. `qualifier` may be NULL. 0, or -1: no such
 * function or version, or not a name. */
int lambda_function_find(struct local *local, struct store_session *store, struct arena *arena,
                         const char *account, const char *region, const char *name_or_arn,
                         const char *qualifier, struct lambda_function *out);
/* Frees the JSON of a function that was found; an empty one is fine. */
void lambda_function_done(struct lambda_function *function);

/* The package of a version; data NULL: it is gone. In the arena: ask lambda_pool_has first. */
struct text lambda_function_code(struct store_session *store, struct arena *arena,
                                 const struct lambda_function *function);

/* Does the function's resource policy let a service ("events.amazonaws.com") invoke it on behalf of
 * `source_arn` (NULL: it has none) of `source_account`? */
bool lambda_may_invoke(struct store_session *store, struct arena *arena,
                       const struct lambda_function *function, const char *service,
                       const char *source_arn, const char *source_account);

/* What the resource policy for the qualifier it was named by answers. */
enum policy_answer lambda_function_policy(struct store_session *store, struct arena *arena,
                                          const struct lambda_function *function,
                                          const struct policy_question *question,
                                          enum policy_match *match);

/* How asynchronous invocations of a function end (PutFunctionEventInvokeConfig); AWS's defaults
 * where nothing was put. */
struct lambda_event_config {
    int64_t retries;                     /* 0-2 */
    int64_t largest_age_s;               /* 60-21600 */
    const char *on_success, *on_failure; /* destinations' ARNs; NULL: none */
};
void lambda_function_event_config(struct store_session *store, struct arena *arena,
                                  const struct lambda_function *function,
                                  struct lambda_event_config *out);

#endif
