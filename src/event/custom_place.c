#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "event/custom_kms.h"
#include "resource/services.h"

#include <string.h>

enum { REQUESTS_MOST = 28 };

static const char mark_key[] = "understudy:stack-resource";
static const char requests_key[] = "understudy:requests";

/* --- tags ------------------------------------------------------------------------------------- */
enum {
    STACK_MOST = 180, /* of a stack's ARN, which is hardly ever as long */
    LOGICAL_MOST = 32,
    PLACE_MOST = 40,
    SUM = 16, /* digits of what stands for the rest */
};

/* `text`, or as much of it as there is room for and a digest of all. */
static void put_short(char *out, size_t size, const char *text, size_t most)
{
    char sum[SHA256_HEX_SIZE];
    if (strlen(text) <= most) {
        snprintf(out, size, "%s", text);
        return;
    }
    digest_sha256_hex(text, strlen(text), sum);
    snprintf(out, size, "%.*s=%.*s", (int)(most - SUM - 1), text, SUM, sum);
}

/* "STACK/", which all marks of the stack begin with. */
static void put_stack(const struct custom_request *request, char out[CUSTOM_MARK_SIZE])
{
    char text[STACK_MOST + 1];
    put_short(text, sizeof text, request->stack_id, STACK_MOST);
    snprintf(out, CUSTOM_MARK_SIZE, "%s/", text);
}

/* "@us-east-1/01234567", which all marks there end with. */
static void put_place(const char *region, const char *key_id, char out[PLACE_MOST])
{
    enum { LAST_DIGITS = 8 };
    size_t len = strlen(key_id);
    snprintf(out, PLACE_MOST, "@%.24s/%s", region,
             key_id + (len > LAST_DIGITS ? len - LAST_DIGITS : 0));
}

void custom_mark(const struct custom_request *request, const char *region, const char *key_id,
                 char out[CUSTOM_MARK_SIZE])
{
    char stack[CUSTOM_MARK_SIZE], logical[LOGICAL_MOST + 1], where[PLACE_MOST];
    put_stack(request, stack);
    put_short(logical, sizeof logical, request->logical_id, LOGICAL_MOST);
    put_place(region, key_id, where);
    snprintf(out, CUSTOM_MARK_SIZE, "%s%s%s", stack, logical, where);
}

void custom_entry(const struct custom_request *request, char out[CUSTOM_ENTRY_SIZE])
{
    static const char letters[] = {
        [CUSTOM_CREATE] = 'c', [CUSTOM_UPDATE] = 'u', [CUSTOM_DELETE] = 'd'};
    char sum[SHA256_HEX_SIZE];
    digest_sha256_hex(request->request_id, strlen(request->request_id), sum);
    snprintf(out, CUSTOM_ENTRY_SIZE, "%c%.7s", letters[request->action], sum);
}

const char *custom_requests_add(struct arena *arena, const char *list, const char *entry)
{
    size_t count = 0;
    char **items = text_split(arena, list, ' ', &count);
    const char *out = "";
    for (size_t i = count >= REQUESTS_MOST ? count - REQUESTS_MOST + 1 : 0; i < count; i++)
        out = arena_printf(arena, "%s%s ", out, items[i]);
    return arena_printf(arena, "%s%s", out, entry);
}

/* Where the entry stands: -1 nowhere, 0 at the end, 1 with others behind it. */
static int entry_at(const char *list, const char *entry)
{
    struct text rest = text_of(list);
    int found = -1;
    while (rest.data) {
        struct text item = text_cut(&rest, ' ');
        if (text_is(item, entry))
            found = 0;
        else if (found == 0 && item.len)
            found = 1;
    }
    return found;
}

static struct resource_ctx ctx_of(struct custom_place *place, bool read_only)
{
    return (struct resource_ctx){.session = place->work->session,
                                 .region = place->region->name,
                                 .read_only = read_only,
                                 .arena = &place->arena};
}

static int call(struct custom_place *place, const struct aws_operation *operation, json_t *in,
                struct error *err)
{
    struct resource_ctx ctx = ctx_of(place, false);
    int result = resource_call(&ctx, operation, in, NULL, err);
    json_decref(in);
    return result;
}

