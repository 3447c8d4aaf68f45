#include "event/event.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/reconcile.h"
#include "event/event_sources.h"

#include <string.h>

enum {
    NAMES_MAX = 1000,
    NAME_LIMIT = 2048, /* an ARN of a parameter or a secret; names are shorter */
};

struct names {
    struct arena *arena;
    const char **items;
    size_t count;
    const char *path; /* that is being read; for messages */
};

static int missing(const char *member, struct error *err)
{
    return error_set(err, ERR_INVALID, "the event has no %s", member);
}

static int wrong(const char *member, struct error *err)
{
    return error_set(err, ERR_INVALID, "the event's %s is not what it should be", member);
}

/* --- names ------------------------------------------------------------------------------------ */

static int add_name(struct names *names, const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (!len || len > NAME_LIMIT)
        return wrong(names->path, err);
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return 0;
    if (names->count == NAMES_MAX)
        return error_set(err, ERR_INVALID, "the event's %s names more than %d things", names->path,
                         NAMES_MAX);
    if (!names->items)
        names->items = arena_calloc(names->arena, NAMES_MAX, sizeof *names->items);
    names->items[names->count++] = arena_strndup(names->arena, name, len);
    return 0;
}

/* Null is as good as absent: CloudTrail writes both. */
static int gather(struct names *names, const json_t *value, const char *path, struct error *err)
{
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (json_is_array(json_array_get(value, i)) ||
                gather(names, json_array_get(value, i), path, err) != 0)
                return err->code ? -1 : wrong(names->path, err);
        return 0;
    }
    if (!value || json_is_null(value))
        return 0;
    if (!*path)
        return json_is_string(value) ? add_name(names, json_string_value(value), err)
                                     : wrong(names->path, err);
    if (!json_is_object(value))
        return wrong(names->path, err);
    struct text rest = text_of(path), part = text_cut(&rest, '.');
    const json_t *member = json_object_getn(value, part.data, part.len);
    return gather(names, member, rest.data ? rest.data : "", err);
}

/* The ARN of "/x" and of "x" is the same, so both are looked at; a name with levels has the slash.
 */
static int add_parameter(struct names *out, const struct arn *arn, struct error *err)
{
    static const char prefix[] = "parameter/";
    if (!text_is(arn->service, "ssm") || !text_starts(arn->resource.data, prefix))
        return wrong(out->path, err);
    const char *bare = arn->resource.data + sizeof prefix - 1;
    if (!*bare || add_name(out, arena_printf(out->arena, "/%s", bare), err) != 0)
        return err->code ? -1 : wrong(out->path, err);
    return strchr(bare, '/') ? 0 : add_name(out, bare, err);
}

static int plain_parameters(struct names *names, struct error *err)
{
    struct names plain = {.arena = names->arena, .path = names->path};
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        struct arn arn;
        int result = arn_is(name) && arn_parse(name, strlen(name), &arn) == 0
                         ? add_parameter(&plain, &arn, err)
                         : add_name(&plain, name, err);
        if (result != 0)
            return -1;
    }
    *names = plain;
    return 0;
}

static bool is_key_arn(const char *name)
{
    struct arn arn;
    return arn_is(name) && arn_parse(name, strlen(name), &arn) == 0 &&
           text_starts(arn.resource.data, "key/");
}

static void keys_first(struct names *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++)
        if (is_key_arn(names->items[i]))
            names->items[kept++] = names->items[i];
    if (kept)
        names->count = kept;
}

static int read_names(const struct event_shape *shape, const json_t *detail, struct names *names,
                      struct error *err)
{
    for (size_t i = 0; i < EVENT_PATHS_MAX && shape->paths[i]; i++) {
        names->path = shape->paths[i];
        if (names->count && !shape->all)
            break;
        if (gather(names, detail, shape->paths[i], err) != 0)
            return -1;
    }
    if (!names->count)
        return error_set(err, ERR_INVALID, "the event's detail has no %s", shape->paths[0]);
    if (shape->keys)
        keys_first(names);
    return shape->parameters ? plain_parameters(names, err) : 0;
}

/* --- one row ---------------------------------------------------------------------------------- */

static const json_t *member_at(const json_t *value, const char *path)
{
    struct text rest = text_of(path);
    while (value && rest.data) {
        struct text part = text_cut(&rest, '.');
        value = json_object_getn(value, part.data, part.len);
    }
    return json_is_null(value) ? NULL : value;
}

static int read_version(const struct event_shape *shape, const json_t *detail, int64_t *version,
                        struct error *err)
{
    const json_t *value = shape->version ? member_at(detail, shape->version) : NULL;
    *version = 0;
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return wrong(shape->version, err);
    *version = json_integer_value(value);
    return 0;
}

static int read_time(const json_t *event, int64_t *time_ms, struct error *err)
{
    const json_t *value = json_object_get(event, "time");
    *time_ms = 0;
    if (!value || json_is_null(value))
        return 0;
    const char *text = json_string_value(value);
    return text && clock_parse_iso(text, strlen(text), time_ms) == 0 ? 0 : wrong("time", err);
}

