#include "local/services/iam_parts.h"

#include <string.h>

/* Where a statement stands in its document. The document is known to be valid JSON; jansson reads
 * each token, and what it consumed is where the next one begins. */

/* Positions count from 1. AWS's begin is behind the token before the statement ('[' or ','), for a
 * lone statement behind its own brace; its end is behind the closing brace (observed: examples of
 * the aws command line's manual, AdministratorAccess). */
static struct iam_position position_at(const char *text, size_t offset)
{
    struct iam_position position = {1, 1};
    for (size_t i = 0; i < offset; i++) {
        position.column++;
        if (text[i] == '\n')
            position = (struct iam_position){position.line + 1, 1};
    }
    return position;
}

static size_t skip_blanks(const char *text, size_t at)
{
    return at + strspn(text + at, " \t\r\n");
}

/* Behind the value that begins at `at`; `name` (may be NULL) gets it when it is a text. */
static size_t skip_value(const char *text, size_t at, struct arena *arena, const char **name)
{
    json_error_t error;
    json_t *value =
        json_loadb(text + at, strlen(text + at), JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);
    size_t end = value ? at + (size_t)error.position : strlen(text);
    if (name)
        *name = json_is_string(value) ? arena_strdup(arena, json_string_value(value)) : "";
    json_decref(value);
    return end;
}

/* Where the value of the member Statement begins. */
static size_t find_statements(const char *text, struct arena *arena)
{
    size_t at = skip_blanks(text, 0) + 1; /* behind the brace */
    while (text[at] && text[at] != '}') {
        const char *name;
        at = skip_blanks(text, skip_value(text, skip_blanks(text, at), arena, &name));
        at = skip_blanks(text, at + (text[at] == ':'));
        if (strcmp(name, "Statement") == 0)
            return at;
        at = skip_blanks(text, skip_value(text, at, arena, NULL));
        at += text[at] == ',';
    }
    return at;
}

void iam_statement_span(struct arena *arena, const char *text, size_t number,
                        struct iam_position *start, struct iam_position *end)
{
    size_t at = find_statements(text, arena);
    bool list = text[at] == '[';
    size_t begin = at + 1;
    if (list)
        at = skip_blanks(text, begin);
    size_t behind = skip_value(text, at, arena, NULL);
    for (size_t i = 0; list && i < number; i++) {
        begin = skip_blanks(text, behind) + 1; /* behind the comma */
        at = skip_blanks(text, begin);
        behind = skip_value(text, at, arena, NULL);
    }
    *start = position_at(text, begin);
    *end = position_at(text, behind);
}
