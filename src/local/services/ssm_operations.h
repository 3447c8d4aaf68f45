/*
 * ssm_operations: the handlers and what they share in showing parameters. One file a group; the
 * table is in ssm.c.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_OPERATIONS_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_OPERATIONS_H

#include "local/services/ssm_parameter.h"

enum local_result ssm_put_parameter(struct local_call *call);
enum local_result ssm_get_parameter(struct local_call *call);
enum local_result ssm_get_parameters(struct local_call *call);
enum local_result ssm_get_parameters_by_path(struct local_call *call);
enum local_result ssm_get_parameter_history(struct local_call *call);
enum local_result ssm_describe_parameters(struct local_call *call);
enum local_result ssm_delete_parameter(struct local_call *call);
enum local_result ssm_delete_parameters(struct local_call *call);
enum local_result ssm_label_parameter_version(struct local_call *call);
enum local_result ssm_unlabel_parameter_version(struct local_call *call);
enum local_result ssm_add_tags_to_resource(struct local_call *call);
enum local_result ssm_remove_tags_from_resource(struct local_call *call);
enum local_result ssm_list_tags_for_resource(struct local_call *call);
enum local_result ssm_put_resource_policy(struct local_call *call);
enum local_result ssm_get_resource_policies(struct local_call *call);
enum local_result ssm_delete_resource_policy(struct local_call *call);
enum local_result ssm_get_service_setting(struct local_call *call);
enum local_result ssm_update_service_setting(struct local_call *call);
enum local_result ssm_reset_service_setting(struct local_call *call);

/* One element of Parameter or Parameters, opened and closed. `selector` may be empty. */
enum local_result ssm_show(struct local_call *call, const char *account, const char *shown_name,
                           struct text key, struct text selector, const struct ssm_version *version,
                           bool decrypt);
/* The value as the caller wants it: plain, decrypted or base64 of what is stored. */
enum local_result ssm_shown_value(struct local_call *call, const char *account, struct text key,
                                  const struct ssm_version *version, bool decrypt,
                                  struct text *value);
/* What metadata and history have in common, members of an open object: Name to DataType. */
void ssm_show_metadata(struct local_call *call, const char *shown_name,
                       const struct ssm_version *version);

/* NextToken of a listing: the position to go on behind, "" for the start. */
enum local_result ssm_page_position(struct local_call *call, const char **position);

#endif