/* Whose it is and what was done to it; nothing is sent when it says so already. */
static int write_tags(struct custom_place *place, struct error *err)
{
    bool marked = place->owner == CUSTOM_OURS || place->outcome.end == KMS_END_CREATED;
    if (marked && entry_at(place->requests, place->entry) == 0)
        return 0;
    const char *requests = custom_requests_add(&place->arena, place->requests, place->entry);
    json_t *tags = json_array();
    json_array_append_new(tags,
                          json_pack("{s:s, s:s}", "TagKey", requests_key, "TagValue", requests));
    if (!marked)
        json_array_append_new(tags, json_pack("{s:s, s:s}", "TagKey", place->mark.key, "TagValue",
                                              place->mark.value));
    return call(place, &operation_kms_tag_resource,
                json_pack("{s:s, s:o}", "KeyId", place->key_id, "Tags", tags), err);
}

/* It stays and is nobody's: a later stack may have it, and will not remove it. */
static int release(struct custom_place *place, struct error *err)
{
    return call(place, &operation_kms_untag_resource,
                json_pack("{s:s, s:[s,s]}", "KeyId", place->key_id, "TagKeys", place->mark.key,
                          requests_key),
                err);
}

/* --- looking ---------------------------------------------------------------------------------- */
void custom_place_say(struct custom_place *place, bool failed, const char *text)
{
    struct custom_result *result = place->work->result;
    pthread_mutex_lock(&result->mutex);
    struct custom_row *row = &result->rows[place->row];
    snprintf(row->text, sizeof row->text, "%s", text);
    row->failed = failed;
    row->done = true;
    result->failed = result->failed || failed;
    pthread_mutex_unlock(&result->mutex);
}

static bool not_enabled(const struct error *err)
{
    static const char *const codes[] = {"UnrecognizedClientException", "InvalidClientTokenId",
                                        "OptInRequired", "AuthFailure"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i], err->aws_code) == 0)
            return true;
    return false;
}

/* Was it put where it is? Whoever copies all tags of a replica copies our marks too. */
static bool of_this_place(const struct custom_place *place, const char *mark)
{
    char where[PLACE_MOST];
    const char *at = strrchr(mark, '@');
    put_place(place->region->name, place->key.id, where);
    return at && strcmp(at, where) == 0;
}

static void take_owner(struct custom_place *place)
{
    char stack[CUSTOM_MARK_SIZE];
    const char *mark = tag_value(place->key.tags, place->key.tag_count, mark_key);
    put_stack(place->work->request, stack);
    place->owner_text = mark;
    if (!mark || !of_this_place(place, mark))
        place->owner = CUSTOM_NOBODYS;
    else if (strcmp(mark, place->mark.value) == 0)
        place->owner = CUSTOM_OURS;
    else if (text_starts(mark, stack))
        place->owner = CUSTOM_OUR_STACKS;
    else
        place->owner = strcmp(place->key.state, "PendingDeletion") == 0 ? CUSTOM_ABANDONED
                                                                        : CUSTOM_ANOTHER_STACKS;
    if (place->owner == CUSTOM_NOBODYS)
        return;
    const char *requests = tag_value(place->key.tags, place->key.tag_count, requests_key);
    place->requests = requests ? requests : "";
    place->stale = entry_at(place->requests, place->entry) == 1;
}

void custom_place_look(struct custom_place *place, const char *key)
{
    struct resource_ctx ctx = ctx_of(place, true);
    char *mark = arena_alloc(&place->arena, CUSTOM_MARK_SIZE);
    custom_mark(place->work->request, place->region->name, key, mark);
    place->mark = (struct tag){mark_key, mark};
    place->requests = "";
    place->owner = CUSTOM_NOBODYS;
    if (kms_key_describe(&ctx, key, &place->key, &place->error) != 0) {
        if (place->error.code == ERR_NOT_FOUND)
            error_clear(&place->error);
        else if (not_enabled(&place->error))
            error_set(&place->error, ERR_DENIED,
                      "the Region is not enabled for this account: enable it, or take it out of "
                      "ReplicationRegions");
        else if (place->error.code == ERR_UNAVAILABLE || place->error.code == ERR_TIMEOUT)
            error_context(&place->error, "the Region does not answer, or does not exist");
        return;
    }
    place->there = true;
    place->primary = place->key.primary;
    if (!place->primary && kms_key_read(&ctx, &place->key, KMS_READ_TAGS, &place->error) == 0)
        take_owner(place);
}

