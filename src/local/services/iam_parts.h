/*
 * iam_parts: what the files of the IAM service share. Nobody else includes it.
 *
 *   iam.c            the operations; authorisation; paging
 *   iam_input.c      the members of their inputs
 *   iam_kind.c       the kinds of entities there are
 *   iam_entity.c     entities in the store: users, groups, roles, policies ... all the same way
 *   iam_put.c        entities in answers; Get..., List...
 *   iam_change.c     Create..., Delete..., Update...
 *   iam_boundary.c   permissions boundaries
 *   iam_tag.c        tags
 *   iam_group.c      who is in a group
 *   iam_profile.c    roles of instance profiles
 *   iam_access_key.c access keys of users
 *   iam_account.c    alias, summary, authorization details
 *   iam_setup.c      what every account starts with
 *   iam_role.c       what is particular to roles; services/iam.h about them
 *   iam_trust.c      trust policies: who may be named in them and what they must look like
 *   iam_policy.c     inline and attached policies of users, groups and roles
 *   iam_customer.c   managed policies of the account and their versions
 *   iam_managed.c    AWS managed policies, as data
 *   iam_identity.c   all that an identity's policies say together
 *   iam_provider.c   OpenID Connect providers
 *   iam_position.c   where statements stand in their documents
 *   iam_simulate.c   the policy simulator
 *
 * Facts: shared facts sts-iam-sigv4.md sections 4 and 8, model iam 2010-05-08. Texts of refusals
 * are general knowledge of IAM's answers (K) where the facts give none.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_IAM_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_IAM_PARTS_H

#include "local/services/iam.h"

/* --- iam_kind.c ------------------------------------------------------------------------------- */
struct iam_kind {
    const char *name;   /* in the store and in texts: "user" */
    const char *object; /* in members: "User", so "UserName" and "UserId" */
    const char *list;   /* "Users" */
    const char *member; /* the input member that names one: "UserName", "PolicyArn" */
    const char *arn;    /* the resource's first word: "user", "instance-profile" */
    const char *prefix; /* of its ids: "AIDA" */
    const char *quota;  /* "UsersPerAccount" */
    int64_t most;
    const char *attach_quota; /* "PoliciesPerUser"; NULL: has no policies */
    int64_t largest_inline;   /* characters of all its inline policies, white space apart */
};
extern const struct iam_kind iam_user, iam_group, iam_role_kind, iam_profile, iam_policy,
    iam_oidc_provider;
/* What the call's operation is about: the first member of its input names one, or it lists them. */
const struct iam_kind *iam_kind_asked(const struct local_call *call);
const struct iam_kind *iam_kind_named(const char *name);   /* "user"; NULL: none */
const struct iam_kind *iam_kind_of_arn(const char *first); /* "user/..." ; NULL: none */

/* --- iam_entity.c ----------------------------------------------------------------------------- */
/* Everything in IAM is one of these. Text in the arena it was read to. */
struct iam_entity {
    const struct iam_kind *kind;
    const char *account, *id, *name, *path;
    const char *tags;         /* JSON object */
    const char *boundary_arn; /* NULL: none. In partition "aws", as all ARNs in the store */
    const char *description;  /* NULL: none */
    const char *document;     /* a role's trust policy, a provider's JSON; else NULL */
    int64_t created_ms, updated_ms, max_session_s, default_version, last_version;
};
bool iam_entity_find(struct store_session *store, struct arena *arena, const char *account,
                     const struct iam_kind *kind, const char *name, struct iam_entity *out);
bool iam_entity_by_id(struct store_session *store, struct arena *arena, const char *id,
                      struct iam_entity *out);
/* AWS managed policies too. */
bool iam_entity_by_arn(struct store_session *store, struct arena *arena, const char *arn,
                       struct iam_entity *out);
/* The columns of iam_entities, and what reads them. */
#define IAM_ENTITY_COLUMNS                                                                         \
    "kind, account, id, name, path, tags, boundary_arn, description, document, created_ms, "       \
    "updated_ms, max_session_s, default_version, last_version"
void iam_entity_read(struct arena *arena, const struct store_rows *rows, struct iam_entity *out);
void iam_entity_insert(struct store_session *store, struct arena *arena,
                       const struct iam_entity *entity, bool generated);
