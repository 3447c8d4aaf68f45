/*
 * lambda_mapping_check: what event source mappings may be. Private to services/lambda_mapping*.c.
 *
 * Texts are AWS's, as its users and recorded answers quote them; those that nobody has published
 * are marked (K).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LAMBDA_MAPPING_CHECK_H
#define UNDERSTUDY_LOCAL_SERVICES_LAMBDA_MAPPING_CHECK_H

#include "local/lambda_function.h"
#include "local/lambda_mapping.h"
#include "local/service.h"

/* Is it a queue, and is nothing asked of it that only streams have? */
enum local_result lambda_mapping_check_source(struct local_call *call, const char *source);
/* Is there nothing that is not held here? */
enum local_result lambda_mapping_check_members(struct local_call *call);
/* The whole of it: sizes, filters, the queue, what the function's role may do with it. */
enum local_result lambda_mapping_check(struct local_call *call,
                                       const struct lambda_mapping *mapping,
                                       const struct lambda_function *function);
/* The patterns as a JSON list, as they are kept; NULL: there are none. */
const char *lambda_mapping_filters(struct local_call *call, const json_t *criteria);
/* An ARN of the endpoint's partition as it is kept, in partition "aws". */
const char *lambda_mapping_kept_arn(struct local_call *call, const char *arn);

#endif
