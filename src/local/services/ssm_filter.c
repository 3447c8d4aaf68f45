#include "local/services/ssm_filter.h"

#include "local/services/ssm_tags.h"

#include <stdlib.h>
#include <string.h>

#define TAG_PREFIX "tag:"

static const char *const key_names[] = {"Name",     "Type", "KeyId", "Tier",
                                        "DataType", "Path", "Label", NULL};
static const char *const option_names[] = {"Equals",   "BeginsWith", "Contains",
                                           "OneLevel", "Recursive",  NULL};

struct key_rule {
    bool by_path, describe;
    const char *options; /* as the error text lists them */
    enum ssm_filter_option first, last, fallback;
    const char *const *values; /* the only ones there are, or NULL */
};

/* By enum ssm_filter_key. GetParametersByPath takes no tag filters: strict, the model's text names
 * Type, KeyId and Label. */
static const struct key_rule rules[] = {
    {false, true, "BeginsWith, Contains, Equals", SSM_FILTER_EQUALS, SSM_FILTER_CONTAINS,
     SSM_FILTER_EQUALS, NULL},
    {true, true, "BeginsWith, Equals", SSM_FILTER_EQUALS, SSM_FILTER_BEGINS_WITH, SSM_FILTER_EQUALS,
     ssm_type_names},
    {true, true, "BeginsWith, Equals", SSM_FILTER_EQUALS, SSM_FILTER_BEGINS_WITH, SSM_FILTER_EQUALS,
     NULL},
    {false, true, "BeginsWith, Equals", SSM_FILTER_EQUALS, SSM_FILTER_BEGINS_WITH,
     SSM_FILTER_EQUALS, ssm_tier_names},
    {false, true, "BeginsWith, Equals", SSM_FILTER_EQUALS, SSM_FILTER_BEGINS_WITH,
     SSM_FILTER_EQUALS, NULL},
    {false, true, "Recursive, OneLevel", SSM_FILTER_ONE_LEVEL, SSM_FILTER_RECURSIVE,
     SSM_FILTER_ONE_LEVEL, NULL},
    {true, false, "Equals", SSM_FILTER_EQUALS, SSM_FILTER_EQUALS, SSM_FILTER_EQUALS, NULL},
    {false, true, "BeginsWith, Equals", SSM_FILTER_EQUALS, SSM_FILTER_BEGINS_WITH,
     SSM_FILTER_EQUALS, NULL},
};

static bool begins(struct text text, struct text prefix)
{
    return text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0;
}