/* Names are unique without regard to case. */
char *iam_lower(struct arena *arena, const char *name);
/* A column's text, copied; NULL for NULL. */
char *iam_column(struct arena *arena, const struct store_rows *rows, int number);
/* The same as "" for NULL. */
char *iam_needed(struct arena *arena, const struct store_rows *rows, int number);
/* One number: SELECT COUNT(*) ... WHERE x = $1. */
int64_t iam_count(struct store_session *store, const char *sql, const char *about);

/* In partition "aws". */
char *iam_entity_arn(struct arena *arena, const struct iam_entity *entity);
/* An ARN's text in partition "aws". */
char *iam_plain_arn(struct arena *arena, const char *arn);

/* The entity that the call is about (by name or ARN; the caller for a user not named), or
 * NoSuchEntity. */
enum local_result iam_asked(struct local_call *call, struct iam_entity *out);
/* One of a kind that another member names. */
enum local_result iam_named(struct local_call *call, const struct iam_kind *kind, const char *name,
                            struct iam_entity *out);
/* InvalidInput for a text that is no ARN of this kind's, as IAM was seen to answer it. */
enum local_result iam_check_arn(struct local_call *call, const struct iam_kind *kind,
                                const char *text);
enum local_result iam_missing(struct local_call *call, const struct iam_kind *kind,
                              const char *name);
enum local_result iam_exceeds(struct local_call *call, const char *quota, int64_t most);
const char *const *iam_resources(struct local_call *call);

/* --- iam.c ------------------------------------------------------------------------------------ */
/* A page of a list whose items come in the order of their keys. */
struct iam_page {
    const char *after, *last;
    int64_t left;
    bool more;
};
enum iam_take { IAM_SKIP, IAM_SHOW, IAM_FULL };
enum local_result iam_page_open(struct local_call *call, struct iam_page *page);
/* `key` must live as long as the page. */
enum iam_take iam_page_take(struct iam_page *page, const char *key);
void iam_page_close(struct local_call *call, const struct iam_page *page);
/* A policy document as IAM answers it: percent-encoded. */
void iam_put_document(struct local_call *call, const char *key, const char *document);
/* A map of the answer: a list of objects with "key" and "value" goes between the two. */
void iam_open_map(struct local_call *call, const char *key);
void iam_close_map(struct local_call *call);
/* prefix ("AROA") and 17 characters. */
char *iam_new_id(struct local_call *call, const char *prefix);
/* The same for the same text. */
char *iam_fixed_id(struct arena *arena, const char *prefix, const char *of);
int64_t iam_now_ms(const struct local_call *call);

/* --- iam_input.c ------------------------------------------------------------------------------ */
extern const struct local_member iam_in_create_user[], iam_in_create_group[], iam_in_create_role[],
    iam_in_create_profile[], iam_in_create_policy[], iam_in_create_provider[];
extern const struct local_member iam_in_user[], iam_in_user_optional[], iam_in_group[],
    iam_in_role[], iam_in_profile[], iam_in_policy[], iam_in_provider[];
extern const struct local_member iam_in_user_page[], iam_in_user_optional_page[],
    iam_in_group_page[], iam_in_role_page[], iam_in_profile_page[], iam_in_policy_page[],
    iam_in_provider_page[];
extern const struct local_member iam_in_user_inline[], iam_in_group_inline[], iam_in_role_inline[];
extern const struct local_member iam_in_put_user_inline[], iam_in_put_group_inline[],
    iam_in_put_role_inline[];
extern const struct local_member iam_in_user_attach[], iam_in_group_attach[], iam_in_role_attach[];
extern const struct local_member iam_in_user_attached[], iam_in_group_attached[],
    iam_in_role_attached[];
extern const struct local_member iam_in_user_boundary[], iam_in_role_boundary[];
extern const struct local_member iam_in_user_tag[], iam_in_role_tag[], iam_in_profile_tag[],
    iam_in_policy_tag[], iam_in_provider_tag[];
extern const struct local_member iam_in_user_untag[], iam_in_role_untag[], iam_in_profile_untag[],
    iam_in_policy_untag[], iam_in_provider_untag[];
extern const struct local_member iam_in_list[], iam_in_list_policies[], iam_in_page[],
    iam_in_nothing[];
