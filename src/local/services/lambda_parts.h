/*
 * lambda_parts: what the files of the Lambda service share. Nobody else includes it.
 *
 *   lambda.c           operations, bindings, faults, the trail
 *   lambda_input.c     the tables of inputs
 *   lambda_access.c    resources and authorisation; functions as inputs name them
 *   lambda_code.c      packages: what is accepted, and where they are kept
 *   lambda_settings.c  settings of a function: what is accepted
 *   lambda_version.c   versions in the store; FunctionConfiguration
 *   lambda_change.c    CreateFunction, UpdateFunction*, DeleteFunction
 *   lambda_read.c      GetFunction*, ListFunctions, GetAccountSettings
 *   lambda_alias.c     published versions and aliases
 *   lambda_policy.c    resource policies
 *   lambda_limits.c    reserved concurrency, asynchronous invocations' settings
 *   lambda_tags.c      tags
 *   lambda_call.c      Invoke
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LAMBDA_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_LAMBDA_PARTS_H

#include "local/lambda_function.h"
#include "local/lambda_tables.h"
#include "local/services/lambda.h"

enum {
    LAMBDA_ZIP_MAX = 50 * 1024 * 1024,
    LAMBDA_REQUEST_MAX = 69905067, /* as AWS says it: the zip in base64 and a little more */
    LAMBDA_UNZIPPED_MAX = 262144000,
    LAMBDA_POLICY_MAX = 20480,
    LAMBDA_TAGS_MAX = 50,
    LAMBDA_PAGE_MAX = 50,
    LAMBDA_UNRESERVED_MIN = 100,
    LAMBDA_CHANGE_MS = 50, /* State is Pending, LastUpdateStatus InProgress for so long */
};
#define LAMBDA_CODE_MAX ((int64_t)75 * 1024 * 1024 * 1024) /* of an account in a Region */

#define lambda_invalid(call, ...) local_fail(call, "InvalidParameterValueException", __VA_ARGS__)

/* --- lambda_input.c --------------------------------------------------------------------------- */
extern const struct local_member lambda_in_create[], lambda_in_update_code[],
    lambda_in_update_configuration[], lambda_in_function[], lambda_in_plain_function[],
    lambda_in_list[], lambda_in_list_versions[], lambda_in_publish[], lambda_in_create_alias[],
    lambda_in_alias[], lambda_in_update_alias[], lambda_in_list_aliases[],
    lambda_in_add_permission[], lambda_in_remove_permission[], lambda_in_invoke[],
    lambda_in_put_concurrency[], lambda_in_event_config[], lambda_in_list_event_configs[],
    lambda_in_tag[], lambda_in_untag[], lambda_in_list_tags[];

/* --- lambda_access.c -------------------------------------------------------------------------- */
const char *const *lambda_resources(struct local_call *call);        /* FunctionName, Qualifier */
const char *const *lambda_tagged_resources(struct local_call *call); /* Resource */
enum local_result lambda_authorize(struct local_call *call, const char *action,
                                   const char *resource);
/* What FunctionName and Qualifier name. Freed by lambda_function_done, also after a failure. */
enum local_result lambda_need(struct local_call *call, struct lambda_function *out);
/* The same where only the function as a whole will do: "$LATEST" is read. */
enum local_result lambda_need_whole(struct local_call *call, struct lambda_function *out);
enum local_result lambda_not_found(struct local_call *call, const char *arn);
int64_t lambda_now(const struct local_call *call);
/* RevisionId of the input, when there is one, is this. */
enum local_result lambda_check_revision(struct local_call *call, const char *revision);
char *lambda_new_revision(struct local_call *call);

/* One page of a listing: MaxItems and Marker in, NextMarker out. */
struct lambda_page {
    const char *position, *last; /* what the last page and this one ended with; "" at the start */
    int64_t limit, shown;
    bool more;
};
enum local_result lambda_page_open(struct local_call *call, struct lambda_page *page,
                                   const char *key);
/* The next row, if it is on this page; `name` is its place in the order. */
bool lambda_page_next(struct local_call *call, struct lambda_page *page, struct store_rows *rows,
                      int column);
void lambda_page_close(struct local_call *call, struct lambda_page *page, struct store_rows *rows);

/* --- lambda_code.c ---------------------------------------------------------------------------- */
struct lambda_code {
    const char *sha256; /* base64 */
    struct text zip;
};
/* The package in an object with ZipFile, S3Bucket ... */
enum local_result lambda_read_code(struct local_call *call, const json_t *source,
                                   struct lambda_code *out);
