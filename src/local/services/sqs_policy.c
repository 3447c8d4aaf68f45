#include "local/services/sqs_parts.h"

#include "aws/arn.h"
#include "local/condition_keys.h"

#include <ctype.h>
#include <string.h>

enum { TAGS_MOST = 50, TAG_KEY_MOST = 128, TAG_VALUE_MOST = 256 };
enum { /* of a policy; actions of one statement */
       POLICY_BYTES = 8192,
       STATEMENTS_MOST = 20,
       PRINCIPALS_MOST = 50,
       CONDITIONS_MOST = 10,
       ACTIONS_MOST = 7,
};

/* What a queue's policy can open to other accounts; the rest is the owner's (SQS Developer Guide,
 * "Limitations of Amazon SQS custom policies"). */
static const char *const sharable[] = {"changemessagevisibility",
                                       "deletemessage",
                                       "getqueueattributes",
                                       "getqueueurl",
                                       "listdeadlettersourcequeues",
                                       "purgequeue",
                                       "receivemessage",
                                       "sendmessage",
                                       NULL};

static bool is_sharable(const char *action)
{
    for (size_t i = 0; sharable[i]; i++)
        if (strcasecmp(sharable[i], action) == 0)
            return true;
    return false;
}

/* --- who may ---------------------------------------------------------------------------------- */

static void add_tag_keys(struct condition_keys *keys, const struct sqs_queue *queue)
{
    struct local_call *call = keys->call;
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT key, value FROM sqs_tag WHERE queue = $1", "i",
                queue->id);
    while (store_next(&rows)) {
        struct text key = store_text(&rows, 0), value = store_text(&rows, 1);
        condition_keys_add(keys,
                           arena_printf(call->arena, "aws:ResourceTag/%.*s", (int)key.len,
                                        key.data),
                           arena_strndup(call->arena, value.data, value.len));
    }
    store_end(&rows);
}

static void add_request_tags(struct condition_keys *keys)
{
    struct local_call *call = keys->call;
    const json_t *tags = local_value(call, "tags");
    const char **names, *name;
    size_t count = 0;
    json_t *value;
    if (!tags)
        tags = local_value(call, "Tags");
    names = arena_calloc(call->arena, json_object_size(tags) + 1, sizeof *names);
    json_object_foreach((json_t *)tags, name, value)
    {
        names[count++] = name;
        condition_keys_add(keys, arena_printf(call->arena, "aws:RequestTag/%s", name),
                           json_string_value(value));
    }
    condition_keys_add_list(keys, "aws:TagKeys", names);
    condition_keys_add_json(keys, "aws:TagKeys", local_value(call, "TagKeys"), NULL);
}

static enum policy_answer ask_policy(struct arena *arena, const struct sqs_queue *queue,
                                     const struct policy_question *question,
                                     enum policy_match *match)
{
    const char *text = queue->values[SQS_POLICY];
    struct policy *policy =
        text ? policy_parse(arena, text, strlen(text), POLICY_RESOURCE, NULL) : NULL;
    *match = POLICY_MATCH_NONE;
    return policy ? policy_evaluate(policy, question, match) : POLICY_NO_MATCH;
}

static enum local_result denied(struct local_call *call, const char *action, const char *resource,
                                const char *why)
{
    const char *arn = call->caller->arn ? call->caller->arn : "anonymous";
    if (text_starts(arn, "arn:aws:"))
        arn = arena_printf(call->arena, "arn:%s:%s", call->partition, arn + strlen("arn:aws:"));
    local_fail(call, "AccessDeniedException",
               "User: %s is not authorized to perform: %s on resource: %s %s", arn, action,
               resource, why);
    return LOCAL_FAILED;
}

/* In the queue's own account either side's word is enough, unless one denies; a role's boundary and
 * session bind what the queue's policy gives to the role (shared facts, sts-iam-sigv4.md 8). */
static enum local_result judge_own(struct local_call *call, const struct local_question *question,
                                   const struct local_answers *caller, enum policy_match match)
{
    bool limits_allow = caller->boundary == POLICY_ALLOW && caller->session == POLICY_ALLOW;
    bool limits_deny = caller->boundary == POLICY_DENY || caller->session == POLICY_DENY;
    if (caller->identity == POLICY_DENY || limits_deny)
        return local_authorize_question(call, question);
    if (match == POLICY_MATCH_USER || match == POLICY_MATCH_SESSION)
        return LOCAL_OK;
    if ((match == POLICY_MATCH_ROLE || match == POLICY_MATCH_ANYONE) && limits_allow)
        return LOCAL_OK;
    return local_authorize_question(call, question);
}

