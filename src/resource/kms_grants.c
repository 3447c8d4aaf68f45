/* Grants as a Region has them, what they mean, and making and revoking those of a copy. */
#include "resource/kms_grants.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "resource/kms_grants_intern.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>

enum {
    GRANTS_PAGE = 100,
    PAGES_MOST = 500,        /* of 100: as many as a key may have */
    KEPT_MOST = 1000,        /* of one key */
    BYTES_MOST = 128 * 1024, /* likewise */
    NAME_MOST = 200,         /* of 256, to leave room for ours around it */
    SHORT_DIGEST = 6,        /* bytes: a key has few grants of one name */
};

/* --- what a grant means ----------------------------------------------------------------------- */
static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *kms_grant_text(struct arena *arena, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    const char *text = arena_strdup(arena, dumped ? dumped : "");
    free(dumped);
    return text;
}

const char *kms_grant_meaning(struct arena *arena, const json_t *grant)
{
    json_t *bare = json_copy((json_t *)grant);
    json_object_del(bare, "Name");
    const char *text = kms_grant_text(arena, bare);
    json_decref(bare);
    return text;
}

/* Sorted, each once. */
struct meanings kms_grants_meanings(struct arena *arena, const json_t *list)
{
    struct meanings out = {arena_calloc(arena, json_array_size(list) + 1, sizeof *out.texts), 0};
    const char **all = arena_calloc(arena, json_array_size(list) + 1, sizeof *all);
    size_t i, count = 0;
    json_t *grant;
    json_array_foreach(list, i, grant)
    {
        all[count++] = kms_grant_meaning(arena, grant);
    }
    if (count)
        qsort(all, count, sizeof *all, order_texts);
    for (i = 0; i < count; i++)
        if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
            out.texts[out.count++] = all[i];
    return out;
}

bool kms_grants_mean(const struct meanings *meanings, const char *text)
{
    return meanings->count && bsearch(&text, meanings->texts, meanings->count,
                                      sizeof *meanings->texts, order_texts) != NULL;
}

json_t *kms_grants_list(const char *list)
{
    json_t *read = list ? json_read(list, strlen(list), NULL) : NULL;
    return read ? read : json_array();
}

size_t kms_grants_lacking(const char *these, const char *those)
{
    struct arena arena;
    json_t *one = kms_grants_list(these), *other = kms_grants_list(those);
    size_t lacking = 0;
    arena_init(&arena);
    const struct meanings wanted = kms_grants_meanings(&arena, one);
    const struct meanings there = kms_grants_meanings(&arena, other);
    for (size_t i = 0; i < wanted.count; i++)
        lacking += !kms_grants_mean(&there, wanted.texts[i]);
    arena_done(&arena);
    json_decref(one);
    json_decref(other);
    return lacking;
}

bool kms_grants_same(const char *one, const char *other)
{
    return kms_grants_lacking(one, other) == 0 && kms_grants_lacking(other, one) == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */
static bool is_service(const char *principal)
{
    return principal && (strstr(principal, ".amazonaws.com") != NULL ||
                         /* who attaches volumes (K: as CloudTrail and ListGrants show it) */
                         strstr(principal, ":assumed-role/aws:") != NULL);
}

const char *kms_grant_problem(const json_t *grant)
{
    const char *grantee = json_text(grant, "GranteePrincipal");
    const char *retiring = json_text(grant, "RetiringPrincipal");
    if (json_object_get(grant, "GranteeServicePrincipal") ||
        json_object_get(grant, "RetiringServicePrincipal") ||
        json_object_get(json_object_get(grant, "Constraints"), "SourceArn") ||
        is_service(grantee) || is_service(retiring))
        return "of an AWS service, which makes its own in each Region";
    if (!grantee || !text_starts(grantee, "arn:") || (retiring && !text_starts(retiring, "arn:")))
        return "names a principal that is gone";
    return NULL;
}

static json_t *sorted_operations(struct arena *arena, const json_t *grant)
{
    const json_t *given = json_object_get(grant, "Operations");
    const char **texts = arena_calloc(arena, json_array_size(given) + 1, sizeof *texts);
    size_t i, count = 0;
    json_t *operation, *out = json_array();
    json_array_foreach(given, i, operation)
    {
        if (json_is_string(operation))
            texts[count++] = json_string_value(operation);
    }
    if (count)
        qsort(texts, count, sizeof *texts, order_texts);
    for (i = 0; i < count; i++)
        json_array_append_new(out, json_string(texts[i]));
    return out;
}

/* What is kept of a row of ListGrants. An empty constraint says nothing. */
static json_t *grant_of(struct arena *arena, const json_t *row)
{
    static const char *const texts[] = {"Name", "GranteePrincipal", "GranteeServicePrincipal",
                                        "RetiringPrincipal", "RetiringServicePrincipal"};
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = json_text(row, texts[i]);
        if (text && *text)
            json_object_set_new(out, texts[i], json_string(text));
    }
    json_object_set_new(out, "Operations", sorted_operations(arena, row));
    json_t *constraints = json_deep_copy(json_object_get(row, "Constraints")), *value;
    const char *name;
    void *next;
    json_object_foreach_safe(constraints, next, name, value)
    {
        if (json_is_object(value) && json_object_size(value) == 0)
            json_object_del(constraints, name);
    }
    if (json_object_size(constraints))
        json_object_set(out, "Constraints", constraints);
    json_decref(constraints);
    return out;
}