/* So many bytes more may be kept. */
enum local_result lambda_check_room(struct local_call *call, int64_t len);
void lambda_keep_code(struct local_call *call, const struct lambda_code *code);
/* Packages that no version has any more go. */
void lambda_sweep_code(struct local_call *call);

/* --- lambda_settings.c ------------------------------------------------------------------------ */
/* Puts what the input says over `config` (settings as FunctionConfiguration has them), and checks
 * the role. */
enum local_result lambda_apply_settings(struct local_call *call, json_t *config);
/* An input member as it may be kept: without what its table does not have. A new reference; NULL:
 * it was not given. */
json_t *lambda_known(struct local_call *call, const char *name);
/* The variables of the input's Environment: a new reference; *given says whether there was one. */
enum local_result lambda_read_variables(struct local_call *call, json_t **variables, bool *given);
/* May the function's role do that? It is not asked where there is no such resource. */
enum local_result lambda_check_role(struct local_call *call, const char *role_arn);
enum local_result lambda_check_target(struct local_call *call, const char *role_arn,
                                      const char *target_arn, bool destination);

/* --- lambda_version.c ------------------------------------------------------------------------- */
/* A version as it is to be stored. */
struct lambda_draft {
    int64_t function, number;
    const json_t *config, *variables;
    const char *code_sha256, *revision;
    int64_t code_size, modified_ms, active_ms, updated_ms;
};
void lambda_store_version(struct local_call *call, const struct lambda_draft *draft);
/* Members of FunctionConfiguration; the object is open. */
void lambda_write_configuration(struct local_call *call, const struct lambda_function *function);
/* Reads a version of a function; its JSON is the caller's to free. */
enum local_result lambda_read_version(struct local_call *call,
                                      const struct lambda_function *function, int64_t number,
                                      struct lambda_function *out);
/* Reads it again, as it was stored, and writes it as the answer. Number 0: as it was named. */
enum local_result lambda_answer_version(struct local_call *call,
                                        const struct lambda_function *function, int64_t number);
/* Makes the next version out of $LATEST, unless nothing changed since the last: its number. */
int64_t lambda_publish(struct local_call *call, const struct lambda_function *latest);

/* --- operations ------------------------------------------------------------------------------- */
enum local_result lambda_create_function(struct local_call *call);
enum local_result lambda_update_code(struct local_call *call);
enum local_result lambda_update_configuration(struct local_call *call);
enum local_result lambda_delete_function(struct local_call *call);
enum local_result lambda_get_function(struct local_call *call);
enum local_result lambda_get_configuration(struct local_call *call);
enum local_result lambda_list_functions(struct local_call *call);
enum local_result lambda_account_settings(struct local_call *call);
enum local_result lambda_publish_version(struct local_call *call);
enum local_result lambda_list_versions(struct local_call *call);
enum local_result lambda_create_alias(struct local_call *call);
enum local_result lambda_get_alias(struct local_call *call);
enum local_result lambda_update_alias(struct local_call *call);
enum local_result lambda_delete_alias(struct local_call *call);
enum local_result lambda_list_aliases(struct local_call *call);
enum local_result lambda_add_permission(struct local_call *call);
enum local_result lambda_remove_permission(struct local_call *call);
enum local_result lambda_get_policy(struct local_call *call);
enum local_result lambda_put_concurrency(struct local_call *call);
enum local_result lambda_get_concurrency(struct local_call *call);
enum local_result lambda_delete_concurrency(struct local_call *call);
enum local_result lambda_put_event_config(struct local_call *call);
enum local_result lambda_update_event_config(struct local_call *call);
enum local_result lambda_get_event_config(struct local_call *call);
enum local_result lambda_delete_event_config(struct local_call *call);
enum local_result lambda_list_event_configs(struct local_call *call);
enum local_result lambda_tag(struct local_call *call);
enum local_result lambda_untag(struct local_call *call);
enum local_result lambda_list_tags(struct local_call *call);
enum local_result lambda_invoke(struct local_call *call);
/* The tags of the function with this ARN ("{}": none, or no such function), for condition keys. */
const char *lambda_tags_of(struct local_call *call, int64_t function);
/* Checks and keeps the tags of a function; `tags` may be NULL. */
enum local_result lambda_set_tags(struct local_call *call, int64_t function, const json_t *tags);

#endif
