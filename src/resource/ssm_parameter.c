/* AWS::SSM::Parameter: listing and reading. Judging and writing are in ssm_parameter_write.c. */
#include "resource/ssm_parameter.h"

#include "aws/arn.h"
#include "base/json.h"
#include "client/client.h"
#include "resource/kms_alias.h"
#include "resource/services.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Hard limits of the requests (section 2). */
enum { PAGE_ITEMS = 50, FILTER_VALUES = 50, TAG_PAGE_ITEMS = 100, READ_NAMES = 10 };

const char ssm_default_key[] = "alias/aws/ssm";

const char *ssm_key_of(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *ssm_policies_text(struct arena *arena, const json_t *policies)
{
    size_t count = json_array_size(policies), found = 0, total = 3;
    char **texts = arena_calloc(arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_object_get(json_array_get(policies, i), "PolicyText");
        /* AWS gives the text; a server that gives the object itself is understood too. */
        json_t *parsed = json_is_string(row)
                             ? json_read(json_string_value(row), json_string_length(row), NULL)
                             : json_incref((json_t *)row);
        char *text = parsed ? json_dumps(parsed, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        if (text) {
            texts[found++] = arena_strdup(arena, text);
            total += strlen(text) + 1;
        }
        free(text);
        json_decref(parsed);
    }
    if (!found)
        return NULL;
    qsort(texts, found, sizeof *texts, order_texts);
    struct buf out;
    buf_init(&out, total);
    for (size_t i = 0; i < found; i++)
        buf_printf(&out, "%c%s", i ? ',' : '[', texts[i]);
    buf_append_char(&out, ']');
    const char *result = arena_strdup(arena, buf_text(&out));
    buf_done(&out);
    return result;
}

bool ssm_key_same(const char *a, const char *b)
{
    struct arn arn_a, arn_b;
    bool is_a = arn_parse(a, strlen(a), &arn_a) == 0, is_b = arn_parse(b, strlen(b), &arn_b) == 0;
    if (is_a == is_b)
        return strcmp(a, b) == 0;
    struct text resource = is_a ? arn_a.resource : arn_b.resource;
    const char *plain = is_a ? b : a;
    static const char key[] = "key/";
    if (resource.len > strlen(key) && memcmp(resource.data, key, strlen(key)) == 0) {
        resource.data += strlen(key);
        resource.len -= strlen(key);
    }
    return text_is(resource, plain);
}

static bool same(size_t field, const char *a, const char *b)
{
    if (field == SSM_TIER) /* whatever tier AWS chose */
        return strcmp(a, ssm_intelligent) == 0 || strcmp(b, ssm_intelligent) == 0;
    return field == SSM_KEY_ID && ssm_key_same(a, b);
}

static int64_t epoch_ms(const json_t *time)
{
    return json_is_number(time) ? llround(json_number_value(time) * 1000.0) : 0;
}

int ssm_from_metadata(struct arena *arena, const json_t *row, struct resource *out,
                      struct error *err)
{
    const char *name = json_text(row, "Name"), *type = json_text(row, "Type");
    if (!name || !*ssm_key_of(name) || !type)
        return error_set(err, ERR_UNSUPPORTED, "DescribeParameters: a row without name or type");
    *out = (struct resource){
        .key = ssm_key_of(name),
        .name = name,
        .version = json_int_or(row, "Version", 0),
        .modified_ms = epoch_ms(json_object_get(row, "LastModifiedDate")),
        .modified_by = json_text(row, "LastModifiedUser"),
    };
    out->fields[SSM_TYPE] = type;
    out->fields[SSM_TIER] = json_text_or(row, "Tier", "Standard");
    out->fields[SSM_DATA_TYPE] = json_text_or(row, "DataType", "text");
    out->fields[SSM_POLICIES] = ssm_policies_text(arena, json_object_get(row, "Policies"));
    const char *description = json_text(row, "Description");
    out->fields[SSM_DESCRIPTION] = description && *description ? description : NULL;
    const char *pattern = json_text(row, "AllowedPattern");
    out->fields[SSM_ALLOWED_PATTERN] = pattern && *pattern ? pattern : NULL;
    if (strcmp(type, "SecureString") == 0)
        out->fields[SSM_KEY_ID] = json_text_or(row, "KeyId", ssm_default_key);
    return 0;
}

struct listing {
    struct arena scratch; /* of one row */
    resource_each_fn *each;
    void *arg;
};

static int list_page(const json_t *page, void *arg, struct error *err)
{
    struct listing *listing = arg;
    size_t i;
    json_t *row;
    int result = 0;
    json_array_foreach(json_object_get(page, "Parameters"), i, row)
    {
        struct resource resource;
        result = ssm_from_metadata(&listing->scratch, row, &resource, err);
        if (result == 0)
            result = listing->each(&resource, listing->arg, err);
        arena_reset(&listing->scratch);
        if (result != 0)
            break;
    }
    return result;
}

/* With a cursor, what an earlier call has taken is not asked for again. */
static int pages(struct resource_ctx *ctx, const struct aws_operation *operation, json_t *in,
                 int (*each)(const json_t *page, void *arg, struct error *err), void *arg,
                 struct error *err)
{
    struct resource_cursor *cursor = ctx->cursor;
    struct aws_client *client =
        session_client(ctx->session, operation->service, ctx->region, ctx->read_only, err);
    int result = client ? 0 : -1;
    if (client && !cursor) {
        result = aws_pages(client, ctx->arena, operation, in, each, arg, err);
    } else if (client && cursor->at++ == cursor->requests) {
        result = aws_pages_from(client, operation, in, &cursor->token, each, arg, err);
        cursor->requests += result == 0;
    }
    json_decref(in);
    return result;
}

/* A name filter with `texts` in both spellings where AWS has two (section 3): root names. */
static json_t *name_filter(const char *option, const char *const *texts, size_t count)
{
    json_t *values = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(values, json_sprintf("/%s", texts[i]));
        if (!strchr(texts[i], '/'))
            json_array_append_new(values, json_string(texts[i]));
    }
    return json_pack("{s:i, s:[{s:s, s:s, s:o}]}", "MaxResults", (int)PAGE_ITEMS,
                     "ParameterFilters", "Key", "Name", "Option", option, "Values", values);
}

static int list_some(struct resource_ctx *ctx, const char *option, const char *const *texts,
                     size_t count, struct listing *listing, struct error *err)
{
    const size_t most = FILTER_VALUES / 2; /* each may count twice */
    for (size_t first = 0; first < count; first += most) {
        size_t some = count - first < most ? count - first : most;
        if (pages(ctx, &operation_ssm_describe_parameters, name_filter(option, texts + first, some),
                  list_page, listing, err) != 0)
            return -1;
    }
    return 0;
}

static int list(struct resource_ctx *ctx, const struct resource_filter *filter,
                resource_each_fn *each, void *arg, struct error *err)
{
    struct listing listing = {.each = each, .arg = arg};
    arena_init(&listing.scratch);
    int result;
    if (filter->prefix_count == 0 && filter->name_count == 0)
        result = pages(ctx, &operation_ssm_describe_parameters,
                       json_pack("{s:i}", "MaxResults", (int)PAGE_ITEMS), list_page, &listing, err);
    else
        result =
            list_some(ctx, "BeginsWith", filter->prefixes, filter->prefix_count, &listing, err) !=
                        0 ||
                    list_some(ctx, "Equals", filter->names, filter->name_count, &listing, err) != 0
                ? -1
                : 0;
    arena_done(&listing.scratch);
    return result;
}

/* [{"Key":..,"Value":..}] sorted. Tags of AWS's own ("aws:...") can be neither set nor removed by
 * anybody else, so they are not part of the set. Texts are borrowed. */
static size_t tags_from(const json_t *rows, struct arena *arena, struct tag **out)
{
    struct tag *tags = arena_calloc(arena, json_array_size(rows) + 1, sizeof *tags);
    size_t count = 0, i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *key = json_text(row, "Key");
        if (key && !text_starts_nocase(key, "aws:"))
            tags[count++] = (struct tag){key, json_text_or(row, "Value", "")};
    }
    tags_sort(tags, count);
    *out = tags;
    return count;
}

