#include "engine/key_names.h"

#include "aws/arn.h"
#include "base/text.h"
#include "engine/mapping.h"

#include <string.h>

void key_names_add(struct key_names *names, struct arena *arena, const char *alias, const char *id)
{
    if (names->count == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        struct key_name *rows = arena_calloc(arena, room, sizeof *rows);
        if (names->count)
            memcpy(rows, names->rows, names->count * sizeof *rows);
        names->rows = rows;
        names->room = room;
    }
    names->rows[names->count++] =
        (struct key_name){arena_strdup(arena, alias), arena_strdup(arena, id)};
}

/* The id behind an alias, else what was given, without the ARN around it. */
static struct text key_of(const struct key_names *names, const char *key)
{
    struct text name = mapping_short_key(key);
    for (size_t i = 0; names && i < names->count; i++)
        if (text_is(name, names->rows[i].alias))
            return text_of(names->rows[i].id);
    return name;
}

bool key_names_same(const struct key_names *names, const char *a, const char *b)
{
    struct arn one, other;
    if (mapping_same_key(a, b))
        return true;
    /* Another account's key is another key, whatever its id. */
    if (arn_parse(a, strlen(a), &one) == 0 && arn_parse(b, strlen(b), &other) == 0 &&
        (one.account.len != other.account.len ||
         memcmp(one.account.data, other.account.data, one.account.len) != 0))
        return false;
    struct text first = key_of(names, a), second = key_of(names, b);
    return first.len == second.len && memcmp(first.data, second.data, first.len) == 0;
}

const char *key_names_alias(const struct key_names *names, struct arena *arena, const char *key)
{
    struct text name = mapping_short_key(key);
    if (name.len > 6 && memcmp(name.data, "alias/", 6) == 0)
        return arena_strndup(arena, name.data, name.len);
    for (size_t i = 0; names && i < names->count; i++)
        if (text_is(name, names->rows[i].id) && !text_starts(names->rows[i].alias, "alias/aws/"))
            return names->rows[i].alias;
    return NULL;
}

const char *key_names_multi_region(const struct key_names *names, struct arena *arena,
                                   const char *key)
{
    struct text id = key_of(names, key);
    return id.len > 4 && memcmp(id.data, "mrk-", 4) == 0 ? arena_strndup(arena, id.data, id.len)
                                                         : NULL;
}
