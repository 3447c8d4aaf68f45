"""What test_rows.py does not ask for, and why: (service, outcome) or (service, operation, outcome),
where an outcome is "ok", "denied" or an error's code."""

LEFT_OUT = {
    ('ssm', 'InternalServerError'): 'nothing that a client sends makes the server fail',
    ('ssm', 'TooManyUpdates'): 'writes wait for one another; a rehearsal gets it as a fault',
    ('ssm', 'InvalidResourceType'): 'a type that there is not fails the constraint before',
    ('iam', 'ServiceFailure'): 'nothing that a client sends makes the server fail',
    ('iam', 'ConcurrentModification'): 'writes wait for one another',
    ('iam', 'EntityTemporarilyUnmodifiable'): 'a deletion is done when it is answered',
    ('iam', 'UnmodifiableEntity'): 'of roles that are linked to services, which nobody has here',
    ('iam', 'PolicyNotAttachable'): 'of policies of roles that are linked to services',
    ('iam', 'PolicyEvaluation'): 'what cannot be evaluated is refused as InvalidInput before',
    ('sts', 'RegionDisabledException'): 'every Region is on',
    ('sts', 'IDPCommunicationError'): 'the keys of a provider are configured, nobody is asked',
    ('sts', 'IDPRejectedClaim'): 'the keys of a provider are configured, nobody is asked',
    ('sts', 'PackedPolicyTooLarge'): 'the packed form is not documented: its size is estimated, '
                                     'and what the documented lengths let in fits',
    ('tagging', 'InternalServiceException'): 'nothing that a client sends makes the server fail',
    ('cloudtrail', 'OperationNotPermittedException'): 'no documented request',
    ('cloudtrail', 'UnsupportedOperationException'): 'no documented request',
    ('events', 'InternalException'): 'nothing that a client sends makes the server fail',
    ('events', 'ConcurrentModificationException'): 'writes wait for one another',
    ('events', 'ManagedRuleException'): 'of rules that other services manage; there are none',
    ('events', 'OperationDisabledException'): 'of partner event sources, which are left out',
    ('events', 'InvalidStateException'): 'of partner event sources, which are left out',
    ('kms', 'KMSInternalException'): 'nothing that a client sends makes the server fail',
    ('kms', 'DependencyTimeoutException'): 'there is nothing behind the server that could be late',
    ('kms', 'KeyUnavailableException'): 'of keys in custom key stores, which nobody has here',
    ('kms', 'InvalidArnException'): 'a wrong ARN of a key is told as AWS was seen to do it: '
                                    'NotFoundException, "Invalid arn ..."',
    ('lambda', 'ServiceException'): 'nothing that a client sends makes the server fail',
    ('lambda', 'CodeSigningConfigNotFoundException'): 'no code is signed here: refused before',
    ('lambda', 'CodeVerificationFailedException'): 'no code is signed here: refused before',
    ('lambda', 'InvalidCodeSignatureException'): 'no code is signed here: refused before',
    ('sqs', 'InvalidIdFormat'): 'the model itself says that ReceiptHandleIsInvalid took its place',
    ('sqs', 'SendMessageBatch', 'AWS.SimpleQueueService.UnsupportedOperation'):
        'told of the entry, in Failed',
}
LEFT_OUT.update({('logs', code): why for code, why in {
    'ServiceUnavailableException': 'nothing that a client sends makes the server fail',
    'OperationAbortedException': 'writes wait for one another',
    'InvalidSequenceTokenException': 'tokens are no longer looked at, as on AWS',
    'DataAlreadyAcceptedException': 'tokens are no longer looked at, as on AWS',
    'UnrecognizedClientException': 'a key that is not known is refused before the operation',
}.items()})
LEFT_OUT.update({('cloudtrail', code): why for why, codes in {
    'there is no S3 here: a bucket with a valid name counts as one that is there':
        ['S3BucketDoesNotExistException', 'InsufficientS3BucketPolicyException',
         'InvalidS3PrefixException'],
    'topics, keys and log groups of trails are refused whatever they are':
        ['InvalidSnsTopicNameException', 'InvalidKmsKeyIdException', 'KmsKeyNotFoundException',
         'KmsKeyDisabledException', 'KmsException', 'InvalidCloudWatchLogsLogGroupArnException',
         'InvalidCloudWatchLogsRoleArnException'],
    'there are no organizations here':
        ['NotOrganizationMasterAccountException', 'OrganizationNotInAllFeaturesModeException',
         'NoManagementAccountSLRExistsException', 'CloudTrailAccessNotEnabledException',
         'InsufficientDependencyServiceAccessPermissionException'],
    'of event data stores and channels, which are left out':
        ['ResourceTypeNotSupportedException', 'InactiveEventDataStoreException',
         'EventDataStoreNotFoundException', 'ChannelNotFoundException',
         'ChannelARNInvalidException', 'EventDataStoreARNInvalidException',
         'CannotDelegateManagementAccountException'],
    'no documented request':
        ['TrailNotProvidedException', 'CloudTrailInvalidClientTokenIdException',
         'ConflictException', 'InvalidParameterException', 'ThrottlingException'],
}.items() for code in codes})


