/* Lining up histories. Pure; reading and writing them is in history_carry.c. */
#include "engine/history.h"

#include "base/text.h"

#include <string.h>

enum { KEEP_MOST = 100 };

static bool same(const struct version_view *a, const struct version_view *b)
{
    return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

static size_t common_end(const struct version_view *a, size_t a_count, const struct version_view *b,
                         size_t b_count)
{
    size_t n = 0;
    while (n < a_count && n < b_count && same(&a[a_count - 1 - n], &b[b_count - 1 - n]))
        n++;
    return n;
}

/* The most of the first of `a` that `b` ends with; fewer than all of `a`. */
static size_t overlap(const struct version_view *a, size_t a_count, const struct version_view *b,
                      size_t b_count)
{
    for (size_t m = a_count < b_count ? a_count : b_count; m > 0; m--)
        if (common_end(a, m, b, b_count) == m)
            return m;
    return 0;
}

size_t *history_line_up(struct arena *arena, const struct version_view *source, size_t source_count,
                        const struct version_view *copy, size_t copy_count)
{
    size_t *at = arena_calloc(arena, source_count + 1, sizeof *at);
    size_t room = copy_count;
    for (size_t i = source_count; i-- > 0;) {
        size_t j = room;
        while (j > 0 && !same(&source[i], &copy[j - 1]))
            j--;
        at[i] = j ? j - 1 : SIZE_MAX;
        room = j ? j - 1 : room;
    }
    return at;
}

static const char *add_loss(struct arena *arena, const char *loss, const char *more)
{
    return loss ? arena_printf(arena, "%s; %s", loss, more) : more;
}

void history_labels(struct arena *arena, const struct version_view *source, size_t source_count,
                    const struct version_view *copy, size_t copy_count, struct label_map *out)
{
    const size_t *at = history_line_up(arena, source, source_count, copy, copy_count);
    struct version_view *later = arena_calloc(arena, copy_count + 1, sizeof *later);
    struct label_map now, wanted;
    labels_of(arena, copy, copy_count, &now);
    labels_of(arena, source, source_count, &wanted);
    for (size_t i = 0; i < copy_count; i++) {
        later[i] = copy[i];
        const char **labels = arena_calloc(arena, wanted.count + 1, sizeof *labels);
        size_t count = 0;
        for (size_t j = 0; j < source_count; j++)
            for (size_t l = 0; l < source[j].label_count; l++) {
                const struct label_place *here = labels_find(&now, source[j].labels[l]);
                if (at[j] == i || (at[j] == SIZE_MAX && here && here->version == copy[i].version))
                    labels[count++] = source[j].labels[l];
            }
        later[i].labels = labels;
        later[i].label_count = count;
    }
    labels_of(arena, later, copy_count, out);
}

/* The copy as it will be: what it has, then what is written. */
static void plan_labels(struct arena *arena, const struct version_view *source, size_t source_count,
                        const struct version_view *copy, size_t copy_count,
                        struct history_plan *out)
{
    size_t later_count = copy_count + out->count;
    struct version_view *later = arena_calloc(arena, later_count + 1, sizeof *later);
    struct label_map now, wanted;
    if (copy_count)
        memcpy(later, copy, copy_count * sizeof *later);
    for (size_t i = 0; i < out->count; i++) {
        later[copy_count + i] = source[out->first + i];
        later[copy_count + i].label_count = 0;
        later[copy_count + i].version =
            (copy_count ? copy[copy_count - 1].version : 0) + 1 + (int64_t)i;
    }
    const size_t *at = history_line_up(arena, source, source_count, later, later_count);
    for (size_t i = 0; i < source_count; i++)
        for (size_t j = 0; j < source[i].label_count && at[i] == SIZE_MAX; j++)
            out->loss =
                add_loss(arena, out->loss,
                         arena_printf(arena, "label %s is on version %lld, which the copy lacks",
                                      source[i].labels[j], (long long)source[i].version));
    labels_of(arena, later, later_count, &now);
    history_labels(arena, source, source_count, later, later_count, &wanted);
    labels_calls(&now, &wanted, &out->takes, &out->puts);
    out->labels_differ = out->takes || out->puts;
    out->puts_anew = source[source_count - 1].label_count > 0;
}

void history_decide(struct arena *arena, const struct version_view *source, size_t source_count,
                    const struct version_view *copy, size_t copy_count, size_t keep,
                    bool unfinished, bool labels, struct history_plan *out)
{
    *out = (struct history_plan){0};
    if (!source_count)
        return;
    size_t count = keep < source_count ? keep : source_count, first = source_count - count;
    const struct version_view *last = source + first;
    size_t end = common_end(last, count, copy, copy_count);
    size_t begun = overlap(last, count, copy, copy_count);
    bool newer = copy_count && last[0].modified_ms > copy[copy_count - 1].modified_ms;
    if (end == count || (end && !(begun && begun < count && unfinished))) {
        out->first = source_count; /* the copy is at the present */
        if (end < count && end < copy_count + 1)
            out->loss = arena_printf(arena,
                                     "of the last %zu versions the copy has %zu: earlier ones are "
                                     "not written behind later ones (delete the copy to have it "
                                     "made with them)",
                                     count, end);
    } else if (begun) {
        out->first = first + begun;
    } else if (!copy_count || newer) {
        out->first = first;
    } else {
        out->first = source_count - 1;
        if (count > 1)
            out->loss = arena_printf(arena,
                                     "the copy's versions are not the source's: only the present "
                                     "one of the last %zu is written",
                                     count);
    }
    out->count = source_count - out->first;
    if (labels)
        plan_labels(arena, source, source_count, copy, copy_count, out);
}

bool history_wanted(const struct engine *engine)
{
    return engine->kind->read_history && (engine->labels || engine->history > 1);
}

int history_check(const struct config *config, struct error *err)
{
    int64_t keep;
    if (config->labels && strcmp(config->labels, "true") != 0 &&
        strcmp(config->labels, "false") != 0)
        return error_set(err, ERR_INVALID, "labels: '%s' is not true or false", config->labels);
    if (config->history && (text_to_int64(config->history, strlen(config->history), &keep) != 0 ||
                            keep < 1 || keep > KEEP_MOST))
        return error_set(err, ERR_INVALID, "history: '%s' is not a number from 1 to %d",
                         config->history, KEEP_MOST);
    return 0;
}
