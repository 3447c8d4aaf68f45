/*
 * condition_keys: the list of condition keys a service gives with its question, as it grows. In the
 * call's arena.
 */
#ifndef UNDERSTUDY_LOCAL_CONDITION_KEYS_H
#define UNDERSTUDY_LOCAL_CONDITION_KEYS_H

#include "local/service.h"

struct condition_keys {
    struct local_call *call;
    struct policy_value *items;
    size_t count, room;
};

/* A key with one value; NULL leaves it out. */
void condition_keys_add(struct condition_keys *keys, const char *key, const char *value);
/* A key with many values, NULL-terminated; none leaves it out. */
void condition_keys_add_list(struct condition_keys *keys, const char *key,
                             const char *const *values);
/* A key with the texts of a JSON list, or with their member `member`. */
void condition_keys_add_json(struct condition_keys *keys, const char *key, const json_t *list,
                             const char *member);
/* aws:RequestTag/... and aws:TagKeys from the input's list `tags`, whose structures name a tag by
 * the members `key` and `value`; aws:TagKeys alone from a list of keys (`key` NULL). */
void condition_keys_add_tags(struct condition_keys *keys, const json_t *tags, const char *key,
                             const char *value);
/* <prefix><key>, such as "aws:ResourceTag/team", for each tag of a JSON object of texts. */
void condition_keys_add_resource_tags(struct condition_keys *keys, const char *prefix,
                                      const char *tags);

#endif