def leave_out(service, reason, outcome, *operations):
    LEFT_OUT.update({(service, operation, outcome): reason for operation in operations})


leave_out('cloudtrail', 'no documented request', 'InvalidEventSelectorsException', 'UpdateTrail')
leave_out('kms', 'works in every state of the key, by the table of states',
          'KMSInvalidStateException', 'DeleteAlias', 'GetKeyPolicy', 'GetKeyRotationStatus',
          'ListGrants', 'ListKeyPolicies', 'PutKeyPolicy', 'RetireGrant', 'RevokeGrant')
leave_out('kms', 'only while the key is made, as a replica of imported material',
          'KMSInvalidStateException', 'DeleteImportedKeyMaterial')
leave_out('kms', '50,000 grants: tests/unit/local/test_kms_limits.c', 'LimitExceededException',
          'CreateGrant')
leave_out('kms', 'the model has it; no quota is documented', 'LimitExceededException', 'EnableKey')
leave_out('kms', 'too many tags are a TagException (observed)', 'LimitExceededException',
          'TagResource')
leave_out('kms', 'told as UnsupportedOperationException: the key has no public half',
          'InvalidKeyUsageException', 'GetPublicKey')
leave_out('kms', 'a principal is not looked up beyond its account', 'NotFoundException',
          'ListRetirableGrants')
leave_out('kms', 'AWS managed keys refuse it by their policies', 'UnsupportedOperationException',
          'PutKeyPolicy')

leave_out('ssm', 'an overwrite may change the type (observed)', 'HierarchyTypeMismatchException',
          'PutParameter')
leave_out('ssm', '10,000 parameters: tests/unit/local/test_ssm_limits.c', 'ParameterLimitExceeded',
          'PutParameter')
leave_out('ssm', 'a type that there is not fails the constraint before',
          'UnsupportedParameterType', 'PutParameter')

leave_out('iam', 'nothing is more afterwards than before, so that no quota can be exceeded',
          'LimitExceeded', *(f'Delete{kind}' for kind in (
              'AccessKey', 'AccountAlias', 'Group', 'GroupPolicy', 'InstanceProfile', 'Policy',
              'PolicyVersion', 'Role', 'RolePolicy', 'User', 'UserPolicy')),
          'DetachGroupPolicy', 'DetachRolePolicy', 'DetachUserPolicy',
          'RemoveRoleFromInstanceProfile', 'RemoveUserFromGroup', 'SetDefaultPolicyVersion',
          'UpdateAccessKey', 'UpdateGroup', 'UpdateUser')
leave_out('iam', 'another alias takes the place of the one there is', 'LimitExceeded',
          'CreateAccountAlias')
leave_out('iam', 'a group is made of names alone: nothing has to be there', 'NoSuchEntity',
          'CreateGroup')
leave_out('iam', 'the quota of one role a profile comes first', 'EntityAlreadyExists',
          'AddRoleToInstanceProfile')
leave_out('iam', 'all that the input has is refused by its constraints, as ValidationError',
          'InvalidInput', 'ListAttachedGroupPolicies', 'ListAttachedRolePolicies',
          'ListAttachedUserPolicies', 'UntagInstanceProfile')

leave_out('sts', 'of contexts of trusted token issuers (ProvidedContexts), which are left out',
          'ExpiredTokenException', 'AssumeRole')
leave_out('sts', 'no service here answers with an encoded message', 'ok',
          'DecodeAuthorizationMessage')

leave_out('lambda', 'writes wait for one another', 'ResourceConflictException',
          'DeleteAlias', 'DeleteFunctionConcurrency', 'DeleteFunctionEventInvokeConfig',
          'PutFunctionConcurrency', 'PutFunctionEventInvokeConfig', 'TagResource',
          'UntagResource', 'UpdateAlias', 'UpdateFunctionEventInvokeConfig')
