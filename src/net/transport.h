/*
 * transport: the seam through which every request of the client leaves.
 *
 * send blocks until the whole answer is there. 0 means that some HTTP answer arrived, whatever its
 * status; -1 that none did: ERR_TIMEOUT (the request left, its answer did not come whole, in time
 * or at all: it may have taken effect), ERR_UNAVAILABLE (it did not leave: connection refused,
 * broken while sending, name not found: retry), ERR_DENIED (the server's certificate was not
 * trusted: do not), ERR_LIMIT (the answer was larger than allowed). The answer lives in `arena`.
 * Any thread may call send; implementations keep what is per thread themselves.
 */
#ifndef UNDERSTUDY_NET_TRANSPORT_H
#define UNDERSTUDY_NET_TRANSPORT_H

#include "base/arena.h"
#include "base/error.h"
#include "net/http_message.h"

struct transport {
    int (*send)(struct transport *, struct arena *arena, const struct http_request *,
                struct http_response *, struct error *);
};

#endif
