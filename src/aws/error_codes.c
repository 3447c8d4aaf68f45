#include "aws/error_codes.h"

#include <string.h>

/* A row for each code that tells more than its HTTP status. A row with a service counts for that
 * service alone and stands before the general row of the same code. */
struct row {
    const char *code;
    const char *service; /* NULL: any */
    enum error_code class;
    enum aws_retry retry;
};

#define THROTTLED ERR_THROTTLED, AWS_RETRY_THROTTLED
#define TRANSIENT ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT
#define NEVER     AWS_RETRY_NEVER

static const struct row rows[] = {
    /* Resource quotas under the name of a throttle: waiting does not help. */
    {"LimitExceededException", "kms", ERR_LIMIT, NEVER},
    {"LimitExceededException", "secretsmanager", ERR_LIMIT, NEVER},

    /* botocore's throttling codes (retries/standard.py) */
    {"BandwidthLimitExceeded", NULL, THROTTLED},
    {"EC2ThrottledException", NULL, THROTTLED},
    {"LimitExceededException", NULL, THROTTLED},
    {"PriorRequestNotComplete", NULL, THROTTLED},
    {"ProvisionedThroughputExceededException", NULL, THROTTLED},
    {"RequestLimitExceeded", NULL, THROTTLED},
    {"RequestThrottled", NULL, THROTTLED},
    {"RequestThrottledException", NULL, THROTTLED},
    {"SlowDown", NULL, THROTTLED},
    {"ThrottledException", NULL, THROTTLED},
    {"Throttling", NULL, THROTTLED},
    {"ThrottlingException", NULL, THROTTLED},
    {"TooManyRequestsException", NULL, THROTTLED},
    {"TransactionInProgressException", NULL, THROTTLED},
    /* Not in that list, but of the same kind: the service did nothing and says "slower". */
    {"KmsThrottled", NULL, THROTTLED},
    {"TooManyUpdates", "ssm", THROTTLED},

    /* botocore's transient codes, and 500s that services name */
    {"RequestTimeout", NULL, TRANSIENT},
    {"RequestTimeoutException", NULL, TRANSIENT},
    {"IDPCommunicationError", "sts", TRANSIENT},
    {"DependencyTimeoutException", "kms", TRANSIENT},
    {"KeyUnavailableException", "kms", TRANSIENT},
    {"KMSInternalException", "kms", TRANSIENT},
    {"InternalError", NULL, TRANSIENT},
    {"InternalException", NULL, TRANSIENT},
    {"InternalFailure", NULL, TRANSIENT},
    {"InternalFailureException", NULL, TRANSIENT},
    {"InternalServerError", NULL, TRANSIENT},
    {"InternalServerException", NULL, TRANSIENT},
    {"InternalServiceError", NULL, TRANSIENT},
    {"InternalServiceException", NULL, TRANSIENT},
    {"ServiceException", NULL, TRANSIENT},
    {"ServiceFailure", NULL, TRANSIENT},
    {"ServiceUnavailable", NULL, TRANSIENT},
    {"ServiceUnavailableException", NULL, TRANSIENT},

    /* The clock may be wrong: the client looks at the Date of the answer. */
    {"InvalidSignatureException", NULL, ERR_DENIED, AWS_RETRY_CLOCK},
    {"SignatureDoesNotMatch", NULL, ERR_DENIED, AWS_RETRY_CLOCK},
    {"RequestTimeTooSkewed", NULL, ERR_EXPIRED, AWS_RETRY_CLOCK},
    {"RequestExpired", NULL, ERR_EXPIRED, AWS_RETRY_CLOCK},

    {"ExpiredToken", NULL, ERR_EXPIRED, NEVER},
    {"ExpiredTokenException", NULL, ERR_EXPIRED, NEVER},
    {"PaginationTokenExpiredException", NULL, ERR_EXPIRED, NEVER},

    {"AccessDenied", NULL, ERR_DENIED, NEVER},
    {"AccessDeniedException", NULL, ERR_DENIED, NEVER},
    {"IDPRejectedClaim", NULL, ERR_DENIED, NEVER},
    {"IncompleteSignature", NULL, ERR_DENIED, NEVER},
    {"IncompleteSignatureException", NULL, ERR_DENIED, NEVER},
    {"InvalidClientTokenId", NULL, ERR_DENIED, NEVER},
    {"InvalidIdentityToken", NULL, ERR_DENIED, NEVER},
    {"KmsAccessDenied", NULL, ERR_DENIED, NEVER},
    {"KMSAccessDeniedException", NULL, ERR_DENIED, NEVER},
    {"MissingAuthenticationToken", NULL, ERR_DENIED, NEVER},
    {"MissingAuthenticationTokenException", NULL, ERR_DENIED, NEVER},
    {"NotAuthorized", NULL, ERR_DENIED, NEVER},
    {"OptInRequired", NULL, ERR_DENIED, NEVER},
    {"PublicPolicyException", NULL, ERR_DENIED, NEVER},
    {"RegionDisabledException", NULL, ERR_DENIED, NEVER},
    {"UnauthorizedOperation", NULL, ERR_DENIED, NEVER},
    {"UnrecognizedClientException", NULL, ERR_DENIED, NEVER},

    {"KmsNotFound", NULL, ERR_NOT_FOUND, NEVER},
    {"KMSNotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"NoSuchEntity", NULL, ERR_NOT_FOUND, NEVER},
    {"NotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"ParameterNotFound", NULL, ERR_NOT_FOUND, NEVER},
    {"ParameterVersionNotFound", NULL, ERR_NOT_FOUND, NEVER},
    {"QueueDoesNotExist", NULL, ERR_NOT_FOUND, NEVER},
    {"AWS.SimpleQueueService.NonExistentQueue", NULL, ERR_NOT_FOUND, NEVER},
    {"ResourceNotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"ResourcePolicyNotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"ServiceSettingNotFound", NULL, ERR_NOT_FOUND, NEVER},
    {"StackNotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"StackSetNotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"TrailNotFoundException", NULL, ERR_NOT_FOUND, NEVER},
    {"InvalidResourceId", "ssm", ERR_NOT_FOUND, NEVER}, /* tags of a parameter that is not there */

    {"AlreadyExistsException", NULL, ERR_CONFLICT, NEVER},
    {"ConcurrentModification", NULL, ERR_CONFLICT, NEVER},
    {"ConcurrentModificationException", NULL, ERR_CONFLICT, NEVER},
    {"ConflictException", NULL, ERR_CONFLICT, NEVER},
    {"DeleteConflict", NULL, ERR_CONFLICT, NEVER},
    {"DisabledException", NULL, ERR_CONFLICT, NEVER}, /* a KMS key; somebody may enable it */
    {"EntityAlreadyExists", NULL, ERR_CONFLICT, NEVER},
    {"EntityTemporarilyUnmodifiable", NULL, ERR_CONFLICT, NEVER},
    {"KMSInvalidStateException", NULL, ERR_CONFLICT, NEVER},
    {"ParameterAlreadyExists", NULL, ERR_CONFLICT, NEVER},
    {"PreconditionFailedException", NULL, ERR_CONFLICT, NEVER},
    {"QueueDeletedRecently", NULL, ERR_CONFLICT, NEVER},
    {"QueueNameExists", NULL, ERR_CONFLICT, NEVER},
    {"ResourceAlreadyExistsException", NULL, ERR_CONFLICT, NEVER},
    {"ResourceConflictException", NULL, ERR_CONFLICT, NEVER},
    {"ResourceExistsException", NULL, ERR_CONFLICT, NEVER},
    {"ResourceInUseException", NULL, ERR_CONFLICT, NEVER},
    {"ResourcePolicyConflictException", NULL, ERR_CONFLICT, NEVER},
    {"TrailAlreadyExistsException", NULL, ERR_CONFLICT, NEVER},

    {"CodeStorageExceededException", NULL, ERR_LIMIT, NEVER},
    {"HierarchyLevelLimitExceededException", NULL, ERR_LIMIT, NEVER},
    {"LimitExceeded", NULL, ERR_LIMIT, NEVER},
    {"MaximumNumberOfTrailsExceededException", NULL, ERR_LIMIT, NEVER},
    {"OverLimit", NULL, ERR_LIMIT, NEVER},
    {"PackedPolicyTooLarge", NULL, ERR_LIMIT, NEVER},
    {"ParameterLimitExceeded", NULL, ERR_LIMIT, NEVER},
    {"ParameterMaxVersionLimitExceeded", NULL, ERR_LIMIT, NEVER},
    {"ParameterVersionLabelLimitExceeded", NULL, ERR_LIMIT, NEVER},
    {"PoliciesLimitExceededException", NULL, ERR_LIMIT, NEVER},
    {"PolicyLengthExceededException", NULL, ERR_LIMIT, NEVER},
    {"RequestTooLargeException", NULL, ERR_LIMIT, NEVER},
    {"ResourcePolicyLimitExceededException", NULL, ERR_LIMIT, NEVER},
    {"ServiceQuotaExceededException", NULL, ERR_LIMIT, NEVER},
    {"TagsLimitExceededException", NULL, ERR_LIMIT, NEVER},
    {"TooManyTagsError", NULL, ERR_LIMIT, NEVER},

    {"InvalidAction", NULL, ERR_UNSUPPORTED, NEVER},
    {"UnknownOperationException", NULL, ERR_UNSUPPORTED, NEVER},
    {"UnsupportedOperation", NULL, ERR_UNSUPPORTED, NEVER},
    {"UnsupportedOperationException", NULL, ERR_UNSUPPORTED, NEVER},
};

static const struct row *find(const char *service, const char *code)
{
    for (size_t i = 0; code && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].code, code) == 0 &&
            (!rows[i].service || (service && strcmp(rows[i].service, service) == 0)))
            return &rows[i];
    return NULL;
}

