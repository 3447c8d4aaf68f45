/* AWS::KMS::Key: which keys there are. Two listings tell it: of keys, which names ids only, and of
 * aliases. Source: shared facts kms.md section 2. */
#include "base/json.h"
#include "resource/kms_alias.h"
#include "resource/kms_kind.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_PAGE = 1000, PAGES_MOST = 1000 };

struct alias {
    const char *alias, *id;
};
struct listing {
    struct resource_ctx *ctx;
    const struct resource_filter *filter;
    struct alias *aliases; /* sorted by key, then alias */
    size_t count, room;
};

static int keep_alias(const char *alias, const char *id, void *arg, struct error *err)
{
    struct listing *listing = arg;
    (void)err;
    if (kms_reserved(alias))
        return 0;
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 256;
        struct alias *more = arena_calloc(listing->ctx->arena, room, sizeof *more);
        if (listing->count)
            memcpy(more, listing->aliases, listing->count * sizeof *more);
        listing->aliases = more;
        listing->room = room;
    }
    listing->aliases[listing->count++] = (struct alias){arena_strdup(listing->ctx->arena, alias),
                                                        arena_strdup(listing->ctx->arena, id)};
    return 0;
}

static int order_aliases(const void *a, const void *b)
{
    const struct alias *one = a, *other = b;
    int order = strcmp(one->id, other->id);
    return order ? order : strcmp(one->alias, other->alias);
}

static int order_by_id(const void *id, const void *alias)
{
    return strcmp(id, ((const struct alias *)alias)->id);
}

/* The aliases of one key. In `arena`. */
static const char *const *aliases_of(const struct listing *listing, struct arena *arena,
                                     const char *id, size_t *count)
{
    const struct alias *first =
        listing->count ? bsearch(id, listing->aliases, listing->count, sizeof *first, order_by_id)
                       : NULL;
    *count = 0;
    if (!first)
        return NULL;
    while (first > listing->aliases && strcmp(first[-1].id, id) == 0)
        first--;
    size_t most = 0;
    const struct alias *end = listing->aliases + listing->count;
    while (first + most < end && strcmp(first[most].id, id) == 0)
        most++;
    const char **out = arena_calloc(arena, most, sizeof *out);
    for (size_t i = 0; i < most; i++)
        out[i] = first[i].alias;
    *count = most;
    return out;
}

/* A single-Region key is of interest under the alias, or the id, that the configuration names. */
static const char *named_as(const struct listing *listing, const char *id,
                            const char *const *aliases, size_t count)
{
    const struct resource_settings *settings = kms_settings(listing->ctx->settings);
    for (size_t i = 0; i < count; i++)
        if (kms_among(settings->counterparts, settings->counterpart_count, aliases[i]) ||
            kms_among(settings->named, settings->named_count, aliases[i]))
            return aliases[i];
    return kms_among(settings->named, settings->named_count, id) ? id : NULL;
}

static bool asked_for(const struct resource_filter *filter, const char *key,
                      const char *const *aliases, size_t count)
{
    if (filter->name_count == 0)
        return true;
    for (size_t i = 0; i < filter->name_count; i++)
        if (strcmp(filter->names[i], key) == 0 || kms_among(aliases, count, filter->names[i]))
            return true;
    return false;
}

static int list_page(struct listing *listing, const json_t *page, resource_each_fn *each, void *arg,
                     struct error *err)
{
    struct arena row_memory;
    size_t i;
    json_t *row;
    int result = 0;
    arena_init(&row_memory);
    json_array_foreach(json_object_get(page, "Keys"), i, row)
    {
        const char *id = json_text_or(row, "KeyId", "");
        size_t count;
        const char *const *aliases = aliases_of(listing, &row_memory, id, &count);
        const char *key = kms_is_multi_region(id) ? id : named_as(listing, id, aliases, count);
        struct resource resource = {.key = key, .name = key};
        resource.fields[KMS_ID] = id;
        kms_take_aliases(&row_memory, &resource, aliases, count);
        if (key && asked_for(listing->filter, key, aliases, count))
            result = each(&resource, arg, err);
        arena_reset(&row_memory);
        if (result != 0)
            break;
    }
    arena_done(&row_memory);
    return result;
}

int kms_kind_list(struct resource_ctx *ctx, const struct resource_filter *filter,
                  resource_each_fn *each, void *arg, struct error *err)
{
    struct listing listing = {.ctx = ctx, .filter = filter};
    json_t *out = NULL;
    if (kms_list_aliases(ctx, keep_alias, &listing, err) != 0)
        return -1;
    if (listing.count)
        qsort(listing.aliases, listing.count, sizeof *listing.aliases, order_aliases);
    for (int page = 0; page < PAGES_MOST; page++) {
        json_t *in = json_pack("{s:i}", "Limit", (int)KEYS_PAGE);
        const char *marker = json_text(out, "NextMarker");
        if (marker)
            json_object_set_new(in, "Marker", json_string(marker));
        json_decref(out);
        out = NULL;
        int result = resource_call(ctx, &operation_kms_list_keys, in, &out, err);
        json_decref(in);
        if (result != 0)
            return error_context(err, "list the keys in %s", ctx->region);
        result = list_page(&listing, out, each, arg, err);
        if (result != 0 || !json_bool_or(out, "Truncated", false)) {
            json_decref(out);
            return result;
        }
    }
    json_decref(out);
    return error_set(err, ERR_LIMIT, "%s has more than %d keys", ctx->region,
                     PAGES_MOST * KEYS_PAGE);
}
