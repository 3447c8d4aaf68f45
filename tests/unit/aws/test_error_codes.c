#include "aws/error_codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static const struct {
    const char *service, *code;
    int http_status;
    enum error_code class;
    enum aws_retry retry;
} cases[] = {
    {"ssm", "ThrottlingException", 400, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"ssm", "TooManyUpdates", 400, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"lambda", "TooManyRequestsException", 429, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    /* The trap of section 7: a quota for these two, a throttle for the rest. */
    {"kms", "LimitExceededException", 400, ERR_LIMIT, AWS_RETRY_NEVER},
    {"secretsmanager", "LimitExceededException", 400, ERR_LIMIT, AWS_RETRY_NEVER},
    {"events", "LimitExceededException", 400, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {NULL, "LimitExceededException", 400, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"iam", "LimitExceeded", 409, ERR_LIMIT, AWS_RETRY_NEVER},
    {"sts", "IDPCommunicationError", 400, ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT},
    {"kms", "DependencyTimeoutException", 500, ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT},
    {"ssm", "RequestTimeout", 400, ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT},
    {"ssm", "InternalServerError", 500, ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT},
    {"ssm", "InvalidSignatureException", 400, ERR_DENIED, AWS_RETRY_CLOCK},
    {"sts", "SignatureDoesNotMatch", 403, ERR_DENIED, AWS_RETRY_CLOCK},
    {"s3", "RequestTimeTooSkewed", 403, ERR_EXPIRED, AWS_RETRY_CLOCK},
    {"sts", "RequestExpired", 400, ERR_EXPIRED, AWS_RETRY_CLOCK},
    {"ssm", "ExpiredTokenException", 400, ERR_EXPIRED, AWS_RETRY_NEVER},
    {"sts", "ExpiredToken", 403, ERR_EXPIRED, AWS_RETRY_NEVER},
    {"ssm", "UnrecognizedClientException", 400, ERR_DENIED, AWS_RETRY_NEVER},
    {"ssm", "AccessDeniedException", 400, ERR_DENIED, AWS_RETRY_NEVER},
    {"ssm", "ParameterNotFound", 400, ERR_NOT_FOUND, AWS_RETRY_NEVER},
    {"ssm", "ParameterAlreadyExists", 400, ERR_CONFLICT, AWS_RETRY_NEVER},
    {"ssm", "ParameterMaxVersionLimitExceeded", 400, ERR_LIMIT, AWS_RETRY_NEVER},
    {"ssm", "ValidationException", 400, ERR_INVALID, AWS_RETRY_NEVER},
    {"ssm", "UnknownOperationException", 400, ERR_UNSUPPORTED, AWS_RETRY_NEVER},
    {"ssm", "InvalidResourceId", 400, ERR_NOT_FOUND, AWS_RETRY_NEVER},
    {"ec2", "InvalidResourceId", 400, ERR_INVALID, AWS_RETRY_NEVER},
    /* A known code on a 5xx is still sent again, as botocore does. */
    {"lambda", "KMSNotFoundException", 502, ERR_NOT_FOUND, AWS_RETRY_TRANSIENT},
    /* No code, or one nobody knows: by the status. */
    {"ssm", NULL, 503, ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT},
    {"ssm", NULL, 500, ERR_UNAVAILABLE, AWS_RETRY_TRANSIENT},
    {"ssm", NULL, 501, ERR_UNSUPPORTED, AWS_RETRY_NEVER},
    {"ssm", NULL, 429, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"ssm", NULL, 509, ERR_THROTTLED, AWS_RETRY_THROTTLED},
    {"ssm", NULL, 403, ERR_DENIED, AWS_RETRY_NEVER},
    {"ssm", NULL, 404, ERR_NOT_FOUND, AWS_RETRY_NEVER},
    {"ssm", NULL, 409, ERR_CONFLICT, AWS_RETRY_NEVER},
    {"ssm", NULL, 413, ERR_LIMIT, AWS_RETRY_NEVER},
    {"ssm", "NeverHeardOfException", 400, ERR_INVALID, AWS_RETRY_NEVER},
    {"ssm", NULL, 301, ERR_UNAVAILABLE, AWS_RETRY_NEVER},
};

static void the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum error_code class =
            aws_error_class(cases[i].service, cases[i].code, cases[i].http_status);
        enum aws_retry retry =
            aws_error_retry(cases[i].service, cases[i].code, cases[i].http_status);
        if (class != cases[i].class || retry != cases[i].retry)
            fail_msg("%s %s %d: class %s, retry %d", cases[i].service, cases[i].code,
                     cases[i].http_status, error_code_name(class), (int)retry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
