#include "local/services/iam_parts.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/digest.h"
#include "local/condition_keys.h"
#include "net/url.h"

#include <string.h>

/* IAM is global: nothing here knows a Region. ARNs are kept in partition "aws". `generated` marks a
 * role whose trust policy this server keeps up to date (iam_setup.c). */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS iam_accounts ("
    " account TEXT NOT NULL PRIMARY KEY, created_ms BIGINT NOT NULL, alias TEXT UNIQUE,"
    " token_version INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS iam_entities ("
    " id TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL,"
    " name_key TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, tags TEXT NOT NULL,"
    " boundary_arn TEXT, description TEXT, document TEXT, created_ms BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL, max_session_s INTEGER NOT NULL,"
    " default_version BIGINT NOT NULL, last_version BIGINT NOT NULL, generated INTEGER NOT NULL,"
    " UNIQUE (account, kind, name_key));"
    "CREATE INDEX IF NOT EXISTS iam_entities_boundary ON iam_entities (boundary_arn);"
    "CREATE TABLE IF NOT EXISTS iam_inline ("
    " owner TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (owner, name));"
    "CREATE TABLE IF NOT EXISTS iam_attached ("
    " owner TEXT NOT NULL, policy_arn TEXT NOT NULL, policy_key TEXT NOT NULL,"
    " attached_ms BIGINT NOT NULL, PRIMARY KEY (owner, policy_arn));"
    "CREATE INDEX IF NOT EXISTS iam_attached_policy ON iam_attached (policy_arn);"
    "CREATE TABLE IF NOT EXISTS iam_versions ("
    " policy_id TEXT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL, PRIMARY KEY (policy_id, version));"
    "CREATE TABLE IF NOT EXISTS iam_members ("
    " group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id));"
    "CREATE INDEX IF NOT EXISTS iam_members_user ON iam_members (user_id);"
    "CREATE TABLE IF NOT EXISTS iam_profile_roles ("
    " profile_id TEXT NOT NULL, role_id TEXT NOT NULL, PRIMARY KEY (profile_id, role_id));";

/* --- shared by the files ---------------------------------------------------------------------- */

enum local_result iam_page_open(struct local_call *call, struct iam_page *page)
{
    const char *marker = local_text(call, "Marker");
    char *text = NULL;
    if (marker && local_token_decode(call, marker, &text) != 0)
        return local_fail_status(call, 400, "ValidationError", "Invalid Marker.");
    *page = (struct iam_page){text ? text : "", NULL, local_int(call, "MaxItems", 100), false};
    return LOCAL_OK;
}

enum iam_take iam_page_take(struct iam_page *page, const char *key)
{
    if (strcmp(key, page->after) <= 0)
        return IAM_SKIP;
    if (page->left == 0) {
        page->more = true;
        return IAM_FULL;
    }
    page->left--;
    page->last = key;
    return IAM_SHOW;
}

void iam_page_close(struct local_call *call, const struct iam_page *page)
{
    json_put_bool(call->out, "IsTruncated", page->more);
    if (page->more)
        json_put_text(call->out, "Marker", local_token_encode(call, page->last));
}

void iam_put_document(struct local_call *call, const char *key, const char *document)
{
    struct buf encoded;
    buf_init(&encoded, 1024 * 1024);
    url_encode(&encoded, document, strlen(document), false);
    json_put_text(call->out, key, buf_text(&encoded));
    buf_done(&encoded);
}

static const char id_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void iam_open_map(struct local_call *call, const char *key)
{
    json_key(call->out, key);
    json_open(call->out);
    json_key(call->out, "entry");
    json_open_list(call->out);
}

void iam_close_map(struct local_call *call)
{
    json_close_list(call->out);
    json_close(call->out);
}

char *iam_new_id(struct local_call *call, const char *prefix)
{
    char text[18];
    random_text(call->local->random, id_letters, text, 17);
    return arena_printf(call->arena, "%s%s", prefix, text);
}

char *iam_fixed_id(struct arena *arena, const char *prefix, const char *of)
{
    unsigned char hash[SHA256_SIZE];
    char text[18] = "";
    digest_sha256(of, strlen(of), hash);
    for (size_t i = 0; i < 17; i++)
        text[i] = id_letters[hash[i] % 32];
    return arena_printf(arena, "%s%s", prefix, text);
}

int64_t iam_now_ms(const struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

/* --- authorisation ---------------------------------------------------------------------------- */

static const char *const *simulated_resources(struct local_call *call)
{
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = local_text(call, "PolicySourceArn");
    return arns;
}

/* iam:PermissionsBoundary is the boundary asked for or, where an identity's policies change, the
 * one it has (IAM user guide, "Delegating responsibility to others using permissions boundaries").
 */
static void add_entity_keys(struct condition_keys *keys, const char *resource)
{
    struct local_call *call = keys->call;
    struct iam_entity entity;
    const char *boundary = local_text(call, "PermissionsBoundary");
    bool found = iam_entity_by_arn(call->store, call->arena, resource, &entity);
    if (!boundary && found)
        boundary = local_shown(call, entity.boundary_arn);
    condition_keys_add(keys, "iam:PermissionsBoundary", boundary);
    if (!found)
        return;
    condition_keys_add_resource_tags(keys, "aws:ResourceTag/", entity.tags);
    condition_keys_add_resource_tags(keys, "iam:ResourceTag/", entity.tags);
}

static enum local_result authorize(struct local_call *call, const char *action,
                                   const char *resource)
{
    const struct principal *caller = call->caller;
    struct arn arn;
    /* Sessions of GetSessionToken may not call IAM (without MFA, which this server does not have),
     * nor may federated users. */
    if (caller->temporary && caller->kind != PRINCIPAL_ROLE)
        return local_fail_status(call, 403, "InvalidClientTokenId",
                                 "The security token included in the request is invalid");
    bool is_arn = arn_parse(resource, strlen(resource), &arn) == 0;
    if (is_arn && arn.account.len && !text_is(arn.account, call->account) &&
        !text_is(arn.account, "aws")) /* nothing of IAM's is shared */
        return local_fail_status(call, 403, "AccessDenied",
                                 "User: %s is not authorized to perform: %s on resource: %s",
                                 local_shown(call, caller->arn), action, resource);
    struct condition_keys keys = {.call = call};
    const char *policy = local_text(call, "PolicyArn");
    condition_keys_add(&keys, "iam:PolicyARN", policy);
    condition_keys_add_tags(&keys, local_value(call, "Tags"), "Key", "Value");
    condition_keys_add_json(&keys, "aws:TagKeys", local_value(call, "TagKeys"), NULL);
    if (is_arn)
        add_entity_keys(&keys, resource);
    return local_authorize_question(call, &(struct local_question){.action = action,
                                                                   .resource = resource,
                                                                   .context = keys.items,
                                                                   .context_count = keys.count});
}

/* --- operations ------------------------------------------------------------------------------- */

static const struct local_operation operations[] = {
    {"AddClientIDToOpenIDConnectProvider", "iam:AddClientIDToOpenIDConnectProvider", LOCAL_WRITES,
     iam_in_client_id, iam_resources, iam_add_client_id},
    {"AddRoleToInstanceProfile", "iam:AddRoleToInstanceProfile", LOCAL_WRITES, iam_in_profile_role,
     iam_resources, iam_add_role_to_profile},
    {"AddUserToGroup", "iam:AddUserToGroup", LOCAL_WRITES, iam_in_membership, iam_resources,
     iam_add_user_to_group},
    {"AttachGroupPolicy", "iam:AttachGroupPolicy", LOCAL_WRITES, iam_in_group_attach, iam_resources,
     iam_attach},
    {"AttachRolePolicy", "iam:AttachRolePolicy", LOCAL_WRITES, iam_in_role_attach, iam_resources,
     iam_attach},
    {"AttachUserPolicy", "iam:AttachUserPolicy", LOCAL_WRITES, iam_in_user_attach, iam_resources,
     iam_attach},
    {"CreateAccessKey", "iam:CreateAccessKey", LOCAL_WRITES, iam_in_create_key, iam_resources,
     iam_create_access_key},
    {"CreateAccountAlias", "iam:CreateAccountAlias", LOCAL_WRITES, iam_in_alias, NULL,
     iam_create_account_alias},
    {"CreateGroup", "iam:CreateGroup", LOCAL_WRITES, iam_in_create_group, iam_resources,
     iam_create},
    {"CreateInstanceProfile", "iam:CreateInstanceProfile", LOCAL_WRITES, iam_in_create_profile,
     iam_resources, iam_create},
    {"CreateOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider", LOCAL_WRITES,
     iam_in_create_provider, iam_provider_resources, iam_create_provider},
    {"CreatePolicy", "iam:CreatePolicy", LOCAL_WRITES, iam_in_create_policy, iam_resources,
     iam_create_policy},
    {"CreatePolicyVersion", "iam:CreatePolicyVersion", LOCAL_WRITES, iam_in_create_version,
     iam_resources, iam_create_policy_version},
    {"CreateRole", "iam:CreateRole", LOCAL_WRITES, iam_in_create_role, iam_resources, iam_create},
    {"CreateUser", "iam:CreateUser", LOCAL_WRITES, iam_in_create_user, iam_resources, iam_create},
    {"DeleteAccessKey", "iam:DeleteAccessKey", LOCAL_WRITES, iam_in_key, iam_resources,
     iam_delete_access_key},
    {"DeleteAccountAlias", "iam:DeleteAccountAlias", LOCAL_WRITES, iam_in_alias, NULL,
     iam_delete_account_alias},
    {"DeleteGroup", "iam:DeleteGroup", LOCAL_WRITES, iam_in_group, iam_resources, iam_delete},
    {"DeleteGroupPolicy", "iam:DeleteGroupPolicy", LOCAL_WRITES, iam_in_group_inline, iam_resources,
     iam_delete_inline},
    {"DeleteInstanceProfile", "iam:DeleteInstanceProfile", LOCAL_WRITES, iam_in_profile,
     iam_resources, iam_delete},
    {"DeleteOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider", LOCAL_WRITES,
     iam_in_provider, iam_resources, iam_delete},
    {"DeletePolicy", "iam:DeletePolicy", LOCAL_WRITES, iam_in_policy, iam_resources,
     iam_delete_policy},
    {"DeletePolicyVersion", "iam:DeletePolicyVersion", LOCAL_WRITES, iam_in_version, iam_resources,
     iam_delete_policy_version},
    {"DeleteRole", "iam:DeleteRole", LOCAL_WRITES, iam_in_role, iam_resources, iam_delete},
    {"DeleteRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", LOCAL_WRITES,
     iam_in_role, iam_resources, iam_delete_permissions_boundary},
    {"DeleteRolePolicy", "iam:DeleteRolePolicy", LOCAL_WRITES, iam_in_role_inline, iam_resources,
     iam_delete_inline},
    {"DeleteUser", "iam:DeleteUser", LOCAL_WRITES, iam_in_user, iam_resources, iam_delete},
    {"DeleteUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary", LOCAL_WRITES,
     iam_in_user, iam_resources, iam_delete_permissions_boundary},
    {"DeleteUserPolicy", "iam:DeleteUserPolicy", LOCAL_WRITES, iam_in_user_inline, iam_resources,
     iam_delete_inline},
    {"DetachGroupPolicy", "iam:DetachGroupPolicy", LOCAL_WRITES, iam_in_group_attach, iam_resources,
     iam_detach},
    {"DetachRolePolicy", "iam:DetachRolePolicy", LOCAL_WRITES, iam_in_role_attach, iam_resources,
     iam_detach},
    {"DetachUserPolicy", "iam:DetachUserPolicy", LOCAL_WRITES, iam_in_user_attach, iam_resources,
     iam_detach},
    {"GetAccessKeyLastUsed", "iam:GetAccessKeyLastUsed", 0, iam_in_key_used, NULL,
     iam_get_access_key_last_used},
    {"GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails", 0, iam_in_details,
     NULL, iam_get_account_authorization_details},
    {"GetAccountSummary", "iam:GetAccountSummary", 0, iam_in_nothing, NULL,
     iam_get_account_summary},
    {"GetContextKeysForCustomPolicy", "iam:GetContextKeysForCustomPolicy", 0, iam_in_keys_of_custom,
     NULL, iam_context_keys_of_custom},
    {"GetContextKeysForPrincipalPolicy", "iam:GetContextKeysForPrincipalPolicy", 0,
     iam_in_keys_of_principal, simulated_resources, iam_context_keys_of_principal},
    {"GetGroup", "iam:GetGroup", 0, iam_in_group_page, iam_resources, iam_get_group},
    {"GetGroupPolicy", "iam:GetGroupPolicy", 0, iam_in_group_inline, iam_resources, iam_get_inline},
    {"GetInstanceProfile", "iam:GetInstanceProfile", 0, iam_in_profile, iam_resources, iam_get},
    {"GetOpenIDConnectProvider", "iam:GetOpenIDConnectProvider", 0, iam_in_provider, iam_resources,
     iam_get_provider},
    {"GetPolicy", "iam:GetPolicy", 0, iam_in_policy, iam_resources, iam_get},
    {"GetPolicyVersion", "iam:GetPolicyVersion", 0, iam_in_version, iam_resources,
     iam_get_policy_version},
    {"GetRole", "iam:GetRole", 0, iam_in_role, iam_resources, iam_get},
    {"GetRolePolicy", "iam:GetRolePolicy", 0, iam_in_role_inline, iam_resources, iam_get_inline},
    {"GetUser", "iam:GetUser", 0, iam_in_user_optional, iam_resources, iam_get},
    {"GetUserPolicy", "iam:GetUserPolicy", 0, iam_in_user_inline, iam_resources, iam_get_inline},
    {"ListAccessKeys", "iam:ListAccessKeys", 0, iam_in_user_optional_page, iam_resources,
     iam_list_access_keys},
    {"ListAccountAliases", "iam:ListAccountAliases", 0, iam_in_page, NULL,
     iam_list_account_aliases},
    {"ListAttachedGroupPolicies", "iam:ListAttachedGroupPolicies", 0, iam_in_group_attached,
     iam_resources, iam_list_attached},
    {"ListAttachedRolePolicies", "iam:ListAttachedRolePolicies", 0, iam_in_role_attached,
     iam_resources, iam_list_attached},
    {"ListAttachedUserPolicies", "iam:ListAttachedUserPolicies", 0, iam_in_user_attached,
     iam_resources, iam_list_attached},
    {"ListEntitiesForPolicy", "iam:ListEntitiesForPolicy", 0, iam_in_entities, iam_resources,
     iam_list_entities_for_policy},
    {"ListGroupPolicies", "iam:ListGroupPolicies", 0, iam_in_group_page, iam_resources,
     iam_list_inline},
    {"ListGroups", "iam:ListGroups", 0, iam_in_list, NULL, iam_list},
    {"ListGroupsForUser", "iam:ListGroupsForUser", 0, iam_in_user_page, iam_resources,
     iam_list_groups_for_user},
    {"ListInstanceProfileTags", "iam:ListInstanceProfileTags", 0, iam_in_profile_page,
     iam_resources, iam_list_tags},
    {"ListInstanceProfiles", "iam:ListInstanceProfiles", 0, iam_in_list, NULL, iam_list},
    {"ListInstanceProfilesForRole", "iam:ListInstanceProfilesForRole", 0, iam_in_role_page,
     iam_resources, iam_list_profiles_for_role},
    {"ListOpenIDConnectProviderTags", "iam:ListOpenIDConnectProviderTags", 0, iam_in_provider_page,
     iam_resources, iam_list_tags},
    {"ListOpenIDConnectProviders", "iam:ListOpenIDConnectProviders", 0, iam_in_nothing, NULL,
     iam_list_providers},
    {"ListPolicies", "iam:ListPolicies", 0, iam_in_list_policies, NULL, iam_list_policies},
    {"ListPolicyTags", "iam:ListPolicyTags", 0, iam_in_policy_page, iam_resources, iam_list_tags},
    {"ListPolicyVersions", "iam:ListPolicyVersions", 0, iam_in_policy_page, iam_resources,
     iam_list_policy_versions},
    {"ListRolePolicies", "iam:ListRolePolicies", 0, iam_in_role_page, iam_resources,
     iam_list_inline},
    {"ListRoleTags", "iam:ListRoleTags", 0, iam_in_role_page, iam_resources, iam_list_tags},
    {"ListRoles", "iam:ListRoles", 0, iam_in_list, NULL, iam_list},
    {"ListUserPolicies", "iam:ListUserPolicies", 0, iam_in_user_page, iam_resources,
     iam_list_inline},
    {"ListUserTags", "iam:ListUserTags", 0, iam_in_user_page, iam_resources, iam_list_tags},
    {"ListUsers", "iam:ListUsers", 0, iam_in_list, NULL, iam_list},
    {"PutGroupPolicy", "iam:PutGroupPolicy", LOCAL_WRITES, iam_in_put_group_inline, iam_resources,
     iam_put_inline},
    {"PutRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", LOCAL_WRITES,
     iam_in_role_boundary, iam_resources, iam_put_permissions_boundary},
    {"PutRolePolicy", "iam:PutRolePolicy", LOCAL_WRITES, iam_in_put_role_inline, iam_resources,
     iam_put_inline},
    {"PutUserPermissionsBoundary", "iam:PutUserPermissionsBoundary", LOCAL_WRITES,
     iam_in_user_boundary, iam_resources, iam_put_permissions_boundary},
    {"PutUserPolicy", "iam:PutUserPolicy", LOCAL_WRITES, iam_in_put_user_inline, iam_resources,
     iam_put_inline},
    {"RemoveClientIDFromOpenIDConnectProvider", "iam:RemoveClientIDFromOpenIDConnectProvider",
     LOCAL_WRITES, iam_in_client_id, iam_resources, iam_remove_client_id},
    {"RemoveRoleFromInstanceProfile", "iam:RemoveRoleFromInstanceProfile", LOCAL_WRITES,
     iam_in_profile_role, iam_resources, iam_remove_role_from_profile},
    {"RemoveUserFromGroup", "iam:RemoveUserFromGroup", LOCAL_WRITES, iam_in_membership,
     iam_resources, iam_remove_user_from_group},
    {"SetDefaultPolicyVersion", "iam:SetDefaultPolicyVersion", LOCAL_WRITES, iam_in_version,
     iam_resources, iam_set_default_policy_version},
    {"SetSecurityTokenServicePreferences", "iam:SetSecurityTokenServicePreferences", LOCAL_WRITES,
     iam_in_token_version, NULL, iam_set_token_version},
    {"SimulateCustomPolicy", "iam:SimulateCustomPolicy", 0, iam_in_simulate_custom, NULL,
     iam_simulate_custom_policy},
    {"SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy", 0, iam_in_simulate_principal,
     simulated_resources, iam_simulate_principal_policy},
    {"TagInstanceProfile", "iam:TagInstanceProfile", LOCAL_WRITES, iam_in_profile_tag,
     iam_resources, iam_tag},
    {"TagOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", LOCAL_WRITES, iam_in_provider_tag,
     iam_resources, iam_tag},
    {"TagPolicy", "iam:TagPolicy", LOCAL_WRITES, iam_in_policy_tag, iam_resources, iam_tag},
    {"TagRole", "iam:TagRole", LOCAL_WRITES, iam_in_role_tag, iam_resources, iam_tag},
    {"TagUser", "iam:TagUser", LOCAL_WRITES, iam_in_user_tag, iam_resources, iam_tag},
    {"UntagInstanceProfile", "iam:UntagInstanceProfile", LOCAL_WRITES, iam_in_profile_untag,
     iam_resources, iam_untag},
    {"UntagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider", LOCAL_WRITES,
     iam_in_provider_untag, iam_resources, iam_untag},
    {"UntagPolicy", "iam:UntagPolicy", LOCAL_WRITES, iam_in_policy_untag, iam_resources, iam_untag},
    {"UntagRole", "iam:UntagRole", LOCAL_WRITES, iam_in_role_untag, iam_resources, iam_untag},
    {"UntagUser", "iam:UntagUser", LOCAL_WRITES, iam_in_user_untag, iam_resources, iam_untag},
    {"UpdateAccessKey", "iam:UpdateAccessKey", LOCAL_WRITES, iam_in_update_key, iam_resources,
     iam_update_access_key},
    {"UpdateAssumeRolePolicy", "iam:UpdateAssumeRolePolicy", LOCAL_WRITES, iam_in_trust,
     iam_resources, iam_update_assume_role_policy},
    {"UpdateGroup", "iam:UpdateGroup", LOCAL_WRITES, iam_in_update_group, iam_resources,
     iam_rename},
    {"UpdateOpenIDConnectProviderThumbprint", "iam:UpdateOpenIDConnectProviderThumbprint",
     LOCAL_WRITES, iam_in_thumbprints, iam_resources, iam_update_thumbprint},
    {"UpdateRole", "iam:UpdateRole", LOCAL_WRITES | LOCAL_EMPTY_RESULT, iam_in_update_role,
     iam_resources, iam_update_role},
    {"UpdateRoleDescription", "iam:UpdateRoleDescription", LOCAL_WRITES, iam_in_describe_role,
     iam_resources, iam_update_role_description},
    {"UpdateUser", "iam:UpdateUser", LOCAL_WRITES, iam_in_update_user, iam_resources, iam_rename},
    {0}};

static const struct local_trail_resource trail_resources[] = {{"UserName", "AWS::IAM::User"},
                                                              {"RoleName", "AWS::IAM::Role"},
                                                              {"GroupName", "AWS::IAM::Group"},
                                                              {"PolicyArn", "AWS::IAM::Policy"},
                                                              {"PolicyName", "AWS::IAM::Policy"},
                                                              {"AccessKeyId",
                                                               "AWS::IAM::AccessKey"},
                                                              {"InstanceProfileName",
                                                               "AWS::IAM::InstanceProfile"},
                                                              {NULL, NULL}};

const struct local_service iam_service = {.name = "iam",
                                          .api_version = "2010-05-08",
                                          .xml_namespace =
                                              "https://iam.amazonaws.com/doc/2010-05-08/",
                                          .protocol = AWS_QUERY,
                                          .clock_skew_ms = 15 * 60 * 1000,
                                          .internal_error = "ServiceFailure",
                                          .schema = schema,
                                          .global = true,
                                          .trail_resources = trail_resources,
                                          .authorize = authorize,
                                          .operations = operations};
