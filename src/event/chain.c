#include "event/chain_parts.h"

#include "engine/identity.h"

#include <string.h>

static bool same_source(const struct config *a, const struct config *b)
{
    return strcmp(a->source.region, b->source.region) == 0 && identity_same(&a->source, &b->source);
}

/* All configurations with one source are looked at together: they share trail and bus. */
static int check_source(struct chain *chain, size_t first, struct error *err)
{
    const struct config_set *set = chain->set;
    const struct config **configs = arena_calloc(chain->arena, set->count, sizeof(void *));
    size_t count = 0;
    for (size_t i = first; i < set->count; i++)
        if (same_source(&set->items[first], &set->items[i]))
            configs[count++] = &set->items[i];
    chain->region = configs[0]->source.region;
    chain->session = sessions_get(chain->sessions, &configs[0]->source, chain->seams, err);
    chain->seen_count = 0;
    if (!chain->session)
        return -1;
    chain_source(chain, configs, count);
    return 0;
}

int chain_check(const struct config_set *set, struct sessions *sessions,
                const struct session_options *seams, struct findings *out, struct error *err)
{
    struct chain chain = {.arena = out->arena,
                          .set = set,
                          .sessions = sessions,
                          .seams = seams,
                          .out = out,
                          .kept = json_array()};
    int result = 0;
    chain_sides(&chain);
    for (size_t i = 0; i < set->count && result == 0; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again = again || same_source(&set->items[j], &set->items[i]);
        if (!again)
            result = check_source(&chain, i, err);
    }
    if (result == 0)
        chain_permissions(&chain);
    json_decref(chain.kept);
    return result;
}
