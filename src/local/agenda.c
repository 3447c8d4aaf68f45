#include "local/agenda.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long it sleeps at least and at most: the clock may be stopped, or a commit may fail. */
enum { SHORTEST_SLEEP_MS = 20, LONGEST_SLEEP_MS = 60 * 1000, PAUSE_MS = 1000 };

struct agenda {
    struct local *local;
    struct writer *writer;
    const struct local_service *const *services;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    int64_t next_ms; /* by the server's clock */
    bool ending;
};

struct agenda *agenda_new(struct local *local, struct writer *writer,
                          const struct local_service *const *services)
{
    struct agenda *agenda = memory_alloc(sizeof *agenda);
    agenda->local = local;
    agenda->writer = writer;
    agenda->services = services;
    pthread_mutex_init(&agenda->mutex, NULL);
    thread_condition_init(&agenda->changed);
    return agenda;
}

struct turn {
    struct agenda *agenda;
    int64_t next_ms;
};

/* On the writer's thread. */
static bool act(void *arg, struct store_session *store)
{
    struct turn *turn = arg;
    struct local *local = turn->agenda->local;
    int64_t now_ms = local->clock->now_ms(local->clock);
    turn->next_ms = AGENDA_NEVER;
    for (const struct local_service *const *service = turn->agenda->services; *service; service++) {
        int64_t next_ms = (*service)->act ? (*service)->act(local, store, now_ms) : AGENDA_NEVER;
        if (next_ms < turn->next_ms)
            turn->next_ms = next_ms;
    }
    return !store_failed(store);
}

/* With the mutex held, as it is again behind it: until `ms` are over or somebody calls. */
static void sleep_for(struct agenda *agenda, int64_t ms)
{
    struct timespec until = thread_deadline(ms);
    pthread_cond_timedwait(&agenda->changed, &agenda->mutex, &until);
}

static int64_t sleep_ms(int64_t left_ms)
{
    if (left_ms > LONGEST_SLEEP_MS)
        return LONGEST_SLEEP_MS;
    return left_ms > SHORTEST_SLEEP_MS ? left_ms : SHORTEST_SLEEP_MS;
}

static void take_turn(struct agenda *agenda)
{
    struct turn turn = {.agenda = agenda};
    agenda->next_ms = AGENDA_NEVER; /* what is expected from here on is heard */
    pthread_mutex_unlock(&agenda->mutex);
    bool done = writer_call(agenda->writer, act, &turn) == 0;
    pthread_mutex_lock(&agenda->mutex);
    if (!done) { /* the writer has logged why; the disk may have room again soon */
        agenda->next_ms = 0;
        sleep_for(agenda, PAUSE_MS);
    } else if (turn.next_ms < agenda->next_ms) {
        agenda->next_ms = turn.next_ms;
    }
}

static void *run(void *arg)
{
    struct agenda *agenda = arg;
    struct clock *clock = agenda->local->clock;
    pthread_mutex_lock(&agenda->mutex);
    while (!agenda->ending) {
        int64_t now_ms = clock->now_ms(clock);
        if (agenda->next_ms <= now_ms)
            take_turn(agenda);
        else
            sleep_for(agenda, sleep_ms(agenda->next_ms - now_ms));
    }
    pthread_mutex_unlock(&agenda->mutex);
    return NULL;
}

int agenda_start(struct agenda *agenda, struct error *err)
{
    agenda->started = thread_start(&agenda->thread, "agenda", run, agenda, err) == 0;
    return agenda->started ? 0 : -1;
}

void agenda_stop(struct agenda *agenda)
{
    if (!agenda || !agenda->started)
        return;
    pthread_mutex_lock(&agenda->mutex);
    agenda->ending = true;
    pthread_cond_signal(&agenda->changed);
    pthread_mutex_unlock(&agenda->mutex);
    pthread_join(agenda->thread, NULL);
    agenda->started = false;
}

void agenda_free(struct agenda *agenda)
{
    if (!agenda)
        return;
    agenda_stop(agenda);
    pthread_cond_destroy(&agenda->changed);
    pthread_mutex_destroy(&agenda->mutex);
    free(agenda);
}

void agenda_wake(struct agenda *agenda)
{
    agenda_expect(agenda, 0);
}

void agenda_expect(struct agenda *agenda, int64_t when_ms)
{
    if (!agenda)
        return;
    pthread_mutex_lock(&agenda->mutex);
    if (when_ms < agenda->next_ms) {
        agenda->next_ms = when_ms;
        pthread_cond_signal(&agenda->changed);
    }
    pthread_mutex_unlock(&agenda->mutex);
}
