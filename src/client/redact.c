#include "client/redact.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A message is cut to the struct's size, so it may hold only the start of a value: eight bytes are
 * looked for. Values shorter than four are looked for in quotes, lest "a" hides every message. */
enum { PROBE = 8, SHORT = 4, DEEPEST = 32 };

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

static void hide(struct error *err, const char *value)
{
    char probe[PROBE + 3];
    size_t len = strlen(value);
    if (!len)
        return;
    if (len < SHORT)
        snprintf(probe, sizeof probe, "'%s'", value);
    else
        snprintf(probe, sizeof probe, "%.*s", PROBE, value);
    char *at = strstr(err->message, probe);
    if (!at)
        return;
    size_t before = (size_t)(at - err->message);
    explicit_bzero(at, sizeof err->message - before);
    snprintf(at, sizeof err->message - before, "*** (the rest repeats a value that was sent)");
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
    if (err && input)
        walk(err, input, false, 0);
}
