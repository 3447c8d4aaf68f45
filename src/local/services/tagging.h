/*
 * tagging: where the Resource Groups Tagging API finds resources and their tags: each service that
 * has tags gives one source.
 *
 * Only resources that have tags now or had some once are scanned, as AWS documents for
 * GetResources ("tagged or previously tagged"); the source remembers that beside the resource.
 * Positions are texts of the source's own, the key of its index, so that a page costs the same
 * wherever it starts. Same thread, transaction and arena as the call.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_TAGGING_H
#define UNDERSTUDY_LOCAL_SERVICES_TAGGING_H

#include "local/service.h"

extern const struct local_service tagging_service; /* for services.c */

struct tagging_tag {
    const char *key, *value;
};

struct tagging_resource {
    const char *position; /* in the order scanned: strcmp order */
    const char *arn;
    const struct tagging_tag *tags; /* sorted as the service lists them; count may be 0 */
    size_t tag_count;
};

struct tagging_source {
    const char *service, *type; /* "ssm", "parameter": filters "ssm" and "ssm:parameter" */
    /* Resources of the call's account and Region behind position `after` ("" starts), in order,
     * until none is left or `visit` returns false. What is visited lives until visit
     * returns. */
    void (*scan)(struct local_call *call, const char *after,
                 bool (*visit)(void *arg, const struct tagging_resource *), void *arg);
    /* The resource whose ARN has `resource` behind the account ("parameter/a/b", "key/1234-..."):
     * true and *out (in the call's arena) when it exists and is or was tagged. */
    bool (*find)(struct local_call *call, const char *resource, struct tagging_resource *out);
    /* TagResources, UntagResources: as the service's own operation does it, permission included.
     * On LOCAL_FAILED call->failure is the service's own. Writer only. NULL: not taggable here. */
    enum local_result (*tag)(struct local_call *call, const char *resource,
                             const struct tagging_tag *tags, size_t count);
    enum local_result (*untag)(struct local_call *call, const char *resource,
                               const char *const *keys, size_t count);
};

extern const struct tagging_source kms_tagging; /* services/kms_tags.c */
extern const struct tagging_source ssm_tagging; /* services/ssm_tags.c, or where SSM keeps them */

#endif
