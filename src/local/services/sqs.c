#include "local/services/sqs.h"

#include "local/services/sqs_parts.h"

/* What is missing, too long or out of range is told by the handlers, in SQS's own words. */
#define TEXT(member)                                                                               \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING                                                       \
    }
#define NUMBER(member)                                                                             \
    {                                                                                              \
        .name = member, .type = LOCAL_INTEGER                                                      \
    }
#define TEXTS(member)                                                                              \
    {                                                                                              \
        .name = member, .type = LOCAL_LIST, .element = &text_element                               \
    }
#define TEXT_MAP(member)                                                                           \
    {                                                                                              \
        .name = member, .type = LOCAL_MAP, .element = &text_element                                \
    }
#define QUEUE TEXT("QueueUrl")
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct local_member text_element = {.type = LOCAL_STRING};
static const struct local_member blob_element = {.type = LOCAL_BLOB};
static const struct local_member attribute_members[] = {
    {.name = "DataType", .type = LOCAL_STRING},
    {.name = "StringValue", .type = LOCAL_STRING, .flags = LOCAL_SENSITIVE},
    {.name = "BinaryValue", .type = LOCAL_BLOB, .flags = LOCAL_SENSITIVE},
    TEXTS("StringListValues"),
    {.name = "BinaryListValues", .type = LOCAL_LIST, .element = &blob_element},
    END};
static const struct local_member attribute = {.type = LOCAL_STRUCTURE,
                                              .members = attribute_members};

#define MESSAGE                                                                                    \
    {.name = "MessageBody", .type = LOCAL_STRING, .flags = LOCAL_SENSITIVE},                       \
        NUMBER("DelaySeconds"),                                                                    \
        {.name = "MessageAttributes", .type = LOCAL_MAP, .element = &attribute},                   \
        {.name = "MessageSystemAttributes", .type = LOCAL_MAP, .element = &attribute},             \
        TEXT("MessageDeduplicationId"), TEXT("MessageGroupId")

static const struct local_member send_members[] = {QUEUE, MESSAGE, END};
static const struct local_member send_entry_members[] = {TEXT("Id"), MESSAGE, END};
static const struct local_member handle_entry_members[] = {TEXT("Id"), TEXT("ReceiptHandle"),
                                                           NUMBER("VisibilityTimeout"), END};
static const struct local_member send_entry = {.type = LOCAL_STRUCTURE,
                                               .members = send_entry_members};
static const struct local_member handle_entry = {.type = LOCAL_STRUCTURE,
                                                 .members = handle_entry_members};
static const struct local_member send_batch_members[] = {
    QUEUE, {.name = "Entries", .type = LOCAL_LIST, .element = &send_entry}, END};
static const struct local_member handle_batch_members[] = {
    QUEUE, {.name = "Entries", .type = LOCAL_LIST, .element = &handle_entry}, END};
static const struct local_member receive_members[] = {QUEUE,
                                                      TEXTS("AttributeNames"),
                                                      TEXTS("MessageSystemAttributeNames"),
                                                      TEXTS("MessageAttributeNames"),
                                                      NUMBER("MaxNumberOfMessages"),
                                                      NUMBER("VisibilityTimeout"),
                                                      NUMBER("WaitTimeSeconds"),
                                                      TEXT("ReceiveRequestAttemptId"),
                                                      END};
static const struct local_member handle_members[] = {QUEUE, TEXT("ReceiptHandle"),
                                                     NUMBER("VisibilityTimeout"), END};
static const struct local_member queue_members[] = {QUEUE, END};
static const struct local_member create_members[] = {TEXT("QueueName"), TEXT_MAP("Attributes"),
                                                     TEXT_MAP("tags"), TEXT_MAP("Tags"), END};
static const struct local_member url_members[] = {TEXT("QueueName"), TEXT("QueueOwnerAWSAccountId"),
                                                  END};
static const struct local_member list_members[] = {TEXT("QueueNamePrefix"), TEXT("NextToken"),
                                                   NUMBER("MaxResults"), END};
static const struct local_member sources_members[] = {QUEUE, TEXT("NextToken"),
                                                      NUMBER("MaxResults"), END};
static const struct local_member get_members[] = {QUEUE, TEXTS("AttributeNames"), END};
static const struct local_member set_members[] = {QUEUE, TEXT_MAP("Attributes"), END};
static const struct local_member tag_members[] = {QUEUE, TEXT_MAP("Tags"), END};
static const struct local_member untag_members[] = {QUEUE, TEXTS("TagKeys"), END};
static const struct local_member add_members[] = {QUEUE, TEXT("Label"), TEXTS("AWSAccountIds"),
                                                  TEXTS("Actions"), END};
