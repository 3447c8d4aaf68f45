/*
 * lambda_batch: messages of a queue as a function gets them, and what its answer says of them.
 * Pure; any thread. Sources: Lambda Developer Guide, "Using Lambda with Amazon SQS" (event, filter,
 * partial batch responses); shared facts, lambda-and-cloudformation.md A5.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_BATCH_H
#define UNDERSTUDY_LOCAL_LAMBDA_BATCH_H

#include "aws/event_pattern.h"
#include "base/arena.h"
#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>

/* A message, as ReceiveMessage answers it, as a record of the event; a new reference. */
json_t *lambda_batch_record(const json_t *message, const char *queue_arn, const char *region);

/* Does one of the filters want the record? Its body is looked into when it is JSON. */
bool lambda_batch_wants(struct arena *arena, const struct event_pattern *const *filters,
                        size_t count, const json_t *record);

/* Reads the function's answer to a batch of messages with these `ids` (a list of texts) as a
 * partial batch response. failed[i] is set for each message that is to come again. False: the
 * answer is no such response, so the whole batch has failed. */
bool lambda_batch_judge(struct text answer, const json_t *ids, bool *failed);

#endif
