/* Dead letters, and the tasks that move them back. */
#include "local/services/sqs_parts.h"

#include "aws/arn.h"
#include "base/random.h"
#include "local/doorbell.h"

#include <string.h>

enum { RATE_MOST = 500, LIST_MOST = 10, ALL_AT_ONCE = 1 << 30 };
/* Tasks of an account that run; how long one may (SQS Developer Guide, redrive). */
enum { RUNNING_MOST = 100, LONGEST_MS = 36 * 3600 * 1000 };

/* A message goes on in another queue: visible, behind what is there. Standard queues keep the time
 * it was sent (so that it may expire soon), FIFO queues begin it anew. */
static void move(struct local_call *call, int64_t message, const struct sqs_queue *target,
                 const char *dead_letters_of)
{
    store_run(call->store,
              "UPDATE sqs_message SET queue = $2, visible_ms = $3, receipt = NULL,"
              " sent_ms = CASE WHEN $4 = 1 THEN $3 ELSE sent_ms END, dead_letters_of = $5,"
              " sequence = $6 WHERE id = $1",
              "iiiiti", message, target->id, sqs_now_ms(call), (int64_t)target->fifo,
              dead_letters_of, sqs_next_place(call->store));
    doorbell_ring(call->local->doorbell, target->id);
}

bool sqs_bury(struct local_call *call, const struct sqs_queue *queue,
              const struct sqs_redrive *redrive, int64_t message)
{
    struct sqs_queue target;
    if (!sqs_find_arn(call->store, call->arena, redrive->target, &target))
        return false;
    move(call, message, &target, sqs_arn(call, queue));
    return true;
}

/* --- tasks ------------------------------------------------------------------------------------ */

struct task {
    int64_t id, source, rate, moved, to_move, started_ms, ended_ms;
    const char *source_arn, *destination_arn, *status, *reason;
};

#define TASK_COLUMNS                                                                               \
    "id, source, rate, moved, to_move, started_ms, ended_ms, source_arn, destination_arn, status," \
    " reason"

static const char *copy(struct arena *arena, struct text text)
{
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

static void read_task(struct arena *arena, const struct store_rows *rows, struct task *out)
{
    *out = (struct task){.id = store_int(rows, 0),
                         .source = store_int(rows, 1),
                         .rate = store_int(rows, 2),
                         .moved = store_int(rows, 3),
                         .to_move = store_int(rows, 4),
                         .started_ms = store_int(rows, 5),
                         .ended_ms = store_int(rows, 6),
                         .source_arn = copy(arena, store_text(rows, 7)),
                         .destination_arn = copy(arena, store_text(rows, 8)),
                         .status = copy(arena, store_text(rows, 9)),
                         .reason = copy(arena, store_text(rows, 10))};
}

static void end_task(struct local_call *call, struct task *task, const char *status,
                     const char *reason)
{
    task->status = status;
    task->reason = reason;
    store_run(call->store,
              "UPDATE sqs_task SET status = $2, reason = $3, ended_ms = $4 WHERE id = $1", "itti",
              task->id, status, reason, sqs_now_ms(call));
}

struct letter {
    int64_t id;
    const char *from; /* ARN of the queue whose dead letter it is; NULL: sent here */
};

static bool next_letter(struct local_call *call, const struct task *task, struct letter *out)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT id, dead_letters_of FROM sqs_message WHERE queue = $1 AND visible_ms <= $2"
                " ORDER BY sequence LIMIT 1",
                "ii", task->source, sqs_now_ms(call));
    bool found = store_next(&rows);
    if (found)
        *out = (struct letter){store_int(&rows, 0), copy(call->arena, store_text(&rows, 1))};
    store_end(&rows);
    return found;
}

/* AWS takes a message that is moved back for a new one. */
static void renew(struct local_call *call, int64_t message)
{
    char id[RANDOM_UUID_SIZE];
    random_uuid(call->local->random, id);
    store_run(call->store,
              "UPDATE sqs_message SET message_id = $2, sent_ms = $3, receives = 0, first_ms = NULL,"
              " received_ms = NULL WHERE id = $1",
              "iti", message, id, sqs_now_ms(call));
}

/* One step; false: the task has ended. */
static bool move_one(struct local_call *call, struct task *task)
{
    struct letter letter;
    struct sqs_queue target;
    if (!next_letter(call, task, &letter)) {
        end_task(call, task, "COMPLETED", NULL);
        return false;
    }
    const char *to = task->destination_arn ? task->destination_arn : letter.from;
    if (!to || !sqs_find_arn(call->store, call->arena, to, &target)) {
        end_task(call, task, "FAILED",
                 to ? "AWS.SimpleQueueService.NonExistentQueue" : "CouldNotDetermineMessageSource");
        return false;
    }
    move(call, letter.id, &target, NULL);
    renew(call, letter.id);
    task->moved++;
    return true;
}