static const struct local_member remove_members[] = {QUEUE, TEXT("Label"), END};
static const struct local_member start_members[] = {TEXT("SourceArn"), TEXT("DestinationArn"),
                                                    NUMBER("MaxNumberOfMessagesPerSecond"), END};
static const struct local_member cancel_members[] = {TEXT("TaskHandle"), END};
static const struct local_member moves_members[] = {TEXT("SourceArn"), NUMBER("MaxResults"), END};

/* A batch needs the permission of what it does many of. CancelMessageMoveTask asks for its own when
 * it has found whose task it is. */
static const struct local_operation operations[] = {
    {"AddPermission", "sqs:AddPermission", LOCAL_WRITES, add_members, sqs_resources,
     sqs_add_permission},
    {"CancelMessageMoveTask", "sqs:CancelMessageMoveTask", LOCAL_WRITES | LOCAL_NO_PERMISSION,
     cancel_members, NULL, sqs_cancel_move},
    {"ChangeMessageVisibility", "sqs:ChangeMessageVisibility", LOCAL_WRITES, handle_members,
     sqs_resources, sqs_change_visibility},
    {"ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility", LOCAL_WRITES,
     handle_batch_members, sqs_resources, sqs_change_visibility_batch},
    {"CreateQueue", "sqs:CreateQueue", LOCAL_WRITES, create_members, sqs_create_resources,
     sqs_create_queue},
    {"DeleteMessage", "sqs:DeleteMessage", LOCAL_WRITES, handle_members, sqs_resources,
     sqs_delete_message},
    {"DeleteMessageBatch", "sqs:DeleteMessage", LOCAL_WRITES, handle_batch_members, sqs_resources,
     sqs_delete_batch},
    {"DeleteQueue", "sqs:DeleteQueue", LOCAL_WRITES, queue_members, sqs_resources,
     sqs_delete_queue},
    {"GetQueueAttributes", "sqs:GetQueueAttributes", LOCAL_EMPTY_RESULT, get_members, sqs_resources,
     sqs_get_attributes},
    {"GetQueueUrl", "sqs:GetQueueUrl", 0, url_members, sqs_create_resources, sqs_get_queue_url},
    {"ListDeadLetterSourceQueues", "sqs:ListDeadLetterSourceQueues", LOCAL_EMPTY_RESULT,
     sources_members, sqs_resources, sqs_list_sources},
    {"ListMessageMoveTasks", "sqs:ListMessageMoveTasks", LOCAL_WRITES, moves_members,
     sqs_move_resources, sqs_list_moves},
    {"ListQueueTags", "sqs:ListQueueTags", LOCAL_EMPTY_RESULT, queue_members, sqs_resources,
     sqs_list_queue_tags},
    {"ListQueues", "sqs:ListQueues", LOCAL_EMPTY_RESULT, list_members, NULL, sqs_list_queues},
    {"PurgeQueue", "sqs:PurgeQueue", LOCAL_WRITES, queue_members, sqs_resources, sqs_purge_queue},
    {"ReceiveMessage", "sqs:ReceiveMessage", LOCAL_EMPTY_RESULT, receive_members, sqs_resources,
     sqs_receive_message},
    {"RemovePermission", "sqs:RemovePermission", LOCAL_WRITES, remove_members, sqs_resources,
     sqs_remove_permission},
    {"SendMessage", "sqs:SendMessage", LOCAL_WRITES, send_members, sqs_resources, sqs_send_message},
    {"SendMessageBatch", "sqs:SendMessage", LOCAL_WRITES, send_batch_members, sqs_resources,
     sqs_send_batch},
    {"SetQueueAttributes", "sqs:SetQueueAttributes", LOCAL_WRITES, set_members, sqs_resources,
     sqs_set_attributes},
    {"StartMessageMoveTask", "sqs:StartMessageMoveTask", LOCAL_WRITES, start_members,
     sqs_move_resources, sqs_start_move},
    {"TagQueue", "sqs:TagQueue", LOCAL_WRITES, tag_members, sqs_resources, sqs_tag_queue},
    {"UntagQueue", "sqs:UntagQueue", LOCAL_WRITES, untag_members, sqs_resources, sqs_untag_queue},
    {0}};

