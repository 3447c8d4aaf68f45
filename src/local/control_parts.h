/*
 * control_parts: what the addresses under /_understudy/ share; private to local/control*.c.
 *
 * A function of the table answers or defers its exchange. It runs on the loop's thread.
 */
#ifndef UNDERSTUDY_LOCAL_CONTROL_PARTS_H
#define UNDERSTUDY_LOCAL_CONTROL_PARTS_H

#include "base/json.h"
#include "local/control.h"

/* JSON with that status; the body is what the exchange holds. */
void control_reply(struct http_exchange *exchange, int status);
/* 400 and {"message": ...} */
void control_refuse(struct http_exchange *exchange, const char *message);
/* The request's body as a JSON object or list (new reference); NULL: it has been refused. */
json_t *control_body(struct http_exchange *exchange);

/* control_clock.c */
void control_get_clock(struct pipeline *pipeline, struct http_exchange *exchange);
void control_set_clock(struct pipeline *pipeline, struct http_exchange *exchange);

/* control_faults.c */
void control_get_faults(struct pipeline *pipeline, struct http_exchange *exchange);
void control_set_faults(struct pipeline *pipeline, struct http_exchange *exchange);
void control_clear_faults(struct pipeline *pipeline, struct http_exchange *exchange);

/* control_events.c */
void control_get_events(struct pipeline *pipeline, struct http_exchange *exchange);
void control_set_events(struct pipeline *pipeline, struct http_exchange *exchange);
void control_restore_events(struct pipeline *pipeline); /* all off */

#endif
