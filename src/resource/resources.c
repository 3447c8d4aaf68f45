#include "resource/resource.h"

#include "client/client.h"

#include <string.h>

const struct resource_kind *const resource_kinds[] = {
    &resource_kms_key, /* what is encrypted wants its key first */
    &resource_ssm_parameter,
    NULL,
};

const struct resource_kind *resource_kind_named(const char *name)
{
    for (size_t i = 0; resource_kinds[i]; i++)
        if (strcmp(resource_kinds[i]->name, name) == 0)
            return resource_kinds[i];
    return NULL;
}

int resource_call(struct resource_ctx *ctx, const struct aws_operation *operation, const json_t *in,
                  json_t **out, struct error *err)
{
    struct aws_client *client =
        session_client(ctx->session, operation->service, ctx->region, ctx->read_only, err);
    return client ? aws_call(client, ctx->arena, operation, in, out, err) : -1;
}