static enum local_result judge_other(struct local_call *call, const struct local_question *question,
                                     bool allowed)
{
    const char *action = question->action, *resource = question->resource;
    if (!allowed || !is_sharable(strchr(action, ':') + 1))
        return denied(call, action, resource,
                      arena_printf(call->arena,
                                   "because no resource-based policy allows the %s "
                                   "action",
                                   action));
    return local_authorize_question(call, question);
}

/* AWS writes SQS's actions in small letters when it refuses. */
static const char *small_letters(struct arena *arena, const char *action)
{
    char *small = arena_strdup(arena, action);
    for (char *at = small; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return small;
}

enum local_result sqs_authorize(struct local_call *call, const char *action, const char *resource)
{
    struct sqs_queue queue = {0};
    struct condition_keys keys = {call, NULL, 0, 0};
    bool found = sqs_find_arn(call->store, call->arena, resource, &queue);
    if (found)
        add_tag_keys(&keys, &queue);
    add_request_tags(&keys);
    const struct local_question question = {.action = small_letters(call->arena, action),
                                            .resource = resource,
                                            .context = keys.items,
                                            .context_count = keys.count};
    struct arn arn;
    bool own =
        arn_parse(resource, strlen(resource), &arn) != 0 || text_is(arn.account, call->account);
    if (!found && !own) /* AWS does not tell whether there is one */
        return local_fail(call, "QueueDoesNotExist", "The specified queue does not exist.");
    struct local_answers caller;
    struct policy_question asked;
    enum policy_match match;
    local_ask(call, &question, &caller);
    local_policy_question(call, &question, &asked);
    enum policy_answer answer = ask_policy(call->arena, &queue, &asked, &match);
    if (answer == POLICY_DENY)
        return denied(call, question.action, resource,
                      "with an explicit deny in a resource-based policy");
    if (answer != POLICY_ALLOW)
        match = POLICY_MATCH_NONE;
    return own ? judge_own(call, &question, &caller, match)
               : judge_other(call, &question, answer == POLICY_ALLOW);
}

enum policy_answer sqs_ask_policy_for_service(struct arena *arena, const struct sqs_queue *queue,
                                              const char *queue_arn, const char *service,
                                              const char *source_arn)
{
    struct arn arn;
    bool parsed = arn_parse(source_arn, strlen(source_arn), &arn) == 0;
    const char *account = parsed ? arena_strndup(arena, arn.account.data, arn.account.len) : "";
    const char *const arns[] = {source_arn, NULL}, *const accounts[] = {account, NULL};
    const char *const yes[] = {"true", NULL}, *const regions[] = {queue->region, NULL};
    const char *const services[] = {service, NULL};
    const struct policy_value context[] = {
        {"aws:SourceArn", arns},
        {"aws:SourceAccount", accounts},
        {"aws:SecureTransport", yes},
        {"aws:PrincipalIsAWSService", yes},
        {"aws:PrincipalServiceName", services},
        {"aws:RequestedRegion", regions},
    };
    const struct policy_principal principal = {.service = service};
    const struct policy_question question = {.action = "sqs:sendmessage",
                                             .resource = queue_arn,
                                             .principal = &principal,
                                             .context = context,
                                             .context_count = sizeof context / sizeof *context};
    enum policy_match match;
    return ask_policy(arena, queue, &question, &match);
}

/* --- how large a policy may be (SQS Developer Guide, "Amazon SQS policy quotas") -------------- */

static size_t count_of(const json_t *one_or_many)
{
    return json_is_array(one_or_many) ? json_array_size(one_or_many) : one_or_many ? 1 : 0;
}

static void count_statement(const json_t *statement, size_t *principals, size_t *conditions)
{
    const json_t *who = json_object_get(statement, "Principal"), *keys;
    const char *name;
    if (!json_is_object(who))
        *principals += who ? 1 : 0;
    json_object_foreach((json_t *)who, name, keys)
    {
        *principals += count_of(keys);
    }
    json_object_foreach(json_object_get(statement, "Condition"), name, keys)
    {
        *conditions += json_object_size(keys);
    }
}

/* The texts for size and actions were observed; for the others there is none published (K). */
static enum local_result check_counts(struct local_call *call, const json_t *statements)
{
    bool many = json_is_array(statements);
    size_t count = many ? json_array_size(statements) : 1, principals = 0, conditions = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *statement = many ? json_array_get(statements, i) : statements;
        size_t actions = count_of(json_object_get(statement, "Action"));
        if (actions > ACTIONS_MOST)
            return local_fail(call, "OverLimit",
                              "%zu actions were found in a statement from the submitted policy, "
                              "max allowed is %d",
                              actions, ACTIONS_MOST);
        count_statement(statement, &principals, &conditions);
    }
    const struct {
        const char *what;
        size_t count, most;
    } rows[] = {{"statements", count, STATEMENTS_MOST},
                {"principals", principals, PRINCIPALS_MOST},
                {"conditions", conditions, CONDITIONS_MOST}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].count > rows[i].most)
            return local_fail(call, "OverLimit",
                              "%zu %s were found in the submitted policy, max allowed is %zu",
                              rows[i].count, rows[i].what, rows[i].most);
    return LOCAL_OK;
}

