#include "client/redact.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A value counts as repeated when all of it is there, when its beginning stands where the message
 * was cut to the struct's size, or when that much of its beginning is there (whoever wrote the
 * message may have shortened it). Less is chance: many values begin with "arn:aws:" or with an
 * account's number. Values shorter than four are looked for in quotes, lest "a" hides all. */
enum { SHORT = 4, PROBE = 8, LONG = 16, DEEPEST = 32 };

static bool may_be_secret(const char *name)
{
    static const char *const names[] = {
        "Value",        "Values",           "SecretString", "SecretBinary", "Plaintext",
        "Password",     "WebIdentityToken", "PrivateKey",   "ClientSecret", "SecretAccessKey",
        "SessionToken", "NewPassword",      "Message",      "KeyMaterial",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static size_t same_bytes(const char *a, const char *b)
{
    size_t len = 0;
    while (a[len] && a[len] == b[len])
        len++;
    return len;
}

/* Where `message` begins to repeat the value; NULL: nowhere. */
static char *repeated(char *message, const char *value, size_t value_len)
{
    char probe[PROBE + 1];
    snprintf(probe, sizeof probe, "%s", value);
    for (char *at = strstr(message, probe); at; at = strstr(at + 1, probe)) {
        size_t len = same_bytes(at, value);
        if (len == value_len || len >= LONG || at[len] == '\0')
            return at;
    }
    return NULL;
}

static void hide_from(struct error *err, char *at)
{
    size_t room = sizeof err->message - (size_t)(at - err->message);
    explicit_bzero(at, room);
    snprintf(at, room, "*** (the rest repeats a value that was sent)");
}

static void hide(struct error *err, const char *value)
{
    char quoted[SHORT + 2];
    size_t len = strlen(value);
    if (!len)
        return;
    snprintf(quoted, sizeof quoted, "'%s'", value);
    char *at = len < SHORT ? strstr(err->message, quoted) : repeated(err->message, value, len);
    if (at)
        hide_from(err, at);
}

/* "Value 'x' at 'value' failed to satisfy constraint": what failed there is a value, whosever. */
static void hide_refused(struct error *err)
{
    static const char at_member[] = "' at '";
    char *begin = strstr(err->message, "Value '");
    for (char *at = begin ? strstr(begin, at_member) : NULL; at; at = strstr(at, at_member)) {
        at += strlen(at_member);
        char name[32];
        size_t len = strcspn(at, "'");
        snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), at);
        const char *leaf = strrchr(name, '.');
        if (may_be_secret(leaf ? leaf + 1 : name)) {
            hide_from(err, begin + strlen("Value '"));
            return;
        }
    }
}

static void walk(struct error *err, const json_t *node, bool secret, int depth)
{
    if (depth > DEEPEST)
        return;
    if (json_is_string(node) && secret) {
        hide(err, json_string_value(node));
    } else if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++)
            walk(err, json_array_get(node, i), secret, depth + 1);
    } else if (json_is_object(node)) {
        json_t *object = (json_t *)node; /* the iterator only reads */
        for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
            walk(err, json_object_iter_value(it), secret || may_be_secret(json_object_iter_key(it)),
                 depth + 1);
    }
}

void redact_message(struct error *err, const json_t *input)
{
    if (!err || !input)
        return;
    hide_refused(err);
    walk(err, input, false, 0);
}
