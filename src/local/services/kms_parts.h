/*
 * kms_parts: what the files of the KMS service share. Nobody else includes it.
 *
 *   kms.c            schema, resources, operations
 *   kms_input.c      the operations' input members (kms_input.h)
 *   kms_spec.c       kinds of keys, usages, algorithms (kms_spec.h)
 *   kms_find.c       key identifiers, key records, the per-thread cache of them
 *   kms_managed.c    AWS managed keys, made at their first use
 *   kms_act.c        what happens by itself at its time, and the events of it
 *   kms_state.c      key states: what each lets be done, and what becomes of keys as time passes
 *   kms_key.c        keys' operations
 *   kms_region.c     multi-Region keys
 *   kms_rotation.c   rotation
 *   kms_import.c     imported material
 *   kms_alias.c      aliases
 *   kms_policy.c     key policies: kept, checked
 *   kms_authorize.c  key policies and grants: evaluated, with their condition keys
 *   kms_grant.c      grants' operations
 *   kms_grant_use.c  what grants allow; grant tokens
 *   kms_tags.c       tags, and the source for the Resource Groups Tagging API
 *   kms_store.c      custom key stores, of which no account here has one
 *   kms_material.c   secrets of keys, sealed and unwrapped (kms_material.h)
 *   kms_pkey.c       asymmetric keys through OpenSSL (kms_pkey.h)
 *   kms_cipher.c     ciphertext format, AES-256-GCM
 *   kms_crypto.c     encryption, and services/kms.h for other services
 *   kms_data_key.c   data keys, data key pairs, random bytes
 *   kms_usage.c      when keys were last used
 *   kms_sign.c       signatures, message codes, public keys, shared secrets
 *
 * Facts: shared facts kms.md (sections in comments), model kms 2014-11-01.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_KMS_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_KMS_PARTS_H

#include "local/services/kms.h"
#include "local/services/kms_spec.h"

struct policy;

enum {
    KMS_ID_SIZE = 41,           /* a UUID, or "mrk-" and 32 hex digits, with the NUL */
    KMS_MATERIAL_SIZE = 65,     /* 64 hex digits, with the NUL */
    KMS_ARN_SIZE = 160,         /* key ARN of the longest partition and Region */
    KMS_LARGEST_POLICY = 32768, /* bytes (section 9) */
    KMS_LARGEST_TAGS = 50,
};

enum kms_state {
    KMS_ENABLED,
    KMS_DISABLED,
    KMS_PENDING_DELETION,
    KMS_PENDING_REPLICA_DELETION,
    KMS_PENDING_IMPORT,
    KMS_CREATING,
    KMS_UPDATING,
    KMS_STATE_COUNT
};
extern const char *const kms_state_names[KMS_STATE_COUNT];

enum kms_multi_region { KMS_SINGLE, KMS_PRIMARY, KMS_REPLICA };

/* How a key's policy may be answered without evaluating it. */
enum kms_policy_shape {
    KMS_POLICY_EVALUATED,
    KMS_POLICY_DEFAULT, /* the API's default: all to the account, so the caller's policies decide */
    KMS_POLICY_SERVICE, /* an AWS managed key's: use through its service, in its account */
};

/* A key as stored. Text is in the arena of whoever loaded it. */
struct kms_key {
    char id[KMS_ID_SIZE];
    char arn[KMS_ARN_SIZE];
    char account[13];
    char region[33];
    char material[KMS_MATERIAL_SIZE]; /* current */
    enum kms_state state;
    enum kms_multi_region multi_region;
    bool aws_managed;
    const char *service; /* of an AWS managed key: "ssm" */
    const char *spec, *usage, *origin, *description;
    const char *policy; /* JSON as GetKeyPolicy shows it */
    enum kms_policy_shape shape;
    const char *primary_region; /* multi-Region keys */
    int64_t created_ms;
    int64_t deletion_ms; /* when it goes; of a key that is creating or updating: when that ends */
    int64_t window_days;
    int64_t rotation_days, next_rotation_ms; /* automatic rotation; 0: off */
    int64_t expires_ms;                      /* its imported material's; 0: never. `state` knows */
    bool tagged;                             /* has or had tags */
};

