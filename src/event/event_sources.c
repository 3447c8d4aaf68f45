#include "event/event_sources.h"

/* --- where the names are ---------------------------------------------------------------------- */

static const struct event_shape put_parameter = {
    .kind = "ssm-parameter",
    .paths = {"requestParameters.name"},
    .version = "responseElements.version",
    .parameters = true,
};
static const struct event_shape parameter = {
    .kind = "ssm-parameter",
    .paths = {"requestParameters.name"},
    .parameters = true,
};
/* What was asked for and what AWS says that it deleted (R16): the look decides what is gone, so
 * that a name too many costs a read, and one too few would leave a copy behind. */
static const struct event_shape parameters = {
    .kind = "ssm-parameter",
    .paths = {"requestParameters.names", "responseElements.deletedParameters"},
    .all = true,
    .parameters = true,
};
static const struct event_shape tagged_parameter = {
    .kind = "ssm-parameter",
    .paths = {"requestParameters.resourceId"},
    .only_path = "requestParameters.resourceType",
    .only_text = "Parameter",
    .parameters = true,
};
/* Not the ARN of the envelope: it cannot tell "/a" from "a". */
static const struct event_shape parameter_change = {
    .kind = "ssm-parameter",
    .paths = {"name"},
    .parameters = true,
};
static const struct event_shape parameter_policy = {
    .kind = "ssm-parameter",
    .paths = {"parameter-name"},
    .parameters = true,
};

/* keyId is whatever the caller typed, an alias too: what AWS says comes first. */
static const struct event_shape key = {
    .kind = "kms-key",
    .paths = {"resources.ARN", "responseElements.keyMetadata.arn", "responseElements.keyId",
              "requestParameters.keyId", "requestParameters.targetKeyId",
              "requestParameters.aliasName", "serviceEventDetails.keyId"},
    .keys = true,
};
static const struct event_shape key_change = {
    .kind = "kms-key",
    .paths = {"key-id"},
    .keys = true,
};

/* "aRN": some operations wrote it so before February 2024. */
static const struct event_shape secret = {
    .kind = "secret",
    .paths = {"responseElements.arn", "responseElements.aRN", "requestParameters.secretId",
              "requestParameters.name", "additionalEventData.SecretId"},
};
static const struct event_shape secret_label = {
    .kind = "secret",
    .paths = {"name"},
};

/* --- the table -------------------------------------------------------------------------------- */

#define API     "AWS API Call via CloudTrail"
#define SERVICE "AWS Service Event via CloudTrail"

const struct event_source event_sources[] = {
    {"aws.ssm", API, "PutParameter", &put_parameter},
    {"aws.ssm", API, "DeleteParameter", &parameter},
    {"aws.ssm", API, "DeleteParameters", &parameters},
    {"aws.ssm", API, "LabelParameterVersion", &parameter},
    {"aws.ssm", API, "UnlabelParameterVersion", &parameter},
    {"aws.ssm", API, "AddTagsToResource", &tagged_parameter},
    {"aws.ssm", API, "RemoveTagsFromResource", &tagged_parameter},
    {"aws.ssm", "Parameter Store Change", NULL, &parameter_change},
    {"aws.ssm", "Parameter Store Policy Action", NULL, &parameter_policy},

    {"aws.kms", API, "CreateKey", &key},
    {"aws.kms", API, "ReplicateKey", &key},
    {"aws.kms", API, "UpdatePrimaryRegion", &key},
    {"aws.kms", API, "PutKeyPolicy", &key},
    {"aws.kms", API, "CreateAlias", &key},
    {"aws.kms", API, "UpdateAlias", &key},
    {"aws.kms", API, "DeleteAlias", &key},
    {"aws.kms", API, "TagResource", &key},
    {"aws.kms", API, "UntagResource", &key},
    {"aws.kms", API, "UpdateKeyDescription", &key},
    {"aws.kms", API, "EnableKey", &key},
    {"aws.kms", API, "DisableKey", &key},
    {"aws.kms", API, "EnableKeyRotation", &key},
    {"aws.kms", API, "DisableKeyRotation", &key},
    {"aws.kms", API, "RotateKeyOnDemand", &key},
    {"aws.kms", API, "ScheduleKeyDeletion", &key},
    {"aws.kms", API, "CancelKeyDeletion", &key},
    {"aws.kms", API, "CreateGrant", &key},
    {"aws.kms", API, "RetireGrant", &key},
    {"aws.kms", API, "RevokeGrant", &key},
    {"aws.kms", API, "ImportKeyMaterial", &key},
    {"aws.kms", API, "DeleteImportedKeyMaterial", &key},
    {"aws.kms", SERVICE, "RotateKey", &key},
    {"aws.kms", SERVICE, "DeleteKey", &key},
    {"aws.kms", SERVICE, "DeleteExpiredKeyMaterial", &key}, /* (K) the name */
    {"aws.kms", SERVICE, "SynchronizeMultiRegionKey", &key},
    {"aws.kms", "KMS CMK Rotation", NULL, &key_change},
    {"aws.kms", "KMS CMK Deletion", NULL, &key_change},
    {"aws.kms", "KMS Imported Key Material Expiration", NULL, &key_change},

    {"aws.secretsmanager", API, "CreateSecret", &secret},
    {"aws.secretsmanager", API, "PutSecretValue", &secret},
    {"aws.secretsmanager", API, "UpdateSecret", &secret},
    {"aws.secretsmanager", API, "UpdateSecretVersionStage", &secret},
    {"aws.secretsmanager", API, "DeleteSecret", &secret},
    {"aws.secretsmanager", API, "RestoreSecret", &secret},
    {"aws.secretsmanager", API, "RotateSecret", &secret},
    {"aws.secretsmanager", API, "CancelRotateSecret", &secret},
    {"aws.secretsmanager", API, "PutResourcePolicy", &secret},
    {"aws.secretsmanager", API, "DeleteResourcePolicy", &secret},
    {"aws.secretsmanager", API, "ReplicateSecretToRegions", &secret},
    {"aws.secretsmanager", API, "RemoveRegionsFromReplication", &secret},
    {"aws.secretsmanager", API, "StopReplicationToReplica", &secret},
    {"aws.secretsmanager", API, "TagResource", &secret},
    {"aws.secretsmanager", API, "UntagResource", &secret},
    {"aws.secretsmanager", SERVICE, "RotationSucceeded", &secret},
    {"aws.secretsmanager", SERVICE, "ReplicationSucceeded", &secret},
    {"aws.secretsmanager", SERVICE, "ReplicationFailed", &secret},
    {"aws.secretsmanager", SERVICE, "EndSecretVersionDelete", &secret},
    {"aws.secretsmanager", SERVICE, "SecretVersionDeletion", &secret},
    {"aws.secretsmanager", "Secret Label Updated", NULL, &secret_label},

    {NULL, NULL, NULL, NULL},
};
