/*
 * pipeline: what every request goes through: route, authenticate, check the input, authorise, open
 * a transaction, handle, commit, answer. Handlers (services/) do one step of it.
 *
 * Reads run on the loop that received them, in one read transaction an epoll round; writes go to
 * the writer and are answered behind the commit of their group.
 */
#ifndef UNDERSTUDY_LOCAL_PIPELINE_H
#define UNDERSTUDY_LOCAL_PIPELINE_H

#include "local/service.h"
#include "local/writer.h"
#include "net/http_server.h"

/* What all loops share; filled in by local/server.c. */
struct faults;
struct moved_clock;
struct server;
struct pipeline {
    struct local *local;
    struct moved_clock *clock; /* what local->clock is */
    struct faults *faults;
    bool to_wait; /* the writer's: it gave a loop calls that wait */
    /* Has pipeline_woken called on every loop. Any thread. */
    void (*wake)(struct server *);
    struct server *server;
    struct writer *writer;
    const struct local_service *const *services;
};

/* A loop's part. */
struct pipeline_loop;
struct pipeline_loop *pipeline_loop_new(struct pipeline *pipeline, struct error *err);
/* When no request of it is with the writer any more. NULL is fine. */
void pipeline_loop_free(struct pipeline_loop *loop);
void pipeline_round_end(struct pipeline_loop *loop);
void pipeline_serve(struct pipeline_loop *loop, struct http_exchange *exchange);
/* The time of a call that waits is over (net/http_server.h: resume, woken). */
void pipeline_resume(struct pipeline_loop *loop, struct http_exchange *exchange, void *waiter);
void pipeline_woken(struct pipeline_loop *loop);

#endif
