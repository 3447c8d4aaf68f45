/*
 * ssm_tags: tags of parameters, for SSM's own operations, for tag filters and for the tagging API
 * (ssm_tagging, declared in services/tagging.h).
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_TAGS_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_TAGS_H

#include "local/services/ssm_parameter.h"
#include "local/services/tagging.h"

enum { SSM_TAGS_MAX = 50 };

struct ssm_tag_list {
    struct tagging_tag tags[SSM_TAGS_MAX]; /* sorted by key */
    size_t count;
};

/* Keys that are reserved or given twice: ValidationException. */
enum local_result ssm_tags_check(struct local_call *call, const struct tagging_tag *tags,
                                 size_t count);
/* The input's list [{Key, Value}]; in the arena. */
const struct tagging_tag *ssm_tags_input(struct local_call *call, const json_t *list,
                                         size_t *count);
/* -1 when they do not fit. */
int ssm_tags_add(struct ssm_tag_list *list, const struct tagging_tag *tags, size_t count);

/* From the column `tags`; texts point into it. */
void ssm_tags_unpack(struct text packed, struct ssm_tag_list *out);
/* False when the parameter was never tagged; texts in the arena. */
bool ssm_tags_load(struct local_call *call, struct text key, struct ssm_tag_list *out);
void ssm_tags_store(struct local_call *call, struct text key, const struct ssm_tag_list *list);

#endif
