#include "client/profile.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

/* More than any real file has; they keep the search for duplicates cheap on hostile ones. */
enum { LARGEST_SECTION_COUNT = 10000, LARGEST_SETTING_COUNT = 500 };

struct reader {
    struct arena *arena;
    struct profile_file *file;
    enum profile_file_kind kind;
    struct profile_section *section;
    struct profile_setting *setting; /* the one that indented lines go on */
    struct buf value;                /* its text so far */
    size_t indent;                   /* of the line `setting` stands on */
    size_t line, setting_line, section_count, setting_count;
};

static int problem(const struct reader *r, size_t line, const char *what, struct error *err)
{
    return error_set(err, ERR_INVALID, "%s line %zu: %s", r->file->path, line, what);
}

/* `text` without blanks at both ends, form feeds and the like included. */
static struct text trimmed(struct text text)
{
    static const char blanks[] = " \t\v\f\r";
    while (text.len && memchr(blanks, text.data[0], sizeof blanks - 1)) {
        text.data++;
        text.len--;
    }
    while (text.len && memchr(blanks, text.data[text.len - 1], sizeof blanks - 1))
        text.len--;
    return text;
}

static const char *keep(struct reader *r, struct text text)
{
    return arena_strndup(r->arena, text.data, text.len);
}

static char *lowered(struct reader *r, struct text text)
{
    char *copy = arena_strndup(r->arena, text.data, text.len);
    for (char *at = copy; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at += 'a' - 'A';
    return copy;
}

/* --- settings --------------------------------------------------------------------------------- */

static int add_setting(struct reader *r, struct profile_setting **list, const char *key,
                       size_t line, struct profile_setting **out, struct error *err)
{
    size_t count = 0;
    for (; *list; list = &(*list)->next) {
        if (strcmp((*list)->key, key) == 0)
            return problem(r, line, "this key was given before in the same section", err);
        if (++count == LARGEST_SETTING_COUNT)
            return problem(r, line, "too many keys in one section", err);
    }
    *list = arena_alloc(r->arena, sizeof **list);
    (*list)->key = key;
    (*list)->value = "";
    *out = *list;
    return 0;
}

/* The lines below "key =": each is "key = value". */
static int read_nested(struct reader *r, struct text lines, struct error *err)
{
    while (lines.data) {
        struct text line = trimmed(text_cut(&lines, '\n'));
        if (!line.len)
            continue;
        struct text key = line;
        struct text value = key;
        key = text_cut(&value, '=');
        if (!value.data || !trimmed(key).len)
            return problem(r, r->setting_line, "'=' expected in the indented lines below", err);
        struct profile_setting *nested;
        if (add_setting(r, &r->setting->nested, keep(r, trimmed(key)), r->setting_line, &nested,
                        err) != 0)
            return -1;
        nested->value = keep(r, trimmed(value));
    }
    return 0;
}

static int end_setting(struct reader *r, struct error *err)
{
    if (!r->setting)
        return 0;
    int result = 0;
    struct text value = {buf_text(&r->value), r->value.len};
    if (value.len && value.data[0] == '\n') {
        result = read_nested(r, value, err);
    } else {
        while (value.len && value.data[value.len - 1] == '\n')
            value.len--;
        r->setting->value = keep(r, value);
    }
    buf_reset(&r->value);
    r->setting = NULL;
    return result;
}

static int start_setting(struct reader *r, struct text line, struct error *err)
{
    if (!r->section)
        return problem(r, r->line, "a setting stands before the first [section]", err);
    size_t at = 0;
    while (at < line.len && line.data[at] != '=' && line.data[at] != ':')
        at++;
    struct text key = trimmed((struct text){line.data, at});
    if (at == line.len || !key.len)
        return problem(r, r->line, "neither a [section] nor \"key = value\"", err);
    struct text value = trimmed((struct text){line.data + at + 1, line.len - at - 1});
    if (add_setting(r, &r->section->settings, lowered(r, key), r->line, &r->setting, err) != 0)
        return -1;
    r->setting_line = r->line;
    buf_append(&r->value, value.data, value.len);
    return 0;
}

/* --- sections --------------------------------------------------------------------------------- */

/* "profile name", with quotes around the name when it has blanks; ERR otherwise: not one of ours.
 */
static bool named(struct text header, const char *word, struct text *name)
{
    size_t len = strlen(word);
    if (header.len <= len || memcmp(header.data, word, len) != 0 ||
        (header.data[len] != ' ' && header.data[len] != '\t'))
        return false;
    *name = trimmed((struct text){header.data + len, header.len - len});
    if (!name->len)
        return false;
    char quote = name->data[0];
    if (quote == '"' || quote == '\'') {
        if (name->len < 3 || name->data[name->len - 1] != quote)
            return false;
        name->data++;
        name->len -= 2;
        return !memchr(name->data, quote, name->len);
    }
    return !memchr(name->data, ' ', name->len) && !memchr(name->data, '\t', name->len);
}

static void classify(struct reader *r, struct text header, struct profile_section *section)
{
    struct text name = header;
    section->kind = PROFILE_OTHER;
    if (r->kind == PROFILE_CREDENTIALS) {
        section->kind = PROFILE_SECTION;
    } else if (text_is(header, "default")) {
        section->kind = PROFILE_SECTION;
    } else if (named(header, "profile", &name)) {
        section->kind = PROFILE_SECTION;
        section->prefixed = true;
    } else if (named(header, "services", &name)) {
        section->kind = PROFILE_SERVICES;
    } else if (named(header, "sso-session", &name)) {
        section->kind = PROFILE_SSO_SESSION;
    } else {
        name = header;
    }
    section->name = keep(r, name);
}

static int start_section(struct reader *r, struct text line, struct error *err)
{
    size_t end = line.len;
    while (end && line.data[end - 1] != ']')
        end--;
    struct text header = trimmed((struct text){line.data + 1, end > 1 ? end - 2 : 0});
    struct text behind = trimmed((struct text){line.data + end, line.len - end});
    if (!header.len || (behind.len && behind.data[0] != '#' && behind.data[0] != ';'))
        return problem(r, r->line, "this is no [section]", err);

    struct profile_section section = {0};
    classify(r, header, &section);
    struct profile_section **list = &r->file->sections;
    for (; *list; list = &(*list)->next)
        if ((*list)->kind == section.kind && (*list)->prefixed == section.prefixed &&
            strcmp((*list)->name, section.name) == 0)
            return problem(r, r->line, "this section was given before", err);
    if (++r->section_count > LARGEST_SECTION_COUNT)
        return problem(r, r->line, "too many sections", err);
    *list = arena_memdup(r->arena, &section, sizeof section);
    r->section = *list;
    return 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

static int read_line(struct reader *r, struct text raw, struct error *err)
{
    struct text line = trimmed(raw);
    if (!line.len || line.data[0] == '#' || line.data[0] == ';') {
        /* Inside a value of several lines it counts as an empty one. */
        if (r->setting && !line.len)
            buf_append_char(&r->value, '\n');
        return 0;
    }
    size_t indent = (size_t)(line.data - raw.data);
    if (r->setting && indent > r->indent) {
        buf_append_char(&r->value, '\n');
        buf_append(&r->value, line.data, line.len);
        return 0;
    }
    if (end_setting(r, err) != 0)
        return -1;
    r->indent = indent;
    return line.data[0] == '[' ? start_section(r, line, err) : start_setting(r, line, err);
}

int profile_file_parse(struct arena *arena, const char *path, const char *data, size_t len,
                       enum profile_file_kind kind, struct profile_file *out, struct error *err)
{
    *out = (struct profile_file){.path = arena_strdup(arena, path)};
    if (len > PROFILE_FILE_LIMIT)
        return error_set(err, ERR_LIMIT, "%s is larger than %d bytes", path, PROFILE_FILE_LIMIT);
    if (memchr(data, '\0', len) || !text_utf8_valid(data, len))
        return error_set(err, ERR_INVALID, "%s is not UTF-8 text", path);

    struct reader reader = {.arena = arena, .file = out, .kind = kind};
    buf_init(&reader.value, 2 * PROFILE_FILE_LIMIT);
    struct text rest = {data, len};
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) /* byte order mark of some editors */
        rest = (struct text){data + 3, len - 3};
    int result = 0;
    while (rest.data && result == 0) {
        reader.line++;
        result = read_line(&reader, text_cut(&rest, '\n'), err);
    }
    if (result == 0)
        result = end_setting(&reader, err);
    buf_done(&reader.value);
    return result;
}

int profile_file_read(struct arena *arena, const char *path, const char *home,
                      enum profile_file_kind kind, struct profile_file *out, struct error *err)
{
    if (home && text_starts(path, "~/"))
        path = arena_printf(arena, "%s%s", home, path + 1);
    *out = (struct profile_file){.path = arena_strdup(arena, path)};
    char *data;
    size_t len;
    struct error reading = {0};
    if (file_read(arena, path, PROFILE_FILE_LIMIT, false, &data, &len, &reading) == 0)
        return profile_file_parse(arena, path, data, len, kind, out, err);
    if (reading.code == ERR_NOT_FOUND)
        return 0;
    if (err)
        *err = reading;
    return -1;
}

const struct profile_section *profile_find(const struct profile_file *file,
                                           enum profile_section_kind kind, const char *name)
{
    const struct profile_section *found = NULL;
    for (const struct profile_section *at = file->sections; at; at = at->next)
        if (at->kind == kind && strcmp(at->name, name) == 0 && (!found || at->prefixed))
            found = at;
    return found;
}

static const struct profile_setting *find_setting(const struct profile_setting *at, const char *key)
{
    while (at && strcasecmp(at->key, key) != 0)
        at = at->next;
    return at;
}

const char *profile_value(const struct profile_section *section, const char *key)
{
    const struct profile_setting *found = section ? find_setting(section->settings, key) : NULL;
    return found && !found->nested ? found->value : NULL;
}

const char *profile_nested(const struct profile_section *section, const char *group,
                           const char *key)
{
    const struct profile_setting *found = section ? find_setting(section->settings, group) : NULL;
    found = found ? find_setting(found->nested, key) : NULL;
    return found ? found->value : NULL;
}
