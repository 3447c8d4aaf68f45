#include "engine/denials.h"

#include "aws/denial.h"

#include <string.h>

/* Up to and with the fifth colon: partition, service, Region and account. */
static size_t place_len(const char *arn)
{
    size_t colons = 0, len = 0;
    while (arn[len] && colons < 5)
        colons += arn[len++] == ':';
    return colons == 5 ? len : 0;
}

static bool same_place(const char *a, const char *b)
{
    size_t len = place_len(a);
    return len == place_len(b) && strncmp(a, b, len) == 0;
}

/* What both begin with, back to a '/' or to the place: never into the middle of a name. */
static const char *in_common(struct arena *arena, const char *a, const char *b)
{
    size_t least = place_len(a), len = 0;
    if (strcmp(a, b) == 0)
        return a;
    if (!least)
        return "*";
    while (a[len] && a[len] == b[len])
        len++;
    while (len > least && a[len - 1] != '/')
        len--;
    return arena_printf(arena, "%.*s*", (int)len, a);
}

void denials_add(struct denials *denials, const char *text)
{
    struct denial denial;
    char principal[160];
    if (!text || !denial_parse(text, &denial) || !denial.action.len)
        return;
    denial_principal(&denial, principal, sizeof principal);
    const char *action = arena_strndup(denials->arena, denial.action.data, denial.action.len);
    const char *resource = denial.resource.len ? arena_strndup(denials->arena, denial.resource.data,
                                                               denial.resource.len)
                                               : "*";
    bool explicit_deny = denial.cause == DENIAL_EXPLICIT;
    for (size_t i = 0; i < denials->count; i++) {
        struct denial_entry *entry = &denials->entries[i];
        if (strcmp(entry->principal, principal) == 0 && strcmp(entry->action, action) == 0 &&
            entry->explicit_deny == explicit_deny && same_place(entry->resource, resource)) {
            entry->resource = in_common(denials->arena, entry->resource, resource);
            entry->count++;
            return;
        }
    }
    if (denials->count < DENIALS_MAX)
        denials->entries[denials->count++] = (struct denial_entry){
            .principal = arena_strdup(denials->arena, principal),
            .action = action,
            .resource = resource,
            .explicit_deny = explicit_deny,
            .count = 1,
        };
}

static int add_step(const struct step *step, void *arg, struct error *err)
{
    (void)err;
    if (step->action == STEP_FAILED || step->status == STATUS_FAILED)
        denials_add(arg, step->reason);
    return 0;
}

int denials_gather(struct engine *engine, struct arena *arena, struct denials *out,
                   struct error *err)
{
    struct arena scratch;
    *out = (struct denials){.arena = arena};
    for (unsigned i = 0; i < engine->side_count; i++) {
        const struct side *side = &engine->sides[i];
        if (side->failed)
            denials_add(out, side->error.message);
        if (side->tags_one_by_one)
            denials_add(out, side->tags_error.message);
    }
    arena_init(&scratch);
    int result = inventory_steps(engine->inventory, &scratch, add_step, out, err);
    arena_done(&scratch);
    return result;
}

void denial_entry_statement(const struct denial_entry *entry, struct json_writer *w)
{
    json_open(w);
    json_put_text(w, "Effect", "Allow");
    json_put_text(w, "Action", entry->action);
    json_put_text(w, "Resource", entry->resource);
    json_close(w);
}
