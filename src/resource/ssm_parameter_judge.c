/* AWS::SSM::Parameter: what may be written where. Pure. */
#include "resource/ssm_parameter.h"

#include "aws/region.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

/* Section 3: the ARN of a name that is created. Section 6: bytes of a value, by tier. */
enum {
    LONGEST_ARN = 1011,
    DEEPEST = 15,
    ACCOUNT_DIGITS = 12,
    STANDARD_BYTES = 4096,
    ADVANCED_BYTES = 8192
};

static const char standard[] = "Standard", advanced[] = "Advanced";
const char ssm_intelligent[] = "Intelligent-Tiering";
static const char hooks[] = "d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/";

bool ssm_reserved(const char *key)
{
    /* A prefix of text, not of a level: /awsome/x is reserved too (section 3). */
    return text_starts_nocase(key, "aws") || text_starts_nocase(key, "ssm");
}

const char *ssm_maker(const char *key)
{
    /* Made by the stack of `cdk bootstrap`, which fails where a copy stands in its way. */
    return text_starts(key, "cdk-bootstrap/") ? "the AWS CDK's bootstrap" : NULL;
}

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static bool allowed(const struct judge_options *options, const char *word)
{
    for (size_t i = 0; options->allowed && options->allowed[i]; i++)
        if (strcmp(options->allowed[i], word) == 0)
            return true;
    return false;
}

static const char *name_problem(struct arena *arena, const char *key,
                                const struct judge_options *options)
{
    size_t levels = 1;
    for (const char *at = key; *at; at++)
        levels += *at == '/';
    if (levels > DEEPEST)
        return arena_printf(arena, "the name has %zu levels, AWS allows %d", levels, DEEPEST);
    size_t len = strlen("arn::ssm:::parameter/") + strlen(partition_of(options->region)->name) +
                 strlen(options->region) + ACCOUNT_DIGITS + strlen(key);
    if (len > LONGEST_ARN)
        return arena_printf(arena,
                            "the name is %zu characters too long for %s (its ARN may have "
                            "%d)",
                            len - LONGEST_ARN, options->region, LONGEST_ARN);
    if (ssm_reserved(key))
        return "the new name begins with aws or ssm, which AWS keeps for itself";
    return NULL;
}

static bool secure(const struct resource *resource)
{
    return is(resource->fields[SSM_TYPE], "SecureString");
}

const char *ssm_encrypt(struct resource *want)
{
    const char *data_type = want->fields[SSM_DATA_TYPE];
    if (secure(want))
        return NULL;
    if (data_type && strcmp(data_type, "text") != 0)
        return "stays plain: AWS encrypts data type text only";
    want->fields[SSM_TYPE] = "SecureString";
    want->fields[SSM_KEY_ID] = ssm_default_key;
    return NULL;
}

static const char *data_type_problem(struct arena *arena, const struct resource *want,
                                     const struct judge_options *options)
{
    const char *data_type = want->fields[SSM_DATA_TYPE];
    if (is(data_type, "aws:ec2:image") && !allowed(options, data_type) && !options->rewritten &&
        (options->value_known || !options->may_be_rewritten))
        return arena_printf(arena,
                            "aws:ec2:image value names an image of %s: skipped (map it by a "
                            "rewrite rule, or add aws:ec2:image to parameters.allow to copy it as "
                            "it is)",
                            options->source_region);
    if (is(data_type, "aws:ssm:integration") && !text_starts(want->key, hooks))
        return arena_printf(arena, "an aws:ssm:integration must keep its name below /%s", hooks);
    return NULL;
}

static const char *downgrade(const struct resource *want, const struct resource *have,
                             const struct judge_options *options)
{
    if (!secure(have))
        return NULL;
    if (!secure(want) && !allowed(options, "plain-text"))
        return "the copy is a SecureString and the source is plain text: add plain-text to "
               "parameters.allow to replace it";
    if (secure(want) && ssm_key_same(want->fields[SSM_KEY_ID], ssm_default_key) &&
        !ssm_key_same(have->fields[SSM_KEY_ID], ssm_default_key) &&
        !allowed(options, "default-key"))
        return "the copy is encrypted by a customer key and would come under alias/aws/ssm: map "
               "the key in `keys`, or add default-key to parameters.allow";
    return NULL;
}

/* AWS deletes a parameter when its Expiration comes, and takes none that is past. */
static const char *expiry_problem(struct arena *arena, const struct resource *want, int64_t now_ms)
{
    const char *text = want->fields[SSM_POLICIES], *problem = NULL;
    json_t *policies = text ? json_read(text, strlen(text), NULL) : NULL;
    size_t i;
    json_t *policy;
    json_array_foreach(policies, i, policy)
    {
        const char *when = json_text_or(json_object_get(policy, "Attributes"), "Timestamp", "");
        int64_t expires_ms;
        if (is(json_text(policy, "Type"), "Expiration") &&
            clock_parse_iso(when, strlen(when), &expires_ms) == 0 && expires_ms <= now_ms)
            problem = arena_printf(arena,
                                   "its Expiration policy ended %s: a copy would be deleted at "
                                   "once (renew or remove the policy at the source)",
                                   when);
    }
    json_decref(policies);
    return problem;
}

/* What the tier of the copy is to be. AWS raises a tier and never lowers it (section 8). */
static void judge_tier(struct arena *arena, struct resource *want, const struct resource *have,
                       const struct judge_options *options, struct verdict *out)
{
    const char *tier = want->fields[SSM_TIER];
    if (is(options->tier, "intelligent"))
        tier = ssm_intelligent;
    else if (is(options->tier, "advanced"))
        tier = advanced;
    if (options->value_len > ADVANCED_BYTES)
        out->blocked = arena_printf(arena, "the value has %zu bytes, AWS takes %d",
                                    options->value_len, ADVANCED_BYTES);
    if (is(tier, standard) && options->value_len > STANDARD_BYTES) {
        tier = advanced;
        out->note =
            arena_printf(arena, "tier Advanced: the value has %zu bytes", options->value_len);
    }
    want->fields[SSM_TIER] = tier;
    if (!have || !is(tier, standard) || !is(have->fields[SSM_TIER], advanced))
        return;
    if (options->may_be_rewritten && !options->value_known) {
        out->depends = true; /* a longer value may have made it Advanced */
        want->fields[SSM_TIER] = advanced;
        return;
    }
    if (options->may_replace) {
        out->replace = "AWS does not lower a tier";
        return;
    }
    out->loss = "the copy stays Advanced: AWS does not lower a tier (allow replace to have it "
                "deleted and made again as Standard)";
    want->fields[SSM_TIER] = advanced;
}

void ssm_judge(struct arena *arena, struct resource *want, const struct resource *have,
               const struct judge_options *options, struct verdict *out)
{
    *out = (struct verdict){.blocked = name_problem(arena, want->key, options)};
    if (!out->blocked)
        out->blocked = data_type_problem(arena, want, options);
    if (!out->blocked && have)
        out->blocked = downgrade(want, have, options);
    if (out->blocked)
        return;
    judge_tier(arena, want, have, options, out);
    out->unwritable = expiry_problem(arena, want, options->now_ms);
}
