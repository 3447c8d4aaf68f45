#include "resource/resource.h"

#include "base/json.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool field_same(const struct resource_kind *kind, size_t field, const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0 || (kind->same && kind->same(field, a, b));
}

bool tag_is_ours(const char *key)
{
    return text_starts(key, "understudy:");
}

const char *tag_value(const struct tag *tags, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tags[i].key, key) == 0)
            return tags[i].value;
    return NULL;
}

static void skip_ours(const struct tag *tags, size_t count, size_t *at)
{
    while (*at < count && tag_is_ours(tags[*at].key))
        ++*at;
}

static void compare_tags(struct arena *arena, const struct resource *want,
                         const struct resource *have, struct diff *out)
{
    struct tag *set = arena_calloc(arena, want->tag_count + 1, sizeof *set);
    const char **removed = arena_calloc(arena, have->tag_count + 1, sizeof *removed);
    size_t w = 0, h = 0;
    out->set_tags = set;
    out->removed_tags = removed;
    for (;;) {
        skip_ours(want->tags, want->tag_count, &w);
        skip_ours(have->tags, have->tag_count, &h);
        if (w == want->tag_count && h == have->tag_count)
            break;
        int order = w == want->tag_count   ? 1
                    : h == have->tag_count ? -1
                                           : strcmp(want->tags[w].key, have->tags[h].key);
        if (order > 0) {
            removed[out->removed_tag_count++] = have->tags[h++].key;
            continue;
        }
        if (order < 0 || strcmp(want->tags[w].value, have->tags[h].value) != 0)
            set[out->set_tag_count++] = want->tags[w];
        w++;
        h += order == 0;
    }
}

void resource_compare(const struct resource_kind *kind, struct arena *arena,
                      const struct resource *want, const struct resource *have, struct diff *out)
{
    *out = (struct diff){0};
    for (size_t i = 0; i < kind->slot_count; i++)
        if (kind->fields[i].rule != FIELD_SERVER && kind->fields[i].rule != FIELD_SHOWN &&
            !field_same(kind, i, want->fields[i], have->fields[i]))
            out->fields |= 1u << i;
    compare_tags(arena, want, have, out);
}

bool diff_only_tags(const struct diff *diff)
{
    return !diff->fields && !diff->value;
}

bool diff_empty(const struct diff *diff)
{
    return diff_only_tags(diff) && !diff->set_tag_count && !diff->removed_tag_count &&
           !diff->labels && !diff->history;
}

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *diff_labels(const struct resource_kind *kind, struct arena *arena,
                               const struct diff *diff, size_t *count)
{
    size_t most = kind->field_count + diff->set_tag_count + diff->removed_tag_count + 3;
    const char **labels = arena_calloc(arena, most, sizeof *labels);
    size_t found = 0;
    for (size_t i = kind->slot_count; i < kind->field_count; i++)
        if (kind->fields[i].rule == FIELD_VALUE && diff->value)
            labels[found++] = kind->fields[i].label;
    for (size_t i = 0; i < kind->slot_count; i++)
        if (diff->fields & 1u << i)
            labels[found++] = kind->fields[i].label;
    if (diff->labels)
        labels[found++] = "labels";
    if (diff->history)
        labels[found++] = "history";
    size_t first_tag = found;
    for (size_t i = 0; i < diff->set_tag_count; i++)
        labels[found++] = arena_printf(arena, "tags.%s", diff->set_tags[i].key);
    for (size_t i = 0; i < diff->removed_tag_count; i++)
        labels[found++] = arena_printf(arena, "tags.%s", diff->removed_tags[i]);
    qsort(labels + first_tag, found - first_tag, sizeof *labels, order_texts);
    *count = found;
    return labels;
}

void fields_write(const struct resource_kind *kind, const struct resource *resource,
                  struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    for (size_t i = 0; i < kind->slot_count; i++)
        if (resource->fields[i])
            json_put_text(&w, kind->fields[i].name, resource->fields[i]);
    json_close(&w);
}

void fields_read(const struct resource_kind *kind, struct arena *arena, const json_t *fields,
                 struct resource *out)
{
    for (size_t i = 0; i < kind->slot_count; i++) {
        const char *text = json_text(fields, kind->fields[i].name);
        out->fields[i] = text ? arena_strdup(arena, text) : NULL;
    }
}

static int order_tags(const void *a, const void *b)
{
    return strcmp(((const struct tag *)a)->key, ((const struct tag *)b)->key);
}

void tags_sort(struct tag *tags, size_t count)
{
    if (count)
        qsort(tags, count, sizeof *tags, order_tags);
}

void tags_write(const struct tag *tags, size_t count, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_open(&w);
    for (size_t i = 0; i < count; i++)
        json_put_text(&w, tags[i].key, tags[i].value);
    json_close(&w);
}

int tags_read(struct arena *arena, const char *json, const struct tag **tags, size_t *count,
              struct error *err)
{
    json_t *object = json_read(json, strlen(json), err);
    if (!object)
        return -1;
    struct tag *list = arena_calloc(arena, json_object_size(object) + 1, sizeof *list);
    const char *key;
    json_t *value;
    *count = 0;
    json_object_foreach(object, key, value)
    {
        list[(*count)++] =
            (struct tag){arena_strdup(arena, key), arena_strdup(arena, json_string_value(value))};
    }
    json_decref(object);
    tags_sort(list, *count);
    *tags = list;
    return 0;
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

void resource_copy(const struct resource_kind *kind, struct arena *arena,
                   const struct resource *resource, struct resource *out)
{
    *out = (struct resource){
        .key = copy_text(arena, resource->key),
        .name = copy_text(arena, resource->name),
        .version = resource->version,
        .modified_ms = resource->modified_ms,
        .modified_by = copy_text(arena, resource->modified_by),
        .tag_count = resource->tag_count,
    };
    for (size_t i = 0; i < kind->slot_count; i++)
        out->fields[i] = copy_text(arena, resource->fields[i]);
    struct tag *tags = arena_calloc(arena, resource->tag_count + 1, sizeof *tags);
    for (size_t i = 0; i < resource->tag_count; i++)
        tags[i] = (struct tag){copy_text(arena, resource->tags[i].key),
                               copy_text(arena, resource->tags[i].value)};
    out->tags = tags;
}

void fidelity_write(const struct resource_kind *kind, struct buf *out)
{
    static const char *const what[] = {
        [FIELD_COPY] = "copied",  [FIELD_WORDS] = "copied", [FIELD_KEY] = "mapped",
        [FIELD_VALUE] = "copied", [FIELD_TAGS] = "copied",  [FIELD_SERVER] = "its own",
        [FIELD_SHOWN] = "shown",  [FIELD_LOST] = "lost",    [FIELD_OPTION] = "on request",
    };
    buf_printf(out, "| %s | | what happens |\n|---|---|---|\n", kind->cfn_type);
    for (size_t i = 0; i < kind->field_count; i++)
        buf_printf(out, "| `%s` | %s | %s |\n", kind->fields[i].name, what[kind->fields[i].rule],
                   kind->fields[i].fate);
}