static enum error_code class_of_status(int http_status)
{
    switch (http_status) {
    case 401:
    case 403:
    case 407:
        return ERR_DENIED;
    case 404:
    case 410:
        return ERR_NOT_FOUND;
    case 408:
        return ERR_UNAVAILABLE;
    case 409:
    case 412:
        return ERR_CONFLICT;
    case 402:
    case 413:
        return ERR_LIMIT;
    case 429:
    case 509: /* "bandwidth limit exceeded", in botocore's legacy list */
        return ERR_THROTTLED;
    case 501:
        return ERR_UNSUPPORTED;
    default:
        return http_status >= 500 || http_status < 400 ? ERR_UNAVAILABLE : ERR_INVALID;
    }
}

enum error_code aws_error_class(const char *service, const char *code, int http_status)
{
    const struct row *row = find(service, code);
    return row ? row->class : class_of_status(http_status);
}

enum aws_retry aws_error_retry(const char *service, const char *code, int http_status)
{
    const struct row *row = find(service, code);
    if (row && row->retry != AWS_RETRY_NEVER)
        return row->retry;
    /* By status whatever the code, as botocore does. */
    switch (http_status) {
    case 429:
    case 509:
        return AWS_RETRY_THROTTLED;
    case 500:
    case 502:
    case 503:
    case 504:
        return AWS_RETRY_TRANSIENT;
    default:
        return AWS_RETRY_NEVER;
    }
}
