/* The meaning of a key policy, and what it means in another Region. Rules: shared facts kms.md
 * section 9, sts-iam-sigv4.md section 8 (the grammar of policies). */
#include "aws/arn.h"
#include "aws/region.h"
#include "base/json.h"
#include "base/text.h"
#include "resource/kms_key.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static json_t *read_policy(const char *policy, struct error *err)
{
    json_t *root = json_read(policy, strlen(policy), err);
    const json_t *statements = json_object_get(root, "Statement");
    if (root && (json_is_object(statements) || json_is_array(statements)))
        return root;
    if (root)
        error_set(err, ERR_INVALID, "it is no policy: it has no Statement");
    json_decref(root);
    return NULL;
}

static char *lower(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *at = copy; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Texts as a sorted list in which each occurs once. */
static json_t *set_of(const char **texts, size_t count)
{
    json_t *list = json_array();
    if (count)
        qsort(texts, count, sizeof *texts, order_texts);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
            json_array_append_new(list, json_string(texts[i]));
    return list;
}

static const char *value_text(struct arena *arena, const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    const char *text = arena_strdup(arena, dumped ? dumped : "");
    free(dumped);
    return text;
}

/* The account's number for its root, which it stands for. */
static const char *principal_text(struct arena *arena, const char *text)
{
    struct arn arn;
    if (arn_parse(text, strlen(text), &arn) == 0 && text_is(arn.service, "iam") &&
        text_is(arn.resource, "root"))
        return arena_strndup(arena, arn.account.data, arn.account.len);
    return text;
}

enum reading { AS_WRITTEN, NO_CASE, PRINCIPAL };

/* One value or a list of them, as a set. */
static json_t *values_of(struct arena *arena, const json_t *value, enum reading how)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    const char **texts = arena_calloc(arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        const char *text =
            value_text(arena, json_is_array(value) ? json_array_get(value, i) : value);
        texts[i] = how == NO_CASE     ? lower(arena, text)
                   : how == PRINCIPAL ? principal_text(arena, text)
                                      : text;
    }
    return set_of(texts, count);
}

static json_t *principals_of(struct arena *arena, const json_t *value)
{
    json_t *out = json_object();
    const char *kind;
    json_t *some;
    if (!json_is_object(value)) { /* "*" */
        json_object_set_new(out, "AWS", values_of(arena, value, PRINCIPAL));
        return out;
    }
    json_object_foreach((json_t *)value, kind, some)
    {
        json_object_set_new(out, kind, values_of(arena, some, PRINCIPAL));
    }
    return out;
}

/* Under `name` without case, unless the policy says it in two cases: then each as it is. */
static void set_nocase(struct arena *arena, json_t *out, const char *name, json_t *value)
{
    const char *plain = lower(arena, name);
    json_object_set_new(out, json_object_get(out, plain) ? name : plain, value);
}

static json_t *conditions_of(struct arena *arena, const json_t *value)
{
    json_t *out = json_object(), *keys;
    const char *operator, * key;
    json_object_foreach((json_t *)value, operator, keys)
    {
        json_t *one = json_object(), *values;
        json_object_foreach(keys, key, values)
        {
            set_nocase(arena, one, key, values_of(arena, values, AS_WRITTEN));
        }
        set_nocase(arena, out, operator, one);
    }
    return out;
}

static const char *statement_of(struct arena *arena, const json_t *statement)
{
    json_t *out = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)statement, name, value)
    {
        if (strcmp(name, "Sid") == 0)
            continue;
        if (strcmp(name, "Action") == 0 || strcmp(name, "NotAction") == 0)
            json_object_set_new(out, name, values_of(arena, value, NO_CASE));
        else if (strcmp(name, "Resource") == 0 || strcmp(name, "NotResource") == 0)
            json_object_set_new(out, name, values_of(arena, value, AS_WRITTEN));
        else if (strcmp(name, "Principal") == 0 || strcmp(name, "NotPrincipal") == 0)
            json_object_set_new(out, name, principals_of(arena, value));
        else if (strcmp(name, "Condition") == 0 && json_is_object(value))
            json_object_set_new(out, name, conditions_of(arena, value));
        else
            json_object_set(out, name, value);
    }
    /* No condition at all is what an empty one says. */
    if (json_object_size(json_object_get(out, "Condition")) == 0)
        json_object_del(out, "Condition");
    const char *text = value_text(arena, out);
    json_decref(out);
    return text;
}

