#include "local/services/sqs_parts.h"

#include "aws/arn.h"
#include "base/random.h"

#include <string.h>

enum { NAME_MOST = 80, RECREATE_MS = 60 * 1000, PURGE_MS = 60 * 1000, LIST_MOST = 1000 };

int64_t sqs_now_ms(struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

/* --- finding ---------------------------------------------------------------------------------- */

static void load_values(struct store_session *store, struct arena *arena, struct sqs_queue *queue)
{
    struct store_rows rows;
    for (int key = 0; key < SQS_KEYS; key++)
        queue->values[key] = sqs_key_default((enum sqs_key)key);
    store_query(store, &rows, "SELECT name, value FROM sqs_attribute WHERE queue = $1", "i",
                queue->id);
    while (store_next(&rows)) {
        struct text name = store_text(&rows, 0), value = store_text(&rows, 1);
        int key = sqs_key_index(arena_strndup(arena, name.data, name.len));
        if (key >= 0)
            queue->values[key] = arena_strndup(arena, value.data, value.len);
    }
    store_end(&rows);
    queue->fifo = queue->values[SQS_FIFO] != NULL;
}

bool sqs_find(struct store_session *store, struct arena *arena, const char *account,
              const char *region, const char *name, struct sqs_queue *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT id, created_ms, modified_ms FROM sqs_queue"
                " WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", account, region, name);
    bool found = store_next(&rows);
    if (found)
        *out = (struct sqs_queue){.id = store_int(&rows, 0),
                                  .account = arena_strdup(arena, account),
                                  .region = arena_strdup(arena, region),
                                  .name = arena_strdup(arena, name),
                                  .created_ms = store_int(&rows, 1),
                                  .modified_ms = store_int(&rows, 2)};
    store_end(&rows);
    if (found)
        load_values(store, arena, out);
    return found;
}

bool sqs_find_arn(struct store_session *store, struct arena *arena, const char *arn,
                  struct sqs_queue *out)
{
    struct arn parts;
    if (arn_parse(arn, strlen(arn), &parts) != 0 || !text_is(parts.service, "sqs"))
        return false;
    return sqs_find(store, arena, arena_strndup(arena, parts.account.data, parts.account.len),
                    arena_strndup(arena, parts.region.data, parts.region.len),
                    arena_strndup(arena, parts.resource.data, parts.resource.len), out);
}

char *sqs_arn(struct local_call *call, const struct sqs_queue *queue)
{
    return arn_format(call->arena, call->partition, "sqs", queue->region, queue->account,
                      queue->name);
}

char *sqs_url(struct local_call *call, const struct sqs_queue *queue)
{
    return arena_printf(call->arena, "http://%.*s/%s/%s", (int)call->host.len, call->host.data,
                        queue->account, queue->name);
}

int64_t sqs_number(const struct sqs_queue *queue, enum sqs_key key)
{
    int64_t number = 0;
    const char *text = queue->values[key];
    if (text)
        text_to_int64(text, strlen(text), &number);
    return number;
}

bool sqs_flag(const struct sqs_queue *queue, enum sqs_key key)
{
    return queue->values[key] && strcmp(queue->values[key], "true") == 0;
}

/* The last two steps of a URL (or a path): an account and a name. The host is not looked at: this
 * machine has several names, and the Region stands in the signature. */
static bool split_url(struct arena *arena, const char *url, const char **account, const char **name)
{
    const char *last = strrchr(url, '/');
    if (!last || last - url < 12)
        return false;
    *account = arena_strndup(arena, last - 12, 12);
    *name = last + 1;
    return account_valid(*account) && (last - 12 == url || last[-13] == '/');
}

enum local_result sqs_require(struct local_call *call, const char *member)
{
    if (local_value(call, member))
        return LOCAL_OK;
    return local_fail(call, "MissingRequiredParameterException",
                      "The request must contain the parameter %s.", member);
}

static enum local_result read_url(struct local_call *call, const char **account, const char **name)
{
    if (sqs_require(call, "QueueUrl") != LOCAL_OK)
        return LOCAL_FAILED;
    const char *url = local_text(call, "QueueUrl");
    if (split_url(call->arena, url, account, name))
        return LOCAL_OK;
    return local_fail(call, "InvalidAddress", "The address %s is not valid for this endpoint.",
                      url);
}

static enum local_result no_queue(struct local_call *call)
{
    return local_fail(call, "QueueDoesNotExist", "The specified queue does not exist.");
}

enum local_result sqs_named(struct local_call *call, struct sqs_queue *out)
{
    const char *account, *name;
    if (read_url(call, &account, &name) != LOCAL_OK)
        return LOCAL_FAILED;
    return sqs_find(call->store, call->arena, account, call->region, name, out) ? LOCAL_OK
                                                                                : no_queue(call);
}

static const char *const *one_resource(struct local_call *call, const char *account,
                                       const char *name)
{
    const char **list = arena_calloc(call->arena, 2, sizeof *list);
    list[0] = arn_format(call->arena, call->partition, "sqs", call->region, account, name);
    return list;
}