static bool equal(struct text a, struct text b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static struct text without_slash(struct text text)
{
    bool slash = text.len && text.data[0] == '/';
    return (struct text){text.data + slash, text.len - slash};
}

static enum local_result check_path(struct local_call *call, const struct ssm_filter *filter)
{
    for (size_t i = 0; i < filter->value_count; i++) {
        struct text prefix, path = filter->values[i];
        if (text_starts_nocase(path.data, "/aws") || text_starts_nocase(path.data, "/ssm"))
            return local_fail(call, "ValidationException",
                              "Filters for common parameters can't be prefixed with \"aws\" or "
                              "\"ssm\" (case-insensitive). When using global parameters, please "
                              "specify within a global namespace.");
        if (ssm_path_read(path, &prefix) != 0)
            return ssm_path_refuse(call);
    }
    return LOCAL_OK;
}

static enum local_result check_values(struct local_call *call, const char *key,
                                      const struct ssm_filter *filter)
{
    const char *const *allowed = rules[filter->key].values;
    if (filter->value_count == 0 && filter->key != SSM_FILTER_TAG)
        return local_fail_capital(call, "InvalidFilterValue",
                                  "The following filter values are missing : null for filter key "
                                  "%s.",
                                  key);
    if (filter->key == SSM_FILTER_PATH)
        return check_path(call, filter);
    /* A prefix of a value is no value, but BeginsWith is an option. */
    for (size_t i = 0; allowed && filter->option == SSM_FILTER_EQUALS && i < filter->value_count;
         i++)
        if (ssm_index(allowed, filter->values[i].data) < 0)
            return local_fail(call, "InvalidFilterOption",
                              "The following filter value is not valid: %s. Valid values include: "
                              "[%s, %s, %s].",
                              filter->values[i].data, allowed[0], allowed[1], allowed[2]);
    return LOCAL_OK;
}

static void take_values(struct local_call *call, const json_t *values, struct ssm_filter *out)
{
    out->value_count = json_array_size(values);
    out->values = arena_calloc(call->arena, out->value_count + 1, sizeof *out->values);
    for (size_t i = 0; i < out->value_count; i++) {
        const json_t *value = json_array_get(values, i);
        out->values[i] = (struct text){json_string_value(value), json_string_length(value)};
    }
}

/* The model has no message member for InvalidFilterKey. */
static enum local_result read_one(struct local_call *call, const json_t *input,
                                  enum ssm_filter_place place, struct ssm_filter *out)
{
    const char *key = json_text_or(input, "Key", "");
    const char *option = json_text(input, "Option");
    if (text_starts(key, TAG_PREFIX)) {
        out->key = SSM_FILTER_TAG;
        out->tag = key + strlen(TAG_PREFIX);
    } else {
        int index = ssm_index(key_names, key);
        if (index < 0)
            return local_fail_bare(call, "InvalidFilterKey");
        out->key = (enum ssm_filter_key)index;
    }
    const struct key_rule *rule = &rules[out->key];
    if (!(place == SSM_FILTER_BY_PATH ? rule->by_path : rule->describe))
        return local_fail_bare(call, "InvalidFilterKey");
    int chosen = option ? ssm_index(option_names, option) : (int)rule->fallback;
    if (chosen < (int)rule->first || chosen > (int)rule->last)
        return local_fail(call, "InvalidFilterOption",
                          "The following filter option is not valid: %s. Valid options include: "
                          "[%s].",
                          option, rule->options);
    out->option = (enum ssm_filter_option)chosen;
    take_values(call, json_object_get(input, "Values"), out);
    return check_values(call, key, out);
}

static bool same_key(const struct ssm_filter *a, const struct ssm_filter *b)
{
    return a->key == b->key && (a->key != SSM_FILTER_TAG || strcmp(a->tag, b->tag) == 0);
}

enum local_result ssm_filters_read(struct local_call *call, enum ssm_filter_place place,
                                   struct ssm_filters *out)
{
    const json_t *list = local_value(call, "ParameterFilters");
    size_t size = json_array_size(list);
    *out = (struct ssm_filters){arena_calloc(call->arena, size + 1, sizeof *out->filters), 0};
    for (size_t i = 0; i < size; i++) {
        if (read_one(call, json_array_get(list, i), place, &out->filters[i]) != LOCAL_OK)
            return LOCAL_FAILED;
        for (size_t k = 0; k < i; k++)
            if (same_key(&out->filters[k], &out->filters[i]))
                return local_fail_bare(call, "InvalidFilterKey");
        out->count++;
    }
    return LOCAL_OK;
}

void ssm_filters_read_old(struct local_call *call, struct ssm_filters *out)
{
    const json_t *list = local_value(call, "Filters");
    size_t size = json_array_size(list);
    *out = (struct ssm_filters){arena_calloc(call->arena, size + 1, sizeof *out->filters), size};
    for (size_t i = 0; i < size; i++) {
        const json_t *input = json_array_get(list, i);
        struct ssm_filter *filter = &out->filters[i];
        filter->key = (enum ssm_filter_key)ssm_index(key_names, json_text_or(input, "Key", ""));
        filter->option =
            filter->key == SSM_FILTER_NAME ? SSM_FILTER_BEGINS_WITH : SSM_FILTER_EQUALS;
        take_values(call, json_object_get(input, "Values"), filter);
    }
}

const struct ssm_filter *ssm_filters_find(const struct ssm_filters *filters,
                                          enum ssm_filter_key key)
{
    for (size_t i = 0; i < filters->count; i++)
        if (filters->filters[i].key == key)
            return &filters->filters[i];
    return NULL;
}

static bool match_text(const struct ssm_filter *filter, struct text text)
{
    for (size_t i = 0; i < filter->value_count; i++)
        if (filter->option == SSM_FILTER_BEGINS_WITH ? begins(text, filter->values[i])
                                                     : equal(text, filter->values[i]))
            return true;
    return false;
}

/* Names compare with and without their leading slash. */
static bool match_name(const struct ssm_filter *filter, struct text key)
{
    for (size_t i = 0; i < filter->value_count; i++) {
        struct text value = filter->values[i], bare = without_slash(value);
        if (filter->option == SSM_FILTER_EQUALS && equal(key, bare))
            return true;
        if (filter->option == SSM_FILTER_BEGINS_WITH && begins(key, bare))
            return true;
        if (filter->option == SSM_FILTER_CONTAINS &&
            (memmem(key.data, key.len, value.data, value.len) ||
             (bare.len < value.len && begins(key, bare))))
            return true;
    }
    return false;
}

static bool match_path(const struct ssm_filter *filter, struct text key)
{
    for (size_t i = 0; i < filter->value_count; i++) {
        struct text path = without_slash(filter->values[i]);
        bool slash = path.len == 0 || path.data[path.len - 1] == '/';
        if (!begins(key, path) || (!slash && (key.len <= path.len || key.data[path.len] != '/')))
            continue;
        size_t skip = path.len + !slash;
        if (filter->option == SSM_FILTER_RECURSIVE || !memchr(key.data + skip, '/', key.len - skip))
            return true;
    }
    return false;
}

static bool match_tag(const struct ssm_filter *filter, struct text packed)
{
    struct ssm_tag_list list;
    ssm_tags_unpack(packed, &list);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.tags[i].key, filter->tag) == 0)
            return filter->value_count == 0 || match_text(filter, text_of(list.tags[i].value));
    return false;
}

