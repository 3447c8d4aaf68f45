/* Which grants a copy is to have, and what is said of each. Pure. */
#include "resource/kms_grants.h"

#include "base/json.h"
#include "base/text.h"
#include "resource/kms_grants_intern.h"
#include "resource/kms_kind.h"

#include <string.h>

enum { ROWS_BYTES_MOST = 24 * 1024 }; /* of one copy: reports show it for each */

struct judging {
    struct arena *arena;
    const struct resource_settings *settings;
    const struct judge_options *options;
    json_t *source, *here;  /* all there are */
    json_t *mapped, *there; /* those that a copy can have: of the source, as the Region has them */
    struct meanings wanted, had;
    bool copies;          /* they are made */
    const char *obstacle; /* why not, all the same; NULL: nothing */
};

static bool rule_takes(const struct judging *j, const json_t *grant)
{
    if (!j->copies || j->obstacle)
        return false;
    return j->settings->revoke_all_grants ||
           (j->settings->revoke_own_grants &&
            text_starts(json_text_or(grant, "Name", ""), GRANT_MARK));
}

/* --- another Region --------------------------------------------------------------------------- */
static void move_text(const struct judging *j, json_t *owner, const char *name)
{
    const char *text = json_text(owner, name);
    if (text)
        json_object_set_new(owner, name,
                            json_string(kms_text_for_region(j->arena, text,
                                                            j->options->source_region,
                                                            j->options->region)));
}

static json_t *moved(const struct judging *j, const json_t *grant)
{
    json_t *copy = json_deep_copy(grant), *pairs, *value;
    const char *constraint, *key;
    void *next;
    if (j->settings->verbatim_policy)
        return copy;
    move_text(j, copy, "GranteePrincipal");
    move_text(j, copy, "RetiringPrincipal");
    json_object_foreach(json_object_get(copy, "Constraints"), constraint, pairs)
    {
        json_object_foreach_safe(pairs, next, key, value)
        {
            move_text(j, pairs, key);
        }
    }
    return copy;
}

static json_t *copyable(const struct judging *j, const json_t *grants, bool from_source)
{
    json_t *out = json_array(), *grant;
    size_t i;
    json_array_foreach(grants, i, grant)
    {
        if (!kms_grant_problem(grant))
            json_array_append_new(out, from_source ? moved(j, grant) : json_deep_copy(grant));
    }
    return out;
}

/* --- what is said ----------------------------------------------------------------------------- */
static const char *joined(struct arena *arena, const json_t *list)
{
    const char *text = "";
    for (size_t i = 0; i < json_array_size(list); i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "",
                            json_string_value(json_array_get(list, i)));
    return text;
}

/* "app: arn:aws:iam::111122223333:role/app may Decrypt, Encrypt if the context is team=a". */
static const char *in_words(struct arena *arena, const json_t *grant)
{
    const char *name = json_text(grant, "Name"), *constraint, *key;
    const char *grantee = json_text(grant, "GranteePrincipal");
    const char *retiring = json_text(grant, "RetiringPrincipal");
    json_t *pairs, *value;
    if (!grantee)
        grantee = json_text_or(grant, "GranteeServicePrincipal", "nobody");
    if (!retiring)
        retiring = json_text(grant, "RetiringServicePrincipal");
    const char *text = arena_printf(arena, "%s%s%s may %s", name ? name : "", name ? ": " : "",
                                    grantee, joined(arena, json_object_get(grant, "Operations")));
    json_object_foreach(json_object_get(grant, "Constraints"), constraint, pairs)
    {
        if (!json_is_object(pairs)) {
            text = arena_printf(arena, "%s for %s", text,
                                json_is_string(pairs) ? json_string_value(pairs) : constraint);
            continue;
        }
        bool all = strcmp(constraint, "EncryptionContextEquals") == 0;
        const char *before = all ? " if the context is " : " if the context has ";
        json_object_foreach(pairs, key, value)
        {
            text = arena_printf(arena, "%s%s%s=%s", text, before, key,
                                json_is_string(value) ? json_string_value(value) : "?");
            before = ", ";
        }
    }
    return retiring ? arena_printf(arena, "%s, retired by %s", text, retiring) : text;
}

struct rows {
    json_t *list;
    size_t bytes, more;
    size_t lacking, extra, foreign; /* foreign: at the source, and no copy can have it */
};

static void add_row(const struct judging *j, struct rows *rows, const json_t *grant,
                    const char *region, const char *fate, bool same)
{
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:b, s:s, s:O}", "what", "grant", "region", region, "fate", fate,
                  "same", same, "text", in_words(j->arena, grant), "grant", (json_t *)grant);
    size_t bytes = strlen(kms_grant_text(j->arena, row));
    if (rows->bytes + bytes <= ROWS_BYTES_MOST) {
        json_array_append(rows->list, row);
        rows->bytes += bytes;
    } else {
        rows->more++;
    }
    json_decref(row);
}

static void source_rows(const struct judging *j, struct rows *rows)
{
    size_t i;
    json_t *grant;
    json_array_foreach(j->source, i, grant)
    {
        const char *fate = kms_grant_problem(grant);
        bool same = fate != NULL;
        if (fate) {
            rows->foreign++;
            fate = arena_printf(j->arena, "not carried: %s", fate);
        } else {
            json_t *here = moved(j, grant);
            same = kms_grants_mean(&j->had, kms_grant_meaning(j->arena, here));
            json_decref(here);
            rows->lacking += !same;
            fate = same          ? "there too"
                   : !j->copies  ? "not carried"
                   : j->obstacle ? "not carried now"
                                 : "to be made";
        }
        add_row(j, rows, grant, j->options->source_region, fate, same);
    }
}