extern const struct local_member iam_in_trust[], iam_in_update_role[], iam_in_describe_role[];
extern const struct local_member iam_in_update_user[], iam_in_update_group[];
extern const struct local_member iam_in_membership[], iam_in_profile_role[];
extern const struct local_member iam_in_create_version[], iam_in_version[], iam_in_entities[];
extern const struct local_member iam_in_create_key[], iam_in_key[], iam_in_update_key[],
    iam_in_key_used[];
extern const struct local_member iam_in_alias[], iam_in_details[], iam_in_token_version[];
extern const struct local_member iam_in_client_id[], iam_in_thumbprints[];
extern const struct local_member iam_in_simulate_principal[], iam_in_simulate_custom[],
    iam_in_keys_of_principal[], iam_in_keys_of_custom[];

/* --- iam_managed.c ---------------------------------------------------------------------------- */
struct iam_managed_policy {
    const char *name;
    const char *path; /* "/", "/service-role/" */
    const char *document;
};
extern const struct iam_managed_policy iam_managed_policies[]; /* ended by a NULL name */
const char *iam_managed_document(const char *name);
/* As an entity of account "aws". */
void iam_managed_entity(struct arena *arena, const struct iam_managed_policy *policy,
                        struct iam_entity *out);

/* --- iam_put.c -------------------------------------------------------------------------------- */
/* An object; `whole` with what lists leave out (tags, boundary). */
void iam_put_entity(struct local_call *call, const struct iam_entity *entity, bool whole);
/* Its members alone, into an object that is open. */
void iam_put_members(struct local_call *call, const struct iam_entity *entity, bool whole);
void iam_put_boundary(struct local_call *call, const struct iam_entity *entity);
enum local_result iam_get(struct local_call *call);
enum local_result iam_list(struct local_call *call);

/* --- iam_change.c ----------------------------------------------------------------------------- */
enum local_result iam_create(struct local_call *call);
enum local_result iam_delete(struct local_call *call);
enum local_result iam_rename(struct local_call *call);
/* What all new entities have in common; refused when the name is taken or the quota reached. */
enum local_result iam_new_entity(struct local_call *call, const struct iam_kind *kind,
                                 const char *name, struct iam_entity *out);

/* --- iam_boundary.c --------------------------------------------------------------------------- */
/* The request's PermissionsBoundary, NULL when there is none. */
enum local_result iam_boundary_asked(struct local_call *call, const char **out);
enum local_result iam_put_permissions_boundary(struct local_call *call);
enum local_result iam_delete_permissions_boundary(struct local_call *call);

/* --- iam_tag.c -------------------------------------------------------------------------------- */
/* The request's tags laid over `old` (JSON object), as a JSON object. */
enum local_result iam_tags_asked(struct local_call *call, const char *old, const char **out);
void iam_put_tags(struct local_call *call, const char *tags);
enum local_result iam_tag(struct local_call *call);
enum local_result iam_untag(struct local_call *call);
enum local_result iam_list_tags(struct local_call *call);

/* --- iam_group.c ------------------------------------------------------------------------------ */
enum local_result iam_add_user_to_group(struct local_call *call);
enum local_result iam_remove_user_from_group(struct local_call *call);
enum local_result iam_get_group(struct local_call *call);
enum local_result iam_list_groups_for_user(struct local_call *call);

/* --- iam_profile.c ---------------------------------------------------------------------------- */
enum local_result iam_add_role_to_profile(struct local_call *call);
enum local_result iam_remove_role_from_profile(struct local_call *call);
enum local_result iam_list_profiles_for_role(struct local_call *call);
/* Member Roles of an instance profile. */
void iam_put_profile_roles(struct local_call *call, const struct iam_entity *profile);
/* A list of the role's instance profiles under `key`; `page` NULL: all. */
void iam_put_role_profiles(struct local_call *call, const struct iam_entity *role, const char *key,
                           struct iam_page *page);

/* --- iam_access_key.c ------------------------------------------------------------------------- */
enum local_result iam_create_access_key(struct local_call *call);
enum local_result iam_list_access_keys(struct local_call *call);
enum local_result iam_update_access_key(struct local_call *call);
enum local_result iam_delete_access_key(struct local_call *call);
enum local_result iam_get_access_key_last_used(struct local_call *call);

