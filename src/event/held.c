#include "event/held.h"

#include <pthread.h>
#include <stdlib.h>

/* In order of the time that each was hidden last: who is hidden anew goes to the end. */
struct held {
    struct held *prev, *next;
    int64_t hidden_ms;
    char *receipt;
};

struct held_list {
    pthread_mutex_t mutex; /* for the ring */
    struct held ring;      /* its next is the first; empty: itself */
    int64_t every_ms;
};

struct held_list *held_list_new(int64_t every_ms)
{
    struct held_list *list = memory_alloc(sizeof *list);
    pthread_mutex_init(&list->mutex, NULL);
    list->ring.prev = list->ring.next = &list->ring;
    list->every_ms = every_ms;
    return list;
}

static void take_out(struct held *held)
{
    held->prev->next = held->next;
    held->next->prev = held->prev;
}

static void put_last(struct held_list *list, struct held *held)
{
    held->prev = list->ring.prev;
    held->next = &list->ring;
    held->prev->next = list->ring.prev = held;
}

static void held_free(struct held *held)
{
    free(held->receipt);
    free(held);
}

void held_list_free(struct held_list *list)
{
    if (!list)
        return;
    for (struct held *next, *at = list->ring.next; at != &list->ring; at = next) {
        next = at->next;
        held_free(at);
    }
    pthread_mutex_destroy(&list->mutex);
    free(list);
}

struct held *held_add(struct held_list *list, const char *receipt, int64_t now_ms)
{
    struct held *held = memory_alloc(sizeof *held);
    held->receipt = memory_strdup(receipt);
    held->hidden_ms = now_ms;
    pthread_mutex_lock(&list->mutex);
    put_last(list, held);
    pthread_mutex_unlock(&list->mutex);
    return held;
}

void held_drop(struct held_list *list, struct held *held)
{
    if (!held)
        return;
    pthread_mutex_lock(&list->mutex);
    take_out(held);
    pthread_mutex_unlock(&list->mutex);
    held_free(held);
}

size_t held_due(struct held_list *list, int64_t now_ms, struct arena *arena, const char **receipts,
                size_t most)
{
    size_t count = 0;
    pthread_mutex_lock(&list->mutex);
    while (count < most && list->ring.next != &list->ring) {
        struct held *first = list->ring.next;
        if (now_ms - first->hidden_ms < list->every_ms)
            break;
        receipts[count++] = arena_strdup(arena, first->receipt);
        first->hidden_ms = now_ms;
        take_out(first);
        put_last(list, first);
    }
    pthread_mutex_unlock(&list->mutex);
    return count;
}
