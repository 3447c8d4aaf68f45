/*
 * clock: the time, as a seam that tests replace.
 *
 * Milliseconds since 1970-01-01 UTC for what is shown, signed and compared between machines;
 * monotonic milliseconds for durations and deadlines; sleep so that a test's clock can jump.
 * The system clock may be used by any thread.
 */
#ifndef UNDERSTUDY_BASE_CLOCK_H
#define UNDERSTUDY_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*now_ms)(struct clock *);
    int64_t (*monotonic_ms)(struct clock *);
    void (*sleep_ms)(struct clock *, int64_t duration_ms);
};

struct clock *clock_system(void);

/* "20150830T123600Z" (AWS basic format) and "2015-08-30T12:36:00Z"; `size` counts the NUL. */
enum { CLOCK_TEXT_SIZE = 32 };
void clock_format_basic(int64_t time_ms, char out[CLOCK_TEXT_SIZE]);
void clock_format_iso(int64_t time_ms, char out[CLOCK_TEXT_SIZE]);
void clock_format_iso_ms(int64_t time_ms, char out[CLOCK_TEXT_SIZE]); /* with .123 */
/* RFC 9110 IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". */
void clock_format_http(int64_t time_ms, char out[CLOCK_TEXT_SIZE]);

/* Each returns 0 and fills *time_ms, or -1 for text of another form. */
int clock_parse_basic(const char *text, size_t len, int64_t *time_ms);
/* ISO 8601 instants: fraction optional, "Z" or an offset such as +05:30. */
int clock_parse_iso(const char *text, size_t len, int64_t *time_ms);
int clock_parse_http(const char *text, size_t len, int64_t *time_ms);

#endif
