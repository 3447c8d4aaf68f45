#include "base/error.h"

#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void
error_vfill(struct error *err, enum error_code code, const char *format, va_list args)
{
    if (!err)
        return;
    /* The arguments may point into the error that is being replaced. */
    char message[sizeof err->message];
    vsnprintf(message, sizeof message, format, args);
    *err = (struct error){.code = code};
    memcpy(err->message, message, sizeof message);
}

void error_fill(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vfill(err, code, format, args);
    va_end(args);
}

void error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof message)
        snprintf(message + len, sizeof message - (size_t)len, ": %s", err->message);
    memcpy(err->message, message, sizeof message);
}

void error_fill_errno(struct error *err, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vfill(err, ERR_IO, format, args);
    va_end(args);
    if (err) {
        size_t len = strlen(err->message);
        char text[128];
        snprintf(err->message + len, sizeof err->message - len, ": %s",
                 strerror_r(errnum, text, sizeof text));
    }
}

void error_clear(struct error *err)
{
    *err = (struct error){.code = ERR_NONE};
}

const char *error_code_name(enum error_code code)
{
    static const char *const names[] = {
        [ERR_NONE] = "NONE",
        [ERR_INVALID] = "INVALID",
        [ERR_NOT_FOUND] = "NOT_FOUND",
        [ERR_CONFLICT] = "CONFLICT",
        [ERR_DENIED] = "DENIED",
        [ERR_EXPIRED] = "EXPIRED",
        [ERR_THROTTLED] = "THROTTLED",
        [ERR_UNAVAILABLE] = "UNAVAILABLE",
        [ERR_TIMEOUT] = "TIMEOUT",
        [ERR_LIMIT] = "LIMIT",
        [ERR_UNSUPPORTED] = "UNSUPPORTED",
        [ERR_IO] = "IO",
        [ERR_CANCELLED] = "CANCELLED",
    };
    if ((unsigned)code >= sizeof names / sizeof *names)
        return "UNKNOWN";
    return names[code];
}
