/*
 * sqs_parts: what the files of SQS share; private to services/sqs*.c.
 *
 * A queue's attributes are kept as AWS shows them, as text, one row each; those that nobody set
 * have the table's default. Messages are sealed under the server's master key (SSE-SQS), bodies and
 * attributes; with a KMS key, a data key of it is asked for at each send and decrypted at each
 * receive, so that the key's policy and state decide as they do on AWS. Times are the server's
 * clock's. A message is invisible until visible_ms: delayed, or in flight when it has a receipt.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SQS_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_SQS_PARTS_H

#include "local/service.h"

enum sqs_key {
    SQS_POLICY,
    SQS_VISIBILITY_TIMEOUT,
    SQS_MAXIMUM_SIZE,
    SQS_RETENTION,
    SQS_DELAY,
    SQS_WAIT,
    SQS_REDRIVE_POLICY,
    SQS_REDRIVE_ALLOW_POLICY,
    SQS_FIFO,
    SQS_CONTENT_DEDUPLICATION,
    SQS_DEDUPLICATION_SCOPE,
    SQS_THROUGHPUT_LIMIT,
    SQS_KMS_KEY,
    SQS_KMS_REUSE,
    SQS_MANAGED_SSE,
    SQS_KEYS,
};

struct sqs_queue {
    int64_t id;
    const char *account, *region, *name;
    bool fifo;
    int64_t created_ms, modified_ms;
    const char *values[SQS_KEYS]; /* NULL: not set, and without a default */
};

enum { SQS_BATCH_MOST = 10, SQS_LARGEST_MESSAGE = 1024 * 1024 };

int64_t sqs_now_ms(struct local_call *call);

/* --- queues: sqs_queue.c ---------------------------------------------------------------------- */

/* False: there is none. */
bool sqs_find(struct store_session *store, struct arena *arena, const char *account,
              const char *region, const char *name, struct sqs_queue *out);
bool sqs_find_arn(struct store_session *store, struct arena *arena, const char *arn,
                  struct sqs_queue *out);
char *sqs_arn(struct local_call *call, const struct sqs_queue *queue);
char *sqs_url(struct local_call *call, const struct sqs_queue *queue);
int64_t sqs_number(const struct sqs_queue *queue, enum sqs_key key);
bool sqs_flag(const struct sqs_queue *queue, enum sqs_key key);
/* The queue that QueueUrl names; LOCAL_FAILED: there is none, or the URL is no good. */
enum local_result sqs_named(struct local_call *call, struct sqs_queue *out);
/* Fails with MissingParameter unless the input has the member. */
enum local_result sqs_require(struct local_call *call, const char *member);
const char *const *sqs_resources(struct local_call *call);        /* of QueueUrl */
const char *const *sqs_create_resources(struct local_call *call); /* of QueueName */
enum local_result sqs_create_queue(struct local_call *call);
enum local_result sqs_delete_queue(struct local_call *call);
enum local_result sqs_get_queue_url(struct local_call *call);
enum local_result sqs_list_queues(struct local_call *call);
enum local_result sqs_list_sources(struct local_call *call);
enum local_result sqs_purge_queue(struct local_call *call);

/* --- attributes: sqs_attributes.c ------------------------------------------------------------- */

const char *sqs_key_name(enum sqs_key key);
const char *sqs_key_default(enum sqs_key key);
int sqs_key_index(const char *name); /* -1: none of that name can be set */
/* Checks what the input's Attributes say for a queue of that type, which may be new. */
enum local_result sqs_check_attributes(struct local_call *call, const struct sqs_queue *queue,
                                       const json_t *attributes);
void sqs_store_attributes(struct local_call *call, int64_t queue, const json_t *attributes);
enum local_result sqs_get_attributes(struct local_call *call);
enum local_result sqs_set_attributes(struct local_call *call);
struct sqs_redrive {
    const char *target; /* ARN; NULL: no redrive policy */
    int64_t most;       /* receives */
};
struct sqs_redrive sqs_redrive(struct arena *arena, const char *policy);

/* --- tags and permissions: sqs_policy.c ------------------------------------------------------- */

enum local_result sqs_authorize(struct local_call *call, const char *action, const char *resource);
/* A queue's policy, of any form, is not larger than AWS lets it be, or OverLimit. */
enum local_result sqs_check_policy_size(struct local_call *call, const char *text);
/* What the queue's policy says to a service that asks on behalf of `source_arn`. */
enum policy_answer sqs_ask_policy_for_service(struct arena *arena, const struct sqs_queue *queue,
                                              const char *queue_arn, const char *service,
                                              const char *source_arn);