struct tag_listing {
    struct arena scratch; /* of one row */
    resource_tags_fn *each;
    void *arg;
};

static int tag_page(const json_t *page, void *arg, struct error *err)
{
    struct tag_listing *listing = arg;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(page, "ResourceTagMappingList"), i, row)
    {
        const char *text = json_text_or(row, "ResourceARN", "");
        struct arn arn;
        static const char prefix[] = "parameter/";
        if (arn_parse(text, strlen(text), &arn) != 0 || !text_is(arn.service, "ssm") ||
            arn.resource.len <= strlen(prefix) ||
            memcmp(arn.resource.data, prefix, strlen(prefix)) != 0)
            continue;
        struct tag *tags;
        size_t count = tags_from(json_object_get(row, "Tags"), &listing->scratch, &tags);
        /* The resource ends the ARN, so its tail is a text of its own. */
        const char *key = ssm_key_of(arn.resource.data + strlen(prefix));
        int result = count ? listing->each(key, tags, count, listing->arg, err) : 0;
        arena_reset(&listing->scratch);
        if (result != 0)
            return -1;
    }
    return 0;
}

static int list_tags(struct resource_ctx *ctx, resource_tags_fn *each, void *arg, struct error *err)
{
    struct tag_listing listing = {.each = each, .arg = arg};
    arena_init(&listing.scratch);
    int result = pages(ctx, &operation_tagging_get_resources,
                       json_pack("{s:i, s:[s]}", "ResourcesPerPage", (int)TAG_PAGE_ITEMS,
                                 "ResourceTypeFilters", "ssm:parameter"),
                       tag_page, &listing, err);
    arena_done(&listing.scratch);
    return result;
}

