/* AWS::SSM::Parameter: writing it. What may be written is in ssm_parameter_judge.c. */
#include "resource/ssm_parameter.h"

#include "base/json.h"
#include "base/text.h"
#include "client/client.h"
#include "resource/services.h"

#include <stdio.h>
#include <string.h>

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

/* What to do about a limit is not in AWS's words. */
static int explain(const struct resource_ctx *ctx, const char *name, struct error *err)
{
    static const struct {
        const char *code, *next;
    } rows[] = {
        {"ParameterLimitExceeded", "the Region holds all the parameters of this tier that it may: "
                                   "delete some, or set `tier: intelligent` or `tier: advanced` "
                                   "for this destination (advanced parameters are charged for)"},
        {"ParameterMaxVersionLimitExceeded",
         "the oldest of its 100 versions has a label: move the label, or set `labels: true` so "
         "that labels follow the source"},
        {"InvalidKeyId", "the key is not in that Region, is disabled or may not be used: see "
                         "`keys` of the destination"},
        {"HierarchyTypeMismatchException",
         "AWS does not change the type of this copy: add replace to parameters.allow, or give "
         "--allow-replace, to have it deleted and made again"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(err->aws_code, rows[i].code) == 0)
            return error_context(err, "write %s in %s: %s", name, ctx->region, rows[i].next);
    return error_context(err, "write %s in %s", name, ctx->region);
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
            return explain(ctx, name, err);
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

static bool advanced(const struct resource *resource)
{
    const char *tier = resource ? resource->fields[SSM_TIER] : NULL;
    return tier && strcmp(tier, "Advanced") == 0;
}

double ssm_monthly_usd(const struct resource *want, const struct resource *have)
{
    /* Advanced parameters, the same in the commercial Regions: the price list of AWS Systems
     * Manager (aws.amazon.com/systems-manager/pricing), 2024; calls on them, 0.05 for 10,000, come
     * on top. Standard parameters cost nothing. */
    static const double advanced_usd = 0.05;
    return advanced(want) && !advanced(have) ? advanced_usd : 0;
}
