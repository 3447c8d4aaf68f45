/*
 * lambda_mapping: the operations on event source mappings, for the table of services/lambda.c. Only
 * queues of SQS can be sources here. Changes of state that take AWS a while are done at once: the
 * answers say Creating, Updating, Deleting, as AWS's do, and the next look sees the end.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LAMBDA_MAPPING_H
#define UNDERSTUDY_LOCAL_SERVICES_LAMBDA_MAPPING_H

#include "local/service.h"

extern const struct local_member lambda_create_mapping_members[];
extern const struct local_member lambda_update_mapping_members[];
extern const struct local_member lambda_mapping_members[]; /* UUID alone */
extern const struct local_member lambda_list_mappings_members[];

const char *const *lambda_mapping_resources(struct local_call *call); /* of UUID */
/* lambda:FunctionArn of a call about a mapping; NULL: it is about none. */
const char *lambda_mapping_function(struct local_call *call);
enum local_result lambda_create_mapping(struct local_call *call);
enum local_result lambda_get_mapping(struct local_call *call);
enum local_result lambda_list_mappings(struct local_call *call);
enum local_result lambda_update_mapping(struct local_call *call);
enum local_result lambda_delete_mapping(struct local_call *call);

#endif
