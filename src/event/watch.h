/*
 * watch: replication that goes on: hints from queues, a full pass on a schedule, and what is known
 * of both as numbers and pages.
 *
 *     watch_new, watch_run (until watch_stop), watch_free
 *
 * Threads: whoever calls watch_run drives the reconciler; each queue has listeners, one thread
 * settles messages behind the work, one loop serves HTTP. Hints for one name that come together are
 * one look (pending.h). A full pass is done in slices, and hints go between them. A message is
 * deleted when all that it told of stands at the destinations; what failed comes again, later each
 * time, until the queue's redrive policy gives it up. watch_stop, watch_reload and watch_status may
 * be called from any thread. Memory: its own; options are borrowed until watch_free. Times are
 * milliseconds.
 */
#ifndef UNDERSTUDY_EVENT_WATCH_H
#define UNDERSTUDY_EVENT_WATCH_H

#include "base/buf.h"
#include "engine/reconcile.h"
#include "event/metrics.h"

#include <stdbool.h>

enum { WATCH_QUEUES_MAX = 16, WATCH_WORDS_MAX = 10, WATCH_HIDE_MS = 30 * 1000 };

struct watch_options {
    /* Reads and checks the configuration: at the start, and again for watch_reload. */
    int (*load)(void *arg, struct arena *arena, struct config_set *out, struct error *err);
    void *load_arg;
    const char *queues[WATCH_QUEUES_MAX]; /* ARNs or URLs */
    size_t queue_count;
    /* How long a message is hidden that was received, again and again while it is in hand: a
     * process that is killed keeps it from others no longer. 0: WATCH_HIDE_MS */
    int64_t hide_ms;
    int64_t every_ms;   /* between full passes, the first at once; 0: none */
    const char *listen; /* "127.0.0.1:9187"; NULL: no HTTP */
    const char *canary; /* a parameter that is written at the source to measure; NULL: none */
    int64_t canary_every_ms;
    const char *state_folder; /* NULL: remembers in memory only */
    unsigned concurrency;
    bool dry_run;
    /* Seams, and the environment; NULL: the real ones. */
    struct transport *transport;
    struct clock *clock;
    struct random *random;
    const char *const *environment;
    /* Told by the driving thread: it works now, and again and again while it is alive; `status` is
     * a line for people. May be NULL. */
    void (*alive)(void *arg, bool ready, const char *status);
    void *alive_arg;
};

struct watch;

/* ERR_INVALID: the configuration or a queue cannot work. */
int watch_new(const struct watch_options *options, struct watch **out, struct error *err);
void watch_free(struct watch *watch); /* NULL is fine */
/* 0 after watch_stop; -1 when it cannot go on. */
int watch_run(struct watch *watch, struct error *err);
void watch_stop(struct watch *watch);
/* The configuration is read again between two looks; a wrong one is told in the log and the one
 * that holds stays. */
void watch_reload(struct watch *watch);
int watch_port(const struct watch *watch); /* of HTTP; 0: none */

/* One thing to know, for programs and for people. */
struct watch_word {
    const char *code; /* "queue_unreadable" */
    char text[256];
};
struct watch_words {
    struct watch_word items[WATCH_WORDS_MAX];
    size_t count;
};

/* What is known of it now. Texts are static or in the struct. */
struct watch_status {
    bool alive;   /* it goes round: /livez. To start it anew would help when it does not */
    bool healthy; /* and replicates: /healthz. There are no reasons against it */
    struct watch_words reasons;
    struct watch_words
        warnings; /* what is for a person to do, and no reason to be called at night */
    int64_t now_ms, started_ms;
    struct metric_values metrics;
    size_t pending;            /* names that wait */
    int64_t oldest_pending_ms; /* when the oldest change that waits happened; 0: none */
    int64_t every_ms;
    bool passing;         /* a full pass is under way */
    int64_t next_pass_ms; /* 0: none */
    bool dry_run;
    size_t failing;           /* names whose last look failed */
    int64_t failing_since_ms; /* the first of them; 0: none */
    size_t blocked;           /* names that their last look found blocked */
    uint64_t pass_blocked;    /* copies that the last full pass found blocked */
    int64_t silent_ms;        /* since the driver went round */
    int64_t deaf_ms;          /* since the queue answered that did so the longest ago */
    size_t queues;
    char queue_error[256]; /* of the last call that failed; "": they are heard */
    char pass_error[256];
    char config_error[256];                    /* of the last reload */
    bool canary;                               /* is one written? */
    int64_t canary_written_ms, canary_seen_ms; /* the last ones; 0: never */
    struct lag_histogram canary_lag;
};
void watch_status(struct watch *watch, struct watch_status *out);
/* All codes that reasons and warnings may have, for metrics; NULL ends them. */
extern const char *const watch_reason_codes[], *const watch_warning_codes[];

/* status.c: the pages of it. */
void watch_write_health(const struct watch_status *status, struct buf *out);
void watch_write_life(const struct watch_status *status, struct buf *out);
void watch_write_prometheus(const struct watch_status *status, struct buf *out);
void watch_write_json(const struct watch_status *status, struct buf *out);
void watch_write_html(const struct watch_status *status, struct buf *out);
void watch_write_text(const struct watch_status *status, struct buf *out); /* for a terminal */

#endif