static const struct local_trail trail[] = {{.operation = "ChangeMessageVisibility", TRAIL_DATA},
                                           {.operation = "ChangeMessageVisibilityBatch",
                                            TRAIL_DATA},
                                           {.operation = "DeleteMessage", TRAIL_DATA},
                                           {.operation = "DeleteMessageBatch", TRAIL_DATA},
                                           {.operation = "ReceiveMessage", TRAIL_DATA},
                                           {.operation = "SendMessage", TRAIL_DATA},
                                           {.operation = "SendMessageBatch", TRAIL_DATA},
                                           {.operation = "ListMessageMoveTasks", TRAIL_READ},
                                           {0}};

/* sequence is the order of all messages; a message that moves to another queue gets a new one.
 * receipt: how many times it had been received when the valid handle was made; NULL: not received
 * in this queue. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS sqs_queue ("
    " id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL,"
    " name TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,"
    " purged_ms INTEGER, UNIQUE (account, region, name));"
    "CREATE TABLE IF NOT EXISTS sqs_deleted ("
    " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, deleted_ms INTEGER NOT NULL,"
    " PRIMARY KEY (account, region, name));"
    "CREATE TABLE IF NOT EXISTS sqs_attribute ("
    " queue INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, dead_letters TEXT,"
    " PRIMARY KEY (queue, name));"
    "CREATE INDEX IF NOT EXISTS sqs_attribute_dead_letters ON sqs_attribute (dead_letters);"
    "CREATE TABLE IF NOT EXISTS sqs_tag ("
    " queue INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (queue, key));"
    "CREATE TABLE IF NOT EXISTS sqs_place (id INTEGER PRIMARY KEY, place INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sqs_message ("
    " id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    " message_id TEXT NOT NULL, content BLOB NOT NULL, data_key BLOB, sender TEXT,"
    " sent_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL, receives INTEGER NOT NULL,"
    " receipt INTEGER, first_ms INTEGER, received_ms INTEGER, group_id TEXT, deduplication TEXT,"
    " dead_letters_of TEXT);"
    "CREATE INDEX IF NOT EXISTS sqs_message_order ON sqs_message (queue, sequence);"
    "CREATE INDEX IF NOT EXISTS sqs_message_visible ON sqs_message (queue, visible_ms);"
    "CREATE INDEX IF NOT EXISTS sqs_message_group ON sqs_message (queue, group_id, sequence);"
    "CREATE INDEX IF NOT EXISTS sqs_message_sent ON sqs_message (queue, sent_ms);"
    "CREATE TABLE IF NOT EXISTS sqs_sent ("
    " queue INTEGER NOT NULL, scope TEXT NOT NULL, deduplication TEXT NOT NULL,"
    " message_id TEXT NOT NULL, place INTEGER NOT NULL, sent_ms INTEGER NOT NULL,"
    " PRIMARY KEY (queue, scope, deduplication));"
    "CREATE TABLE IF NOT EXISTS sqs_attempt ("
    " queue INTEGER NOT NULL, attempt TEXT NOT NULL, message INTEGER NOT NULL,"
    " receipt INTEGER NOT NULL, made_ms INTEGER NOT NULL, PRIMARY KEY (queue, attempt, message));"
    "CREATE TABLE IF NOT EXISTS sqs_task ("
    " id INTEGER PRIMARY KEY, source INTEGER NOT NULL, rate INTEGER NOT NULL,"
    " moved INTEGER NOT NULL, to_move INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER, source_arn TEXT NOT NULL, destination_arn TEXT, status TEXT NOT NULL,"
    " reason TEXT);"
    "CREATE INDEX IF NOT EXISTS sqs_task_status ON sqs_task (status);";

const struct local_service sqs_service = {
    .name = "sqs",
    .target_prefix = "AmazonSQS",
    .api_version = "2012-11-05",
    .xml_namespace = "http://queue.amazonaws.com/doc/2012-11-05/",
    .protocol = AWS_JSON_1_0,
    .twin = &sqs_twin,
    .clock_skew_ms = 15 * 60 * 1000,
    /* A message of 1 MiB, as JSON or a form may have to write it. */
    .largest_body_bytes = (size_t)4 * 1024 * 1024,
    .internal_error = "InternalFailure",
    .throttled = {400, "RequestThrottled", "Rate exceeded", NULL},
    .schema = schema,
    .authorize = sqs_authorize,
    .trail = trail,
    .operations = operations};