/* --- iam_account.c ---------------------------------------------------------------------------- */
enum local_result iam_create_account_alias(struct local_call *call);
enum local_result iam_delete_account_alias(struct local_call *call);
enum local_result iam_list_account_aliases(struct local_call *call);
enum local_result iam_get_account_summary(struct local_call *call);
enum local_result iam_set_token_version(struct local_call *call);
enum local_result iam_get_account_authorization_details(struct local_call *call);

/* --- iam_role.c ------------------------------------------------------------------------------- */
enum { IAM_DEFAULT_SESSION_S = 3600 };
enum local_result iam_update_role(struct local_call *call);
enum local_result iam_update_role_description(struct local_call *call);
enum local_result iam_update_assume_role_policy(struct local_call *call);

/* --- iam_trust.c ------------------------------------------------------------------------------ */
/* Refuses a trust policy that AWS would: MalformedPolicyDocument, LimitExceeded. */
enum local_result iam_check_trust(struct local_call *call, const char *text);

/* --- iam_policy.c ----------------------------------------------------------------------------- */
/* Refuses a document that is no identity policy. */
enum local_result iam_check_document(struct local_call *call, const char *document);
/* IAM does not count white space. */
size_t iam_document_size(const char *document);
enum local_result iam_put_inline(struct local_call *call);
enum local_result iam_get_inline(struct local_call *call);
enum local_result iam_delete_inline(struct local_call *call);
enum local_result iam_list_inline(struct local_call *call);
enum local_result iam_attach(struct local_call *call);
enum local_result iam_detach(struct local_call *call);
enum local_result iam_list_attached(struct local_call *call);
/* The managed policy that a member of the request names: ValidationError, NoSuchEntity. */
enum local_result iam_attachable(struct local_call *call, const char *arn, struct iam_entity *out);
/* Lists for GetAccountAuthorizationDetails. */
void iam_put_inline_documents(struct local_call *call, const struct iam_entity *owner,
                              const char *key);
void iam_put_attached_policies(struct local_call *call, const struct iam_entity *owner);

/* --- iam_customer.c --------------------------------------------------------------------------- */
/* The document of a version, NULL when there is none; AWS's own have version 1 alone. */
char *iam_version_document(struct store_session *store, struct arena *arena,
                           const struct iam_entity *policy, int64_t version);
/* How many of the account have it attached, or as their boundary. */
int64_t iam_policy_uses(struct local_call *call, const struct iam_entity *policy, bool boundary);
/* What GetPolicy has beyond the common members. */
void iam_put_policy_members(struct local_call *call, const struct iam_entity *policy);
void iam_put_versions(struct local_call *call, const struct iam_entity *policy, const char *key,
                      struct iam_page *page, bool documents);
enum local_result iam_delete_policy(struct local_call *call);
enum local_result iam_create_policy(struct local_call *call);
enum local_result iam_list_policies(struct local_call *call);
enum local_result iam_create_policy_version(struct local_call *call);
enum local_result iam_get_policy_version(struct local_call *call);
enum local_result iam_list_policy_versions(struct local_call *call);
enum local_result iam_delete_policy_version(struct local_call *call);
enum local_result iam_set_default_policy_version(struct local_call *call);
enum local_result iam_list_entities_for_policy(struct local_call *call);

/* --- iam_provider.c --------------------------------------------------------------------------- */
/* The ARN of the one that CreateOpenIDConnectProvider would make. */
const char *const *iam_provider_resources(struct local_call *call);
enum local_result iam_create_provider(struct local_call *call);
enum local_result iam_get_provider(struct local_call *call);
enum local_result iam_list_providers(struct local_call *call);
enum local_result iam_add_client_id(struct local_call *call);
enum local_result iam_remove_client_id(struct local_call *call);
enum local_result iam_update_thumbprint(struct local_call *call);

/* --- iam_position.c --------------------------------------------------------------------------- */
struct iam_position {
    int64_t line, column;
};
/* Where a document's statement (counted from 0) begins and ends, as the simulator says it. */
void iam_statement_span(struct arena *arena, const char *text, size_t number,
                        struct iam_position *start, struct iam_position *end);

/* --- iam_simulate.c --------------------------------------------------------------------------- */
enum local_result iam_simulate_principal_policy(struct local_call *call);
enum local_result iam_simulate_custom_policy(struct local_call *call);
enum local_result iam_context_keys_of_principal(struct local_call *call);
enum local_result iam_context_keys_of_custom(struct local_call *call);

#endif