typedef int grant_fn(const json_t *row, void *arg, struct error *err);

static int each_grant(struct resource_ctx *ctx, const char *key, grant_fn *each, void *arg,
                      struct error *err)
{
    json_t *answer = NULL;
    for (int page = 0; page < PAGES_MOST; page++) {
        json_t *in = json_pack("{s:s, s:i}", "KeyId", key, "Limit", (int)GRANTS_PAGE);
        const char *marker = json_text(answer, "NextMarker");
        if (marker)
            json_object_set_new(in, "Marker", json_string(marker));
        json_decref(answer);
        answer = NULL;
        int result = resource_call(ctx, &operation_kms_list_grants, in, &answer, err);
        json_decref(in);
        if (result != 0)
            return error_context(err, "list the grants of key %s in %s", key, ctx->region);
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(answer, "Grants"), i, row)
        {
            if (result == 0)
                result = each(row, arg, err);
        }
        if (result != 0 || !json_bool_or(answer, "Truncated", false)) {
            json_decref(answer);
            return result;
        }
    }
    json_decref(answer);
    return error_set(err, ERR_LIMIT, "key %s in %s: ListGrants has no end", key, ctx->region);
}

struct reading {
    struct arena *arena;
    json_t *grants;
    size_t bytes;
    uint64_t more;
};

static int keep_grant(const json_t *row, void *arg, struct error *err)
{
    struct reading *reading = arg;
    (void)err;
    json_t *grant = grant_of(reading->arena, row);
    reading->bytes += strlen(kms_grant_text(reading->arena, grant));
    if (json_array_size(reading->grants) < KEPT_MOST && reading->bytes < BYTES_MOST)
        json_array_append(reading->grants, grant);
    else
        reading->more++;
    json_decref(grant);
    return 0;
}

struct sortable {
    const char *meaning, *name;
    json_t *grant;
};

static int order_grants(const void *a, const void *b)
{
    const struct sortable *one = a, *other = b;
    int order = strcmp(one->meaning, other->meaning);
    return order ? order : strcmp(one->name, other->name);
}

const char *kms_grants_text(struct arena *arena, const json_t *list)
{
    size_t count = json_array_size(list);
    struct sortable *rows = arena_calloc(arena, count + 1, sizeof *rows);
    json_t *sorted = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *grant = json_array_get(list, i);
        rows[i] = (struct sortable){kms_grant_meaning(arena, grant),
                                    json_text_or(grant, "Name", ""), grant};
    }
    if (count)
        qsort(rows, count, sizeof *rows, order_grants);
    for (size_t i = 0; i < count; i++)
        json_array_append(sorted, rows[i].grant);
    const char *text = count ? kms_grant_text(arena, sorted) : NULL;
    json_decref(sorted);
    return text;
}

int kms_grants_read(struct resource_ctx *ctx, const struct kms_key *key, struct kms_grants *out,
                    struct error *err)
{
    struct arena *arena = ctx->arena;
    struct reading reading = {.arena = arena, .grants = json_array()};
    *out = (struct kms_grants){0};
    int result = each_grant(ctx, key->arn, keep_grant, &reading, err);
    if (result == 0 && json_array_size(reading.grants)) {
        json_t *copied = json_array(), *grant;
        size_t i;
        json_array_foreach(reading.grants, i, grant)
        {
            if (!kms_grant_problem(grant))
                json_array_append(copied, grant);
        }
        out->copied = reading.more ? NULL : kms_grants_text(arena, copied);
        out->shown =
            arena_printf(arena, "{\"grants\":%s,\"more\":%llu}",
                         kms_grants_text(arena, reading.grants), (unsigned long long)reading.more);
        json_decref(copied);
    }
    json_decref(reading.grants);
    return result;
}