const char *const *sqs_resources(struct local_call *call)
{
    const char *account, *name;
    return read_url(call, &account, &name) == LOCAL_OK ? one_resource(call, account, name) : NULL;
}

const char *const *sqs_create_resources(struct local_call *call)
{
    if (sqs_require(call, "QueueName") != LOCAL_OK)
        return NULL;
    const char *account = local_text(call, "QueueOwnerAWSAccountId");
    return one_resource(call, account ? account : call->account, local_text(call, "QueueName"));
}

/* --- making and ending ------------------------------------------------------------------------ */

static enum local_result check_name(struct local_call *call, const char *name, bool fifo)
{
    size_t len = strlen(name), stem = fifo && text_ends(name, ".fifo") ? len - 5 : len;
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    if (fifo && (stem == len || stem == 0 || len > NAME_MOST || good < stem))
        return local_fail(call, "InvalidParameterValueException",
                          "The name of a FIFO queue can only include alphanumeric characters, "
                          "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in "
                          "length.");
    if (!fifo && (len == 0 || len > NAME_MOST || good < len))
        return local_fail(call, "InvalidParameterValueException",
                          "Can only include alphanumeric characters, hyphens, or underscores. 1 to "
                          "80 in length");
    return LOCAL_OK;
}

/* Made again with the same attributes: the same queue. Attributes that are not named do not count;
 * tags do not either. */
static enum local_result compare(struct local_call *call, const struct sqs_queue *queue,
                                 const json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)attributes, name, value)
    {
        int key = sqs_key_index(name);
        const char *has = key < 0 ? NULL : queue->values[key];
        if (strcmp(has ? has : "", json_string_value(value)) != 0)
            return local_fail(call, "QueueNameExists",
                              "A queue already exists with the same name and a different value for "
                              "attribute %s",
                              name);
    }
    return LOCAL_OK;
}

static enum local_result check_recreated(struct local_call *call, const char *name)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT deleted_ms FROM sqs_deleted"
                " WHERE account = $1 AND region = $2 AND name = $3",
                "ttt", call->account, call->region, name);
    bool recent = store_next(&rows) && sqs_now_ms(call) - store_int(&rows, 0) < RECREATE_MS;
    store_end(&rows);
    if (!recent)
        return LOCAL_OK;
    return local_fail(call, "QueueDeletedRecently",
                      "You must wait 60 seconds after deleting a queue before you can create "
                      "another with the same name.");
}

static enum local_result answer_url(struct local_call *call, const struct sqs_queue *queue)
{
    json_put_text(call->out, "QueueUrl", sqs_url(call, queue));
    return LOCAL_OK;
}

static enum local_result insert(struct local_call *call, struct sqs_queue *queue,
                                const json_t *attributes, const json_t *tags)
{
    int64_t now_ms = sqs_now_ms(call);
    queue->id = sqs_next_place(call->store); /* never used again, also when the queue is gone */
    store_run(call->store,
              "INSERT INTO sqs_queue (account, region, name, created_ms, modified_ms, id)"
              " VALUES ($1, $2, $3, $4, $4, $5)",
              "tttii", queue->account, queue->region, queue->name, now_ms, queue->id);
    sqs_store_attributes(call, queue->id, attributes);
    if (tags && sqs_store_tags(call, queue->id, tags) != LOCAL_OK)
        return LOCAL_FAILED;
    return answer_url(call, queue);
}