/* --- kms_find.c ------------------------------------------------------------------------------- */
enum {
    KMS_BY_ALIAS = 1,      /* alias names and ARNs are accepted */
    KMS_OTHER_ACCOUNT = 2, /* and ARNs of other accounts */
    KMS_TO_CRYPT = KMS_BY_ALIAS | KMS_OTHER_ACCOUNT,
};
/* The key that `name` names (section 1), or KMS's own failure; LOCAL_AS_WRITE when it names an AWS
 * managed key that does not exist yet and the call is not writing; when it is, the key is made.
 * *out is valid for the call. */
enum local_result kms_find(struct local_call *call, const char *name, unsigned how,
                           const struct kms_key **out);
/* By id in the call's Region, of any account; NULL: none. */
const struct kms_key *kms_load(struct local_call *call, const char *id);
bool kms_id_valid(const char *text);
char *kms_alias_arn(struct local_call *call, const char *account, const char *name);
/* Id of the key behind an alias, in the call's arena; NULL: no such alias. */
const char *kms_alias_target(struct local_call *call, const char *account, const char *name);
struct kms_tag {
    const char *key, *value;
};
/* A key's tags and the names of its aliases (NULL-terminated), read once a record. */
const struct kms_tag *kms_key_tags(struct local_call *call, const struct kms_key *key,
                                   size_t *count);
const char *const *kms_key_aliases(struct local_call *call, const struct kms_key *key);
/* The parsed policy of a key that kms_find or kms_load returned, for this call. */
const struct policy *kms_key_policy(const struct kms_key *key);

/* --- kms_managed.c ---------------------------------------------------------------------------- */
struct kms_managed {
    const char *alias;   /* "alias/aws/ssm" */
    const char *service; /* "ssm" */
    const char *description;
    const char *policy; /* with $ACCOUNT, $PARTITION and $VIA to be replaced */
};
extern const struct kms_managed kms_managed_keys[]; /* by alias; ended by a NULL alias */
const struct kms_managed *kms_managed_find(const char *alias);
/* Makes the key and its alias in the caller's account. Writer only. */
enum local_result kms_managed_make(struct local_call *call, const struct kms_managed *managed,
                                   const char **id);
/* Does its policy allow `action` through `via`? What evaluating it would say. */
bool kms_managed_allows(const char *service, const char *action, const char *via);
/* "ssm.us-east-1.amazonaws.com": what kms:ViaService holds; NULL for NULL. */
char *kms_via(struct local_call *call, const char *service);

/* --- kms_state.c ------------------------------------------------------------------------------ */
/* What an operation asks of the key's state (section 5); refused with AWS's code and text. */
enum kms_need {
    KMS_TO_USE,           /* cryptographic operations */
    KMS_TO_CHANGE,        /* tags, description, aliases */
    KMS_TO_SWITCH,        /* enable, disable */
    KMS_TO_SCHEDULE,      /* schedule its deletion */
    KMS_TO_CANCEL,        /* cancel it */
    KMS_TO_ROTATE,        /* rotation, on and off and on demand */
    KMS_TO_REPLICATE,     /* ReplicateKey */
    KMS_TO_MOVE,          /* UpdatePrimaryRegion */
    KMS_TO_GET_WRAPPING,  /* GetParametersForImport */
    KMS_TO_IMPORT,        /* ImportKeyMaterial */
    KMS_TO_DELETE_IMPORT, /* DeleteImportedKeyMaterial */
    KMS_NEED_COUNT
};
enum local_result kms_require(struct local_call *call, const struct kms_key *key,
                              enum kms_need need);
/* The state as it is now, of what is stored; `replicas_gone_ms`: when a primary that waits for its
 * replicas has none any more, 0 when some will stay. False: the key is gone. */
bool kms_state_now(struct kms_key *key, int64_t replicas_gone_ms, int64_t now_ms);
/* When the last of a primary's replicas will be gone; 0: not before somebody schedules it. */
int64_t kms_replicas_gone_ms(struct local_call *call, const struct kms_key *key);
void kms_set_state(struct local_call *call, const struct kms_key *key, enum kms_state state,
                   int64_t deletion_ms, int64_t window_days);
