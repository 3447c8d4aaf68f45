"""What test_rows.py does not ask for, and why: (service, outcome) or (service, operation, outcome),
where an outcome is "ok", "denied" or an error's code."""

LEFT_OUT = {
    ('ssm', 'InternalServerError'): 'nothing that a client sends makes the server fail',
    ('kms', 'KMSInternalException'): 'nothing that a client sends makes the server fail',
    ('kms', 'DependencyTimeoutException'): 'there is nothing behind the server that could be late',
    ('kms', 'KeyUnavailableException'): 'of keys in custom key stores, which nobody has here',
    ('kms', 'InvalidArnException'): 'a wrong ARN of a key is told as AWS was seen to do it: '
                                    'NotFoundException, "Invalid arn ..."',
    ('sqs', 'InvalidIdFormat'): 'the model itself says that ReceiptHandleIsInvalid took its place',
    ('sqs', 'SendMessageBatch', 'AWS.SimpleQueueService.UnsupportedOperation'):
        'told of the entry, in Failed',
}


def leave_out(reason, outcome, *operations):
    LEFT_OUT.update({('kms', operation, outcome): reason for operation in operations})


leave_out('works in every state of the key, by the table of states', 'KMSInvalidStateException',
          'DeleteAlias', 'GetKeyPolicy', 'GetKeyRotationStatus', 'ListGrants', 'ListKeyPolicies',
          'PutKeyPolicy', 'RetireGrant', 'RevokeGrant')
leave_out('only while the key is made, as a replica of imported material',
          'KMSInvalidStateException', 'DeleteImportedKeyMaterial')
leave_out('50,000 grants: tests/unit/local/test_kms_limits.c', 'LimitExceededException',
          'CreateGrant')
leave_out('the model has it; no quota is documented', 'LimitExceededException', 'EnableKey')
leave_out('too many tags are a TagException (observed)', 'LimitExceededException', 'TagResource')
leave_out('told as UnsupportedOperationException: the key has no public half',
          'InvalidKeyUsageException', 'GetPublicKey')
leave_out('a principal is not looked up beyond its account', 'NotFoundException',
          'ListRetirableGrants')
leave_out('AWS managed keys refuse it by their policies', 'UnsupportedOperationException',
          'PutKeyPolicy')

NO_STORES = 'no account here has a custom key store'
for _outcome in ('CloudHsmClusterInvalidConfigurationException',
                 'CustomKeyStoreInvalidStateException', 'XksKeyAlreadyInUseException',
                 'XksKeyInvalidConfigurationException', 'XksKeyNotFoundException'):
    leave_out(NO_STORES, _outcome, 'CreateKey')
leave_out(NO_STORES, 'CustomKeyStoreInvalidStateException', 'GenerateRandom')
leave_out(NO_STORES, 'UnsupportedOperationException', 'GenerateRandom')
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
        leave_out(NO_STORES, _outcome, _operation + 'CustomKeyStore')
leave_out(NO_STORES, 'CloudHsmClusterNotFoundException', 'UpdateCustomKeyStore')
leave_out(NO_STORES, 'XksProxyUriUnreachableException', 'UpdateCustomKeyStore')