static int read_tags(struct resource_ctx *ctx, struct resource *inout, struct error *err)
{
    json_t *in = json_pack("{s:s, s:s}", "ResourceType", "Parameter", "ResourceId", inout->name);
    json_t *out = NULL;
    int result = resource_call(ctx, &operation_ssm_list_tags_for_resource, in, &out, err);
    json_decref(in);
    if (result != 0)
        return error_context(err, "read the tags of %s in %s", inout->name, ctx->region);
    struct tag *tags;
    size_t count = tags_from(json_object_get(out, "TagList"), ctx->arena, &tags);
    for (size_t i = 0; i < count; i++) {
        tags[i].key = arena_strdup(ctx->arena, tags[i].key);
        tags[i].value = arena_strdup(ctx->arena, tags[i].value);
    }
    inout->tags = tags;
    inout->tag_count = count;
    json_decref(out);
    return 0;
}

struct search {
    struct arena *arena;
    const char *key;
    struct resource *out;
    bool found;
};

static int search_each(const struct resource *resource, void *arg, struct error *err)
{
    (void)err;
    struct search *search = arg;
    if (!search->found && strcmp(resource->key, search->key) == 0) {
        resource_copy(&resource_ssm_parameter, search->arena, resource, search->out);
        search->found = true;
    }
    return 0;
}

static int describe(struct resource_ctx *ctx, const char *name, struct resource *out,
                    struct error *err)
{
    struct search search = {.arena = ctx->arena, .key = ssm_key_of(name), .out = out};
    const struct resource_filter filter = {.names = &search.key, .name_count = 1};
    if (list(ctx, &filter, search_each, &search, err) != 0)
        return error_context(err, "look at %s in %s", name, ctx->region);
    if (!search.found)
        return error_set(err, ERR_NOT_FOUND, "%s does not exist in %s", name, ctx->region);
    return read_tags(ctx, out, err);
}

struct resource *ssm_find(struct resource *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].key, ssm_key_of(name)) == 0)
            return &items[i];
    return NULL;
}

static int read_values(struct resource_ctx *ctx, struct resource *items, size_t count,
                       struct error *err)
{
    json_t *names = json_array(), *out = NULL;
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(names, json_string(items[i].name));
        items[i].missing = true;
        items[i].value = NULL;
    }
    json_t *in = json_pack("{s:o, s:b}", "Names", names, "WithDecryption", 1);
    int result = resource_call(ctx, &operation_ssm_get_parameters, in, &out, err);
    json_decref(in);
    if (result != 0)
        return -1;
    /* The answer is sorted and leaves out what was not found (section 14, 12): match by name. */
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(out, "Parameters"), i, row)
    {
        struct resource *item = ssm_find(items, count, json_text_or(row, "Name", ""));
        const json_t *value = json_object_get(row, "Value");
        if (!item || !json_is_string(value))
            continue;
        item->missing = false;
        item->value_len = json_string_length(value);
        item->value = arena_strndup(ctx->arena, json_string_value(value), item->value_len);
        item->version = json_int_or(row, "Version", 0);
    }
    json_decref(out);
    return 0;
}

static const char *const types[] = {"String", "StringList", "SecureString", NULL};
static const char *const tiers[] = {"Standard", "Advanced", NULL};