/* Keys and materials whose time is over leave the store with all that is theirs. Writer only. */
void kms_purge(struct local_call *call);

/* --- kms_act.c -------------------------------------------------------------------------------- */
/* The service's `act`: keys and material go, keys are rotated, when their time comes. */
int64_t kms_act(struct local *local, struct store_session *store, int64_t now_ms);
/* The events of a rotation, in each of the key's Regions. */
void kms_tell_rotation(struct local_call *call, const char *key_id);
/* The events of what kms_purge is about to take away. */
void kms_tell_ends(struct local_call *call, int64_t now_ms);
/* The key's usage must be this one, or InvalidKeyUsageException. */
enum local_result kms_require_usage(struct local_call *call, const struct kms_key *key,
                                    const char *usage, const char *operation);
/* The algorithm must be one of the key's, or InvalidKeyUsageException. */
enum local_result kms_require_algorithm(struct local_call *call, const struct kms_key *key,
                                        const char *algorithm);
/* The key as it is to be used: state, usage. */
enum local_result kms_find_to_use(struct local_call *call, const char *member, const char *usage,
                                  const struct kms_key **key);

/* "... origin is EXTERNAL which is not valid for this operation." */
enum local_result kms_fail_origin(struct local_call *call, const struct kms_key *key);

/* --- kms_key.c -------------------------------------------------------------------------------- */
/* A new key of the caller's account and Region, with material unless its origin is EXTERNAL. Writer
 * only. */
struct kms_new_key {
    const struct kms_spec *spec;
    const char *usage, *origin;
    const char *description, *policy; /* policy as it will be shown */
    bool multi_region;
    const char *service; /* AWS managed */
    enum kms_policy_shape shape;
};
void kms_insert(struct local_call *call, const struct kms_new_key *new_key, char id[KMS_ID_SIZE]);
/* The account may have one more key in the call's Region, or LimitExceededException. */
enum local_result kms_check_room(struct local_call *call);
/* KeyMetadata under this name. */
void kms_put_metadata(struct local_call *call, const char *name, const struct kms_key *key);
/* KeySpec, its old name, and the algorithms. */
void kms_put_spec(struct local_call *call, const struct kms_key *key);
/* By the request's KeyId (key id or ARN in the caller's account), fit for `need`. */
enum local_result kms_find_for(struct local_call *call, enum kms_need need,
                               const struct kms_key **key);

/* The position that the request's Marker holds ("" without one), or InvalidMarkerException; and
 * NextMarker and Truncated of an answer (NULL: that was all). */
enum local_result kms_marker(struct local_call *call, const char **position);
void kms_put_marker(struct local_call *call, const char *position);

enum local_result kms_create_key(struct local_call *call);
enum local_result kms_describe_key(struct local_call *call);
enum local_result kms_list_keys(struct local_call *call);
enum local_result kms_enable_key(struct local_call *call);
enum local_result kms_disable_key(struct local_call *call);
enum local_result kms_update_key_description(struct local_call *call);
enum local_result kms_schedule_key_deletion(struct local_call *call);
enum local_result kms_cancel_key_deletion(struct local_call *call);

/* --- kms_rotation.c --------------------------------------------------------------------------- */
/* Makes the rotations that are due before the key is used or shown: LOCAL_AS_WRITE when there are
 * some and the call is not writing. *key is loaded again. */
enum local_result kms_rotate_when_due(struct local_call *call, const struct kms_key **key);
/* Automatic rotation from now on; of AWS managed keys, and of EnableKeyRotation. Writer only. */
void kms_schedule_rotation(struct local_call *call, const char *key_id, int64_t period_days);
enum local_result kms_enable_key_rotation(struct local_call *call);
enum local_result kms_disable_key_rotation(struct local_call *call);
enum local_result kms_get_key_rotation_status(struct local_call *call);
enum local_result kms_rotate_key_on_demand(struct local_call *call);
enum local_result kms_list_key_rotations(struct local_call *call);