static void go_on(struct local_call *call, struct task *task)
{
    int64_t passed_ms = sqs_now_ms(call) - task->started_ms;
    bool over = passed_ms >= LONGEST_MS;
    if (over)
        passed_ms = LONGEST_MS;
    int64_t due = task->rate ? (passed_ms < 0 ? 0 : passed_ms) * task->rate / 1000 : ALL_AT_ONCE;
    while (task->moved < due && move_one(call, task))
        ;
    if (over && strcmp(task->status, "RUNNING") == 0) /* what AWS says then is not published (K) */
        end_task(call, task, "FAILED", "The task ran for 36 hours.");
    store_run(call->store, "UPDATE sqs_task SET moved = $2 WHERE id = $1", "ii", task->id,
              task->moved);
}

void sqs_move_on(struct local_call *call)
{
    struct task tasks[LIST_MOST];
    size_t count = 0;
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT " TASK_COLUMNS " FROM sqs_task WHERE status = 'RUNNING' LIMIT $1", "i",
                (int64_t)LIST_MOST);
    while (count < LIST_MOST && store_next(&rows))
        read_task(call->arena, &rows, &tasks[count++]);
    store_end(&rows);
    for (size_t i = 0; i < count; i++)
        go_on(call, &tasks[i]);
}

bool sqs_moves(struct local_call *call)
{
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT 1 FROM sqs_task WHERE status = 'RUNNING' LIMIT 1", "");
    bool moves = store_next(&rows);
    store_end(&rows);
    return moves;
}

/* --- the operations --------------------------------------------------------------------------- */

static enum local_result no_resource(struct local_call *call, const char *member)
{
    return local_fail(call, "ResourceNotFoundException",
                      "The resource that you specified for the %s parameter doesn't exist.",
                      member);
}

static const char *task_handle(struct local_call *call, const struct task *task)
{
    return sqs_sealed(call, "sqs task", &task->id, sizeof task->id);
}

const char *const *sqs_move_resources(struct local_call *call)
{
    const char **list = arena_calloc(call->arena, 2, sizeof *list);
    if (sqs_require(call, "SourceArn") != LOCAL_OK)
        return NULL;
    list[0] = local_text(call, "SourceArn");
    return list;
}

static bool is_dead_letter_queue(struct local_call *call, const char *arn)
{
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT 1 FROM sqs_attribute WHERE dead_letters = $1 LIMIT 1",
                "t", arn);
    bool is = store_next(&rows);
    store_end(&rows);
    return is;
}

static bool has_running(struct local_call *call, int64_t source)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM sqs_task WHERE source = $1 AND status = 'RUNNING'", "i", source);
    bool has = store_next(&rows);
    store_end(&rows);
    return has;
}

static bool are_too_many(struct local_call *call, const struct sqs_queue *source)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT count(*) FROM sqs_task t JOIN sqs_queue q ON q.id = t.source"
                " WHERE t.status = 'RUNNING' AND q.account = $1",
                "t", source->account);
    bool many = store_next(&rows) && store_int(&rows, 0) >= RUNNING_MOST;
    store_end(&rows);
    return many;
}

static enum local_result find_source(struct local_call *call, struct sqs_queue *out)
{
    const char *arn = local_text(call, "SourceArn");
    struct arn parts;
    if (arn_parse(arn, strlen(arn), &parts) != 0 || !text_is(parts.service, "sqs") ||
        !text_is(parts.region, call->region))
        return local_fail(call, "InvalidParameterValueException",
                          "You must use this format to specify the SourceArn: "
                          "arn:<partition>:sqs:<region>:<account-id>:<queue-name>");
    if (!sqs_find_arn(call->store, call->arena, arn, out))
        return no_resource(call, "SourceArn");
    return LOCAL_OK;
}

static enum local_result check_start(struct local_call *call, const struct sqs_queue *source)
{
    const char *to = local_text(call, "DestinationArn");
    int64_t rate = local_int(call, "MaxNumberOfMessagesPerSecond", 1);
    struct sqs_queue target;
    if (!is_dead_letter_queue(call, local_text(call, "SourceArn")))
        return local_fail(call, "InvalidParameterValueException",
                          "Source queue must be configured as a Dead Letter Queue.");
    if (rate < 1 || rate > RATE_MOST) /* text not published (K) */
        return local_fail(call, "InvalidParameterValueException",
                          "Value %lld for parameter MaxNumberOfMessagesPerSecond is invalid. "
                          "Reason: You must enter a number between 1 and 500.",
                          (long long)rate);
    if (to && !sqs_find_arn(call->store, call->arena, to, &target))
        return no_resource(call, "DestinationArn");
    if (to && target.fifo != source->fifo) /* text not published (K) */
        return local_fail(call, "InvalidParameterValueException",
                          "The source and the destination must be queues of the same type.");
    if (has_running(call, source->id))
        return local_fail(call, "InvalidParameterValueException",
                          "There is already a task running. Only one active task is allowed for a "
                          "source queue arn at a given time.");
    if (are_too_many(call, source)) /* code and text not published (K) */
        return local_fail(call, "OverLimit", "Only %d active tasks are allowed for an account.",
                          RUNNING_MOST);
    return to ? sqs_authorize(call, "sqs:SendMessage", to) : LOCAL_OK;
}

