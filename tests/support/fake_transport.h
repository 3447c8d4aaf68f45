/*
 * fake_transport: answers that a test wrote, and a record of what was asked.
 *
 * Answers are given in the order they were added. Routes are looked at when no answer is left:
 * the first whose words stand in "METHOD URL\nbody" answers, any number of times. A request that
 * nothing answers fails with ERR_IO, which nobody tries again. Any thread may send.
 */
#ifndef UNDERSTUDY_TESTS_FAKE_TRANSPORT_H
#define UNDERSTUDY_TESTS_FAKE_TRANSPORT_H

#include "net/transport.h"

#include <pthread.h>

struct fake_request {
    struct fake_request *next;
    const char *method, *url, *body; /* body "" when there was none */
    struct http_header *headers;
    size_t header_count;
    int timeout_ms;
};

struct fake_transport {
    struct transport transport; /* first: what is handed to the code under test */
    pthread_mutex_t mutex;
    struct arena arena;
    struct fake_answer *answers, *routes;
    struct fake_request *requests; /* oldest first */
    unsigned count;                /* requests so far */
    /* Called before each answer, may be NULL: to let time pass, to look around. */
    void (*on_send)(void *arg, const struct http_request *request);
    void *arg;
};

void fake_transport_init(struct fake_transport *fake);
void fake_transport_done(struct fake_transport *fake);
/* `headers`: "Name: value" lines, or NULL. */
void fake_transport_answer(struct fake_transport *fake, int status, const char *headers,
                           const char *body);
void fake_transport_fail(struct fake_transport *fake, enum error_code code);
void fake_transport_route(struct fake_transport *fake, const char *words, int status,
                          const char *headers, const char *body);
void fake_transport_route_fail(struct fake_transport *fake, const char *words,
                               enum error_code code);

/* The Nth request, from 0; NULL when there were not so many. Of a header: NULL when absent. */
const struct fake_request *fake_transport_request(struct fake_transport *fake, unsigned index);
const char *fake_request_header(const struct fake_request *request, const char *name);

#endif
