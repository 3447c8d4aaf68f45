#include "local/lambda_pause.h"

enum { FIRST_PAUSE_MS = 1000, LONGEST_SHIFT = 9 };

bool lambda_pause_refused(struct lambda_pause *pause, unsigned turn, int64_t now_ms)
{
    if (turn != pause->turn)
        return false;
    int64_t length_ms = pause->refused < LONGEST_SHIFT ? (int64_t)FIRST_PAUSE_MS << pause->refused
                                                       : LAMBDA_LONGEST_PAUSE_MS;
    pause->turn++;
    pause->refused++;
    pause->again_ms = now_ms + length_ms;
    return true;
}

void lambda_pause_over(struct lambda_pause *pause)
{
    pause->refused = 0;
    pause->again_ms = 0;
}

bool lambda_pause_holds(const struct lambda_pause *pause, int64_t now_ms)
{
    return pause->again_ms > now_ms && pause->again_ms - now_ms <= LAMBDA_LONGEST_PAUSE_MS;
}