/* --- having it -------------------------------------------------------------------------------- */
static void take_arn(struct custom_place *place)
{
    struct custom_result *result = place->work->result;
    pthread_mutex_lock(&result->mutex);
    snprintf(result->rows[place->row].arn, sizeof result->rows[place->row].arn, "%s",
             place->outcome.arn ? place->outcome.arn : "");
    pthread_mutex_unlock(&result->mutex);
}

/* What a person can do about it. */
static const char *failure_words(struct custom_place *place, const struct error *err)
{
    if (err->code == ERR_CANCELLED)
        return "not done in the function's time: give it a longer timeout";
    return arena_printf(&place->arena, "%s%s%s", err->aws_code, *err->aws_code ? ": " : "",
                        err->message);
}

void custom_place_ensure(struct custom_place *place)
{
    struct resource_ctx ctx = ctx_of(place, false);
    struct kms_wish wish = place->region->wish;
    const struct kms_patience patience = {.stop = place->work->stop, .deadline_ms = INT64_MAX};
    struct error err = {0};
    wish.mark = &place->mark;
    if (kms_replica_ensure(&ctx, place->source, &wish, &patience, &place->outcome, &err) != 0) {
        custom_place_say(place, true,
                         place->outcome.problem_count ? place->outcome.text
                                                      : failure_words(place, &err));
        return;
    }
    bool ours = place->outcome.end == KMS_END_CREATED || place->owner == CUSTOM_OURS ||
                place->owner == CUSTOM_OUR_STACKS;
    /* What another stack made, and let go, is brought back and is nobody's: who did not make it
     * does not remove it. */
    bool nobodys = place->owner == CUSTOM_ABANDONED;
    if (place->outcome.end != KMS_END_PRIMARY &&
        ((ours && write_tags(place, &err) != 0) || (nobodys && release(place, &err) != 0))) {
        custom_place_say(place, true, failure_words(place, &err));
        return;
    }
    take_arn(place);
    bool equal = place->outcome.end == KMS_END_EQUAL;
    custom_place_say(place, false,
                     place->outcome.end == KMS_END_PRIMARY ? "the primary is here"
                     : equal                               ? ""
                                                           : place->outcome.text);
}

/* --- removing it ------------------------------------------------------------------------------ */

/* A Create that was never answered, or failed, left this; nothing else was ever done to it. */
static bool from_failed_create(const struct custom_place *place)
{
    return !*place->requests || (*place->requests == 'c' && !strchr(place->requests, ' '));
}

static const char *reason_to_stay(const struct custom_place *place)
{
    if (!place->there)
        return "there is none";
    if (place->primary)
        return "the primary is here: never removed";
    if (place->owner == CUSTOM_OUR_STACKS)
        return "kept: another resource of the stack has it now";
    if (place->owner != CUSTOM_OURS)
        return "kept: this stack did not make it";
    if (strcmp(place->key.state, "PendingDeletion") == 0)
        return "its deletion was scheduled before";
    if (place->only_created && !from_failed_create(place))
        return "kept: it was in use before this request";
    return NULL;
}

static int schedule(struct custom_place *place, struct error *err)
{
    struct resource_ctx ctx = ctx_of(place, false);
    /* What waits for its deletion takes no tags any more. */
    if (write_tags(place, err) != 0)
        return -1;
    return kms_replica_remove(&ctx, place->key_id, place->region->window_days, &place->mark,
                              &place->outcome, err);
}

static int let_go(struct custom_place *place, struct error *err)
{
    if (place->removal == CUSTOM_DISABLE &&
        call(place, &operation_kms_disable_key, json_pack("{s:s}", "KeyId", place->key_id), err) !=
            0)
        return -1;
    return release(place, err);
}

void custom_place_remove(struct custom_place *place)
{
    const char *stays = reason_to_stay(place);
    bool delete = place->only_created || place->removal == CUSTOM_SCHEDULE;
    struct error err = {0};
    if (stays) {
        custom_place_say(place, false, stays);
        return;
    }
    if ((delete ? schedule(place, &err) : let_go(place, &err)) != 0)
        custom_place_say(place, true, failure_words(place, &err));
    else
        custom_place_say(place, false,
                         delete                             ? place->outcome.text
                         : place->removal == CUSTOM_DISABLE ? "disabled and kept"
                                                            : "kept (OnRemove: Retain)");
}
