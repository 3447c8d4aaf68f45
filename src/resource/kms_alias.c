/* AWS::KMS::Alias, as far as the other kinds need it: which key an alias stands for. */
#include "resource/kms_alias.h"

#include "aws/arn.h"
#include "base/json.h"
#include "resource/services.h"

enum { ALIASES_PAGE = 100, PAGES_MOST = 1000 };

int kms_list_aliases(struct resource_ctx *ctx, resource_key_fn *each, void *arg, struct error *err)
{
    json_t *out = NULL;
    for (int page = 0; page < PAGES_MOST; page++) {
        json_t *in = json_pack("{s:i}", "Limit", (int)ALIASES_PAGE);
        const char *marker = json_text(out, "NextMarker");
        if (marker)
            json_object_set_new(in, "Marker", json_string(marker));
        json_decref(out);
        out = NULL;
        int result = resource_call(ctx, &operation_kms_list_aliases, in, &out, err);
        json_decref(in);
        if (result != 0)
            return error_context(err, "list the aliases of keys in %s", ctx->region);
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(out, "Aliases"), i, row)
        {
            const char *alias = json_text(row, "AliasName"), *id = json_text(row, "TargetKeyId");
            /* AWS's own aliases stand for no key until the service made it. */
            if (alias && id && (result = each(alias, id, arg, err)) != 0)
                break;
        }
        if (result != 0 || !json_bool_or(out, "Truncated", false)) {
            json_decref(out);
            return result;
        }
    }
    json_decref(out);
    return error_set(err, ERR_LIMIT, "%s has more than %d aliases", ctx->region,
                     PAGES_MOST * ALIASES_PAGE);
}