enum local_result sqs_add_permission(struct local_call *call);
enum local_result sqs_remove_permission(struct local_call *call);
enum local_result sqs_tag_queue(struct local_call *call);
enum local_result sqs_untag_queue(struct local_call *call);
enum local_result sqs_list_queue_tags(struct local_call *call);
enum local_result sqs_store_tags(struct local_call *call, int64_t queue, const json_t *tags);

/* --- messages: sqs_send.c, sqs_message.c ------------------------------------------------------ */

/* What is wrong with a message: the failure's code and text; code NULL: nothing. */
struct sqs_problem {
    const char *code, *message;
};

struct sqs_message {
    struct text body;
    const json_t *attributes, *system_attributes; /* NULL: none */
    const char *group_id, *deduplication_id;
    int64_t delay_s; /* -1: the queue's */
};
struct sqs_sent {
    const char *id, *body_md5, *attributes_md5, *system_md5, *sequence; /* NULL: none */
};

/* MD5s of a body and of attributes, in hex; NULL for no attributes. */
const char *sqs_body_md5(struct arena *arena, struct text body);
const char *sqs_attributes_md5(struct arena *arena, const json_t *attributes);
/* Checks the content; the size that counts against limits is added to *size. */
struct sqs_problem sqs_check_message(struct arena *arena, const struct sqs_queue *queue,
                                     const struct sqs_message *message, size_t *size);

struct sqs_sender {
    struct local *local;
    struct store_session *store;
    struct arena *arena;
    const char *sender_id;
    int64_t now_ms;
    struct text data_key; /* of the queue's KMS key, encrypted; data NULL: none */
};
void sqs_store_message(const struct sqs_sender *sender, const struct sqs_queue *queue,
                       const struct sqs_message *message, struct sqs_sent *sent);
/* The next place of all queues' messages: their order, and a message's number. */
int64_t sqs_next_place(struct store_session *store);
const char *sqs_sequence(struct arena *arena, int64_t place); /* SequenceNumber */
/* KMS's refusal, in call->failure, in SQS's words. */
enum local_result sqs_key_failed(struct local_call *call);
enum local_result sqs_send_message(struct local_call *call);
enum local_result sqs_send_batch(struct local_call *call);

/* --- receiving: sqs_receive.c, sqs_handle.c --------------------------------------------------- */

enum local_result sqs_receive_message(struct local_call *call);
/* Messages past their retention are gone. On the writer. */
void sqs_expire(struct store_session *store, const struct sqs_queue *queue, int64_t now_ms);
int64_t sqs_oldest_ms(const struct sqs_queue *queue, int64_t now_ms);

/* Handles are opaque and sealed: what callers make up is none. */
char *sqs_sealed(struct local_call *call, const char *purpose, const void *data, size_t len);
bool sqs_unsealed(struct local_call *call, const char *purpose, const char *text, void *out,
                  size_t len);
char *sqs_handle_encode(struct local_call *call, const struct sqs_queue *queue, int64_t message,
                        int64_t receipt);
enum local_result sqs_delete_message(struct local_call *call);
enum local_result sqs_delete_batch(struct local_call *call);
enum local_result sqs_change_visibility(struct local_call *call);
enum local_result sqs_change_visibility_batch(struct local_call *call);

/* --- batches: sqs_batch.c --------------------------------------------------------------------- */

/* Runs `one` for each of Entries and answers Successful and Failed. `one` writes the members of its
 * entry's success behind Id, or says what is wrong. */
enum local_result
sqs_batch(struct local_call *call, const struct sqs_queue *queue, const char *entry_kind,
          struct sqs_problem (*one)(struct local_call *call, const struct sqs_queue *queue,
                                    const json_t *entry));

/* --- dead letters: sqs_redrive.c -------------------------------------------------------------- */

/* Moves a message to the queue's dead-letter queue; false: there is none (any more). */
bool sqs_bury(struct local_call *call, const struct sqs_queue *queue,
              const struct sqs_redrive *redrive, int64_t message);
/* Lets the tasks that move messages go on, as far as their rate has let them by now: few run at a
 * time, so all of them. On the writer. */
void sqs_move_on(struct local_call *call);
bool sqs_moves(struct local_call *call); /* a task runs */
const char *const *sqs_move_resources(struct local_call *call);
enum local_result sqs_start_move(struct local_call *call);
enum local_result sqs_cancel_move(struct local_call *call);
enum local_result sqs_list_moves(struct local_call *call);

/* --- the query protocol: sqs_query.c ---------------------------------------------------------- */

extern const struct local_twin sqs_twin;

#endif