enum local_result sqs_check_policy_size(struct local_call *call, const char *text)
{
    size_t len = strlen(text);
    if (len > POLICY_BYTES)
        return local_fail(call, "OverLimit", "Submitted policy is over max allowed size.");
    json_t *policy = json_read(text, len, NULL);
    enum local_result result = check_counts(call, json_object_get(policy, "Statement"));
    json_decref(policy);
    return result;
}

/* --- AddPermission, RemovePermission ---------------------------------------------------------- */

static enum local_result bad_value(struct local_call *call, const char *value, const char *member,
                                   const char *reason)
{
    return local_fail(call, "InvalidParameterValueException",
                      "Value %s for parameter %s is invalid. Reason: %s", value, member, reason);
}

static json_t *one_or_list(json_t *list)
{
    if (json_array_size(list) != 1)
        return list;
    json_t *one = json_incref(json_array_get(list, 0));
    json_decref(list);
    return one;
}

/* The accounts as principals, or NULL with the failure. */
static json_t *principals(struct local_call *call)
{
    const json_t *accounts = local_value(call, "AWSAccountIds");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(accounts); i++) {
        const char *account = json_string_value(json_array_get(accounts, i));
        if (!account_valid(account)) {
            bad_value(call, arena_printf(call->arena, "[%s]", account), "PrincipalId",
                      "Unable to verify.");
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, json_sprintf("arn:%s:iam::%s:root", call->partition, account));
    }
    return one_or_list(list);
}

static json_t *actions(struct local_call *call)
{
    const json_t *names = local_value(call, "Actions");
    json_t *list = json_array();
    const char *wrong = NULL;
    for (size_t i = 0; !wrong && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (strcmp(name, "*") != 0 && !is_sharable(name))
            wrong = name;
        json_array_append_new(list, json_sprintf("SQS:%s", name));
    }
    if (json_array_size(names) > ACTIONS_MOST) /* text: moto's alone */
        local_fail(call, "OverLimit", "%zu Actions were found, maximum allowed is %d.",
                   json_array_size(names), ACTIONS_MOST);
    else if (wrong)
        bad_value(call, arena_printf(call->arena, "SQS:%s", wrong), "ActionName",
                  "Only the queue owner is allowed to invoke this action.");
    else
        return one_or_list(list);
    json_decref(list);
    return NULL;
}

static json_t *read_policy(struct local_call *call, const struct sqs_queue *queue)
{
    const char *text = queue->values[SQS_POLICY];
    json_t *policy = text ? json_read(text, strlen(text), NULL) : NULL;
    if (policy)
        return policy;
    return json_pack("{s:s, s:o, s:[]}", "Version", "2008-10-17", "Id",
                     json_sprintf("%s/SQSDefaultPolicy", sqs_arn(call, queue)), "Statement");
}

static size_t find_label(const json_t *statements, const char *label)
{
    size_t at = 0;
    while (at < json_array_size(statements) &&
           strcmp(json_text_or(json_array_get(statements, at), "Sid", ""), label) != 0)
        at++;
    return at;
}

/* Statement as a list, whatever it was. */
static json_t *statements_of(json_t *policy)
{
    json_t *statements = json_object_get(policy, "Statement");
    if (json_is_object(statements)) {
        json_object_set_new(policy, "Statement", json_pack("[O]", statements));
        statements = json_object_get(policy, "Statement");
    }
    return statements;
}

static enum local_result store_policy(struct local_call *call, const struct sqs_queue *queue,
                                      json_t *policy)
{
    bool empty = json_array_size(json_object_get(policy, "Statement")) == 0;
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 1024 * 1024);
    json_writer_init(&writer, &text);
    json_write_value(&writer, policy);
    json_t *attributes = json_object();
    json_object_set_new(attributes, sqs_key_name(SQS_POLICY),
                        json_string(empty ? "" : buf_text(&text)));
    enum local_result result = sqs_check_attributes(call, queue, attributes);
    if (result == LOCAL_OK) {
        sqs_store_attributes(call, queue->id, attributes);
    }
    json_decref(attributes);
    buf_done(&text);
    return result;
}

