/* AWS::SSM::Parameter: versions and their labels (shared facts parameter-store.md, section 7). */
#include "resource/ssm_parameter.h"

#include "base/json.h"
#include "client/client.h"
#include "resource/services.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct resource_ctx *ctx;
    struct revision *rows;
    size_t count;
};

static int order_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_labels(struct arena *arena, const json_t *row, struct revision *out)
{
    const json_t *labels = json_object_get(row, "Labels");
    const char **texts = arena_calloc(arena, json_array_size(labels) + 1, sizeof *texts);
    size_t i;
    json_t *label;
    json_array_foreach(labels, i, label)
    {
        if (json_is_string(label))
            texts[out->label_count++] = arena_strdup(arena, json_string_value(label));
    }
    if (out->label_count)
        qsort(texts, out->label_count, sizeof *texts, order_texts);
    out->labels = texts;
}

static int history_page(const json_t *page, void *arg, struct error *err)
{
    struct reading *reading = arg;
    struct arena *arena = reading->ctx->arena;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(page, "Parameters"), i, row)
    {
        struct resource resource;
        const json_t *value = json_object_get(row, "Value");
        if (reading->count == SSM_KEPT_VERSIONS || !json_is_string(value))
            return error_set(err, ERR_UNSUPPORTED,
                             "GetParameterHistory: more than %d versions, or "
                             "one without a value",
                             SSM_KEPT_VERSIONS);
        if (ssm_from_metadata(arena, row, &resource, err) != 0)
            return -1;
        struct revision *out = &reading->rows[reading->count++];
        resource_copy(&resource_ssm_parameter, arena, &resource, &out->resource);
        out->resource.value_len = json_string_length(value);
        out->resource.value =
            arena_strndup(arena, json_string_value(value), out->resource.value_len);
        take_labels(arena, row, out);
    }
    return 0;
}

int ssm_read_history(struct resource_ctx *ctx, const char *name, struct revision **out,
                     size_t *count, struct error *err)
{
    struct reading reading = {.ctx = ctx,
                              .rows = arena_calloc(ctx->arena, SSM_KEPT_VERSIONS,
                                                   sizeof *reading.rows)};
    struct aws_client *client =
        session_client(ctx->session, &service_ssm, ctx->region, ctx->read_only, err);
    json_t *in = json_pack("{s:s, s:b, s:i}", "Name", name, "WithDecryption", 1, "MaxResults",
                           (int)SSM_HISTORY_PAGE);
    int result = client ? aws_pages(client, ctx->arena, &operation_ssm_get_parameter_history, in,
                                    history_page, &reading, err)
                        : -1;
    json_decref(in);
    if (result != 0)
        return error_context(err, "read the versions of %s in %s", name, ctx->region);
    *out = reading.rows;
    *count = reading.count;
    return 0;
}

static int label_call(struct resource_ctx *ctx, const struct aws_operation *operation,
                      const char *name, int64_t version, const char *const *labels, size_t count,
                      size_t *refused, struct error *err)
{
    json_t *list = json_array(), *out = NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(labels[i]));
    json_t *in = json_pack("{s:s, s:I, s:o}", "Name", name, "ParameterVersion", (json_int_t)version,
                           "Labels", list);
    int result = resource_call(ctx, operation, in, &out, err);
    json_decref(in);
    *refused = json_array_size(json_object_get(out, "InvalidLabels"));
    json_decref(out);
    return result;
}

static int label_context(struct error *err, const struct resource_ctx *ctx, const char *name,
                         int64_t version)
{
    return error_context(err, "label version %lld of %s in %s", (long long)version, name,
                         ctx->region);
}

int ssm_put_labels(struct resource_ctx *ctx, const char *name, int64_t version,
                   const char *const *labels, size_t count, struct error *err)
{
    size_t refused;
    int result = label_call(ctx, &operation_ssm_label_parameter_version, name, version, labels,
                            count, &refused, err);
    if (result == 0 && refused)
        result = error_set(err, ERR_INVALID, "%zu labels were not taken", refused);
    return result == 0 ? 0 : label_context(err, ctx, name, version);
}

int ssm_take_labels(struct resource_ctx *ctx, const char *name, int64_t version,
                    const char *const *labels, size_t count, struct error *err)
{
    size_t gone; /* were not there: another run, of another event of the same change, was faster */
    return label_call(ctx, &operation_ssm_unlabel_parameter_version, name, version, labels, count,
                      &gone, err) == 0
               ? 0
               : label_context(err, ctx, name, version);
}
