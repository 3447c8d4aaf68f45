#include "local/services/lambda_parts.h"

#include "aws/arn.h"
#include "local/both_sides.h"
#include "local/condition_keys.h"
#include "local/services/lambda_mapping.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 64 };

int64_t lambda_now(const struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

/* --- names ------------------------------------------------------------------------------------ */

static const char *const *one(struct local_call *call, const char *arn)
{
    const char **list = arena_calloc(call->arena, 2, sizeof *list);
    list[0] = local_shown(call, arn);
    return list;
}

static enum local_result named(struct local_call *call, struct lambda_name *out)
{
    const char *text = local_text(call, "FunctionName");
    if (lambda_name_parse(call->arena, call->account, call->region, text,
                          local_text(call, "Qualifier"), out) != 0)
        return lambda_invalid(call, "The derived qualifier from the function name does not match "
                                    "the specified qualifier.");
    if (strlen(out->name) > NAME_MAX_LENGTH)
        return local_fail(call, "ValidationException",
                          "1 validation error detected: Value '%s' at 'functionName' failed to "
                          "satisfy constraint: Member must have length less than or equal to %d",
                          out->name, NAME_MAX_LENGTH);
    if (strcmp(out->region, call->region) != 0)
        return local_fail(call, "ResourceNotFoundException",
                          "Functions from '%s' are not reachable in this region ('%s')",
                          out->region, call->region);
    return LOCAL_OK;
}

const char *const *lambda_resources(struct local_call *call)
{
    struct lambda_name name;
    if (named(call, &name) != LOCAL_OK)
        return NULL;
    return one(call, lambda_name_arn(call->arena, &name));
}

const char *const *lambda_tagged_resources(struct local_call *call)
{
    return one(call, local_text(call, "Resource"));
}

enum local_result lambda_not_found(struct local_call *call, const char *arn)
{
    return local_fail(call, "ResourceNotFoundException", "Function not found: %s",
                      local_shown(call, arn));
}

enum local_result lambda_need(struct local_call *call, struct lambda_function *out)
{
    struct lambda_name name;
    *out = (struct lambda_function){.id = 0};
    if (named(call, &name) != LOCAL_OK)
        return LOCAL_FAILED;
    if (lambda_function_find(call->local, call->store, call->arena, name.account, name.region,
                             name.name, name.qualifier, out) == 0)
        return LOCAL_OK;
    return lambda_not_found(call, lambda_name_arn(call->arena, &name));
}

enum local_result lambda_need_whole(struct local_call *call, struct lambda_function *out)
{
    if (lambda_need(call, out) != LOCAL_OK)
        return LOCAL_FAILED;
    if (out->qualifier && strcmp(out->qualifier, "$LATEST") != 0)
        return lambda_invalid(call, "This operation is permitted on Lambda functions only. Aliases "
                                    "and versions do not support this operation. Please specify "
                                    "either a function name or an unqualified function ARN.");
    return LOCAL_OK;
}

/* --- who may ---------------------------------------------------------------------------------- */

static void add_request_tags(struct condition_keys *keys)
{
    struct local_call *call = keys->call;
    const json_t *tags = local_value(call, "Tags");
    const char **names = arena_calloc(call->arena, json_object_size(tags) + 1, sizeof *names);
    const char *name;
    size_t count = 0;
    json_t *value;
    json_object_foreach((json_t *)tags, name, value)
    {
        names[count++] = name;
        condition_keys_add(keys, arena_printf(call->arena, "aws:RequestTag/%s", name),
                           json_string_value(value));
    }
    condition_keys_add_list(keys, "aws:TagKeys", names);
    condition_keys_add_json(keys, "aws:TagKeys", local_value(call, "TagKeys"), NULL);
}

/* In the owner's account either side's word is enough unless one denies; from another account both
 * are needed (shared facts, sts-iam-sigv4.md section 8). */
static enum local_result judge(struct local_call *call, const struct local_question *question,
                               bool own, enum policy_answer answer, enum policy_match match)
{
    const char *action = question->action;
    if (!own && answer == POLICY_NO_MATCH)
        return local_fail(call, "AccessDeniedException",
                          "User: %s is not authorized to perform: %s on resource: %s because no "
                          "resource-based policy allows the %s action",
                          local_shown(call, call->caller->arn), action, question->resource, action);
    if (answer == POLICY_DENY)
        return local_fail(call, "AccessDeniedException",
                          "User: %s is not authorized to perform: %s on resource: %s with an "
                          "explicit deny in a resource-based policy",
                          local_shown(call, call->caller->arn), action, question->resource);
    struct both_sides asked = {.action = action,
                               .same_account = own,
                               .resource = answer,
                               .match = match};
    local_ask(call, question, &asked.caller);
    if (own && answer == POLICY_ALLOW && match != POLICY_MATCH_ACCOUNT &&
        !both_sides_refusal(call->arena, &asked))
        return LOCAL_OK;
    return local_authorize_question(call, question);
}

enum local_result lambda_authorize(struct local_call *call, const char *action,
                                   const char *resource)
{
    struct lambda_function function;
    struct condition_keys keys = {.call = call};
    struct arn arn;
    bool own =
        arn_parse(resource, strlen(resource), &arn) != 0 || text_is(arn.account, call->account);
    bool found = arn_is(resource) &&
                 lambda_function_find(call->local, call->store, call->arena, call->account,
                                      call->region, resource, NULL, &function) == 0;
    add_request_tags(&keys);
    condition_keys_add(&keys, "lambda:FunctionArn", lambda_mapping_function(call));
    if (found)
        condition_keys_add_resource_tags(&keys, "aws:ResourceTag/",
                                         lambda_tags_of(call, function.id));
    condition_keys_add(&keys, "lambda:Principal", local_text(call, "Principal"));
    const struct local_question question = {.action = action,
                                            .resource = resource,
                                            .context = keys.items,
                                            .context_count = keys.count};
    struct policy_question asked;
    enum policy_match match = POLICY_MATCH_NONE;
    enum policy_answer answer = POLICY_NO_MATCH;
    local_policy_question(call, &question, &asked);
    if (found) {
        answer = lambda_function_policy(call->store, call->arena, &function, &asked, &match);
        lambda_function_done(&function);
    }
    return judge(call, &question, own, answer, match);
}

/* --- revisions -------------------------------------------------------------------------------- */

char *lambda_new_revision(struct local_call *call)
{
    char *revision = arena_alloc(call->arena, RANDOM_UUID_SIZE);
    random_uuid(call->local->random, revision);
    return revision;
}

enum local_result lambda_check_revision(struct local_call *call, const char *revision)
{
    const char *wanted = local_text(call, "RevisionId");
    if (!wanted || strcmp(wanted, revision) == 0)
        return LOCAL_OK;
    return local_fail(call, "PreconditionFailedException",
                      "The Revision Id provided does not match the latest Revision Id. Call the "
                      "GetFunction/GetAlias API to retrieve the latest Revision Id");
}

/* --- pages ------------------------------------------------------------------------------------ */

enum local_result lambda_page_open(struct local_call *call, struct lambda_page *page,
                                   const char *key)
{
    const char *marker = local_text(call, "Marker");
    char *position = NULL;
    if (marker && local_token_decode(call, marker, &position) != 0)
        return lambda_invalid(call, "Invalid Marker."); /* (K) */
    int64_t limit = local_int(call, "MaxItems", LAMBDA_PAGE_MAX);
    *page = (struct lambda_page){.position = position ? position : "",
                                 .last = "",
                                 .limit = limit < LAMBDA_PAGE_MAX ? limit : LAMBDA_PAGE_MAX};
    json_key(call->out, key);
    json_open_list(call->out);
    return LOCAL_OK;
}

bool lambda_page_next(struct local_call *call, struct lambda_page *page, struct store_rows *rows,
                      int column)
{
    if (!store_next(rows))
        return false;
    if (page->shown++ == page->limit) {
        page->more = true;
        return false;
    }
    struct text name = store_text(rows, column);
    page->last = arena_strndup(call->arena, name.data ? name.data : "", name.len);
    return true;
}

void lambda_page_close(struct local_call *call, struct lambda_page *page, struct store_rows *rows)
{
    store_end(rows);
    json_close_list(call->out);
    if (page->more)
        json_put_text(call->out, "NextMarker", local_token_encode(call, page->last));
}
