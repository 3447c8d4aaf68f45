/*
 * scripted_server: a server on loopback that plays a script, for tests of what sends requests.
 *
 * A thread of its own takes the steps in order: it reads one request and checks that a text is in
 * it, answers with exactly the bytes given, closes, resets, waits. A connection is accepted when a
 * step needs one and none is open. With a certificate it speaks TLS. Nothing waits longer than
 * SCRIPT_PATIENCE_MS; what did not go by the script fails the test in scripted_server_finish.
 *
 *     static const struct script_step steps[] = {
 *         script_request("GET /a HTTP/1.1\r\n"),
 *         script_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
 *     };
 *     struct scripted_server *server = scripted_server_new(steps, COUNT(steps), NULL, NULL);
 *     ... send to scripted_server_url(server) ...
 *     scripted_server_finish(server);
 *     assert_string_equal(scripted_server_received(server, 0), "GET /a HTTP/1.1\r\n...");
 *     scripted_server_free(server);
 */
#ifndef UNDERSTUDY_TESTS_SCRIPTED_SERVER_H
#define UNDERSTUDY_TESTS_SCRIPTED_SERVER_H

#include <stddef.h>

enum { SCRIPT_PATIENCE_MS = 60000 };

enum script_action {
    SCRIPT_ACCEPT,   /* a connection, even when one is open (which is then closed) */
    SCRIPT_REQUEST,  /* a whole request; `text` must be somewhere in it */
    SCRIPT_ANSWER,   /* `len` bytes of `text` as they are */
    SCRIPT_CLOSE,    /* in good order; done when the client's side has it */
    SCRIPT_RESET,    /* with a TCP reset */
    SCRIPT_HANG,     /* until the client goes away */
    SCRIPT_PAUSE_MS, /* `number` milliseconds */
    SCRIPT_WAIT,     /* for scripted_server_go, reading nothing */
};

struct script_step {
    enum script_action action;
    const char *text;
    size_t len; /* 0: up to the NUL */
    int number;
};

#define script_accept()     ((struct script_step){.action = SCRIPT_ACCEPT})
#define script_request(t)   ((struct script_step){.action = SCRIPT_REQUEST, .text = (t)})
#define script_answer(t)    ((struct script_step){.action = SCRIPT_ANSWER, .text = (t)})
#define script_close()      ((struct script_step){.action = SCRIPT_CLOSE})
#define script_reset()      ((struct script_step){.action = SCRIPT_RESET})
#define script_hang()       ((struct script_step){.action = SCRIPT_HANG})
#define script_pause_ms(ms) ((struct script_step){.action = SCRIPT_PAUSE_MS, .number = (ms)})
#define script_wait()       ((struct script_step){.action = SCRIPT_WAIT})

struct scripted_server;

/* Listens at once. `steps` is borrowed until finished. `certificate` and `key` are PEM files, or
 * both NULL for plain HTTP. */
struct scripted_server *scripted_server_new(const struct script_step *steps, size_t count,
                                            const char *certificate, const char *key);
int scripted_server_port(const struct scripted_server *server);
const char *scripted_server_url(const struct scripted_server *server); /* without a path */

/* Waits until the first `steps` steps are done. */
void scripted_server_await(struct scripted_server *server, size_t steps);
/* Goes on behind its one SCRIPT_WAIT. */
void scripted_server_go(struct scripted_server *server);
/* Waits for the end of the script; fails the test when it went otherwise. */
void scripted_server_finish(struct scripted_server *server);
/* As finish, but says what went wrong ("" for nothing) instead of failing. */
const char *scripted_server_end(struct scripted_server *server);

/* After the end: what came, and over how many connections. */
const char *scripted_server_received(const struct scripted_server *server, size_t request);
size_t scripted_server_request_count(const struct scripted_server *server);
size_t scripted_server_connection_count(const struct scripted_server *server);

void scripted_server_free(struct scripted_server *server); /* ends it first; NULL is fine */

#endif
