/* The services of the local AWS, one line each. To add one, see CONTRIBUTING.md. */
#include "local/services/cloudtrail.h"
#include "local/services/events.h"
#include "local/services/iam.h"
#include "local/services/kms.h"
#include "local/services/lambda.h"
#include "local/services/logs.h"
#include "local/services/sqs.h"
#include "local/services/ssm.h"
#include "local/services/sts.h"
#include "local/services/tagging.h"

const struct local_service *const local_services[] = {
    &ssm_service,
    &sqs_service,
    &kms_service,
    &sts_service,
    &iam_service,
    &tagging_service,
    &cloudtrail_service,
    &events_service,
    &lambda_service,
    &logs_service,
    NULL,
};