enum local_result sqs_add_permission(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "Label") != LOCAL_OK ||
        sqs_require(call, "AWSAccountIds") != LOCAL_OK || sqs_require(call, "Actions") != LOCAL_OK)
        return LOCAL_FAILED;
    const char *label = local_text(call, "Label");
    json_t *who = principals(call), *what = who ? actions(call) : NULL;
    if (!what) {
        json_decref(who);
        return LOCAL_FAILED;
    }
    json_t *policy = read_policy(call, &queue), *statements = statements_of(policy);
    enum local_result result;
    if (find_label(statements, label) < json_array_size(statements)) {
        result = bad_value(call, label, "Label", "Already exists.");
        json_decref(who);
        json_decref(what);
    } else {
        json_array_append_new(statements,
                              json_pack("{s:s, s:s, s:{s:o}, s:o, s:s}", "Sid", label, "Effect",
                                        "Allow", "Principal", "AWS", who, "Action", what,
                                        "Resource", sqs_arn(call, &queue)));
        result = store_policy(call, &queue, policy);
    }
    json_decref(policy);
    return result;
}

enum local_result sqs_remove_permission(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "Label") != LOCAL_OK)
        return LOCAL_FAILED;
    const char *label = local_text(call, "Label");
    json_t *policy = read_policy(call, &queue), *statements = statements_of(policy);
    size_t at = find_label(statements, label);
    enum local_result result;
    if (at == json_array_size(statements)) {
        result = bad_value(call, label, "Label", "can't find label.");
    } else {
        json_array_remove(statements, at);
        result = store_policy(call, &queue, policy);
    }
    json_decref(policy);
    return result;
}

/* --- tags ------------------------------------------------------------------------------------- */

static enum local_result check_tag(struct local_call *call, const char *key, const char *value)
{
    size_t key_len = text_utf8_count(key, strlen(key));
    /* The limits are the guide's, the text is not published (K). */
    if (key_len < 1 || key_len > TAG_KEY_MOST || text_starts_nocase(key, "aws:") ||
        text_utf8_count(value, strlen(value)) > TAG_VALUE_MOST)
        return local_fail(call, "InvalidParameterValueException",
                          "Tag keys must be between 1 and 128 characters in length, tag values up "
                          "to 256, and keys must not begin with aws:.");
    return LOCAL_OK;
}

enum local_result sqs_store_tags(struct local_call *call, int64_t queue, const json_t *tags)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value)
    {
        if (check_tag(call, key, json_string_value(value)) != LOCAL_OK)
            return LOCAL_FAILED;
        store_run(call->store,
                  "INSERT INTO sqs_tag (queue, key, value) VALUES ($1, $2, $3)"
                  " ON CONFLICT (queue, key) DO UPDATE SET value = excluded.value",
                  "itt", queue, key, json_string_value(value));
    }
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT count(*) FROM sqs_tag WHERE queue = $1", "i", queue);
    bool too_many = store_next(&rows) && store_int(&rows, 0) > TAGS_MOST;
    store_end(&rows);
    if (too_many) /* the guide only advises against more: strict; AWS has no text (K) */
        return local_fail(call, "InvalidParameterValueException",
                          "Too many tags added for queue. Maximum of %d is allowed.", TAGS_MOST);
    return LOCAL_OK;
}

enum local_result sqs_tag_queue(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "Tags") != LOCAL_OK)
        return LOCAL_FAILED;
    return sqs_store_tags(call, queue.id, local_value(call, "Tags"));
}

enum local_result sqs_untag_queue(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK || sqs_require(call, "TagKeys") != LOCAL_OK)
        return LOCAL_FAILED;
    const json_t *keys = local_value(call, "TagKeys");
    for (size_t i = 0; i < json_array_size(keys); i++)
        store_run(call->store, "DELETE FROM sqs_tag WHERE queue = $1 AND key = $2", "it", queue.id,
                  json_string_value(json_array_get(keys, i)));
    return LOCAL_OK;
}

enum local_result sqs_list_queue_tags(struct local_call *call)
{
    struct sqs_queue queue;
    struct store_rows rows;
    if (sqs_named(call, &queue) != LOCAL_OK)
        return LOCAL_FAILED;
    bool any = false;
    store_query(call->store, &rows, "SELECT key, value FROM sqs_tag WHERE queue = $1 ORDER BY key",
                "i", queue.id);
    while (store_next(&rows)) {
        struct text key = store_text(&rows, 0), value = store_text(&rows, 1);
        if (!any) {
            json_key(call->out, "Tags");
            json_open(call->out);
        }
        any = true;
        json_key(call->out, arena_strndup(call->arena, key.data, key.len));
        json_write_text_n(call->out, value.data, value.len);
    }
    store_end(&rows);
    if (any)
        json_close(call->out);
    return LOCAL_OK;
}
