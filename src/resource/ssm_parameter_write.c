/* AWS::SSM::Parameter: what may be written, and writing it. */
#include "resource/ssm_parameter.h"

#include "aws/region.h"
#include "base/json.h"
#include "base/text.h"
#include "client/client.h"
#include "resource/services.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Section 3: the ARN of a name that is created. */
enum { LONGEST_ARN = 1011, DEEPEST = 15, ACCOUNT_DIGITS = 12 };

bool ssm_reserved(const char *key)
{
    /* A prefix of text, not of a level: /awsome/x is reserved too (section 3). */
    return text_starts_nocase(key, "aws") || text_starts_nocase(key, "ssm");
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
    return resource->fields[SSM_TYPE] && strcmp(resource->fields[SSM_TYPE], "SecureString") == 0;
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

void ssm_judge(struct arena *arena, struct resource *want, const struct resource *have,
               const struct judge_options *options, struct verdict *out)
{
    *out = (struct verdict){.blocked = name_problem(arena, want->key, options)};
    const char *data_type = want->fields[SSM_DATA_TYPE];
    if (!out->blocked && data_type && strcmp(data_type, "aws:ec2:image") == 0 &&
        !allowed(options, data_type) && !options->rewritten &&
        (options->value_known || !options->may_be_rewritten))
        out->blocked = arena_printf(arena,
                                    "aws:ec2:image value names an image of %s: skipped (map "
                                    "it by a rewrite rule, or add aws:ec2:image to "
                                    "parameters.allow to copy it as it is)",
                                    options->source_region);
    if (out->blocked || !have)
        return;
    out->blocked = downgrade(want, have, options);
    const char *tier = have->fields[SSM_TIER];
    if (tier && want->fields[SSM_TIER] && strcmp(tier, "Advanced") == 0 &&
        strcmp(want->fields[SSM_TIER], "Standard") == 0) {
        out->loss = "the copy stays Advanced: AWS does not lower a tier (delete the copy to have "
                    "it made again as Standard)";
        want->fields[SSM_TIER] = tier;
    }
}

static void put_text(json_t *in, const char *member, const char *text)
{
    if (text)
        json_object_set_new(in, member, json_string(text));
}

/* What an overwrite keeps of an omitted member is partly unknown (section 6): send everything, and
 * clear what the copy has and the source has not. */
static json_t *put_input(const struct resource *want, const struct resource *have)
{
    json_t *in = json_pack("{s:s, s:o}", "Name", have ? have->name : want->name, "Value",
                           json_stringn(want->value, want->value_len));
    put_text(in, "Type", want->fields[SSM_TYPE]);
    put_text(in, "Tier", want->fields[SSM_TIER]);
    put_text(in, "DataType", want->fields[SSM_DATA_TYPE]);
    put_text(in, "KeyId", want->fields[SSM_KEY_ID]);
    put_text(in, "Description", want->fields[SSM_DESCRIPTION]);
    put_text(in, "AllowedPattern", want->fields[SSM_ALLOWED_PATTERN]);
    put_text(in, "Policies", want->fields[SSM_POLICIES]);
    if (have) {
        if (!want->fields[SSM_DESCRIPTION] && have->fields[SSM_DESCRIPTION])
            put_text(in, "Description", "");
        if (!want->fields[SSM_ALLOWED_PATTERN] && have->fields[SSM_ALLOWED_PATTERN])
            put_text(in, "AllowedPattern", "");
        if (!want->fields[SSM_POLICIES] && have->fields[SSM_POLICIES])
            put_text(in, "Policies", "[{}]");
        json_object_set_new(in, "Overwrite", json_true());
    }
    return in;
}

static json_t *tag_list(const struct tag *tags, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "Key", tags[i].key, "Value", tags[i].value));
    return list;
}

static int call_and_drop(struct resource_ctx *ctx, const struct aws_operation *operation,
                         json_t *in, struct error *err)
{
    int result = resource_call(ctx, operation, in, NULL, err);
    json_decref(in);
    return result;
}