static int read_row(struct arena *arena, const json_t *event, const struct event_shape *shape,
                    struct event_hints *out, struct error *err)
{
    const json_t *detail = json_object_get(event, "detail");
    struct names names = {.arena = arena};
    struct hint hint = {.kind = shape->kind,
                        .account = arena_strdup(arena, json_text(event, "account")),
                        .region = arena_strdup(arena, json_text(event, "region"))};
    if (shape->only_path) {
        const char *text = json_string_value(member_at(detail, shape->only_path));
        if (!text)
            return error_set(err, ERR_INVALID, "the event's detail has no %s", shape->only_path);
        if (strcmp(text, shape->only_text) != 0) {
            out->ignored = "it is about nothing that is replicated";
            return 0;
        }
    }
    if (read_names(shape, detail, &names, err) != 0 ||
        read_version(shape, detail, &hint.version, err) != 0 ||
        read_time(event, &hint.at_ms, err) != 0)
        return -1;
    out->hints = arena_calloc(arena, names.count, sizeof *out->hints);
    out->count = names.count;
    for (size_t i = 0; i < names.count; i++) {
        out->hints[i] = hint;
        out->hints[i].name = names.items[i];
    }
    return 0;
}

/* --- the envelope ----------------------------------------------------------------------------- */

static bool is_set(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value);
}

/* A record of CloudTrail that tells of no change. Looked at first: of a call that failed, the rest
 * may be null (R15). */
static const char *unchanged(const json_t *detail)
{
    if (is_set(detail, "errorCode") || is_set(detail, "errorMessage"))
        return "the call failed";
    if (json_is_true(json_object_get(detail, "readOnly")))
        return "the call only reads";
    return NULL;
}

static int check_envelope(const json_t *event, struct error *err)
{
    static const char *const texts[] = {"source", "detail-type", "account", "region"};
    if (!json_is_object(event))
        return error_set(err, ERR_INVALID, "the event is not a JSON object");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *value = json_object_get(event, texts[i]);
        if (!value)
            return missing(texts[i], err);
        if (!json_string_length(value))
            return wrong(texts[i], err);
    }
    if (!account_valid(json_text(event, "account")))
        return wrong("account", err);
    if (strlen(json_text(event, "region")) > 64)
        return wrong("region", err);
    const json_t *detail = json_object_get(event, "detail");
    if (!detail)
        return missing("detail", err);
    return json_is_object(detail) ? 0 : wrong("detail", err);
}

/* Minor versions only add members. */
static int check_record(const json_t *detail, struct error *err)
{
    const json_t *version = json_object_get(detail, "eventVersion");
    const char *text = json_string_value(version);
    if (version && (!text || !text_starts(text, "1.")))
        return wrong("detail.eventVersion", err);
    const json_t *name = json_object_get(detail, "eventName");
    if (!name)
        return missing("detail.eventName", err);
    return json_string_length(name) ? 0 : wrong("detail.eventName", err);
}

static bool row_fits(const struct event_source *row, const json_t *event, const char *name)
{
    return strcmp(row->source, json_text(event, "source")) == 0 &&
           strcmp(row->detail_type, json_text(event, "detail-type")) == 0 &&
           (!row->name || (name && strcmp(row->name, name) == 0));
}

int event_read(struct arena *arena, const json_t *event, struct event_hints *out, struct error *err)
{
    struct error own = {0};
    if (!err)
        err = &own;
    error_clear(err);
    *out = (struct event_hints){0};
    if (check_envelope(event, err) != 0)
        return -1;
    const json_t *detail = json_object_get(event, "detail");
    bool record = text_ends(json_text(event, "detail-type"), " via CloudTrail");
    if (record && check_record(detail, err) != 0)
        return -1;
    const char *name = record ? json_text(detail, "eventName") : NULL;
    for (const struct event_source *row = event_sources; row->source; row++) {
        if (strcmp(row->source, json_text(event, "source")) == 0)
            out->source = row->source;
        if (!row_fits(row, event, name))
            continue;
        out->what = row->name ? row->name : row->detail_type;
        out->ignored = record ? unchanged(detail) : NULL;
        return out->ignored ? 0 : read_row(arena, event, row->shape, out, err);
    }
    if (!out->source)
        return error_set(err, ERR_INVALID,
                         "the event's source is none whose events are understood: mend the rule's "
                         "pattern");
    out->ignored = "it is about nothing that is replicated";
    return 0;
}

int event_read_body(struct arena *arena, const char *body, size_t len, struct event_hints *out,
                    struct error *err)
{
    *out = (struct event_hints){0};
    json_t *event = json_read(body, len, err);
    if (!event)
        return error_context(err, "the message's body");
    const json_t *message = json_object_get(event, "Message");
    if (json_is_string(message) && !json_object_get(event, "detail-type")) {
        json_t *inner = json_read(json_string_value(message), json_string_length(message), err);
        json_decref(event);
        event = inner;
    }
    int result = event ? event_read(arena, event, out, err)
                       : error_context(err, "the notification's Message");
    json_decref(event);
    return result;
}
