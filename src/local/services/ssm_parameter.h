/*
 * ssm_parameter: parameters as they are stored, found and shown.
 *
 * Tables: ssm_schema.h. An expired parameter is treated as gone wherever it is read; its rows go
 * when its policy acts (ssm_policy_action.h).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_PARAMETER_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_PARAMETER_H

#include "local/services/ssm_name.h"

enum {
    SSM_VERSIONS_MAX = 100,
    SSM_LABELS_MAX = 10,
};

enum ssm_type { SSM_STRING, SSM_STRING_LIST, SSM_SECURE_STRING };
enum ssm_data_type { SSM_TEXT, SSM_IMAGE, SSM_INTEGRATION };
enum ssm_tier { SSM_STANDARD, SSM_ADVANCED, SSM_INTELLIGENT };

extern const char *const ssm_type_names[];                 /* NULL-terminated, by enum ssm_type */
extern const char *const ssm_data_type_names[];            /* by enum ssm_data_type */
extern const char *const ssm_tier_names[];                 /* by enum ssm_tier */
int ssm_index(const char *const *names, const char *name); /* -1 when it is none of them */

/* One version. Texts are columns of the query it was read by, or the call's input. */
struct ssm_version {
    int64_t version;
    enum ssm_type type;
    enum ssm_data_type data_type;
    enum ssm_tier tier;
    bool slash; /* made as "/name"; a path always is */
    int64_t modified_ms, expires_ms;
    struct text modified_by, key_id, description, allowed_pattern, policies;
    struct text value; /* SecureString: sealed (ssm_secure.h) */
};

/* Columns in the order ssm_version_read takes them; every query begins its list with these. */
#define SSM_COLUMNS_SHOWN                                                                          \
    "version, type, data_type, tier, slash, modified_ms, expires_ms, modified_by, key_id, "        \
    "description, allowed_pattern, policies"
#define SSM_COLUMNS SSM_COLUMNS_SHOWN ", value"
enum { SSM_COLUMNS_SHOWN_COUNT = 12 };
/* `first`: number of the column `version`; `value` is read when `with_value`. */
void ssm_version_read(const struct store_rows *rows, int first, bool with_value,
                      struct ssm_version *out);

int64_t ssm_now_ms(const struct local_call *call);

/* The current version of a key of `account` in the call's Region. True: *out is filled and `rows`
 * must be ended by the caller once it is done with the texts; false: ended already. */
bool ssm_find(struct local_call *call, const char *account, struct text key,
              struct store_rows *rows, struct ssm_version *out);
bool ssm_exists(struct local_call *call, const char *account, struct text key);
/* A version by number; the current one too. As ssm_find. */
bool ssm_find_version(struct local_call *call, const char *account, struct text key,
                      int64_t version, struct store_rows *rows, struct ssm_version *out);
/* Version that a label sits on; 0: none. */
int64_t ssm_label_version(struct local_call *call, const char *account, struct text key,
                          struct text label);

/* All rows of a parameter. The number in ssm_count goes down. */
void ssm_remove(struct local_call *call, const char *account, struct text key, enum ssm_tier tier);

/* "arn:aws:ssm:region:account:parameter/key", in the arena. */
char *ssm_arn(struct local_call *call, const char *account, struct text key);
size_t ssm_arn_prefix_bytes(const struct local_call *call);
/* "/a/b", "/a" or "a": as the parameter was made. */
char *ssm_shown_name(struct local_call *call, struct text key, bool slash);
/* The caller's ARN in this partition, for LastModifiedUser. */
const char *ssm_caller(struct local_call *call);
/* NUL-terminated copy in the arena. */
char *ssm_copy(struct local_call *call, struct text text);

#endif