static int write_tags(struct resource_ctx *ctx, const char *name, const struct diff *diff,
                      struct error *err)
{
    /* Removing first: a parameter has room for 50 tags. */
    if (diff->removed_tag_count) {
        json_t *keys = json_array();
        for (size_t i = 0; i < diff->removed_tag_count; i++)
            json_array_append_new(keys, json_string(diff->removed_tags[i]));
        json_t *in = json_pack("{s:s, s:s, s:o}", "ResourceType", "Parameter", "ResourceId", name,
                               "TagKeys", keys);
        if (call_and_drop(ctx, &operation_ssm_remove_tags_from_resource, in, err) != 0)
            return error_context(err, "remove tags of %s in %s", name, ctx->region);
    }
    if (diff->set_tag_count) {
        json_t *in = json_pack("{s:s, s:s, s:o}", "ResourceType", "Parameter", "ResourceId", name,
                               "Tags", tag_list(diff->set_tags, diff->set_tag_count));
        if (call_and_drop(ctx, &operation_ssm_add_tags_to_resource, in, err) != 0)
            return error_context(err, "tag %s in %s", name, ctx->region);
    }
    return 0;
}

/* AWS looks an image up after it has answered and drops the write when the Region has no such
 * image (section 6): only what can be read back was written. */
static int check_image(struct resource_ctx *ctx, const struct resource *want, struct error *err)
{
    struct resource written = {.key = want->key, .name = want->name};
    if (!want->fields[SSM_DATA_TYPE] || strcmp(want->fields[SSM_DATA_TYPE], "aws:ec2:image") != 0)
        return 0;
    if (resource_ssm_parameter.read(ctx, &written, 1, err) != 0)
        return error_context(err, "read %s back in %s", want->name, ctx->region);
    if (written.missing || written.value_len != want->value_len ||
        memcmp(written.value, want->value, want->value_len) != 0)
        return error_set(err, ERR_UNSUPPORTED,
                         "%s accepted %s but it is not there (yet): AWS checks an aws:ec2:image "
                         "after the write, and the image may not exist in that Region",
                         ctx->region, want->name);
    return 0;
}

int ssm_write(struct resource_ctx *ctx, const struct resource *want, const struct resource *have,
              const struct diff *diff, int64_t *version, struct error *err)
{
    const char *name = have ? have->name : want->name;
    if (!have || !diff_only_tags(diff)) {
        if (!want->value)
            return error_set(err, ERR_INVALID, "%s: its value was not read", name);
        json_t *in = put_input(want, have);
        /* Tags and Overwrite exclude each other (section 14, 3). */
        if (!have && want->tag_count)
            json_object_set_new(in, "Tags", tag_list(want->tags, want->tag_count));
        json_t *out = NULL;
        int result = resource_call(ctx, &operation_ssm_put_parameter, in, &out, err);
        json_decref(in);
        *version = json_int_or(out, "Version", 0);
        json_decref(out);
        if (result != 0)
            return error_context(err, "write %s in %s", name, ctx->region);
        if (check_image(ctx, want, err) != 0)
            return -1;
    }
    return have ? write_tags(ctx, name, diff, err) : 0;
}

int ssm_remove(struct resource_ctx *ctx, struct resource *items, size_t count, struct error *err)
{
    json_t *names = json_array(), *out = NULL, *name;
    size_t i;
    for (i = 0; i < count; i++) {
        json_array_append_new(names, json_string(items[i].name));
        items[i].missing = false;
    }
    json_t *in = json_pack("{s:o}", "Names", names);
    int result = resource_call(ctx, &operation_ssm_delete_parameters, in, &out, err);
    json_decref(in);
    if (result != 0)
        return -1;
    json_array_foreach(json_object_get(out, "InvalidParameters"), i, name)
    {
        struct resource *item =
            json_is_string(name) ? ssm_find(items, count, json_string_value(name)) : NULL;
        if (item)
            item->missing = true;
    }
    json_decref(out);
    return 0;
}
