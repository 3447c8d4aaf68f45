#include "local/services/iam_parts.h"

#include <string.h>

/* Quotas: IAM user guide, "IAM and AWS STS quotas" (defaults). */
const struct iam_kind iam_user = {
    .name = "user",
    .object = "User",
    .list = "Users",
    .member = "UserName",
    .arn = "user",
    .prefix = "AIDA",
    .quota = "UsersPerAccount",
    .most = 5000,
    .attach_quota = "PoliciesPerUser",
    .largest_inline = 2048,
};
const struct iam_kind iam_group = {
    .name = "group",
    .object = "Group",
    .list = "Groups",
    .member = "GroupName",
    .arn = "group",
    .prefix = "AGPA",
    .quota = "GroupsPerAccount",
    .most = 300,
    .attach_quota = "PoliciesPerGroup",
    .largest_inline = 5120,
};
const struct iam_kind iam_role_kind = {
    .name = "role",
    .object = "Role",
    .list = "Roles",
    .member = "RoleName",
    .arn = "role",
    .prefix = "AROA",
    .quota = "RolesPerAccount",
    .most = 1000,
    .attach_quota = "PoliciesPerRole",
    .largest_inline = 10240,
};
const struct iam_kind iam_profile = {
    .name = "instance profile",
    .object = "InstanceProfile",
    .list = "InstanceProfiles",
    .member = "InstanceProfileName",
    .arn = "instance-profile",
    .prefix = "AIPA",
    .quota = "InstanceProfilesPerAccount",
    .most = 1000,
};
const struct iam_kind iam_policy = {
    .name = "policy",
    .object = "Policy",
    .list = "Policies",
    .member = "PolicyArn",
    .arn = "policy",
    .prefix = "ANPA",
    .quota = "PoliciesPerAccount",
    .most = 1500,
};
const struct iam_kind iam_oidc_provider = {
    .name = "OpenIDConnect Provider",
    .object = "OpenIDConnectProvider",
    .list = "OpenIDConnectProviders",
    .member = "OpenIDConnectProviderArn",
    .arn = "oidc-provider",
    .prefix = "OIDC",
    .quota = "OpenIdConnectProvidersPerAccount",
    .most = 100,
};

static const struct iam_kind *const kinds[] = {&iam_user,    &iam_group,  &iam_role_kind,
                                               &iam_profile, &iam_policy, &iam_oidc_provider,
                                               NULL};

static bool lists(const struct local_operation *operation, const struct iam_kind *kind)
{
    return text_starts(operation->name, "List") && strcmp(operation->name + 4, kind->list) == 0;
}

const struct iam_kind *iam_kind_asked(const struct local_call *call)
{
    const char *first = call->operation->input[0].name;
    for (const struct iam_kind *const *kind = kinds; *kind; kind++)
        if ((first && strcmp((*kind)->member, first) == 0) || lists(call->operation, *kind))
            return *kind;
    /* The first member of CreatePolicy: its policy has no ARN yet. */
    return first && strcmp(first, "PolicyName") == 0 ? &iam_policy : NULL;
}

const struct iam_kind *iam_kind_named(const char *name)
{
    for (const struct iam_kind *const *kind = kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}

const struct iam_kind *iam_kind_of_arn(const char *first)
{
    for (const struct iam_kind *const *kind = kinds; *kind; kind++) {
        size_t len = strlen((*kind)->arn);
        if (strncmp(first, (*kind)->arn, len) == 0 && first[len] == '/')
            return *kind;
    }
    return NULL;
}
