#include "engine/ownership.h"

#include <string.h>

int ownership_mark(struct arena *arena, const char *owner, struct resource *want)
{
    struct tag *tags = arena_calloc(arena, want->tag_count + 2, sizeof *tags);
    size_t count = 0;
    for (size_t i = 0; i < want->tag_count; i++)
        if (!tag_is_ours(want->tags[i].key))
            tags[count++] = want->tags[i];
    bool room = count < TAGS_MOST;
    if (owner && room)
        tags[count++] = (struct tag){OWNER_TAG, owner};
    tags_sort(tags, count);
    want->tags = tags;
    want->tag_count = count;
    return owner && !room ? -1 : 0;
}

bool ownership_holds(const struct resource *copy, const char *owner)
{
    const char *is = tag_value(copy->tags, copy->tag_count, OWNER_TAG);
    return is && owner && strcmp(is, owner) == 0;
}

static void remove_mark(struct arena *arena, struct diff *diff)
{
    const char **removed = arena_calloc(arena, diff->removed_tag_count + 1, sizeof *removed);
    for (size_t i = 0; i < diff->removed_tag_count; i++)
        removed[i] = diff->removed_tags[i];
    removed[diff->removed_tag_count++] = ABSENT_TAG;
    diff->removed_tags = removed;
}

static void set_owner(struct arena *arena, const char *owner, struct diff *diff)
{
    struct tag *set = arena_calloc(arena, diff->set_tag_count + 1, sizeof *set);
    for (size_t i = 0; i < diff->set_tag_count; i++)
        set[i] = diff->set_tags[i];
    set[diff->set_tag_count++] = (struct tag){OWNER_TAG, owner};
    diff->set_tags = set;
}

void ownership_compare(struct arena *arena, const struct resource *want,
                       const struct resource *have, bool adopt, struct diff *diff)
{
    if (tag_value(have->tags, have->tag_count, ABSENT_TAG))
        remove_mark(arena, diff);
    const char *owner = tag_value(want->tags, want->tag_count, OWNER_TAG);
    if (adopt && owner && !tag_value(have->tags, have->tag_count, OWNER_TAG))
        set_owner(arena, owner, diff);
}
