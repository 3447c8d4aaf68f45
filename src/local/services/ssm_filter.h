/*
 * ssm_filter: filters of DescribeParameters (old Filters, ParameterFilters) and
 * GetParametersByPath.
 *
 * Filters are ANDed, the values of one are ORed (shared facts, parameter-store.md section 5). Name
 * and Path filters also say which ranges of keys can match, so that a listing reads only those.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_FILTER_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_FILTER_H

#include "local/services/ssm_parameter.h"

enum ssm_filter_key {
    SSM_FILTER_NAME,
    SSM_FILTER_TYPE,
    SSM_FILTER_KEY_ID,
    SSM_FILTER_TIER,
    SSM_FILTER_DATA_TYPE,
    SSM_FILTER_PATH,
    SSM_FILTER_LABEL,
    SSM_FILTER_TAG,
};

enum ssm_filter_option {
    SSM_FILTER_EQUALS,
    SSM_FILTER_BEGINS_WITH,
    SSM_FILTER_CONTAINS,
    SSM_FILTER_ONE_LEVEL,
    SSM_FILTER_RECURSIVE,
};

struct ssm_filter {
    enum ssm_filter_key key;
    enum ssm_filter_option option;
    const char *tag;     /* SSM_FILTER_TAG: the tag's key */
    struct text *values; /* none for a tag: whoever has it */
    size_t value_count;
};

struct ssm_filters {
    struct ssm_filter *filters;
    size_t count;
};

enum ssm_filter_place { SSM_FILTER_BY_PATH, SSM_FILTER_DESCRIBE };

/* From the input's ParameterFilters, checked as AWS checks them. */
enum local_result ssm_filters_read(struct local_call *call, enum ssm_filter_place place,
                                   struct ssm_filters *out);
/* From the input's Filters: Name begins with, Type and KeyId are equal. */
void ssm_filters_read_old(struct local_call *call, struct ssm_filters *out);

const struct ssm_filter *ssm_filters_find(const struct ssm_filters *filters,
                                          enum ssm_filter_key key);

/* Whether a parameter passes all filters but Label, which picks a version. `packed_tags` is the
 * column of ssm_tags, data NULL for none. */
bool ssm_filters_match(const struct ssm_filters *filters, struct text key,
                       const struct ssm_version *version, struct text packed_tags);

/* Keys from `lo` up to, not including, `hi`. */
struct ssm_range {
    struct text lo, hi;
};
/* Keys that begin with `prefix`: all of them for "". */
struct ssm_range ssm_range_of(struct local_call *call, struct text prefix);
/* Sorted ranges outside of which nothing matches; in the arena. At least one. *one_level says that
 * there is one, of a path's own level: what lies deeper in it cannot match. */
struct ssm_range *ssm_filters_ranges(struct local_call *call, const struct ssm_filters *filters,
                                     size_t *count, bool *one_level);

#endif
