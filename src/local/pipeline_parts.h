/*
 * pipeline_parts: what the files of the pipeline share. Nobody else includes it.
 *
 *   pipeline.c       the steps of a request, on its loop and on the writer
 *   pipeline_wait.c  calls that wait (LOCAL_WAITS), until their bell rings or their time is over
 */
#ifndef UNDERSTUDY_LOCAL_PIPELINE_PARTS_H
#define UNDERSTUDY_LOCAL_PIPELINE_PARTS_H

#include "local/pipeline.h"
#include "local/route.h"

/* A request on its way. They are kept by their loop and used again, arena and all. */
struct request {
    struct writer_job job; /* first: the writer gives it back */
    struct request *next;
    struct request *earlier, *later; /* while it waits */
    int64_t wait_end_ms;             /* monotonic; 0: it has not waited yet */
    int64_t due_ms;                  /* monotonic: when its timer is to run out */
    bool waits;                      /* it was on the writer, and has to wait now */
    bool alone;                      /* not inside `handle`: its answer is queued */
    const char *query_error;
    const char *rest_error; /* code of a failure that a REST service answers */
    struct pipeline_loop *loop;
    struct http_exchange *exchange;
    struct arena arena;
    struct route route;
    struct caller *caller;
    struct local_call call;
    struct json_writer out;
    struct buf xml_source;     /* the JSON of an answer that becomes XML, or is spread over HTTP */
    const struct fault *fault; /* what befalls it; NULL: nothing */
    int status;
    bool typed; /* the input's types are right: it can be told of in the trail */
    char id[RANDOM_UUID_SIZE];
};

struct pipeline_loop {
    struct pipeline *pipeline;
    struct store_session *reader;
    struct authenticator *authenticator;
    struct request *spare;
    _Atomic(struct request *) returned; /* by the writer; the loop takes all at once */
    _Atomic(struct request *) to_wait;  /* likewise; `next` links them */
    struct request *waiting;            /* by `later` and `earlier` */
    bool reading;                       /* inside a read transaction */
    uint64_t commits, version;          /* as they were before its snapshot was taken */
};

/* --- pipeline.c ------------------------------------------------------------------------------- */
/* Runs the handler on the loop, and what follows from its result. */
void pipeline_attempt(struct request *request);
/* Its client is gone: nobody is answered. */
void pipeline_drop(struct request *request);

/* --- pipeline_wait.c -------------------------------------------------------------------------- */
/* A call that ran on its loop begins to wait. `commits`: as they were before it looked. */
void pipeline_wait(struct request *request, uint64_t commits);

#endif
