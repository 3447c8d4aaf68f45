#include "engine/details.h"

#include "base/json.h"

#include <string.h>

enum { COLUMNS = 100, SHOWN_MOST = 6 };

static json_t *read_details(const char *details)
{
    return details ? json_read(details, strlen(details), NULL) : NULL;
}

const char *details_aside(struct arena *arena, const char *details)
{
    json_t *all = read_details(details);
    const char *aside = json_text(all, "aside");
    aside = aside ? arena_strdup(arena, aside) : NULL;
    json_decref(all);
    return aside;
}

size_t details_count(const char *details)
{
    json_t *all = read_details(details), *row;
    size_t i, count = 0;
    json_array_foreach(json_object_get(all, "rows"), i, row)
    {
        count += !json_bool_or(row, "same", false);
    }
    json_decref(all);
    return count;
}

/* Texts come from outside: nothing in them may move the cursor. */
static void put(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], out);
}

/* At blanks; a word that is longer than a line stays whole, to be copied. */
static void put_broken(FILE *out, const char *text, int indent)
{
    int column = indent;
    for (bool first = true; *text; first = false) {
        size_t len = strcspn(text, " ");
        if (!first && column + 1 + (int)len > COLUMNS) {
            fprintf(out, "\n%*s", indent + 2, "");
            column = indent + 2;
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        put(out, text, len);
        column += (int)len;
        text += len;
        text += *text == ' ';
    }
    fputc('\n', out);
}

void details_show(FILE *out, const char *details, int indent)
{
    json_t *all = read_details(details), *row;
    size_t i, shown = 0, more = 0;
    struct arena arena;
    arena_init(&arena);
    json_array_foreach(json_object_get(all, "rows"), i, row)
    {
        if (json_bool_or(row, "same", false))
            continue;
        if (shown == SHOWN_MOST) {
            more++;
            continue;
        }
        shown++;
        fprintf(out, "%*s", indent, "");
        put_broken(out,
                   arena_printf(&arena, "%s in %s, %s: %s", json_text_or(row, "what", ""),
                                json_text_or(row, "region", ""), json_text_or(row, "fate", ""),
                                json_text_or(row, "text", "")),
                   indent);
    }
    more += (size_t)json_int_or(all, "more", 0);
    if (more)
        fprintf(out, "%*s%zu more%s\n", indent, "", more, shown ? " (--json tells)" : "");
    arena_done(&arena);
    json_decref(all);
}