/* --- kms_region.c ----------------------------------------------------------------------------- */
/* A replica is refused: UnsupportedOperationException. */
enum local_result kms_require_primary(struct local_call *call, const struct kms_key *key);
enum local_result kms_replicate_key(struct local_call *call);
enum local_result kms_update_primary_region(struct local_call *call);

/* --- kms_import.c ----------------------------------------------------------------------------- */
/* The material that waits for the key's rotation, no longer waiting; or KMSInvalidStateException.
 * Writer only. */
enum local_result kms_import_pending(struct local_call *call, const struct kms_key *key,
                                     const char **material);
/* Does the key in this Region hold all the material it was ever rotated to? */
bool kms_import_whole(struct local_call *call, const struct kms_key *key);
enum local_result kms_get_parameters_for_import(struct local_call *call);
enum local_result kms_import_key_material(struct local_call *call);
enum local_result kms_delete_imported_key_material(struct local_call *call);

/* --- kms_store.c ------------------------------------------------------------------------------ */
enum local_result kms_create_custom_key_store(struct local_call *call);
enum local_result kms_describe_custom_key_stores(struct local_call *call);
enum local_result kms_no_custom_key_store(struct local_call *call); /* connect, delete, ... */

/* --- kms_usage.c ------------------------------------------------------------------------------ */
/* The key was used for this operation (its text must stay), successfully. Any thread. */
void kms_note_use(struct local_call *call, const struct kms_key *key, const char *operation);
void kms_usage_begin(int64_t now_ms); /* notes are taken from now on; the first time counts */
enum local_result kms_get_key_last_usage(struct local_call *call);

/* --- kms_alias.c ------------------------------------------------------------------------------ */
enum local_result kms_create_alias(struct local_call *call);
enum local_result kms_update_alias(struct local_call *call);
enum local_result kms_delete_alias(struct local_call *call);
enum local_result kms_list_aliases(struct local_call *call);

/* --- kms_authorize.c -------------------------------------------------------------------------- */
/* An encryption context, for conditions and as additional data. */
struct kms_context {
    const struct kms_context_pair *pairs;
    size_t count;
};
struct kms_question {
    const char *action; /* "kms:Encrypt" */
    const char *via;    /* service that asks for the caller, or NULL */
    const char *alias;  /* kms:RequestAlias: the alias the caller named, or NULL */
    struct kms_context context;
    const char *grant_id; /* the grant to be retired, or NULL */
    bool pair, same_key;  /* two keys take part (ReEncrypt); they are the same */
};
/* May the caller? The key's policy and the caller's, else a grant. LOCAL_FAILED with
 * AccessDeniedException. */
enum local_result kms_allow(struct local_call *call, const struct kms_key *key,
                            const struct kms_question *question);
/* CreateKey has no key yet: what it asks for takes its place in the conditions. */
enum local_result kms_allow_creation(struct local_call *call, const char *action,
                                     const char *resource);
/* The same for a replica of `key`, in the Region of `call`. */
enum local_result kms_allow_replica(struct local_call *call, const char *action,
                                    const struct kms_key *key);
/* The pipeline's question (struct local_service). */
enum local_result kms_authorize(struct local_call *call, const char *action, const char *resource);
/* An ARN of partition "aws" as it is in this one; the caller's, for texts. */
const char *kms_in_partition(struct local_call *call, const char *arn);
const char *kms_caller(struct local_call *call);

/* --- kms_grant.c ------------------------------------------------------------------------------ */
/* RetireGrant's key, and the grant it names. */
const char *const *kms_grant_resources(struct local_call *call);
const char *kms_grant_asked(struct local_call *call);
enum local_result kms_create_grant(struct local_call *call);
enum local_result kms_list_grants(struct local_call *call);
enum local_result kms_list_retirable_grants(struct local_call *call);
enum local_result kms_retire_grant(struct local_call *call);
enum local_result kms_revoke_grant(struct local_call *call);

/* --- kms_policy.c ----------------------------------------------------------------------------- */
char *kms_default_policy(struct local_call *call);
/* A policy laid out as GetKeyPolicy returns it; ERR_INVALID when it is not a JSON object. */
int kms_policy_format(struct arena *arena, const char *policy, char **shown, struct error *err);
/* Checks a policy given by the caller (size, syntax, principals, lockout) and returns it as
 * GetKeyPolicy will show it. */
