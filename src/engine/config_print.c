#include "engine/config_print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_TEXT = 16 * 1024 * 1024, STEP = 2 };

/* Words that need no quotes; what YAML could take for something else gets them. */
static bool is_plain(const char *text)
{
    static const char *const taken[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(text, taken[i]) == 0)
            return false;
    return letter && strspn(text, bytes) == strlen(text);
}

static void put_word(FILE *out, const char *text)
{
    struct buf quoted;
    struct json_writer w;
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    buf_init(&quoted, LARGEST_TEXT);
    json_writer_init(&w, &quoted);
    json_write_text(&w, text);
    fputs(buf_text(&quoted), out);
    buf_done(&quoted);
}

static void put_texts(FILE *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        fputs(i ? ", " : " [", out);
        put_word(out, json_string_value(json_array_get(list, i)));
    }
    fputs("]\n", out);
}

/* `first`: what stands before the first key: "- " of a list's entry. */
static void put_object(FILE *out, const json_t *object, int indent, const char *first)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        fprintf(out, "%*s%s", indent - (int)strlen(first), "", first);
        first = "";
        put_word(out, key);
        fputc(':', out);
        if (json_is_string(value)) {
            fputc(' ', out);
            put_word(out, json_string_value(value));
            fputc('\n', out);
        } else if (json_is_object(value)) {
            fputs(json_object_size(value) ? "\n" : " {}\n", out);
            put_object(out, value, indent + STEP, "");
        } else if (json_is_string(json_array_get(value, 0))) {
            put_texts(out, value);
        } else {
            fputc('\n', out);
            for (size_t i = 0; i < json_array_size(value); i++)
                put_object(out, json_array_get(value, i), indent + 2 * STEP, "- ");
        }
    }
}

static json_t *read_back(const struct config *config, struct error *err)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, LARGEST_TEXT);
    json_writer_init(&w, &text);
    config_write(config, &w);
    json_t *object = text.overflow ? NULL : json_read(text.data, text.len, err);
    if (text.overflow)
        error_set(err, ERR_LIMIT, "the configuration is larger than %d bytes", LARGEST_TEXT);
    buf_done(&text);
    json_t *parameters = json_object_get(object, "parameters");
    if (!json_object_size(json_object_get(parameters, "select")))
        json_object_del(parameters, "select"); /* it selects all */
    return object;
}

int config_print(const struct config_set *set, FILE *out, struct error *err)
{
    bool several = set->count > 1;
    if (several)
        fputs("replications:\n", out);
    for (size_t i = 0; i < set->count; i++) {
        json_t *object = read_back(&set->items[i], err);
        if (!object)
            return -1;
        put_object(out, object, several ? 2 * STEP : 0, several ? "- " : "");
        json_decref(object);
    }
    if (fflush(out) != 0 || ferror(out))
        return error_errno(err, errno, "cannot write the configuration");
    return 0;
}