/* --- making and revoking ---------------------------------------------------------------------- */
/* The source's name between our mark and what it means. A copy's copy is named as the copy. */
static const char *name_of_copy(struct arena *arena, const json_t *grant)
{
    unsigned char digest[SHA256_SIZE];
    char hex[2 * SHORT_DIGEST + 1];
    const char *name = json_text_or(grant, "Name", ""), *meaning = kms_grant_meaning(arena, grant);
    int len = (int)strlen(name);
    if (text_starts(name, GRANT_MARK)) {
        name += strlen(GRANT_MARK);
        const char *end = strrchr(name, ':');
        len = end ? (int)(end - name) : 0;
    }
    digest_sha256(meaning, strlen(meaning), digest);
    digest_hex(digest, SHORT_DIGEST, hex);
    return arena_printf(arena, GRANT_MARK "%.*s%s%s", len < NAME_MOST ? len : NAME_MOST, name,
                        len ? ":" : "", hex);
}

static int create(struct kms_work *work, const json_t *grant, struct error *err)
{
    static const char *const members[] = {"GranteePrincipal", "RetiringPrincipal", "Operations",
                                          "Constraints"};
    json_t *in = json_pack("{s:s, s:s}", "KeyId", work->key.arn, "Name",
                           name_of_copy(work->ctx->arena, grant));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(grant, members[i]);
        if (value)
            json_object_set(in, members[i], value);
    }
    if (kms_write(work, &operation_kms_create_grant, in, err) == 0)
        return 0;
    return error_context(err, "a grant to %s", json_text_or(grant, "GranteePrincipal", "nobody"));
}

struct present {
    struct kms_work *work;
    struct meanings gone; /* not wanted any more */
    json_t *there;        /* all that are there, as lists have them */
    const char **ids;     /* of those to be revoked */
    size_t count;
};

static int look_at_grant(const json_t *row, void *arg, struct error *err)
{
    struct present *present = arg;
    const struct kms_work *work = present->work;
    struct arena *arena = work->ctx->arena;
    const char *id = json_text(row, "GrantId");
    json_t *grant = grant_of(arena, row);
    (void)err;
    bool ours = text_starts(json_text_or(grant, "Name", ""), GRANT_MARK);
    if (id && present->count < KEPT_MOST && (ours || work->wish->revoke_others) &&
        !kms_grant_problem(grant) &&
        kms_grants_mean(&present->gone, kms_grant_meaning(arena, grant)))
        present->ids[present->count++] = arena_strdup(arena, id);
    json_array_append_new(present->there, grant);
    return 0;
}

/* What was there when the plan was made and is in no wish: nothing that came since. */
static struct meanings not_wanted(struct arena *arena, const json_t *before, const json_t *want)
{
    const struct meanings had = kms_grants_meanings(arena, before);
    const struct meanings wanted = kms_grants_meanings(arena, want);
    struct meanings out = {arena_calloc(arena, had.count + 1, sizeof *out.texts), 0};
    for (size_t i = 0; i < had.count; i++)
        if (!kms_grants_mean(&wanted, had.texts[i]))
            out.texts[out.count++] = had.texts[i];
    return out;
}

static void note(struct kms_work *work, int result, const struct error *error)
{
    kms_done(work, "grants", result, error);
}

static void create_lacking(struct kms_work *work, const json_t *want, const json_t *there)
{
    struct arena *arena = work->ctx->arena;
    const struct meanings have = kms_grants_meanings(arena, there);
    size_t i;
    json_t *grant;
    const char *last = NULL;
    json_array_foreach(want, i, grant)
    {
        struct error error = {0};
        const char *meaning = kms_grant_meaning(arena, grant);
        /* Sorted by meaning: of several that mean the same one is enough. */
        bool same = last && strcmp(last, meaning) == 0;
        last = meaning;
        if (!same && !kms_grants_mean(&have, meaning))
            note(work, create(work, grant, &error), &error);
    }
}

static void revoke(struct kms_work *work, const struct present *present)
{
    for (size_t i = 0; i < present->count; i++) {
        struct error error = {0};
        int result =
            kms_write(work, &operation_kms_revoke_grant,
                      json_pack("{s:s, s:s}", "KeyId", work->key.arn, "GrantId", present->ids[i]),
                      &error);
        bool gone =
            error.code == ERR_NOT_FOUND || strcmp(error.aws_code, "InvalidGrantIdException") == 0;
        note(work, gone ? 0 : result, &error);
    }
}

void kms_grants_converge(struct kms_work *work)
{
    struct arena *arena = work->ctx->arena;
    struct error error = {0};
    json_t *want = kms_grants_list(work->wish->grants);
    json_t *before = kms_grants_list(work->wish->grants_before);
    struct present present = {.work = work,
                              .gone = not_wanted(arena, before, want),
                              .there = json_array(),
                              .ids = arena_calloc(arena, KEPT_MOST, sizeof *present.ids)};
    /* A key that was made here has none yet. */
    if (work->created ||
        each_grant(work->ctx, work->key.arn, look_at_grant, &present, &error) == 0) {
        create_lacking(work, want, present.there);
        revoke(work, &present);
    } else {
        note(work, -1, &error);
    }
    json_decref(present.there);
    json_decref(before);
    json_decref(want);
}
