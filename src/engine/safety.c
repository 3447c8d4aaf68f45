#include "engine/safety.h"

#include "base/text.h"

#include <string.h>

static const char default_max[] = "10%", default_grace[] = "24h", default_keep[] = "30d";

/* The index of `text` among `words`, which a NULL ends; 0 when it is not given. */
static int read_word(const char *key, const char *text, const char *const *words, int *out,
                     struct error *err)
{
    *out = 0;
    for (int i = 0; text && words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return 0;
        }
    if (!text)
        return 0;
    return error_set(err, ERR_INVALID, "%s: '%s' is not %s%s%s%s%s", key, text, words[0],
                     words[2] ? ", " : " or ", words[1], words[2] ? " or " : "",
                     words[2] ? words[2] : "");
}

static int read_max(const char *text, struct safety *out, struct error *err)
{
    int64_t number;
    size_t len = strlen(text);
    out->max_is_percent = len && text[len - 1] == '%';
    if (text_to_int64(text, len - out->max_is_percent, &number) != 0 || number < 0 ||
        (out->max_is_percent && number > 100))
        return error_set(err, ERR_INVALID,
                         "max_delete: '%s' is neither a number nor a percentage (25 or 10%%)",
                         text);
    out->max_delete = (uint64_t)number;
    return 0;
}

static int read_time(const char *key, const char *text, int64_t *out, struct error *err)
{
    if (text_to_duration_ms(text, out) == 0)
        return 0;
    return error_set(err, ERR_INVALID, "%s: '%s' is not a time (0, 90m, 24h, 7d)", key, text);
}

int safety_read(const struct config *config, struct safety *out, struct error *err)
{
    static const char *const ownership[] = {"tag", "none", NULL};
    static const char *const truth[] = {"false", "true", NULL};
    static const char *const deletes[] = {"never", "owned", "all", NULL};
    static const char *const edits[] = {"overwrite", "keep", "fail", NULL};
    int none, adopt, which, edit;
    *out = (struct safety){0};
    if (read_word("ownership", config->ownership, ownership, &none, err) != 0 ||
        read_word("adopt", config->adopt, truth, &adopt, err) != 0 ||
        read_word("deletes", config->deletes, deletes, &which, err) != 0 ||
        read_word("on_edit", config->on_edit, edits, &edit, err) != 0 ||
        read_max(config->max_delete ? config->max_delete : default_max, out, err) != 0)
        return -1;
    out->owning = !none;
    out->adopt = adopt;
    out->deletes = (enum deletes)which;
    out->on_edit = (enum on_edit)edit;
    if (read_time("delete_grace", config->delete_grace ? config->delete_grace : default_grace,
                  &out->grace_ms, err) != 0 ||
        read_time("keep_undo", config->keep_undo ? config->keep_undo : default_keep,
                  &out->keep_undo_ms, err) != 0)
        return -1;
    if (none && (adopt || out->deletes == DELETES_OWNED))
        return error_set(err, ERR_INVALID,
                         "ownership: none leaves nothing to %s: take ownership: tag",
                         adopt ? "adopt with" : "tell whose a copy is (deletes: owned)");
    return 0;
}

uint64_t safety_most_deletes(const struct safety *safety, uint64_t copies)
{
    if (!safety->max_is_percent)
        return safety->max_delete;
    return (copies * safety->max_delete + 99) / 100;
}