static void copy_rows(const struct judging *j, struct rows *rows)
{
    size_t i;
    json_t *grant;
    json_array_foreach(j->here, i, grant)
    {
        const char *problem = kms_grant_problem(grant);
        if (!problem && kms_grants_mean(&j->wanted, kms_grant_meaning(j->arena, grant)))
            continue;
        rows->extra += !problem;
        add_row(j, rows, grant, j->options->region,
                problem                ? arena_printf(j->arena, "only there: %s", problem)
                : rule_takes(j, grant) ? "only there: to be revoked"
                                       : "only there",
                problem != NULL);
    }
}

static int64_t left_out(const char *shown)
{
    json_t *all = shown ? json_read(shown, strlen(shown), NULL) : NULL;
    int64_t more = json_int_or(all, "more", 0);
    json_decref(all);
    return more;
}

static void say(const struct judging *j, const struct resource *want, const struct resource *have,
                struct verdict *out)
{
    struct rows rows = {.list = json_array()};
    source_rows(j, &rows);
    copy_rows(j, &rows);
    int64_t more = left_out(want->fields[KMS_GRANTS_SHOWN]) +
                   left_out(have ? have->fields[KMS_GRANTS_SHOWN] : NULL) + (int64_t)rows.more;
    bool differ = have && (rows.lacking || rows.extra) && (!j->copies || !rows.lacking);
    json_t *details = json_pack("{s:s*, s:O, s:I}", "aside", differ ? "other grants" : NULL, "rows",
                                rows.list, "more", (json_int_t)more);
    if (json_array_size(rows.list) || more)
        out->details = kms_grant_text(j->arena, details);
    if (rows.lacking && !j->copies)
        out->note = kms_note(j->arena, out->note,
                             arena_printf(j->arena, "%zu grant%s not carried", rows.lacking,
                                          rows.lacking == 1 ? "" : "s"));
    /* Once it is there its services have made theirs, or need none. */
    if (rows.foreign && j->copies && !have && !out->loss)
        out->loss = arena_printf(j->arena,
                                 "%zu grant%s of AWS services not carried: each makes its own in "
                                 "each Region",
                                 rows.foreign, rows.foreign == 1 ? "" : "s");
    json_decref(details);
    json_decref(rows.list);
}

/* --- what there is to be ---------------------------------------------------------------------- */
static const char *obstacle(const struct judging *j, const struct resource *want,
                            const struct resource *have)
{
    const char *state = want->fields[KMS_STATE], *now = have ? have->fields[KMS_STATE] : NULL;
    bool enabled =
        (state && strcmp(state, kms_enabled) == 0) || (now && strcmp(now, kms_enabled) == 0);
    if (left_out(want->fields[KMS_GRANTS_SHOWN]) ||
        left_out(have ? have->fields[KMS_GRANTS_SHOWN] : NULL))
        return "more grants than can be kept apart: none is copied";
    if (enabled)
        return NULL;
    for (size_t i = 0; i < j->wanted.count; i++)
        if (!kms_grants_mean(&j->had, j->wanted.texts[i]))
            return "grants that lack are made when it is enabled: AWS makes none before";
    return NULL;
}

static const char *final_list(const struct judging *j)
{
    json_t *out = json_array(), *grant;
    size_t i;
    json_array_foreach(j->there, i, grant)
    {
        if (kms_grants_mean(&j->wanted, kms_grant_meaning(j->arena, grant)) ||
            !rule_takes(j, grant))
            json_array_append(out, grant);
    }
    json_array_foreach(j->mapped, i, grant)
    {
        if (!kms_grants_mean(&j->had, kms_grant_meaning(j->arena, grant)))
            json_array_append(out, grant);
    }
    const char *text = kms_grants_text(j->arena, out);
    json_decref(out);
    return text;
}

static json_t *all_of(const char *shown)
{
    json_t *read = shown ? json_read(shown, strlen(shown), NULL) : NULL;
    json_t *list = json_incref(json_object_get(read, "grants"));
    json_decref(read);
    return list ? list : json_array();
}

void kms_grants_judge(struct arena *arena, struct resource *want, const struct resource *have,
                      const struct judge_options *options, struct verdict *out)
{
    struct judging j = {.arena = arena,
                        .options = options,
                        .settings = kms_settings(options->settings),
                        .source = all_of(want->fields[KMS_GRANTS_SHOWN]),
                        .here = all_of(have ? have->fields[KMS_GRANTS_SHOWN] : NULL)};
    j.copies = j.settings->grants == GRANTS_COPIED;
    j.mapped = copyable(&j, j.source, true);
    j.there = copyable(&j, j.here, false);
    j.wanted = kms_grants_meanings(arena, j.mapped);
    j.had = kms_grants_meanings(arena, j.there);
    if (j.copies)
        j.obstacle = obstacle(&j, want, have);
    if (j.obstacle && !out->loss)
        out->loss = j.obstacle;
    if (j.settings->grants != GRANTS_IGNORED)
        say(&j, want, have, out);
    /* Only what copies are to have is compared. */
    want->fields[KMS_GRANTS] = !j.copies    ? NULL
                               : j.obstacle ? (have ? have->fields[KMS_GRANTS] : NULL)
                                            : final_list(&j);
    json_decref(j.there);
    json_decref(j.mapped);
    json_decref(j.here);
    json_decref(j.source);
}