enum local_result kms_policy_check(struct local_call *call, const char *given, bool bypass,
                                   char **shown, enum kms_policy_shape *shape);
enum local_result kms_get_key_policy(struct local_call *call);
enum local_result kms_put_key_policy(struct local_call *call);
enum local_result kms_list_key_policies(struct local_call *call);

/* --- kms_tags.c ------------------------------------------------------------------------------- */
/* Checks and adds `tags` (the API's list of TagKey, TagValue); refused with TagException. */
enum local_result kms_tags_add(struct local_call *call, const char *key_id, const json_t *tags);
enum local_result kms_tag_resource(struct local_call *call);
enum local_result kms_untag_resource(struct local_call *call);
enum local_result kms_list_resource_tags(struct local_call *call);

/* --- kms_cipher.c ----------------------------------------------------------------------------- */
/* What a ciphertext says about itself. */
struct kms_header {
    char key_id[KMS_ID_SIZE];
    char material[KMS_MATERIAL_SIZE];
};
/* 0, or -1 when it is not a ciphertext of this server. */
int kms_blob_read(const void *blob, size_t len, struct kms_header *out);
enum { KMS_BLOB_OVERHEAD = 83 }; /* bytes added to the plaintext */
/* -1 when the key's material is gone (the session has failed, or it was deleted). */
int kms_seal(struct local_call *call, const struct kms_key *key, const struct kms_context *context,
             const void *plaintext, size_t len, unsigned char **blob, size_t *blob_len);
/* `header` as kms_blob_read took it from `blob`; whether its key may be used is the caller's to
 * ask. -1 when the bytes or the context are not those that were sealed. */
int kms_unseal(struct local_call *call, const struct kms_header *header,
               const struct kms_context *context, const void *blob, size_t blob_len,
               unsigned char **plaintext, size_t *len);

/* --- kms_crypto.c ----------------------------------------------------------------------------- */
/* Members of the input named `name` as a context; empty when absent. */
struct kms_context kms_context_of(struct local_call *call, const char *name);
struct kms_context kms_context_from(struct local_call *call, const json_t *object);
/* Resources of Decrypt and ReEncrypt: the key named, or the one inside the ciphertext. */
const char *const *kms_ciphertext_resources(struct local_call *call);
/* "The ciphertext refers to a customer master key that does not exist ..." */
enum local_result kms_fail_ciphertext(struct local_call *call);
enum local_result kms_fail_internal(struct local_call *call);
/* Grant tokens, a Recipient's attestation, and last DryRun: what many operations take alike. */
enum local_result kms_check_options(struct local_call *call);
enum local_result kms_check_recipient(struct local_call *call);
enum local_result kms_check_dry_run(struct local_call *call);
void kms_put_blob(struct local_call *call, const char *name, const void *data, size_t len);
int kms_read_blob(struct local_call *call, const char *name, unsigned char **data, size_t *len);
enum local_result kms_op_encrypt(struct local_call *call);
enum local_result kms_op_decrypt(struct local_call *call);
enum local_result kms_op_re_encrypt(struct local_call *call);

/* --- kms_data_key.c --------------------------------------------------------------------------- */
enum local_result kms_op_generate_data_key(struct local_call *call);
enum local_result kms_op_generate_data_key_without_plaintext(struct local_call *call);
enum local_result kms_op_generate_data_key_pair(struct local_call *call);
enum local_result kms_op_generate_data_key_pair_without_plaintext(struct local_call *call);
enum local_result kms_op_generate_random(struct local_call *call);

/* --- kms_sign.c ------------------------------------------------------------------------------- */
enum local_result kms_op_sign(struct local_call *call);
enum local_result kms_op_verify(struct local_call *call);
enum local_result kms_op_generate_mac(struct local_call *call);
enum local_result kms_op_verify_mac(struct local_call *call);
enum local_result kms_op_get_public_key(struct local_call *call);
enum local_result kms_op_derive_shared_secret(struct local_call *call);

#endif