static bool match_one(const struct ssm_filter *filter, struct text key,
                      const struct ssm_version *version, struct text packed_tags)
{
    switch (filter->key) {
    case SSM_FILTER_NAME:
        return match_name(filter, key);
    case SSM_FILTER_TYPE:
        return match_text(filter, text_of(ssm_type_names[version->type]));
    case SSM_FILTER_KEY_ID:
        return version->key_id.data && match_text(filter, version->key_id);
    case SSM_FILTER_TIER:
        return match_text(filter, text_of(ssm_tier_names[version->tier]));
    case SSM_FILTER_DATA_TYPE:
        return match_text(filter, text_of(ssm_data_type_names[version->data_type]));
    case SSM_FILTER_PATH:
        return match_path(filter, key);
    case SSM_FILTER_TAG:
        return packed_tags.data && match_tag(filter, packed_tags);
    case SSM_FILTER_LABEL:
        break;
    }
    return true;
}

bool ssm_filters_match(const struct ssm_filters *filters, struct text key,
                       const struct ssm_version *version, struct text packed_tags)
{
    for (size_t i = 0; i < filters->count; i++)
        if (!match_one(&filters->filters[i], key, version, packed_tags))
            return false;
    return true;
}

struct ssm_range ssm_range_of(struct local_call *call, struct text prefix)
{
    if (prefix.len == 0)
        return (struct ssm_range){{"", 0}, {"~", 1}}; /* behind every name */
    char *hi = ssm_copy(call, prefix);
    hi[prefix.len - 1]++;
    return (struct ssm_range){prefix, {hi, prefix.len}};
}

static struct ssm_range range_of_value(struct local_call *call, const struct ssm_filter *filter,
                                       struct text value)
{
    value = without_slash(value);
    if (filter->option == SSM_FILTER_CONTAINS)
        return ssm_range_of(call, (struct text){"", 0});
    if (filter->key == SSM_FILTER_NAME && filter->option == SSM_FILTER_EQUALS)
        return (struct ssm_range){value, text_of(arena_printf(call->arena, "%.*s!", (int)value.len,
                                                              value.data))};
    if (filter->key == SSM_FILTER_PATH && value.len && value.data[value.len - 1] != '/')
        value = text_of(arena_printf(call->arena, "%.*s/", (int)value.len, value.data));
    return ssm_range_of(call, value);
}

static int by_lo(const void *a, const void *b)
{
    const struct ssm_range *x = a, *y = b;
    size_t len = x->lo.len < y->lo.len ? x->lo.len : y->lo.len;
    int order = memcmp(x->lo.data, y->lo.data, len);
    return order ? order : (x->lo.len > y->lo.len) - (x->lo.len < y->lo.len);
}

struct ssm_range *ssm_filters_ranges(struct local_call *call, const struct ssm_filters *filters,
                                     size_t *count, bool *one_level)
{
    const struct ssm_filter *filter = ssm_filters_find(filters, SSM_FILTER_NAME);
    if (!filter || filter->option == SSM_FILTER_CONTAINS)
        filter = ssm_filters_find(filters, SSM_FILTER_PATH);
    *count = filter ? filter->value_count : 1;
    *one_level = *count == 1 && filter && filter->option == SSM_FILTER_ONE_LEVEL;
    struct ssm_range *ranges = arena_calloc(call->arena, *count, sizeof *ranges);
    if (!filter)
        ranges[0] = ssm_range_of(call, (struct text){"", 0});
    for (size_t i = 0; filter && i < *count; i++)
        ranges[i] = range_of_value(call, filter, filter->values[i]);
    qsort(ranges, *count, sizeof *ranges, by_lo);
    return ranges;
}