leave_out('lambda', 'of layers and code signing configurations, which are refused before',
          'ResourceNotFoundException', 'CreateFunction')
leave_out('lambda', 'told as InvalidParameterValueException, as AWS was seen to do it',
          'ResourceNotFoundException', 'CreateEventSourceMapping')
leave_out('lambda', 'changes of a mapping are done when they are answered',
          'ResourceInUseException', 'DeleteEventSourceMapping', 'UpdateEventSourceMapping')
leave_out('lambda', 'changes of a mapping are done when they are answered',
          'ResourceConflictException', 'DeleteEventSourceMapping')
leave_out('lambda', 'an id of any form is looked for', 'InvalidParameterValueException',
          'DeleteEventSourceMapping', 'GetEventSourceMapping')
for _outcome in ('EC2AccessDenied', 'EC2Throttled', 'EC2Unexpected', 'ENILimitReached',
                 'InvalidSecurityGroupID', 'InvalidSubnetID', 'SubnetIPAddressLimitReached'):
    leave_out('lambda', 'no function is in a VPC here', _outcome + 'Exception', 'Invoke')
for _outcome in ('EFSIO', 'EFSMountConnectivity', 'EFSMountFailure', 'EFSMountTimeout'):
    leave_out('lambda', 'no function has a file system here', _outcome + 'Exception', 'Invoke')
for _outcome in ('KMSAccessDenied', 'KMSDisabled', 'KMSInvalidState', 'KMSNotFound'):
    leave_out('lambda', 'no function has a key of its own here', _outcome + 'Exception', 'Invoke')
for _outcome in ('SnapStart', 'SnapStartNotReady', 'SnapStartTimeout'):
    leave_out('lambda', 'no runtime here has SnapStart', _outcome + 'Exception', 'Invoke')
leave_out('lambda', 'what cannot run was refused when it was made', 'InvalidRuntimeException',
          'Invoke')
leave_out('lambda', 'what is no package was refused when it was made', 'InvalidZipFileException',
          'Invoke')
leave_out('lambda', 'of functions that were idle for weeks', 'ResourceNotReadyException', 'Invoke')
leave_out('lambda', 'AWS looks at the payload, not at its content type',
          'UnsupportedMediaTypeException', 'Invoke')

NO_STORES = 'no account here has a custom key store'
for _outcome in ('CloudHsmClusterInvalidConfigurationException',
                 'CustomKeyStoreInvalidStateException', 'XksKeyAlreadyInUseException',
                 'XksKeyInvalidConfigurationException', 'XksKeyNotFoundException'):
    leave_out('kms', NO_STORES, _outcome, 'CreateKey')
leave_out('kms', NO_STORES, 'CustomKeyStoreInvalidStateException', 'GenerateRandom')
leave_out('kms', NO_STORES, 'UnsupportedOperationException', 'GenerateRandom')
for _operation in ('Connect', 'Create', 'Delete', 'Disconnect', 'Update'):
    for _outcome in (
            'ok', 'CloudHsmClusterInUseException', 'CloudHsmClusterInvalidConfigurationException',
            'CloudHsmClusterNotActiveException', 'CloudHsmClusterNotRelatedException',
            'CustomKeyStoreHasCMKsException', 'CustomKeyStoreInvalidStateException',
            'CustomKeyStoreNameInUseException', 'IncorrectTrustAnchorException',
            'LimitExceededException', 'XksProxyIncorrectAuthenticationCredentialException',
            'XksProxyInvalidConfigurationException', 'XksProxyInvalidResponseException',
            'XksProxyUriEndpointInUseException', 'XksProxyUriInUseException',
            'XksProxyVpcEndpointServiceInUseException',
            'XksProxyVpcEndpointServiceInvalidConfigurationException',
            'XksProxyVpcEndpointServiceNotFoundException'):
        leave_out('kms', NO_STORES, _outcome, _operation + 'CustomKeyStore')
leave_out('kms', NO_STORES, 'CloudHsmClusterNotFoundException', 'UpdateCustomKeyStore')
leave_out('kms', NO_STORES, 'XksProxyUriUnreachableException', 'UpdateCustomKeyStore')
leave_out('logs', 'a million groups', 'LimitExceededException', 'CreateLogGroup')