enum local_result sqs_create_queue(struct local_call *call)
{
    const json_t *attributes = local_value(call, "Attributes");
    const json_t *tags = local_value(call, "tags");
    const char *name = local_text(call, "QueueName");
    struct sqs_queue queue = {.account = call->account, .region = call->region, .name = name};
    queue.fifo = strcmp(json_text_or(attributes, "FifoQueue", ""), "true") == 0;
    struct sqs_queue old;
    if (check_name(call, name, queue.fifo) != LOCAL_OK ||
        sqs_check_attributes(call, &queue, attributes) != LOCAL_OK)
        return LOCAL_FAILED;
    if (sqs_find(call->store, call->arena, call->account, call->region, name, &old))
        return compare(call, &old, attributes) == LOCAL_OK ? answer_url(call, &old) : LOCAL_FAILED;
    if (check_recreated(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    return insert(call, &queue, attributes, tags ? tags : local_value(call, "Tags"));
}

static void delete_messages(struct store_session *store, int64_t queue)
{
    store_run(store, "DELETE FROM sqs_message WHERE queue = $1", "i", queue);
    store_run(store, "DELETE FROM sqs_attempt WHERE queue = $1", "i", queue);
}

enum local_result sqs_delete_queue(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK)
        return LOCAL_FAILED;
    delete_messages(call->store, queue.id);
    store_run(call->store, "DELETE FROM sqs_sent WHERE queue = $1", "i", queue.id);
    store_run(call->store, "DELETE FROM sqs_attribute WHERE queue = $1", "i", queue.id);
    store_run(call->store, "DELETE FROM sqs_tag WHERE queue = $1", "i", queue.id);
    store_run(call->store, "DELETE FROM sqs_queue WHERE id = $1", "i", queue.id);
    store_run(call->store,
              "INSERT INTO sqs_deleted (account, region, name, deleted_ms) VALUES ($1, $2, $3, $4)"
              " ON CONFLICT (account, region, name) DO UPDATE SET deleted_ms = excluded.deleted_ms",
              "ttti", queue.account, queue.region, queue.name, sqs_now_ms(call));
    return LOCAL_OK;
}

/* A queue that is being purged takes messages; those sent before are gone. AWS needs up to 60
 * seconds for it, here it is done with the answer. */
enum local_result sqs_purge_queue(struct local_call *call)
{
    struct sqs_queue queue;
    if (sqs_named(call, &queue) != LOCAL_OK)
        return LOCAL_FAILED;
    int64_t now_ms = sqs_now_ms(call);
    if (store_run(call->store,
                  "UPDATE sqs_queue SET purged_ms = $2 WHERE id = $1"
                  " AND (purged_ms IS NULL OR purged_ms <= $3 OR purged_ms > $2)",
                  "iii", queue.id, now_ms, now_ms - PURGE_MS) == 0)
        return local_fail(call, "PurgeQueueInProgress",
                          "Only one PurgeQueue operation on %s is allowed every 60 seconds.",
                          queue.name);
    delete_messages(call->store, queue.id);
    return LOCAL_OK;
}

/* --- looking ---------------------------------------------------------------------------------- */

enum local_result sqs_get_queue_url(struct local_call *call)
{
    const char *owner = local_text(call, "QueueOwnerAWSAccountId");
    struct sqs_queue queue;
    if (!sqs_find(call->store, call->arena, owner ? owner : call->account, call->region,
                  local_text(call, "QueueName"), &queue))
        return no_queue(call);
    return answer_url(call, &queue);
}

/* MaxResults and NextToken: a page is asked for by either. */
static enum local_result read_page(struct local_call *call, int64_t *most, char **after)
{
    const char *token = local_text(call, "NextToken");
    *most = local_int(call, "MaxResults", LIST_MOST);
    *after = arena_strdup(call->arena, "");
    if (*most < 1 || *most > LIST_MOST)
        return local_fail(
            call, "InvalidParameterValueException",
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an "
            "integer between 1 and 1000.");
    if (token && !local_value(call, "MaxResults"))
        return local_fail(call, "InvalidParameterValueException",
                          "MaxResults is a mandatory parameter when you provide a value for "
                          "NextToken.");
    if (token && local_token_decode(call, token, after) != 0)
        return local_fail(call, "InvalidParameterValueException", "Invalid or expired next token.");
    return LOCAL_OK;
}

/* A page of names from a query that gives them in order, one more than `most` where there is. */
static void write_page(struct local_call *call, const char *key, bool required,
                       struct store_rows *rows, int64_t most)
{
    int64_t count = 0;
    char *last = NULL;
    bool more = false;
    while (store_next(rows)) {
        struct text name = store_text(rows, 0);
        more = count == most;
        if (more)
            break;
        if (count++ == 0) {
            json_key(call->out, key);
            json_open_list(call->out);
        }
        last = arena_strndup(call->arena, name.data, name.len);
        const struct sqs_queue queue = {.account = call->account, .name = last};
        json_write_text(call->out, sqs_url(call, &queue));
    }
    store_end(rows);
    if (count == 0 && required) {
        json_key(call->out, key);
        json_open_list(call->out);
    }
    if (count || required)
        json_close_list(call->out);
    if (more && local_value(call, "MaxResults"))
        json_put_text(call->out, "NextToken", local_token_encode(call, last));
}

enum local_result sqs_list_queues(struct local_call *call)
{
    const char *prefix = local_text(call, "QueueNamePrefix");
    int64_t most;
    char *after;
    struct store_rows rows;
    if (read_page(call, &most, &after) != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT name FROM sqs_queue WHERE account = $1 AND region = $2 AND name > $3"
                " AND substr(name, 1, length($4)) = $4 ORDER BY name LIMIT $5",
                "tttti", call->account, call->region, after, prefix ? prefix : "", most + 1);
    write_page(call, "QueueUrls", false, &rows, most);
    return LOCAL_OK;
}

enum local_result sqs_list_sources(struct local_call *call)
{
    struct sqs_queue queue;
    int64_t most;
    char *after;
    struct store_rows rows;
    if (sqs_named(call, &queue) != LOCAL_OK || read_page(call, &most, &after) != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT q.name FROM sqs_attribute a JOIN sqs_queue q ON q.id = a.queue"
                " WHERE a.dead_letters = $1 AND q.name > $2 ORDER BY q.name LIMIT $3",
                "tti", sqs_arn(call, &queue), after, most + 1);
    struct local_call listing = *call;
    listing.account = queue.account; /* sources are in the queue's account */
    write_page(&listing, "queueUrls", true, &rows, most);
    return LOCAL_OK;
}