const char *kms_policy_meaning(struct arena *arena, const char *policy, struct error *err)
{
    json_t *root = read_policy(policy, err);
    if (!root)
        return NULL;
    const json_t *given = json_object_get(root, "Statement");
    size_t count = json_is_array(given) ? json_array_size(given) : 1;
    const char **statements = arena_calloc(arena, count + 1, sizeof *statements);
    for (size_t i = 0; i < count; i++)
        statements[i] =
            statement_of(arena, json_is_array(given) ? json_array_get(given, i) : given);
    json_t *meaning = json_object();
    json_object_set_new(meaning, "Statement", set_of(statements, count));
    json_object_set_new(meaning, "Version",
                        json_string(json_text_or(root, "Version", "2008-10-17")));
    const char *text = value_text(arena, meaning);
    json_decref(meaning);
    json_decref(root);
    return text;
}

/* --- another Region --------------------------------------------------------------------------- */
struct move {
    struct arena *arena;
    const char *from, *to;
    bool changed;
};

/* `text` with the Region that stands between dots or colons changed: a service's name
 * ("ssm.eu-west-1.amazonaws.com"), an ARN. NULL: it names no such Region. */
static const char *moved_part(const struct move *move, const char *text, char separator)
{
    size_t len = strlen(move->from);
    for (const char *at = strchr(text, separator); at; at = strchr(at + 1, separator))
        if (strncmp(at + 1, move->from, len) == 0 && at[1 + len] == separator)
            return arena_printf(move->arena, "%.*s%s%s", (int)(at + 1 - text), text, move->to,
                                at + 1 + len);
    return NULL;
}

static const char *moved_text(const struct move *move, const char *text, bool may_be_region)
{
    struct arn arn;
    if (may_be_region && strcmp(text, move->from) == 0)
        return move->to;
    if (arn_parse(text, strlen(text), &arn) == 0)
        return text_is(arn.region, move->from) ? moved_part(move, text, ':') : NULL;
    return strstr(text, partition_of(move->from)->dns_suffix) || strstr(text, ".amazonaws.com")
               ? moved_part(move, text, '.')
               : NULL;
}

const char *kms_text_for_region(struct arena *arena, const char *text, const char *from,
                                const char *to)
{
    const struct move move = {.arena = arena, .from = from, .to = to};
    const char *moved = moved_text(&move, text, false);
    return moved ? moved : text;
}

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), text) == 0)
            return true;
    }
    return false;
}

/* The value, or list of values, of one key of `owner`. Who wrote a list of several Regions meant
 * it for all of them. */
static void move_values(struct move *move, json_t *owner, const char *name, bool may_be_region)
{
    json_t *value = json_object_get(owner, name);
    size_t i;
    json_t *item;
    if (json_is_string(value)) {
        const char *moved = moved_text(move, json_string_value(value), may_be_region);
        if (moved) {
            json_object_set_new(owner, name, json_string(moved));
            move->changed = true;
        }
        return;
    }
    json_array_foreach(value, i, item)
    {
        const char *moved =
            json_is_string(item) ? moved_text(move, json_string_value(item), may_be_region) : NULL;
        if (moved && !list_has(value, moved)) {
            json_array_set_new(value, i, json_string(moved));
            move->changed = true;
        }
    }
}

/* These say where the primary and its replicas may be, which is the same seen from everywhere. */
static bool says_where_replicas_are(const char *key)
{
    return strcasecmp(key, "kms:ReplicaRegion") == 0 || strcasecmp(key, "kms:PrimaryRegion") == 0;
}

static void move_conditions(struct move *move, json_t *conditions)
{
    const char *operator, * key;
    json_t *keys, *values;
    void *next;
    json_object_foreach(conditions, operator, keys)
    {
        json_object_foreach_safe(keys, next, key, values)
        {
            if (!says_where_replicas_are(key))
                move_values(move, keys, key, strcasecmp(key, "aws:RequestedRegion") == 0);
        }
    }
}

static void move_statement(struct move *move, json_t *statement)
{
    static const char *const parts[] = {"Principal", "NotPrincipal"};
    json_t *conditions = json_object_get(statement, "Condition");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *principal = json_object_get(statement, parts[i]);
        if (json_is_object(principal))
            move_values(move, principal, "Service", false);
    }
    move_values(move, statement, "Resource", false);
    move_values(move, statement, "NotResource", false);
    if (json_is_object(conditions))
        move_conditions(move, conditions);
}

const char *kms_policy_for_region(struct arena *arena, const char *policy, const char *from,
                                  const char *to, struct error *err)
{
    struct move move = {.arena = arena, .from = from, .to = to};
    json_t *root = read_policy(policy, err);
    if (!root)
        return NULL;
    json_t *statements = json_object_get(root, "Statement"), *statement;
    size_t i;
    if (json_is_object(statements))
        move_statement(&move, statements);
    json_array_foreach(statements, i, statement)
    {
        if (json_is_object(statement))
            move_statement(&move, statement);
    }
    if (move.changed) {
        char *text = json_dumps(root, JSON_COMPACT);
        policy = arena_strdup(arena, text ? text : policy);
        free(text);
    }
    json_decref(root);
    return policy;
}
