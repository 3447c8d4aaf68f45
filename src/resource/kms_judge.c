/* AWS::KMS::Key: what can be made of a key in another Region. Sources: shared facts kms.md sections
 * 3 to 5, 8 and 9. */
#include "resource/kms_grants.h"
#include "resource/kms_kind.h"

#include <string.h>

static bool is(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

const char *kms_note(struct arena *arena, const char *first, const char *second)
{
    return first ? arena_printf(arena, "%s, %s", first, second) : second;
}

static bool is_counterpart(const struct resource_settings *settings, const struct resource *want)
{
    for (size_t i = 0; i < settings->counterpart_count; i++)
        if (strcmp(settings->counterparts[i], want->key) == 0)
            return true;
    return false;
}

static void judge_policy(struct arena *arena, struct resource *want, const struct resource *have,
                         const struct judge_options *options,
                         const struct resource_settings *settings, struct verdict *out)
{
    struct error error = {0};
    const char *policy = want->fields[KMS_POLICY];
    if (settings->leave_policy && have)
        policy = have->fields[KMS_POLICY];
    else if (!settings->verbatim_policy && policy)
        policy =
            kms_policy_for_region(arena, policy, options->source_region, options->region, &error);
    if (policy)
        want->fields[KMS_POLICY] = policy;
    else if (want->fields[KMS_POLICY])
        out->blocked = arena_printf(arena, "its policy cannot be read: %s", error.message);
}

/* Unless they are to be the same, those that are there stay. */
static void judge_aliases(struct arena *arena, struct resource *want, const struct resource *have,
                          const struct resource_settings *settings)
{
    size_t count, had;
    if (settings->leave_aliases) {
        want->fields[KMS_ALIASES] = have ? have->fields[KMS_ALIASES] : NULL;
        return;
    }
    if (settings->exact_aliases || !have || !have->fields[KMS_ALIASES])
        return;
    const char *const *wanted = kms_alias_list(arena, want->fields[KMS_ALIASES], &count);
    const char *const *there = kms_alias_list(arena, have->fields[KMS_ALIASES], &had);
    struct tag *all = arena_calloc(arena, count + had + 1, sizeof *all);
    size_t sum = 0;
    for (size_t i = 0; i < count + had; i++) {
        const char *alias = i < count ? wanted[i] : there[i - count];
        if (!tag_value(all, sum, alias))
            all[sum++] = (struct tag){alias, ""};
    }
    tags_sort(all, sum);
    const char **texts = arena_calloc(arena, sum + 1, sizeof *texts);
    for (size_t i = 0; i < sum; i++)
        texts[i] = all[i].key;
    want->fields[KMS_ALIASES] = kms_alias_json(arena, texts, sum);
}

/* AWS brings what is rotated from the primary; nobody else can. */
static void judge_rotation(struct arena *arena, struct resource *want, const struct resource *have,
                           struct verdict *out)
{
    const char *here = want->fields[KMS_ROTATION];
    const char *there = have ? have->fields[KMS_ROTATION] : NULL;
    if (have)
        want->fields[KMS_ROTATION] = there;
    if (have && here && there && strcmp(here, there) != 0)
        out->loss =
            arena_printf(arena, "rotated %s, and %s at the source: AWS brings it from the primary",
                         there, here);
}

static void judge_state(struct arena *arena, struct resource *want, const struct resource *have,
                        const struct judge_options *options, struct verdict *out)
{
    const char *there = have ? have->fields[KMS_STATE] : NULL;
    bool imported = is(want->fields[KMS_ORIGIN], "EXTERNAL");
    if (is(want->fields[KMS_STATE], kms_pending_import)) {
        out->blocked = "it has no key material yet: import it first";
    } else if (is(there, kms_pending_import)) {
        want->fields[KMS_STATE] = there;
        out->loss = arena_printf(arena,
                                 "of no use until its key material is imported: import the same "
                                 "material into %s too",
                                 options->region);
    } else if (is(there, kms_pending_deletion)) {
        out->note = "its deletion is cancelled";
    } else if (!have && imported) {
        out->loss = arena_printf(arena,
                                 "its key material was imported, which AWS does not replicate: "
                                 "import the same material into %s too",
                                 options->region);
        want->fields[KMS_STATE] = kms_pending_import;
    } else if (!have && is(want->fields[KMS_STATE], kms_disabled)) {
        out->unwritable = "it is disabled, and AWS replicates enabled keys only";
    }
}

static const char *mapping_line(struct arena *arena, const char *alias)
{
    return arena_printf(arena, "keys: { \"%s\": %s }", alias, alias);
}

/* What would be made, in words. */
static const char *equal_key(struct arena *arena, const struct resource *want)
{
    size_t tags = 0;
    const char *description = want->fields[KMS_DESCRIPTION];
    for (size_t i = 0; i < want->tag_count; i++)
        tags += !tag_is_ours(want->tags[i].key);
    const char *rotation = want->fields[KMS_ROTATION];
    bool rotates = rotation && strcmp(rotation, KMS_ROTATION_OFF) != 0;
    return arena_printf(arena, "%s, %s, its policy, %zu tag%s, %s%s%s, %s%s%s%s",
                        want->fields[KMS_SPEC] ? want->fields[KMS_SPEC] : "its spec",
                        want->fields[KMS_USAGE] ? want->fields[KMS_USAGE] : "its usage", tags,
                        tags == 1 ? "" : "s", description ? "description '" : "no description",
                        description ? description : "", description ? "'" : "",
                        rotates ? "rotated " : "", rotates ? rotation : "", rotates ? ", " : "",
                        want->key);
}

/* What it cannot do for the source's. */
static const char *not_given(const struct resource *want)
{
    static const char *const words[][2] = {
        {"SIGN_VERIFY", "verifies nothing that the source's signed, and has another public key"},
        {"GENERATE_VERIFY_MAC", "verifies no code that the source's made"},
        {"KEY_AGREEMENT", "agrees on other secrets, and has another public key"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is(want->fields[KMS_USAGE], words[i][0]))
            return words[i][1];
    return "decrypts nothing that the source's encrypted";
}

/* Of two keys, which AWS does not keep equal. */
static void judge_own_rotation(struct resource *want, const struct resource *have,
                               struct verdict *out)
{
    const char *here = want->fields[KMS_ROTATION], *there = have->fields[KMS_ROTATION];
    bool can = is(have->fields[KMS_STATE], kms_enabled) || is(want->fields[KMS_STATE], kms_enabled);
    if (here && there && (can || strcmp(here, there) == 0))
        return;
    want->fields[KMS_ROTATION] = there;
    if (here && there)
        out->loss = "its rotation is set when it is enabled: AWS sets none before";
    else if (here && !is(here, KMS_ROTATION_OFF))
        out->loss = "not rotated: its key material there was imported or lies in a key store";
}

/* A key of its own in each Region, that only looks the same. */
static void judge_counterpart(struct arena *arena, struct resource *want,
                              const struct resource *have, const struct judge_options *options,
                              const struct resource_settings *settings, struct verdict *out)
{
    static const enum kms_slot fixed[] = {KMS_SPEC, KMS_USAGE};
    for (size_t i = 0; have && i < 2; i++)
        if (!is(have->fields[fixed[i]], want->fields[fixed[i]] ? want->fields[fixed[i]] : ""))
            out->blocked = arena_printf(
                arena, "%s in %s is another sort of key (%s, not %s): it cannot be its counterpart",
                have->name, options->region, have->fields[fixed[i]], want->fields[fixed[i]]);
    const char *of = have ? tag_value(have->tags, have->tag_count, COUNTERPART_TAG) : NULL;
    bool own = of && is(of, want->fields[KMS_ID]);
    bool only_own = settings->own_counterparts || settings->show_counterparts;
    if (have && only_own && (!own || settings->show_counterparts)) {
        if (!out->blocked)
            out->blocked = arena_printf(arena, "%s there %s: %s uses it", want->key,
                                        own ? "is its counterpart"
                                            : "is another key, which no run made for it",
                                        mapping_line(arena, want->key));
        return;
    }
    if (have) {
        /* Where its material comes from is its own affair. */
        want->fields[KMS_ORIGIN] = have->fields[KMS_ORIGIN];
        judge_own_rotation(want, have, out);
        return;
    }
    if (!settings->create_counterparts)
        out->blocked =
            arena_printf(arena,
                         "a single-Region key without counterpart: create_counterparts "
                         "makes an equal key (%s), for %s; it %s",
                         equal_key(arena, want), mapping_line(arena, want->key), not_given(want));
    else if (!is(want->fields[KMS_ORIGIN], "AWS_KMS"))
        out->blocked = "its key material was imported or lies in a key store: make the counterpart "
                       "by hand";
    else if (is(want->fields[KMS_STATE], kms_disabled))
        out->unwritable = "it is disabled: a counterpart is made of an enabled key";
    out->note =
        arena_printf(arena, "%s: %s", equal_key(arena, want), mapping_line(arena, want->key));
    out->loss = arena_printf(arena, "a key of its own: it %s", not_given(want));
}

void kms_judge(struct arena *arena, struct resource *want, const struct resource *have,
               const struct judge_options *options, struct verdict *out)
{
    const struct resource_settings *settings = kms_settings(options->settings);
    bool multi_region = want->fields[KMS_PRIMARY] != NULL;
    *out = (struct verdict){0};
    judge_policy(arena, want, have, options, settings, out);
    judge_aliases(arena, want, have, settings);
    if (multi_region)
        judge_rotation(arena, want, have, out);
    judge_state(arena, want, have, options, out);
    if (options->account && options->source_account && *options->account &&
        *options->source_account && strcmp(options->account, options->source_account) != 0)
        out->blocked = arena_printf(arena,
                                    "%s is another account, and AWS replicates a key only within "
                                    "its account: make a key of its own there and map it, or let "
                                    "the key's policy admit %s",
                                    options->account, options->account);
    else if (!multi_region && is_counterpart(settings, want))
        judge_counterpart(arena, want, have, options, settings, out);
    else if (!multi_region)
        out->blocked = "a single-Region key, which AWS makes no multi-Region key later: "
                       "kms_keys.counterparts gives it an equal key in each Region, or make a "
                       "multi-Region key and encrypt anew under it";
    kms_grants_judge(arena, want, have, options, out);
    if (out->blocked)
        out->details = NULL;
}
