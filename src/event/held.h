/*
 * held: messages of a queue that were received and are not settled yet.
 *
 * A message that was received is hidden from others for a short time only, so that what a process
 * that is killed had in hand is soon seen by another; as long as it is in hand it is hidden again,
 * a while before that time ends. This keeps the books of one queue: who is to be hidden again now.
 * What is done with a message (deleted, given back) comes behind held_drop: no renewal is begun
 * after it.
 *
 * Any thread. Memory: its own. Times are milliseconds of one monotonic clock, given by the caller.
 * Source: SQS developer guide, "visibility timeout": ChangeMessageVisibility counts anew from the
 * call, up to 12 hours after the message was received; beyond that the call fails and the message
 * is seen again.
 */
#ifndef UNDERSTUDY_EVENT_HELD_H
#define UNDERSTUDY_EVENT_HELD_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

struct held; /* a message */
struct held_list;

/* Each is hidden again when `every_ms` have passed since it was last. */
struct held_list *held_list_new(int64_t every_ms);
void held_list_free(struct held_list *list); /* drops all; NULL is fine */

struct held *held_add(struct held_list *list, const char *receipt, int64_t now_ms);
void held_drop(struct held_list *list, struct held *held); /* NULL is fine */
/* Up to `most` receipts, those first that wait longest, which count as hidden anew from now on. In
 * `arena`. */
size_t held_due(struct held_list *list, int64_t now_ms, struct arena *arena, const char **receipts,
                size_t most);

#endif