static const struct field fields[] = {
    [SSM_TYPE] =
        {.name = "Type",
         .label = "type",
         .rule = FIELD_COPY,
         .fate = "String, StringList or SecureString as the source's, or SecureString when `type` "
                 "says so. SecureString is never copied over as plain text unless `allow: "
                 "[plain-text]` says so.",
         .select = "types",
         .choices = types},
    [SSM_TIER] =
        {.name = "Tier",
         .label = "tier",
         .rule = FIELD_COPY,
         .fate = "Standard or Advanced as the source reports it, or what `tier` says; always "
                 "sent. A rewritten value that is too long for Standard makes the copy Advanced. "
                 "AWS does not lower a tier: then the copy stays Advanced and the plan says so, "
                 "or it is deleted and made again where `allow: [replace]` permits.",
         .select = "tiers",
         .choices = tiers,
         .of_present = true},
    [SSM_DESCRIPTION] =
        {.name = "Description",
         .label = "description",
         .rule = FIELD_WORDS,
         .fate = "Word for word, also cleared; changed only by a `rewrite` rule that says "
                 "`descriptions: true`."},
    [SSM_ALLOWED_PATTERN] = {.name = "AllowedPattern",
                             .label = "allowedPattern",
                             .rule = FIELD_COPY,
                             .fate = "Word for word, also cleared."},
    [SSM_DATA_TYPE] =
        {.name = "DataType",
         .label = "dataType",
         .rule = FIELD_COPY,
         .fate = "`text` and `aws:ssm:integration` as they are; `aws:ec2:image` is blocked "
                 "unless a `rewrite` rule maps the image or `allow: [aws:ec2:image]` says to "
                 "copy it as it is, for an image exists in one Region."},
    [SSM_POLICIES] =
        {.name = "Policies",
         .label = "policies",
         .rule = FIELD_COPY,
         .fate = "All three types, rebuilt from the texts that AWS reports; removed when the "
                 "source has none. One whose Expiration is past is blocked.",
         .of_present = true,
         .deferred = true},
    [SSM_KEY_ID] =
        {.name = "KeyId",
         .label = "key",
         .rule = FIELD_KEY,
         .fate = "By the destination's `keys`. `alias/aws/ssm` is itself everywhere, and so is a "
                 "multi-Region key that nothing maps; another customer "
                 "key without mapping blocks the parameter.",
         .select = "keys"},
    {.name = "Value",
     .label = "value",
     .rule = FIELD_VALUE,
     .fate =
         "Decrypted in memory, changed by the `rewrite` rules, encrypted anew by the destination's "
         "key, "
         "compared by keyed digest."},
    {.name = "Tags",
     .label = "tags",
     .rule = FIELD_TAGS,
     .fate =
         "Added, changed and removed. Tags beginning with `aws:` are AWS's own and stay where they "
         "are."},
    {.name = "Version",
     .label = "version",
     .rule = FIELD_SERVER,
     .fate = "Each side counts its own."},
    {.name = "ARN", .label = "arn", .rule = FIELD_SERVER, .fate = "Each side has its own."},
    {.name = "LastModifiedDate",
     .label = "lastModifiedDate",
     .rule = FIELD_SERVER,
     .fate = "The moment of the copy's own write."},
    {.name = "LastModifiedUser",
     .label = "lastModifiedUser",
     .rule = FIELD_SERVER,
     .fate = "The principal that wrote the copy."},
    {.name = "Labels",
     .label = "labels",
     .rule = FIELD_OPTION,
     .fate = "With `labels: true` the labels of each version are those of the copy's version with "
             "the same "
             "content; without it they are not looked at."},
    {.name = "History",
     .label = "history",
     .rule = FIELD_OPTION,
     .fate = "With `history: K` the last K versions are written in order where a copy is made, and "
             "each "
             "version that follows; without it only the present version is carried."},
};

static const struct aws_service *const services[] = {&service_ssm, &service_tagging, &service_kms,
                                                     NULL};

const struct resource_kind resource_ssm_parameter = {
    .section = "parameters",
    .name = "ssm-parameter",
    .cfn_type = "AWS::SSM::Parameter",
    .noun = "parameter",
    .nouns = "parameters",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .slot_count = SSM_SLOTS,
    .services = services,
    .default_key = ssm_default_key,
    .replace_code = "HierarchyTypeMismatchException",
    .read_batch = READ_NAMES,
    .gaps = "not carried: labels and earlier versions (unless asked for), version numbers, "
            "LastModifiedDate and "
            "LastModifiedUser, Intelligent-Tiering as an intent, tags beginning with aws:",
    .permissions = ssm_permissions,
    .key_context = "PARAMETER_ARN",
    .list = list,
    .list_tags = list_tags,
    .list_keys = kms_list_aliases,
    .key_kind = &resource_kms_key,
    .read_tags = read_tags,
    .describe = describe,
    .read = read_values,
    .write = ssm_write,
    .read_history = ssm_read_history,
    .put_labels = ssm_put_labels,
    .take_labels = ssm_take_labels,
    .remove = ssm_remove,
    .calls = {.read = &operation_ssm_get_parameters,
              .read_tags = &operation_ssm_list_tags_for_resource,
              .write = &operation_ssm_put_parameter,
              .set_tags = &operation_ssm_add_tags_to_resource,
              .remove_tags = &operation_ssm_remove_tags_from_resource,
              .remove = &operation_ssm_delete_parameters,
              .describe = &operation_ssm_describe_parameters,
              .read_history = &operation_ssm_get_parameter_history,
              .put_labels = &operation_ssm_label_parameter_version,
              .take_labels = &operation_ssm_unlabel_parameter_version},
    .history_page = SSM_HISTORY_PAGE,
    .history_most = SSM_KEPT_VERSIONS,
    .monthly_usd = ssm_monthly_usd,
    .judge = ssm_judge,
    .encrypt = ssm_encrypt,
    .key_of = ssm_key_of,
    .reserved = ssm_reserved,
    .maker = ssm_maker,
    .same = same,
};
