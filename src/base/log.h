/*
 * log: one line an event, on standard error.
 *
 * Folders up to `resource` never log above debug; the others log once, where a thing is handled.
 * A line is logfmt (`level=info msg="..." region=us-east-1`) or one JSON object, also in the form
 * that AWS Lambda filters by level; keys are fixed words of the code. Nobody passes a secret value
 * here: a field takes text that was made to be seen; of a longer one than 1 KB the beginning is
 * shown. Any thread; a line is one write(2).
 */
#ifndef UNDERSTUDY_BASE_LOG_H
#define UNDERSTUDY_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE };

void log_setup(enum log_level least, bool json); /* before threads; default: warn, logfmt */
/* JSON with "timestamp", "level" ("INFO") and "message"; then `always`, ended by a NULL key, in
 * every line. It is borrowed; who set it may change it while no other thread logs. */
struct log_pair {
    const char *key, *value; /* value NULL: left out */
    bool raw;                /* the value is JSON already */
};
void log_setup_lambda(enum log_level least, const struct log_pair *always);
bool log_enabled(enum log_level level);

/* Pairs of key and text follow the message, ended by NULL:
 *     log_event(LOG_WARN, "slow answer", "region", region, NULL);
 * A NULL value leaves its pair out. */
__attribute__((sentinel)) void log_event(enum log_level level, const char *message, ...);

#endif
