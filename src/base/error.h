/*
 * error: what went wrong, told to the caller who can do something about it.
 *
 * A fallible function returns 0 or -1 and takes `struct error *err` last. The struct lives on the
 * caller's stack, allocates nothing and belongs to one thread. The code says what the *caller* can
 * do; AWS's code strings are mapped to it in one table, aws/error_codes.c. The message names the
 * thing, the cause and, where there is one, the next step; it never holds a secret value.
 */
#ifndef UNDERSTUDY_BASE_ERROR_H
#define UNDERSTUDY_BASE_ERROR_H

#include <stdarg.h>

enum error_code {
    ERR_NONE = 0,
    ERR_INVALID,     /* the input is wrong: mend it */
    ERR_NOT_FOUND,   /* the thing does not exist */
    ERR_CONFLICT,    /* it exists already, or somebody moved it: look again */
    ERR_DENIED,      /* a permission is missing */
    ERR_EXPIRED,     /* credentials or a signature are too old: refresh, sign again */
    ERR_THROTTLED,   /* too fast: wait, then retry */
    ERR_UNAVAILABLE, /* the other side is unwell: retry */
    ERR_TIMEOUT,     /* no answer in time: it may have taken effect */
    ERR_LIMIT,       /* a size or a quota that waiting does not mend */
    ERR_UNSUPPORTED, /* asked for something that does not exist here */
    ERR_IO,          /* this machine's file, socket or process failed */
    ERR_CANCELLED,   /* the user or a deadline stopped it */
};

struct error {
    enum error_code code;
    int http_status;     /* 0 when no answer was received */
    char aws_code[80];   /* the service's own code, "" when it is not an answer of AWS */
    char request_id[80]; /* "" when unknown */
    char message[1024];  /* holds a refusal with the statement that mends it */
};

/* Fill `err` (which may be NULL) and give -1, so that a function can `return error_set(...)`:
 *     int error_set(struct error *err, enum error_code code, const char *format, ...);
 * Put "context: " before the message of an error passed on:
 *     int error_context(struct error *err, const char *format, ...);
 * As error_set, ending in ": " and the text of `errnum`; the code is ERR_IO:
 *     int error_errno(struct error *err, int errnum, const char *format, ...);
 * They are macros so that compilers and analyzers see the -1. */
#define error_set(...)     (error_fill(__VA_ARGS__), error_failed())
#define error_context(...) (error_prefix(__VA_ARGS__), error_failed())
#define error_errno(...)   (error_fill_errno(__VA_ARGS__), error_failed())

__attribute__((format(printf, 3, 4))) void error_fill(struct error *err, enum error_code code,
                                                      const char *format, ...);
__attribute__((format(printf, 2, 3))) void error_prefix(struct error *err, const char *format, ...);
__attribute__((format(printf, 3, 4))) void error_fill_errno(struct error *err, int errnum,
                                                            const char *format, ...);

static inline int error_failed(void)
{
    return -1;
}

void error_clear(struct error *err);

/* "INVALID", "NOT_FOUND", ...: for logs and --json. */
const char *error_code_name(enum error_code code);

#endif
