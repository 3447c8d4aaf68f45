/*
 * key_use: when an access key was last used, and where; GetAccessKeyLastUsed tells. Written down in
 * the background: a request does not wait for it. Any thread.
 */
#ifndef UNDERSTUDY_LOCAL_KEY_USE_H
#define UNDERSTUDY_LOCAL_KEY_USE_H

#include "local/writer.h"

struct key_use {
    const char *access_key, *service, *region;
    int64_t used_ms;
};
/* Copies what it is given. */
void key_use_note(struct writer *writer, const struct key_use *use);

#endif