static int64_t count_letters(struct local_call *call, const struct sqs_queue *queue)
{
    struct store_rows rows;
    store_query(call->store, &rows, "SELECT count(*) FROM sqs_message WHERE queue = $1", "i",
                queue->id);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

enum local_result sqs_start_move(struct local_call *call)
{
    struct sqs_queue source;
    if (find_source(call, &source) != LOCAL_OK || check_start(call, &source) != LOCAL_OK)
        return LOCAL_FAILED;
    sqs_expire(call->store, &source, sqs_now_ms(call));
    struct task task = {.id = sqs_next_place(call->store),
                        .source = source.id,
                        .status = "RUNNING",
                        .rate = local_int(call, "MaxNumberOfMessagesPerSecond", 0),
                        .to_move = count_letters(call, &source),
                        .started_ms = sqs_now_ms(call),
                        .source_arn = local_text(call, "SourceArn"),
                        .destination_arn = local_text(call, "DestinationArn")};
    store_run(call->store,
              "INSERT INTO sqs_task (source, rate, moved, to_move, started_ms, source_arn,"
              " destination_arn, status, id) VALUES ($1, $2, 0, $3, $4, $5, $6, 'RUNNING', $7)",
              "iiiitti", task.source, task.rate, task.to_move, task.started_ms, task.source_arn,
              task.destination_arn, task.id);
    go_on(call, &task);
    json_put_text(call->out, "TaskHandle", task_handle(call, &task));
    return LOCAL_OK;
}

static bool find_task(struct local_call *call, const char *handle, struct task *out)
{
    int64_t id;
    struct store_rows rows;
    if (!sqs_unsealed(call, "sqs task", handle, &id, sizeof id))
        return false;
    store_query(call->store, &rows, "SELECT " TASK_COLUMNS " FROM sqs_task WHERE id = $1", "i", id);
    bool found = store_next(&rows);
    if (found)
        read_task(call->arena, &rows, out);
    store_end(&rows);
    return found;
}

enum local_result sqs_cancel_move(struct local_call *call)
{
    struct task task;
    if (sqs_require(call, "TaskHandle") != LOCAL_OK)
        return LOCAL_FAILED;
    if (!find_task(call, local_text(call, "TaskHandle"), &task))
        return no_resource(call, "TaskHandle");
    if (sqs_authorize(call, "sqs:CancelMessageMoveTask", task.source_arn) != LOCAL_OK)
        return LOCAL_FAILED;
    if (strcmp(task.status, "RUNNING") == 0)
        go_on(call, &task);
    if (strcmp(task.status, "RUNNING") != 0)
        return local_fail(call, "InvalidParameterValueException",
                          "Only active tasks can be cancelled.");
    end_task(call, &task, "CANCELLED", NULL);
    json_put_int(call->out, "ApproximateNumberOfMessagesMoved", task.moved);
    return LOCAL_OK;
}

static void write_task(struct local_call *call, const struct task *task)
{
    json_open(call->out);
    if (strcmp(task->status, "RUNNING") == 0)
        json_put_text(call->out, "TaskHandle", task_handle(call, task));
    json_put_text(call->out, "Status", task->status);
    json_put_text(call->out, "SourceArn", task->source_arn);
    if (task->destination_arn)
        json_put_text(call->out, "DestinationArn", task->destination_arn);
    if (task->rate)
        json_put_int(call->out, "MaxNumberOfMessagesPerSecond", task->rate);
    json_put_int(call->out, "ApproximateNumberOfMessagesMoved", task->moved);
    json_put_int(call->out, "ApproximateNumberOfMessagesToMove", task->to_move);
    if (task->reason)
        json_put_text(call->out, "FailureReason", task->reason);
    json_put_int(call->out, "StartedTimestamp", task->started_ms);
    json_close(call->out);
}

enum local_result sqs_list_moves(struct local_call *call)
{
    struct sqs_queue source;
    struct store_rows rows;
    int64_t most = local_int(call, "MaxResults", 1);
    if (find_source(call, &source) != LOCAL_OK)
        return LOCAL_FAILED;
    if (most < 1 || most > LIST_MOST)
        return local_fail(call, "InvalidParameterValueException",
                          "Value for parameter MaxResults is invalid. Reason: MaxResults must be "
                          "an integer between 1 and 10.");
    sqs_move_on(call);
    json_key(call->out, "Results");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT " TASK_COLUMNS " FROM sqs_task WHERE source = $1 ORDER BY id DESC LIMIT $2",
                "ii", source.id, most);
    while (store_next(&rows)) {
        struct task task;
        read_task(call->arena, &rows, &task);
        write_task(call, &task);
    }
    store_end(&rows);
    json_close_list(call->out);
    return LOCAL_OK;
}
