#include "local/doorbell.h"

#include <string.h>

void doorbell_ring(struct doorbell *doorbell, int64_t bell)
{
    doorbell->rung[(uint64_t)bell % DOORBELLS] = doorbell->any = true;
}

bool doorbell_sound(struct doorbell *doorbell)
{
    if (!doorbell->any)
        return false;
    for (unsigned i = 0; i < DOORBELLS; i++)
        if (doorbell->rung[i])
            atomic_fetch_add(&doorbell->counters[i], 1);
    memset(doorbell->rung, 0, sizeof doorbell->rung);
    doorbell->any = false;
    return true;
}

void doorbell_call(struct doorbell *doorbell, int64_t bell)
{
    atomic_fetch_add(&doorbell->counters[(uint64_t)bell % DOORBELLS], 1);
    if (doorbell->wake)
        doorbell->wake(doorbell->arg);
}

void doorbell_sound_all(struct doorbell *doorbell)
{
    for (unsigned i = 0; i < DOORBELLS; i++)
        atomic_fetch_add(&doorbell->counters[i], 1);
}

uint32_t doorbell_heard(const struct doorbell *doorbell, int64_t bell)
{
    return atomic_load(&doorbell->counters[(uint64_t)bell % DOORBELLS]);
}
