#include "engine/rewrite.h"

#include "base/json_place.h"
#include "engine/scope.h"

#include <string.h>

/* AWS allows 8 KB; the rest is for the message that says so. */
enum { LONGEST_VALUE = 1024 * 1024 };

static bool truth(const char *text)
{
    return text && strcmp(text, "true") == 0;
}

bool rewrite_fits(const struct config_rewrite *rule, const struct resource *source)
{
    bool named = rule->name_count == 0, typed = rule->type_count == 0;
    for (size_t i = 0; i < rule->name_count && !named; i++)
        named = scope_matches(rule->names[i], source->key);
    for (size_t i = 0; i < rule->type_count && !typed; i++)
        typed = source->fields[0] && strcmp(rule->types[i], source->fields[0]) == 0;
    return named && typed;
}

/* The destination's rules, then those of all. */
static const struct config_rewrite *rule_at(const struct config *config,
                                            const struct config_side *destination, size_t index)
{
    if (index < destination->rewrite_count)
        return &destination->rewrite[index];
    index -= destination->rewrite_count;
    return index < config->rewrite_count ? &config->rewrite[index] : NULL;
}

bool rewrite_may_touch(const struct config *config, const struct config_side *destination,
                       const struct resource *source)
{
    const struct config_rewrite *rule;
    for (size_t i = 0; (rule = rule_at(config, destination, i)); i++)
        if (rewrite_fits(rule, source))
            return true;
    return false;
}

/* Every occurrence of `match`; how many there were. */
static size_t replace(struct text text, const char *match, const char *with, struct buf *out)
{
    size_t count = 0, len = strlen(match);
    const char *end = text.data + text.len, *found;
    while (text.len >= len && (found = memmem(text.data, text.len, match, len))) {
        buf_append(out, text.data, (size_t)(found - text.data));
        buf_append_text(out, with);
        text.data = found + len;
        text.len = (size_t)(end - text.data);
        count++;
    }
    buf_append(out, text.data, text.len);
    return count;
}

static size_t apply_at_path(const struct config_rewrite *rule, struct text value, struct buf *out)
{
    struct buf old, new;
    struct text token;
    size_t count = 0;
    buf_init(&old, LONGEST_VALUE);
    buf_init(&new, LONGEST_VALUE);
    if (json_place_text(value, rule->json_path, &token, &old)) {
        struct text text = {buf_text(&old), old.len};
        if (rule->match)
            count = replace(text, rule->match, rule->with, &new);
        else if ((count = !text_is(text, rule->with)))
            buf_append_text(&new, rule->with);
    }
    if (count) {
        struct json_writer w;
        buf_append(out, value.data, (size_t)(token.data - value.data));
        json_writer_init(&w, out);
        json_write_text_n(&w, buf_text(&new), new.len);
        buf_append(out, token.data + token.len,
                   (size_t)(value.data + value.len - token.data - token.len));
        out->overflow = out->overflow || new.overflow;
    }
    buf_done(&old);
    buf_done(&new);
    return count;
}

static void note_rule(const struct config_rewrite *rule, size_t count, struct buf *note)
{
    buf_append_text(note, note->len ? ", " : "rewrite ");
    if (rule->json_path)
        buf_printf(note, "%s: ", rule->json_path);
    if (rule->match)
        buf_printf(note, "%s → %s (%zu)", rule->match, rule->with, count);
    else
        buf_printf(note, "→ %s", rule->with);
}

int rewrite_value(const struct config *config, const struct config_side *destination,
                  struct arena *arena, const struct resource *source, const char *value, size_t len,
                  struct rewritten *out, struct error *err)
{
    const struct config_rewrite *rule;
    struct buf note;
    int result = 0;
    *out = (struct rewritten){.value = value, .len = len};
    buf_init(&note, 4096);
    for (size_t i = 0; (rule = rule_at(config, destination, i)) && result == 0; i++) {
        if (!rewrite_fits(rule, source))
            continue;
        struct buf changed;
        struct text now = {out->value, out->len};
        buf_init(&changed, LONGEST_VALUE);
        size_t count = rule->json_path ? apply_at_path(rule, now, &changed)
                                       : replace(now, rule->match, rule->with, &changed);
        if (changed.overflow)
            result = error_set(err, ERR_LIMIT, "the rewritten value is longer than %d bytes",
                               LONGEST_VALUE);
        else if (count) {
            out->value = arena_strndup(arena, buf_text(&changed), changed.len);
            out->len = changed.len;
            out->hits |= i < 64 ? (uint64_t)1 << i : 0;
            note_rule(rule, count, &note);
        }
        buf_done(&changed);
    }
    if (note.len)
        out->note = arena_strdup(arena, buf_text(&note));
    buf_done(&note);
    return result;
}

const char *rewrite_description(const struct config *config, const struct config_side *destination,
                                struct arena *arena, const struct resource *source,
                                const char *text)
{
    const struct config_rewrite *rule;
    for (size_t i = 0; text && (rule = rule_at(config, destination, i)); i++) {
        struct buf changed;
        if (!truth(rule->descriptions) || rule->json_path || !rewrite_fits(rule, source))
            continue;
        buf_init(&changed, LONGEST_VALUE);
        if (replace(text_of(text), rule->match, rule->with, &changed) && !changed.overflow)
            text = arena_strdup(arena, buf_text(&changed));
        buf_done(&changed);
    }
    return text;
}

static void put_list(struct json_writer *w, const char *key, const char *const *texts, size_t count)
{
    json_key(w, key);
    json_open_list(w);
    for (size_t i = 0; i < count; i++)
        json_write_text(w, texts[i]);
    json_close_list(w);
}

void rewrite_write(const struct config *config, const struct config_side *destination,
                   struct buf *out)
{
    const struct config_rewrite *rule;
    struct json_writer w;
    json_writer_init(&w, out);
    json_open_list(&w);
    for (size_t i = 0; (rule = rule_at(config, destination, i)); i++) {
        json_open(&w);
        json_put_text(&w, "match", rule->match);
        json_put_text(&w, "with", rule->with);
        json_put_text(&w, "json_path", rule->json_path);
        put_list(&w, "names", rule->names, rule->name_count);
        put_list(&w, "types", rule->types, rule->type_count);
        json_close(&w);
    }
    json_close_list(&w);
}

int rewrite_check(const struct config_rewrite *rules, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_rewrite *rule = &rules[i];
        if (!rule->with || (!rule->match && !rule->json_path))
            return error_set(err, ERR_INVALID,
                             "rewrite: a rule needs `with`, and `match` or `json_path`");
        if (rule->match && !*rule->match)
            return error_set(err, ERR_INVALID, "rewrite: an empty `match` is everywhere");
        if (rule->json_path && !json_path_valid(rule->json_path))
            return error_set(err, ERR_INVALID,
                             "rewrite: '%s' is not a path such as $.db.host or $.hosts[0]",
                             rule->json_path);
        if (rule->descriptions && strcmp(rule->descriptions, "true") != 0 &&
            strcmp(rule->descriptions, "false") != 0)
            return error_set(err, ERR_INVALID, "rewrite: descriptions is true or false, not '%s'",
                             rule->descriptions);
        if (truth(rule->descriptions) && rule->json_path)
            return error_set(err, ERR_INVALID,
                             "rewrite: descriptions are not JSON: leave out json_path");
    }
    return 0;
}
